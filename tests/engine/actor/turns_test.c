/* Actors take turns: one that always finds work, even its own, does not keep the others waiting. */
#include "include/actant/actor.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { AGAIN = ACTANT_TYPE_USER };

struct counter {
    int *mine; /* messages that this one has had */
    const int *others;
    int *seen; /* what the other had had when this one's first came */
    int rounds;
};

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    (void)context;
    assert_int_equal(args_size, sizeof(struct counter));
    *(struct counter *)state = *(const struct counter *)args;
    return 0;
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct counter *counter = state;

    if ((*counter->mine)++ == 0) {
        *counter->seen = *counter->others;
    }
    if (--counter->rounds > 0) {
        actant_send(context, actant_self(context), message->type, NULL, 0, ACTANT_NORMAL);
    }
    return 0;
}

static const struct actant_class class = {
    .name = "counter", .state_size = sizeof(struct counter), .start = start, .handle = handle};

static struct actant_ref
spawn(struct actant_system *system, const struct counter *args)
{
    struct actant_spawn spawn = {.actor = &class, .args = args, .args_size = sizeof(*args)};
    struct actant_ref ref;

    assert_int_equal(actant_spawn(system, &spawn, &ref), ACTANT_OK);
    return ref;
}

static void
test_own_messages_wait(void **unused)
{
    struct actant_system *system = actant_system_create(&(struct actant_options){0});
    int busy = 0, other = 0, busy_saw = -1, other_saw = -1;
    struct actant_ref first =
        spawn(system, &(struct counter){&busy, &other, &busy_saw, .rounds = 1000});
    struct actant_ref second =
        spawn(system, &(struct counter){&other, &busy, &other_saw, .rounds = 1});

    (void)unused;
    actant_system_turn(system, 0); /* both have started */
    assert_int_equal(actant_tell(system, first, AGAIN, NULL, 0), ACTANT_OK);
    assert_int_equal(actant_tell(system, second, AGAIN, NULL, 0), ACTANT_OK);
    actant_system_turn(system, 0);
    assert_int_equal(busy, 1000);
    assert_int_equal(busy_saw, 0);
    assert_int_equal(other_saw, 1);
    actant_system_destroy(system);
}

/* ---- eight that fill one mailbox --------------------------------------------------------------- */

enum { TELLERS = 8, AT_ONCE = 64, EACH = 10000 };

struct teller {
    struct actant_ref to;
    int left;
};

static int
teller_start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    (void)context;
    assert_int_equal(args_size, sizeof(struct teller));
    *(struct teller *)state = *(const struct teller *)args;
    return 0;
}

static int
teller_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct teller *teller = state;

    for (int i = 0; i < AT_ONCE && teller->left > 0; i++, teller->left--) {
        actant_send(context, teller->to, AGAIN, NULL, 0, ACTANT_NORMAL);
    }
    if (teller->left > 0) {
        actant_send(context, actant_self(context), message->type, NULL, 0, ACTANT_NORMAL);
    }
    return 0;
}

static int64_t
no_time(void *self)
{
    (void)self;
    return 1;
}

/* Their messages are taken as fast as they come, for as long as its turn may last: here, for ever. */
static void
test_a_mailbox_that_many_fill_is_emptied(void **unused)
{
    static const struct actant_class teller_class = {.name = "teller",
                                                     .state_size = sizeof(struct teller),
                                                     .start = teller_start,
                                                     .handle = teller_handle};
    struct actant_system *system =
        actant_system_create(&(struct actant_options){.now_ns = no_time});
    int taken = 0, others = 0, seen = 0;
    struct actant_ref sink = spawn(system, &(struct counter){&taken, &others, &seen, 0});
    struct teller args = {sink, EACH};
    struct actant_spawn how = {.actor = &teller_class, .args = &args, .args_size = sizeof(args)};
    struct actant_metrics metrics;

    (void)unused;
    for (int i = 0; i < TELLERS; i++) {
        struct actant_ref ref;
        assert_int_equal(actant_spawn(system, &how, &ref), ACTANT_OK);
        assert_int_equal(actant_tell(system, ref, AGAIN, NULL, 0), ACTANT_OK);
    }
    actant_system_turn(system, 0);
    assert_int_equal(taken, TELLERS * EACH);
    assert_int_equal(actant_metrics(system, sink, &metrics), ACTANT_OK);
    assert_in_range(metrics.waiting_max, AT_ONCE, 2 * TELLERS * AT_ONCE);
    actant_system_destroy(system);
}

static int
stop_system(struct actant_context *context, void *state, const struct actant_message *message)
{
    int64_t until = actant_system_now_ns(actant_context_system(context)) + 1000000;

    (void)state;
    (void)message;
    /* The loop sleeps by then. */
    while (actant_system_now_ns(actant_context_system(context)) < until) {
    }
    actant_system_stop(actant_context_system(context));
    return 0;
}

static void
test_stop_while_the_loop_sleeps(void **unused)
{
    static const struct actant_class stopper = {.name = "stopper", .handle = stop_system};
    struct actant_system *system = actant_system_create(&(struct actant_options){.threads = 2});
    struct actant_spawn spawn = {.actor = &stopper, .home = ACTANT_POOL};
    struct actant_ref ref;

    (void)unused;
    assert_int_equal(actant_spawn(system, &spawn, &ref), ACTANT_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(actant_tell(system, ref, AGAIN, NULL, 0), ACTANT_OK);
        actant_system_run(system, false);
    }
    actant_system_destroy(system);
}

static void
count_wake(void *self)
{
    ++*(int *)self;
}

/* The loop's owner waits for its wake: what its own thread tells between two turns must give one, too. */
static void
test_a_tell_between_turns_wakes(void **unused)
{
    int wakes = 0, mine = 0, others = 0, seen = 0;
    struct actant_options options = {.wake = count_wake, .wake_self = &wakes};
    struct actant_system *system = actant_system_create(&options);
    struct actant_ref ref = spawn(system, &(struct counter){&mine, &others, &seen, 0});

    (void)unused;
    for (int i = 1; i <= 3; i++) {
        actant_system_turn(system, 0);
        wakes = 0;
        assert_int_equal(actant_tell(system, ref, AGAIN, "x", 1), ACTANT_OK);
        assert_int_equal(wakes, 1);
        actant_system_turn(system, 0);
        assert_int_equal(mine, i);
    }
    actant_system_destroy(system);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_messages_wait),
        cmocka_unit_test(test_a_mailbox_that_many_fill_is_emptied),
        cmocka_unit_test(test_stop_while_the_loop_sleeps),
        cmocka_unit_test(test_a_tell_between_turns_wakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
