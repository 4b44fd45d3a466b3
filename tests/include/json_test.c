/* actant/json.h against the engine's own JSON: what one writes the other reads. */
#include "include/actant/json.h"

#include "base/value.h"
#include "include/actant/plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct actant_json
from(const char *text)
{
    return actant_json_from(text, strlen(text));
}

static void
test_reads(void **state)
{
    (void)state;
    struct actant_json all =
        from(" {\"a\": -12, \"b\" : [1, {\"c\": \"x,]}\\\"\"}, []], \"d\":null,\"e\":true,"
             "\"\\u0066\": 1.5e2, \"big\": 99999999999999999999, \"a\": 13 } ");
    assert_int_equal(actant_json_type(all), '{');
    assert_int_equal(actant_json_integer(actant_json_get(all, "a"), 0), 13);
    assert_int_equal(actant_json_integer(actant_json_get(all, "none"), 7), 7);
    assert_int_equal(actant_json_integer(actant_json_get(all, "big"), 0), INT64_MAX);
    assert_true(actant_json_number(actant_json_get(all, "f"), 0) == 150.0);
    assert_true(actant_json_boolean(actant_json_get(all, "e"), 0));
    assert_true(actant_json_boolean(actant_json_get(all, "d"), 1));
    assert_int_equal(actant_json_type(actant_json_get(all, "d")), 'n');
    struct actant_json_member member = {0};
    struct actant_json list = actant_json_get(all, "b");
    assert_true(actant_json_next(list, &member));
    assert_int_equal(actant_json_integer(member.value, 0), 1);
    assert_true(actant_json_next(list, &member));
    assert_true(actant_json_is(actant_json_get(member.value, "c"), "x,]}\""));
    assert_true(actant_json_next(list, &member));
    assert_int_equal(actant_json_type(member.value), '[');
    assert_false(actant_json_next(list, &member));
    assert_int_equal(actant_json_type(from("  ")), 0);
}

/* Each text through the reader's strings and back through the writer. */
static void
test_texts_go_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    "plain", "q\" b\\ s/", "\x01\x1f\b\f\n\r\t",
                                        "ü€😀", "\x7f",  "a\u2028b"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct act_buf written = {0};
        act_json_write_str(&written, act_str(texts[i]));
        char *read = actant_json_text(actant_json_from(written.ptr, written.len), NULL);
        assert_string_equal(read, texts[i]);
        struct actant_json_out out = {0};
        actant_json_put_text(&out, read);
        struct act_value *v = NULL;
        assert_int_equal(act_json_parse(act_str_n(out.text, out.length), 0, &v, NULL), ACT_OK);
        assert_true(act_str_is(act_value_as_str(v), texts[i]));
        act_value_release(v);
        act_buf_fini(&written);
        free(out.text);
        free(read);
    }
}

static void
test_escapes(void **state)
{
    (void)state;
    char *text = actant_json_text(from("\"\\u00fc\\ud83d\\ude00\\ud83d!\\u20ac\\/\""), NULL);
    assert_string_equal(text, "ü😀\xEF\xBF\xBD!€/");
    free(text);
    size_t length = 0;
    text = actant_json_bytes(from("\"a\\u0000b\""), NULL, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
}

static void
test_writes_json(void **state)
{
    (void)state;
    struct actant_json_out out = {0};
    actant_json_open(&out, '{');
    actant_json_key(&out, "list");
    actant_json_open(&out, '[');
    actant_json_put_integer(&out, INT64_MIN);
    actant_json_put_number(&out, 0.1);
    actant_json_put_number(&out, (double)NAN);
    actant_json_put_boolean(&out, 1);
    actant_json_put_text(&out, NULL);
    actant_json_open(&out, '{');
    actant_json_close(&out, '}');
    actant_json_close(&out, ']');
    actant_json_key(&out, "bad\xff");
    actant_json_put_bytes(&out, "\xc3\x28\xe2\x82", 4);
    actant_json_close(&out, '}');
    assert_string_equal(out.text,
                        "{\"list\":[-9223372036854775808,0.10000000000000001,null,true,null,{}],"
                        "\"bad\xEF\xBF\xBD\":\"\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\"}");
    free(out.text);
}

/* Fields are only ever added at the end: a library that was built with today's header goes on working. */
static void
test_the_layout_of_abi_1(void **state)
{
    (void)state;
    assert_int_equal(ACTANT_PLUGIN_ABI, 1);
    assert_int_equal(offsetof(struct actant_plugin, abi), 0);
    assert_int_equal(offsetof(struct actant_plugin, size), 4);
    if (sizeof(void *) != 8)
        return;
    assert_int_equal(offsetof(struct actant_plugin, tasks), 24);
    assert_int_equal(offsetof(struct actant_plugin, actors), 40);
    assert_int_equal(offsetof(struct actant_plugin_task, result), 24);
    assert_int_equal(offsetof(struct actant_call, functions), 8);
    assert_int_equal(offsetof(struct actant_call, attempt), 56);
    assert_int_equal(offsetof(struct actant_call_functions, output), 56);
    assert_int_equal(offsetof(struct actant_plugin_actor, destroy), 64);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_texts_go_there_and_back),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_writes_json),
        cmocka_unit_test(test_the_layout_of_abi_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
