/* Functions in Python in runs of a program that embeds the engine: several runs, each with workers of its own. */
#include "tests/embed/api_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
write_module(const struct fixture *f)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/tasks.py", f->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("import time\n"
          "def double(n):\n    print('doubling', n)\n    return 2 * n\n"
          "def fails():\n    raise ValueError('no such thing')\n"
          "def sleeps():\n    print('asleep', flush=True)\n    time.sleep(600)\n"
          "class Counter:\n    def __init__(self):\n        self.n = 0\n"
          "    def add(self, by):\n        self.n += by\n        return self.n\n",
          file);
    assert_int_equal(fclose(file), 0);
}

static void
test_two_runs_with_functions(void **state)
{
    struct fixture *f = *state;
    struct trail trails[2] = {{{0}, {0}, {0}, {0}, 0}, {{0}, {0}, {0}, {0}, 0}};
    struct actant_run *runs[2];
    const char *text = "actors: {c: {python: 'tasks:Counter'}}\n"
                       "chain:\n"
                       "  - {python: 'tasks:double', args: [4]}\n"
                       "  - {python: 'tasks:double'}\n"
                       "  - {call: c.add, args: ['${{ prev }}']}\n"
                       "  - {call: c.add, args: [1]}\n";
    engine_open(f, true);
    write_module(f);
    for (int i = 0; i < 2; i++)
        runs[i] = start(f, text, NULL, &trails[i]);
    actant_engine_run(f->engine);
    for (int i = 0; i < 2; i++) {
        wait_for(runs[i], ACTANT_STATUS_SUCCEEDED);
        char *json = document(runs[i]);
        assert_has(json, "\"result\":17");
        assert_has(act_buf_str(&trails[i].out).ptr, "doubling 8");
        actant_free(json);
        actant_run_release(runs[i]);
        trail_fini(&trails[i]);
    }
}

static void
test_a_function_that_raises(void **state)
{
    struct fixture *f = *state;
    engine_open(f, false);
    write_module(f);
    struct actant_run *run = start(f, "{python: 'tasks:fails', args: []}\n", NULL, NULL);
    wait_for(run, ACTANT_STATUS_FAILED);
    char *json = document(run);
    assert_has(json, "no such thing");
    actant_free(json);
    actant_run_release(run);
}

static void
test_cancelled_and_closed_in_a_call(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    engine_open(f, false);
    write_module(f);
    struct actant_run *run = start(f, "{python: 'tasks:sleeps', args: []}\n", NULL, &trail);
    while (!has(act_buf_str(&trail.out).ptr ? act_buf_str(&trail.out).ptr : "", "asleep")) {
        actant_engine_turn(f->engine);
        usleep(1000);
    }
    actant_run_cancel(run);
    wait_for(run, ACTANT_STATUS_CANCELLED);
    actant_run_release(run);
    trail_fini(&trail);
    /* And one that is still in a call when the engine is closed. */
    struct actant_run *left = start(f, "{python: 'tasks:sleeps', args: []}\n", NULL, NULL);
    actant_engine_turn(f->engine);
    actant_run_release(left);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_two_runs_with_functions),
        T(test_a_function_that_raises),
        T(test_cancelled_and_closed_in_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
