/* However much a task writes, memory stays small. */
#include "tests/executors/shell/shell_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

#define MEMORY_MAX_KIB (50 * 1024)

static struct bench bench;

static int
setup(void **state)
{
    (void)state;
    char *env[] = {(char[]){"ACTANT_SECRET_TOKEN=hunter2-token"}, NULL};
    bench_open(&bench, env);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    bench_close(&bench);
    return 0;
}

/* Sanitizers slow this down and have memory of their own. */
static uint64_t
amount(void)
{
    return sanitized() ? UINT64_C(100000000) : UINT64_C(1000000000);
}

static void
expect_small(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!sanitized())
        assert_true(usage.ru_maxrss < MEMORY_MAX_KIB);
}

static void
a_result_without_line_ends(void **state)
{
    (void)state;
    char script[100];
    snprintf(script, sizeof script, "head -c %llu /dev/zero", (unsigned long long)amount());
    struct ended e = bench_run_script(&bench, script);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    assert_int_equal(e.event.out.length, amount());
    ended_fini(&e);
    expect_small();
}

static void
logs(void **state)
{
    (void)state;
    char script[200];
    snprintf(script, sizeof script, "yes 'a line of a log' | head -c %llu | tee /dev/stderr",
             (unsigned long long)amount());
    struct act_task task = task_run(script);
    task.output = ACT_OUTPUT_NONE;
    struct ended e = bench_run(&bench, &task);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    assert_true(e.event.out.length < UINT64_C(68000000));
    assert_true(e.event.err.length < UINT64_C(68000000));
    assert_true(e.event.order.len <= ACT_OUTPUT_ORDER_MAX + 20);
    ended_fini(&e);
    expect_small();
}

static void
masked(void **state)
{
    (void)state;
    assert_int_equal(act_secrets_need(bench.secrets, ACT_STR("TOKEN"), NULL), ACT_OK);
    char script[200];
    snprintf(script, sizeof script, "yes hunter2-\"\"token | head -c %llu",
             (unsigned long long)(amount() / 5));
    struct ended e = bench_run_script(&bench, script);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    assert_true(e.event.flag);
    assert_true(e.event.out.length < amount() / 5 / 3);
    ended_fini(&e);
    expect_small();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_result_without_line_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(logs, setup, teardown),
        cmocka_unit_test_setup_teardown(masked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
