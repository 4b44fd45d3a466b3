/* The public API: who is told of a run's events. */
#include "tests/embed/api_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUNS 20

static char *
read_all(const char *path)
{
    FILE *file = fopen(path, "r");
    struct act_buf text = {0};
    char part[4096];
    assert_non_null(file);
    for (size_t got; (got = fread(part, 1, sizeof(part), file)) > 0;)
        act_buf_add(&text, part, got);
    fclose(file);
    act_buf_add(&text, "", 0);
    return text.ptr;
}

/* Each line of the run's history stands in text, behind its id. */
static void
assert_told(struct fixture *f, const char *id, const char *text)
{
    char *lines = NULL;
    size_t count = 0;
    assert_int_equal(actant_history_events(f->engine, id, 1, &lines, NULL), 0);
    for (const char *line = lines; *line; line += strcspn(line, "\n") + 1) {
        struct act_buf whole = {0};
        act_buf_printf(&whole, "{\"run\":\"%s\",%.*s\n", id, (int)strcspn(line, "\n") - 1,
                       line + 1);
        assert_has(text, whole.ptr);
        act_buf_fini(&whole);
        count++;
    }
    assert_true(count > 3);
    actant_free(lines);
}

static void
test_files_get_the_events_of_many_runs(void **state)
{
    struct fixture *f = *state;
    char one[128], other[128], ids[RUNS][16];
    struct actant_run *runs[RUNS] = {0};
    snprintf(one, sizeof(one), "%s/one.jsonl", f->folder);
    snprintf(other, sizeof(other), "%s/other.jsonl", f->folder);
    const char *targets[] = {one, other, NULL};
    struct actant_run_options options = {.size = sizeof(options), .events = targets};
    engine_open(f, true);
    struct actant_workflow *workflow = compile(f, "for: [1, 2, 3]\ndo: {run: 'true'}\n");
    for (int i = 0; i < RUNS; i++) {
        if (actant_run_start(f->engine, workflow, &options, &runs[i], &f->problem))
            fail_msg("%s", f->problem.message);
    }
    targets[0] = targets[1] = NULL; /* they were copied */
    actant_engine_run(f->engine);
    for (int i = 0; i < RUNS; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%s", actant_run_id(runs[i]));
        assert_int_equal(actant_run_status(runs[i]), ACTANT_STATUS_SUCCEEDED);
        actant_run_release(runs[i]); /* waits for the last of them */
    }
    char *text = read_all(one), *second = read_all(other);
    for (int i = 0; i < RUNS; i++) {
        assert_told(f, ids[i], text);
        assert_told(f, ids[i], second);
    }
    actant_free(text);
    actant_free(second);
    actant_workflow_release(workflow);
}

static void
test_what_is_refused(void **state)
{
    static const char *const targets[] = {"nng+tcp://nowhere", "ftp://x/", "nng+tls+tcp://h:1"};
    struct fixture *f = *state;
    engine_open(f, true);
    struct actant_workflow *workflow = compile(f, "run: 'true'\n");
    struct actant_run *run = NULL;
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        const char *events[] = {targets[i], NULL};
        struct actant_run_options options = {.size = sizeof(options), .events = events};
        assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem),
                         ACTANT_ERR_INVALID);
        assert_has(f->problem.message, targets[i]);
    }
    const char *headers[] = {"Authorization: in the open", NULL};
    struct actant_run_options options = {.size = sizeof(options), .events_headers = headers};
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem),
                     ACTANT_ERR_INVALID);
    assert_false(has(f->problem.message, "in the open"));
    const char *signs[] = {"no name", NULL};
    options = (struct actant_run_options){.size = sizeof(options), .events_sign = signs};
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem),
                     ACTANT_ERR_INVALID);
    signs[0] = "HOOK_KEY";
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem),
                     ACTANT_ERR_USAGE); /* the secret is missing */
    assert_has(f->problem.message, "HOOK_KEY");
    actant_workflow_release(workflow);
}

/* A program that was built before there were events says a smaller size; what lies behind it is not looked at. */
static void
test_an_older_program(void **state)
{
    struct fixture *f = *state;
    const char *events[] = {"nng+tcp://nowhere", NULL};
    struct actant_run_options options = {.size = offsetof(struct actant_run_options, events),
                                         .events = events};
    struct actant_run *run = NULL;
    engine_open(f, true);
    struct actant_workflow *workflow = compile(f, "run: 'true'\n");
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem), 0);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    actant_run_release(run);
    actant_workflow_release(workflow);
}

/* The helper is looked for beside the program that the engine was told of; that there is none harms no run, and the
 * next engine sends what was left. */
static void
test_without_the_helper(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    struct actant_engine_options nowhere = {
        .size = sizeof(nowhere), .database = f->database, .program = "/nowhere/actant"};
    const char *events[] = {"http://127.0.0.1:1/", NULL};
    struct actant_run_options options = follow(&trail);
    struct actant_run *run = NULL;
    char id[16];
    setenv("PATH", "/usr/bin:/bin", 1);
    options.events = events;
    assert_int_equal(actant_engine_open(&nowhere, &f->engine, &f->problem), 0);
    struct actant_workflow *workflow = compile(f, "chain: [{wait: go}, {run: 'true'}]\n");
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem), 0);
    snprintf(id, sizeof(id), "%s", actant_run_id(run));
    for (int i = 0; i < 600 && !has(trail.json.ptr, "actant-node cannot be started"); i++)
        actant_run_wait(run, 200);
    assert_has(trail.json.ptr, "actant-node cannot be started");
    assert_int_equal(actant_run_signal(run, "go", NULL, &f->problem), 0);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    actant_run_release(run);
    actant_workflow_release(workflow);
    trail_fini(&trail);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_get_the_events_of_many_runs, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_older_program, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_without_the_helper, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
