/* The pool with real processes that do what they are told (fake_support). */
#include "executors/worker/pool.h"

#include "base/alloc.h"
#include "engine/io/uv/link.h"
#include "engine/io/uv/loop.h"
#include "engine/io/uv/process.h"
#include "engine/run/drive.h"
#include "executors/worker/pool_internal.h"
#include "tests/executors/worker/fake_support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 600000

extern char **environ;

struct bench {
    struct act_loop *loop;
    struct act_process_port *processes;
    struct act_link_port *links;
    struct act_environ *environment;
    struct act_drive *drive;
    struct act_worker_pool *pool;
    struct act_worker_pool_options options;
    struct act_timer *watchdog;
    int waiting;
};

struct outcome {
    struct bench *bench;
    struct act_worker_call *call; /* NULL once it has ended */
    enum act_worker_end_type type;
    struct act_buf body, log, message;
    size_t part_bytes;
    bool refuse_parts, suspect;
    int begun, ends, pid;
    struct act_process_exit exit;
    void (*on_begun)(struct outcome *outcome);
};

static void
out_of_patience(void *self)
{
    (void)self;
    fprintf(stderr, "the test waits for something that does not come\n");
    abort();
}

static void
bench_open(struct bench *bench, struct act_worker_pool_options options, const char *broken)
{
    static char exe[4096], cookie[64];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    assert_true(len > 0);
    exe[len] = 0;
    snprintf(cookie, sizeof cookie, "pool-test-%d-", (int)getpid());
    const char *argv[] = {exe, "worker", broken, NULL};
    *bench = (struct bench){0};
    assert_int_equal(act_uv_loop_create(&bench->loop, NULL), ACT_OK);
    assert_int_equal(act_uv_process_port_create(bench->loop, NULL, &bench->processes, NULL),
                     ACT_OK);
    assert_int_equal(act_uv_link_port_create(bench->loop, &bench->links, NULL), ACT_OK);
    bench->environment = act_environ_create(environ, &(struct act_environ_options){0});
    bench->drive = act_drive_create(&(struct act_drive_options){.loop = bench->loop});
    options.loop = bench->loop;
    options.system = act_drive_system(bench->drive);
    options.processes = bench->processes;
    options.links = bench->links;
    options.base = bench->environment;
    options.name = "test worker";
    options.argv = argv;
    options.cookie = cookie;
    options.control = true;
    options.hello = ACT_STR("{}");
    bench->pool = act_worker_pool_create(&options);
    bench->watchdog =
        bench->loop->ops->start_timer(bench->loop, PATIENCE_MS, out_of_patience, NULL);
}

static void
bench_close(struct bench *bench)
{
    act_worker_pool_close(bench->pool);
    act_drive_destroy(bench->drive);
    bench->links->ops->close_port(bench->links);
    bench->processes->ops->close(bench->processes);
    bench->loop->ops->close(bench->loop);
    act_environ_destroy(bench->environment);
}

static void
bench_wait(struct bench *bench)
{
    while (bench->waiting)
        assert_int_equal(bench->loop->ops->run(bench->loop, NULL), ACT_OK);
}

static void
run_for(struct bench *bench, int64_t ms)
{
    struct act_loop *loop = bench->loop;
    loop->ops->start_timer(loop, ms, (void (*)(void *))loop->ops->stop, loop);
    loop->ops->run(loop, NULL);
}

static struct act_worker_pool_counts
counts(const struct bench *bench)
{
    struct act_worker_pool_counts counts;
    act_worker_pool_counts(bench->pool, &counts);
    return counts;
}

/* ---- calls ---- */

static void
on_begun(void *self, int pid)
{
    struct outcome *outcome = self;
    outcome->begun++;
    outcome->pid = pid;
    if (outcome->on_begun)
        outcome->on_begun(outcome);
}

static void
on_log(void *self, enum act_stream stream, struct act_str bytes)
{
    struct outcome *outcome = self;
    (void)stream;
    act_buf_add_str(&outcome->log, bytes);
}

static bool
on_part(void *self, struct act_str bytes)
{
    struct outcome *outcome = self;
    outcome->part_bytes += bytes.len;
    return !outcome->refuse_parts;
}

static void
on_ended(void *self, const struct act_worker_end *end)
{
    struct outcome *outcome = self;
    outcome->call = NULL;
    outcome->ends++;
    outcome->type = end->type;
    outcome->suspect = end->suspect;
    if (end->exit)
        outcome->exit = *end->exit;
    act_buf_add_str(&outcome->body, end->body);
    act_buf_add_str(&outcome->message, end->message);
    if (--outcome->bench->waiting == 0)
        outcome->bench->loop->ops->stop(outcome->bench->loop);
}

static void
start_in(struct outcome *outcome, struct bench *bench, const char *request, const char *function,
         const char *context, bool alone)
{
    static const struct act_worker_call_watcher watcher = {
        .on_begun = on_begun, .on_log = on_log, .on_part = on_part, .on_ended = on_ended};
    struct act_worker_call_spec spec = {.function = act_str(function),
                                        .request = act_str(request),
                                        .context = act_str(context),
                                        .alone = alone,
                                        .watcher = &watcher,
                                        .watcher_self = outcome};
    outcome->bench = bench;
    bench->waiting++;
    outcome->call = act_worker_call_start(bench->pool, &spec);
}

/* The function is the request's first word. */
static void
start(struct outcome *outcome, struct bench *bench, const char *request)
{
    char function[32];
    snprintf(function, sizeof function, "%.*s", (int)strcspn(request, " "), request);
    start_in(outcome, bench, request, function, "", false);
}

static void
outcome_fini(struct outcome *outcome)
{
    assert_int_equal(outcome->ends, 1);
    act_buf_fini(&outcome->body);
    act_buf_fini(&outcome->log);
    act_buf_fini(&outcome->message);
}

static void
expect(struct bench *bench, const char *request, enum act_worker_end_type type, const char *body)
{
    struct outcome outcome = {0};
    start(&outcome, bench, request);
    bench_wait(bench);
    assert_int_equal(outcome.type, type);
    if (body)
        assert_string_equal(act_buf_str(&outcome.body).ptr, body);
    outcome_fini(&outcome);
}

/* Until all of them have begun, none having ended. */
static void
wait_begun(struct bench *bench, const struct outcome *all, int count)
{
    for (int i = 0; i < count; i++) {
        while (!all[i].begun) { /* the watchdog's patience bounds it */
            assert_int_equal(all[i].ends, 0);
            run_for(bench, 10);
        }
        assert_int_equal(all[i].ends, 0);
    }
}

static void
stop_all(struct bench *bench, struct outcome *all, int count)
{
    for (int i = 0; i < count; i++)
        act_worker_call_stop(all[i].call, PATIENCE_MS);
    bench_wait(bench);
    for (int i = 0; i < count; i++) {
        assert_int_equal(all[i].type, ACT_WORKER_FAIL); /* it takes the hint */
        outcome_fini(&all[i]);
        all[i] = (struct outcome){0};
    }
}

/* ---- tests ---- */

static void
test_calls(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 2}, NULL);
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    expect(&bench, "fail {}", ACT_WORKER_FAIL, "{}");
    struct outcome printed = {0}, logged = {0};
    start(&printed, &bench, "print without a line end");
    bench_wait(&bench);
    start(&logged, &bench, "log by a frame");
    bench_wait(&bench);
    assert_string_equal(printed.log.ptr, "without a line end");
    assert_string_equal(logged.log.ptr, "by a frame");
    assert_int_equal(printed.pid, logged.pid);
    assert_int_equal(counts(&bench).started, 1);
    outcome_fini(&printed);
    outcome_fini(&logged);
    bench_close(&bench);
}

#define MANY 2000

static void
test_quick_ones_are_sent_ahead(void **state)
{
    struct bench bench;
    static struct outcome all[MANY];
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1, .ahead_max = 16}, NULL);
    for (int i = 0; i < MANY; i++)
        start(&all[i], &bench, "echo x");
    bench_wait(&bench);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(all[i].type, ACT_WORKER_RESULT);
        assert_int_equal(all[i].begun, 1);
        outcome_fini(&all[i]);
    }
    bench_close(&bench);
}

static void
test_what_is_behind_a_stuck_one_is_taken_back(void **state)
{
    struct bench bench;
    struct outcome warm[4] = {{0}}, stuck = {0}, behind[4] = {{0}};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 2, .ahead_max = 16}, NULL);
    /* Known to be quick, all under one name. */
    for (int i = 0; i < 4; i++) {
        start_in(&warm[i], &bench, "echo w", "one", "", false);
        bench_wait(&bench);
    }
    for (int round = 0; round < 60; round++) {
        struct outcome again = {0};
        start_in(&again, &bench, "echo w", "one", "", false);
        bench_wait(&bench);
        outcome_fini(&again);
    }
    start_in(&stuck, &bench, "sleep 100000000", "one", "", false);
    for (int i = 0; i < 4; i++)
        start_in(&behind[i], &bench, "echo b", "one", "", false);
    bench.waiting--; /* for all but the one that is stuck */
    bench_wait(&bench);
    wait_begun(&bench, &stuck, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(behind[i].type, ACT_WORKER_RESULT);
        assert_int_equal(behind[i].begun, 1);
        assert_int_not_equal(behind[i].pid, stuck.pid);
        outcome_fini(&behind[i]);
        outcome_fini(&warm[i]);
    }
    bench.waiting++;
    stop_all(&bench, &stuck, 1);
    bench_close(&bench);
}

static void
test_death_takes_what_had_begun_alone(void **state)
{
    struct bench bench;
    struct outcome dead = {0}, next[3] = {{0}};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1}, NULL);
    start(&dead, &bench, "kill 9"); /* a sanitizer would catch others */
    for (int i = 0; i < 3; i++)
        start(&next[i], &bench, "echo after");
    bench_wait(&bench);
    assert_int_equal(dead.type, ACT_WORKER_DIED);
    assert_int_equal(dead.exit.signal, 9);
    assert_int_equal(dead.begun, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(next[i].type, ACT_WORKER_RESULT);
        outcome_fini(&next[i]);
    }
    outcome_fini(&dead);
    expect(&bench, "exit 3", ACT_WORKER_DIED, NULL);
    expect(&bench, "exit 0", ACT_WORKER_DIED, NULL);
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    assert_int_equal(counts(&bench).died, 3);
    bench_close(&bench);
}

static void
test_nonsense(void **state)
{
    struct bench bench;
    struct outcome garbage = {0}, closed = {0};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1}, NULL);
    start(&garbage, &bench, "garbage");
    bench_wait(&bench);
    assert_int_equal(garbage.type, ACT_WORKER_DIED);
    assert_non_null(strstr(garbage.message.ptr, "broke the protocol"));
    start(&closed, &bench, "close");
    bench_wait(&bench);
    assert_int_equal(closed.type, ACT_WORKER_DIED);
    assert_non_null(strstr(closed.message.ptr, "closed its descriptor"));
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    outcome_fini(&garbage);
    outcome_fini(&closed);
    bench_close(&bench);
}

static void
test_hung_ones_are_replaced(void **state)
{
    struct bench bench;
    struct outcome hung = {0};
    (void)state;
    struct act_worker_pool_options options = {.workers_max = 1, .times = {.hang = 200}};
    bench_open(&bench, options, NULL);
    start(&hung, &bench, "hang");
    /* It goes from worker to worker, never begun, until it is stopped. */
    while (counts(&bench).died < 2) {
        struct act_worker_call *call = hung.call;
        assert_non_null(call);
        run_for(&bench, 20);
    }
    assert_int_equal(hung.begun, 0);
    act_worker_call_stop(hung.call, 0);
    bench_wait(&bench);
    assert_int_equal(hung.type, ACT_WORKER_STOPPED);
    outcome_fini(&hung);
    bench_close(&bench);
}

static void
stop_waiting(struct outcome *outcome)
{
    outcome->bench->loop->ops->stop(outcome->bench->loop);
}

static void
stop_at_once(struct outcome *outcome)
{
    act_worker_call_stop(outcome->call, 0);
}

static void
test_stops(void **state)
{
    struct bench bench;
    struct outcome queued = {0}, begun = {0}, asked = {0};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1}, NULL);
    asked.on_begun = NULL;
    start(&asked, &bench, "sleep 100000000");
    start(&queued, &bench, "echo never");
    act_worker_call_stop(queued.call, PATIENCE_MS);
    assert_int_equal(queued.ends, 0); /* not from inside */
    act_worker_call_stop(asked.call, PATIENCE_MS);
    bench_wait(&bench);
    assert_int_equal(queued.type, ACT_WORKER_STOPPED);
    assert_int_equal(queued.begun, 0);
    assert_true(asked.type == ACT_WORKER_STOPPED || asked.type == ACT_WORKER_FAIL);
    begun.on_begun = stop_at_once;
    start(&begun, &bench, "sleep 100000000");
    bench_wait(&bench);
    assert_true(begun.type == ACT_WORKER_DIED || begun.type == ACT_WORKER_FAIL);
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    outcome_fini(&queued);
    outcome_fini(&begun);
    outcome_fini(&asked);
    bench_close(&bench);
}

static void
test_beside_each_other(void **state)
{
    struct bench bench;
    struct outcome first = {0}, all[8] = {{0}}, killer = {0};
    (void)state;
    struct act_worker_pool_options options = {.workers_max = 1, .beside_max = 8};
    bench_open(&bench, options, NULL);
    start_in(&first, &bench, "beside 0", "f", "a", false);
    bench_wait(&bench);
    for (int i = 0; i < 8; i++)
        start_in(&all[i], &bench, "beside 100000000", "f", "a", false);
    wait_begun(&bench, all, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(all[i].pid, first.pid);
    stop_all(&bench, all, 8);
    /* A death takes those that had begun along. */
    start_in(&all[0], &bench, "beside 100000000", "f", "a", false);
    start_in(&all[1], &bench, "beside 100000000", "f", "a", false);
    start_in(&killer, &bench, "kill 9", "f", "a", false);
    bench_wait(&bench);
    assert_int_equal(killer.type, ACT_WORKER_LOST);
    assert_int_equal(all[0].type, ACT_WORKER_LOST);
    assert_int_equal(all[1].type, ACT_WORKER_LOST);
    assert_true(killer.suspect && all[0].suspect && all[1].suspect);
    /* Alone it is known whose doing it was. */
    outcome_fini(&killer);
    killer = (struct outcome){0};
    start_in(&killer, &bench, "kill 9", "f", "a", true);
    bench_wait(&bench);
    assert_int_equal(killer.type, ACT_WORKER_DIED);
    outcome_fini(&all[0]);
    outcome_fini(&all[1]);
    outcome_fini(&first);
    outcome_fini(&killer);
    bench_close(&bench);
}

static void
test_another_context_does_not_go_beside(void **state)
{
    struct bench bench;
    struct outcome first = {0}, stays = {0}, other = {0};
    (void)state;
    struct act_worker_pool_options options = {.workers_max = 2, .beside_max = 8};
    bench_open(&bench, options, NULL);
    start_in(&first, &bench, "beside 0", "f", "a", false);
    bench_wait(&bench);
    start_in(&stays, &bench, "beside 100000000", "f", "a", false);
    wait_begun(&bench, &stays, 1);
    start_in(&other, &bench, "beside 0", "f", "b", false);
    bench.waiting--; /* for all but the one that stays */
    bench_wait(&bench);
    assert_int_not_equal(other.pid, stays.pid);
    bench.waiting++;
    stop_all(&bench, &stays, 1);
    outcome_fini(&first);
    outcome_fini(&other);
    bench_close(&bench);
}

static void
test_grows_to_its_bound(void **state)
{
    struct bench bench;
    struct outcome all[3] = {{0}}, more[3] = {{0}};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 3}, NULL);
    for (int i = 0; i < 3; i++)
        start(&all[i], &bench, "sleep 100000000");
    for (int i = 0; i < 3; i++)
        start(&more[i], &bench, "echo more");
    wait_begun(&bench, all, 3);
    run_for(&bench, 100); /* what waits is long late */
    assert_int_equal(counts(&bench).started, 3);
    bench.waiting -= 2; /* one place is enough for the rest */
    act_worker_call_stop(all[0].call, PATIENCE_MS);
    bench_wait(&bench);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(more[i].type, ACT_WORKER_RESULT);
        assert_int_equal(more[i].pid, all[0].pid);
        outcome_fini(&more[i]);
    }
    assert_int_equal(all[0].type, ACT_WORKER_FAIL);
    outcome_fini(&all[0]);
    assert_int_equal(counts(&bench).started, 3);
    bench.waiting += 2;
    stop_all(&bench, &all[1], 2);
    bench_close(&bench);
}

static void
test_recycled(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1, .recycle_calls = 5},
               NULL);
    for (int i = 0; i < 20; i++)
        expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    assert_in_range(counts(&bench).started, 4, 5);
    assert_int_equal(counts(&bench).recycled, 4);
    assert_int_equal(counts(&bench).died, 0);
    bench_close(&bench);
}

static void
test_idle_ones_are_let_go(void **state)
{
    struct bench bench;
    (void)state;
    struct act_worker_pool_options options = {.workers_max = 1, .times = {.idle = 50}};
    bench_open(&bench, options, NULL);
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    while (counts(&bench).workers)
        run_for(&bench, 10);
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    assert_int_equal(counts(&bench).started, 2);
    bench_close(&bench);
}

static void
crash(struct bench *bench, int times)
{
    for (int i = 0; i < times; i++)
        expect(bench, "kill 6", ACT_WORKER_DIED, NULL);
}

/* It does, or it does what it is told. */
static bool
refuses(struct bench *bench)
{
    struct outcome outcome = {0};
    start(&outcome, bench, "echo 1");
    bench_wait(bench);
    bool refused = outcome.type == ACT_WORKER_REFUSED;
    assert_true(refused || outcome.type == ACT_WORKER_RESULT);
    outcome_fini(&outcome);
    return refused;
}

static void
test_quarantine(void **state)
{
    struct bench bench;
    struct outcome all[3] = {{0}};
    (void)state;
    struct act_worker_pool_options options = {.workers_max = 2, .times = {.backoff = 1}};
    bench_open(&bench, options, "no such library");
    for (int i = 0; i < 3; i++)
        start(&all[i], &bench, "echo 1");
    bench_wait(&bench);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(all[i].type, ACT_WORKER_REFUSED);
        assert_non_null(strstr(all[i].message.ptr, "test worker cannot start"));
        assert_non_null(strstr(all[i].message.ptr, "code 7"));
        assert_non_null(strstr(all[i].message.ptr, "no such library"));
        outcome_fini(&all[i]);
    }
    uint64_t started = counts(&bench).started;
    expect(&bench, "echo 1", ACT_WORKER_REFUSED, NULL); /* at once */
    assert_int_equal(counts(&bench).started, started);
    bench_close(&bench);
    /* Crashes during calls, where that counts. */
    options.crashes_max = 3;
    options.times.quarantine = PATIENCE_MS;
    bench_open(&bench, options, NULL);
    crash(&bench, 3);
    expect(&bench, "echo 1", ACT_WORKER_REFUSED, NULL);
    bench_close(&bench);
    /* Which ends. */
    options.times.quarantine = 300;
    bench_open(&bench, options, NULL);
    crash(&bench, 3);
    while (refuses(&bench)) /* the watchdog's patience bounds it */
        run_for(&bench, 20);
    bench_close(&bench);
}

static void
test_results_in_parts(void **state)
{
    struct bench bench;
    struct outcome large = {0}, refused = {.refuse_parts = true};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1}, NULL);
    start(&large, &bench, "part 50000000");
    bench_wait(&bench);
    assert_int_equal(large.type, ACT_WORKER_RESULT);
    assert_int_equal(large.part_bytes + large.body.len, 50000000);
    start(&refused, &bench, "part 50000000");
    bench_wait(&bench);
    assert_int_equal(refused.type, ACT_WORKER_DIED);
    assert_non_null(strstr(refused.message.ptr, "too long"));
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    outcome_fini(&large);
    outcome_fini(&refused);
    bench_close(&bench);
}

/* Its process goes with it; what it had begun is lost, what it had not goes to another one. */
static void
test_a_killed_actor(void **state)
{
    struct bench bench;
    struct outcome begun = {0}, behind[3] = {{0}};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1, .ahead_max = 16}, NULL);
    for (int round = 0; round < 60; round++) {
        struct outcome warm = {0};
        start_in(&warm, &bench, "echo w", "one", "", false);
        bench_wait(&bench);
        outcome_fini(&warm);
    }
    begun.on_begun = stop_waiting;
    start_in(&begun, &bench, "sleep 100000000", "one", "", false);
    for (int i = 0; i < 3; i++)
        start_in(&behind[i], &bench, "echo b", "one", "", false);
    bench.loop->ops->run(bench.loop, NULL);
    assert_int_equal(begun.begun, 1);
    actant_kill(act_drive_system(bench.drive), bench.pool->workers->self);
    bench_wait(&bench);
    assert_int_equal(begun.type, ACT_WORKER_DIED); /* the only one that it had begun */
    assert_int_equal(begun.exit.signal, 9);
    while (kill(begun.pid, 0) == 0) /* the watchdog's patience bounds it */
        run_for(&bench, 10);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(behind[i].type, ACT_WORKER_RESULT);
        assert_int_equal(behind[i].begun, 1);
        outcome_fini(&behind[i]);
    }
    assert_int_equal(counts(&bench).started, 2);
    outcome_fini(&begun);
    bench_close(&bench);
}

/* The runtime's pool is made anew, with its workers; what waits in it is not lost. */
static void
test_a_killed_line(void **state)
{
    struct bench bench;
    struct outcome begun = {0}, waiting[40] = {{0}};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 1}, NULL);
    begun.on_begun = stop_waiting;
    start(&begun, &bench, "sleep 100000000");
    for (int i = 0; i < 40; i++)
        start(&waiting[i], &bench, "echo w");
    bench.loop->ops->run(bench.loop, NULL);
    actant_kill(act_drive_system(bench.drive), bench.pool->line);
    bench_wait(&bench);
    assert_int_equal(begun.type, ACT_WORKER_DIED);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(waiting[i].type, ACT_WORKER_RESULT);
        assert_int_equal(waiting[i].begun, 1);
        outcome_fini(&waiting[i]);
    }
    outcome_fini(&begun);
    bench_close(&bench);
}

static void
test_closed_in_the_middle(void **state)
{
    struct bench bench;
    struct outcome all[4] = {{0}};
    (void)state;
    bench_open(&bench, (struct act_worker_pool_options){.workers_max = 2}, NULL);
    expect(&bench, "echo 1", ACT_WORKER_RESULT, "1");
    for (int i = 0; i < 4; i++)
        start(&all[i], &bench, "sleep 100000000");
    bench_close(&bench);
    for (int i = 0; i < 4; i++)
        assert_int_equal(all[i].ends, 0);
}

int
main(int argc, char **argv)
{
    fake_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_quick_ones_are_sent_ahead),
        cmocka_unit_test(test_what_is_behind_a_stuck_one_is_taken_back),
        cmocka_unit_test(test_death_takes_what_had_begun_alone),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_hung_ones_are_replaced),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_beside_each_other),
        cmocka_unit_test(test_another_context_does_not_go_beside),
        cmocka_unit_test(test_grows_to_its_bound),
        cmocka_unit_test(test_recycled),
        cmocka_unit_test(test_idle_ones_are_let_go),
        cmocka_unit_test(test_quarantine),
        cmocka_unit_test(test_results_in_parts),
        cmocka_unit_test(test_a_killed_actor),
        cmocka_unit_test(test_a_killed_line),
        cmocka_unit_test(test_closed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
