/* Schemas: which are understood, and what fits them. */
#include "dsl/plan_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct act_value *
json(const char *text)
{
    struct act_value *v = NULL;
    struct act_error err;
    if (act_json_parse(act_str(text), 0, &v, &err) != ACT_OK)
        fail_msg("%s: %s", text, err.message);
    return v;
}

static const struct {
    const char *schema, *value;
    const char *place, *message; /* message NULL: it fits */
} checks[] = {
    {"{}", "[1]", "", NULL},
    {"{\"type\":\"string\"}", "\"x\"", "", NULL},
    {"{\"type\":\"string\"}", "1", "", "1 is no string"},
    {"{\"type\":\"integer\"}", "1.0", "", NULL},
    {"{\"type\":\"integer\"}", "1.5", "", "1.5 is no integer"},
    {"{\"type\":\"integer\"}", "9223372036854775807", "", NULL},
    {"{\"type\":\"number\"}", "3", "", NULL},
    {"{\"type\":\"number\"}", "true", "", "true is no number"},
    {"{\"type\":\"boolean\"}", "0", "", "0 is no boolean"},
    {"{\"type\":\"null\"}", "null", "", NULL},
    {"{\"type\":\"array\"}", "{}", "", "{} is no array"},
    {"{\"type\":[\"string\",\"null\"]}", "null", "", NULL},
    {"{\"type\":[\"string\",\"null\"]}", "1", "", "1 is none of string, null"},
    {"{\"enum\":[1,\"a\",[2]]}", "[2]", "", NULL},
    {"{\"enum\":[1,\"a\"]}", "\"b\"", "", "'b' is not one of 1, a"},
    {"{\"const\":{\"a\":1}}", "{\"a\":1.0}", "", NULL},
    {"{\"const\":1}", "2", "", "2 is not 1"},
    {"{\"minimum\":1,\"maximum\":3}", "1", "", NULL},
    {"{\"minimum\":1}", "0.5", "", "0.5 is less than 1"},
    {"{\"maximum\":3}", "4", "", "4 is more than 3"},
    {"{\"exclusiveMinimum\":1}", "1", "", "1 is not more than 1"},
    {"{\"exclusiveMaximum\":3}", "3", "", "3 is not less than 3"},
    {"{\"minimum\":1}", "\"text\"", "", NULL},
    {"{\"minLength\":2}", "\"\u00fc\"", "", "'\u00fc' is shorter than 2 characters"},
    {"{\"maxLength\":1}", "\"\u00fc\"", "", NULL},
    {"{\"maxLength\":1}", "\"ab\"", "", "'ab' is longer than 1 characters"},
    {"{\"pattern\":\"^a+$\"}", "\"aaa\"", "", NULL},
    {"{\"pattern\":\"^a+$\"}", "\"ab\"", "", "'ab' does not match the pattern ^a+$"},
    {"{\"minItems\":1}", "[]", "", "[] has fewer than 1 items"},
    {"{\"maxItems\":1}", "[1,2]", "", "[1,2] has more than 1 items"},
    {"{\"items\":{\"type\":\"integer\"}}", "[1,2,\"c\"]", "[2]", "'c' is no integer"},
    {"{\"properties\":{\"a\":{\"items\":{\"properties\":{\"b\":{\"type\":\"null\"}}}}}}",
     "{\"a\":[{},{\"b\":1}]}", "a[1].b", "1 is no null"},
    {"{\"required\":[\"a\"]}", "{}", "", "{} lacks 'a'"},
    {"{\"required\":[\"a\"]}", "[]", "", NULL},
    {"{\"additionalProperties\":false,\"properties\":{\"a\":{}}}", "{\"a\":1}", "", NULL},
    {"{\"additionalProperties\":false}", "{\"b\":1}", "",
     "{\"b\":1} has 'b', which is not among its properties"},
    {"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"b\":1}", "b", "1 is no string"},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "7", "", NULL},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "3", "", "3 is no string"},
};

static void
test_what_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct act_value *schema = json(checks[i].schema), *v = json(checks[i].value);
        struct act_error err = {0};
        assert_int_equal(act_schema_verify(schema, &err), ACT_OK);
        enum act_err code = act_schema_check(schema, v, &err);
        if ((code == ACT_OK) != (checks[i].message == NULL))
            fail_msg("%s against %s: %s", checks[i].value, checks[i].schema, err.message);
        if (code)
            assert_string_equal(err.message, checks[i].message);
        if (code)
            assert_string_equal(err.place, checks[i].place);
        act_value_release(schema);
        act_value_release(v);
    }
}

static void
test_what_is_no_schema(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "[]",
        "{\"type\":\"text\"}",
        "{\"type\":[]}",
        "{\"enum\":[]}",
        "{\"properties\":[]}",
        "{\"properties\":{\"a\":1}}",
        "{\"required\":[1]}",
        "{\"items\":[{}]}",
        "{\"minimum\":\"1\"}",
        "{\"minLength\":-1}",
        "{\"pattern\":\"(\"}",
        "{\"anyOf\":[]}",
        "{\"anyOf\":[{\"typ\":\"string\"}]}",
        "{\"additionalProperties\":1}",
        "{\"$ref\":\"#\"}",
        "{\"oneOf\":[{}]}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct act_value *schema = json(wrong[i]);
        if (act_schema_verify(schema, NULL) != ACT_ERR_INVALID)
            fail_msg("%s was taken", wrong[i]);
        act_value_release(schema);
    }
}

static void
test_depth_is_bounded(void **state)
{
    (void)state;
    struct act_buf text = {0};
    for (int i = 0; i < ACT_SCHEMA_DEPTH_MAX + 1; i++)
        act_buf_add_cstr(&text, "{\"items\":");
    act_buf_add_cstr(&text, "{}");
    for (int i = 0; i < ACT_SCHEMA_DEPTH_MAX + 1; i++)
        act_buf_add_byte(&text, '}');
    struct act_value *schema = json(text.ptr);
    assert_int_equal(act_schema_verify(schema, NULL), ACT_ERR_INVALID);
    act_value_release(schema);
    act_buf_fini(&text);
}

static void
check_lenient(const char *type, const char *given, const char *wanted)
{
    struct act_value *schema = act_value_map(), *v = json(given), *want = json(wanted);
    act_value_map_put(schema, ACT_STR("type"), act_value_cstring(type));
    struct act_value *got = act_schema_lenient(schema, v);
    if (!act_value_equal(got, want) || act_value_type(got) != act_value_type(want))
        fail_msg("%s as %s", given, type);
    act_value_release(schema);
    act_value_release(v);
    act_value_release(want);
    act_value_release(got);
}

static void
test_lenience(void **state)
{
    (void)state;
    check_lenient("integer", "\" 12\\n\"", "12");
    check_lenient("integer", "\"1.5\"", "\"1.5\"");
    check_lenient("number", "\"1.5\"", "1.5");
    check_lenient("boolean", "\"true\"", "true");
    check_lenient("boolean", "\"yes\"", "\"yes\"");
    check_lenient("string", "12", "\"12\"");
    check_lenient("string", "false", "\"false\"");
    check_lenient("string", "null", "null");
    check_lenient("string", "[1]", "[1]");
    check_lenient("array", "\"[1]\"", "\"[1]\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits),
        cmocka_unit_test(test_what_is_no_schema),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_lenience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
