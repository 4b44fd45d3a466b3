/* The public API: runs, followed, several at once, cancelled, signalled, turned by another loop. */
#include "engine/port/tree_remove.h"
#include "tests/embed/api_support.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_a_run_is_followed(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    engine_open(f, true);
    struct actant_run *run = start(f,
                                   "name: two\n"
                                   "params: {who: {type: string, required: true}}\n"
                                   "dag:\n"
                                   "  a: {run: 'echo hello ${{ params.who }}; echo oh >&2'}\n"
                                   "  b: {needs: a, run: exit 3, on_error: continue}\n",
                                   "{\"who\": \"world\"}", &trail);
    assert_int_equal(actant_run_status(run), ACTANT_STATUS_RUNNING);
    assert_int_equal(actant_engine_live(f->engine), 1);
    assert_int_equal(strlen(actant_run_id(run)), 13);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    assert_int_equal(actant_engine_live(f->engine), 0);
    assert_int_equal(trail.ended, 1);
    assert_string_equal(trail.out.ptr, "hello world\n");
    assert_string_equal(trail.err.ptr, "oh\n");
    assert_has(trail.events.ptr, "run_started:run ");
    assert_has(trail.events.ptr, "dispatched:a ");
    assert_has(trail.events.ptr, "node_ended:a ");
    assert_has(trail.events.ptr, "attempt_ended:b=exit ");
    assert_has(trail.events.ptr, "run_ended:run ");
    assert_has(trail.json.ptr, "\"type\":\"output\"");
    assert_has(trail.json.ptr, "\"stream\":\"out\",\"text\":\"hello world\\n\"}");
    assert_has(trail.json.ptr,
               "\"node\":\"b\",\"path\":\"dag.b\",\"attempt\":1,\"cause\":\"exit\"");

    char *json = document(run);
    assert_has(json, "\"workflow\":\"two\"");
    assert_has(json, "\"status\":\"succeeded\"");
    actant_free(json);
    assert_int_equal(actant_history_show(f->engine, actant_run_id(run), &json, NULL), 0);
    assert_has(json, "\"nodes\":");
    actant_free(json);
    /* What was told is what is stored. */
    assert_int_equal(actant_history_events(f->engine, "last", 1, &json, NULL), 0);
    for (const char *line = json; *line;) {
        size_t len = strcspn(line, "\n");
        char *one = test_malloc(len + 1);
        memcpy(one, line, len);
        one[len] = '\0';
        assert_has(trail.json.ptr, one);
        test_free(one);
        line += len + 1;
    }
    actant_free(json);
    actant_run_release(run);
    trail_fini(&trail);
}

/* What is in files of the run is gone: the rest is told, and that it is gone. */
static void
test_a_value_that_is_gone(void **state)
{
    struct fixture *f = *state;
    char outputs[160], *json = NULL;
    engine_open(f, true);
    struct actant_run *run = start(f, "run: seq 100000\n", NULL, NULL);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    json = document(run);
    assert_has(json, "\\n100000\"");
    actant_free(json);
    snprintf(outputs, sizeof(outputs), "%s.d/%s", f->database, actant_run_id(run));
    act_tree_remove(outputs);
    assert_int_equal(actant_run_document(run, &json, &f->problem), ACTANT_ERR_CORRUPT);
    assert_has(json, "\"result\":null");
    assert_true(f->problem.message[0] && has(f->problem.hint, "history verify"));
    actant_free(json);
    assert_int_equal(actant_history_show(f->engine, actant_run_id(run), &json, &f->problem),
                     ACTANT_ERR_CORRUPT);
    assert_has(json, "\"nodes\":");
    actant_free(json);
    actant_run_release(run);
}

static void
test_without_history(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    struct actant_run *again = NULL;
    char *json = NULL;
    engine_open(f, false);
    struct actant_run *run = start(
        f, "chain: [{run: echo 7, output: json}, {value: '${{ prev + 1 }}'}]\n", NULL, &trail);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    json = document(run);
    assert_has(json, "\"result\":8");
    actant_free(json);
    assert_int_equal(actant_history_list(f->engine, 0, &json, &f->problem), ACTANT_ERR_USAGE);
    assert_has(f->problem.message, "no history");
    assert_int_equal(actant_run_resume(f->engine, "last", NULL, &again, NULL), ACTANT_ERR_USAGE);
    assert_int_equal(actant_run_signal(run, "go", NULL, &f->problem), ACTANT_ERR_USAGE);
    assert_int_equal(access(f->database, F_OK), -1);
    actant_run_release(run);
    trail_fini(&trail);
}

/* Each waits for the other's file: they can only end if both are under way. */
static void
test_two_at_once(void **state)
{
    struct fixture *f = *state;
    struct trail trails[2] = {{{0}, {0}, {0}, {0}, 0}, {{0}, {0}, {0}, {0}, 0}};
    const char *text = "params: {me: {type: string}, other: {type: string}}\n"
                       "run: |\n"
                       "  touch ${{ params.me }}\n"
                       "  while ! test -e ${{ params.other }}; do sleep 0.05; done\n"
                       "  echo ${{ params.me }}\n";
    engine_open(f, true);
    struct actant_run *a = start(f, text, "{\"me\": \"a\", \"other\": \"b\"}", &trails[0]);
    struct actant_run *b = start(f, text, "{\"me\": \"b\", \"other\": \"a\"}", &trails[1]);
    assert_string_not_equal(actant_run_id(a), actant_run_id(b));
    assert_int_equal(actant_engine_live(f->engine), 2);
    actant_engine_run(f->engine);
    assert_int_equal(actant_engine_live(f->engine), 0);
    wait_for(a, ACTANT_STATUS_SUCCEEDED);
    wait_for(b, ACTANT_STATUS_SUCCEEDED);
    assert_string_equal(trails[0].out.ptr, "a\n");
    assert_string_equal(trails[1].out.ptr, "b\n");
    char *json = NULL;
    assert_int_equal(actant_history_list(f->engine, 0, &json, NULL), ACTANT_ERR_NONE);
    assert_has(json, actant_run_id(a));
    assert_has(json, actant_run_id(b));
    actant_free(json);
    actant_run_release(a);
    actant_run_release(b);
    trail_fini(&trails[0]);
    trail_fini(&trails[1]);
}

/* ---- other threads -------------------------------------------------------------------------- */

struct helper {
    struct fixture *f;
    struct actant_run *run;
    void (*act)(struct actant_run *run);
};

/* Until the task has made its file. */
static void
wait_for_file(const struct fixture *f, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    while (access(path, F_OK) != 0)
        usleep(1000);
}

static void *
act_when_it_runs(void *self)
{
    struct helper *helper = self;
    wait_for_file(helper->f, "up");
    helper->act(helper->run);
    return NULL;
}

static void
act_from_a_thread(struct fixture *f, struct actant_run *run, void (*act)(struct actant_run *run),
                  enum actant_status status)
{
    pthread_t thread;
    struct helper helper = {f, run, act};
    assert_int_equal(pthread_create(&thread, NULL, act_when_it_runs, &helper), 0);
    wait_for(run, status);
    pthread_join(thread, NULL);
}

static void
test_cancelled_from_another_thread(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    engine_open(f, true);
    struct actant_run *run = start(
        f, "try: {run: touch up; exec sleep 1000}\nfinally: {run: echo cleaned}\n", NULL, &trail);
    act_from_a_thread(f, run, actant_run_cancel, ACTANT_STATUS_CANCELLED);
    assert_has(trail.events.ptr, "cancel:run ");
    assert_string_equal(trail.out.ptr, "cleaned\n");
    actant_run_cancel(run); /* over: no notice */
    actant_engine_turn(f->engine);
    assert_int_equal(actant_run_status(run), ACTANT_STATUS_CANCELLED);
    actant_run_release(run);
    trail_fini(&trail);
}

static void
test_suspended_and_resumed(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0}, second = {0};
    engine_open(f, true);
    struct actant_run *run = start(f,
                                   "chain:\n"
                                   "  - run: echo once\n"
                                   "  - run: if test -e up; then echo again; else touch up; "
                                   "exec sleep 1000; fi\n",
                                   NULL, &trail);
    act_from_a_thread(f, run, actant_run_kill, ACTANT_STATUS_SUSPENDED);
    assert_has(trail.events.ptr, "run_suspended:run ");
    char id[32];
    snprintf(id, sizeof(id), "%s", actant_run_id(run));
    actant_run_release(run);

    struct actant_run_options options = follow(&second);
    assert_int_equal(actant_run_resume(f->engine, id, &options, &run, &f->problem),
                     ACTANT_ERR_NONE);
    assert_string_equal(actant_run_id(run), id);
    struct actant_run *twice = NULL;
    assert_int_equal(actant_run_resume(f->engine, id, NULL, &twice, &f->problem), ACTANT_ERR_OWNED);
    assert_null(twice);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    assert_string_equal(second.out.ptr, "again\n");
    assert_has(second.events.ptr, "resume:run ");
    actant_run_release(run);
    assert_int_equal(actant_run_resume(f->engine, id, NULL, &run, &f->problem), ACTANT_ERR_EXISTS);
    assert_has(f->problem.message, "has ended");
    trail_fini(&trail);
    trail_fini(&second);
}

static void
test_retried(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    engine_open(f, true);
    struct actant_run *run = start(f, "run: test -e fixed && echo ok\n", NULL, NULL);
    wait_for(run, ACTANT_STATUS_FAILED);
    char *json = document(run);
    assert_has(json, "\"error\":{");
    actant_free(json);
    char path[128], id[32];
    snprintf(path, sizeof(path), "%s/fixed", f->folder);
    fclose(fopen(path, "w"));
    snprintf(id, sizeof(id), "%s", actant_run_id(run));
    actant_run_release(run);
    struct actant_run_options options = follow(&trail);
    assert_int_equal(actant_run_retry(f->engine, id, NULL, &options, &run, &f->problem), 0);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    assert_string_equal(trail.out.ptr, "ok\n");
    actant_run_release(run);
    assert_int_equal(actant_run_retry(f->engine, id, NULL, NULL, &run, NULL), ACTANT_ERR_USAGE);
    trail_fini(&trail);
}

/* ---- signals -------------------------------------------------------------------------------- */

static void
approve(struct actant_run *run)
{
    actant_run_signal(run, "go", "{\"by\": \"me\"}", NULL);
}

static void
test_a_wait_is_signalled(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    const char *text = "chain:\n  - run: touch up\n  - wait: go\n  - value: ${{ prev.by }}\n";
    engine_open(f, true);
    struct actant_run *run = start(f, text, NULL, &trail);
    assert_int_equal(actant_run_signal(run, "go", "{", &f->problem), ACTANT_ERR_INVALID);
    assert_int_equal(actant_run_signal(run, "", NULL, &f->problem), ACTANT_ERR_INVALID);
    assert_int_equal(actant_run_signal(run, NULL, NULL, NULL), ACTANT_ERR_INVALID);
    act_from_a_thread(f, run, approve, ACTANT_STATUS_SUCCEEDED);
    assert_has(trail.events.ptr, "signal:run ");
    char *json = document(run);
    assert_has(json, "\"result\":\"me\"");
    actant_free(json);
    actant_run_release(run);
    trail_fini(&trail);
}

/* By its id, as another process would. */
static void
test_the_inbox(void **state)
{
    struct fixture *f = *state;
    engine_open(f, true);
    struct actant_run *a = start(f, "wait: go\n", NULL, NULL);
    struct actant_run *b = start(f, "wait: go\n", NULL, NULL);
    assert_int_equal(actant_run_wait(a, 0), ACTANT_ERR_TIMEOUT);
    assert_int_equal(actant_history_signal(f->engine, actant_run_id(a), "go", "5", &f->problem),
                     ACTANT_ERR_NONE);
    assert_int_equal(actant_history_cancel(f->engine, actant_run_id(b), &f->problem),
                     ACTANT_ERR_NONE);
    wait_for(a, ACTANT_STATUS_SUCCEEDED);
    wait_for(b, ACTANT_STATUS_CANCELLED);
    assert_int_equal(actant_history_signal(f->engine, actant_run_id(a), "go", NULL, &f->problem),
                     ACTANT_ERR_INVALID);
    assert_int_equal(actant_history_signal(f->engine, "nope", "go", NULL, &f->problem),
                     ACTANT_ERR_NOT_FOUND);
    char *json = document(a);
    assert_has(json, "\"result\":5");
    actant_free(json);
    actant_run_release(a);
    actant_run_release(b);
}

/* ---- the program's own loop ----------------------------------------------------------------- */

static void
test_turned_by_another_loop(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    engine_open(f, false); /* with history a timer would wake us now and then */
    struct actant_run *run =
        start(f, "chain: [{run: sleep 0.05}, {sleep: 50ms}, {run: echo done}]\n", NULL, &trail);
    int64_t due_ms = actant_engine_turn(f->engine);
    for (int turns = 0; trail.ended == 0; turns++) {
        struct pollfd fd = {.fd = actant_engine_fd(f->engine), .events = POLLIN};
        assert_true(turns < 1000); /* it does sleep */
        assert_true(poll(&fd, 1, due_ms < 0 ? PATIENCE_MS : (int)due_ms) >= 0);
        due_ms = actant_engine_turn(f->engine);
    }
    assert_int_equal(actant_run_status(run), ACTANT_STATUS_SUCCEEDED);
    assert_string_equal(trail.out.ptr, "done\n");
    actant_run_release(run);
    trail_fini(&trail);
}

static void *
stop_later(void *self)
{
    usleep(20000);
    actant_engine_stop(self);
    return NULL;
}

static void
test_stop_and_time_out(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    engine_open(f, true);
    struct actant_run *run = start(f, "wait: never\n", NULL, NULL);
    assert_int_equal(actant_run_wait(run, 20), ACTANT_ERR_TIMEOUT);
    assert_int_equal(pthread_create(&thread, NULL, stop_later, f->engine), 0);
    actant_engine_run(f->engine);
    pthread_join(thread, NULL);
    assert_int_equal(actant_engine_live(f->engine), 1);
    actant_engine_stop(f->engine); /* the next one */
    assert_int_equal(actant_run_wait(run, -1), ACTANT_ERR_TIMEOUT);
    char *json = NULL;
    assert_int_equal(actant_run_document(run, &json, &f->problem), ACTANT_ERR_USAGE);
    assert_int_equal(actant_run_problem(run, NULL), ACTANT_ERR_NONE);
    /* closing with it under way: nothing leaks, and it can be resumed */
}

static void
restart(void *self, struct actant_run *run)
{
    unsigned *left = self;
    actant_run_release(run);
    (*left)--;
}

/* Handles given back while the run is under way, and within `ended`. */
static void
test_released_early(void **state)
{
    struct fixture *f = *state;
    unsigned left = 2;
    struct trail trail = {0};
    engine_open(f, true);
    actant_run_release(start(f, "run: echo alone; touch up\n", NULL, &trail));
    struct actant_workflow *workflow = compile(f, "run: sleep 0.02\n");
    struct actant_run_options options = {.size = sizeof(options), .ended = restart, .self = &left};
    struct actant_run *run = NULL;
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, NULL), 0);
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, NULL), 0);
    actant_workflow_release(workflow);
    actant_engine_run(f->engine);
    assert_int_equal(left, 0);
    assert_int_equal(trail.ended, 0);
    assert_int_equal(trail.out.len, 0); /* unheard */
    wait_for_file(f, "up");
    char *json = NULL;
    assert_int_equal(actant_history_list(f->engine, 0, &json, NULL), ACTANT_ERR_NONE);
    assert_false(has(json, "running"));
    actant_free(json);
    trail_fini(&trail);
}

/* ---- options -------------------------------------------------------------------------------- */

static const char *
give_secret(void *self, const char *name, size_t *ret_length)
{
    (void)self;
    if (strcmp(name, "TOKEN") != 0)
        return NULL;
    *ret_length = 11;
    return "hush-hush-1xx";
}

static void
test_secrets(void **state)
{
    struct fixture *f = *state;
    struct trail trail = {0};
    engine_open(f, true);
    struct actant_workflow *workflow = compile(
        f, "run: echo \"$T\"; test \"$T\" = hush-hush-1\nenv: {T: '${{ secrets.TOKEN }}'}\n");
    struct actant_run_options options = follow(&trail);
    struct actant_run *run = NULL;
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem),
                     ACTANT_ERR_USAGE);
    assert_has(f->problem.message, "TOKEN");
    assert_null(run);
    options.secret = give_secret;
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem), 0);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    assert_false(has(trail.out.ptr, "hush-hush"));
    assert_has(trail.out.ptr, "***");
    actant_run_release(run);
    actant_workflow_release(workflow);
    trail_fini(&trail);
}

static void
test_what_start_refuses(void **state)
{
    struct fixture *f = *state;
    struct actant_run *run = NULL;
    struct actant_run_options options = {.size = sizeof(options)};
    engine_open(f, true);
    struct actant_workflow *workflow =
        compile(f, "params: {n: {type: integer, required: true}}\nrun: echo ${{ params.n }}\n");
    static const struct {
        const char *params, *part;
    } rows[] = {
        {NULL, "n"},
        {"{}", "n"},
        {"{", "JSON"},
        {"[1]", "object"},
        {"{\"n\": \"x\"}", "n"},
        {"{\"n\": 1, \"m\": 2}", "m"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        options.params = rows[i].params;
        f->problem.message[0] = '\0';
        assert_int_not_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem), 0);
        assert_has(f->problem.message, rows[i].part);
    }
    options.size = 3;
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem),
                     ACTANT_ERR_USAGE);
    assert_int_equal(actant_run_start(f->engine, NULL, NULL, &run, NULL), ACTANT_ERR_USAGE);
    assert_int_equal(actant_run_start(NULL, workflow, NULL, &run, NULL), ACTANT_ERR_USAGE);
    assert_int_equal(actant_run_resume(f->engine, NULL, NULL, &run, NULL), ACTANT_ERR_USAGE);
    assert_int_equal(actant_run_resume(f->engine, "none", NULL, &run, NULL), ACTANT_ERR_NOT_FOUND);
    assert_null(run);
    assert_int_equal(actant_engine_live(f->engine), 0);
    actant_workflow_release(workflow);

    struct actant_source source = {.size = sizeof(source), .text = "nonsense: 1\n", .length = 12};
    assert_int_equal(actant_workflow_compile(f->engine, &source, &workflow, NULL), 0);
    assert_int_equal(actant_run_start(f->engine, workflow, NULL, &run, &f->problem),
                     ACTANT_ERR_INVALID);
    actant_workflow_release(workflow);
}

/* A struct of an older header is shorter: what it does not have is as if nothing was said. */
static void
test_an_older_caller(void **state)
{
    struct fixture *f = *state;
    struct actant_run *run = NULL;
    struct actant_run_options options;
    engine_open(f, false);
    struct actant_workflow *workflow = compile(f, "value: 1\n");
    memset(&options, 0xee, sizeof(options));
    options.size = offsetof(struct actant_run_options, slots);
    options.params = NULL;
    assert_int_equal(actant_run_start(f->engine, workflow, &options, &run, &f->problem), 0);
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    actant_run_release(run);
    actant_workflow_release(workflow);
}

/* ---- the process ---------------------------------------------------------------------------- */

static void
test_the_process_is_left_alone(void **state)
{
    struct fixture *f = *state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1};
    struct sigaction before[6], after;
    sigset_t mask_before, mask_after;
    for (size_t i = 0; i < 6; i++)
        sigaction(numbers[i], NULL, &before[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    engine_open(f, true);
    struct actant_run *run = start(f, "run: echo\n", NULL, NULL);
    actant_engine_turn(f->engine);
    for (size_t i = 0; i < 6; i++) {
        sigaction(numbers[i], NULL, &after);
        assert_true(before[i].sa_handler == after.sa_handler);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    assert_int_equal(sigismember(&mask_before, SIGPIPE), sigismember(&mask_after, SIGPIPE));
    wait_for(run, ACTANT_STATUS_SUCCEEDED);
    actant_run_release(run);
}

static void
test_ignored_children_are_refused(void **state)
{
    struct fixture *f = *state;
    struct actant_engine_options options = {.size = sizeof(options)};
    signal(SIGCHLD, SIG_IGN);
    enum actant_err code = actant_engine_open(&options, &f->engine, &f->problem);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(code, ACTANT_ERR_USAGE);
    assert_has(f->problem.message, "SIGCHLD");
    assert_null(f->engine);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_run_is_followed),
        T(test_a_value_that_is_gone),
        T(test_without_history),
        T(test_two_at_once),
        T(test_cancelled_from_another_thread),
        T(test_suspended_and_resumed),
        T(test_retried),
        T(test_a_wait_is_signalled),
        T(test_the_inbox),
        T(test_turned_by_another_loop),
        T(test_stop_and_time_out),
        T(test_released_early),
        T(test_secrets),
        T(test_what_start_refuses),
        T(test_an_older_caller),
        T(test_the_process_is_left_alone),
        T(test_ignored_children_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
