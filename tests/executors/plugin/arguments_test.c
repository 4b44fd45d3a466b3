/* Arguments, from what a workflow says to what a function is handed. */
#include "executors/plugin/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SCHEMA                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},"                           \
    "\"b\":{\"type\":\"string\",\"default\":\"x\"}},\"required\":[\"a\"]}"
#define OPEN "{\"type\":\"object\",\"additionalProperties\":true}"
#define NONE "{\"type\":\"object\"}"

static const struct {
    const char *schema, *args, *with;
    bool entered;
    const char *out, *error;
} cases[] = {
    {NULL, NULL, NULL, false, "{}", NULL},
    {NULL, "[1]", NULL, false, "[1]", NULL},
    {NULL, NULL, "{\"z\":1}", false, "{\"z\":1}", NULL},
    {SCHEMA, "[1]", NULL, false, "{\"a\":1,\"b\":\"x\"}", NULL},
    {SCHEMA, "[1]", NULL, true, "{\"a\":1,\"b\":\"x\"}", NULL},
    {SCHEMA, "[1,\"y\"]", NULL, false, "{\"a\":1,\"b\":\"y\"}", NULL},
    {SCHEMA, "[1]", "{\"b\":\"y\"}", false, "{\"a\":1,\"b\":\"y\"}", NULL},
    {SCHEMA, NULL, "{\"b\":2,\"a\":\"3\"}", false, "{\"b\":\"2\",\"a\":3}", NULL},
    {SCHEMA, "[1,2,3]", NULL, false, NULL, "it takes 2 arguments and is given 3"},
    {SCHEMA, NULL, NULL, false, NULL, "it wants the argument 'a'"},
    {SCHEMA, NULL, "{\"c\":1}", false, NULL, "it has no argument 'c'"},
    {SCHEMA, "[1]", "{\"a\":2}", false, NULL,
     "the argument 'a' is given twice, by `args` and by `with`"},
    {SCHEMA, "[\"q\"]", NULL, true, NULL, "the argument 'a': 'q' is no integer"},
    {OPEN, NULL, "{\"c\":[1]}", false, "{\"c\":[1]}", NULL},
    {NONE, "[1]", NULL, true, "{}", NULL},
    {NONE, "[1]", NULL, false, NULL, "it takes 0 arguments and is given 1"},
};

static struct act_value *
json(const char *text)
{
    struct act_value *v = NULL;
    if (text)
        assert_int_equal(act_json_parse(act_str(text), 0, &v, NULL), ACT_OK);
    return v;
}

static void
test_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct act_value *schema = json(cases[i].schema), *args = json(cases[i].args),
                         *with = json(cases[i].with);
        struct act_plugin_arguments given = {args, with, cases[i].entered};
        struct act_buf out = {0};
        struct act_error err = {0};
        enum act_err code = act_plugin_arguments_write(schema, &given, &out, &err);
        if ((code == ACT_OK) != (cases[i].error == NULL))
            fail_msg("case %zu: %s", i, code ? err.message : out.ptr);
        assert_string_equal(code ? err.message : out.ptr, code ? cases[i].error : cases[i].out);
        act_value_release(schema);
        act_value_release(args);
        act_value_release(with);
        act_buf_fini(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
