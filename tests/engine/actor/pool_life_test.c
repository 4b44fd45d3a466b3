/* Pools: who answers, who is replaced, and how it ends. */
#include "tests/engine/actor/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- asks -------------------------------------------------------------------------------------- */

static void
a_member_answers_itself(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct pool_world *world =
            pool_open((enum place)place, 41, (struct actant_pool){.members_min = 2});
        for (int i = 0; i < 50; i++) {
            uint32_t index = 99;
            size_t size = 0;
            assert_int_equal(actant_ask_wait(world->system, world->pool, WHO, NULL, 0, 60000,
                                             &index, sizeof(index), &size),
                             ACTANT_OK);
            assert_int_equal(size, sizeof(index));
            assert_in_range(index, 0, 1);
        }
        assert_int_equal(
            actant_ask_wait(world->system, world->pool, CRASH, NULL, 0, 60000, NULL, 0, NULL),
            ACTANT_FAILED);
        pool_close(world);
    }
}

/* ---- replacement ------------------------------------------------------------------------------- */

/* One member, so that messages wait behind the crash. Work that was begun is forgotten with it. */
static void
a_member_that_stops_is_replaced(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        if (place == PLACE_POOL) {
            continue;
        }
        /* In the simulator some of what follows may be sent after the crash was taken. */
        for (int keep = place == PLACE_SEEDED; keep < 2; keep++) {
            struct pool_world *world =
                pool_open((enum place)place, 43,
                          (struct actant_pool){.member = {.keep_mailbox = keep}, .members_min = 1});
            pool_give(world, 0, 1000);
            pool_give(world, 1, 1000);
            pool_tell(world, CRASH);
            pool_give(world, 2, 0);
            pool_tell(world, LEAVE);
            pool_give(world, 3, 0);
            pool_pass(world, 10);
            assert_int_equal(world->finished, keep ? 2 : 0);
            assert_int_equal(world->starts, keep ? 3 : 2);
            pool_give(world, 4, 0);
            pool_pass(world, 10);
            assert_int_equal(world->finished, keep ? 3 : 1);
            struct actant_pool_metrics is = pool_metrics_of(world);
            assert_int_equal(is.load, 0);
            assert_int_equal(is.members, 1);
            assert_int_equal(is.replaced, keep ? 2 : 1);
            pool_close(world);
        }
    }
}

static void
crashes_out_of_bounds_end_it(void **state)
{
    (void)state;
    struct pool_world *world =
        pool_open(PLACE_LOOP, 0,
                  (struct actant_pool){.members_min = 3, .restarts_max = 2, .window_ms = 1000});
    for (int i = 0; i < 8; i++) {
        pool_tell(world, CRASH);
        pool_pass(world, 600);
    }
    assert_true(actant_is_alive(world->system, world->pool));
    for (int i = 0; i < 3; i++) {
        pool_tell(world, CRASH);
    }
    pool_pass(world, 0);
    assert_false(actant_is_alive(world->system, world->pool));
    struct actant_pool_metrics is;
    assert_int_equal(actant_pool_metrics(world->system, world->pool, &is), ACTANT_GONE);
    pool_close(world);
}

/* The pool gives up, its supervisor starts it again, and nothing that waited is lost. */
static void
a_supervised_pool_keeps_its_messages(void **state)
{
    (void)state;
    struct pool_world *world = pool_open(PLACE_LOOP, 0, (struct actant_pool){.members_min = 1});
    const struct actant_pool how = {.member = {.actor = &member_class,
                                               .args = &world,
                                               .args_size = sizeof(world),
                                               .keep_mailbox = true},
                                    .members_min = 2,
                                    .member_load_max = 2,
                                    .restarts_max = 0,
                                    .window_ms = 1000,
                                    .name = "crew"};
    const struct actant_child child = {.pool = &how};
    const struct actant_supervisor top = {.restarts_max = 5, .children = &child, .child_count = 1};
    struct actant_ref ref;
    assert_int_equal(actant_supervise(world->system, &top, &ref), ACTANT_OK);
    assert_int_equal(actant_lookup(world->system, "crew", &world->pool), ACTANT_OK);
    for (uint32_t i = 0; i < 30; i++) {
        pool_give(world, i, i < 4 ? 10 : 0);
        if (i % 10 == 5) {
            pool_tell(world, CRASH);
        }
    }
    pool_pass(world, 1000);
    /* What was begun and not done when the pool gave up is lost with its members; no message is. */
    assert_int_equal(world->count, 30);
    assert_int_equal(pool_metrics_of(world).load, 0);
    assert_int_equal(pool_metrics_of(world).members, 2);
    /* The same when it is killed. */
    pool_give(world, 30, 1000);
    pool_give(world, 31, 1000);
    pool_pass(world, 10);
    assert_int_equal(pool_metrics_of(world).load, 2);
    assert_int_equal(actant_kill(world->system, world->pool), ACTANT_OK);
    pool_give(world, 32, 5);
    pool_pass(world, 10);
    assert_int_equal(world->count, 33);
    assert_int_equal(pool_metrics_of(world).load, 0);
    pool_close(world);
}

static bool
has_no_load(void *self)
{
    struct pool_world *world = self;
    struct actant_pool_metrics is = pool_metrics_of(world);
    return is.routed == 400 && is.load == 0;
}

/* What a member drops because its own mailbox is full is no load of it any more, be it before its start. */
static void
what_a_member_drops_is_no_load(void **state)
{
    (void)state;
    enum { JOBS = 400, WAITING = 2 };
    for (int place = 0; place < PLACES; place++) {
        struct pool_world *world = pool_open(
            (enum place)place, 71,
            (struct actant_pool){.member = {.mailbox_max = WAITING, .overflow = ACTANT_DROP_OLDEST},
                                 .members_min = 1,
                                 .members_max = 4});
        for (uint32_t i = 0; i < JOBS; i++) {
            pool_give(world, i, 0);
        }
        wait_until(world->system, has_no_load, world);
        struct actant_pool_metrics is = pool_metrics_of(world);
        assert_int_equal(is.routed, JOBS);
        pthread_mutex_lock(&world->lock);
        uint32_t finished = world->finished;
        pthread_mutex_unlock(&world->lock);
        assert_in_range(finished, 1, place == PLACE_LOOP ? JOBS - 1 : JOBS);
        pool_close(world);
    }
}

/* Its start fails, and nobody counts: it is tried again, but not all the time. */
static int failing_starts;

static int
failing_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    if (failing_starts-- > 0) {
        return actant_raise(context, 1, NULL, "not yet");
    }
    return member_start(context, state, args, size);
}

static const struct actant_class failing_class = {.name = "failing",
                                                  .state_size = sizeof(struct member),
                                                  .start = failing_start,
                                                  .handle = member_handle};

static void
a_start_that_fails_is_tried_again_later(void **state)
{
    (void)state;
    struct pool_world *world = pool_open(PLACE_LOOP, 0, (struct actant_pool){.members_min = 1});
    const struct actant_pool how = {.member = {.actor = &failing_class,
                                               .args = &world,
                                               .args_size = sizeof(world),
                                               .keep_mailbox = true}};
    failing_starts = 5; /* 1 + 2 + 4 + 8 + 16 ms */
    assert_int_equal(actant_pool_create(world->system, &how, &world->pool), ACTANT_OK);
    pool_give(world, 1, 0);
    pool_pass(world, 30);
    assert_int_equal(world->finished, 0);
    pool_pass(world, 2);
    assert_int_equal(world->finished, 1);
    pool_close(world);
}

/* The pool is killed while a message waits for a member's start: its successor sees that there is no room. */
static void
a_pool_that_starts_again_keeps_its_bound(void **state)
{
    (void)state;
    struct pool_world *world = pool_open(PLACE_LOOP, 0, (struct actant_pool){.members_min = 1});
    const struct actant_pool how = {.member = {.actor = &failing_class,
                                               .args = &world,
                                               .args_size = sizeof(world),
                                               .keep_mailbox = true},
                                    .member_load_max = 1,
                                    .name = "crew"};
    const struct actant_child child = {.pool = &how};
    const struct actant_supervisor top = {.restarts_max = 5, .children = &child, .child_count = 1};
    struct actant_ref ref;
    failing_starts = 4; /* 1 + 2 + 4 ms, and one more when the pool starts again */
    assert_int_equal(actant_supervise(world->system, &top, &ref), ACTANT_OK);
    assert_int_equal(actant_lookup(world->system, "crew", &world->pool), ACTANT_OK);
    for (uint32_t i = 0; i < 3; i++) {
        pool_give(world, i, 10);
    }
    pool_pass(world, 4);
    assert_int_equal(pool_metrics_of(world).load, 1);
    assert_int_equal(actant_kill(world->system, world->pool), ACTANT_OK);
    pool_pass(world, 0);
    assert_int_equal(failing_starts, 0);
    assert_int_equal(pool_metrics_of(world).load, 1);
    pool_pass(world, 200);
    assert_int_equal(world->finished, 3);
    assert_int_equal(world->busy_most[1], 1); /* 0 is of the world's own pool */
    pool_close(world);
}

static void
all_members_can_be_told(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct pool_world *world =
            pool_open((enum place)place, 67, (struct actant_pool){.members_min = 7});
        const struct job job = {5, 0};
        assert_int_equal(actant_pool_tell_all(world->system, world->pool, JOB, &job, sizeof(job)),
                         ACTANT_OK);
        pool_wait(world, 7);
        assert_int_equal(world->finished, 7);
        for (uint32_t i = 0; i < 7; i++) {
            assert_int_equal(world->done_by[i], 1);
        }
        assert_int_equal(pool_metrics_of(world).load, 0);
        assert_int_equal(
            actant_pool_tell_all(world->system, world->pool, ACTANT_TYPE_DOWN, NULL, 0),
            ACTANT_INVALID);
        pool_close(world);
    }
}

/* ---- the end ----------------------------------------------------------------------------------- */

static bool
is_gone(void *self)
{
    struct pool_world *world = self;
    struct actant_pool_metrics is;
    return actant_pool_metrics(world->system, world->pool, &is) == ACTANT_GONE;
}

/* In order: what waits in the pool and what waits at its members is done first. */
static void
stopped_in_order_it_does_what_it_has(void **state)
{
    (void)state;
    enum { JOBS = 300 };
    for (int place = 0; place < PLACES; place++) {
        for (uint32_t load_max = 0; load_max < 3; load_max++) {
            struct pool_world *world =
                pool_open((enum place)place, 53,
                          (struct actant_pool){.members_min = 2, .member_load_max = load_max});
            for (uint32_t i = 0; i < JOBS; i++) {
                pool_give(world, i, 0);
            }
            assert_int_equal(actant_stop(world->system, world->pool), ACTANT_OK);
            wait_until(world->system, is_gone, world);
            assert_int_equal(world->finished, JOBS);
            pool_close(world);
        }
    }
}

/* It waits for room that never comes; a kill does not, and neither does the end of the system. */
static void
an_end_does_not_wait_for_what_is_never_done(void **state)
{
    (void)state;
    for (int kill = 0; kill < 2; kill++) {
        struct pool_world *world =
            pool_open(PLACE_LOOP, 0, (struct actant_pool){.members_min = 1, .member_load_max = 1});
        pool_give(world, 0, 1000);
        pool_give(world, 1, 1000);
        pool_pass(world, 1);
        assert_int_equal(actant_stop(world->system, world->pool), ACTANT_OK);
        pool_pass(world, 1);
        assert_false(is_gone(world));
        if (kill) {
            assert_int_equal(actant_kill(world->system, world->pool), ACTANT_OK);
            pool_pass(world, 1);
            assert_true(is_gone(world));
        }
        pool_close(world);
    }
}

/* ---- threads ----------------------------------------------------------------------------------- */

enum { SENDERS = 3, EACH = 4000 };

struct sender {
    struct pool_world *world;
    uint32_t first;
};

static void *
send_many(void *self)
{
    struct sender *sender = self;
    struct pool_world *world = sender->world;
    for (uint32_t i = 0; i < EACH; i++) {
        const struct job job = {sender->first + i, 0};
        if (actant_tell(world->system, world->pool, JOB, &job, sizeof(job)) != ACTANT_OK ||
            (i % 97 == 0 && actant_tell(world->system, world->pool, CRASH, NULL, 0) != ACTANT_OK)) {
            abort();
        }
    }
    return NULL;
}

static void
many_threads_and_crashes_lose_nothing(void **state)
{
    (void)state;
    for (uint32_t load_max = 0; load_max < 4; load_max += 3) {
        struct pool_world *world = pool_open(PLACE_POOL, 0,
                                             (struct actant_pool){.member = {.keep_mailbox = true},
                                                                  .members_min = 1,
                                                                  .members_max = 4,
                                                                  .idle_ms = 5,
                                                                  .member_load_max = load_max});
        pthread_t threads[SENDERS];
        struct sender senders[SENDERS];
        for (uint32_t i = 0; i < SENDERS; i++) {
            senders[i] = (struct sender){world, i * EACH};
            assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
        }
        for (uint32_t i = 0; i < SENDERS; i++) {
            pthread_join(threads[i], NULL);
        }
        pool_wait(world, SENDERS * EACH);
        for (uint32_t i = 0; i < SENDERS * EACH; i++) {
            assert_int_not_equal(world->by[i], 0);
        }
        pool_close(world);
    }
}

/* ---- bad input --------------------------------------------------------------------------------- */

static void
what_means_nothing_is_refused(void **state)
{
    (void)state;
    struct pool_world *world = pool_open(PLACE_LOOP, 0, (struct actant_pool){.members_min = 0});
    struct actant_pool_metrics is = pool_metrics_of(world);
    assert_int_equal(is.members, 1);
    struct actant_ref ref;
    const struct actant_pool bad[] = {
        {.members_min = 1},
        {.member = {.actor = &member_class}, .idle_ms = -1},
        {.member = {.actor = &member_class}, .backoff_ms = -1},
        {.member = {.actor = &member_class, .args_size = 1}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(actant_pool_create(world->system, &bad[i], &ref), ACTANT_INVALID);
    }
    const struct actant_spawn spawn = {
        .actor = &member_class, .args = &world, .args_size = sizeof(world)};
    assert_int_equal(actant_spawn(world->system, &spawn, &ref), ACTANT_OK);
    assert_int_equal(actant_pool_metrics(world->system, ref, &is), ACTANT_INVALID);
    /* begin and done in an actor of no pool are nothing. */
    const struct job job = {1, 5};
    assert_int_equal(actant_tell(world->system, ref, JOB, &job, sizeof(job)), ACTANT_OK);
    pool_pass(world, 10);
    assert_int_equal(world->finished, 1);
    pool_close(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_answers_itself),
        cmocka_unit_test(a_member_that_stops_is_replaced),
        cmocka_unit_test(crashes_out_of_bounds_end_it),
        cmocka_unit_test(a_supervised_pool_keeps_its_messages),
        cmocka_unit_test(what_a_member_drops_is_no_load),
        cmocka_unit_test(a_start_that_fails_is_tried_again_later),
        cmocka_unit_test(a_pool_that_starts_again_keeps_its_bound),
        cmocka_unit_test(all_members_can_be_told),
        cmocka_unit_test(stopped_in_order_it_does_what_it_has),
        cmocka_unit_test(an_end_does_not_wait_for_what_is_never_done),
        cmocka_unit_test(many_threads_and_crashes_lose_nothing),
        cmocka_unit_test(what_means_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
