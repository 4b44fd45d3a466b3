/* The same actors in every home: the loop, a pool of one, of four, and the simulator with many seeds. What
 * they do may differ in order, never in outcome. */
#include "include/actant/actor.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GO = ACTANT_TYPE_USER, NUMBER, QUESTION, DIE, HOLD, LATER };

struct home {
    const char *name;
    unsigned threads;
    bool seeded;
    uint64_t seed;
};

static struct actant_system *
make(const struct home *home)
{
    struct actant_options options = {
        .threads = home->threads, .seeded = home->seeded, .seed = home->seed};
    struct actant_system *system = actant_system_create(&options);

    assert_non_null(system);
    return system;
}

/* Runs test in every home. */
static void
everywhere(void (*test)(const struct home *home))
{
    static const struct home homes[] = {
        {.name = "loop"}, {.name = "pool of 1", .threads = 1}, {.name = "pool of 4", .threads = 4}};

    for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
        test(&homes[i]);
    }
    for (uint64_t seed = 0; seed < 100; seed++) {
        test(&(struct home){.name = "seeded", .seeded = true, .seed = seed});
    }
}

static enum actant_home
home_of(const struct home *home)
{
    return home->threads > 0 ? ACTANT_POOL : ACTANT_LOOP;
}

static struct actant_ref
spawn(struct actant_system *system, const struct home *home, const struct actant_class *actor,
      const void *args, size_t size)
{
    struct actant_spawn spawn = {
        .actor = actor, .home = home_of(home), .args = args, .args_size = size};
    struct actant_ref ref;

    assert_int_equal(actant_spawn(system, &spawn, &ref), ACTANT_OK);
    return ref;
}

/* ---- a ring: each passes a number on, one less ---------------------------------------------------- */

#define RING 50
#define ROUNDS 200

struct ring {
    struct actant_ref next;
    _Atomic uint64_t *passed;
};

static int
ring_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct ring *ring = state;
    int left;

    if (message->type == GO) {
        memcpy(ring, message->data, sizeof(*ring));
        return 0;
    }
    memcpy(&left, message->data, sizeof(left));
    atomic_fetch_add(ring->passed, 1);
    if (left > 0) {
        left--;
        assert_int_equal(
            actant_send(context, ring->next, NUMBER, &left, sizeof(left), ACTANT_NORMAL),
            ACTANT_OK);
    }
    return 0;
}

static const struct actant_class ring_class = {
    .name = "ring", .state_size = sizeof(struct ring), .handle = ring_handle};

static void
ring_on(const struct home *home)
{
    struct actant_system *system = make(home);
    struct actant_ref refs[RING];
    _Atomic uint64_t passed = 0;
    int left = RING * ROUNDS - 1;

    for (int i = 0; i < RING; i++) {
        refs[i] = spawn(system, home, &ring_class, NULL, 0);
    }
    for (int i = 0; i < RING; i++) {
        struct ring ring = {refs[(i + 1) % RING], &passed};
        actant_tell(system, refs[i], GO, &ring, sizeof(ring));
    }
    actant_tell(system, refs[0], NUMBER, &left, sizeof(left));
    actant_tell(system, refs[7], NUMBER, &left, sizeof(left));
    actant_system_run(system, true);
    assert_int_equal(atomic_load(&passed), 2 * RING * ROUNDS);
    actant_system_destroy(system);
}

static void
a_ring_passes_everything_on(void **state)
{
    (void)state;
    everywhere(ring_on);
}

/* ---- order between two, one at a time ------------------------------------------------------------ */

#define SENDERS 8
#define EACH 500

struct number {
    int sender, value;
};
struct sink {
    int last[SENDERS];
    _Atomic int inside;
    uint64_t count;
};
struct sender {
    struct actant_ref sink;
    int id;
};

static struct sink *the_sink;

static int
sink_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct sink *sink = *(struct sink **)state;
    struct number number;

    (void)context;
    assert_int_equal(atomic_fetch_add(&sink->inside, 1), 0);
    memcpy(&number, message->data, sizeof(number));
    assert_int_equal(number.value, sink->last[number.sender] + 1);
    sink->last[number.sender] = number.value;
    sink->count++;
    atomic_fetch_sub(&sink->inside, 1);
    return 0;
}

static int
sink_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    memcpy(state, args, size);
    return 0;
}

static const struct actant_class sink_class = {.name = "sink",
                                               .state_size = sizeof(struct sink *),
                                               .start = sink_start,
                                               .handle = sink_handle};

static int
sender_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct sender sender;

    (void)state;
    memcpy(&sender, message->data, sizeof(sender));
    for (int i = 1; i <= EACH; i++) {
        struct number number = {sender.id, i};
        assert_int_equal(
            actant_send(context, sender.sink, NUMBER, &number, sizeof(number), ACTANT_NORMAL),
            ACTANT_OK);
    }
    return 0;
}

static const struct actant_class sender_class = {.name = "sender", .handle = sender_handle};

static void
order_on(const struct home *home)
{
    struct actant_system *system = make(home);
    struct sink sink = {.count = 0};

    the_sink = &sink;
    struct actant_ref ref = spawn(system, home, &sink_class, &the_sink, sizeof(the_sink));
    for (int i = 0; i < SENDERS; i++) {
        struct sender sender = {ref, i};
        struct actant_ref from = spawn(system, home, &sender_class, NULL, 0);
        actant_tell(system, from, GO, &sender, sizeof(sender));
    }
    actant_system_run(system, true);
    assert_int_equal(sink.count, SENDERS * EACH);
    actant_system_destroy(system);
}

static void
messages_of_one_sender_keep_their_order(void **state)
{
    (void)state;
    everywhere(order_on);
}

/* ---- ask ----------------------------------------------------------------------------------------- */

struct tally {
    _Atomic int answered, gone, timed_out, failed, downs;
    struct actant_ref other;
};

static int
answer_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    int value;
    struct actant_reply_handle *kept = state;

    switch (message->type) {
    case QUESTION:
        assert_true(message->wants_reply);
        memcpy(&value, message->data, sizeof(value));
        if (value == 13) {
            int data = 99;
            return actant_raise(context, 5, &data, "unlucky");
        }
        value *= 2;
        actant_reply(context, &value, sizeof(value));
        actant_reply(context, &value, sizeof(value)); /* once is enough */
        break;
    case LATER: *kept = actant_reply_later(context); break;
    case HOLD:
        value = 7;
        actant_reply_to(context, *kept, ACTANT_OK, &value, sizeof(value));
        actant_reply_to(context, *kept, ACTANT_OK, &value, sizeof(value));
        break;
    case DIE: actant_exit(context); break;
    default: fail();
    }
    return 0;
}

static enum actant_verdict
go_on(struct actant_context *context, void *state, const struct actant_error *error)
{
    (void)context;
    (void)state;
    assert_int_equal(error->code, 5);
    return ACTANT_CONTINUE;
}

static const struct actant_class answer_class = {.name = "answer",
                                                 .state_size = sizeof(struct actant_reply_handle),
                                                 .error_size = sizeof(int),
                                                 .handle = answer_handle,
                                                 .panic = go_on};

static void
count_reply(struct tally *tally, const struct actant_message *message)
{
    const struct actant_reason *reason = message->data;
    int value;

    switch (message->code) {
    case ACTANT_OK:
        memcpy(&value, message->data, sizeof(value));
        assert_int_equal((uint64_t)value, message->tag * 2);
        atomic_fetch_add(&tally->answered, 1);
        break;
    case ACTANT_GONE: atomic_fetch_add(&tally->gone, 1); break;
    case ACTANT_TIMEOUT: atomic_fetch_add(&tally->timed_out, 1); break;
    case ACTANT_FAILED:
        assert_int_equal(reason->error.code, 5);
        assert_int_equal(*(const int *)reason->error.data, 99);
        assert_string_equal(reason->error.message, "unlucky");
        atomic_fetch_add(&tally->failed, 1);
        break;
    case ACTANT_FULL:
    case ACTANT_EXISTS:
    case ACTANT_NOT_FOUND:
    case ACTANT_INVALID:
    case ACTANT_CLOSED: fail();
    }
}

static int
asker_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct tally *tally = *(struct tally **)state;

    switch (message->type) {
    case GO:
        actant_monitor(context, tally->other);
        for (int i = 0; i < 100; i++) {
            actant_ask(context, tally->other, QUESTION, &i, sizeof(i), i % 2 ? -1 : 60000,
                       (uint64_t)i);
        }
        actant_ask(context, tally->other, LATER, NULL, 0, -1, 1000);
        actant_send(context, tally->other, DIE, NULL, 0, ACTANT_LAZY);
        break;
    case ACTANT_TYPE_REPLY: count_reply(tally, message); break;
    case ACTANT_TYPE_DOWN: atomic_fetch_add(&tally->downs, 1); break;
    default: fail();
    }
    return 0;
}

static const struct actant_class asker_class = {.name = "asker",
                                                .state_size = sizeof(struct tally *),
                                                .start = sink_start,
                                                .handle = asker_handle};

static void
ask_on(const struct home *home)
{
    struct actant_system *system = make(home);
    struct tally tally = {.answered = 0};
    struct tally *pointer = &tally;
    struct actant_ref asker;

    tally.other = spawn(system, home, &answer_class, NULL, 0);
    asker = spawn(system, home, &asker_class, &pointer, sizeof(pointer));
    actant_tell(system, asker, GO, NULL, 0);
    actant_system_run(system, true);
    assert_int_equal(tally.answered, 99);
    assert_int_equal(tally.failed, 1);
    assert_int_equal(tally.gone, 1); /* kept for later by one that died */
    assert_int_equal(tally.timed_out, 0);
    assert_int_equal(tally.downs, 1);
    actant_system_destroy(system);
}

static void
every_ask_has_one_answer(void **state)
{
    (void)state;
    everywhere(ask_on);
}

static void
ask_wait_on(const struct home *home)
{
    struct actant_system *system = make(home);
    struct actant_ref ref = spawn(system, home, &answer_class, NULL, 0);
    char reply[64];
    size_t size;
    int value = 21;

    assert_int_equal(actant_ask_wait(system, ref, QUESTION, &value, sizeof(value), 60000, reply,
                                     sizeof(reply), &size),
                     ACTANT_OK);
    assert_int_equal(size, sizeof(value));
    memcpy(&value, reply, sizeof(value));
    assert_int_equal(value, 42);
    value = 13;
    assert_int_equal(actant_ask_wait(system, ref, QUESTION, &value, sizeof(value), 60000, reply,
                                     sizeof(reply), &size),
                     ACTANT_FAILED);
    assert_string_equal(reply, "unlucky");
    assert_int_equal(actant_ask_wait(system, ref, LATER, NULL, 0, 20, NULL, 0, NULL),
                     ACTANT_TIMEOUT);
    assert_int_equal(actant_stop(system, ref), ACTANT_OK);
    assert_int_equal(
        actant_ask_wait(system, ref, QUESTION, &value, sizeof(value), 60000, NULL, 0, NULL),
        ACTANT_GONE);
    actant_system_destroy(system);
}

static void
a_thread_can_ask(void **state)
{
    (void)state;
    everywhere(ask_wait_on);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_passes_everything_on),
        cmocka_unit_test(messages_of_one_sender_keep_their_order),
        cmocka_unit_test(every_ask_has_one_answer),
        cmocka_unit_test(a_thread_can_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
