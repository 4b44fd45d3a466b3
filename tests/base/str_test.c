#include "base/str.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
comparing(void **state)
{
    (void)state;
    assert_true(act_str_cmp(ACT_STR("a"), ACT_STR("b")) < 0);
    assert_true(act_str_cmp(ACT_STR("ab"), ACT_STR("a")) > 0);
    assert_int_equal(act_str_cmp(ACT_STR(""), act_str(NULL)), 0);
    assert_true(act_str_ieq(ACT_STR("HeLLo[]"), ACT_STR("hEllo[]")));
    assert_false(act_str_ieq(ACT_STR("["), ACT_STR("{")));
    assert_true(act_str_starts(ACT_STR("abc"), ACT_STR("ab")));
    assert_false(act_str_starts(ACT_STR("a"), ACT_STR("ab")));
    assert_true(act_str_ends(ACT_STR("abc"), ACT_STR("bc")));
    assert_true(act_str_ends(ACT_STR("abc"), ACT_STR("")));
    assert_false(act_str_ends(ACT_STR("c"), ACT_STR("bc")));
    assert_true(act_str_eq(act_str_n("a\0b", 3), act_str_n("a\0b", 3)));
    assert_false(act_str_eq(act_str_n("a\0b", 3), act_str_n("a\0c", 3)));
}

static void
finding(void **state)
{
    (void)state;
    assert_int_equal(act_str_find(ACT_STR("hello"), ACT_STR("l")), 2);
    assert_int_equal(act_str_find(ACT_STR("hello"), ACT_STR("lo")), 3);
    assert_int_equal(act_str_find(ACT_STR("hello"), ACT_STR("")), 0);
    assert_int_equal(act_str_find(ACT_STR("lo"), ACT_STR("hello")), -1);
    assert_int_equal(act_str_find(act_str(NULL), ACT_STR("x")), -1);
    assert_true(act_str_is(act_str_trim(ACT_STR(" \t a b\r\n")), "a b"));
    assert_int_equal(act_str_trim(ACT_STR(" \n")).len, 0);
    assert_int_equal(act_str_trim(act_str_n("\0", 1)).len, 1);
}

static void
hashing_sees_every_byte(void **state)
{
    (void)state;
    char text[] = "0123456789abcdefghi";
    for (size_t len = 0; len < sizeof(text); len++) {
        uint64_t before = act_str_hash(act_str_n(text, len));
        assert_true(before == act_str_hash(act_str_n(text, len)));
        for (size_t i = 0; i < len; i++) {
            text[i] ^= 1;
            assert_true(before != act_str_hash(act_str_n(text, len)));
            text[i] ^= 1;
        }
        if (len)
            assert_true(before != act_str_hash(act_str_n(text, len - 1)));
    }
}

static void
utf8(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain ascii, long enough for words", "plain ascii, long enough for words"},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* surrogate */
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xE2\x82", "\xEF\xBF\xBD"}, /* cut off: one */
        {"\xE2\x82x", "\xEF\xBF\xBDx"},
        {"12345678\x80", "12345678\xEF\xBF\xBD"},
        {"\xF0\x9F\x98", "\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct act_buf buf = {0};
        act_buf_add_utf8(&buf, act_str(cases[i].in));
        assert_string_equal(buf.ptr, cases[i].out);
        assert_int_equal(act_utf8_valid(act_str(cases[i].in)),
                         strcmp(cases[i].in, cases[i].out) == 0);
        assert_true(act_utf8_valid(act_buf_str(&buf)));
        act_buf_fini(&buf);
    }
    static const uint32_t codes[] = {0x24, 0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < 6; i++) {
        char out[4];
        assert_true(act_utf8_valid(act_str_n(out, act_utf8_encode(out, codes[i]))));
    }
}

static void
distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        uint32_t expected;
    } cases[] = {
        {"contains", "contains", 0},
        {"contians", "contains", 1},
        {"contain", "contains", 1},
        {"xontains", "contains", 1},
        {"", "abc", 3},
        {"ca", "abc", 3},
        {"kitten", "sitting", 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(act_str_distance(act_str(cases[i].a), act_str(cases[i].b), 3),
                         cases[i].expected);
        assert_int_equal(act_str_distance(act_str(cases[i].b), act_str(cases[i].a), 3),
                         cases[i].expected);
    }
    assert_true(act_str_distance(ACT_STR("kitten"), ACT_STR("sitting"), 2) == UINT32_MAX);
    char text[300];
    memset(text, 'a', sizeof(text));
    assert_true(act_str_distance(act_str_n(text, 300), act_str_n(text, 299), 3) == UINT32_MAX);
    assert_int_equal(act_str_distance(act_str_n(text, 300), act_str_n(text, 300), 3), 0);
}

static void
buffers(void **state)
{
    (void)state;
    struct act_buf buf = {0};
    assert_int_equal(act_buf_str(&buf).len, 0);
    act_buf_clear(&buf);
    char text[200];
    memset(text, 'y', sizeof(text));
    for (int i = 0; i < 100; i++) {
        act_buf_add(&buf, text, (size_t)i);
        assert_int_equal(buf.ptr[buf.len], '\0');
    }
    assert_int_equal(buf.len, 4950);
    act_buf_clear(&buf);
    act_buf_printf(&buf, "%d-%s", 5, "five");
    act_buf_printf(&buf, "%0200d", 1);
    act_buf_add_byte(&buf, '!');
    act_buf_add_cstr(&buf, "cstr");
    assert_int_equal(buf.len, 6 + 200 + 5);
    assert_int_equal(strlen(buf.ptr), buf.len);
    act_buf_add(&buf, NULL, 0);
    act_buf_fini(&buf);
    assert_null(buf.ptr);
}

static void
digits(void **state)
{
    static const uint64_t numbers[] = {0, 9, 10, 101, UINT32_MAX, UINT64_MAX};
    struct act_buf buf = {0}, same = {0};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        act_buf_add_u64(&buf, numbers[i]);
        act_buf_add_byte(&buf, ',');
        act_buf_printf(&same, "%llu,", (unsigned long long)numbers[i]);
    }
    assert_string_equal(buf.ptr, same.ptr);
    act_buf_fini(&buf);
    act_buf_fini(&same);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(finding),
        cmocka_unit_test(hashing_sees_every_byte),
        cmocka_unit_test(digits),
        cmocka_unit_test(utf8),
        cmocka_unit_test(distance),
        cmocka_unit_test(buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
