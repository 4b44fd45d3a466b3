/* Pools: who gets a message, how many members there are, and what waits where. */
#include "tests/engine/actor/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- routing ----------------------------------------------------------------------------------- */

/* The member with the fewest jobs under way, the lowest number among equals. */
static uint32_t
least_busy(const struct pool_world *world)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < world->members; i++) {
        best = world->busy[i] < world->busy[best] ? i : best;
    }
    return best;
}

/* Told beforehand, from what the members themselves have counted. On the loop members start in the order of
 * their numbers, so ties are told, too. */
static void
the_least_loaded_gets_it(void **state)
{
    (void)state;
    enum { MEMBERS = 5, JOBS = 3000 };
    for (int place = 0; place < PLACES; place++) {
        if (place == PLACE_POOL) {
            continue;
        }
        uint64_t random = 3;
        struct pool_world *world =
            pool_open((enum place)place, 11, (struct actant_pool){.members_min = MEMBERS});
        assert_int_equal(world->members, MEMBERS);
        for (uint32_t i = 0; i < JOBS; i++) {
            uint32_t best = least_busy(world), least = world->busy[best];
            uint32_t before[MEMBERS];
            memcpy(before, world->busy, sizeof(before));
            pool_give(world, i,
                      pool_next(&random) % 5 ? (int64_t)(1 + pool_next(&random) % 20) : 300);
            actant_system_turn(world->system, 0);
            uint32_t got = world->by[i];
            assert_in_range(got, 1, MEMBERS);
            assert_int_equal(before[got - 1], least);
            assert_true(place == PLACE_SEEDED || got - 1 == best);
            pool_pass(world, (int64_t)(pool_next(&random) % 12));
        }
        pool_pass(world, 1000);
        assert_int_equal(world->finished, JOBS);
        struct actant_pool_metrics is = pool_metrics_of(world);
        assert_int_equal(is.routed, JOBS);
        assert_int_equal(is.load, 0);
        assert_int_equal(is.grown + is.shrunk + is.replaced, 0);
        pool_close(world);
    }
}

/* Every fourth job takes 150 ms, the others 1 ms, and one comes every 25 ms. A pool that took its members in
 * turn would give all long ones to the fourth, which then has two under way; as it is, nobody ever has. */
static void
skewed_work_is_spread(void **state)
{
    (void)state;
    enum { MEMBERS = 4, JOBS = 400 };
    struct pool_world *world =
        pool_open(PLACE_LOOP, 0, (struct actant_pool){.members_min = MEMBERS});
    int64_t in_turn_ends[JOBS];
    uint32_t in_turn_most = 0;
    for (uint32_t i = 0; i < JOBS; i++) {
        int64_t takes_ms = i % 4 == 3 ? 150 : 1;
        pool_give(world, i, takes_ms);
        /* What a pool that takes its members in turn would have under way. */
        in_turn_ends[i] = world->clock_ns / 1000000 + takes_ms;
        uint32_t under_way = 0;
        for (uint32_t j = i % MEMBERS; j <= i; j += MEMBERS) {
            under_way += in_turn_ends[j] > world->clock_ns / 1000000;
        }
        in_turn_most = under_way > in_turn_most ? under_way : in_turn_most;
        pool_pass(world, 25);
    }
    pool_pass(world, 1000);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assert_in_range(world->busy_most[i], 0, 1);
    }
    assert_int_equal(in_turn_most, 2);
    pool_close(world);
}

/* ---- bounds ------------------------------------------------------------------------------------ */

static void
what_is_too_much_waits_in_order(void **state)
{
    (void)state;
    enum { MEMBERS = 3, LOAD = 2, JOBS = 500 };
    for (int place = 0; place < PLACES; place++) {
        uint64_t random = 17;
        struct pool_world *world =
            pool_open((enum place)place, 23,
                      (struct actant_pool){.members_min = MEMBERS, .member_load_max = LOAD});
        for (uint32_t i = 0; i < JOBS; i++) {
            pool_give(world, i, (int64_t)(pool_next(&random) % 3) * 2);
        }
        if (place == PLACE_POOL) {
            pool_wait(world, JOBS);
        } else {
            pool_pass(world, 4 * JOBS);
        }
        assert_int_equal(world->finished, JOBS);
        for (uint32_t i = 0; i < MEMBERS; i++) {
            /* On threads it may all be done by the first as fast as it comes. */
            assert_in_range(world->busy_most[i], place == PLACE_POOL ? 0 : 1, LOAD);
        }
        uint32_t last[MEMBERS] = {
            0}; /* each begins what it is handed in the order of the sending */
        for (uint32_t i = 0; i < JOBS; i++) {
            uint32_t number = world->order[i], by = world->by[number] - 1;
            assert_true(number + 1 > last[by]);
            last[by] = number + 1;
        }
        pool_close(world);
    }
}

static void
a_full_mailbox_pushes_back(void **state)
{
    (void)state;
    enum { MEMBERS = 2, WAITING = 4 };
    struct pool_world *world = pool_open(PLACE_LOOP, 0,
                                         (struct actant_pool){.members_min = MEMBERS,
                                                              .member_load_max = 1,
                                                              .mailbox_max = WAITING,
                                                              .overflow = ACTANT_FAIL});
    uint32_t number = 0;
    for (; number < MEMBERS + WAITING; number++) {
        pool_give(world, number, 50);
        actant_system_turn(world->system, 0);
    }
    const struct job job = {number, 50};
    assert_int_equal(actant_tell(world->system, world->pool, JOB, &job, sizeof(job)), ACTANT_FULL);
    pool_pass(world, 50);
    pool_give(world, number, 50);
    pool_pass(world, 1000);
    assert_int_equal(world->finished, MEMBERS + WAITING + 1);
    pool_close(world);
}

/* Senders of every kind wait while the pool's mailbox is full: no more is ever under way than there is room
 * for, and all of it comes. */
struct feeder {
    struct pool_world *world;
    uint32_t *ahead_most; /* sent and not begun; its own */
    uint32_t sent;
};

static int
feeder_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    memcpy(state, args, size);
    return 0;
}

static int
feeder_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct feeder *feeder = state;
    struct pool_world *world = feeder->world;
    if (actant_send(context, world->pool, JOB, message->data, message->size, ACTANT_NORMAL) !=
        ACTANT_OK) {
        return actant_raise(context, 1, NULL, "not taken");
    }
    feeder->sent++;
    pthread_mutex_lock(&world->lock);
    uint32_t ahead = feeder->sent - (world->count < feeder->sent ? world->count : feeder->sent);
    pthread_mutex_unlock(&world->lock);
    *feeder->ahead_most = ahead > *feeder->ahead_most ? ahead : *feeder->ahead_most;
    return 0;
}

static void
a_full_mailbox_holds_its_senders_back(void **state)
{
    (void)state;
    enum { JOBS = 300 };
    static const struct actant_class feeder_class = {.name = "feeder",
                                                     .state_size = sizeof(struct feeder),
                                                     .start = feeder_start,
                                                     .handle = feeder_handle};
    for (int place = 0; place < PLACES; place++) {
        struct pool_world *world = pool_open((enum place)place, 61,
                                             (struct actant_pool){.members_min = 2,
                                                                  .member_load_max = 1,
                                                                  .mailbox_max = 3,
                                                                  .overflow = ACTANT_BLOCK});
        uint32_t ahead_most = 0;
        const struct feeder feeder = {world, &ahead_most, 0};
        const struct actant_spawn spawn = {.actor = &feeder_class,
                                           .args = &feeder,
                                           .args_size = sizeof(feeder),
                                           .home = place_home((enum place)place)};
        struct actant_ref ref;
        assert_int_equal(actant_spawn(world->system, &spawn, &ref), ACTANT_OK);
        for (uint32_t i = 0; i < JOBS; i++) {
            const struct job job = {i, i % 2};
            assert_int_equal(actant_tell(world->system, ref, JOB, &job, sizeof(job)), ACTANT_OK);
        }
        if (place == PLACE_POOL) {
            pool_wait(world, JOBS);
        } else {
            pool_pass(world, 2 * JOBS);
        }
        assert_int_equal(world->finished, JOBS);
        pool_close(world);
        /* The mailbox's, one that was sent when it was full, and one each on the way to the members. */
        assert_in_range(ahead_most, place == PLACE_POOL ? 0 : 1, 3 + 1 + 2);
    }
}

/* One member is stuck in its step: nothing is put behind it. */
static atomic_bool stuck, release;

static int
stuck_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct member *member = state;
    if (message->type == LEAVE) {
        atomic_store(&stuck, true);
        while (!atomic_load(&release)) {
        }
        return 0;
    }
    return member_handle(context, member, message);
}

static bool
is_stuck(void *self)
{
    (void)self;
    return atomic_load(&stuck);
}

static void
nothing_waits_behind_a_member_that_is_stuck(void **state)
{
    (void)state;
    enum { JOBS = 1000 };
    static const struct actant_class stuck_class = {.name = "stuck",
                                                    .state_size = sizeof(struct member),
                                                    .start = member_start,
                                                    .handle = stuck_handle};
    struct pool_world *world = pool_open(PLACE_POOL, 0, (struct actant_pool){.members_min = 1});
    const struct actant_pool how = {.member = {.actor = &stuck_class,
                                               .args = &world,
                                               .args_size = sizeof(world),
                                               .home = ACTANT_POOL},
                                    .members_min = 3,
                                    .member_load_max = 1};
    atomic_store(&stuck, false);
    atomic_store(&release, false);
    assert_int_equal(actant_pool_create(world->system, &how, &world->pool), ACTANT_OK);
    pool_tell(world, LEAVE);
    wait_until(world->system, is_stuck, NULL);
    for (uint32_t i = 0; i < JOBS; i++) {
        pool_give(world, i, 0);
    }
    pool_wait(world, JOBS);
    atomic_store(&release, true);
    pool_close(world);
}

/* ---- growing and shrinking --------------------------------------------------------------------- */

static void
it_grows_when_all_are_busy_and_shrinks_when_idle(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        if (place == PLACE_POOL) {
            continue;
        }
        struct pool_world *world =
            pool_open((enum place)place, 31,
                      (struct actant_pool){.members_min = 1, .members_max = 4, .idle_ms = 100});
        uint32_t number = 0;
        for (int i = 0; i < 10; i++) { /* one at a time: no reason to grow */
            pool_give(world, number++, 5);
            pool_pass(world, 10);
        }
        assert_int_equal(pool_metrics_of(world).members, 1);
        for (int i = 0; i < 3; i++) {
            pool_give(world, number++, 20);
            actant_system_turn(world->system, 0);
        }
        assert_int_equal(pool_metrics_of(world).members, 3);
        pool_give(world, number++, 1000); /* the fourth is busy for long */
        for (int i = 0; i < 5; i++) {
            pool_give(world, number++, 20);
        }
        actant_system_turn(world->system, 0);
        struct actant_pool_metrics is = pool_metrics_of(world);
        assert_int_equal(is.members, 4);
        assert_int_equal(is.grown, 3);
        assert_int_equal(is.load, 9);
        pool_pass(world, 99);
        assert_int_equal(pool_metrics_of(world).members, 4);
        pool_pass(world, 300);
        is = pool_metrics_of(world);
        assert_int_equal(is.members, 1); /* the one that is busy, though it is the youngest */
        assert_int_equal(is.shrunk, 3);
        assert_int_equal(is.load, 1);
        pool_pass(world, 2000);
        is = pool_metrics_of(world);
        assert_int_equal(is.members, 1);
        assert_int_equal(is.members_most, 4);
        assert_int_equal(is.load, 0);
        assert_int_equal(world->finished, number);
        assert_int_equal(actant_system_turn(world->system, 0), -1); /* no timer is left */
        for (int i = 0; i < 4; i++) {                               /* and it can grow again */
            pool_give(world, number++, 20);
        }
        actant_system_turn(world->system, 0);
        assert_int_equal(pool_metrics_of(world).members, 4);
        pool_close(world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_loaded_gets_it),
        cmocka_unit_test(skewed_work_is_spread),
        cmocka_unit_test(what_is_too_much_waits_in_order),
        cmocka_unit_test(a_full_mailbox_pushes_back),
        cmocka_unit_test(a_full_mailbox_holds_its_senders_back),
        cmocka_unit_test(nothing_waits_behind_a_member_that_is_stuck),
        cmocka_unit_test(it_grows_when_all_are_busy_and_shrinks_when_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
