#include "base/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static char *
json(const struct act_value *v, uint32_t indent)
{
    static struct act_buf buf;
    act_buf_fini(&buf);
    act_json_write(&buf, v, indent);
    return buf.ptr;
}

static struct act_value *
parsed(const char *text)
{
    struct act_value *v = NULL;
    struct act_error err;
    if (act_json_parse(act_str(text), 0, &v, &err) != ACT_OK)
        fail_msg("%s: %s", text, err.message);
    return v;
}

static void
json_round_trips(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"null", "null"},
        {" true ", "true"},
        {"[1,2.50,-0,1e400,12345678901234567890]", "[1,2.50,-0,1e400,12345678901234567890]"},
        {"[9223372036854775807,-9223372036854775808,9223372036854775808]",
         "[9223372036854775807,-9223372036854775808,9223372036854775808]"},
        {"{ \"a\" : [ ] , \"b\" : { } }", "{\"a\":[],\"b\":{}}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"\"\\u0041\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "\"A\\n\\t\\\"\\\\/\\b\\f\\r\""},
        {"\"\\ud83d\\ude00 \\ud83d \\ude00x\"", "\"\xF0\x9F\x98\x80 \xEF\xBF\xBD \xEF\xBF\xBDx\""},
        {"\"\\u0000\\u001f\"", "\"\\u0000\\u001f\""},
        {"\"a long text with an escape far behind\\n and more after it\"",
         "\"a long text with an escape far behind\\n and more after it\""},
        {"\"\xC3\xA4 \x7F\"", "\"\xC3\xA4 \x7F\""},
        {"[[[[1],2],[]],{\"x\":[{\"y\":null}]}]", "[[[[1],2],[]],{\"x\":[{\"y\":null}]}]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *v = parsed(cases[i].in);
        assert_string_equal(json(v, 0), cases[i].out);
        struct act_value *again = parsed(cases[i].out);
        assert_true(act_value_equal(v, again));
        act_value_release(again);
        act_value_release(v);
    }
    struct act_value *v = parsed("{\"a\":[1,{\"b\":[]}],\"c\":{}}");
    assert_string_equal(
        json(v, 2), "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
    act_value_release(v);
}

static void
json_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *in, *message;
    } cases[] = {
        {"", "offset 0: expected a JSON value, but the text ends"},
        {"nul", "offset 0: expected a JSON value"},
        {"[1,]", "offset 3: expected a JSON value"},
        {"[1 2]", "offset 3: expected ',' or ']'"},
        {"{\"a\":1,}", "offset 7: expected a key in double quotes"},
        {"{a:1}", "offset 1: expected a key in double quotes"},
        {"{\"a\" 1}", "offset 5: expected ':' after a key"},
        {"{\"a\":1 \"b\"", "offset 7: expected ',' or '}'"},
        {"[", "offset 1: expected a JSON value, but the text ends"},
        {"1 2", "offset 2: unexpected text after the JSON value"},
        {"01", "offset 0: malformed number"},
        {"1.", "offset 0: malformed number"},
        {".5", "offset 0: expected a JSON value"},
        {"+1", "offset 0: expected a JSON value"},
        {"-", "offset 0: malformed number"},
        {"1e", "offset 0: malformed number"},
        {"0x10", "offset 1: unexpected text after the JSON value"},
        {"NaN", "offset 0: expected a JSON value"},
        {"\"abc", "offset 0: this string does not end"},
        {"\"a\\", "offset 0: this string does not end"},
        {"\"a\\x\"", "offset 2: unknown escape in a string"},
        {"\"\\u12g4\"", "offset 1: unknown escape in a string"},
        {"\"a\nb\"", "offset 2: a control character in a string must be escaped"},
        {"\"a\xFF\"", "offset 2: invalid UTF-8"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *v = NULL;
        struct act_error err;
        assert_int_equal(act_json_parse(act_str(cases[i].in), 0, &v, &err), ACT_ERR_INVALID);
        assert_string_equal(err.message, cases[i].message);
        assert_null(v);
    }
}

static void
json_depth(void **state)
{
    (void)state;
    struct act_buf text = {0};
    for (int i = 0; i < 100000; i++)
        act_buf_add_cstr(&text, i % 2 ? "[" : "{\"a\":");
    act_buf_add_byte(&text, '1');
    for (int i = 100000; i-- > 0;)
        act_buf_add_byte(&text, i % 2 ? ']' : '}');
    struct act_value *v = NULL;
    struct act_error err;
    assert_int_equal(act_json_parse(act_buf_str(&text), 0, &v, &err), ACT_ERR_INVALID);
    assert_non_null(strstr(err.message, "deeper than 256 levels"));
    assert_int_equal(act_json_parse(act_buf_str(&text), 100000, &v, &err), ACT_OK);
    assert_string_equal(json(v, 0), text.ptr);
    struct act_buf bytes = {0};
    act_value_encode(&bytes, v);
    struct act_str rest = act_buf_str(&bytes);
    struct act_value *w = NULL;
    assert_int_equal(act_value_decode(&rest, NULL, &w, &err), ACT_OK);
    assert_true(act_value_equal(v, w));
    act_value_release(v);
    act_value_release(w);
    act_buf_fini(&bytes);
    act_buf_fini(&text);
}

static void
numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int type; /* -1: no number */
        const char *json;
    } cases[] = {
        {"0", ACT_INT, "0"},
        {"-5", ACT_INT, "-5"},
        {"-0", ACT_DIGITS, "-0"},
        {"+5", ACT_DIGITS, "5"},
        {"1.", ACT_DIGITS, "1.0"},
        {".5", ACT_DIGITS, "0.5"},
        {"-.5e3", ACT_DIGITS, "-0.5e3"},
        {"1.e3", ACT_DIGITS, "1.0e3"},
        {"1.10", ACT_DIGITS, "1.10"},
        {"0x1F", ACT_DIGITS, "31"},
        {"0o17", ACT_DIGITS, "15"},
        {"0644", -1, ""},
        {".", -1, ""},
        {"-", -1, ""},
        {"1e", -1, ""},
        {"e5", -1, ""},
        {"0x", -1, ""},
        {"1_000", -1, ""},
        {"", -1, ""},
        {".inf", -1, ""},
        {"12:30", -1, ""},
        {"-0x1F", -1, ""},
        {"+.", -1, ""},
        {"0xFFFFFFFFFFFFFFFFF", ACT_DIGITS, "295147905179352830000"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *v = act_value_number(act_str(cases[i].text));
        assert_int_equal(v ? (int)act_value_type(v) : -1, cases[i].type);
        if (!v)
            continue;
        assert_string_equal(json(v, 0), cases[i].json);
        struct act_buf text = {0};
        act_value_text(&text, v);
        assert_string_equal(text.ptr, cases[i].text);
        act_buf_fini(&text);
        act_value_release(v);
    }
}

static void
exact_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
        bool ok;
    } cases[] = {
        {"1.0", 1, true},
        {"1e3", 1000, true},
        {"1500e-2", 15, true},
        {"-0.0", 0, true},
        {"0e999999999999", 0, true},
        {"1.5", 0, false},
        {"1e-1", 0, false},
        {"1e19", 0, false},
        {"1e999999999999999999999", 0, false},
        {"9223372036854775807.0", INT64_MAX, true},
        {"-9223372036854775808.000", INT64_MIN, true},
        {"9223372036854775808", 0, false},
        {"-9223372036854775809", 0, false},
        {"922337203685477580.7e1", INT64_MAX, true},
        {"0.000000000000000000000000000012e30", 12, true},
        {"100000000000000000000000e-22", 10, true},
        {"0x7FFFFFFFFFFFFFFF", INT64_MAX, true},
        {"0x8000000000000000", 0, false},
        {"0o17", 15, true},
        {"+7", 7, true},
        {"1E+2", 100, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *v = act_value_number(act_str(cases[i].text));
        assert_non_null(v);
        int64_t n = 0;
        if (act_value_to_int(v, &n) != cases[i].ok || n != cases[i].value)
            fail_msg("%s: got %lld", cases[i].text, (long long)n);
        act_value_release(v);
    }
}

static void
reals(void **state)
{
    (void)state;
    static const struct {
        double d;
        const char *text;
    } cases[] = {
        {0.5, "0.5"},
        {-1.25, "-1.25"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e21, "1e+21"},
        {1e20, "100000000000000000000"},
        {1.5e300, "1.5e+300"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {-1.5e-7, "-1.5e-7"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {3.0, "3"},
        {-0.0, "0"},
        {123456.789, "123456.789"},
        {INFINITY, "null"},
        {NAN, "null"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *v = act_value_real(cases[i].d);
        assert_string_equal(json(v, 0), cases[i].text);
        act_value_release(v);
    }
}

static void
equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"1", "1.0", true},
        {"1", "2", false},
        {"0.5", "5e-1", true},
        {"9007199254740993", "9007199254740992.0", false},
        {"1", "\"1\"", false},
        {"null", "false", false},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"[1,[2]]", "[1,[2]]", true},
        {"[1,[2]]", "[1,2]", false},
        {"[]", "{}", false},
        {"true", "true", true},
        {"true", "false", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *a = parsed(cases[i].a), *b = parsed(cases[i].b);
        assert_int_equal(act_value_equal(a, b), cases[i].same);
        assert_int_equal(act_value_equal(b, a), cases[i].same);
        act_value_release(a);
        act_value_release(b);
    }
}

static void
large_maps(void **state)
{
    (void)state;
    struct act_value *map = act_value_map();
    char key[16];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 3000; i++) {
            snprintf(key, sizeof(key), "Key%d", i);
            act_value_map_put(map, act_str(key), act_value_int(i + round * 100000));
        }
    assert_int_equal(act_value_len(map), 3000);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "Key%d", i);
        assert_int_equal(act_value_as_int(act_value_get(map, act_str(key))), i + 100000);
        assert_true(act_str_is(act_value_key(map, (uint32_t)i), key));
    }
    assert_null(act_value_get(map, ACT_STR("key7")));
    assert_int_equal(act_value_as_int(act_value_iget(map, ACT_STR("kEY7"))), 100007);
    assert_null(act_value_iget(map, ACT_STR("nokey")));
    assert_null(act_value_get(act_value_null(), ACT_STR("x")));
    act_value_map_put(map, ACT_STR("key7"), act_value_null());
    assert_int_equal(act_value_type(act_value_iget(map, ACT_STR("key7"))), ACT_NULL);
    /* parsed, with duplicates */
    struct act_buf text = {0};
    act_buf_add_byte(&text, '{');
    for (int i = 0; i < 300; i++)
        act_buf_printf(&text, "%s\"k%d\":%d", i ? "," : "", i % 100, i);
    act_buf_add_byte(&text, '}');
    struct act_value *v = parsed(text.ptr);
    assert_int_equal(act_value_len(v), 100);
    assert_int_equal(act_value_as_int(act_value_get(v, ACT_STR("k5"))), 205);
    act_value_release(v);
    act_value_release(map);
    act_buf_fini(&text);
}

static struct act_value *
output(const char *bytes, size_t len, enum act_output mode)
{
    struct act_value *v = NULL;
    struct act_error err;
    if (act_value_from_output(act_str_n(bytes, len), mode, &v, &err) != ACT_OK)
        fail_msg("%s", err.message);
    return v;
}

static void
outputs(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum act_output mode;
        const char *json;
    } cases[] = {
        {"hello\n\n", ACT_OUTPUT_TEXT, "\"hello\""},
        {"", ACT_OUTPUT_TEXT, "\"\""},
        {"\n", ACT_OUTPUT_TEXT, "\"\""},
        {"a\xFF\n", ACT_OUTPUT_TEXT, "\"a\xEF\xBF\xBD\""},
        {"42\n", ACT_OUTPUT_TEXT, "\"42\""},
        {"a\r\nb\n\nc", ACT_OUTPUT_LINES, "[\"a\",\"b\",\"\",\"c\"]"},
        {"a\n", ACT_OUTPUT_LINES, "[\"a\"]"},
        {"\n", ACT_OUTPUT_LINES, "[\"\"]"},
        {"", ACT_OUTPUT_LINES, "[]"},
        {"\xFF\nb", ACT_OUTPUT_LINES, "[\"\xEF\xBF\xBD\",\"b\"]"},
        {" {\"a\": [1, 2]}\n", ACT_OUTPUT_JSON, "{\"a\":[1,2]}"},
        {"12\n", ACT_OUTPUT_JSON, "12"},
        {"12345678901\n", ACT_OUTPUT_JSON, "12345678901"},
        {"1.50\n", ACT_OUTPUT_JSON, "1.50"},
        {"null", ACT_OUTPUT_JSON, "null"},
        {"true", ACT_OUTPUT_JSON, "true"},
        {"\"x\"\n", ACT_OUTPUT_JSON, "\"x\""},
        {"[]", ACT_OUTPUT_JSON, "[]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *v = output(cases[i].in, strlen(cases[i].in), cases[i].mode);
        struct act_str raw;
        assert_string_equal(json(v, 0), cases[i].json);
        assert_true(act_value_raw(v, &raw));
        assert_true(act_str_is(raw, cases[i].in));

        struct act_value *plain = act_value_without_raw(v);
        assert_false(act_value_raw(plain, &raw));
        assert_true(act_value_equal(v, plain));
        assert_string_equal(json(plain, 0), cases[i].json);
        act_value_release(plain);

        struct act_value *list = act_value_list(), *back = NULL;
        act_value_list_add(list, act_value_retain(v));
        act_value_release(v);
        struct act_buf bytes = {0};
        act_value_encode(&bytes, list);
        act_value_release(list);
        struct act_str rest = act_buf_str(&bytes);
        assert_int_equal(act_value_decode(&rest, NULL, &back, NULL), ACT_OK);
        assert_int_equal(rest.len, 0);
        assert_true(act_value_raw(act_value_at(back, 0), &raw));
        assert_true(act_str_is(raw, cases[i].in));
        assert_string_equal(json(act_value_at(back, 0), 0), cases[i].json);
        act_value_release(back);
        act_buf_fini(&bytes);
    }
    struct act_value *v = output("x", 1, ACT_OUTPUT_NONE);
    struct act_str raw;
    assert_int_equal(act_value_type(v), ACT_NULL);
    assert_false(act_value_raw(v, &raw));
    struct act_error err;
    v = NULL;
    assert_int_equal(act_value_from_output(ACT_STR("no"), ACT_OUTPUT_JSON, &v, &err),
                     ACT_ERR_INVALID);
    assert_null(v);
}

static void
encoding_refuses(void **state)
{
    (void)state;
    struct act_value *v = parsed("{\"a\":[1,2.5,\"x\",null,true,false,{}],\"b\":{\"c\":[[]]}}");
    act_value_map_put(v, ACT_STR("r"), act_value_real(0.25));
    struct act_buf bytes = {0};
    act_value_encode(&bytes, v);
    struct act_error err;
    for (size_t cut = 0; cut < bytes.len; cut++) {
        struct act_str part = act_str_n(bytes.ptr, cut);
        struct act_value *w = NULL;
        assert_int_equal(act_value_decode(&part, NULL, &w, &err), ACT_ERR_CORRUPT);
        assert_null(w);
        assert_int_equal(part.len, cut);
    }
    srand(7);
    for (int round = 0; round < 20000; round++) {
        struct act_buf copy = {0};
        act_buf_add_str(&copy, act_buf_str(&bytes));
        for (int k = 0; k < 3; k++)
            copy.ptr[(size_t)rand() % copy.len] = (char)rand();
        struct act_str rest = act_buf_str(&copy);
        struct act_value *w = NULL;
        if (act_value_decode(&rest, NULL, &w, &err) == ACT_OK)
            act_value_release(w);
        act_buf_fini(&copy);
    }
    struct act_str whole = act_buf_str(&bytes);
    struct act_value *w = NULL;
    assert_int_equal(act_value_decode(&whole, NULL, &w, &err), ACT_OK);
    assert_true(act_value_equal(v, w));
    act_value_release(w);
    act_value_release(v);
    act_buf_fini(&bytes);
}

struct store {
    struct act_value_loader loader;
    int loads;
};

static enum act_err
load(struct act_value_loader *self, const struct act_value *ref, struct act_value **ret,
     struct act_error *err)
{
    ((struct store *)(void *)self)->loads++;
    if (act_str_is(act_value_ref_id(ref), "gone"))
        return act_error_set(err, ACT_ERR_NOT_FOUND, "gone");
    *ret = act_value_cstring("large");
    return ACT_OK;
}

static void
references(void **state)
{
    (void)state;
    struct store store = {{load}, 0};
    struct act_value *list = act_value_list();
    act_value_list_add(list, act_value_ref(&store.loader, ACT_STR("n1/2/3"), 70000, 1));
    act_value_list_add(list, act_value_ref(&store.loader, ACT_STR("gone"), 5, 0));
    assert_string_equal(json(list, 0), "[\"large\",null]");
    struct act_buf bytes = {0};
    act_value_encode(&bytes, list);
    struct act_str rest = act_buf_str(&bytes);
    struct act_value *back = NULL;
    assert_int_equal(act_value_decode(&rest, &store.loader, &back, NULL), ACT_OK);
    const struct act_value *ref = act_value_at(back, 0);
    assert_true(act_str_is(act_value_ref_id(ref), "n1/2/3"));
    assert_int_equal(act_value_ref_bytes(ref), 70000);
    assert_int_equal(act_value_ref_mode(ref), 1);
    assert_true(act_value_equal(list, back));
    struct act_value *loaded = NULL, *same = NULL;
    assert_int_equal(act_value_resolve(ref, &loaded, NULL), ACT_OK);
    assert_true(act_value_equal(ref, loaded));
    assert_int_equal(act_value_resolve(loaded, &same, NULL), ACT_OK);
    assert_ptr_equal(loaded, same);
    assert_int_equal(act_value_resolve(act_value_at(back, 1), &same, NULL), ACT_ERR_NOT_FOUND);
    act_value_release(loaded);
    act_value_release(loaded);
    act_value_release(list);
    act_value_release(back);
    act_buf_fini(&bytes);
}

static void
texts(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"null", ""},
        {"\"a\\nb\"", "a\nb"},
        {"true", "true"},
        {"1.0", "1.0"},
        {"7", "7"},
        {"[1, \"x\"]", "[1,\"x\"]"},
        {"{\"a\": null}", "{\"a\":null}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_value *v = parsed(cases[i].json);
        struct act_buf buf = {0};
        act_value_text(&buf, v);
        assert_true(act_str_is(act_buf_str(&buf), cases[i].text));
        act_buf_fini(&buf);
        act_value_release(v);
    }
    static const struct {
        double d;
        const char *text;
    } reals[] = {
        {0.1 + 0.2, "0.3"}, {NAN, "NaN"}, {-INFINITY, "-Infinity"}, {1.0 / 3, "0.333333333333333"}};
    for (size_t i = 0; i < 4; i++) {
        struct act_value *v = act_value_float(reals[i].d);
        struct act_buf buf = {0};
        act_value_text(&buf, v);
        assert_string_equal(buf.ptr, reals[i].text);
        if (i == 1)
            assert_string_equal(json(v, 0), "null");
        act_buf_fini(&buf);
        act_value_release(v);
    }
    struct act_buf buf = {0};
    act_json_write_str(&buf, ACT_STR("a\xFF\"b"));
    assert_string_equal(buf.ptr, "\"a\xEF\xBF\xBD\\\"b\"");
    act_buf_fini(&buf);
}

static void
constants_are_shared(void **state)
{
    (void)state;
    assert_ptr_equal(act_value_int(5), act_value_int(5));
    assert_ptr_equal(act_value_null(), act_value_null());
    assert_ptr_equal(act_value_bool(true), act_value_bool(true));
    for (int64_t i = -200; i < 1200; i++) {
        struct act_value *v = act_value_int(i);
        assert_int_equal(act_value_as_int(v), i);
        act_value_release(v);
    }
    for (int i = 0; i < 100; i++)
        act_value_release(act_value_null());
    act_value_release(NULL);
    json(act_value_null(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_round_trips),
        cmocka_unit_test(json_refuses),
        cmocka_unit_test(json_depth),
        cmocka_unit_test(numbers),
        cmocka_unit_test(exact_integers),
        cmocka_unit_test(reals),
        cmocka_unit_test(equality),
        cmocka_unit_test(large_maps),
        cmocka_unit_test(outputs),
        cmocka_unit_test(encoding_refuses),
        cmocka_unit_test(references),
        cmocka_unit_test(texts),
        cmocka_unit_test(constants_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
