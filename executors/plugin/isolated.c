/* Calls in host processes: a pool for each library (executors/worker), and what a call becomes there. */
#include "executors/plugin/attempt.h"
#include "executors/plugin/host.h"
#include "executors/shell/secrets_value.h"
#include "executors/shell/task_environ.h"

#include <signal.h>
#include <stdio.h>

#define QUARANTINE_MS 30000
#define REQUEST_MAX ((size_t)200 << 20)
#define AHEAD_MAX 16  /* quick calls that wait in one host */
#define CRASHES_MAX 5 /* calls in a row that killed their host: the library is quarantined */

/* ---- the pool ---- */

struct act_worker_pool *
act_plugin_pool(struct act_plugin_executor *executor, const struct act_plugin_use *use,
                const struct act_plan_actor *actor)
{
    const struct act_plugin_options *options = &executor->options;
    const char *argv[] = {options->program, ACT_PLUGIN_HOST_COMMAND, NULL};
    struct act_value *map = act_value_map();
    struct act_buf hello = {0}, cookie = {0}, name = {0};
    act_value_map_put(map, ACT_STR("library"), act_value_cstring(use->path));
    act_value_map_put(map, ACT_STR("result_max"), act_value_int((int64_t)executor->result_max));
    act_json_write(&hello, map, 0);
    act_buf_printf(&cookie, "%s-plugin-%s-", options->run_id, use->name);
    if (actor)
        act_buf_printf(&cookie, "actor-%u-", executor->actor_count++);
    act_buf_printf(&name, "host process of the plugin %s", use->name);
    struct act_worker_pool_options pool = {
        .loop = options->loop,
        .system = options->system,
        .processes = options->processes,
        .links = options->links,
        .name = name.ptr,
        .argv = argv,
        .base = options->environ,
        .cookie = cookie.ptr,
        .dir = options->dir,
        .hello = act_buf_str(&hello),
        .control = true,
        .workers_max = options->hosts_max,
        .ahead_max = AHEAD_MAX,
        .crashes_max = CRASHES_MAX,
        .times = {.quarantine = QUARANTINE_MS},
    };
    if (actor) {
        pool.workers_max = pool.ahead_max = 1;
        pool.crashes_max = 0;
        pool.times.idle = actor->idle_ms > 0 ? actor->idle_ms : 1;
    }
    struct act_worker_pool *made = act_worker_pool_create(&pool);
    act_buf_fini(&hello);
    act_buf_fini(&cookie);
    act_buf_fini(&name);
    act_value_release(map);
    return made;
}

/* ---- the request ---- */

static void
put_text(struct act_value *map, const char *key, struct act_str text)
{
    act_value_map_put(map, act_str(key), act_value_string(text));
}

static struct act_value *
make_env(const struct act_plugin_executor *executor, const struct act_task *task,
         const struct act_value *own)
{
    struct act_value *env = act_value_map();
    struct act_buf number = {0};
    for (uint32_t i = 0; own && i < act_value_len(own); i++)
        act_value_map_put(env, act_value_key(own, i), act_value_retain(act_value_at(own, i)));
    act_buf_printf(&number, "%u", task->attempt);
    put_text(env, "ACTANT_ATTEMPT_ID", task->attempt_id);
    put_text(env, "ACTANT_ATTEMPT", act_buf_str(&number));
    put_text(env, "ACTANT_IDEMPOTENCY_KEY", task->idempotency_key);
    put_text(env, "ACTANT_RUN_ID", act_str(executor->options.run_id));
    put_text(env, "ACTANT_NODE", task->path);
    act_buf_fini(&number);
    return env;
}

struct given {
    struct act_value *args, *with, *env; /* with the secrets put in; or NULL */
};

static void
given_fini(struct given *given)
{
    act_value_release(given->args);
    act_value_release(given->with);
    act_value_release(given->env);
}

static enum act_err
put_secrets_in(const struct act_plugin_executor *executor, const struct act_task *task,
               const char *nonce, struct given *ret, struct act_error *err)
{
    const struct act_secrets *secrets = executor->options.secrets;
    enum act_err code = act_secrets_expand_value(secrets, nonce, task->args, &ret->args, err);
    if (!code)
        code = act_secrets_expand_value(secrets, nonce, task->with, &ret->with, err);
    if (!code)
        code = act_secrets_expand_value(secrets, nonce, task->env, &ret->env, err);
    return code;
}

enum act_err
act_plugin_request(const struct act_plugin_executor *executor, const struct act_task *task,
                   struct act_str name, const char *nonce, struct act_buf *out,
                   struct act_error *err)
{
    struct given given = {0};
    struct act_arena arena = {0};
    enum act_err code = put_secrets_in(executor, task, nonce, &given, err);
    if (!code) {
        struct act_value *map = act_value_map();
        put_text(map, "task", name);
        put_text(map, "run", act_str(executor->options.run_id));
        put_text(map, "node", task->path);
        put_text(map, "attempt_id", task->attempt_id);
        put_text(map, "key", task->idempotency_key);
        put_text(map, "dir", act_str(act_task_dir(executor->options.dir, task->dir, &arena)));
        act_value_map_put(map, ACT_STR("attempt"), act_value_int(task->attempt));
        act_value_map_put(map, ACT_STR("env"), make_env(executor, task, given.env));
        act_value_map_put(map, ACT_STR("entered"), act_value_bool(task->args_entered));
        if (given.args)
            act_value_map_put(map, ACT_STR("args"), act_value_retain(given.args));
        if (given.with)
            act_value_map_put(map, ACT_STR("with"), act_value_retain(given.with));
        act_json_write(out, map, 0);
        act_value_release(map);
    }
    if (!code && out->len > REQUEST_MAX) {
        code = act_error_set(err, ACT_ERR_LIMIT, "the arguments are %zu bytes long", out->len);
        act_error_hint(err, "hand large data over in a file, and its name as the argument");
    }
    given_fini(&given);
    act_arena_fini(&arena);
    return code;
}

/* ---- what comes back ---- */

static void
begun(void *self, int pid)
{
    struct act_attempt *attempt = self;
    if (attempt->watcher.on_started)
        attempt->watcher.on_started(attempt->watcher_self, attempt, pid);
}

static void
logged(void *self, enum act_stream stream, struct act_str bytes)
{
    act_plugin_attempt_log(self, stream, bytes);
}

static void
progressed(void *self, struct act_str json)
{
    struct act_value *map = NULL;
    if (act_json_parse(json, 0, &map, NULL) != ACT_OK)
        return;
    const struct act_value *done = act_value_get(map, ACT_STR("done"));
    const struct act_value *what = act_value_get(map, ACT_STR("what"));
    bool known = done && act_value_is_number(done);
    bool said = what && act_value_type(what) == ACT_STRING;
    act_plugin_attempt_progress(self, known ? act_value_as_real(done) : -1,
                                said ? act_value_as_str(what) : (struct act_str){0});
    act_value_release(map);
}

static void
put_out(void *self, struct act_str json)
{
    struct act_value *map = NULL;
    if (act_json_parse(json, 0, &map, NULL) != ACT_OK)
        return;
    if (act_value_type(map) == ACT_MAP)
        act_plugin_attempt_outputs(self, map);
    else
        act_value_release(map);
}

static bool
add_part(void *self, struct act_str bytes)
{
    struct act_attempt *attempt = self;
    struct act_error err = {0};
    if (act_plugin_attempt_failed(attempt))
        return false;
    if (act_plugin_result_add(&attempt->result, bytes, &err) == ACT_OK)
        return true;
    act_plugin_attempt_fail_error(attempt, ACT_CAUSE_OUTPUT, "", &err);
    return false;
}

static struct act_str
member(const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    return v && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : ACT_STR("");
}

static void
end_failed(struct act_attempt *attempt, struct act_str json)
{
    struct act_value *map = NULL;
    char type[128];
    if (act_json_parse(json, 0, &map, NULL) != ACT_OK) {
        act_plugin_attempt_fail(attempt, ACT_CAUSE_EXCEPTION, "",
                                "it failed, and its host process does not say how");
        return;
    }
    struct act_str cause = member(map, "cause"), message = member(map, "message");
    snprintf(type, sizeof(type), "%.*s", ACT_STR_ARG(member(map, "type")));
    act_plugin_attempt_fail(attempt,
                            act_str_is(cause, "output")       ? ACT_CAUSE_OUTPUT
                            : act_str_is(cause, "expression") ? ACT_CAUSE_EXPRESSION
                                                              : ACT_CAUSE_EXCEPTION,
                            type, "%.*s", ACT_STR_ARG(message));
    act_value_release(map);
}

/* It died by itself, or had to be killed. */
static void
end_dead(struct act_attempt *attempt, const struct act_worker_end *end)
{
    const struct act_process_exit *exit = end->exit;
    const char *signal = exit && exit->signal ? sigabbrev_np(exit->signal) : NULL;
    int len = (int)attempt->target.len;
    const char *target = attempt->target.ptr;
    attempt->event.signal = exit ? exit->signal : SIGKILL;
    attempt->event.exit_code = exit && !exit->signal ? exit->exit_code : -1;
    if (end->message.len)
        act_plugin_attempt_fail(attempt, ACT_CAUSE_SIGNAL, "", "plugin %.*s: %.*s", len, target,
                                ACT_STR_ARG(end->message));
    else if (exit && exit->signal)
        act_plugin_attempt_fail(attempt, ACT_CAUSE_SIGNAL, "",
                                "plugin %.*s crashed: SIG%s ended its host process", len, target,
                                signal ? signal : "?");
    else
        act_plugin_attempt_fail(attempt, ACT_CAUSE_EXIT, "",
                                "plugin %.*s ended its host process (exit code %d) in place of "
                                "returning",
                                len, target, exit ? exit->exit_code : -1);
}

static void
ended(void *self, const struct act_worker_end *end)
{
    struct act_attempt *attempt = self;
    attempt->worker = NULL;
    switch (end->type) {
    case ACT_WORKER_RESULT: act_plugin_attempt_end_well(attempt, end->body); break;
    case ACT_WORKER_FAIL: end_failed(attempt, end->body); break;
    case ACT_WORKER_DIED:
    case ACT_WORKER_LOST: end_dead(attempt, end); break;
    case ACT_WORKER_STOPPED:
        attempt->event.signal = SIGTERM;
        act_plugin_attempt_fail(attempt, ACT_CAUSE_SIGNAL, "", "stopped before it had begun");
        break;
    case ACT_WORKER_REFUSED:
        act_plugin_attempt_fail(
            attempt, ACT_CAUSE_START, "",
            "plugin %.*s is in quarantine: %.*s; it is tried again in %d s at the "
            "earliest: mend the plugin, then `actant retry` this run",
            ACT_STR_ARG(attempt->target), ACT_STR_ARG(end->message), QUARANTINE_MS / 1000);
        attempt->event.exit_code = 126;
        break;
    }
    act_plugin_attempt_end(attempt);
}

static const struct act_worker_call_watcher watcher = {
    .on_begun = begun,
    .on_log = logged,
    .on_progress = progressed,
    .on_outputs = put_out,
    .on_part = add_part,
    .on_ended = ended,
};

/* ---- start and stop ---- */

enum act_err
act_plugin_isolated_start(struct act_attempt *attempt, const struct act_task *task,
                          struct act_str name, const char *nonce, struct act_error *err)
{
    struct act_plugin_executor *executor = attempt->executor;
    struct act_buf request = {0};
    enum act_err code = act_plugin_request(executor, task, name, nonce, &request, err);
    if (!code) {
        if (!attempt->use->pool)
            attempt->use->pool = act_plugin_pool(executor, attempt->use, NULL);
        act_plugin_result_init(&attempt->result, executor->options.blobs, act_plugin_mask(executor),
                               act_str(attempt->attempt_id), executor->result_max);
        attempt->has_result = true;
        struct act_worker_call_spec spec = {
            .function = name,
            .request = act_buf_str(&request),
            .watcher = &watcher,
            .watcher_self = attempt,
        };
        attempt->worker = act_worker_call_start(attempt->use->pool, &spec);
    }
    if (request.ptr)
        explicit_bzero(request.ptr, request.len);
    act_buf_fini(&request);
    return code;
}

void
act_plugin_isolated_stop(struct act_attempt *attempt, int64_t grace_ms)
{
    act_worker_call_stop(attempt->worker, attempt->stopping ? 0 : grace_ms);
}
