/* Pools: who gets a message, how many members there are, and what waits where. */
#include "tests/engine/actor/actor_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS_MAX = 64, JOBS_MAX = 20000 };
enum {
    JOB = ACTANT_TYPE_USER, /* payload: struct job */
    CRASH,
    LEAVE,
    WHO
};

struct job {
    uint32_t number;
    int64_t takes_ms; /* 0: done in its step; else begun, and done after that time */
};

/* What the members write down: one thread in the seeded home, else under the lock. */
struct world {
    enum place place;
    struct actant_system *system;
    struct actant_ref pool;
    int64_t clock_ns;
    pthread_mutex_t lock;
    uint64_t member[MEMBERS_MAX]; /* refs, in the order of their first start */
    uint32_t members, starts;
    uint32_t busy[MEMBERS_MAX], busy_most[MEMBERS_MAX], done_by[MEMBERS_MAX];
    uint32_t order[JOBS_MAX], count; /* job numbers as they were begun */
    uint32_t by[JOBS_MAX];           /* job → member + 1 */
    uint32_t finished;
    uint32_t want;
};

struct member {
    struct world *world;
    uint32_t index;
};

static uint32_t
index_of(struct world *world, uint64_t ref)
{
    uint32_t i = 0;
    while (i < world->members && world->member[i] != ref) {
        i++;
    }
    if (i == world->members) {
        world->member[world->members++] = ref;
    }
    return i;
}

static int
member_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    struct member *member = state;
    (void)size;
    memcpy(&member->world, args, sizeof(member->world));
    pthread_mutex_lock(&member->world->lock);
    member->index = index_of(member->world, actant_self(context).v);
    member->world->starts++;
    member->world->busy[member->index] = 0;
    pthread_mutex_unlock(&member->world->lock);
    return 0;
}

static void
begin_job(struct actant_context *context, struct member *member, const struct job *job)
{
    struct world *world = member->world;
    pthread_mutex_lock(&world->lock);
    world->order[world->count++] = job->number;
    world->by[job->number] = member->index + 1;
    if (++world->busy[member->index] > world->busy_most[member->index]) {
        world->busy_most[member->index] = world->busy[member->index];
    }
    pthread_mutex_unlock(&world->lock);
    if (job->takes_ms > 0) {
        actant_pool_begin(context);
        actant_timer_start(context, job->takes_ms, 0, job->number);
    }
}

static void
end_job(struct member *member)
{
    struct world *world = member->world;
    pthread_mutex_lock(&world->lock);
    world->busy[member->index]--;
    world->done_by[member->index]++;
    world->finished++;
    pthread_mutex_unlock(&world->lock);
}

static int
member_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct member *member = state;
    struct job job;
    switch (message->type) {
    case JOB:
        memcpy(&job, message->data, sizeof(job));
        begin_job(context, member, &job);
        if (job.takes_ms == 0) {
            end_job(member);
        }
        return 0;
    case ACTANT_TYPE_TIMER:
        actant_pool_done(context);
        end_job(member);
        return 0;
    case CRASH: return actant_raise(context, 9, NULL, "crash");
    case LEAVE: actant_exit(context); return 0;
    case WHO: actant_reply(context, &member->index, sizeof(member->index)); return 0;
    default: return 0;
    }
}

static const struct actant_class member_class = {
    .name = "member",
    .state_size = sizeof(struct member),
    .start = member_start,
    .handle = member_handle,
};

static int64_t
clock_of_world(void *self)
{
    return ((struct world *)self)->clock_ns;
}

/* On threads the clock is the machine's, else it is the world's own and stands still. */
static struct world *
open_world(enum place place, uint64_t seed, struct actant_pool how)
{
    struct world *world = calloc(1, sizeof(*world));
    struct actant_options options = {.threads = 3};
    if (place != PLACE_POOL) {
        options = (struct actant_options){.seeded = place == PLACE_SEEDED,
                                          .seed = seed,
                                          .now_ns = clock_of_world,
                                          .now_self = world};
    }
    world->place = place;
    world->system = actant_system_create(&options);
    pthread_mutex_init(&world->lock, NULL);
    how.member.actor = &member_class;
    how.member.args = &world;
    how.member.args_size = sizeof(world);
    how.member.home = place_home(place);
    assert_int_equal(actant_pool_create(world->system, &how, &world->pool), ACTANT_OK);
    if (place != PLACE_POOL) {
        actant_system_turn(world->system, 0);
    }
    return world;
}

/* Time goes on by so much, timer by timer. */
static void
pass(struct world *world, int64_t ms)
{
    int64_t until_ns = world->clock_ns + ms * 1000000;
    for (;;) {
        int64_t due_ns = actant_system_turn(world->system, 0);
        if (due_ns == 0) {
            continue;
        }
        if (due_ns < 0 || due_ns > until_ns) {
            break;
        }
        world->clock_ns = due_ns;
    }
    world->clock_ns = until_ns;
    actant_system_turn(world->system, 0);
}

static void
close_world(struct world *world)
{
    actant_system_destroy(world->system);
    pthread_mutex_destroy(&world->lock);
    free(world);
}

static void
give(struct world *world, uint32_t number, int64_t takes_ms)
{
    const struct job job = {number, takes_ms};
    assert_true(number < JOBS_MAX);
    assert_int_equal(actant_tell(world->system, world->pool, JOB, &job, sizeof(job)), ACTANT_OK);
}

static void
tell(struct world *world, uint32_t type)
{
    assert_int_equal(actant_tell(world->system, world->pool, type, NULL, 0), ACTANT_OK);
}

static bool
has_finished(void *self)
{
    struct world *world = self;
    pthread_mutex_lock(&world->lock);
    bool finished = world->finished >= world->want;
    pthread_mutex_unlock(&world->lock);
    return finished;
}

static void
wait_for(struct world *world, uint32_t finished)
{
    world->want = finished;
    wait_until(world->system, has_finished, world);
}

static struct actant_pool_metrics
metrics(struct world *world)
{
    struct actant_pool_metrics ret;
    assert_int_equal(actant_pool_metrics(world->system, world->pool, &ret), ACTANT_OK);
    return ret;
}

static uint64_t
next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* ---- routing ----------------------------------------------------------------------------------- */

/* The member with the fewest jobs under way, the lowest number among equals. */
static uint32_t
least_busy(const struct world *world)
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
        struct world *world =
            open_world((enum place)place, 11, (struct actant_pool){.members_min = MEMBERS});
        assert_int_equal(world->members, MEMBERS);
        for (uint32_t i = 0; i < JOBS; i++) {
            uint32_t best = least_busy(world), least = world->busy[best];
            uint32_t before[MEMBERS];
            memcpy(before, world->busy, sizeof(before));
            give(world, i, next(&random) % 5 ? (int64_t)(1 + next(&random) % 20) : 300);
            actant_system_turn(world->system, 0);
            uint32_t got = world->by[i];
            assert_in_range(got, 1, MEMBERS);
            assert_int_equal(before[got - 1], least);
            assert_true(place == PLACE_SEEDED || got - 1 == best);
            pass(world, (int64_t)(next(&random) % 12));
        }
        pass(world, 1000);
        assert_int_equal(world->finished, JOBS);
        struct actant_pool_metrics is = metrics(world);
        assert_int_equal(is.routed, JOBS);
        assert_int_equal(is.load, 0);
        assert_int_equal(is.grown + is.shrunk + is.replaced, 0);
        close_world(world);
    }
}

/* Every fourth job takes 150 ms, the others 1 ms, and one comes every 25 ms. A pool that took its members in
 * turn would give all long ones to the fourth, which then has two under way; as it is, nobody ever has. */
static void
skewed_work_is_spread(void **state)
{
    (void)state;
    enum { MEMBERS = 4, JOBS = 400 };
    struct world *world = open_world(PLACE_LOOP, 0, (struct actant_pool){.members_min = MEMBERS});
    int64_t in_turn_ends[JOBS];
    uint32_t in_turn_most = 0;
    for (uint32_t i = 0; i < JOBS; i++) {
        int64_t takes_ms = i % 4 == 3 ? 150 : 1;
        give(world, i, takes_ms);
        /* What a pool that takes its members in turn would have under way. */
        in_turn_ends[i] = world->clock_ns / 1000000 + takes_ms;
        uint32_t under_way = 0;
        for (uint32_t j = i % MEMBERS; j <= i; j += MEMBERS) {
            under_way += in_turn_ends[j] > world->clock_ns / 1000000;
        }
        in_turn_most = under_way > in_turn_most ? under_way : in_turn_most;
        pass(world, 25);
    }
    pass(world, 1000);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assert_in_range(world->busy_most[i], 0, 1);
    }
    assert_int_equal(in_turn_most, 2);
    close_world(world);
}

/* ---- bounds ------------------------------------------------------------------------------------ */

static void
what_is_too_much_waits_in_order(void **state)
{
    (void)state;
    enum { MEMBERS = 3, LOAD = 2, JOBS = 500 };
    for (int place = 0; place < PLACES; place++) {
        uint64_t random = 17;
        struct world *world =
            open_world((enum place)place, 23,
                       (struct actant_pool){.members_min = MEMBERS, .member_load_max = LOAD});
        for (uint32_t i = 0; i < JOBS; i++) {
            give(world, i, (int64_t)(next(&random) % 3) * 2);
        }
        if (place == PLACE_POOL) {
            wait_for(world, JOBS);
        } else {
            pass(world, 4 * JOBS);
        }
        assert_int_equal(world->finished, JOBS);
        for (uint32_t i = 0; i < MEMBERS; i++) {
            assert_in_range(world->busy_most[i], 1, LOAD);
        }
        uint32_t last[MEMBERS] = {
            0}; /* each begins what it is handed in the order of the sending */
        for (uint32_t i = 0; i < JOBS; i++) {
            uint32_t number = world->order[i], by = world->by[number] - 1;
            assert_true(number + 1 > last[by]);
            last[by] = number + 1;
        }
        close_world(world);
    }
}

static void
a_full_mailbox_pushes_back(void **state)
{
    (void)state;
    enum { MEMBERS = 2, WAITING = 4 };
    struct world *world = open_world(PLACE_LOOP, 0,
                                     (struct actant_pool){.members_min = MEMBERS,
                                                          .member_load_max = 1,
                                                          .mailbox_max = WAITING,
                                                          .overflow = ACTANT_FAIL});
    uint32_t number = 0;
    for (; number < MEMBERS + WAITING; number++) {
        give(world, number, 50);
        actant_system_turn(world->system, 0);
    }
    const struct job job = {number, 50};
    assert_int_equal(actant_tell(world->system, world->pool, JOB, &job, sizeof(job)), ACTANT_FULL);
    pass(world, 50);
    give(world, number, 50);
    pass(world, 1000);
    assert_int_equal(world->finished, MEMBERS + WAITING + 1);
    close_world(world);
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
    struct world *world = open_world(PLACE_POOL, 0, (struct actant_pool){.members_min = 1});
    const struct actant_pool how = {.member = {.actor = &stuck_class,
                                               .args = &world,
                                               .args_size = sizeof(world),
                                               .home = ACTANT_POOL},
                                    .members_min = 3,
                                    .member_load_max = 1};
    atomic_store(&stuck, false);
    atomic_store(&release, false);
    assert_int_equal(actant_pool_create(world->system, &how, &world->pool), ACTANT_OK);
    tell(world, LEAVE);
    wait_until(world->system, is_stuck, NULL);
    for (uint32_t i = 0; i < JOBS; i++) {
        give(world, i, 0);
    }
    wait_for(world, JOBS);
    atomic_store(&release, true);
    close_world(world);
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
        struct world *world =
            open_world((enum place)place, 31,
                       (struct actant_pool){.members_min = 1, .members_max = 4, .idle_ms = 100});
        uint32_t number = 0;
        for (int i = 0; i < 10; i++) { /* one at a time: no reason to grow */
            give(world, number++, 5);
            pass(world, 10);
        }
        assert_int_equal(metrics(world).members, 1);
        for (int i = 0; i < 3; i++) {
            give(world, number++, 20);
            actant_system_turn(world->system, 0);
        }
        assert_int_equal(metrics(world).members, 3);
        give(world, number++, 1000); /* the fourth is busy for long */
        for (int i = 0; i < 5; i++) {
            give(world, number++, 20);
        }
        actant_system_turn(world->system, 0);
        struct actant_pool_metrics is = metrics(world);
        assert_int_equal(is.members, 4);
        assert_int_equal(is.grown, 3);
        assert_int_equal(is.load, 9);
        pass(world, 99);
        assert_int_equal(metrics(world).members, 4);
        pass(world, 300);
        is = metrics(world);
        assert_int_equal(is.members, 1); /* the one that is busy, though it is the youngest */
        assert_int_equal(is.shrunk, 3);
        assert_int_equal(is.load, 1);
        pass(world, 2000);
        is = metrics(world);
        assert_int_equal(is.members, 1);
        assert_int_equal(is.members_most, 4);
        assert_int_equal(is.load, 0);
        assert_int_equal(world->finished, number);
        assert_int_equal(actant_system_turn(world->system, 0), -1); /* no timer is left */
        for (int i = 0; i < 4; i++) {                               /* and it can grow again */
            give(world, number++, 20);
        }
        actant_system_turn(world->system, 0);
        assert_int_equal(metrics(world).members, 4);
        close_world(world);
    }
}

/* ---- asks -------------------------------------------------------------------------------------- */

static void
a_member_answers_itself(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct world *world =
            open_world((enum place)place, 41, (struct actant_pool){.members_min = 2});
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
        close_world(world);
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
            struct world *world = open_world(
                (enum place)place, 43,
                (struct actant_pool){.member = {.keep_mailbox = keep}, .members_min = 1});
            give(world, 0, 1000);
            give(world, 1, 1000);
            tell(world, CRASH);
            give(world, 2, 0);
            tell(world, LEAVE);
            give(world, 3, 0);
            pass(world, 10);
            assert_int_equal(world->finished, keep ? 2 : 0);
            assert_int_equal(world->starts, keep ? 3 : 2);
            give(world, 4, 0);
            pass(world, 10);
            assert_int_equal(world->finished, keep ? 3 : 1);
            struct actant_pool_metrics is = metrics(world);
            assert_int_equal(is.load, 0);
            assert_int_equal(is.members, 1);
            assert_int_equal(is.replaced, keep ? 2 : 1);
            close_world(world);
        }
    }
}

static void
crashes_out_of_bounds_end_it(void **state)
{
    (void)state;
    struct world *world =
        open_world(PLACE_LOOP, 0,
                   (struct actant_pool){.members_min = 3, .restarts_max = 2, .window_ms = 1000});
    for (int i = 0; i < 8; i++) {
        tell(world, CRASH);
        pass(world, 600);
    }
    assert_true(actant_is_alive(world->system, world->pool));
    for (int i = 0; i < 3; i++) {
        tell(world, CRASH);
    }
    pass(world, 0);
    assert_false(actant_is_alive(world->system, world->pool));
    struct actant_pool_metrics is;
    assert_int_equal(actant_pool_metrics(world->system, world->pool, &is), ACTANT_GONE);
    close_world(world);
}

/* The pool gives up, its supervisor starts it again, and nothing that waited is lost. */
static void
a_supervised_pool_keeps_its_messages(void **state)
{
    (void)state;
    struct world *world = open_world(PLACE_LOOP, 0, (struct actant_pool){.members_min = 1});
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
        give(world, i, i < 4 ? 10 : 0);
        if (i % 10 == 5) {
            tell(world, CRASH);
        }
    }
    pass(world, 1000);
    /* What was begun and not done when the pool gave up is lost with its members; no message is. */
    assert_int_equal(world->count, 30);
    assert_int_equal(metrics(world).load, 0);
    assert_int_equal(metrics(world).members, 2);
    /* The same when it is killed. */
    give(world, 30, 1000);
    give(world, 31, 1000);
    pass(world, 10);
    assert_int_equal(metrics(world).load, 2);
    assert_int_equal(actant_kill(world->system, world->pool), ACTANT_OK);
    give(world, 32, 5);
    pass(world, 10);
    assert_int_equal(world->count, 33);
    assert_int_equal(metrics(world).load, 0);
    close_world(world);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static bool
is_gone(void *self)
{
    struct world *world = self;
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
            struct world *world =
                open_world((enum place)place, 53,
                           (struct actant_pool){.members_min = 2, .member_load_max = load_max});
            for (uint32_t i = 0; i < JOBS; i++) {
                give(world, i, 0);
            }
            assert_int_equal(actant_stop(world->system, world->pool), ACTANT_OK);
            wait_until(world->system, is_gone, world);
            assert_int_equal(world->finished, JOBS);
            close_world(world);
        }
    }
}

/* It waits for room that never comes; a kill does not, and neither does the end of the system. */
static void
an_end_does_not_wait_for_what_is_never_done(void **state)
{
    (void)state;
    for (int kill = 0; kill < 2; kill++) {
        struct world *world =
            open_world(PLACE_LOOP, 0, (struct actant_pool){.members_min = 1, .member_load_max = 1});
        give(world, 0, 1000);
        give(world, 1, 1000);
        pass(world, 1);
        assert_int_equal(actant_stop(world->system, world->pool), ACTANT_OK);
        pass(world, 1);
        assert_false(is_gone(world));
        if (kill) {
            assert_int_equal(actant_kill(world->system, world->pool), ACTANT_OK);
            pass(world, 1);
            assert_true(is_gone(world));
        }
        close_world(world);
    }
}

/* ---- threads ----------------------------------------------------------------------------------- */

enum { SENDERS = 3, EACH = 4000 };

struct sender {
    struct world *world;
    uint32_t first;
};

static void *
send_many(void *self)
{
    struct sender *sender = self;
    struct world *world = sender->world;
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
        struct world *world = open_world(PLACE_POOL, 0,
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
        wait_for(world, SENDERS * EACH);
        for (uint32_t i = 0; i < SENDERS * EACH; i++) {
            assert_int_not_equal(world->by[i], 0);
        }
        close_world(world);
    }
}

/* ---- bad input --------------------------------------------------------------------------------- */

static void
what_means_nothing_is_refused(void **state)
{
    (void)state;
    struct world *world = open_world(PLACE_LOOP, 0, (struct actant_pool){.members_min = 0});
    struct actant_pool_metrics is = metrics(world);
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
    pass(world, 10);
    assert_int_equal(world->finished, 1);
    close_world(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_loaded_gets_it),
        cmocka_unit_test(skewed_work_is_spread),
        cmocka_unit_test(what_is_too_much_waits_in_order),
        cmocka_unit_test(a_full_mailbox_pushes_back),
        cmocka_unit_test(nothing_waits_behind_a_member_that_is_stuck),
        cmocka_unit_test(it_grows_when_all_are_busy_and_shrinks_when_idle),
        cmocka_unit_test(a_member_answers_itself),
        cmocka_unit_test(a_member_that_stops_is_replaced),
        cmocka_unit_test(crashes_out_of_bounds_end_it),
        cmocka_unit_test(a_supervised_pool_keeps_its_messages),
        cmocka_unit_test(stopped_in_order_it_does_what_it_has),
        cmocka_unit_test(an_end_does_not_wait_for_what_is_never_done),
        cmocka_unit_test(many_threads_and_crashes_lose_nothing),
        cmocka_unit_test(what_means_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
