/* A member that finishes between the head's look at it and the head's falling asleep: the head must see it,
 * because there is nobody who would wake it later. On threads that is a matter of nanoseconds; here the member
 * finishes exactly there, by the place that engine/actor/pool.c leaves for it. */
struct act_pool;
static void finish_now(struct act_pool *pool);
#define ACT_POOL_LOOKED(pool) finish_now(pool)
#include "engine/actor/pool.c" /* stands before the library's */

#include "tests/engine/actor/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { JOBS = 100, NEVER_MS = 100000000 };

static uint32_t finished; /* of the one test of this program */

/* As the member's thread would, whatever it is at. */
static void
finish_now(struct act_pool *pool)
{
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        finished += finish_one(kid);
    }
}

static void
a_member_that_finishes_while_the_head_looks_is_seen(void **state)
{
    (void)state;
    const struct actant_pool one = {.members_min = 1, .members_max = 1, .member_load_max = 1};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pool_world *world = pool_open(seed ? PLACE_SEEDED : PLACE_LOOP, seed, one);
        finished = 0;
        for (uint32_t i = 0; i < JOBS; i++) {
            pool_give(world, i, NEVER_MS);
        }
        pool_pass(world, 0);
        assert_int_equal(world->count, JOBS); /* each was begun: the head fell asleep for none */
        assert_true(finished > 0);
        pool_close(world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_that_finishes_while_the_head_looks_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
