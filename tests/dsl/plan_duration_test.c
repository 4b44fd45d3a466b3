/* Durations and instants. */
#include "dsl/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"250ms", 250},
        {"90s", 90000},
        {"1h30m", 5400000},
        {"2d", 172800000},
        {"0", 0},
        {"0s", 0},
        {"1d2h3m4s5ms", 93784005},
        {"0.1s", 100},
        {"1.5h", 5400000},
        {"0.5ms", 0},
        {"36525d", INT64_C(3155760000000)},
        {"36526d", -1},
        {"", -1},
        {"5", -1},
        {"1m1h", -1},
        {"1h1h", -1},
        {"-5s", -1},
        {"5 s", -1},
        {"5x", -1},
        {"s", -1},
        {".5s", -1},
        {"5.s", -1},
        {"1..5s", -1},
        {"5S", -1},
        {"9999999999999999999d", -1},
        {"1e3s", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = -1;
        struct act_error err = {0};
        enum act_err code = act_duration_parse(act_str(rows[i].text), &ms, &err);
        assert_int_equal(code, rows[i].ms < 0 ? ACT_ERR_INVALID : ACT_OK);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void
durations_from_values(void **state)
{
    (void)state;
    int64_t ms = 0;
    struct act_error err = {0};
    struct act_value *v = act_value_int(1500);
    assert_int_equal(act_duration_from_value(v, &ms, &err), ACT_OK);
    assert_int_equal(ms, 1500);
    act_value_release(v);
    v = act_value_cstring("2m");
    assert_int_equal(act_duration_from_value(v, &ms, &err), ACT_OK);
    assert_int_equal(ms, 120000);
    act_value_release(v);
    v = act_value_int(-1);
    assert_int_equal(act_duration_from_value(v, &ms, &err), ACT_ERR_INVALID);
    act_value_release(v);
    v = act_value_null();
    assert_int_equal(act_duration_from_value(v, &ms, &err), ACT_ERR_INVALID);
    act_value_release(v);
}

static void
instants(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again; /* NULL: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {"2026-01-31T08:30:00.250+02:00", "2026-01-31T06:30:00.250Z"},
        {"2024-02-29 23:59:59-00:30", "2024-03-01T00:29:59Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999Z"},
        {"2023-02-29T00:00:00Z", NULL},
        {"2026-13-01T00:00:00Z", NULL},
        {"2026-01-31", NULL},
        {"2026-01-31T08:30:00", NULL},
        {"2026-01-31T08:30:00.Z", NULL},
        {"2026-01-31T24:00:00Z", NULL},
        {"2026-01-31T08:30:00Zx", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = 0;
        struct act_buf text = {0};
        struct act_error err = {0};
        enum act_err code = act_instant_parse(act_str(rows[i].text), &ms, &err);
        assert_int_equal(code, rows[i].again ? ACT_OK : ACT_ERR_INVALID);
        if (!rows[i].again)
            continue;
        act_instant_text(&text, ms);
        assert_string_equal(text.ptr, rows[i].again);
        act_buf_fini(&text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(durations_from_values),
        cmocka_unit_test(instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
