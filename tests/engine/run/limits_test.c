#include "engine/run/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct act_value *
json(const char *text)
{
    struct act_value *v = NULL;
    assert_int_equal(act_json_parse(act_str(text), 0, &v, NULL), ACT_OK);
    return v;
}

static void
so_many_at_once(void **state)
{
    (void)state;
    struct act_limits limits = {0};
    struct act_value *two = json("{\"printer\": 2}");
    int64_t retry_ms = 0;
    assert_true(act_limits_acquire(&limits, 1, two, 0, &retry_ms));
    assert_true(act_limits_acquire(&limits, 2, two, 0, &retry_ms));
    assert_false(act_limits_acquire(&limits, 3, two, 0, &retry_ms));
    assert_true(retry_ms > 0);
    act_limits_release(&limits, 1);
    assert_true(act_limits_acquire(&limits, 3, two, 0, &retry_ms));
    act_value_release(two);
    act_limits_fini(&limits);
}

static void
all_or_none(void **state)
{
    (void)state;
    struct act_limits limits = {0};
    struct act_value *a = json("{\"a\": null}"), *both = json("{\"b\": 1, \"a\": null}");
    struct act_value *b = json("{\"b\": 1}");
    int64_t retry_ms = 0;
    assert_true(act_limits_acquire(&limits, 1, a, 0, &retry_ms));
    assert_false(act_limits_acquire(&limits, 2, both, 0, &retry_ms));
    assert_true(act_limits_acquire(&limits, 3, b, 0, &retry_ms));
    act_value_release(a);
    act_value_release(b);
    act_value_release(both);
    act_limits_fini(&limits);
}

static void
so_many_per_time(void **state)
{
    (void)state;
    struct act_limits limits = {0};
    struct act_value *rate = json("{\"api\": {\"count\": 2, \"per_ms\": 1000}}");
    int64_t retry_ms = 0;
    assert_true(act_limits_acquire(&limits, 1, rate, 0, &retry_ms));
    act_limits_release(&limits, 1); /* a rate counts until its time is over */
    assert_true(act_limits_acquire(&limits, 2, rate, 400, &retry_ms));
    assert_false(act_limits_acquire(&limits, 3, rate, 500, &retry_ms));
    assert_int_equal(retry_ms, 500);
    assert_true(act_limits_acquire(&limits, 3, rate, 1000, &retry_ms));
    act_value_release(rate);
    act_limits_fini(&limits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_at_once),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(so_many_per_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
