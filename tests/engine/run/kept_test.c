/* A keeper and its coordinators: whenever a coordinator dies, the next one finds the attempts as they are,
 * nothing is started twice, and the run ends as it would have ended. Letters come twice, and damaged ones
 * are refused (keeper_support.c). */
#include "tests/engine/run/world_support.h"

#include "dsl/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char workflow[] = "name: kept\n"
                               "chain:\n"
                               "  - group:\n"
                               "      - {run: ok 100, retry: 3}\n"
                               "      - {run: flaky 2 50, retry: {max: 3, delay: 200ms}}\n"
                               "      - {run: ok 100000, timeout: 900ms, on_error: continue}\n"
                               "      - {run: fail 20, on_error: continue}\n"
                               "      - {run: ok 80, limits: {gate: 1}}\n"
                               "      - {run: ok 80, limits: {gate: 1}}\n"
                               "      - {sleep: 500ms}\n"
                               "      - {wait: s1}\n"
                               "  - for: [1, 2, 3, 4]\n"
                               "    parallel: 2\n"
                               "    do: {run: ok 25, idempotent: false}\n"
                               "  - race:\n"
                               "      - run: ok 60\n"
                               "      - run: ok 90000\n"
                               "  - try:\n"
                               "      chain:\n"
                               "        - run: ok 5\n"
                               "        - run: fail 5\n"
                               "    catch: {run: ok 5}\n"
                               "    finally: {run: ok 5}\n";

static int
setup(void **state)
{
    struct act_compiled compiled;
    struct act_compile_options options = {.name = ACT_STR("kept")};
    act_compile(ACT_STR("kept.yaml"), act_str(workflow), &options, &compiled);
    assert_non_null(compiled.plan);
    *state = compiled.plan;
    compiled.plan = NULL;
    act_compiled_fini(&compiled);
    return 0;
}

static int
teardown(void **state)
{
    act_plan_destroy(*state);
    return 0;
}

/* How often the process lived. */
static uint32_t
run(const struct world_options *options, struct act_buf *outcome, uint32_t *starts)
{
    struct world w;
    if (!world_run(&w, options))
        fail_msg("seed %d: %s", (int)options->seed, w.problem);
    world_outcome(&w, outcome);
    uint32_t lives = w.lives;
    *starts = w.starts;
    world_fini(&w);
    return lives;
}

static void
test_as_without_a_keeper(void **state)
{
    struct act_buf alone = {0}, kept = {0};
    struct world_options options = {.plan = *state, .signal_every_ms = 300};
    uint32_t starts_alone, starts_kept;
    run(&options, &alone, &starts_alone);
    options.kept = true;
    run(&options, &kept, &starts_kept);
    assert_string_equal(alone.ptr, kept.ptr);
    assert_int_equal(starts_alone, starts_kept);
    act_buf_fini(&alone);
    act_buf_fini(&kept);
}

/* One that dies, and its actors as well. */
static void
test_coordinators_that_die(void **state)
{
    struct act_buf expected = {0};
    struct world_options options = {.plan = *state, .signal_every_ms = 300, .kept = true};
    uint32_t starts, starts_expected, lives = 0;
    run(&options, &expected, &starts_expected);
    options.mishaps_max = 12;
    for (options.seed = 1; options.seed <= 150; options.seed++) {
        struct act_buf outcome = {0};
        options.die_often = options.seed % 2 ? 40 : 10;
        options.often = options.seed % 3 ? 0 : 30;
        lives += run(&options, &outcome, &starts);
        if (!act_str_eq(act_buf_str(&outcome), act_buf_str(&expected)))
            fail_msg("seed %d: another end:\n%s\ninstead of\n%s", (int)options.seed, outcome.ptr,
                     expected.ptr);
        assert_int_equal(starts, starts_expected);
        act_buf_fini(&outcome);
    }
    assert_true(lives > 1000); /* else nothing of this was tried */
    act_buf_fini(&expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_without_a_keeper),
        cmocka_unit_test(test_coordinators_that_die),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
