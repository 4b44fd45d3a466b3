/* What is shown: terminal text, GitHub's escapes, durations, globs. */
#include "cli/github.h"
#include "cli/term.h"
#include "embed/glob.h"
#include "embed/run_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_globs(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } rows[] = {
        {"a.txt", "a.txt", true},
        {"*.txt", "a.txt", true},
        {"*.txt", "d/a.txt", false},
        {"**/*.txt", "a.txt", true},
        {"**/*.txt", "d/e/a.txt", true},
        {"d/**", "d/e/f", true},
        {"d", "d/e/f", true},
        {"d", "de/f", false},
        {"d/**/f", "d/f", true},
        {"d/**/f", "d/x/y/f", true},
        {"d/**/f/g", "d/f/x/f/g", true},
        {"?.c", "a.c", true},
        {"?.c", "ab.c", false},
        {"[a-c].c", "b.c", true},
        {"[!a-c].c", "b.c", false},
        {"[a", "[a", true},
        {"**", "x/y", true},
        {"a*b*c", "aXbXbXc", true},
        {"a*b*c", "aXbX", false},
        {"**/a/**/b", "a/b", true},
        {"**/a/**/b", "x/a/y/b", true},
        {"**/x/y", "x/x/y", true},
        {"", "a", true},
        {"./a", "a", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (act_glob_matches(act_str(rows[i].pattern), act_str(rows[i].path)) != rows[i].matches)
            fail_msg("'%s' '%s'", rows[i].pattern, rows[i].path);
}

static void
check(struct act_buf *out, const char *expected)
{
    act_buf_add_byte(out, '\0');
    assert_string_equal(out->ptr, expected);
    act_buf_fini(out);
}

static void
test_nothing_harms_a_terminal(void **state)
{
    struct act_buf out = {0};
    (void)state;
    act_safe_add(&out, ACT_STR("a\x1b[2Jb\nc\xff\xc3\xa9\xe2\x80\xae"));
    check(&out, "a [2Jb c\xEF\xBF\xBD\xc3\xa9 ");
    act_safe_add_lines(&out, ACT_STR("a\nb\tc\rd"));
    check(&out, "a\nb\tc d");
}

static void
test_fitting(void **state)
{
    struct act_buf out = {0};
    (void)state;
    assert_int_equal(act_fit_add(&out, ACT_STR("hello"), 5), 5);
    check(&out, "hello");
    assert_int_equal(act_fit_add(&out, ACT_STR("hello!"), 5), 5);
    check(&out, "hell\xE2\x80\xA6");
    assert_int_equal(act_fit_add(&out, ACT_STR("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"), 5), 5);
    check(&out, "\xE6\x97\xA5\xE6\x9C\xAC\xE2\x80\xA6");
    assert_int_equal(act_fit_add(&out, ACT_STR("ab"), 1), 1);
    check(&out, "\xE2\x80\xA6");
    assert_int_equal(act_fit_add(&out, ACT_STR("ab"), 0), 0);
    check(&out, "");
}

static void
test_times_and_sizes(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0ms"},       {999, "999ms"},      {1000, "1.0s"},     {59999, "59.9s"},
                {60000, "1m00s"}, {3599000, "59m59s"}, {3600000, "1h00m"}, {90000000, "1d01h"}};
    struct act_buf out = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        act_elapsed_add(&out, rows[i].ms);
        check(&out, rows[i].text);
    }
    act_bytes_add(&out, 1536);
    check(&out, "1.5 KiB");
}

static void
test_github_escapes(void **state)
{
    struct act_buf out = {0};
    (void)state;
    act_github_annotate(&out, "error", ACT_STR("a,b:c"), 3, ACT_STR("50%"), ACT_STR("x\r\ny%:,"));
    check(&out, "::error file=a%2Cb%3Ac,line=3,title=50%25::x%0D%0Ay%25:,\n");
    act_github_mask(&out, ACT_STR("one\n\ntwo%\n"));
    check(&out, "::add-mask::one\n::add-mask::two%25\n");
}

static void
test_run_ids_sort_by_time(void **state)
{
    char a[ACT_RUN_ID_LEN + 1], b[ACT_RUN_ID_LEN + 1];
    (void)state;
    act_run_id(INT64_C(1800000000000), a);
    act_run_id(INT64_C(1800000000001), b);
    assert_true(act_str_cmp(act_str(a), act_str(b)) < 0);
    act_run_id(INT64_C(1800000000000), b);
    assert_memory_equal(a, b, 8);
    assert_string_not_equal(a, b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs),          cmocka_unit_test(test_nothing_harms_a_terminal),
        cmocka_unit_test(test_fitting),        cmocka_unit_test(test_times_and_sizes),
        cmocka_unit_test(test_github_escapes), cmocka_unit_test(test_run_ids_sort_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
