/* Full mailboxes: each rule, towards actors and threads, on the loop and in the pool. */
#include "include/actant/actor.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { NUMBER = ACTANT_TYPE_USER, GATE, PUSH, NEXT };

/* A sink whose first message (GATE) stays in its step until it is let go. */
struct sink {
    _Atomic bool entered, open;
    _Atomic int count;
    int seen[4096];
};

static void
nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

static int
sink_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    memcpy(state, args, size);
    return 0;
}

static int
sink_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct sink *sink = *(struct sink **)state;
    int value;

    (void)context;
    if (message->type == GATE) {
        atomic_store(&sink->entered, true);
        while (!atomic_load(&sink->open)) {
            nap();
        }
        return 0;
    }
    memcpy(&value, message->data, sizeof(value));
    sink->seen[atomic_load(&sink->count)] = value;
    atomic_fetch_add(&sink->count, 1); /* after it: who sees the count sees the value */
    return 0;
}

static const struct actant_class sink_class = {.name = "sink",
                                               .state_size = sizeof(struct sink *),
                                               .start = sink_start,
                                               .handle = sink_handle};

static struct actant_ref
spawn_sink(struct actant_system *system, struct sink *sink, enum actant_home home, uint32_t max,
           enum actant_overflow overflow)
{
    struct actant_spawn spawn = {.actor = &sink_class,
                                 .args = &sink,
                                 .args_size = sizeof(sink),
                                 .home = home,
                                 .mailbox_max = max,
                                 .overflow = overflow};
    struct actant_ref ref;

    assert_int_equal(actant_spawn(system, &spawn, &ref), ACTANT_OK);
    return ref;
}

static enum actant_code
tell(struct actant_system *system, struct actant_ref ref, int value)
{
    return actant_tell(system, ref, NUMBER, &value, sizeof(value));
}

static void
wait_for(_Atomic int *count, int value)
{
    for (int i = 0; i < 300000 && atomic_load(count) < value; i++) {
        nap();
    }
    assert_int_equal(atomic_load(count), value);
}

/* The sink is in its step, its mailbox is empty. */
static void
shut_gate(struct actant_system *system, struct actant_ref ref, struct sink *sink)
{
    assert_int_equal(actant_tell(system, ref, GATE, NULL, 0), ACTANT_OK);
    while (!atomic_load(&sink->entered)) {
        nap();
    }
}

static struct actant_metrics
metrics(struct actant_system *system, struct actant_ref ref)
{
    struct actant_metrics ret;

    assert_int_equal(actant_metrics(system, ref, &ret), ACTANT_OK);
    return ret;
}

/* ---- the rules, with the receiver on the loop (not turned) or in the pool (behind its gate) --------- */

struct case_of {
    enum actant_overflow overflow;
    enum actant_code code; /* of the tell that finds it full */
    int first;             /* of what is seen */
    uint64_t dropped;
};

static void
check_rule(const struct case_of *expected, enum actant_home home)
{
    struct actant_options options = {.threads = home == ACTANT_POOL ? 2 : 0};
    struct actant_system *system = actant_system_create(&options);
    struct sink *sink = calloc(1, sizeof(*sink));
    struct actant_ref ref = spawn_sink(system, sink, home, 5, expected->overflow);

    if (home == ACTANT_POOL) {
        shut_gate(system, ref, sink);
    }
    for (int i = 0; i < 12; i++) {
        assert_int_equal(tell(system, ref, i), i < 5 ? ACTANT_OK : expected->code);
    }
    atomic_store(&sink->open, true);
    actant_system_run(system, true);
    assert_int_equal(sink->count, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sink->seen[i], expected->first + i);
    }
    assert_int_equal(metrics(system, ref).dropped, expected->dropped);
    /* There is room again. */
    assert_int_equal(tell(system, ref, 99), ACTANT_OK);
    actant_system_run(system, true);
    assert_int_equal(sink->seen[5], 99);
    actant_system_destroy(system);
    free(sink);
}

static void
each_rule_keeps_what_it_says(void **state)
{
    static const struct case_of cases[] = {
        {ACTANT_FAIL, ACTANT_FULL, 0, 0},
        {ACTANT_DROP_NEWEST, ACTANT_OK, 0, 7},
        {ACTANT_DROP_OLDEST, ACTANT_OK, 7, 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_rule(&cases[i], ACTANT_LOOP);
        check_rule(&cases[i], ACTANT_POOL);
    }
}

/* ---- a thread that tells waits --------------------------------------------------------------------- */

struct teller {
    struct actant_system *system;
    struct actant_ref to;
    _Atomic int told;
};

static void *
tell_many(void *self)
{
    struct teller *teller = self;

    for (int i = 0; i < 1000; i++) {
        if (tell(teller->system, teller->to, i) == ACTANT_OK) {
            atomic_fetch_add(&teller->told, 1);
        }
    }
    return NULL;
}

static void
a_thread_waits_for_room_in_the_pool(void **state)
{
    struct actant_system *system = actant_system_create(&(struct actant_options){.threads = 1});
    struct sink *sink = calloc(1, sizeof(*sink));
    struct actant_ref ref = spawn_sink(system, sink, ACTANT_POOL, 8, ACTANT_BLOCK);
    struct teller teller = {.system = system, .to = ref};
    pthread_t thread;

    (void)state;
    shut_gate(system, ref, sink);
    pthread_create(&thread, NULL, tell_many, &teller);
    wait_for(&teller.told, 8);
    nap();
    assert_int_equal(atomic_load(&teller.told), 8); /* and no more, while nothing is taken */
    atomic_store(&sink->open, true);
    pthread_join(thread, NULL);
    assert_int_equal(teller.told, 1000);
    wait_for(&sink->count, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(sink->seen[i], i);
    }
    assert_true(metrics(system, ref).waiting_max <= 8);
    actant_system_destroy(system);
    free(sink);
}

static void
a_thread_waits_for_room_on_the_loop(void **state)
{
    struct actant_system *system = actant_system_create(NULL);
    struct sink *sink = calloc(1, sizeof(*sink));
    struct actant_ref ref = spawn_sink(system, sink, ACTANT_LOOP, 8, ACTANT_BLOCK);
    struct teller teller = {.system = system, .to = ref};
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, tell_many, &teller);
    while (sink->count < 1000) {
        actant_system_turn(system, 0);
    }
    pthread_join(thread, NULL);
    assert_true(metrics(system, ref).waiting_max <= 8);
    /* The loop's own thread turns instead of waiting for itself. */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tell(system, ref, i), ACTANT_OK);
    }
    actant_system_run(system, true);
    assert_int_equal(sink->count, 1100);
    actant_system_destroy(system);
    free(sink);
}

static void *
tell_once(void *self)
{
    struct teller *teller = self;

    if (tell(teller->system, teller->to, 1) == ACTANT_GONE) {
        atomic_store(&teller->told, 1);
    }
    return NULL;
}

/* GONE, unless the thread told so late that it found the mailbox of the dead one empty. */
static enum actant_code
tell_to_one_that_ends(void)
{
    struct actant_system *system = actant_system_create(&(struct actant_options){.threads = 1});
    struct sink *sink = calloc(1, sizeof(*sink));
    struct actant_ref ref = spawn_sink(system, sink, ACTANT_POOL, 1, ACTANT_BLOCK);
    struct teller teller = {.system = system, .to = ref};
    pthread_t thread;

    shut_gate(system, ref, sink);
    assert_int_equal(tell(system, ref, 0), ACTANT_OK);
    pthread_create(&thread, NULL, tell_once, &teller);
    nap();
    actant_kill(system, ref);
    atomic_store(&sink->open, true);
    pthread_join(thread, NULL);
    assert_int_equal(sink->count, 0);
    actant_system_destroy(system);
    free(sink);
    return teller.told ? ACTANT_GONE : ACTANT_OK;
}

static void
a_thread_that_waits_hears_of_the_end(void **state)
{
    int gone = 0;

    (void)state;
    for (int i = 0; i < 200 && gone < 5; i++) {
        gone += tell_to_one_that_ends() == ACTANT_GONE;
    }
    assert_int_equal(gone, 5);
}

/* ---- the loop's thread waits, and another thread of the pool is busy all the while ---------------------- */

static atomic_bool busy, let_go, gave_up;

/* Until it is let go, or after a minute. */
static int
busy_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    (void)context;
    (void)state;
    (void)message;
    atomic_store(&busy, true);
    for (int i = 0; i < 300000 && !atomic_load(&let_go); i++) {
        nap();
    }
    atomic_store(&gave_up, !atomic_load(&let_go));
    return 0;
}

static const struct actant_class busy_class = {.name = "busy", .handle = busy_handle};

/* So long that the loop's thread sleeps by then. */
static int
slow_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    (void)context;
    (void)state;
    (void)message;
    for (int i = 0; i < 20; i++) {
        nap();
    }
    return 0;
}

static const struct actant_class slow_class = {.name = "slow", .handle = slow_handle};

static void
the_loops_thread_waits_for_no_other(void **state)
{
    struct actant_system *system = actant_system_create(&(struct actant_options){.threads = 3});
    const struct actant_spawn one = {.actor = &busy_class, .home = ACTANT_POOL};
    const struct actant_spawn two = {
        .actor = &slow_class, .home = ACTANT_POOL, .mailbox_max = 1, .overflow = ACTANT_BLOCK};
    struct actant_ref other, slow;

    (void)state;
    assert_int_equal(actant_spawn(system, &one, &other), ACTANT_OK);
    assert_int_equal(actant_spawn(system, &two, &slow), ACTANT_OK);
    assert_int_equal(actant_tell(system, other, GATE, NULL, 0), ACTANT_OK);
    while (!atomic_load(&busy)) {
        nap();
    }
    for (int i = 0; i < 10; i++) { /* for room */
        assert_int_equal(actant_tell(system, slow, NEXT, NULL, 0), ACTANT_OK);
    }
    /* for an answer */
    assert_int_equal(actant_ask_wait(system, slow, NEXT, NULL, 0, -1, NULL, 0, NULL), ACTANT_OK);
    atomic_store(&let_go, true);
    actant_system_run(system, true);
    assert_false(atomic_load(&gave_up));
    actant_system_destroy(system);
}

/* ---- an actor that tells is held back --------------------------------------------------------------- */

struct pusher {
    struct actant_ref to;
    int left, each;
};

static int
pusher_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct pusher *pusher = state;

    if (message->type == PUSH) {
        memcpy(pusher, message->data, sizeof(*pusher));
    }
    for (int i = 0; i < pusher->each && pusher->left > 0; i++) {
        int value = pusher->left--;
        assert_int_equal(
            actant_send(context, pusher->to, NUMBER, &value, sizeof(value), ACTANT_NORMAL),
            ACTANT_OK);
    }
    if (pusher->left > 0) {
        actant_send(context, actant_self(context), NEXT, NULL, 0, ACTANT_NORMAL);
    }
    return 0;
}

static const struct actant_class pusher_class = {
    .name = "pusher", .state_size = sizeof(struct pusher), .handle = pusher_handle};

static void
check_held(enum actant_home home, bool seeded, uint64_t seed)
{
    struct actant_options options = {
        .threads = home == ACTANT_POOL ? 3 : 0, .seeded = seeded, .seed = seed};
    struct actant_system *system = actant_system_create(&options);
    struct sink *sink = calloc(1, sizeof(*sink));
    struct actant_ref ref = spawn_sink(system, sink, home, 10, ACTANT_BLOCK);
    struct actant_spawn spawn = {.actor = &pusher_class, .home = home};

    for (int i = 0; i < 4; i++) {
        struct actant_ref from;
        struct pusher pusher = {ref, 500, 3};
        assert_int_equal(actant_spawn(system, &spawn, &from), ACTANT_OK);
        assert_int_equal(actant_tell(system, from, PUSH, &pusher, sizeof(pusher)), ACTANT_OK);
    }
    actant_system_run(system, true);
    assert_int_equal(sink->count, 2000);
    /* Each of the four goes beyond by at most a step. */
    assert_true(metrics(system, ref).waiting_max <= 10 + 4 * 3);
    assert_int_equal(metrics(system, ref).dropped, 0);
    actant_system_destroy(system);
    free(sink);
}

static void
an_actor_that_sends_is_held_back(void **state)
{
    (void)state;
    check_held(ACTANT_LOOP, false, 0);
    for (int i = 0; i < 100; i++) {
        check_held(ACTANT_POOL, false, 0);
    }
    for (uint64_t seed = 0; seed < 50; seed++) {
        check_held(ACTANT_LOOP, true, seed);
    }
}

/* ---- a ring of full mailboxes does not lock up ------------------------------------------------------- */

#define RING 5

struct node {
    struct actant_ref next;
    _Atomic int *handled;
};

static int
node_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct node *node = state;
    int left;

    if (message->type == PUSH) {
        memcpy(node, message->data, sizeof(*node));
        return 0;
    }
    memcpy(&left, message->data, sizeof(left));
    atomic_fetch_add(node->handled, 1);
    for (int i = 0; i < 2 && left > 0; i++) {
        int less = left - 1;
        actant_send(context, node->next, NUMBER, &less, sizeof(less), ACTANT_NORMAL);
    }
    return 0;
}

static const struct actant_class node_class = {
    .name = "node", .state_size = sizeof(struct node), .handle = node_handle};

static void
check_ring(enum actant_home home, bool seeded, uint64_t seed)
{
    struct actant_options options = {
        .threads = home == ACTANT_POOL ? 4 : 0, .seeded = seeded, .seed = seed};
    struct actant_system *system = actant_system_create(&options);
    struct actant_spawn spawn = {
        .actor = &node_class, .home = home, .mailbox_max = 4, .overflow = ACTANT_BLOCK};
    struct actant_ref refs[RING];
    _Atomic int handled = 0;
    int depth = 10;

    for (int i = 0; i < RING; i++) {
        assert_int_equal(actant_spawn(system, &spawn, &refs[i]), ACTANT_OK);
    }
    for (int i = 0; i < RING; i++) {
        struct node node = {refs[(i + 1) % RING], &handled};
        actant_tell(system, refs[i], PUSH, &node, sizeof(node));
    }
    for (int i = 0; i < RING; i++) {
        actant_tell(system, refs[i], NUMBER, &depth, sizeof(depth));
    }
    actant_system_run(system, true);
    assert_int_equal(handled, RING * ((1 << (depth + 1)) - 1));
    actant_system_destroy(system);
}

static void
a_ring_of_full_mailboxes_goes_on(void **state)
{
    (void)state;
    check_ring(ACTANT_LOOP, false, 0);
    check_ring(ACTANT_POOL, false, 0);
    for (uint64_t seed = 0; seed < 50; seed++) {
        check_ring(ACTANT_LOOP, true, seed);
    }
}

/* ---- a flood of the rule that drops the oldest --------------------------------------------------------- */

static void
a_flood_takes_no_memory(void **state)
{
    struct actant_system *system = actant_system_create(&(struct actant_options){.threads = 1});
    struct sink *sink = calloc(1, sizeof(*sink));
    struct actant_ref ref = spawn_sink(system, sink, ACTANT_POOL, 10, ACTANT_DROP_OLDEST);

    (void)state;
    shut_gate(system, ref, sink);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(tell(system, ref, i), ACTANT_OK);
    }
    /* Most of them are gone already, though the receiver has not moved. */
    assert_true(metrics(system, ref).dropped >= 20000 - 2 * 10);
    atomic_store(&sink->open, true);
    wait_for(&sink->count, 10);
    assert_int_equal(sink->seen[0], 20000 - 10);
    assert_int_equal(sink->seen[9], 20000 - 1);
    actant_system_destroy(system);
    free(sink);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_keeps_what_it_says),
        cmocka_unit_test(a_thread_waits_for_room_in_the_pool),
        cmocka_unit_test(a_thread_waits_for_room_on_the_loop),
        cmocka_unit_test(a_thread_that_waits_hears_of_the_end),
        cmocka_unit_test(the_loops_thread_waits_for_no_other),
        cmocka_unit_test(an_actor_that_sends_is_held_back),
        cmocka_unit_test(a_ring_of_full_mailboxes_goes_on),
        cmocka_unit_test(a_flood_takes_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
