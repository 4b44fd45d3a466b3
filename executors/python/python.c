#include "executors/python/python.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "executors/python/source.h"
#include "executors/shell/script.h"
#include "executors/shell/task_environ.h"
#include "executors/worker/attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXECUTOR_MAGIC UINT32_C(0x50797468)
#define RESULT_MAX (UINT64_C(1) << 30)
#define REQUEST_MAX (UINT32_C(255) << 20) /* under what a frame may hold */
#define WORKERS_MAX 4096                  /* -j is the bound: no more calls are under way */
#define AHEAD_MAX 16
#define BESIDE_MAX 256

/* The workers of one folder. */
struct folder {
    struct folder *next;
    const char *dir;
    struct act_worker_pool *pool;
};

struct python_executor {
    struct act_executor executor;
    uint32_t magic;
    struct act_python_options options;
    struct act_arena arena;
    struct act_attempts attempts;
    struct act_scratch scratch;
    struct folder *folders;
    uint32_t pool_count;
    struct act_actor_host actors;
    const char *interpreter;
};

static struct python_executor *
executor_of(struct act_executor *self)
{
    struct python_executor *executor = (struct python_executor *)(void *)self;
    ACT_ASSERT(executor->magic == EXECUTOR_MAGIC);
    return executor;
}

/* ---- workers ---- */

static const char *
find_interpreter(struct act_arena *arena)
{
    const char *given = getenv("ACTANT_PYTHON"), *active = getenv("VIRTUAL_ENV");
    if (given && *given)
        return act_arena_str(arena, act_str(given)).ptr;
    if (active && *active) {
        const char *path = act_arena_printf(arena, "%s/bin/python", active).ptr;
        if (access(path, X_OK) == 0)
            return path;
    }
    return "python3";
}

/* The worker's program, on standard input. */
static int
open_source(void *self)
{
    struct python_executor *executor = self;
    struct act_blob_port *blobs = executor->options.blobs;
    int fd = -1;
    struct act_str source = act_str_n((const char *)act_python_source, act_python_source_bytes);
    return blobs->ops->memory(blobs, source, &fd, NULL) ? -1 : fd;
}

/* Of a program on its standard input (`python -`) the interpreter reads byte by byte, a call each. */
#define START "exec(compile(open(0, 'rb', closefd=False).read(), '<actant>', 'exec'))"

static void
write_hello(const struct python_executor *executor, const char *dir, struct act_buf *out)
{
    uint64_t result_max = executor->options.limits.result_max;
    act_buf_add_cstr(out, "{\"dir\":");
    act_json_write_str(out, act_str(dir));
    act_buf_printf(out, ",\"memory\":%llu,\"result_max\":%llu}",
                   (unsigned long long)executor->options.settings.memory_bytes,
                   (unsigned long long)(result_max ? result_max : RESULT_MAX));
}

/* actor: not NULL if it is for an actor, which has one process to itself. */
static struct act_worker_pool *
make_pool(struct python_executor *executor, const char *dir, uint32_t warm,
          const struct act_plan_actor *actor)
{
    const struct act_python_options *options = &executor->options;
    struct act_buf hello = {0}, cookie = {0}, pwd = {0}, run = {0};
    const char *argv[] = {executor->interpreter, "-c", START, NULL};
    write_hello(executor, dir, &hello);
    act_buf_printf(&cookie, "%s-python-%u-", options->run_id, executor->pool_count++);
    act_buf_printf(&pwd, "PWD=%s", dir);
    act_buf_printf(&run, "ACTANT_RUN_ID=%s", options->run_id);
    struct act_environ_item env[] = {{ACT_STR("PWD"), pwd.ptr},
                                     {ACT_STR("ACTANT_RUN_ID"), run.ptr}};
    struct act_worker_pool_options pool = {
        .loop = options->loop,
        .system = options->system,
        .processes = options->processes,
        .links = options->links,
        .name = "Python worker",
        .argv = argv,
        .base = options->environ,
        .env = env,
        .env_count = sizeof env / sizeof env[0],
        .cookie = cookie.ptr,
        .dir = dir,
        .open_stdin = open_source,
        .open_stdin_self = executor,
        .hello = act_buf_str(&hello),
        .control = true,
        .warm = warm,
        .workers_max = options->settings.workers_max ? options->settings.workers_max : WORKERS_MAX,
        .ahead_max = AHEAD_MAX,
        .beside_max = BESIDE_MAX,
        .recycle_calls = options->settings.recycle_calls,
        .recycle_bytes = options->settings.recycle_bytes,
    };
    if (actor) {
        pool.name = "actor's process";
        pool.workers_max = pool.ahead_max = pool.beside_max = 1;
        pool.recycle_calls = pool.recycle_bytes = 0;
        pool.times.idle = actor->idle_ms > 0 ? actor->idle_ms : 1;
    }
    struct act_worker_pool *made = act_worker_pool_create(&pool);
    act_buf_fini(&hello);
    act_buf_fini(&cookie);
    act_buf_fini(&pwd);
    act_buf_fini(&run);
    return made;
}

static struct folder *
folder_of(struct python_executor *executor, const char *dir, uint32_t warm)
{
    for (struct folder *folder = executor->folders; folder; folder = folder->next) {
        if (strcmp(folder->dir, dir) == 0)
            return folder;
    }
    struct folder *folder = act_arena_alloc(&executor->arena, sizeof *folder);
    folder->dir = act_arena_str(&executor->arena, act_str(dir)).ptr;
    folder->pool = make_pool(executor, folder->dir, warm, NULL);
    folder->next = executor->folders;
    executor->folders = folder;
    return folder;
}

/* ---- requests ---- */

static void
add_text(struct act_buf *out, struct act_str text)
{
    act_json_write_str(out, text);
    act_buf_add_byte(out, ',');
}

/* ,"e":{…}: what `env` says, as text; null removes. */
static enum act_err
add_env(const struct python_executor *executor, const struct act_task *task, const char *nonce,
        struct act_buf *out, struct act_error *err)
{
    uint32_t count = task->env ? act_value_len(task->env) : 0;
    struct act_value *texts = act_value_map();
    for (uint32_t i = 0; i < count; i++) {
        const struct act_value *v = act_value_at(task->env, i);
        struct act_buf text = {0};
        act_value_text(&text, v);
        act_value_map_put(texts, act_value_key(task->env, i),
                          act_value_type(v) == ACT_NULL ? act_value_null()
                                                        : act_value_string(act_buf_str(&text)));
        act_buf_fini(&text);
    }
    act_buf_add_cstr(out, ",\"e\":");
    enum act_err failed = act_attempt_json(&executor->attempts, nonce, texts, out, err);
    act_value_release(texts);
    return failed;
}

/* {"f": function, "t": [attempt id, number, key, node, output file], "a": [...], "k": {...}, "p": 1 if a is
 * what entered the node, "e": …}: `context` is where the environment stands in it. */
static enum act_err
write_request(const struct python_executor *executor, const struct act_task *task,
              const char *nonce, const char *output, struct act_buf *out, struct act_str *context,
              struct act_error *err)
{
    enum act_err failed = ACT_OK;
    act_buf_add_cstr(out, "{\"f\":");
    add_text(out, task->name);
    act_buf_add_cstr(out, "\"t\":[");
    add_text(out, task->attempt_id);
    act_buf_printf(out, "\"%u\",", task->attempt);
    add_text(out, task->idempotency_key);
    add_text(out, task->path);
    act_json_write_str(out, act_str(output));
    act_buf_add_byte(out, ']');
    if (task->args) {
        act_buf_add_cstr(out, ",\"a\":");
        failed = act_attempt_json(&executor->attempts, nonce, task->args, out, err);
    }
    if (!failed && task->with) {
        act_buf_add_cstr(out, ",\"k\":");
        failed = act_attempt_json(&executor->attempts, nonce, task->with, out, err);
    }
    if (task->args_entered)
        act_buf_add_cstr(out, ",\"p\":1");
    size_t from = out->len;
    if (!failed && task->env && act_value_len(task->env))
        failed = add_env(executor, task, nonce, out, err);
    *context = act_str_n(out->ptr + from, out->len - from);
    size_t len = context->len;
    act_buf_add_byte(out, '}');
    *context = act_str_n(out->ptr + from, len);
    if (!failed && out->len > REQUEST_MAX) {
        failed =
            act_error_set(err, ACT_ERR_LIMIT,
                          "the arguments are %zu bytes as JSON, and at most %u are handed over",
                          out->len, REQUEST_MAX);
        act_error_hint(err, "write large data to a file and hand over its name");
    }
    return failed;
}

static struct act_attempt *
python_start(struct act_executor *self, const struct act_task *task, const char *secret_nonce,
             const struct act_attempt_watcher *watcher, void *watcher_self)
{
    struct python_executor *executor = executor_of(self);
    struct act_attempt *attempt =
        act_attempt_create(&executor->attempts, task, watcher, watcher_self);
    struct act_arena *arena = act_attempt_arena(attempt);
    struct act_error error = {0};
    struct act_buf request = {0};
    struct act_str context = {0};
    const char *scratch = NULL, *output = NULL;
    enum act_err failed = act_scratch_folder(&executor->scratch, &scratch, &error);
    if (!failed) {
        output = act_arena_printf(arena, "%s/%.*s", scratch, ACT_STR_ARG(task->attempt_id)).ptr;
        act_attempt_output_file(attempt, output);
        failed = write_request(executor, task, secret_nonce, output, &request, &context, &error);
    }
    if (failed) {
        act_attempt_fail(attempt, &error);
    } else {
        const char *dir = act_task_dir(executor->options.dir, task->dir, arena);
        act_attempt_call(attempt, folder_of(executor, dir, 0)->pool, task->name,
                         act_buf_str(&request), context);
    }
    act_buf_fini(&request);
    return attempt;
}

/* ---- actors ---- */

static struct python_executor *
of_actors(struct act_actor_host *self)
{
    return (struct python_executor *)(void *)((char *)self -
                                              offsetof(struct python_executor, actors));
}

static enum act_err
open_actor(struct act_actor_host *self, const struct act_task *task, struct act_worker_pool **ret,
           struct act_error *err)
{
    struct python_executor *executor = of_actors(self);
    struct act_arena arena = {0};
    (void)err;
    const char *dir = act_task_dir(executor->options.dir, task->actor.folder, &arena);
    *ret = make_pool(executor, dir, 0, &task->actor);
    act_arena_fini(&arena);
    return ACT_OK;
}

static enum act_err
request_actor(struct act_actor_host *self, const struct act_task *task, const char *nonce,
              const char *output, struct act_buf *out, struct act_error *err)
{
    struct act_task call = *task;
    struct act_str context;
    call.name = ACT_STR("actant:_call_actor"); /* worker/module.py */
    return write_request(of_actors(self), &call, nonce, output, out, &context, err);
}

static const struct act_actor_host_ops actor_ops = {open_actor, request_actor};

struct act_actor_host *
act_python_actor_host(struct act_executor *self)
{
    return &executor_of(self)->actors;
}

/* ---- the executor ---- */

static void
python_close(struct act_executor *self)
{
    if (!self)
        return;
    struct python_executor *executor = executor_of(self);
    for (struct folder *folder = executor->folders; folder; folder = folder->next)
        act_worker_pool_close(folder->pool);
    act_attempts_fini(&executor->attempts);
    act_scratch_fini(&executor->scratch);
    act_arena_fini(&executor->arena);
    executor->magic = 0;
    act_free(executor);
}

static const struct act_executor_ops python_ops = {
    .start = python_start, .stop = act_attempt_stop, .close = python_close};

struct act_executor *
act_python_executor_create(const struct act_python_options *options)
{
    struct python_executor *executor = act_zalloc(1, sizeof *executor);
    executor->executor.ops = &python_ops;
    executor->magic = EXECUTOR_MAGIC;
    executor->options = *options;
    executor->actors.ops = &actor_ops;
    executor->options.run_id = act_arena_str(&executor->arena, act_str(options->run_id)).ptr;
    executor->options.dir = act_task_dir(options->dir, (struct act_str){0}, &executor->arena);
    executor->interpreter = find_interpreter(&executor->arena);
    executor->attempts = (struct act_attempts){
        .loop = options->loop,
        .blobs = options->blobs,
        .processes = options->processes,
        .secrets = options->secrets,
        .limits = options->limits,
        .what = "Python worker",
    };
    act_scratch_init(&executor->scratch, NULL);
    if (!options->cold)
        folder_of(executor, executor->options.dir, 1);
    return &executor->executor;
}

bool
act_python_executor_take_up(struct act_executor *self, const struct act_python_options *options)
{
    struct python_executor *executor = executor_of(self);
    struct act_python_options *mine = &executor->options;
    const struct act_python_settings *a = &mine->settings, *b = &options->settings;
    struct act_arena arena = {0};
    bool fits = strcmp(mine->run_id, options->run_id) == 0 &&
                strcmp(mine->dir, act_task_dir(options->dir, (struct act_str){0}, &arena)) == 0 &&
                a->workers_max == b->workers_max && a->recycle_calls == b->recycle_calls &&
                a->recycle_bytes == b->recycle_bytes && a->memory_bytes == b->memory_bytes &&
                mine->limits.result_max == options->limits.result_max &&
                act_environ_equal(mine->environ, options->environ);
    act_arena_fini(&arena);
    if (!fits)
        return false;
    mine->blobs = executor->attempts.blobs = options->blobs;
    mine->secrets = executor->attempts.secrets = options->secrets;
    mine->limits = executor->attempts.limits = options->limits;
    return true;
}
