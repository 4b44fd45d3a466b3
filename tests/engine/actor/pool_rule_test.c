/* Pools with a rule: who may have what, what waits in which order, when they grow, and their quarantine. */
#include "tests/engine/actor/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GO_AWAY = ACTANT_TYPE_USER + 20, WELL, HOPELESS };

/* What the rule of a test says and hears. */
struct ruled {
    struct pool_world *world;
    uint32_t odd_for; /* jobs with an odd number: for this member alone, by index */
    uint32_t dropped; /* jobs under this number nobody needs; 0: all are */
    uint32_t grow_by; /* this many, … */
    uint32_t grow_at; /* … once so many wait */
    int64_t again_ms;
    uint32_t asked, refused;
    uint32_t waiting[32], waiting_count; /* numbers of what waited when it was asked last */
};

static struct job
job_of(const struct actant_message *message)
{
    struct job job;
    memcpy(&job, message->data, sizeof(job));
    return job;
}

static enum actant_fit
fits(void *self, const void *state, uint32_t load, const struct actant_message *message)
{
    const struct ruled *ruled = self;
    const struct member *member = state;
    if (message->type != JOB) {
        return load == 0 ? ACTANT_FITS : ACTANT_FITS_NOT;
    }
    uint32_t number = job_of(message).number;
    if (number < ruled->dropped) {
        return ACTANT_FITS_NOBODY;
    }
    bool its = number % 2 == 0 || member->index == ruled->odd_for;
    return its && load == 0 ? ACTANT_FITS : ACTANT_FITS_NOT;
}

static uint32_t
grow(void *self, const struct actant_message *waiting, uint32_t count, int64_t *again_ms)
{
    struct ruled *ruled = self;
    ruled->asked++;
    ruled->waiting_count = count;
    for (uint32_t i = 0; i < count; i++) {
        ruled->waiting[i] = waiting[i].type == JOB ? job_of(&waiting[i]).number : 0;
    }
    *again_ms = ruled->again_ms;
    return count >= ruled->grow_at ? ruled->grow_by : 0;
}

static void
refused(void *self, const struct actant_message *message, const char *why)
{
    struct ruled *ruled = self;
    (void)message;
    assert_non_null(strstr(why, "crash"));
    ruled->refused++;
}

static const struct actant_pool_rule rule = {.fits = fits, .grow = grow, .refused = refused};

/* A member that says more of itself than the usual one. */
static int
speaking_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    switch (message->type) {
    case GO_AWAY: actant_pool_leave(context); return 0;
    case WELL: actant_well(context); return 0;
    case HOPELESS: actant_hopeless(context); return actant_raise(context, 9, NULL, "crash");
    default: return member_handle(context, state, message);
    }
}

static const struct actant_class speaking_class = {
    .name = "speaker",
    .state_size = sizeof(struct member),
    .start = member_start,
    .handle = speaking_handle,
};

static int64_t
clock_of(void *self)
{
    return ((struct pool_world *)self)->clock_ns;
}

static struct pool_world *
open_ruled(struct ruled *ruled, struct actant_pool how, uint64_t seed)
{
    struct pool_world *world = calloc(1, sizeof(*world));
    struct actant_options options = {
        .seeded = seed > 0, .seed = seed, .now_ns = clock_of, .now_self = world};
    ruled->world = world;
    world->system = actant_system_create(&options);
    pthread_mutex_init(&world->lock, NULL);
    how.member.actor = &speaking_class;
    how.member.args = &world;
    how.member.args_size = sizeof(world);
    how.rule = &rule;
    how.rule_self = ruled;
    assert_int_equal(actant_pool_create(world->system, &how, &world->pool), ACTANT_OK);
    actant_system_turn(world->system, 0);
    return world;
}

static void
each_gets_what_fits(void **state)
{
    (void)state;
    enum { JOBS = 40 };
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct ruled ruled = {.odd_for = 1, .again_ms = -1};
        struct pool_world *world = open_ruled(&ruled, (struct actant_pool){.members_min = 3}, seed);
        for (uint32_t i = 0; i < JOBS; i++) {
            pool_give(world, i, 5);
        }
        pool_pass(world, 2000);
        assert_int_equal(world->finished, JOBS);
        uint32_t last_odd = 0;
        for (uint32_t i = 0; i < JOBS; i++) {
            uint32_t number = world->order[i];
            if (number % 2 == 0) {
                continue;
            }
            assert_int_equal(world->by[number] - 1, 1); /* its member */
            assert_true(number > last_odd || last_odd == 0);
            last_odd = number;
        }
        for (uint32_t i = 0; i < 3; i++) { /* load == 0 was its rule */
            assert_int_equal(world->busy_most[i], 1);
        }
        assert_true(world->done_by[0] > 0 && world->done_by[2] > 0);
        pool_close(world);
    }
}

/* What cannot be handed out does not stand before what can be; but only so much is looked at. */
static void
what_waits_is_passed(void **state)
{
    (void)state;
    struct ruled ruled = {.odd_for = 0, .again_ms = -1};
    struct pool_world *world = open_ruled(&ruled, (struct actant_pool){.members_min = 2}, 0);
    pool_give(world, 1, 100);
    for (uint32_t i = 3; i < 3 + 2 * 15; i += 2) { /* 15: the line has one place left */
        pool_give(world, i, 1);
    }
    pool_give(world, 100, 1);
    pool_pass(world, 2);
    assert_int_equal(world->by[100], 2);
    assert_int_equal(world->finished, 1);
    pool_give(world, 33, 1);
    pool_give(world, 102, 1); /* behind a full line */
    pool_pass(world, 2);
    assert_int_equal(world->by[102], 0);
    assert_int_equal(ruled.waiting_count, 0); /* it is not asked at its bound */
    pool_pass(world, 500);
    assert_int_equal(world->finished, 19);
    pool_close(world);
}

static void
nobody_needs_it(void **state)
{
    (void)state;
    struct ruled ruled = {.again_ms = -1};
    struct pool_world *world = open_ruled(&ruled, (struct actant_pool){.members_min = 1}, 0);
    pool_give(world, 50, 10);
    for (uint32_t i = 0; i < 5; i++) {
        pool_give(world, 2 * i, 1);
    }
    actant_system_turn(world->system, 0);
    ruled.dropped = 9;
    assert_int_equal(actant_pool_look(world->system, world->pool), ACTANT_OK);
    actant_system_turn(world->system, 0);
    ruled.dropped = 0; /* they are gone by now: it is not asked about them again */
    pool_pass(world, 100);
    assert_int_equal(world->finished, 1);
    assert_int_equal(pool_metrics_of(world).load, 0);
    pool_close(world);
}

static void
it_grows_as_it_is_told(void **state)
{
    (void)state;
    struct ruled ruled = {.grow_by = 2, .grow_at = 3, .again_ms = 50};
    struct pool_world *world =
        open_ruled(&ruled, (struct actant_pool){.members_max = 4, .may_be_empty = true}, 0);
    assert_int_equal(pool_metrics_of(world).members, 0);
    pool_give(world, 10, 1000);
    pool_give(world, 12, 1000);
    actant_system_turn(world->system, 0);
    assert_int_equal(pool_metrics_of(world).members, 0);
    uint32_t asked = ruled.asked;
    pool_pass(world, 49);
    assert_int_equal(ruled.asked, asked);
    ruled.grow_at = 2;
    pool_pass(world, 2); /* after again_ms, although nothing has come */
    assert_true(ruled.asked > asked);
    assert_int_equal(world->starts, 2);
    for (uint32_t i = 0; i < 8; i++) {
        pool_give(world, 20 + 2 * i, 1000);
    }
    actant_system_turn(world->system, 0);
    assert_int_equal(pool_metrics_of(world).members, 4); /* its bound */
    pool_pass(world, 20000);
    assert_int_equal(world->finished, 10);
    pool_close(world);
}

static void
one_that_leaves_is_not_replaced(void **state)
{
    (void)state;
    struct ruled ruled = {.grow_by = 1, .grow_at = 1, .again_ms = -1};
    struct pool_world *world =
        open_ruled(&ruled, (struct actant_pool){.members_max = 1, .may_be_empty = true}, 0);
    pool_give(world, 2, 100);
    actant_system_turn(world->system, 0);
    struct actant_ref member = {world->member[0]};
    actant_tell(world->system, member, GO_AWAY, NULL, 0);
    actant_system_turn(world->system, 0);
    assert_int_equal(pool_metrics_of(world).members, 0);
    pool_give(world, 4, 1); /* not for it any more: another one is made */
    actant_system_turn(world->system, 0);
    assert_int_equal(world->starts, 2);
    assert_int_equal(world->by[4], 2);
    pool_pass(world, 200);
    assert_int_equal(world->finished, 2); /* what it had begun it has ended */
    actant_tell(world->system, member, LEAVE, NULL, 0);
    pool_pass(world, 10);
    assert_int_equal(world->starts, 2);
    assert_false(actant_is_alive(world->system, member));
    pool_close(world);
}

static void
crash(struct pool_world *world, uint32_t type)
{
    actant_tell(world->system, world->pool, type, NULL, 0);
    actant_system_turn(world->system, 0);
}

static void
quarantine(void **state)
{
    (void)state;
    struct ruled ruled = {.grow_by = 1, .grow_at = 1, .again_ms = -1};
    struct actant_pool how = {.members_max = 2,
                              .may_be_empty = true,
                              .restarts_max = 2,
                              .window_ms = 3600000,
                              .restarts_at_once = 1,
                              .backoff_ms = 40,
                              .quarantine_ms = 1000};
    struct pool_world *world = open_ruled(&ruled, how, 0);
    /* The first restart comes at once, the second after a pause. */
    crash(world, CRASH);
    assert_int_equal(world->starts, 2);
    crash(world, CRASH);
    assert_int_equal(world->starts, 2);
    pool_pass(world, 45);
    assert_int_equal(world->starts, 3);
    /* Who is well has a clean slate, pauses and all. */
    crash(world, WELL);
    crash(world, CRASH);
    assert_int_equal(world->starts, 4);
    crash(world, CRASH);
    pool_pass(world, 45);
    assert_int_equal(world->starts, 5);
    /* The third in a row: what comes is refused, until it is over. A living one goes on. */
    pool_give(world, 2, 500);
    crash(world, CRASH); /* of another one, which was made for it */
    assert_int_equal(world->starts, 6);
    pool_give(world, 4, 1);
    crash(world, CRASH);
    assert_int_equal(ruled.refused, 2);
    pool_pass(world, 600);
    assert_int_equal(world->finished, 1);
    assert_true(actant_is_alive(world->system, world->pool));
    assert_int_equal(world->starts, 6);
    pool_pass(world, 500);
    pool_give(world, 6, 1);
    pool_pass(world, 5);
    assert_int_equal(world->finished, 2);
    assert_int_equal(ruled.refused, 2);
    pool_close(world);
}

static void
the_hopeless_are_not_tried_again(void **state)
{
    (void)state;
    struct ruled ruled = {.grow_by = 1, .grow_at = 1, .again_ms = -1};
    struct actant_pool how = {.members_max = 1, .may_be_empty = true, .quarantine_ms = 1000};
    struct pool_world *world = open_ruled(&ruled, how, 0); /* unlimited otherwise */
    for (int i = 0; i < 20; i++) {
        crash(world, CRASH);
    }
    assert_int_equal(ruled.refused, 0);
    crash(world, HOPELESS);
    pool_give(world, 2, 1);
    actant_system_turn(world->system, 0);
    assert_int_equal(ruled.refused, 1);
    pool_close(world);
}

/* Who asks what is refused or dropped hears of it. */
static void
questions_are_answered(void **state)
{
    (void)state;
    struct ruled ruled = {.again_ms = -1};
    struct pool_world *world = open_ruled(&ruled, (struct actant_pool){.members_min = 1}, 0);
    uint32_t index = 7;
    size_t size;
    assert_int_equal(actant_ask_wait(world->system, world->pool, WHO, NULL, 0, 60000, &index,
                                     sizeof(index), &size),
                     ACTANT_OK);
    assert_int_equal(index, 0);
    pool_close(world);
}

static void
bad_rules(void **state)
{
    (void)state;
    struct actant_system *system = actant_system_create(&(struct actant_options){.threads = 1});
    struct actant_ref ref;
    struct actant_pool how = {.member = {.actor = &member_class, .home = ACTANT_POOL},
                              .rule = &rule};
    assert_int_equal(actant_pool_create(system, &how, &ref), ACTANT_INVALID);
    how = (struct actant_pool){.member = {.actor = &member_class}, .quarantine_ms = 5};
    assert_int_equal(actant_pool_create(system, &how, &ref), ACTANT_INVALID);
    actant_system_destroy(system);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_what_fits),
        cmocka_unit_test(what_waits_is_passed),
        cmocka_unit_test(nobody_needs_it),
        cmocka_unit_test(it_grows_as_it_is_told),
        cmocka_unit_test(one_that_leaves_is_not_replaced),
        cmocka_unit_test(quarantine),
        cmocka_unit_test(the_hopeless_are_not_tried_again),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(bad_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
