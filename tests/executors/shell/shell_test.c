/* Attempts: what a task is given, how each ends, what is told and kept of it. */
#include "tests/executors/shell/shell_support.h"

#include "base/alloc.h"
#include "base/wire.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct bench bench;

static int
setup(void **state)
{
    (void)state;
    char *env[] = {(char[]){"ACTANT_SECRET_TOKEN=hunter2-token"},
                   (char[]){"ACTANT_SECRET_OTHER=second-secret"}, NULL};
    bench_open(&bench, env);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    bench_close(&bench);
    return 0;
}

/* ---- ends ---- */

static void
success(void **state)
{
    (void)state;
    struct ended e = bench_run_script(&bench, "echo hello; echo oops >&2");
    assert_int_equal(e.event.type, ACT_EVENT_ENDED);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    assert_int_equal(e.event.exit_code, 0);
    assert_true(is(e.out, "hello\n"));
    assert_true(is(e.err, "oops\n"));
    assert_true(e.at_hand);
    assert_true(is(e.output, "hello\n"));
    assert_int_equal(e.starts, 1);
    assert_true(e.pid > 0);
    assert_null(e.event.outputs);
    assert_false(e.event.flag);
    assert_int_equal(e.event.message.len, 0);
    assert_int_equal(e.event.out.file.len, 0);
    assert_int_equal(e.event.out.length, 6);
    ended_fini(&e);
}

static void
failures(void **state)
{
    (void)state;
    struct ended e = bench_run_script(&bench, "echo x; false; echo never");
    assert_int_equal(e.event.cause, ACT_CAUSE_EXIT);
    assert_int_equal(e.event.exit_code, 1);
    assert_true(is(e.out, "x\n"));
    ended_fini(&e);
    e = bench_run_script(&bench, "echo \"$UNSET_NAME\"");
    assert_int_equal(e.event.exit_code, 2); /* -u */
    ended_fini(&e);
    e = bench_run_script(&bench, "kill -KILL $$");
    assert_int_equal(e.event.cause, ACT_CAUSE_SIGNAL);
    assert_int_equal(e.event.signal, SIGKILL);
    assert_int_equal(e.event.exit_code, -1);
    assert_true(is(e.event.message, "ended by SIGKILL"));
    ended_fini(&e);
    write_file(bench.folder, "killed", "#!/bin/sh\nkill -KILL $$\n", 0755);
    e = bench_run_script(&bench, "./killed"); /* as its shell would end */
    assert_int_equal(e.event.cause, ACT_CAUSE_EXIT);
    assert_int_equal(e.event.exit_code, 137);
    assert_int_equal(e.event.signal, SIGKILL);
    assert_true(is(e.err, "Killed\n"));
    ended_fini(&e);
    e = bench_run_script(&bench, "no-such-command-at-all");
    assert_int_equal(e.event.exit_code, 127); /* through the shell, which says it */
    assert_int_equal(e.event.cause, ACT_CAUSE_EXIT);
    assert_true(act_str_find(e.err, ACT_STR("no-such-command-at-all")) >= 0);
    ended_fini(&e);
}

static void
expect_start_error(struct act_task *task, int code, const char *message)
{
    struct ended e = bench_run(&bench, task);
    assert_int_equal(e.event.cause, ACT_CAUSE_START);
    assert_int_equal(e.event.exit_code, code);
    if (act_str_find(e.event.message, act_str(message)) < 0)
        fprintf(stderr, "message: %.*s\n", ACT_STR_ARG(e.event.message));
    assert_true(act_str_find(e.event.message, act_str(message)) >= 0);
    assert_int_equal(e.starts, 0);
    ended_fini(&e);
    task->attempt_id = (struct act_str){0};
}

static void
what_cannot_be_started(void **state)
{
    (void)state;
    write_file(bench.folder, "plain", "x", 0644);
    struct act_task task = task_run("");
    task.kind = ACT_KIND_EXEC;
    struct act_value *argv = json("[\"no-such-command-at-all\"]");
    task.argv = argv;
    expect_start_error(&task, 127, "no-such-command-at-all: command not found");
    act_value_release(argv);
    task.argv = argv = json("[\"./plain\"]");
    expect_start_error(&task, 126, "./plain: Permission denied");
    act_value_release(argv);
    task.argv = argv = json("[]");
    expect_start_error(&task, 126, "no command");
    act_value_release(argv);
    task.argv = argv = json("[\"\"]");
    expect_start_error(&task, 126, "no command");
    act_value_release(argv);
    task.argv = argv = json("[\"echo\", \"a\\u0000b\"]");
    expect_start_error(&task, 126, "NUL");
    act_value_release(argv);
    task = task_run("make test");
    task.dir = ACT_STR("no/such");
    expect_start_error(&task, 127, "no/such: No such file or directory");
    task.dir = ACT_STR("plain");
    expect_start_error(&task, 127, "plain: Not a directory");
    task = task_run("true");
    struct act_value *env = json("{\"X\": \"a\\u0000b\"}");
    task.env = env;
    expect_start_error(&task, 126, "value of X holds a NUL byte");
    act_value_release(env);
    task.env = env = json("{\"A=B\": \"x\"}");
    expect_start_error(&task, 126, "'A=B' cannot be a name");
    act_value_release(env);
    task.env = env = json("{\"X\": \"\\u0001ACTSECRET:" NONCE ":GONE\\u0001\"}");
    expect_start_error(&task, 126, "secret GONE is not given");
    act_value_release(env);
    task = task_run("true");
    struct act_value *ref =
        act_value_ref(&bench.blobs->loader, ACT_STR("gone.out:0"), 5, ACT_OUTPUT_TEXT);
    task.stdin_value = ref;
    expect_start_error(&task, 126, "No such file");
    act_value_release(ref);
}

static void
too_long(void **state)
{
    (void)state;
    char *text = act_alloc(200000);
    memset(text, 'x', 200000);
    struct act_value *env = act_value_map();
    act_value_map_put(env, ACT_STR("LARGE"), act_value_string(act_str_n(text, 200000)));
    struct act_task task = task_run("true");
    task.env = env;
    expect_start_error(&task, 126, "LARGE is 200006 bytes long");
    task.env = NULL;
    memcpy(text, "echo long #", 11); /* a script has no such limit */
    task.script = act_str_n(text, 200000);
    struct ended e = bench_run(&bench, &task);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    assert_true(is(e.out, "long\n"));
    ended_fini(&e);
    act_value_release(env);
    act_free(text);
}

/* ---- what a task is given ---- */

static void
environment(void **state)
{
    (void)state;
    setenv("ACT_TEST_OUTER", "outer", 1);
    setenv("ACT_TEST_GONE", "gone", 1);
    struct bench other;
    bench_open(&other, NULL);
    struct act_value *env =
        json("{\"ACT_TEST_GONE\": null, \"A\": \"a b\\n$c\", \"N\": 5, \"L\": [1, {\"x\": true}], "
             "\"ACTANT_ATTEMPT\": \"forged\"}");
    struct act_task task =
        task_run("echo \"$ACT_TEST_OUTER ${ACT_TEST_GONE-unset} $A $N $L\";"
                 "echo \"$ACTANT_ATTEMPT $ACTANT_IDEMPOTENCY_KEY $ACTANT_RUN_ID $ACTANT_NODE\";"
                 "test \"$PWD\" = \"$(pwd)\"; echo \"$ACTANT_ATTEMPT_ID\"");
    task.env = env;
    task.attempt = 3;
    char id[64], wanted[200]; /* ours: the same test may run elsewhere on this machine */
    snprintf(id, sizeof id, "the-id-%d", (int)getpid());
    snprintf(wanted, sizeof wanted,
             "outer unset a b\n$c 5 [1,{\"x\":true}]\n3 key-1 run-1 chain[0]\n%s\n", id);
    task.attempt_id = act_str(id);
    struct ended e = bench_run(&other, &task);
    assert_true(is(e.out, wanted));
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    ended_fini(&e);
    act_value_release(env);
    bench_close(&other);
}

static void
folders(void **state)
{
    (void)state;
    struct act_buf sub = {0};
    act_buf_printf(&sub, "%s/sub", bench.folder);
    assert_int_equal(mkdir(sub.ptr, 0700), 0);
    write_file(sub.ptr, "tool.sh", "#!/bin/sh\npwd\n", 0755);
    act_buf_add_byte(&sub, '\n');
    static const char *const dirs[] = {"sub", "./sub", "sub/../sub"};
    for (size_t i = 0; i < 3; i++) {
        struct act_task task = task_run("./tool.sh"); /* without a shell: relative to dir */
        task.dir = act_str(dirs[i]);
        struct ended e = bench_run(&bench, &task);
        assert_true(is(e.out, sub.ptr));
        ended_fini(&e);
    }
    struct act_task task = task_run("pwd; echo $PWD");
    task.dir = ACT_STR("/");
    struct ended e = bench_run(&bench, &task);
    assert_true(is(e.out, "/\n/\n"));
    ended_fini(&e);
    act_buf_fini(&sub);
}

static void
expect_stdin(const struct act_value *v, const char *wanted)
{
    struct act_task task = task_run("cat");
    task.stdin_value = v;
    struct ended e = bench_run(&bench, &task);
    assert_true(is(e.out, wanted));
    ended_fini(&e);
}

static void
standard_input(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"\"text\"", "text"},
                                          {"null", ""},
                                          {"\"\"", ""},
                                          {"true", "true"},
                                          {"[1, \"x\"]", "[1,\"x\"]"}};
    expect_stdin(NULL, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct act_value *v = json(rows[i][0]);
        expect_stdin(v, rows[i][1]);
        act_value_release(v);
    }
    struct act_value *v;
    assert_int_equal(act_value_from_output(ACT_STR("raw\n\n"), ACT_OUTPUT_TEXT, &v, NULL), ACT_OK);
    expect_stdin(v, "raw\n\n"); /* byte for byte */
    act_value_release(v);
    struct act_str file;
    uint64_t offset;
    assert_int_equal(
        bench.blobs->ops->spool(bench.blobs, ACT_STR("aaabbbccc"), &file, &offset, NULL), ACT_OK);
    v = act_value_ref(&bench.blobs->loader, ACT_STR("spool:3"), 3, ACT_OUTPUT_TEXT);
    expect_stdin(v, "bbb");
    act_value_release(v);
    struct ended e = bench_run_script(&bench, "test -f /dev/stdin || test -c /dev/stdin");
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE); /* never a pipe, never a terminal */
    ended_fini(&e);
}

static void
arguments_and_shells(void **state)
{
    (void)state;
    struct act_value *args = json("[\"a b\", \"$x\", \"\"]"), *shell = NULL;
    struct act_task task = task_run("for a in \"$@\"; do echo \"<$a>\"; done; echo $0");
    task.args = args;
    struct ended e = bench_run(&bench, &task);
    assert_true(is(e.out, "<a b>\n<$x>\n<>\nsh\n"));
    ended_fini(&e);
    task = task_run("#!/bin/sh\nfor a in \"$@\"; do echo \"<$a>\"; done; test -x \"$0\"");
    task.args = args;
    task.shell = shell = json("[\"{0}\", \"first\"]");
    e = bench_run(&bench, &task);
    assert_true(is(e.out, "<first>\n<a b>\n<$x>\n<>\n"));
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    ended_fini(&e);
    act_value_release(shell);
    task = task_run("BEGIN { print \"from awk\" }");
    task.shell = shell = json("[\"awk\", \"-f\"]");
    e = bench_run(&bench, &task);
    assert_true(is(e.out, "from awk\n"));
    ended_fini(&e);
    act_value_release(shell);
    act_value_release(args);
}

/* ---- named outputs ---- */

static void
expect_outputs(const char *script, const char *wanted)
{
    struct ended e = bench_run_script(&bench, script);
    struct act_buf buf = {0};
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    if (e.event.outputs)
        act_json_write(&buf, e.event.outputs, 0);
    assert_true(is(act_buf_str(&buf), wanted));
    act_buf_fini(&buf);
    ended_fini(&e);
}

static void
named_outputs(void **state)
{
    (void)state;
    expect_outputs("true", "");
    expect_outputs("test ! -e \"$ACTANT_OUTPUT\"; echo a=1 >>\"$ACTANT_OUTPUT\"; "
                   "printf 'b<<E\\nx\\ny\\nE\\n' >>$ACTANT_OUTPUT",
                   "{\"a\":\"1\",\"b\":\"x\\ny\"}");
    struct ended e = bench_run_script(&bench, "echo nonsense >$ACTANT_OUTPUT");
    assert_int_equal(e.event.cause, ACT_CAUSE_OUTPUT);
    assert_true(act_str_find(e.event.message, ACT_STR("line 1")) >= 0);
    ended_fini(&e);
    e = bench_run_script(&bench, "echo nonsense >$ACTANT_OUTPUT; exit 4");
    assert_int_equal(e.event.cause, ACT_CAUSE_EXIT); /* it failed before */
    assert_int_equal(e.event.exit_code, 4);
    ended_fini(&e);
    static const char *const odd[] = {"mkfifo $ACTANT_OUTPUT", "mkdir $ACTANT_OUTPUT",
                                      "ln -s /etc/passwd $ACTANT_OUTPUT",
                                      "head -c 2000000 /dev/zero >$ACTANT_OUTPUT"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        e = bench_run_script(&bench, odd[i]);
        assert_int_equal(e.event.cause, ACT_CAUSE_OUTPUT);
        ended_fini(&e);
    }
}

/* ---- where output goes ---- */

static void
sizes(void **state)
{
    (void)state;
    static const struct {
        unsigned bytes;
        bool file, own, at_hand;
    } rows[] = {{512, false, false, true},    {513, true, false, true},
                {65536, true, false, true},   {65537, true, false, false},
                {262144, true, false, false}, {262145, true, true, false},
                {3000000, true, true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char script[120];
        snprintf(script, sizeof script, "head -c %u /dev/zero | tr '\\0' x", rows[i].bytes);
        struct act_task task = task_run(script);
        struct ended e = {.keep_large = true};
        ended_start(&e, &bench, &task);
        bench_wait(&bench);
        assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
        assert_int_equal(e.event.out.length, rows[i].bytes);
        assert_int_equal(e.out.len, rows[i].bytes);
        assert_int_equal(e.event.out.file.len > 0, rows[i].file);
        if (rows[i].file)
            assert_int_equal(!act_str_is(e.event.out.file, "spool"), rows[i].own);
        assert_int_equal(e.at_hand, rows[i].at_hand);
        for (size_t k = 0; k < e.out.len; k++)
            assert_int_equal(e.out.ptr[k], 'x');
        ended_fini(&e);
    }
}

/* The task writes the next line once this one has come. */
static void
answer_each_line(struct ended *ended)
{
    char name[16];
    snprintf(name, sizeof name, "got-%d", (int)ended->tail.len);
    write_file(bench.folder, name, "", 0600);
}

/* `said N`: until N bytes have been heard of. */
#define SAID "said() { until test -e got-$1; do sleep 0.02; done; }; "

static struct ended
run_answered(const char *script)
{
    struct ended e = {.on_output = answer_each_line};
    struct act_task task = task_run(script);
    ended_start(&e, &bench, &task);
    bench_wait(&bench);
    assert_int_equal(e.ends, 1);
    assert_int_equal(e.event.exit_code, 0);
    return e;
}

static void
order(void **state)
{
    (void)state;
    struct ended e = run_answered(
        SAID "echo one; said 4; echo two >&2; said 8; echo three; said 14; echo 4 >&2");
    struct act_wire_reader reader = {.rest = e.event.order};
    uint64_t lengths[8] = {0}, sums[2] = {0};
    int count = 0;
    while (reader.rest.len && count < 8) {
        lengths[count] = act_wire_read_u64(&reader);
        sums[count % 2] += lengths[count];
        count++;
    }
    assert_false(reader.failed);
    assert_int_equal(sums[0], e.out.len);
    assert_int_equal(sums[1], e.err.len);
    assert_int_equal(lengths[0], 4);
    assert_int_equal(lengths[1], 4);
    assert_int_equal(lengths[2], 6);
    assert_int_equal(lengths[3], 2);
    ended_fini(&e);
    e = bench_run_script(&bench, "echo only");
    assert_int_equal(e.event.order.len, 0);
    ended_fini(&e);
    e = run_answered(SAID "echo first >&2; said 6; echo second");
    assert_int_equal(e.event.order.ptr[0], 0); /* it begins with none of out */
    ended_fini(&e);
}

static void
any_bytes(void **state)
{
    (void)state;
    struct ended e = bench_run_script(&bench, "printf 'a\\000b\\377\\033[31m\\r\\n'");
    assert_int_equal(e.out.len, 11);
    assert_memory_equal(e.out.ptr, "a\0b\xff\x1b[31m\r\n", 11);
    ended_fini(&e);
}

static void
logs_are_cut(void **state)
{
    (void)state;
    bench.options.limits.log_max = 300000;
    bench_reopen_executor(&bench);
    struct act_task task =
        task_run("head -c 900000 /dev/zero; head -c 400000 /dev/zero >&2; echo x");
    task.output = ACT_OUTPUT_NONE;
    struct ended e = bench_run(&bench, &task);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    assert_true(e.event.out.length > 300000 && e.event.out.length < 300200);
    assert_true(e.event.err.length > 300000 && e.event.err.length < 300200);
    assert_true(act_str_find(e.out, ACT_STR("the log limit of 300000 bytes is reached")) >= 0);
    ended_fini(&e);
    task = task_run("head -c 900000 /dev/zero"); /* a result never is */
    e = bench_run(&bench, &task);
    assert_int_equal(e.event.out.length, 900000);
    ended_fini(&e);
}

static void
results_have_a_limit(void **state)
{
    (void)state;
    bench.options.limits.result_max = 500000;
    bench_reopen_executor(&bench);
    struct ended e = bench_run_script(&bench, "head -c 500000 /dev/zero");
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    ended_fini(&e);
    e = bench_run_script(&bench, "yes; echo never"); /* it does not end by itself */
    assert_int_equal(e.event.cause, ACT_CAUSE_OUTPUT);
    assert_true(act_str_find(e.event.message, ACT_STR("output_max")) >= 0);
    assert_true(e.event.out.length <= 500000);
    ended_fini(&e);
}

/* A file-size limit stands in for a full disk. */
static void
disk_full(void **state)
{
    (void)state;
    struct rlimit before, tight;
    getrlimit(RLIMIT_FSIZE, &before);
    tight = before;
    tight.rlim_cur = 400000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    struct ended e = bench_run_script(&bench, "head -c 900000 /dev/zero; exit 0");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(e.event.cause, ACT_CAUSE_OUTPUT); /* never a success */
    assert_true(e.event.message.len > 0);
    ended_fini(&e);
}

/* ---- stops ---- */

static void
stop_when_ready(struct ended *ended)
{
    if (act_str_find(act_buf_str(&ended->tail), ACT_STR("ready\n")) >= 0 && ended->attempt) {
        ended->on_output = NULL;
        bench.executor->ops->stop(ended->attempt, 100);
    }
}

static void
stop_twice_when_ready(struct ended *ended)
{
    if (act_str_find(act_buf_str(&ended->tail), ACT_STR("ready\n")) >= 0 && ended->attempt) {
        ended->on_output = NULL;
        bench.executor->ops->stop(ended->attempt, 1000000000);
        bench.executor->ops->stop(ended->attempt, 1000000000);
    }
}

static struct ended
run_stopped(const char *script, void (*on_output)(struct ended *ended))
{
    struct ended e = {.on_output = on_output};
    struct act_task task = task_run(script);
    ended_start(&e, &bench, &task);
    bench_wait(&bench);
    assert_int_equal(e.ends, 1);
    assert_int_equal(carriers_of(task.attempt_id), 0);
    return e;
}

static void
stops(void **state)
{
    (void)state;
    struct ended e = run_stopped("echo ready; sleep 1000", stop_when_ready);
    assert_int_equal(e.event.signal, SIGTERM);
    assert_int_equal(e.event.cause, ACT_CAUSE_SIGNAL);
    ended_fini(&e);
    e = run_stopped("trap 'echo cleaned; exit 9' TERM; echo ready; while :; do sleep 0.05; done",
                    stop_when_ready);
    if (e.event.exit_code == 9) /* unless the grace was over first */
        assert_true(act_str_find(e.out, ACT_STR("cleaned")) >= 0);
    ended_fini(&e);
    e = run_stopped("trap '' TERM; echo ready; while :; do sleep 0.05; done", stop_when_ready);
    assert_int_equal(e.event.signal, SIGKILL);
    ended_fini(&e);
    e = run_stopped("trap '' TERM; echo ready; while :; do sleep 0.05; done",
                    stop_twice_when_ready);
    assert_int_equal(e.event.signal, SIGKILL); /* the grace was not waited for */
    ended_fini(&e);
    e = run_stopped("trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 1000; :' &);"
                    "(setsid sh -c '(setsid sleep 1000 &)' &); echo ready; "
                    "while :; do sleep 0.05; done",
                    stop_when_ready);
    assert_int_equal(e.event.signal, SIGKILL);
    ended_fini(&e);
}

static void
stopped_before_it_started(void **state)
{
    (void)state;
    struct act_task task = task_run("touch ran"), bad = task_run("true");
    bad.dir = ACT_STR("no/such");
    struct act_value *env = json("{\"\": \"x\"}");
    struct act_task never = task_run("true");
    never.env = env;
    struct ended e = {0}, f = {0}, g = {0};
    ended_start(&e, &bench, &task);
    ended_start(&f, &bench, &bad);
    ended_start(&g, &bench, &never);
    bench.executor->ops->stop(e.attempt, 1000);
    bench.executor->ops->stop(f.attempt, 1000);
    bench.executor->ops->stop(g.attempt, 1000);
    bench_wait(&bench);
    assert_int_equal(e.event.signal, SIGTERM);
    assert_int_equal(e.starts, 0);
    assert_int_equal(f.ends, 1);
    assert_int_equal(g.event.cause, ACT_CAUSE_START);
    ended_fini(&e);
    ended_fini(&f);
    ended_fini(&g);
    act_value_release(env);
}

static void
nothing_left_behind(void **state)
{
    (void)state;
    struct ended e = run_stopped("sleep 1000 & (setsid sleep 1000 &); echo done", NULL);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
#if !ACT_PORTABLE
    assert_true(act_str_find(e.event.message, ACT_STR("behind")) >= 0);
#endif
    ended_fini(&e);
}

static void
of_an_earlier_life(void **state)
{
    (void)state;
    struct act_task task = task_run("(setsid sleep 1000 &); echo ready; sleep 1000; :");
    char id[64];
    snprintf(id, sizeof id, "earlier-life-%d-1", (int)getpid());
    task.attempt_id = act_str(id);
    struct ended e = {0};
    ended_start(&e, &bench, &task);
    /* Once it is ready, what started the first sleeper is gone. The watchdog's patience bounds it. */
    while (act_str_find(act_buf_str(&e.tail), ACT_STR("ready")) < 0 ||
           carriers_of(task.attempt_id) < 3) {
        bench.loop->ops->start_timer(bench.loop, 20, (void (*)(void *))bench.loop->ops->stop,
                                     bench.loop);
        bench.loop->ops->run(bench.loop, NULL);
    }
    assert_int_equal(act_shell_kill_attempt(bench.port, act_str_n(id, strlen(id) - 2)), 0);
    assert_int_equal(act_shell_kill_attempt(bench.port, task.attempt_id), 3);
    assert_int_equal(carriers_of(task.attempt_id), 0);
    bench_wait(&bench);
    assert_int_equal(e.event.signal, SIGKILL);
    ended_fini(&e);
}

/* ---- secrets ---- */

static void
need_secrets(void)
{
    assert_int_equal(act_secrets_need(bench.secrets, ACT_STR("TOKEN"), NULL), ACT_OK);
    assert_int_equal(act_secrets_need(bench.secrets, ACT_STR("OTHER"), NULL), ACT_OK);
}

static void
secrets(void **state)
{
    (void)state;
    need_secrets();
    struct act_value *env = json("{\"TOKEN\": \"\\u0001ACTSECRET:" NONCE ":TOKEN\\u0001\"}");
    struct act_task task = task_run("test \"$TOKEN\" = hunter2-\"\"token; echo \"$TOKEN\";"
                                    "printf hunter2-; sleep 0.2; printf 'token\\n';"
                                    "printf %s \"$TOKEN\" | base64 >&2");
    task.env = env;
    struct ended e = bench_run(&bench, &task);
    assert_int_equal(e.event.cause, ACT_CAUSE_NONE);
    assert_true(is(e.out, "***\n***\n"));
    assert_true(is(e.output, "***\n***\n"));
    assert_true(e.event.flag);
    assert_true(act_str_starts(e.err, ACT_STR("***")));
    assert_true(act_str_find(act_buf_str(&e.tail), ACT_STR("hunter2")) < 0);
    ended_fini(&e);
    task = task_run("cat | wc -c; cat; echo \"$TOKEN\" >&2; echo a=\"$TOKEN\" >$ACTANT_OUTPUT; "
                    "echo b=fine >>$ACTANT_OUTPUT");
    struct act_value *text = json("\"x\\u0001ACTSECRET:" NONCE ":OTHER\\u0001\"");
    task.env = env;
    task.stdin_value = text;
    e = bench_run(&bench, &task);
    assert_true(is(e.out, "14\n"));
    assert_false(e.event.flag); /* its result holds none */
    assert_true(is(e.err, "***\n"));
    assert_int_equal(act_value_type(act_value_get(e.event.outputs, ACT_STR("a"))), ACT_NULL);
    assert_true(is(act_value_as_str(act_value_get(e.event.outputs, ACT_STR("b"))), "fine"));
    ended_fini(&e);
    act_value_release(text);
    act_value_release(env);
}

static void
secrets_in_messages(void **state)
{
    (void)state;
    need_secrets();
    struct act_value *argv = json("[\"/no/\\u0001ACTSECRET:" NONCE ":TOKEN\\u0001\"]");
    struct act_task task = task_run("");
    task.kind = ACT_KIND_EXEC;
    task.argv = argv;
    struct ended e = bench_run(&bench, &task);
    assert_true(act_str_find(e.event.message, ACT_STR("/no/***")) >= 0);
    ended_fini(&e);
    act_value_release(argv);
}

/* ---- many ---- */

static void
many_at_once(void **state)
{
    (void)state;
    enum { MANY = 100 };
    struct ended *all = act_zalloc(MANY, sizeof *all);
    char scripts[MANY][64], wanted[MANY][16];
    for (int i = 0; i < MANY; i++) {
        snprintf(scripts[i], sizeof scripts[i],
                 i % 2 ? "echo %d; echo n=%d >$ACTANT_OUTPUT" : "seq %d %d", i, i);
        snprintf(wanted[i], sizeof wanted[i], "%d\n", i);
        struct act_task task = task_run(scripts[i]);
        ended_start(&all[i], &bench, &task);
    }
    bench_wait(&bench);
    for (int i = 0; i < MANY; i++) {
        assert_true(is(all[i].out, wanted[i]));
        assert_int_equal(all[i].ends, 1);
        ended_fini(&all[i]);
    }
    act_free(all);
}

/* Nobody is told, nothing runs on. */
static void
closed_under_way(void **state)
{
    (void)state;
    struct bench other;
    bench_open(&other, NULL);
    struct ended all[6] = {0};
    struct act_str ids[6];
    for (int i = 0; i < 6; i++) {
        struct act_task task = task_run("(setsid sleep 1000 &); sleep 1000; :");
        ended_start(&all[i], &other, &task);
        ids[i] = task.attempt_id;
    }
    for (int i = 0; i < 5; i++) {
        other.loop->ops->start_timer(other.loop, 20, (void (*)(void *))other.loop->ops->stop,
                                     other.loop);
        other.loop->ops->run(other.loop, NULL);
    }
    other.executor->ops->close(other.executor);
    other.executor = NULL;
    bench_close(&other);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(all[i].ends, 0);
        assert_int_equal(carriers_of(ids[i]), 0);
        ended_fini(&all[i]);
    }
}

static unsigned
open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

static void
no_descriptor_is_lost(void **state)
{
    (void)state;
    struct act_value *text = json("\"input\"");
    unsigned before = 0;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 20; i++) {
            static const char *const scripts[] = {"cat", "no-such-command-at-all", "cat; exit 3",
                                                  "head -c 300000 /dev/zero"};
            struct act_task task = task_run(scripts[i % 4]);
            task.stdin_value = text;
            struct ended e = bench_run(&bench, &task);
            ended_fini(&e);
        }
        if (round == 1)
            before = open_descriptors();
    }
    assert_int_equal(open_descriptors(), before);
    act_value_release(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(success, setup, teardown),
        cmocka_unit_test_setup_teardown(failures, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_started, setup, teardown),
        cmocka_unit_test_setup_teardown(too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(environment, setup, teardown),
        cmocka_unit_test_setup_teardown(folders, setup, teardown),
        cmocka_unit_test_setup_teardown(standard_input, setup, teardown),
        cmocka_unit_test_setup_teardown(arguments_and_shells, setup, teardown),
        cmocka_unit_test_setup_teardown(named_outputs, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(order, setup, teardown),
        cmocka_unit_test_setup_teardown(any_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(logs_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(results_have_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(stops, setup, teardown),
        cmocka_unit_test_setup_teardown(stopped_before_it_started, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_left_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(of_an_earlier_life, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_in_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
        cmocka_unit_test(closed_under_way),
        cmocka_unit_test_setup_teardown(no_descriptor_is_lost, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
