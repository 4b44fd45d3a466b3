/* Masking: every form, every way to split it. */
#include "executors/shell/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct act_mask_table *
table_of(const char *const *secrets)
{
    struct act_mask_table *table = act_mask_table_create();
    for (; *secrets; secrets++)
        assert_true(act_mask_table_add(table, act_str(*secrets)));
    act_mask_table_finish(table);
    return table;
}

/* Whole, byte by byte, and split in two at each place: always the same. */
static void
expect(const struct act_mask_table *table, const char *text, const char *wanted)
{
    struct act_buf out = {0};
    size_t len = strlen(text);
    bool hit = act_mask_text(table, act_str(text), &out);
    if (!act_str_is(act_buf_str(&out), wanted))
        fprintf(stderr, "'%s' became '%.*s'\n", text, (int)out.len, out.ptr);
    assert_true(act_str_is(act_buf_str(&out), wanted));
    assert_int_equal(hit, strcmp(text, wanted) != 0);
    for (size_t split = 0; split <= len + 1; split++) {
        struct act_mask mask = {.table = table};
        act_buf_clear(&out);
        if (split > len) {
            for (size_t i = 0; i < len; i++)
                act_mask_feed(&mask, act_str_n(text + i, 1), &out);
        } else {
            act_mask_feed(&mask, act_str_n(text, split), &out);
            act_mask_feed(&mask, act_str_n(text + split, len - split), &out);
        }
        act_mask_finish(&mask, &out);
        assert_true(act_str_is(act_buf_str(&out), wanted));
        assert_int_equal(mask.hit, hit);
        act_mask_fini(&mask);
    }
    act_buf_fini(&out);
}

static void
raw(void **state)
{
    (void)state;
    const char *secrets[] = {"hunter2!", "hunter2!extra", "abab", NULL};
    struct act_mask_table *table = table_of(secrets);
    expect(table, "", "");
    expect(table, "nothing here", "nothing here");
    expect(table, "hunter2!", "***");
    expect(table, "a hunter2! b", "a *** b");
    expect(table, "hunter2hunter2!", "hunter2***");
    expect(table, "hunter2!extra", "***");
    expect(table, "hunter2!extr", "***extr");
    expect(table, "hunter2!hunter2!", "***");
    expect(table, "x\nhunter2!\n", "x\n***\n");
    expect(table, "ababab", "***"); /* overlapping */
    expect(table, "aabab", "a***");
    expect(table, "hunter2", "hunter2");
    act_mask_table_destroy(table);
}

static void
no_secrets(void **state)
{
    (void)state;
    struct act_mask mask = {0};
    struct act_buf out = {0};
    act_mask_feed(&mask, ACT_STR("text"), &out);
    act_mask_finish(&mask, &out);
    assert_true(act_str_is(act_buf_str(&out), "text"));
    act_mask_fini(&mask);
    act_buf_fini(&out);
}

static void
json_forms(void **state)
{
    (void)state;
    const char *secrets[] = {"pa\"ss\\wo\trd",
                             "gr\xc3\xbc\xc3\x9f"
                             "e-\xf0\x9f\x94\x91"
                             "key",
                             NULL};
    struct act_mask_table *table = table_of(secrets);
    expect(table, "{\"p\":\"pa\\\"ss\\\\wo\\trd\"}", "{\"p\":\"***\"}");
    expect(table, "pa\"ss\\wo\trd", "***");
    expect(table,
           "gr\xc3\xbc\xc3\x9f"
           "e-\xf0\x9f\x94\x91"
           "key",
           "***");
    expect(table, "\"gr\\u00fc\\u00dfe-\\ud83d\\udd11key\"", "\"***\"");
    act_mask_table_destroy(table);
}

static void
encode(struct act_str bytes, const char *alphabet, struct act_buf *out)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (i + k < bytes.len ? (uint8_t)bytes.ptr[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            act_buf_add_byte(out, i + k > bytes.len ? '=' : alphabet[group >> (18 - 6 * k) & 63]);
    }
}

static void
base64_forms(void **state)
{
    (void)state;
    static const char *const alphabets[] = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};
    const char *secrets[] = {"s3cr3t~~~???token-value", NULL};
    struct act_mask_table *table = table_of(secrets);
    for (int alphabet = 0; alphabet < 2; alphabet++) {
        for (int before = 0; before < 7; before++) {
            struct act_buf text = {0}, coded = {0}, masked = {0};
            act_buf_printf(&text, "%.*s%s%s", before, "user:::", secrets[0], "tail");
            encode(act_buf_str(&text), alphabets[alphabet], &coded);
            assert_true(act_mask_text(table, act_buf_str(&coded), &masked));
            /* What is left shows at most what stood around it and the edges' few bits. */
            assert_true(masked.len <= 3 + (size_t)(before + 4) * 4 / 3 + 6);
            assert_true(act_str_find(act_buf_str(&masked), ACT_STR("***")) >= 0);
            act_buf_fini(&text);
            act_buf_fini(&coded);
            act_buf_fini(&masked);
        }
    }
    act_mask_table_destroy(table);
}

static void
wrapped_base64(void **state)
{
    (void)state;
    const char *secrets[] = {"s3cr3t-token-value", NULL};
    struct act_mask_table *table = table_of(secrets);
    struct act_buf coded = {0}, text = {0};
    encode(act_str(secrets[0]), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
           &coded);
    act_buf_printf(&text, "a %.*s\n%.*s\r\n%s", 5, coded.ptr, 9, coded.ptr + 5, coded.ptr + 14);
    expect(table, text.ptr, "a ***");
    act_buf_clear(&text);
    act_buf_printf(&text, "%.*s\n\n\n\n%s", 5, coded.ptr, coded.ptr + 5); /* something else */
    expect(table, text.ptr, text.ptr);
    act_buf_fini(&coded);
    act_buf_fini(&text);
    act_mask_table_destroy(table);
}

static void
lines(void **state)
{
    (void)state;
    const char *secrets[] = {"-----BEGIN KEY-----\nMIIabcdefgh\nshort\n  indented line\n", NULL};
    struct act_mask_table *table = table_of(secrets);
    expect(table, "x MIIabcdefgh y", "x *** y");
    expect(table, "short", "short");
    expect(table, "MIIabcdefgh\r\n", "***\r\n");
    expect(table, "indented line", "***");
    expect(table, "[-----BEGIN KEY-----\nMIIabcdefgh\nshort\n  indented line]", "[***]");
    expect(table, "\"-----BEGIN KEY-----\\nMIIabcdefgh\\nshort\\n  indented line\\n\"",
           "\"***\\n\"");
    act_mask_table_destroy(table);
}

static void
too_short(void **state)
{
    (void)state;
    struct act_mask_table *table = act_mask_table_create();
    assert_false(act_mask_table_add(table, ACT_STR("abc")));
    assert_false(act_mask_table_add(table, ACT_STR("")));
    assert_false(act_mask_table_add(table, ACT_STR("a\nb\nc")));
    assert_true(act_mask_table_add(table, ACT_STR("abcd")));
    act_mask_table_finish(table);
    expect(table, "abc abcd", "abc ***");
    act_mask_table_destroy(table);
}

/* Random texts over few letters against looking for each secret at each place. */
static void
against_search(void **state)
{
    (void)state;
    const char *secrets[] = {"aabaa", "abab", "bbbbb", "baab", NULL};
    struct act_mask_table *table = table_of(secrets);
    srand(1);
    for (int round = 0; round < 3000; round++) {
        char text[41], wanted[200] = {0};
        bool marks[40] = {false};
        int len = rand() % 40;
        for (int i = 0; i < len; i++)
            text[i] = rand() % 2 ? 'a' : 'b';
        text[len] = 0;
        for (const char *const *secret = secrets; *secret; secret++) {
            for (const char *at = text; (at = strstr(at, *secret)) != NULL; at++)
                memset(marks + (at - text), 1, strlen(*secret));
        }
        size_t at = 0;
        for (int i = 0; i < len; i++) {
            if (!marks[i])
                wanted[at++] = text[i];
            for (int k = 0; k < 3 && marks[i] && (i == 0 || !marks[i - 1]); k++)
                wanted[at++] = '*';
        }
        expect(table, text, wanted);
    }
    act_mask_table_destroy(table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw),
        cmocka_unit_test(no_secrets),
        cmocka_unit_test(json_forms),
        cmocka_unit_test(base64_forms),
        cmocka_unit_test(wrapped_base64),
        cmocka_unit_test(lines),
        cmocka_unit_test(too_short),
        cmocka_unit_test(against_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
