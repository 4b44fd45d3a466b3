/* $ACTANT_OUTPUT. */
#include "executors/shell/outputs.h"
#include "tests/executors/shell/shell_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
expect(const char *text, const char *wanted)
{
    struct act_value *v = NULL;
    struct act_error err = {0};
    struct act_buf buf = {0};
    bool secret = false;
    assert_int_equal(act_outputs_parse(act_str(text), NULL, &v, &secret, &err), ACT_OK);
    act_json_write(&buf, v, 0);
    assert_true(is(act_buf_str(&buf), wanted));
    assert_false(secret);
    act_buf_fini(&buf);
    act_value_release(v);
}

static void
expect_error(const char *text, const char *place)
{
    struct act_value *v = NULL;
    struct act_error err = {0};
    bool secret = false;
    assert_int_equal(act_outputs_parse(act_str(text), NULL, &v, &secret, &err), ACT_ERR_INVALID);
    assert_null(v);
    assert_non_null(strstr(err.message, place));
    assert_true(err.hint[0]);
}

static void
good(void **state)
{
    (void)state;
    expect("", "{}");
    expect("a=1\n", "{\"a\":\"1\"}");
    expect("a=1\n\nb-c=x=y", "{\"a\":\"1\",\"b-c\":\"x=y\"}");
    expect("a=\n", "{\"a\":\"\"}");
    expect("a= blanks \n", "{\"a\":\" blanks \"}");
    expect("a=1\na=2\n", "{\"a\":\"2\"}");
    expect("a<<EOF\none\ntwo\nEOF\nb=3\n", "{\"a\":\"one\\ntwo\",\"b\":\"3\"}");
    expect("a<<EOF\nEOF\n", "{\"a\":\"\"}");
    expect("a<<EOF\n\nEOF", "{\"a\":\"\"}");
    expect("a<<x=y\nv\nx=y\n", "{\"a\":\"v\"}");
    expect("a=b<<c\n", "{\"a\":\"b<<c\"}");
    expect("a<<E\nb=1\n EOF\nE\n", "{\"a\":\"b=1\\n EOF\"}");
    expect("a=\xff\n", "{\"a\":\"\xef\xbf\xbd\"}");
}

static void
bad(void **state)
{
    (void)state;
    expect_error("nothing\n", "line 1");
    expect_error("a=1\nnothing\n", "line 2");
    expect_error("=1\n", "line 1");
    expect_error("1a=1\n", "line 1");
    expect_error("a b=1\n", "line 1");
    expect_error("a<<\nx\n", "line 1");
    expect_error("a=1\nb<<EOF\nx\n", "line 2");
    expect_error("b<<EOF\nx\nEOF2", "line 1");
    expect_error("b<<EOF", "line 1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
