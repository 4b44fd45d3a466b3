#include "cli/cli.h"
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const enum act_opt takes[] = {ACT_OPT_JOBS,   ACT_OPT_PARAM, ACT_OPT_JSON, ACT_OPT_FOLLOW,
                                     ACT_OPT_FORMAT, ACT_OPT_REF,   ACT_OPT_NONE};

static enum act_err
parse(struct act_args *args, struct act_error *err, int argc, const char *const *argv)
{
    union {
        const char *const *fixed;
        char *const *plain;
    } both = {.fixed = argv};
    *args = (struct act_args){0};
    *err = (struct act_error){0};
    return act_args_parse(takes, argc, both.plain, args, err);
}
#define PARSE(...)                                                                                 \
    parse(&args, &err, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),         \
          (const char *const[]){__VA_ARGS__})

static void
test_values_and_words_mix(void **state)
{
    struct act_args args;
    struct act_error err;
    (void)state;
    assert_int_equal(PARSE("a", "-j4", "-p", "x=1", "b", "--param=y=2", "--json", "-", "--", "-q"),
                     0);
    assert_true(act_str_is(args.given[ACT_OPT_JOBS].ptr[0], "4"));
    assert_int_equal(args.given[ACT_OPT_PARAM].len, 2);
    assert_true(act_str_is(args.given[ACT_OPT_PARAM].ptr[1], "y=2"));
    assert_true(act_str_is(args.given[ACT_OPT_JSON].ptr[0], "true"));
    assert_int_equal(args.words.len, 4);
    assert_true(act_str_is(args.words.ptr[2], "-"));
    assert_true(act_str_is(args.words.ptr[3], "-q"));
    act_args_fini(&args);
}

static void
test_the_last_one_counts_and_flags_are_taken_back(void **state)
{
    struct act_args args;
    struct act_error err;
    (void)state;
    assert_int_equal(PARSE("-j", "1", "--jobs=2", "--json", "--no-json", "-f"), 0);
    assert_int_equal(args.given[ACT_OPT_JOBS].len, 1);
    assert_true(act_str_is(args.given[ACT_OPT_JOBS].ptr[0], "2"));
    assert_true(act_str_is(args.given[ACT_OPT_JSON].ptr[0], "false"));
    assert_true(act_str_is(args.given[ACT_OPT_FOLLOW].ptr[0], "true"));
    act_args_fini(&args);
}

static void
test_mistakes(void **state)
{
    static const struct {
        const char *argv[2], *words;
        enum act_err code;
    } rows[] = {
        {{"--jbs", "1"}, "--jobs", ACT_ERR_USAGE},
        {{"-j", "x"}, "whole number", ACT_ERR_USAGE},
        {{"a", "-j"}, "wants a value", ACT_ERR_USAGE},
        {{"--format", "x"}, "pretty", ACT_ERR_USAGE},
        {{"a", "-x"}, "unknown option", ACT_ERR_USAGE},
        {{"--ref", "x"}, "not supported yet", ACT_ERR_UNSUPPORTED},
        {{"a", "--param="}, "empty", ACT_ERR_USAGE},
        {{"a", "--json=2"}, "true|false", ACT_ERR_USAGE},
        {{"a", "--no-jobs"}, "unknown", ACT_ERR_USAGE},
        {{"a", "---"}, "unknown", ACT_ERR_USAGE},
        {{"-j", "9999999"}, "whole number", ACT_ERR_USAGE},
    };
    struct act_args args;
    struct act_error err;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(&args, &err, 2, rows[i].argv), rows[i].code);
        if (!strstr(err.message, rows[i].words) && !strstr(err.hint, rows[i].words))
            fail_msg("%s: %s / %s", rows[i].words, err.message, err.hint);
        act_args_fini(&args);
    }
}

/* Two options may have one name (`output`: a format, a file) where no command takes both. */
static void
test_names_and_letters_are_unique(void **state)
{
    enum act_opt taken[ACT_OPT_COUNT + 1];
    (void)state;
    for (size_t i = 0; i < act_command_count; i++) {
        act_command_options(&act_commands[i], taken);
        for (const enum act_opt *a = taken; *a != ACT_OPT_NONE; a++) {
            for (const enum act_opt *b = taken; b < a; b++) {
                assert_string_not_equal(act_option(*a)->name, act_option(*b)->name);
                if (act_option(*a)->letter)
                    assert_int_not_equal(act_option(*a)->letter, act_option(*b)->letter);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_words_mix),
        cmocka_unit_test(test_the_last_one_counts_and_flags_are_taken_back),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_names_and_letters_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
