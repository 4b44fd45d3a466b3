/* Fault 19: the clock is set while a run goes on, by seconds, an hour or days, back and forth. The run
 * comes to the end that it would have come to; set back, nothing takes longer than it should; set
 * forward, nothing is ended by a time-out. */
#include "tests/engine/run/world_support.h"

#include "dsl/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char workflow[] =
    "name: clock\n"
    "chain:\n"
    "  - group:\n"
    "      - {run: ok 400, timeout: 700ms}\n"
    "      - {run: ok 100000, timeout: 300ms, on_error: continue}\n"
    "      - {run: flaky 2 50, retry: {max: 3, delay: 20s}}\n"
    "      - {chain: [{run: ok 10}, {sleep: 90s}, {run: ok 10}], timeout: 5m}\n"
    "      - {run: ok 5, delay: 45s}\n"
    "      - {wait: s1, timeout: 30d}\n"
    "      - {wait: never, timeout: 100s, on_error: continue}\n"
    "      - {for: [1, 2, 3, 4, 5], do: {run: ok 5, limits: {api: 2/m}}}\n"
    "      - {run: ok 80, limits: {gate: 1}}\n"
    "      - {run: ok 80, limits: {gate: 1}}\n"
    "  - {sleep: 1s}\n"
    "  - {run: ok 5, at: '2023-11-01T00:00:00Z'}\n"; /* before any clock of the world */

static struct act_plan *
compile(const char *text)
{
    struct act_compiled compiled;
    struct act_compile_options options = {.name = ACT_STR("clock")};
    act_compile(ACT_STR("clock.yaml"), act_str(text), &options, &compiled);
    for (uint32_t i = 0; i < compiled.diags.list.len; i++)
        fprintf(stderr, "%s\n", compiled.diags.list.ptr[i].message.ptr);
    struct act_plan *plan = compiled.plan;
    assert_non_null(plan);
    compiled.plan = NULL;
    act_compiled_fini(&compiled);
    return plan;
}

static int
setup(void **state)
{
    *state = compile(workflow);
    return 0;
}

static int
teardown(void **state)
{
    act_plan_destroy(*state);
    return 0;
}

/* Its end; how long it took by the monotonic clock. */
static int64_t
run_once(const struct world_options *options, struct act_buf *outcome, uint32_t *sets)
{
    struct world w;
    if (!world_run(&w, options))
        fail_msg("seed %d: %s", (int)options->seed, w.problem);
    world_outcome(&w, outcome);
    int64_t took_ms = w.now_ns / 1000000;
    *sets += w.clock_sets;
    world_fini(&w);
    return took_ms;
}

#define RECHECK_MS 60000

static void
many(const struct act_plan *plan, struct world_options options, bool bounded)
{
    struct act_buf expected = {0};
    struct world_options calm = {
        .plan = plan, .signal_every_ms = 3000, .no_store = options.no_store};
    uint32_t sets = 0;
    int64_t calm_ms = run_once(&calm, &expected, &sets);
    assert_int_equal(sets, 0);
    options.plan = plan;
    options.signal_every_ms = 3000;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct act_buf outcome = {0};
        options.seed = seed;
        options.clock_often = seed % 3 == 0 ? 2 : 40;
        int64_t took_ms = run_once(&options, &outcome, &sets);
        if (!act_str_eq(act_buf_str(&outcome), act_buf_str(&expected)))
            fail_msg("seed %d: another end: %s instead of %s", (int)seed, outcome.ptr,
                     expected.ptr);
        if (bounded && took_ms > calm_ms + RECHECK_MS)
            fail_msg("seed %d: took %d s instead of %d", (int)seed, (int)(took_ms / 1000),
                     (int)(calm_ms / 1000));
        act_buf_fini(&outcome);
    }
    assert_true(sets > 300);
    act_buf_fini(&expected);
}

static void
test_the_same_end_and_no_later(void **state)
{
    many(*state, (struct world_options){0}, true);
}

static void
test_without_history(void **state)
{
    many(*state, (struct world_options){.no_store = true}, true);
}

/* And actors die meanwhile: their timers are asked for again. */
static void
test_while_actors_die(void **state)
{
    many(*state, (struct world_options){.often = 60, .snapshot_bytes = 1}, false);
}

/* ---- one setting of the clock, and what it means for each kind of waiting ---- */

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)

static void
test_what_waits_how_long(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t by_ms;          /* 30 s after the start */
        int64_t from_ms, to_ms; /* it takes so long by the monotonic clock */
    } table[] = {
        /* A length is a length, whoever sets the clock back. */
        {"sleep: 50m", -HOUR, 50 * MINUTE, 50 * MINUTE},
        {"{run: ok 1, delay: 50m}", -100 * HOUR, 50 * MINUTE, 50 * MINUTE},
        {"{run: flaky 1 1, retry: {max: 1, delay: 50m}}", -HOUR, 50 * MINUTE, 50 * MINUTE},
        {"{wait: never, timeout: 50m, on_error: continue}", -HOUR, 50 * MINUTE, 50 * MINUTE},
        /* Set forward it is as if the machine had slept: seen within a minute. */
        {"sleep: 50m", HOUR, MINUTE / 2, 2 * MINUTE},
        {"{wait: never, timeout: 50m, on_error: continue}", HOUR, MINUTE / 2, 2 * MINUTE},
        {"sleep: 50m", 20 * MINUTE, 30 * MINUTE, 31 * MINUTE},
        /* An instant is an instant: 22:13:21 is the world's first. */
        {"{run: ok 1, at: '2023-11-14T22:43:21Z'}", -HOUR, 90 * MINUTE, 90 * MINUTE},
        {"{run: ok 1, at: '2023-11-14T22:43:21Z'}", HOUR, MINUTE / 2, 2 * MINUTE},
        /* A time-out of an attempt knows no clock. */
        {"{run: ok 2400000, timeout: 50m}", HOUR, 40 * MINUTE, 40 * MINUTE},
        {"{run: ok 2400000, timeout: 50m}", -HOUR, 40 * MINUTE, 40 * MINUTE},
        {"{run: ok 9999999, timeout: 50m, on_error: continue}", HOUR, 50 * MINUTE, 50 * MINUTE},
        {"{run: ok 9999999, timeout: 50m, on_error: continue}", -HOUR, 50 * MINUTE, 50 * MINUTE},
        /* So many per time: nobody waits for the hour that the clock lost. */
        {"{for: [1, 2, 3], do: {run: ok 1, limits: {api: 1/m}}}", -HOUR, MINUTE / 2, 3 * MINUTE},
        {"{for: [1, 2, 3], do: {run: ok 1, limits: {api: 1/m}}}", HOUR, MINUTE / 2, 3 * MINUTE},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (int quirk = 0; quirk < 3; quirk++) {
            struct act_plan *plan = compile(table[i].text);
            struct act_buf outcome = {0};
            uint32_t sets = 0;
            struct world_options options = {.plan = plan,
                                            .seed = 1,
                                            .clock_at_ms = 30000,
                                            .clock_by_ms = table[i].by_ms,
                                            .no_store = quirk == 1,
                                            .often = quirk == 2 ? 20 : 0};
            int64_t took_ms = run_once(&options, &outcome, &sets) - 1000;
            assert_int_equal(sets, 1);
            /* A death costs what it takes to be made anew. */
            if (took_ms < table[i].from_ms || took_ms > table[i].to_ms + 20000)
                fail_msg("%s, clock set by %d min: took %d s", table[i].text,
                         (int)(table[i].by_ms / MINUTE), (int)(took_ms / 1000));
            if (!strstr(outcome.ptr, "run succeeded"))
                fail_msg("%s: %s", table[i].text, outcome.ptr);
            act_buf_fini(&outcome);
            act_plan_destroy(plan);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_end_and_no_later),
        cmocka_unit_test(test_without_history),
        cmocka_unit_test(test_while_actors_die),
        cmocka_unit_test(test_what_waits_how_long),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
