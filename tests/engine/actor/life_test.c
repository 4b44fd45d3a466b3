/* From spawn to gone, on the loop: what an actor hears, and what is heard of it. */
#include "engine/actor/actor_internal.h"
#include "include/actant/actor.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { NUMBER = ACTANT_TYPE_USER, FAIL, CONTINUE, EXIT, WATCH, LINK, SPAWN };

struct world {
    struct actant_system *system;
    int numbers[64];
    size_t count;
    int downs;
    struct actant_ref down_of;
    struct actant_reason down;
    char down_message[64];
    int down_data;
    int starts, stops, panics;
    enum actant_stop_kind stopped_as;
};

struct args {
    struct world *world;
    int fail;
};

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    const struct args *mine = args;

    assert_int_equal(args_size, sizeof(*mine));
    mine->world->starts++;
    *(struct world **)state = mine->world;
    return mine->fail ? actant_raise(context, mine->fail, NULL, "no start") : 0;
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct world *world = *(struct world **)state;
    struct actant_ref ref;
    int data = 7;

    switch (message->type) {
    case NUMBER: memcpy(&world->numbers[world->count++], message->data, sizeof(int)); break;
    case FAIL: return actant_raise(context, 42, &data, "failed: %s", "thoroughly");
    case CONTINUE: return actant_raise(context, 1, NULL, "go on");
    case EXIT: actant_exit(context); break;
    case WATCH:
        memcpy(&ref, message->data, sizeof(ref));
        actant_monitor(context, ref);
        actant_monitor(context, ref);
        break;
    case LINK:
        memcpy(&ref, message->data, sizeof(ref));
        actant_link(context, ref);
        break;
    case ACTANT_TYPE_DOWN:
        world->downs++;
        world->down_of = message->from;
        memcpy(&world->down, message->data, sizeof(world->down));
        snprintf(world->down_message, sizeof(world->down_message), "%s", world->down.error.message);
        world->down_data = world->down.error.data ? *(const int *)world->down.error.data : 0;
        break;
    default: fail(); break;
    }
    return 0;
}

static enum actant_verdict
panic(struct actant_context *context, void *state, const struct actant_error *error)
{
    (void)context;
    (*(struct world **)state)->panics++;
    return error->code == 1 ? ACTANT_CONTINUE : ACTANT_STOP;
}

static void
stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    struct world *world = *(struct world **)state;

    (void)context;
    world->stops++;
    world->stopped_as = reason->kind;
}

static const struct actant_class plain = {
    .name = "plain",
    .state_size = sizeof(struct world *),
    .error_size = sizeof(int),
    .start = start,
    .handle = handle,
    .panic = panic,
    .stop = stop,
};

static struct actant_ref
spawn(struct world *world, int fail_start)
{
    struct args args = {world, fail_start};
    struct actant_spawn spawn = {.actor = &plain, .args = &args, .args_size = sizeof(args)};
    struct actant_ref ref;

    assert_int_equal(actant_spawn(world->system, &spawn, &ref), ACTANT_OK);
    return ref;
}

static void
tell(struct world *world, struct actant_ref to, uint32_t type, const void *data, size_t size)
{
    assert_int_equal(actant_tell(world->system, to, type, data, size), ACTANT_OK);
}

static int
setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->system = actant_system_create(NULL);
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    struct world *world = *state;

    actant_system_destroy(world->system);
    assert_int_equal(world->starts, world->stops);
    free(world);
    return 0;
}

static void
messages_come_in_order_and_stop_after_them(void **state)
{
    struct world *world = *state;
    struct actant_ref ref = spawn(world, 0);

    for (int i = 0; i < 10; i++) {
        tell(world, ref, NUMBER, &i, sizeof(i));
    }
    assert_int_equal(actant_stop(world->system, ref), ACTANT_OK);
    int late = 10;
    assert_int_equal(actant_tell(world->system, ref, NUMBER, &late, sizeof(late)), ACTANT_GONE);
    actant_system_run(world->system, true);
    assert_int_equal(world->count, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(world->numbers[i], i);
    }
    assert_int_equal(world->stopped_as, ACTANT_STOP_NORMAL);
    assert_false(actant_is_alive(world->system, ref));
    assert_int_equal(actant_tell(world->system, ref, NUMBER, &late, sizeof(late)), ACTANT_GONE);
}

static void
down_comes_once_with_the_typed_error(void **state)
{
    struct world *world = *state;
    struct actant_ref watcher = spawn(world, 0);
    struct actant_ref ref = spawn(world, 0);

    tell(world, watcher, WATCH, &ref, sizeof(ref));
    actant_system_run(world->system, true);
    tell(world, ref, CONTINUE, NULL, 0);
    actant_system_run(world->system, true);
    assert_int_equal(world->downs, 0);
    assert_int_equal(world->panics, 1);
    tell(world, ref, FAIL, NULL, 0);
    actant_system_run(world->system, true);
    assert_int_equal(world->downs, 1);
    assert_true(actant_same(world->down_of, ref));
    assert_int_equal(world->down.kind, ACTANT_STOP_ERROR);
    assert_int_equal(world->down.error.code, 42);
    assert_string_equal(world->down_message, "failed: thoroughly");
    assert_int_equal(world->down_data, 7);
    /* Late: at once, and how it ended is still known. */
    tell(world, watcher, WATCH, &ref, sizeof(ref));
    actant_system_run(world->system, true);
    assert_int_equal(world->downs, 2);
    assert_int_equal(world->down.kind, ACTANT_STOP_ERROR);
}

static void
a_kill_leaves_the_rest_of_the_mailbox(void **state)
{
    struct world *world = *state;
    struct actant_ref ref = spawn(world, 0);

    actant_system_run(world->system, true);
    for (int i = 0; i < 10; i++) {
        tell(world, ref, NUMBER, &i, sizeof(i));
    }
    assert_int_equal(actant_kill(world->system, ref), ACTANT_OK);
    actant_system_run(world->system, true);
    assert_int_equal(world->count, 0);
    assert_int_equal(world->stopped_as, ACTANT_STOP_KILLED);
}

static void
a_link_takes_the_other_along(void **state)
{
    struct world *world = *state;
    struct actant_ref a = spawn(world, 0), b = spawn(world, 0);

    tell(world, a, LINK, &b, sizeof(b));
    actant_system_run(world->system, true);
    assert_int_equal(actant_kill(world->system, b), ACTANT_OK);
    actant_system_run(world->system, true);
    assert_false(actant_is_alive(world->system, a));
    assert_int_equal(world->stopped_as, ACTANT_STOP_LINK);
    assert_int_equal(world->stops, 2);
}

static void
a_failed_start_is_heard_of(void **state)
{
    struct world *world = *state;
    struct actant_ref watcher = spawn(world, 0);
    struct actant_ref ref = spawn(world, 5);

    tell(world, watcher, WATCH, &ref, sizeof(ref));
    actant_system_run(world->system, true);
    assert_int_equal(world->downs, 1);
    assert_int_equal(world->down.kind, ACTANT_STOP_START);
    assert_int_equal(world->down.error.code, 5);
    assert_string_equal(world->down_message, "no start");
    assert_int_equal(world->stops, 0);
    world->stops++; /* it never lived: teardown counts */
}

static void
a_test_can_kill_at_the_nth_message(void **state)
{
    struct world *world = *state;

    for (int taken = 0; taken < 2; taken++) {
        struct actant_ref ref = spawn(world, 0);
        world->count = 0;
        actant_system_run(world->system, true);
        assert_int_equal(act_actor_debug_kill(world->system, ref, 4, taken != 0), ACTANT_OK);
        for (int i = 0; i < 10; i++) {
            tell(world, ref, NUMBER, &i, sizeof(i));
        }
        actant_system_run(world->system, true);
        assert_int_equal(world->count, 3);
        assert_int_equal(world->stopped_as, ACTANT_STOP_KILLED);
        assert_false(actant_is_alive(world->system, ref));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_come_in_order_and_stop_after_them, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(down_comes_once_with_the_typed_error, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kill_leaves_the_rest_of_the_mailbox, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_takes_the_other_along, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_start_is_heard_of, setup, teardown),
        cmocka_unit_test_setup_teardown(a_test_can_kill_at_the_nth_message, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
