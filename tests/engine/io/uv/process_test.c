/* The process port: what a task is started with, what comes back, what is left of it. */
#include "tests/engine/io/uv/process_support.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
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

static struct world world;

static int
setup(void **state)
{
    (void)state;
    world_open(&world, -1);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

/* Runs one to its end. */
static struct result
run_spec(const struct act_process_spec *spec)
{
    struct result result = {0};
    result_start(&result, &world, spec);
    world_wait(&world);
    assert_int_equal(result.exits, 1);
    return result;
}

static struct act_process_spec
spec_of(const char *const *argv)
{
    return (struct act_process_spec){.argv = argv,
                                     .env = (const char *const *)environ,
                                     .stdin_fd = -1,
                                     .capture_out = true,
                                     .capture_err = true};
}

static struct result
run_sh(const char *script)
{
    struct result result = {0};
    result_start_sh(&result, &world, script, NULL);
    world_wait(&world);
    assert_int_equal(result.exits, 1);
    return result;
}

static void
codes_outputs_usage(void **state)
{
    (void)state;
    struct result r = run_sh("echo out; echo err >&2; exit 7");
    assert_true(result_out_is(&r, "out\n"));
    assert_true(act_str_is(act_buf_str(&r.err), "err\n"));
    assert_int_equal(r.end.exit_code, 7);
    assert_int_equal(r.end.signal, 0);
    assert_int_equal(r.end.start_errno, 0);
    assert_true(r.pid > 0);
    assert_true(r.end.rss_max_bytes > 0);
    result_fini(&r);
    r = run_sh("kill -9 $$");
    assert_int_equal(r.end.exit_code, -1);
    assert_int_equal(r.end.signal, SIGKILL);
    result_fini(&r);
}

static void
standard_input(void **state)
{
    (void)state;
    struct result r = run_sh("cat; echo end");
    assert_true(result_out_is(&r, "end\n"));
    result_fini(&r);
    for (int take = 0; take < 2; take++) {
        FILE *file = tmpfile();
        assert_non_null(file);
        fputs("hello", file);
        fflush(file);
        rewind(file);
        const char *argv[] = {"cat", NULL};
        struct act_process_spec spec = spec_of(argv);
        spec.stdin_fd = take ? dup(fileno(file)) : fileno(file);
        spec.take_stdin = take != 0;
        r = run_spec(&spec);
        assert_true(result_out_is(&r, "hello"));
        if (take)
            assert_int_equal(fcntl(spec.stdin_fd, F_GETFD), -1);
        result_fini(&r);
        fclose(file);
    }
}

static void
not_captured(void **state)
{
    (void)state;
    const char *argv[] = {"sh", "-c", "echo out; echo err >&2", NULL};
    struct act_process_spec spec = spec_of(argv);
    spec.capture_out = spec.capture_err = false;
    struct result r = run_spec(&spec);
    assert_int_equal(r.end.exit_code, 0);
    assert_int_equal(r.out.len + r.err.len, 0);
    result_fini(&r);
}

static void
expect_failed(const struct act_process_spec *spec, int error, int code, bool dir)
{
    struct result r = run_spec(spec);
    assert_int_equal(r.end.start_errno, error);
    assert_int_equal(r.end.exit_code, code);
    assert_int_equal(r.end.dir_failed, dir);
    result_fini(&r);
}

static void
what_cannot_be_started(void **state)
{
    (void)state;
    char *folder = folder_make();
    file_write(folder, "plain", "x", 0644);
    file_write(folder, "lost", "#!/no/such/interpreter\n", 0755);
    const char *missing[] = {"no-such-command-at-all", NULL}, *plain[] = {"./plain", NULL},
               *lost[] = {"./lost", NULL}, *is_folder[] = {"/", NULL}, *empty[] = {"", NULL},
               *under_file[] = {"./plain/x", NULL};
    struct act_process_spec spec = spec_of(missing);
    expect_failed(&spec, ENOENT, 127, false);
    spec.dir = folder;
    spec.argv = plain;
    expect_failed(&spec, EACCES, 126, false);
    spec.argv = lost;
    expect_failed(&spec, ENOENT, 127, false);
    spec.argv = is_folder;
    expect_failed(&spec, EACCES, 126, false);
    spec.argv = empty;
    expect_failed(&spec, ENOENT, 127, false);
    spec.argv = under_file;
    expect_failed(&spec, ENOTDIR, 127, false);
    spec.argv = lost;
    spec.dir = "/no/such/folder";
    expect_failed(&spec, ENOENT, 127, true);
    spec.dir = "/dev/null";
    expect_failed(&spec, ENOTDIR, 127, true);
    folder_remove(folder);
}

static void
too_long(void **state)
{
    (void)state;
    char *text = act_alloc(200000);
    memset(text, 'x', 199999);
    text[199999] = 0;
    const char *argv[] = {"/bin/true", text, NULL};
    struct act_process_spec spec = spec_of(argv);
    expect_failed(&spec, E2BIG, 126, false);
    act_free(text);
}

static void
unknown_format_goes_to_sh(void **state)
{
    (void)state;
    char *folder = folder_make();
    file_write(folder, "script", "echo \"$0 $1 $2\"\nexit 3\n", 0755);
    const char *argv[] = {"./script", "a", "b c", NULL};
    struct act_process_spec spec = spec_of(argv);
    spec.dir = folder;
    struct result r = run_spec(&spec);
    assert_true(result_out_is(&r, "./script a b c\n"));
    assert_int_equal(r.end.exit_code, 3);
    result_fini(&r);
    folder_remove(folder);
}

/* PATH is the child's, its relative and empty entries start at its folder, and what may not be
 * executed is passed over. */
static void
search(void **state)
{
    (void)state;
    char *folder = folder_make();
    file_write(folder, "tool", "#!/bin/sh\necho here\n", 0755);
    struct act_buf sub = {0};
    act_buf_printf(&sub, "%s/sub", folder);
    assert_int_equal(mkdir(sub.ptr, 0700), 0);
    file_write(folder, "sub/tool", "#!/bin/sh\necho sub\n", 0644);
    act_buf_fini(&sub);
    static const char *const paths[][2] = {
        {"PATH=sub:", "here\n"}, {"PATH=/no/such:sub:.", "here\n"}, {"PATH=", "here\n"}};
    for (size_t i = 0; i < 3; i++) {
        const char *argv[] = {"tool", NULL}, *env[] = {paths[i][0], NULL};
        struct act_process_spec spec = spec_of(argv);
        spec.env = env;
        spec.dir = folder;
        struct result r = run_spec(&spec);
        assert_true(result_out_is(&r, paths[i][1]));
        result_fini(&r);
    }
    const char *argv[] = {"tool", NULL}, *env[] = {"PATH=sub", NULL}, *none[] = {NULL};
    struct act_process_spec spec = spec_of(argv);
    spec.dir = folder;
    spec.env = env;
    expect_failed(&spec, EACCES, 126, false);
    const char *echo[] = {"echo", "x", NULL};
    spec.argv = echo;
    spec.env = none; /* no PATH at all: what sh takes then */
    struct result r = run_spec(&spec);
    assert_true(result_out_is(&r, "x\n"));
    result_fini(&r);
    spec.program = "/bin/sh"; /* argv[0] is only a name */
    const char *other[] = {"other", "-c", "echo $0", NULL};
    spec.argv = other;
    r = run_spec(&spec);
    assert_true(result_out_is(&r, "other\n"));
    result_fini(&r);
    folder_remove(folder);
}

static void
descriptors(void **state)
{
    (void)state;
    int leaked[3];
#if ACT_PORTABLE
    world_close(&world); /* only what is open when the port is made can be kept from tasks */
#endif
    for (int i = 0; i < 3; i++) /* as a parent that does not close its own hands them on */
        leaked[i] = dup(1);
#if ACT_PORTABLE
    world_open(&world, -1);
#endif
    struct result r = run_sh("ls /proc/self/fd | wc -l");
    assert_true(result_out_is(&r, "4\n")); /* 0 1 2 and the one ls opens */
    result_fini(&r);
    for (int i = 0; i < 3; i++)
        close(leaked[i]);
}

static void
signals_and_session(void **state)
{
    (void)state;
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    signal(SIGHUP, SIG_IGN);
    /* 32 and 33 are glibc's own: posix_spawn ignores them in the child. */
    struct result r = run_sh("grep -E '^Sig(Blk|Ign):' /proc/self/status | tr -d '\t' |"
                             "sed 's/^SigIgn:0000000180000000$/SigIgn:0000000000000000/'");
    assert_true(result_out_is(&r, "SigBlk:0000000000000000\nSigIgn:0000000000000000\n"));
    result_fini(&r);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    r = run_sh("set -- $(cat /proc/$$/stat); test $$ = $5 && test $$ = $6 && echo own");
    assert_true(result_out_is(&r, "own\n")); /* group and session */
    result_fini(&r);
}

static void
term_when_ready(struct result *result)
{
    if (act_str_find(act_buf_str(&result->out), ACT_STR("ready\n")) >= 0 && result->process)
        world.port->ops->signal(result->process, SIGTERM);
}

static void
kill_when_told(struct result *result)
{
    term_when_ready(result);
    if (act_str_find(act_buf_str(&result->out), ACT_STR("ignored\n")) >= 0 && result->process)
        world.port->ops->signal(result->process, SIGKILL);
}

static void
stops(void **state)
{
    (void)state;
    struct result r = {.on_output = term_when_ready};
    result_start_sh(&r, &world, "echo ready; while :; do sleep 1000; done", NULL);
    world_wait(&world);
    assert_int_equal(r.end.signal, SIGTERM);
    result_fini(&r);
    r = (struct result){.on_output = kill_when_told};
    result_start_sh(&r, &world,
                    "trap 'echo ignored' TERM; echo ready; while :; do sleep 0.05; done", NULL);
    world_wait(&world);
    assert_int_equal(r.end.signal, SIGKILL);
    result_fini(&r);
    r = (struct result){.on_output = term_when_ready};
    result_start_sh(&r, &world, "echo ready; kill -STOP $$; sleep 1000", NULL);
    world_wait(&world);
    assert_int_equal(r.end.signal, SIGTERM);
    result_fini(&r);
}

static void
never_started(void **state)
{
    (void)state;
    char *folder = folder_make();
    struct act_buf script = {0};
    act_buf_printf(&script, "touch '%s/ran'", folder);
    struct result r = {0};
    result_start_sh(&r, &world, script.ptr, NULL);
    world.port->ops->signal(r.process, SIGTERM);
    world_wait(&world);
    assert_int_equal(r.end.signal, SIGTERM);
    assert_int_equal(r.end.exit_code, -1);
    assert_int_equal(r.pid, 0);
    act_buf_clear(&script);
    act_buf_printf(&script, "%s/ran", folder);
    assert_int_equal(access(script.ptr, F_OK), -1);
    act_buf_fini(&script);
    result_fini(&r);
    folder_remove(folder);
}

/* "ACT_TEST_COOKIE<suffix>=<value>-<our pid>": the same test may run elsewhere on this machine. In a buffer of its own
 * for each of the last few. */
static const char *
cookie_of(const char *suffix, const char *value)
{
    static char texts[8][64];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "ACT_TEST_COOKIE%s=%s-%d", suffix, value, (int)getpid());
    return text;
}

#define COOKIE cookie_of("", "process")

static void
expect_nothing_left(const char *script)
{
    struct result r = {0};
    result_start_sh(&r, &world, script, COOKIE);
    world_wait(&world);
    if (r.end.exit_code != 0)
        fprintf(stderr, "%s: %d: %.*s\n", script, r.end.exit_code, (int)r.err.len, r.err.ptr);
    assert_int_equal(r.end.exit_code, 0);
    assert_int_equal(carriers(COOKIE), 0);
    assert_int_equal(children(), 0);
    result_fini(&r);
}

static void
nothing_left_behind(void **state)
{
    (void)state;
    expect_nothing_left("sleep 1000 & exit 0");
    expect_nothing_left("(setsid sleep 1000 &) ; exit 0");
    expect_nothing_left("(setsid sh -c '(setsid sleep 1000 & setsid sleep 1000 &); sleep 1000' &);"
                        "exit 0");
    expect_nothing_left("(trap '' TERM HUP; setsid sh -c 'trap \"\" TERM; sleep 1000; :' &); :");
#if !ACT_PORTABLE
    /* Without the cookie, too, when it is the last task. */
    expect_nothing_left("(env -i setsid sleep 1000 &); sleep 0.1; exit 0");
#endif
}

static void
left_behind_is_counted(void **state)
{
    (void)state;
    struct result r = {0};
    result_start_sh(&r, &world, "sleep 1000 & sleep 1000 & exit 0", COOKIE);
    world_wait(&world);
#if !ACT_PORTABLE
    assert_int_equal(r.end.left_count, 2);
#endif
    result_fini(&r);
    r = run_sh("exit 0");
    assert_int_equal(r.end.left_count, 0);
    result_fini(&r);
}

/* One task's daemon lives as long as that task, however many others end meanwhile. */
static void
daemons_of_others_live(void **state)
{
    (void)state;
    char *folder = folder_make();
    struct act_buf script = {0};
    act_buf_printf(&script,
                   "(setsid sleep 1000 &); touch '%s/up'; "
                   "while ! test -e '%s/go'; do sleep 0.02; done",
                   folder, folder);
    struct result a = {0}, b = {.stop = true};
    result_start_sh(&a, &world, script.ptr, COOKIE);
    act_buf_clear(&script);
    act_buf_printf(&script, "while ! test -e '%s/up'; do sleep 0.02; done", folder);
    result_start_sh(&b, &world, script.ptr, cookie_of("", "other"));
    world_wait(&world);
    assert_int_equal(b.exits, 1);
    assert_int_equal(a.exits, 0);
    assert_int_equal(b.end.left_count, 0);
    assert_true(carriers(COOKIE) >= 2); /* the task and its daemon */
    file_write(folder, "go", "", 0644);
    world_wait(&world);
    assert_int_equal(a.end.exit_code, 0);
    assert_int_equal(carriers(COOKIE), 0);
    act_buf_fini(&script);
    result_fini(&a);
    result_fini(&b);
    folder_remove(folder);
}

static void
kill_by_cookie(void **state)
{
    (void)state;
    struct result r = {.on_output = NULL, .stop = true};
    struct act_buf script = {0};
    const char *cookie = cookie_of("", "outer"), *other = cookie_of("", "outer2");
    struct act_str outer = act_str(strchr(cookie, '=') + 1),
                   outer2 = act_str(strchr(other, '=') + 1);
    act_buf_printf(&script,
                   "(setsid env ACT_TEST_COOKIE_2=%s ACT_TEST_COOKIE=inner sleep 1000 &);"
                   "(setsid env ACT_TEST_COOKIE=%s sleep 1000 &);"
                   "(setsid env ACT_TEST_COOKIE_x=%s ACT_TEST_COOKIE=%s sleep 1000 &);"
                   "while test $(cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' |"
                   " grep -cxE 'ACT_TEST_COOKIE(_2|_x)?=%s') -lt 3; do sleep 0.02; done;"
                   "kill -STOP $$; sleep 1000",
                   outer.ptr, outer.ptr, outer.ptr, outer2.ptr, outer.ptr);
    result_start_sh(&r, &world, script.ptr, NULL);
    act_buf_fini(&script);
    uint32_t killed = 0;
    while (killed < 2) { /* the watchdog's patience bounds it */
        struct act_timer *pause = world.loop->ops->start_timer(
            world.loop, 20, (void (*)(void *))world.loop->ops->stop, world.loop);
        (void)pause;
        world.loop->ops->run(world.loop, NULL);
        if (carriers(cookie) >= 2 && carriers(other) >= 1)
            killed += world.port->ops->kill_cookie(world.port, "ACT_TEST_COOKIE", outer);
    }
    assert_int_equal(killed, 2);
    assert_int_equal(carriers(cookie), 0);
    assert_int_equal(carriers(other), 1);
    assert_int_equal(r.exits, 0);
    world.port->ops->signal(r.process, SIGKILL);
    world_wait(&world);
    assert_int_equal(world.port->ops->kill_cookie(world.port, "ACT_TEST_COOKIE", outer2),
                     ACT_PORTABLE ? 1 : 0); /* it went with the last task */
    result_fini(&r);
}

/* A leader that carries the cookie is killed too, and its end is told as usual. */
static void
kill_by_cookie_leaves_ends_alone(void **state)
{
    (void)state;
    struct result r = {0};
    result_start_sh(&r, &world, "sleep 1000; :", COOKIE);
    while (carriers(COOKIE) < 2) { /* the watchdog's patience bounds it */
        world.loop->ops->start_timer(world.loop, 20, (void (*)(void *))world.loop->ops->stop,
                                     world.loop);
        world.loop->ops->run(world.loop, NULL);
    }
    struct act_str value = act_str(strchr(COOKIE, '=') + 1);
    assert_int_equal(world.port->ops->kill_cookie(world.port, "ACT_TEST_COOKIE", value), 2);
    world_wait(&world);
    assert_int_equal(r.exits, 1);
    assert_int_equal(r.end.signal, SIGKILL);
    result_fini(&r);
}

/* Orphans that end while their task runs are taken off the process table. */
static void
no_zombies(void **state)
{
    (void)state;
#if !ACT_PORTABLE
    struct result r = run_sh(
        "for i in 1 2 3 4 5 6 7 8; do (sleep 0.01 &); done;"
        "while grep -qs '^PPid:.'$PPID'$' $(grep -ls '^State:.Z' /proc/[0-9]*/status) /dev/null;"
        "do sleep 0.05; done; echo clean");
    assert_true(result_out_is(&r, "clean\n"));
    result_fini(&r);
    assert_int_equal(children(), 0);
#endif
}

/* Something outlives the leader and holds the pipe: the end is not held up. */
static void
pipe_held_open(void **state)
{
    (void)state;
    struct result r = run_sh("yes held & echo first");
    assert_true(act_str_find(act_buf_str(&r.out), ACT_STR("first\n")) >= 0);
    assert_int_equal(r.end.exit_code, 0);
    result_fini(&r);
    r = run_sh("head -c 60000 /dev/zero; echo end >&2"); /* all that was written comes */
    assert_int_equal(r.out.len, 60000);
    assert_true(act_str_is(act_buf_str(&r.err), "end\n"));
    result_fini(&r);
}

static void
closed_outputs(void **state)
{
    (void)state;
    struct result r = run_sh("exec >&- 2>&-; sleep 0.1; exit 5");
    assert_int_equal(r.end.exit_code, 5);
    result_fini(&r);
}

static void
much_output(void **state)
{
    (void)state;
    struct result r = {.discard = true};
    result_start_sh(&r, &world, "head -c 100000000 /dev/zero; head -c 50000000 /dev/zero >&2",
                    NULL);
    world_wait(&world);
    assert_int_equal(r.out_bytes, 150000000);
    result_fini(&r);
}

static void
many_at_once(void **state)
{
    (void)state;
    enum { MANY = 200 };
    struct result *results = act_zalloc(MANY, sizeof *results);
    char script[MANY][80], wanted[MANY][40];
    for (int i = 0; i < MANY; i++) {
        snprintf(script[i], sizeof script[i], "echo %d; echo e%d >&2; exit %d", i, i, i % 100);
        result_start_sh(&results[i], &world, script[i], NULL);
    }
    world_wait(&world);
    for (int i = 0; i < MANY; i++) {
        snprintf(wanted[i], sizeof wanted[i], "%d\n", i);
        assert_true(result_out_is(&results[i], wanted[i]));
        assert_int_equal(results[i].end.exit_code, i % 100);
        assert_int_equal(results[i].exits, 1);
        assert_true(results[i].pid > 0);
        result_fini(&results[i]);
    }
    act_free(results);
    assert_int_equal(children(), 0);
}

static void
many_that_fail_or_never_start(void **state)
{
    (void)state;
    enum { MANY = 60 };
    struct result results[MANY] = {0};
    const char *missing[] = {"no-such-command-at-all", NULL}, *sleeper[] = {"sleep", "1000", NULL};
    for (int i = 0; i < MANY; i++) {
        struct act_process_spec spec = spec_of(i % 2 ? missing : sleeper);
        result_start(&results[i], &world, &spec);
    }
    for (int i = 0; i < MANY; i += 2)
        world.port->ops->signal(results[i].process, SIGKILL);
    world_wait(&world);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(results[i].exits, 1);
        assert_int_equal(i % 2 ? results[i].end.exit_code : results[i].end.signal,
                         i % 2 ? 127 : SIGKILL);
        result_fini(&results[i]);
    }
}

struct again {
    int left;
};

static void
start_again(void *self, const struct act_process_exit *end)
{
    struct again *again = self;
    const char *argv[] = {"no-such-command-at-all", NULL};
    struct act_process_spec spec = spec_of(argv);
    static const struct act_process_watcher watcher = {.on_exit = start_again};
    assert_int_equal(end->start_errno, ENOENT);
    if (again->left-- > 0)
        world.port->ops->start(world.port, &spec, &watcher, again);
    else
        world.loop->ops->stop(world.loop);
}

/* What is queued by the end of one that failed to start does not wait for some other event. */
static void
started_from_an_end(void **state)
{
    (void)state;
    struct again again = {.left = 20};
    start_again(&again, &(struct act_process_exit){.start_errno = ENOENT});
    world.loop->ops->run(world.loop, NULL);
    assert_int_equal(again.left, -1);
}

/* Without descriptors processes stay queued, and all of them run in the end. */
static void
out_of_descriptors(void **state)
{
    (void)state;
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    int probe = dup(0);
    tight.rlim_cur = (rlim_t)probe + 40;
    close(probe);
    enum { MANY = 40 };
    struct result results[MANY] = {0};
    for (int i = 0; i < MANY; i++)
        result_start_sh(&results[i], &world, "echo x; sleep 0.05", NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    world_wait(&world);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(results[i].end.exit_code, 0);
        assert_true(result_out_is(&results[i], "x\n"));
        result_fini(&results[i]);
    }
}

/* Closing ends what runs, with all that belongs to it, and tells nobody. */
static void
close_kills(void **state)
{
    (void)state;
    struct world other;
    world_close(&world);
    world_open(&other, 0);
    enum { MANY = 12 };
    struct result results[MANY] = {0};
    for (int i = 0; i < MANY; i++)
        result_start_sh(&results[i], &other, "(setsid sleep 1000 &); sleep 1000", COOKIE);
    for (int i = 0; i < 20; i++) {
        other.loop->ops->start_timer(other.loop, 5, (void (*)(void *))other.loop->ops->stop,
                                     other.loop);
        other.loop->ops->run(other.loop, NULL);
    }
    world_close(&other);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(results[i].exits, 0);
    assert_int_equal(carriers(COOKIE), 0);
    world_open(&world, -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(codes_outputs_usage, setup, teardown),
        cmocka_unit_test_setup_teardown(standard_input, setup, teardown),
        cmocka_unit_test_setup_teardown(not_captured, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_started, setup, teardown),
        cmocka_unit_test_setup_teardown(too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_format_goes_to_sh, setup, teardown),
        cmocka_unit_test_setup_teardown(search, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(signals_and_session, setup, teardown),
        cmocka_unit_test_setup_teardown(stops, setup, teardown),
        cmocka_unit_test_setup_teardown(never_started, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_left_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(left_behind_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(daemons_of_others_live, setup, teardown),
        cmocka_unit_test_setup_teardown(kill_by_cookie, setup, teardown),
        cmocka_unit_test_setup_teardown(kill_by_cookie_leaves_ends_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(no_zombies, setup, teardown),
        cmocka_unit_test_setup_teardown(pipe_held_open, setup, teardown),
        cmocka_unit_test_setup_teardown(closed_outputs, setup, teardown),
        cmocka_unit_test_setup_teardown(much_output, setup, teardown),
        cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(many_that_fail_or_never_start, setup, teardown),
        cmocka_unit_test_setup_teardown(started_from_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(close_kills, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
