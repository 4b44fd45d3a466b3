#include "tests/executors/shell/shell_support.h"

#include "base/alloc.h"
#include "engine/io/uv/blob.h"
#include "engine/io/uv/cookie.h"
#include "engine/io/uv/loop.h"
#include "engine/io/uv/process.h"
#include "engine/port/tree_remove.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static void
out_of_patience(void *self)
{
    (void)self;
    fprintf(stderr, "the test waits for something that does not come\n");
    abort();
}

void
bench_reopen_executor(struct bench *bench)
{
    if (bench->executor)
        bench->executor->ops->close(bench->executor);
    bench->executor = act_shell_executor_create(&bench->options);
}

void
bench_open(struct bench *bench, char *const *env)
{
    *bench = (struct bench){0};
    struct act_buf path = {0}, top = {0}, run = {0};
    const char *parent = getenv("TMPDIR");
    act_buf_printf(&path, "%s/actant-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path.ptr));
    bench->base = path.ptr;
    act_buf_printf(&top, "%s/top", bench->base);
    assert_int_equal(mkdir(top.ptr, 0700), 0);
    bench->folder = top.ptr;
    act_buf_printf(&run, "%s/run", bench->base);
    assert_int_equal(act_uv_loop_create(&bench->loop, NULL), ACT_OK);
    assert_int_equal(act_uv_process_port_create(bench->loop, NULL, &bench->port, NULL), ACT_OK);
    bench->blobs = act_blob_port_create(run.ptr);
    act_buf_fini(&run);
    bench->environ = act_environ_create(environ, &(struct act_environ_options){0});
    bench->secrets = act_secrets_create(env);
    bench->options = (struct act_shell_options){.loop = bench->loop,
                                                .processes = bench->port,
                                                .blobs = bench->blobs,
                                                .environ = bench->environ,
                                                .secrets = bench->secrets,
                                                .run_id = "run-1",
                                                .dir = bench->folder};
    bench_reopen_executor(bench);
    bench->watchdog =
        bench->loop->ops->start_timer(bench->loop, PATIENCE_MS, out_of_patience, NULL);
}

void
remove_folder(const char *folder)
{
    assert_int_equal(act_tree_remove(folder), 0);
}

void
bench_close(struct bench *bench)
{
    bench->loop->ops->stop_timer(bench->watchdog);
    bench->port->ops->close(bench->port);
    if (bench->executor)
        bench->executor->ops->close(bench->executor);
    bench->blobs->ops->close(bench->blobs);
    bench->loop->ops->close(bench->loop);
    act_environ_destroy(bench->environ);
    act_secrets_destroy(bench->secrets);
    remove_folder(bench->base);
    act_free(bench->folder);
    act_free(bench->base);
}

void
bench_wait(struct bench *bench)
{
    if (bench->waiting)
        bench->loop->ops->run(bench->loop, NULL);
}

static void
started(void *self, struct act_attempt *attempt, int pid)
{
    struct ended *ended = self;
    (void)attempt;
    ended->starts++;
    ended->pid = pid;
}

static void
output(void *self, struct act_attempt *attempt, int stream, struct act_str bytes)
{
    struct ended *ended = self;
    (void)attempt, (void)stream;
    if (ended->tail.len < 1024 * 1024)
        act_buf_add_str(&ended->tail, bytes);
    if (ended->on_output)
        ended->on_output(ended);
}

static struct act_str
read_back(struct ended *ended, const struct act_blob *blob)
{
    if (!blob->file.len)
        return act_arena_str(&ended->arena, blob->bytes);
    if (blob->length > 1024 * 1024 && !ended->keep_large)
        return (struct act_str){0};
    struct act_buf buf = {0};
    struct act_blob_port *blobs = ended->bench->blobs;
    assert_int_equal(blobs->ops->read(blobs, blob->file, blob->offset, blob->length, &buf, NULL),
                     ACT_OK);
    assert_int_equal(buf.len, blob->length);
    struct act_str text = act_arena_str(&ended->arena, act_buf_str(&buf));
    act_buf_fini(&buf);
    return text;
}

static void
over(void *self, struct act_attempt *attempt, const struct act_event *event, bool have_output,
     struct act_str text)
{
    struct ended *ended = self;
    (void)attempt;
    ended->ends++;
    ended->attempt = NULL;
    ended->event = *event;
    ended->event.message = act_arena_str(&ended->arena, event->message);
    ended->event.order = act_arena_str(&ended->arena, event->order);
    ended->event.out.file = act_arena_str(&ended->arena, event->out.file);
    ended->event.outputs = event->outputs ? act_value_retain(event->outputs) : NULL;
    ended->out = read_back(ended, &event->out);
    ended->err = read_back(ended, &event->err);
    ended->at_hand = have_output;
    ended->output = act_arena_str(&ended->arena, text);
    if (--ended->bench->waiting == 0)
        ended->bench->loop->ops->stop(ended->bench->loop);
}

void
ended_start(struct ended *ended, struct bench *bench, struct act_task *task)
{
    static const struct act_attempt_watcher watcher = {
        .on_started = started, .on_output = output, .on_ended = over};
    char id[64];
    snprintf(id, sizeof id, "run1-%u-%d", ++bench->attempts, (int)getpid());
    ended->bench = bench;
    bench->waiting++;
    if (!task->attempt_id.len)
        task->attempt_id = act_arena_str(&ended->arena, act_str(id));
    ended->attempt = bench->executor->ops->start(bench->executor, task, NONCE, &watcher, ended);
    assert_non_null(ended->attempt);
    assert_int_equal(ended->ends, 0); /* never from inside start */
}

struct ended
bench_run(struct bench *bench, struct act_task *task)
{
    struct ended ended = {0};
    ended_start(&ended, bench, task);
    bench_wait(bench);
    assert_int_equal(ended.ends, 1);
    return ended;
}

struct ended
bench_run_script(struct bench *bench, const char *script)
{
    struct act_task task = task_run(script);
    return bench_run(bench, &task);
}

void
ended_fini(struct ended *ended)
{
    act_value_release(ended->event.outputs);
    act_buf_fini(&ended->tail);
    act_arena_fini(&ended->arena);
    *ended = (struct ended){0};
}

struct act_task
task_run(const char *script)
{
    return (struct act_task){.kind = ACT_KIND_RUN,
                             .path = ACT_STR("chain[0]"),
                             .attempt = 1,
                             .script = act_str(script),
                             .grace_ms = 10000,
                             .idempotency_key = ACT_STR("key-1")};
}

struct act_value *
json(const char *text)
{
    struct act_value *v = NULL;
    assert_int_equal(act_json_parse(act_str(text), 0, &v, NULL), ACT_OK);
    return v;
}

bool
is(struct act_str text, const char *wanted)
{
    if (act_str_is(text, wanted))
        return true;
    fprintf(stderr, "got '%.*s'\nwanted '%s'\n", ACT_STR_ARG(text), wanted);
    return false;
}

void
write_file(const char *folder, const char *name, const char *text, unsigned mode)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/%s", folder, name);
    FILE *file = fopen(path.ptr, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path.ptr, mode), 0);
    act_buf_fini(&path);
}

unsigned
carriers_of(struct act_str attempt_id)
{
    struct act_buf cookie = {0};
    struct act_pids pids = {0};
    act_buf_printf(&cookie, ACT_ENV_ATTEMPT_ID "=%.*s", ACT_STR_ARG(attempt_id));
    act_cookie_scan(act_buf_str(&cookie), &pids);
    unsigned count = pids.len;
    act_vec_fini(&pids);
    act_buf_fini(&cookie);
    return count;
}

bool
sanitized(void)
{
    const char *sanitizers = getenv("ACT_SANITIZE");
    return sanitizers && *sanitizers;
}
