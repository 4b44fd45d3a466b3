/* The part of cmocka that our tests use, for targets for which Debian has no cmocka (i386 on an
 * amd64 system): the asserts and the runner behind <cmocka.h>. A test that needs more of cmocka
 * does not link there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum outcome { OUTCOME_PASSED, OUTCOME_FAILED, OUTCOME_SKIPPED };

static jmp_buf test_env;

void
vprint_message(const char *const format, va_list args)
{
    vprintf(format, args);
    fflush(stdout);
}

void
vprint_error(const char *const format, va_list args)
{
    vfprintf(stderr, format, args);
}

void
print_message(const char *const format, ...)
{
    va_list args;

    va_start(args, format);
    vprint_message(format, args);
    va_end(args);
}

void
print_error(const char *const format, ...)
{
    va_list args;

    va_start(args, format);
    vprint_error(format, args);
    va_end(args);
}

void
_fail(const char *const file, const int line)
{
    print_error("%s:%d: error: failure\n", file, line);
    longjmp(test_env, OUTCOME_FAILED);
}

void
_skip(const char *const file, const int line)
{
    print_error("%s:%d: skipped\n", file, line);
    longjmp(test_env, OUTCOME_SKIPPED);
}

void
_assert_true(const LargestIntegralType result, const char *const expression, const char *const file,
             const int line)
{
    if (!result) {
        print_error("%s\n", expression);
        _fail(file, line);
    }
}

static void
check_ints(bool ok, const char *what, LargestIntegralType a, LargestIntegralType b,
           const char *file, int line)
{
    if (!ok) {
        print_error("%#jx %s %#jx\n", a, what, b);
        _fail(file, line);
    }
}

void
_assert_return_code(const LargestIntegralType result, size_t rlen, const LargestIntegralType error,
                    const char *const expression, const char *const file, const int line)
{
    LargestIntegralType sign = (LargestIntegralType)1 << (rlen * 8 - 1);

    if ((result & sign) != 0) {
        print_error("%s < 0, error %ju\n", expression, error);
        _fail(file, line);
    }
}

void
_assert_int_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file,
                  const int line)
{
    check_ints(a == b, "!=", a, b, file, line);
}

void
_assert_int_not_equal(const LargestIntegralType a, const LargestIntegralType b,
                      const char *const file, const int line)
{
    check_ints(a != b, "==", a, b, file, line);
}

void
_assert_in_range(const LargestIntegralType value, const LargestIntegralType minimum,
                 const LargestIntegralType maximum, const char *const file, const int line)
{
    check_ints(value >= minimum, "<", value, minimum, file, line);
    check_ints(value <= maximum, ">", value, maximum, file, line);
}

void
_assert_string_equal(const char *const a, const char *const b, const char *const file,
                     const int line)
{
    if (a == NULL || b == NULL || strcmp(a, b) != 0) {
        print_error("\"%s\" != \"%s\"\n", a == NULL ? "(null)" : a, b == NULL ? "(null)" : b);
        _fail(file, line);
    }
}

void
_assert_string_not_equal(const char *const a, const char *const b, const char *file, const int line)
{
    if (strcmp(a, b) == 0) {
        print_error("\"%s\" == \"%s\"\n", a, b);
        _fail(file, line);
    }
}

void
_assert_memory_equal(const void *const a, const void *const b, const size_t size,
                     const char *const file, const int line)
{
    if (size > 0 && memcmp(a, b, size) != 0) {
        print_error("%zu bytes at %p and %p differ\n", size, a, b);
        _fail(file, line);
    }
}

void
_assert_memory_not_equal(const void *const a, const void *const b, const size_t size,
                         const char *const file, const int line)
{
    if (memcmp(a, b, size) == 0) {
        print_error("%zu bytes at %p and %p are the same\n", size, a, b);
        _fail(file, line);
    }
}

static enum outcome
run_one(const struct CMUnitTest *test, void *group_state)
{
    void *state = test->initial_state != NULL ? test->initial_state : group_state;
    volatile enum outcome outcome = OUTCOME_PASSED;
    int jumped = setjmp(test_env);

    if (jumped == 0) {
        if (test->setup_func != NULL && test->setup_func(&state) != 0)
            return OUTCOME_FAILED;
        test->test_func(&state);
    } else {
        outcome = (enum outcome)jumped;
    }
    if (test->teardown_func != NULL && test->teardown_func(&state) != 0)
        outcome = OUTCOME_FAILED;
    return outcome;
}

int
_cmocka_run_group_tests(const char *group_name, const struct CMUnitTest *const tests,
                        const size_t num_tests, CMFixtureFunction group_setup,
                        CMFixtureFunction group_teardown)
{
    static const char *const labels[] = {"      OK", " FAILED ", " SKIPPED"};
    size_t counts[3] = {0, 0, 0};
    void *state = NULL;

    if (group_setup != NULL && group_setup(&state) != 0)
        counts[OUTCOME_FAILED]++;
    for (size_t i = 0; i < num_tests; i++) {
        enum outcome outcome = run_one(&tests[i], state);
        counts[outcome]++;
        print_message("[ %s ] %s: %s\n", labels[outcome], group_name, tests[i].name);
    }
    if (group_teardown != NULL && group_teardown(&state) != 0)
        counts[OUTCOME_FAILED]++;
    print_message("[  PASSED  ] %zu test(s).\n", counts[OUTCOME_PASSED]);
    if (counts[OUTCOME_SKIPPED] > 0)
        print_message("[  SKIPPED ] %zu test(s).\n", counts[OUTCOME_SKIPPED]);
    if (counts[OUTCOME_FAILED] > 0)
        print_message("[  FAILED  ] %zu test(s).\n", counts[OUTCOME_FAILED]);
    return (int)counts[OUTCOME_FAILED];
}
