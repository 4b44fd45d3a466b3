/* The crew of a run: whoever of it is killed, and before whichever message, the run ends as it would
 * have ended, and nothing is done twice. */
#include "tests/engine/run/world_support.h"

#include "dsl/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char workflow[] =
    "name: crew\n"
    "chain:\n"
    "  - group:\n"
    "      - {run: ok 100, retry: 3}\n"
    "      - {run: flaky 2 50, retry: {max: 3, delay: 200ms}}\n"
    "      - {run: flaky 1 30, retry: 2}\n"
    "      - {run: ok 100000, timeout: 300ms, on_error: continue}\n"
    "      - {run: fail 20, on_error: continue}\n"
    "      - {run: ok 80, limits: {gate: 1}}\n"
    "      - {run: ok 80, limits: {gate: 1}}\n"
    "      - {run: ok 40, limits: {gate: 1, wide: 2}}\n"
    "      - {sleep: 500ms}\n"
    "      - {wait: s1}\n"
    "      - value: ${{ format('{0}{1}', hashFiles('a'), hashFiles('b')) }}\n"
    "      - {run: ok 30, env: {A: \"${{ hashFiles('c') }}\"}, retry: 1}\n"
    "  - chord:\n"
    "      group:\n"
    "        - run: ok 10\n"
    "        - run: ok 20\n"
    "        - {run: flaky 1 10, retry: 1}\n"
    "      then: {run: ok 5}\n"
    "  - for: [1, 2, 3, 4]\n"
    "    parallel: 2\n"
    "    do: {run: ok 25}\n"
    "  - race:\n"
    "      - run: ok 60\n"
    "      - run: ok 90000\n"
    "  - try:\n"
    "      chain:\n"
    "        - run: ok 5\n"
    "        - run: fail 5\n"
    "    catch: {run: ok 5}\n"
    "    finally: {run: ok 5}\n"
    "  - chain:\n"
    "      - run: ok 1\n"
    "      - run: ok 1\n"
    "      - run: ok 1\n"
    "      - {run: ok 1, idempotent: false}\n";

static int
setup(void **state)
{
    struct act_compiled compiled;
    struct act_compile_options options = {.name = ACT_STR("crew")};
    act_compile(ACT_STR("crew.yaml"), act_str(workflow), &options, &compiled);
    for (uint32_t i = 0; i < compiled.diags.list.len; i++)
        fprintf(stderr, "%s\n", compiled.diags.list.ptr[i].message.ptr);
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

/* A snapshot after every batch, or after some. */
static uint64_t
often(uint64_t seed)
{
    return seed % 2 == 0 ? 1 : 400;
}

/* The end of a run that nobody disturbs; how many messages each took. */
static void
undisturbed(const struct act_plan *plan, uint64_t seed, bool power, struct act_buf *outcome,
            uint32_t taken[ACT_CREW_COUNT])
{
    struct world w;
    struct world_options options = {.plan = plan,
                                    .seed = seed,
                                    .signal_every_ms = 300,
                                    .power = power,
                                    .snapshot_bytes = often(seed)};
    if (!world_run(&w, &options))
        fail_msg("undisturbed: %s", w.problem);
    world_outcome(&w, outcome);
    for (int role = 0; role < ACT_CREW_COUNT; role++)
        taken[role] = w.taken[role];
    world_fini(&w);
}

/* What of a begins where b goes on otherwise. */
static const char *
first_difference(const char *a, const char *b)
{
    const char *line = a;
    for (; *a && *a == *b; a++, b++) {
        if (*a == '\n')
            line = a + 1;
    }
    return line;
}

static void
kill_at(const struct world_options *options, struct act_str expected)
{
    struct world w;
    struct act_buf outcome = {0};
    if (!world_run(&w, options))
        fail_msg("actor %d killed at message %d: %s", options->victim, (int)options->at, w.problem);
    world_outcome(&w, &outcome);
    assert_int_equal(w.kills, 1);
    if (!act_str_eq(act_buf_str(&outcome), expected))
        fail_msg("actor %d killed at message %d: another end: %s instead of %s",
                 (int)options->victim, (int)options->at,
                 first_difference(outcome.ptr, expected.ptr),
                 first_difference(expected.ptr, outcome.ptr));
    act_buf_fini(&outcome);
    world_fini(&w);
}

static void
kill_at_every_message(const struct act_plan *plan, uint64_t seed, bool power)
{
    struct act_buf expected = {0};
    uint32_t taken[ACT_CREW_COUNT];
    undisturbed(plan, seed, power, &expected, taken);
    for (int role = 0; role < ACT_CREW_COUNT; role++) {
        assert_int_not_equal(taken[role], 0);
        for (uint64_t at = 1; at <= taken[role]; at++) {
            struct world_options options = {.plan = plan,
                                            .seed = seed,
                                            .signal_every_ms = 300,
                                            .power = power,
                                            .snapshot_bytes = often(seed),
                                            .victim = (enum act_crew_role)role,
                                            .at = at};
            kill_at(&options, act_buf_str(&expected));
        }
    }
    act_buf_fini(&expected);
}

static void
test_every_actor_at_every_message(void **state)
{
    kill_at_every_message(*state, 0, false);
}

static void
test_the_same_in_seeded_order(void **state)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        kill_at_every_message(*state, seed, false);
}

/* A batch is on its way while actors are killed; the same end as without the thread, too. */
static void
test_the_same_at_power(void **state)
{
    struct act_buf inline_end = {0}, power_end = {0};
    uint32_t taken[ACT_CREW_COUNT];
    undisturbed(*state, 0, false, &inline_end, taken);
    undisturbed(*state, 0, true, &power_end, taken);
    assert_true(act_str_eq(act_buf_str(&inline_end), act_buf_str(&power_end)));
    act_buf_fini(&inline_end);
    act_buf_fini(&power_end);
    kill_at_every_message(*state, 0, true);
    kill_at_every_message(*state, 7, true);
}

static void
many_deaths(const struct act_plan *plan, bool power)
{
    struct act_buf expected = {0};
    uint32_t reads = 0;
    uint32_t taken[ACT_CREW_COUNT];
    undisturbed(plan, 0, power, &expected, taken);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct world w;
        struct act_buf outcome = {0};
        struct world_options options = {.plan = plan,
                                        .seed = seed,
                                        .signal_every_ms = 300,
                                        .often = 10,
                                        .power = power,
                                        .snapshot_bytes = often(seed)};
        if (!world_run(&w, &options))
            fail_msg("seed %d: %s", (int)seed, w.problem);
        world_outcome(&w, &outcome);
        assert_int_not_equal(w.kills, 0);
        reads += w.snapshot_reads;
        if (!act_str_eq(act_buf_str(&outcome), act_buf_str(&expected)))
            fail_msg("seed %d: another end: %s instead of %s", (int)seed,
                     first_difference(outcome.ptr, expected.ptr),
                     first_difference(expected.ptr, outcome.ptr));
        act_buf_fini(&outcome);
        world_fini(&w);
    }
    assert_true(reads > 200);
    act_buf_fini(&expected);
}

static void
test_many_deaths_in_one_run(void **state)
{
    many_deaths(*state, false);
}

static void
test_many_deaths_in_one_run_at_power(void **state)
{
    many_deaths(*state, true);
}

/* Without history there is no log to go on from: the run ends, and says why. */
static void
test_without_history(void **state)
{
    struct world w;
    struct world_options options = {.plan = *state, .no_store = true, .at = 5};
    assert_false(world_run(&w, &options));
    assert_non_null(strstr(w.problem, "keeps no history"));
    assert_null(w.attempts);
    world_fini(&w);
}

/* What no restart cures ends the run with an error instead of a loop that waits for ever. */
static void
test_what_fails_again_and_again(void **state)
{
    struct world w;
    struct world_options options = {.plan = *state, .seed = 1, .often = 1, .for_ever = true};
    assert_false(world_run(&w, &options));
    if (!strstr(w.problem, "a part of the engine failed"))
        fail_msg("%s", w.problem);
    world_fini(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_actor_at_every_message),
        cmocka_unit_test(test_the_same_in_seeded_order),
        cmocka_unit_test(test_the_same_at_power),
        cmocka_unit_test(test_many_deaths_in_one_run),
        cmocka_unit_test(test_many_deaths_in_one_run_at_power),
        cmocka_unit_test(test_without_history),
        cmocka_unit_test(test_what_fails_again_and_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
