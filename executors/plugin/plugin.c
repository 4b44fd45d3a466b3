#include "executors/plugin/plugin.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "executors/plugin/attempt.h"

#define EXECUTOR_MAGIC UINT32_C(0x506c7567)
#define HOSTS_MAX 64
#define THREADS_MAX 64
#define RESULT_MAX (UINT64_C(1) << 30)

static struct act_plugin_executor *
executor_of(struct act_executor *self)
{
    struct act_plugin_executor *executor = (struct act_plugin_executor *)(void *)self;
    ACT_ASSERT(executor->magic == EXECUTOR_MAGIC);
    return executor;
}

static void
due(void *self)
{
    struct act_attempt *attempt = self;
    attempt->due = NULL;
    act_plugin_attempt_end(attempt);
}

struct act_plugin_use *
act_plugin_find_use(struct act_plugin_executor *executor, struct act_str name)
{
    const uint64_t *known = act_map_get(&executor->names, name);
    if (known)
        return executor->uses.ptr[*known];
    struct act_plugin_use *use = act_zalloc(1, sizeof(*use));
    struct act_plugin_found found = {0};
    struct act_arena arena = {0};
    use->name = act_strndup(name.ptr, name.len);
    use->code = act_plugin_find(&executor->options.places, name, &arena, &found, &use->error);
    if (!use->code)
        use->path = act_strndup(found.path.ptr, found.path.len);
    act_arena_fini(&arena);
    act_map_put(&executor->names, act_str(use->name), executor->uses.len);
    act_vec_push(&executor->uses, use);
    return use;
}

static enum act_err
start(struct act_attempt *attempt, const struct act_task *task, const char *nonce,
      struct act_error *err)
{
    struct act_str library, name;
    if (!act_plugin_split(task->name, &library, &name))
        return act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no library:task",
                             ACT_STR_ARG(task->name));
    attempt->use = act_plugin_find_use(attempt->executor, library);
    if (attempt->use->code) {
        *err = attempt->use->error;
        return err->code;
    }
    return task->isolation == ACT_ISOLATION_THREAD
               ? act_plugin_thread_start(attempt, task, name, nonce, err)
               : act_plugin_isolated_start(attempt, task, name, nonce, err);
}

/* One that is used again, or a new one. */
static struct act_attempt *
take_attempt(struct act_plugin_executor *executor)
{
    struct act_attempt *attempt = executor->spare_attempts;
    if (attempt)
        executor->spare_attempts = attempt->next;
    else
        attempt = act_alloc(sizeof(*attempt));
    memset(attempt, 0, sizeof(*attempt));
    attempt->executor = executor;
    attempt->next = executor->attempts;
    attempt->back = &executor->attempts;
    if (attempt->next)
        attempt->next->back = &attempt->next;
    executor->attempts = attempt;
    return attempt;
}

static struct act_attempt *
plugin_start(struct act_executor *self, const struct act_task *task, const char *secret_nonce,
             const struct act_attempt_watcher *watcher, void *watcher_self)
{
    struct act_plugin_executor *executor = executor_of(self);
    struct act_attempt *attempt = take_attempt(executor);
    struct act_error err = {0};
    attempt->watcher = *watcher;
    attempt->watcher_self = watcher_self;
    attempt->grace_ms = task->grace_ms;
    attempt->target = task->name;
    attempt->event.exit_code = -1;
    attempt->attempt_id = act_strndup(task->attempt_id.ptr, task->attempt_id.len);
    act_output_capture_init(&attempt->capture, executor->options.blobs, act_plugin_mask(executor),
                            act_str(attempt->attempt_id), ACT_OUTPUT_NONE,
                            &executor->options.limits);
    if (start(attempt, task, secret_nonce, &err) != ACT_OK) {
        struct act_loop *loop = executor->options.loop;
        act_plugin_attempt_fail_error(
            attempt, err.code == ACT_ERR_EVAL ? ACT_CAUSE_EXPRESSION : ACT_CAUSE_START, "", &err);
        attempt->due = loop->ops->start_timer(loop, 0, due, attempt);
    }
    return attempt;
}

static void
plugin_stop(struct act_attempt *attempt, int64_t grace_ms)
{
    if (attempt->worker)
        act_plugin_isolated_stop(attempt, grace_ms);
    else if (attempt->thread)
        act_plugin_thread_stop(attempt, grace_ms);
    attempt->stopping = true;
}

static void
plugin_close(struct act_executor *self)
{
    if (!self)
        return;
    struct act_plugin_executor *executor = executor_of(self);
    bool unload = act_plugin_thread_close(executor);
    for (uint32_t i = 0; i < executor->uses.len; i++) {
        struct act_plugin_use *use = executor->uses.ptr[i];
        if (use->pool)
            act_worker_pool_close(use->pool);
        if (unload)
            act_plugin_library_close(use->loaded);
        act_free(use->path);
        act_free(use->name);
        act_free(use);
    }
    while (executor->attempts)
        act_plugin_attempt_free(executor->attempts);
    for (struct act_attempt *spare; (spare = executor->spare_attempts) != NULL;) {
        executor->spare_attempts = spare->next;
        act_free(spare);
    }
    act_vec_fini(&executor->uses);
    act_map_fini(&executor->names);
    act_arena_fini(&executor->arena);
    executor->magic = 0;
    act_free(executor);
}

struct act_actor_host *
act_plugin_actor_host(struct act_executor *self)
{
    return &executor_of(self)->actors;
}

static const struct act_executor_ops plugin_ops = {
    .start = plugin_start, .stop = plugin_stop, .close = plugin_close};

struct act_executor *
act_plugin_executor_create(const struct act_plugin_options *options)
{
    struct act_plugin_executor *executor = act_zalloc(1, sizeof(*executor));
    struct act_arena *arena = &executor->arena;
    executor->executor.ops = &plugin_ops;
    executor->magic = EXECUTOR_MAGIC;
    executor->options = *options;
    executor->actors.ops = &act_plugin_actor_ops;
    executor->options.run_id = act_arena_str(arena, act_str(options->run_id)).ptr;
    executor->options.dir = act_arena_str(arena, act_str(options->dir)).ptr;
    executor->options.program = act_arena_str(arena, act_str(options->program)).ptr;
    executor->options.places = (struct act_plugin_places){
        .path = act_arena_str(arena, options->places.path),
        .folder = act_arena_str(arena, options->places.folder),
        .shipped = act_arena_str(arena, options->places.shipped),
    };
    executor->options.hosts_max = options->hosts_max ? options->hosts_max : HOSTS_MAX;
    executor->options.threads_max = options->threads_max ? options->threads_max : THREADS_MAX;
    executor->result_max = options->limits.result_max ? options->limits.result_max : RESULT_MAX;
    return &executor->executor;
}
