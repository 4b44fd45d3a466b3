/* Many actors that start, fail, are killed, linked, watched and asked, in every home: whoever lives to the
 * end has heard exactly one answer for each ask and exactly one DOWN for each actor that it watched. */
#include "include/actant/actor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GO = ACTANT_TYPE_USER, WORK, QUESTION, FAIL, EXIT, PASS_ON };
enum { AUDITORS = 4, VICTIMS = 40, ROUNDS = 25 };

/* What an auditor asked and watched, and what it heard. */
struct audit {
    struct actant_system *system;
    enum actant_home home;
    uint64_t random;
    int rounds;
    int asked, answered;
    int watched, downs;
    struct actant_ref victims[VICTIMS];
    uint8_t answers[VICTIMS * ROUNDS]; /* by tag */
    struct actant_ref seen_down[VICTIMS * ROUNDS];
    bool finished;
};

static _Atomic int living;

static uint64_t
draw(uint64_t *random, uint64_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (*random >> 33) % below;
}

/* ---- victims --------------------------------------------------------------------------------------- */

struct victim {
    struct actant_reply_handle kept;
    struct actant_ref child;
};

static const struct actant_class victim_class;

static int
victim_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    struct victim *victim = state;
    int depth;

    assert_int_equal(size, sizeof(depth));
    memcpy(&depth, args, size);
    if (depth < 0) {
        return actant_raise(context, 3, NULL, "not today");
    }
    atomic_fetch_add(&living, 1);
    if (depth > 0) {
        depth--;
        struct actant_spawn spawn = {.actor = &victim_class,
                                     .args = &depth,
                                     .args_size = sizeof(depth),
                                     .home = depth % 2 ? ACTANT_POOL : ACTANT_LOOP};
        enum actant_code code = actant_spawn_child(context, &spawn, &victim->child);
        assert_true(code == ACTANT_OK || code == ACTANT_CLOSED);
    }
    return 0;
}

static int
victim_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct victim *victim = state;
    uint64_t random = (uint64_t)actant_self(context).v + message->tag + message->type;
    struct actant_ref other;

    switch (message->type) {
    case WORK: break;
    case QUESTION:
        switch (draw(&random, 4)) {
        case 0: actant_reply(context, "yes", 3); break;
        case 1: victim->kept = actant_reply_later(context); break;
        case 2: actant_forward(context, victim->child); break;
        default: return actant_raise(context, 9, NULL, "a question too many");
        }
        break;
    case PASS_ON:
        memcpy(&other, message->data, sizeof(other));
        actant_link(context, other);
        if (victim->kept.to.v != 0) {
            actant_reply_to(context, victim->kept, ACTANT_OK, "late", 4);
        }
        break;
    case FAIL: return actant_raise(context, 1, NULL, "told to");
    case EXIT: actant_exit(context); break;
    default: break;
    }
    return 0;
}

static enum actant_verdict
victim_panic(struct actant_context *context, void *state, const struct actant_error *error)
{
    (void)context;
    (void)state;
    return error->code == 9 ? ACTANT_CONTINUE : ACTANT_STOP;
}

static void
victim_stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    (void)context;
    (void)state;
    assert_true(reason->kind != ACTANT_STOP_START);
    atomic_fetch_sub(&living, 1);
}

static const struct actant_class victim_class = {.name = "victim",
                                                 .state_size = sizeof(struct victim),
                                                 .start = victim_start,
                                                 .handle = victim_handle,
                                                 .panic = victim_panic,
                                                 .stop = victim_stop};

/* ---- auditors ------------------------------------------------------------------------------------- */

static void
fresh_victim(struct actant_context *context, struct audit *audit, size_t i)
{
    int depth = (int)draw(&audit->random, 4) - (draw(&audit->random, 10) == 0 ? 4 : 0);
    struct actant_spawn spawn = {.actor = &victim_class,
                                 .args = &depth,
                                 .args_size = sizeof(depth),
                                 .home = draw(&audit->random, 2) ? ACTANT_POOL : ACTANT_LOOP,
                                 .mailbox_max = (uint32_t)draw(&audit->random, 6),
                                 .overflow = (enum actant_overflow)draw(&audit->random, 4)};

    assert_int_equal(actant_spawn(audit->system, &spawn, &audit->victims[i]), ACTANT_OK);
    actant_monitor(context, audit->victims[i]);
    audit->watched++;
}

static void
torment(struct actant_context *context, struct audit *audit, size_t i)
{
    struct actant_ref victim = audit->victims[i];
    struct actant_ref other = audit->victims[draw(&audit->random, VICTIMS)];

    actant_ask(context, victim, QUESTION, NULL, 0, draw(&audit->random, 2) ? 5 : 50,
               (uint64_t)audit->asked++);
    switch (draw(&audit->random, 12)) {
    case 0: actant_kill(audit->system, victim); break;
    case 1: actant_stop(audit->system, victim); break;
    case 2: actant_send(context, victim, FAIL, NULL, 0, ACTANT_URGENT); break;
    case 3: actant_send(context, victim, EXIT, NULL, 0, ACTANT_LAZY); break;
    case 4: actant_send(context, victim, PASS_ON, &other, sizeof(other), ACTANT_NORMAL); break;
    default: actant_send(context, victim, WORK, NULL, 0, ACTANT_NORMAL); break;
    }
    actant_unmonitor(context, other);
    actant_monitor(context, other);
}

static void
round_of(struct actant_context *context, struct audit *audit)
{
    for (size_t i = 0; i < VICTIMS; i++) {
        if (!actant_is_alive(audit->system, audit->victims[i])) {
            continue;
        }
        torment(context, audit, i);
    }
    if (audit->rounds-- > 0) {
        actant_timer_start(context, 1, 0, 0);
        return;
    }
    for (size_t i = 0; i < VICTIMS; i++) {
        actant_kill(audit->system, audit->victims[i]);
    }
    audit->finished = true;
}

static void
hear_down(struct actant_context *context, struct audit *audit, const struct actant_message *message)
{
    for (int i = 0; i < audit->downs; i++) {
        assert_false(actant_same(audit->seen_down[i], message->from));
    }
    audit->seen_down[audit->downs++] = message->from;
    for (size_t i = 0; i < VICTIMS; i++) {
        if (actant_same(audit->victims[i], message->from) && !audit->finished &&
            audit->watched < VICTIMS * ROUNDS) {
            fresh_victim(context, audit, i);
        }
    }
}

static int
auditor_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct audit *audit = *(struct audit **)state;

    switch (message->type) {
    case GO:
        for (size_t i = 0; i < VICTIMS; i++) {
            fresh_victim(context, audit, i);
        }
        actant_timer_start(context, 0, 0, 0);
        break;
    case ACTANT_TYPE_TIMER: round_of(context, audit); break;
    case ACTANT_TYPE_REPLY:
        assert_int_equal(audit->answers[message->tag]++, 0);
        audit->answered++;
        break;
    case ACTANT_TYPE_DOWN: hear_down(context, audit, message); break;
    default: fail();
    }
    return 0;
}

static int
auditor_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    memcpy(state, args, size);
    return 0;
}

static const struct actant_class auditor_class = {.name = "auditor",
                                                  .state_size = sizeof(struct audit *),
                                                  .start = auditor_start,
                                                  .handle = auditor_handle};

static void
stress(const struct actant_options *options, uint64_t seed)
{
    struct actant_system *system = actant_system_create(options);
    struct audit *audits = calloc(AUDITORS, sizeof(*audits));

    atomic_store(&living, 0);
    for (int i = 0; i < AUDITORS; i++) {
        struct audit *audit = &audits[i];
        struct actant_ref ref;
        *audit = (struct audit){
            .system = system, .random = seed * 31 + (uint64_t)i, .rounds = ROUNDS - 1};
        struct actant_spawn spawn = {.actor = &auditor_class,
                                     .args = &audit,
                                     .args_size = sizeof(audit),
                                     .home = i % 2 ? ACTANT_POOL : ACTANT_LOOP};
        assert_int_equal(actant_spawn(system, &spawn, &ref), ACTANT_OK);
        assert_int_equal(actant_tell(system, ref, GO, NULL, 0), ACTANT_OK);
    }
    actant_system_run(system, true);
    for (int i = 0; i < AUDITORS; i++) {
        assert_true(audits[i].finished);
        assert_true(audits[i].asked > 100);
        assert_int_equal(audits[i].asked, audits[i].answered);
        assert_int_equal(audits[i].watched, audits[i].downs);
    }
    assert_int_equal(atomic_load(&living), 0);
    actant_system_destroy(system);
    free(audits);
}

static void
nothing_is_lost_in_the_simulator(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        stress(&(struct actant_options){.seeded = true, .seed = seed}, seed);
    }
}

static void
nothing_is_lost_on_the_loop(void **state)
{
    (void)state;
    stress(&(struct actant_options){.threads = 0}, 1);
}

static void
nothing_is_lost_in_the_pool(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads < 5; threads++) {
        stress(&(struct actant_options){.threads = threads}, threads);
    }
}

/* The system goes down in the middle of it. */
static void
a_shutdown_stops_everybody(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 5; threads++) {
        struct actant_options options = {.threads = threads};
        struct actant_system *system = actant_system_create(&options);
        int depth = 20;
        struct actant_spawn spawn = {.actor = &victim_class,
                                     .args = &depth,
                                     .args_size = sizeof(depth),
                                     .home = ACTANT_POOL};
        atomic_store(&living, 0);
        for (int i = 0; i < 50; i++) {
            struct actant_ref ref;
            assert_int_equal(actant_spawn(system, &spawn, &ref), ACTANT_OK);
            actant_tell(system, ref, WORK, NULL, 0);
        }
        actant_system_turn(system, 100);
        actant_system_destroy(system);
        assert_int_equal(atomic_load(&living), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_in_the_simulator),
        cmocka_unit_test(nothing_is_lost_on_the_loop),
        cmocka_unit_test(nothing_is_lost_in_the_pool),
        cmocka_unit_test(a_shutdown_stops_everybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
