#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void
every_code_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < ACT_ERR_COUNT; i++)
        assert_true(act_err_text((enum act_err)i)[0] != '\0');
    assert_int_equal(act_err_exit_code(ACT_OK), 0);
    assert_int_equal(act_err_exit_code(ACT_ERR_INVALID), 2);
    assert_true(act_err_retryable(ACT_ERR_BUSY));
    assert_false(act_err_retryable(ACT_ERR_SYNTAX));
}

static void
set_fills_and_resets(void **state)
{
    (void)state;
    struct act_error err;
    assert_int_equal(act_error_set(&err, ACT_ERR_EVAL, "%d is %s", 7, "odd"), ACT_ERR_EVAL);
    act_error_hint(&err, "try %d", 8);
    act_error_place(&err, "%s:%d", "file", 3);
    assert_string_equal(err.message, "7 is odd");
    assert_string_equal(err.hint, "try 8");
    assert_string_equal(err.place, "file:3");
    act_error_set(&err, ACT_ERR_BUSY, "x");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.place, "");
    assert_int_equal(act_error_set(NULL, ACT_ERR_BUSY, "x"), ACT_ERR_BUSY);
    act_error_hint(NULL, "x");
    act_error_place(NULL, "x");
}

static void
long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct act_error err;
    char text[600];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text + sizeof(err.message) - 2, "\xC3\xA4", 2);
    act_error_set(&err, ACT_ERR_EVAL, "%s", text);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 2);
    memcpy(text + sizeof(err.message) - 3, "\xC3\xA4y", 3);
    act_error_set(&err, ACT_ERR_EVAL, "%s", text);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text),
        cmocka_unit_test(set_fills_and_resets),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
