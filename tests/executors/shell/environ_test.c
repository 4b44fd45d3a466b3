/* The environment of tasks. */
#include "executors/shell/environ.h"
#include "tests/executors/shell/shell_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct act_arena arena;

static void
expect(char *const *env, const struct act_environ_options *options,
       const struct act_environ_item *items, size_t count, const char *wanted)
{
    struct act_environ *base = act_environ_create(env, options);
    struct act_buf buf = {0};
    for (const char **at = act_environ_build(base, items, count, &arena); *at; at++)
        act_buf_printf(&buf, "%s;", *at);
    assert_true(is(act_buf_str(&buf), wanted));
    act_buf_fini(&buf);
    act_environ_destroy(base);
}

static void
whole_and_clean(void **state)
{
    (void)state;
    char *env[] = {(char[]){"PATH=/bin"},
                   (char[]){"B=2"},
                   (char[]){"A=1"},
                   (char[]){"A=twice"},
                   (char[]){"LC_ALL=C"},
                   (char[]){"ACTANT_SECRET_X=s"},
                   (char[]){"TOKEN=t"},
                   (char[]){"nonsense"},
                   (char[]){"E="},
                   (char[]){"ACTANT_DB=/d"},
                   NULL};
    const char *drop[] = {"TOKEN", NULL}, *names[] = {"B", "E", NULL};
    expect(env, &(struct act_environ_options){.drop = drop}, NULL, 0,
           "A=1;ACTANT_DB=/d;B=2;E=;LC_ALL=C;PATH=/bin;");
    expect(env, &(struct act_environ_options){.clean = true}, NULL, 0, "LC_ALL=C;PATH=/bin;");
    expect(env, &(struct act_environ_options){.clean = true, .names = names}, NULL, 0,
           "B=2;E=;LC_ALL=C;PATH=/bin;");
    expect(NULL, &(struct act_environ_options){0}, NULL, 0, "");
}

static void
laid_over(void **state)
{
    (void)state;
    char *env[] = {(char[]){"A=1"}, (char[]){"AB=2"}, (char[]){"B=3"}, NULL};
    const struct act_environ_item items[] = {{ACT_STR("B"), "B=new"},     {ACT_STR("A"), NULL},
                                             {ACT_STR("N"), "N=1"},       {ACT_STR("N"), "N=2"},
                                             {ACT_STR("GONE"), "GONE=x"}, {ACT_STR("GONE"), NULL},
                                             {ACT_STR("NEVER"), NULL}};
    expect(env, &(struct act_environ_options){0}, items, sizeof items / sizeof *items,
           "AB=2;B=new;N=2;");
}

/* What an outer attempt is found by stays, whoever replaces the name. */
static void
nested(void **state)
{
    (void)state;
    char *first[] = {(char[]){"ACTANT_ATTEMPT_ID=a"}, NULL};
    char *second[] = {(char[]){"ACTANT_ATTEMPT_ID=b"}, (char[]){"ACTANT_ATTEMPT_ID_1=a"}, NULL};
    const struct act_environ_item own = {ACT_STR("ACTANT_ATTEMPT_ID"), "ACTANT_ATTEMPT_ID=c"};
    expect(first, &(struct act_environ_options){.clean = true}, &own, 1,
           "ACTANT_ATTEMPT_ID_1=a;ACTANT_ATTEMPT_ID=c;");
    expect(second, &(struct act_environ_options){0}, &own, 1,
           "ACTANT_ATTEMPT_ID_1=a;ACTANT_ATTEMPT_ID_2=b;ACTANT_ATTEMPT_ID=c;");
}

static int
teardown(void **state)
{
    (void)state;
    act_arena_fini(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_and_clean),
        cmocka_unit_test(laid_over),
        cmocka_unit_test(nested),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
