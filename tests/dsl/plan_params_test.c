/* Parameters against their declarations. */
#include "dsl/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct act_value *
json(const char *text)
{
    struct act_value *v = NULL;
    struct act_error err = {0};
    assert_int_equal(act_json_parse(act_str(text), 0, &v, &err), ACT_OK);
    return v;
}

/* wanted is the filled map, or with a leading '!' a part of the message. */
static void
check(const char *declared, const char *given, const char *wanted)
{
    struct act_value *d = json(declared), *g = given ? json(given) : NULL, *ret = NULL;
    struct act_error err = {0};
    enum act_err code = act_params_check(d, g, &ret, &err);
    if (wanted[0] == '!') {
        assert_int_equal(code, ACT_ERR_INVALID);
        if (!strstr(err.message, wanted + 1))
            assert_string_equal(err.message, wanted);
        assert_true(err.hint[0] != 0);
    } else {
        struct act_buf out = {0};
        assert_int_equal(code, ACT_OK);
        act_json_write(&out, ret, 0);
        assert_string_equal(out.ptr, wanted);
        act_buf_fini(&out);
        act_value_release(ret);
    }
    act_value_release(d);
    act_value_release(g);
}

static void
fills_and_converts(void **state)
{
    (void)state;
    check("{}", NULL, "{}");
    check("{\"n\":{\"type\":\"integer\"}}", "{\"n\":\"2\"}", "{\"n\":2}");
    check("{\"n\":{\"type\":\"integer\"}}", "{\"n\":2.0}", "{\"n\":2}");
    check("{\"n\":{\"type\":\"number\"}}", "{\"n\":\"2.50\"}", "{\"n\":2.50}");
    check("{\"n\":{\"type\":\"boolean\"}}", "{\"n\":\" true \"}", "{\"n\":true}");
    check("{\"n\":{\"type\":\"list\"}}", "{\"n\":\"[1]\"}", "{\"n\":[1]}");
    check("{\"n\":{\"type\":\"object\"}}", "{\"n\":{\"a\":1}}", "{\"n\":{\"a\":1}}");
    check("{\"n\":{\"type\":\"string\"}}", "{\"n\":3.10}", "{\"n\":\"3.10\"}");
    check("{\"n\":{}}", "{\"n\":\"x\"}", "{\"n\":\"x\"}");
    check("{\"n\":{\"type\":\"integer\",\"default\":7}}", NULL, "{\"n\":7}");
    check("{\"n\":{\"type\":\"integer\"}}", "{}", "{\"n\":null}");
    check("{\"n\":{\"required\":false}}", "{}", "{\"n\":null}");
    check("{\"n\":{\"required\":false}}", "{\"n\":null}", "{\"n\":null}");
    check("{\"n\":{\"enum\":[\"a\",\"b\"]}}", "{\"n\":\"b\"}", "{\"n\":\"b\"}");
}

static void
refuses(void **state)
{
    (void)state;
    check("{\"n\":{\"type\":\"integer\",\"required\":true}}", NULL, "!parameter n: is missing");
    check("{\"n\":{\"type\":\"integer\"}}", "{\"n\":\"x\"}", "!parameter n: 'x' is no integer");
    check("{\"n\":{\"type\":\"integer\"}}", "{\"n\":2.5}", "!2.5 is no integer");
    check("{\"n\":{\"type\":\"boolean\"}}", "{\"n\":\"yes\"}", "!'yes' is no boolean");
    check("{\"n\":{\"type\":\"string\"}}", "{\"n\":[1,2]}", "![1,2] is no string");
    check("{\"n\":{\"required\":true}}", "{\"n\":null}", "!null is no string");
    check("{\"n\":{\"default\":\"x\"}}", "{\"n\":null}", "!null is no string");
    check("{\"n\":{\"enum\":[\"a\",\"b\"]}}", "{\"n\":\"c\"}", "!'c' is not one of a, b");
    check("{\"n\":{\"pattern\":\"^a+$\"}}", "{\"n\":\"b\"}",
          "!'b' does not match the pattern ^a+$");
    check("{\"n\":{\"required\":false}}", "{\"m\":1}", "!parameter m: there is no such parameter");
    check("{\"n\":{}}", "[1]", "!mapping");
    check("{\"a\":{\"required\":true},\"b\":{\"type\":\"integer\"}}", "{\"b\":\"x\",\"c\":1}",
          "!parameter c: there is no such parameter; parameter a: is missing; parameter b: 'x' is");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_and_converts),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
