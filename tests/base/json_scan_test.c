/* The scanner says of every text what the parser says of it, however the text is cut. */
#include "base/json_scan.h"

#include "base/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const texts[] = {
    "",
    " ",
    "null",
    "nul",
    "nulll",
    "true",
    "false",
    "tru e",
    "0",
    "-0",
    "01",
    "-",
    "1.",
    ".5",
    "1.5",
    "1e",
    "1e+",
    "1e5",
    "1E-05",
    "-1.25e7",
    "+1",
    "0x1",
    "1 2",
    "\"\"",
    "\"a",
    "\"a\\\"",
    "\"a\\\\\"",
    "\"\\u12\"",
    "\"\\u00e9\"",
    "\"\\x\"",
    "\"\t\"",
    "\"\xc3\xa9\"",
    "\"\xc3\"",
    "\"\xc0\x80\"",
    "\"\xe0\x80\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xf0\x9f\x98\x80\"",
    "\"\xff\"",
    "[]",
    "[",
    "]",
    "[1,]",
    "[,1]",
    "[1,2]",
    "[1 2]",
    "[[],{}]",
    "[}",
    "{}",
    "{",
    "{\"a\":1}",
    "{\"a\" : [1,{\"b\":null}] , \"c\":\"x\"}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{1:2}",
    "{\"a\":1 \"b\":2}",
    "[1]]",
    "\n [ true , -3 ]\r\n",
    "-01",
    "1e5.2",
    "\"a\" \"b\"",
    "[\"a\",\"b\"",
    "{\"a\":{\"b\":{\"c\":[[[]]]}}}",
    "nullx",
    "[null,true,false]",
};

static bool
scans(struct act_str text, size_t step)
{
    struct act_json_scan scan = {0};
    for (size_t at = 0; at < text.len; at += step) {
        size_t len = text.len - at < step ? text.len - at : step;
        if (!act_json_scan_feed(&scan, act_str_n(text.ptr + at, len)))
            return false;
    }
    return act_json_scan_finish(&scan);
}

static bool
parses(struct act_str text)
{
    struct act_value *v = NULL;
    bool ok = act_json_parse(text, 0, &v, NULL) == ACT_OK;
    act_value_release(v);
    return ok;
}

static void
test_agrees_with_the_parser(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct act_str text = act_str(texts[i]);
        for (size_t step = 1; step < 5; step++)
            if (scans(text, step) != parses(text))
                fail_msg("`%s`: the parser says %d", texts[i], parses(text));
    }
}

static void
test_depth_is_bounded(void **state)
{
    (void)state;
    struct act_buf text = {0};
    for (int i = 0; i < ACT_JSON_SCAN_DEPTH_MAX; i++)
        act_buf_add_byte(&text, '[');
    for (int i = 0; i < ACT_JSON_SCAN_DEPTH_MAX; i++)
        act_buf_add_byte(&text, ']');
    assert_true(scans(act_buf_str(&text), 7));
    struct act_json_scan scan = {0};
    for (int i = 0; i < ACT_JSON_SCAN_DEPTH_MAX; i++)
        assert_true(act_json_scan_feed(&scan, ACT_STR("[")));
    assert_false(act_json_scan_feed(&scan, ACT_STR("[")));
    assert_int_equal(scan.offset, ACT_JSON_SCAN_DEPTH_MAX);
    act_buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_the_parser),
        cmocka_unit_test(test_depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
