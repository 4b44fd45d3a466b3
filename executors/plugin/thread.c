/* Calls in threads of this process: at memory speed, for plugins that are trusted. A thread only runs the
 * function; values are made and checked on the loop. */
#include "executors/plugin/arguments.h"
#include "executors/plugin/attempt.h"
#include "executors/plugin/call.h"
#include "executors/shell/secrets_value.h"
#include "executors/shell/task_environ.h"

#include <stdio.h>

#define PATIENCE_MS 1000
#define KEPT_BYTES ((size_t)1 << 16) /* of a call's buffers, from one use to the next */

/* Used again and again: an attempt allocates next to nothing. Belongs to its thread from run to done, but
 * for attempt and what the plugin call says may be used from anywhere. */
struct act_thread_call {
    struct act_job job; /* first */
    struct act_plugin_call call;
    struct act_plugin_executor *executor;
    struct act_attempt *attempt; /* NULL: given up */
    struct act_thread_call *next, **back;
    const struct act_plugin_library *library; /* stays loaded while the call is under way */
    const struct act_plugin_function *function;
    struct act_buf args, texts;
    uint32_t env_first, env_count; /* "NAME=value" texts, NUL-terminated, in texts */
    char attempt_text[12];
    int returned;
};

/* What a call says while it runs, on its way to the loop. */
struct note {
    struct act_job job; /* first */
    struct act_thread_call *call;
    struct act_str text; /* behind it */
    double done;
    bool progress;
};

/* ---- in the thread ---- */

static void
note_done(struct act_job *job)
{
    struct note *note = (struct note *)(void *)job;
    struct act_attempt *attempt = note->call->attempt;
    if (attempt && note->progress)
        act_plugin_attempt_progress(attempt, note->done, note->text);
    else if (attempt)
        act_plugin_attempt_log(attempt, ACT_STREAM_ERR, note->text);
    act_free(note);
}

static struct note *
make_note(struct act_thread_call *call, struct act_str text, const char *end)
{
    size_t end_len = strlen(end);
    struct note *note = act_alloc(sizeof(*note) + text.len + end_len);
    char *copy = (char *)(note + 1);
    *note = (struct note){.job = {.done = note_done}, .call = call};
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    memcpy(copy + text.len, end, end_len);
    note->text = act_str_n(copy, text.len + end_len);
    return note;
}

static void
say_log(void *self, struct act_str text)
{
    struct act_thread_call *call = self;
    const char *end = text.ptr[text.len - 1] == '\n' ? "" : "\n";
    act_plugin_threads_post(call->executor->threads, &make_note(call, text, end)->job);
}

static void
say_progress(void *self, double done, const char *what)
{
    struct act_thread_call *call = self;
    struct note *note = make_note(call, act_str(what ? what : ""), "");
    note->progress = true;
    note->done = done;
    act_plugin_threads_post(call->executor->threads, &note->job);
}

static const struct act_plugin_sink sink = {say_log, say_progress};

static const char *
own_variable(const struct act_thread_call *call, const char *name)
{
    const struct act_plugin_about *about = &call->call.about;
    if (strncmp(name, "ACTANT_", 7) != 0)
        return NULL;
    if (strcmp(name + 7, "ATTEMPT_ID") == 0)
        return about->attempt_id;
    if (strcmp(name + 7, "IDEMPOTENCY_KEY") == 0)
        return about->idempotency_key;
    if (strcmp(name + 7, "RUN_ID") == 0)
        return about->run;
    if (strcmp(name + 7, "NODE") == 0)
        return about->node;
    if (strcmp(name + 7, "ATTEMPT") == 0)
        return call->attempt_text;
    return NULL;
}

static const char *
value_in(const char *entry, const char *name, size_t len)
{
    return strncmp(entry, name, len) == 0 && entry[len] == '=' ? entry + len + 1 : NULL;
}

static const char *
environment(void *self, const char *name)
{
    const struct act_thread_call *call = self;
    size_t len = strlen(name);
    const char *found = own_variable(call, name);
    const char *entry = call->texts.ptr + call->env_first;
    for (uint32_t i = 0; i < call->env_count && !found; i++, entry += strlen(entry) + 1) {
        if (strcmp(entry, name) == 0)
            return NULL; /* removed */
        found = value_in(entry, name, len);
    }
    for (const char *const *at = call->executor->environ; at && *at && !found; at++)
        found = value_in(*at, name, len);
    return found;
}

static void
run(struct act_job *job)
{
    struct act_thread_call *call = (struct act_thread_call *)(void *)job;
    if (atomic_load(&call->call.cancelled))
        call->returned = act_plugin_call_skip(&call->call);
    else
        call->returned = call->function->task(&call->call.call, call->args.ptr, call->args.len);
}

/* ---- on the loop ---- */

static void
retire(struct act_thread_call *call)
{
    struct act_plugin_executor *executor = call->executor;
    *call->back = call->next;
    if (call->next)
        call->next->back = call->back;
    call->next = executor->spare;
    executor->spare = call;
}

static void
free_call(struct act_thread_call *call)
{
    act_plugin_call_fini(&call->call);
    act_buf_fini(&call->args);
    act_buf_fini(&call->texts);
    act_free(call);
}

static enum act_cause
cause_of(const char *name)
{
    return strcmp(name, "output") == 0 ? ACT_CAUSE_OUTPUT : ACT_CAUSE_EXCEPTION;
}

/* A large result goes the way that those of host processes go. */
static void
take_result(struct act_attempt *attempt, struct act_str json, struct act_value *value)
{
    struct act_plugin_executor *executor = attempt->executor;
    if (value && !act_plugin_mask(executor)) {
        attempt->event.value = value;
        attempt->event.exit_code = 0;
        return;
    }
    act_value_release(value);
    act_plugin_result_init(&attempt->result, executor->options.blobs, act_plugin_mask(executor),
                           act_str(attempt->attempt_id), executor->result_max);
    attempt->has_result = true;
    act_plugin_attempt_end_well(attempt, json);
}

static void
done(struct act_job *job)
{
    struct act_thread_call *call = (struct act_thread_call *)(void *)job;
    struct act_attempt *attempt = call->attempt;
    struct act_plugin_verdict verdict;
    struct act_value *value = NULL;
    if (!attempt) {
        act_plugin_threads_came_back(call->executor->threads);
        retire(call);
        return;
    }
    act_plugin_call_judge(&call->call, call->returned, call->function->result,
                          ACT_PLUGIN_RESULT_SMALL, &value, &verdict);
    if (call->call.outputs) {
        act_plugin_attempt_outputs(attempt, call->call.outputs);
        call->call.outputs = NULL;
    }
    if (verdict.cause)
        act_plugin_attempt_fail(attempt, cause_of(verdict.cause), verdict.type, "%.*s",
                                ACT_STR_ARG(act_buf_str(&verdict.message)));
    else
        take_result(attempt, act_buf_str(&call->call.result), value);
    act_buf_fini(&verdict.message);
    attempt->thread = NULL;
    retire(call);
    act_plugin_attempt_end(attempt);
}

/* ---- the start ---- */

static enum act_err
load(struct act_plugin_use *use, struct act_error *err)
{
    if (use->loaded)
        return ACT_OK;
    if (!use->load_failed)
        use->load_failed = act_plugin_library_open(use->path, &use->loaded, &use->error) != ACT_OK;
    if (!use->load_failed)
        return ACT_OK;
    *err = use->error;
    return ACT_ERR_INVALID;
}

static enum act_err
write_arguments(const struct act_attempt *attempt, const struct act_task *task, const char *nonce,
                const struct act_plugin_function *function, struct act_buf *out,
                struct act_error *err)
{
    struct act_secrets *secrets = attempt->executor->options.secrets;
    struct act_value *args = NULL, *with = NULL;
    struct act_plugin_arguments given = {task->args, task->with, task->args_entered};
    enum act_err code = ACT_OK;
    if (act_plugin_mask(attempt->executor)) { /* else there are no secrets to put in */
        code = act_secrets_expand_value(secrets, nonce, task->args, &args, err);
        if (!code)
            code = act_secrets_expand_value(secrets, nonce, task->with, &with, err);
        given.args = args;
        given.with = with;
    }
    if (!code && act_plugin_arguments_write(function->args, &given, out, err) != ACT_OK) {
        code = ACT_ERR_EVAL;
        err->code = code;
    }
    act_value_release(args);
    act_value_release(with);
    return code;
}

static size_t
add_text(struct act_buf *texts, struct act_str text)
{
    size_t at = texts->len;
    act_buf_add_str(texts, text);
    act_buf_add_byte(texts, '\0');
    return at;
}

static enum act_err
add_env(struct act_thread_call *call, const struct act_task *task, const char *nonce,
        struct act_error *err)
{
    struct act_value *env = NULL;
    enum act_err code =
        act_secrets_expand_value(call->executor->options.secrets, nonce, task->env, &env, err);
    call->env_first = (uint32_t)call->texts.len;
    for (uint32_t i = 0; env && i < act_value_len(env); i++, call->env_count++) {
        const struct act_value *v = act_value_at(env, i);
        act_buf_add_str(&call->texts, act_value_key(env, i));
        if (act_value_type(v) != ACT_NULL) {
            act_buf_add_byte(&call->texts, '=');
            act_value_text(&call->texts, v);
        }
        act_buf_add_byte(&call->texts, '\0');
    }
    act_value_release(env);
    return code;
}

/* What the call is about, in its own texts. */
static enum act_err
describe(struct act_thread_call *call, const struct act_task *task, const char *nonce,
         struct act_error *err)
{
    const struct act_plugin_options *options = &call->executor->options;
    struct act_buf *texts = &call->texts;
    struct act_arena arena = {0};
    act_buf_clear(texts);
    call->env_count = 0;
    snprintf(call->attempt_text, sizeof(call->attempt_text), "%u", task->attempt);
    size_t node = add_text(texts, task->path);
    size_t attempt_id = add_text(texts, task->attempt_id);
    size_t key = add_text(texts, task->idempotency_key);
    size_t dir = texts->len;
    if (task->dir.len)
        add_text(texts, act_str(act_task_dir(options->dir, task->dir, &arena)));
    act_arena_fini(&arena);
    enum act_err code =
        task->env && act_value_len(task->env) ? add_env(call, task, nonce, err) : ACT_OK;
    struct act_plugin_about about = {
        .run = options->run_id,
        .node = texts->ptr + node,
        .attempt_id = texts->ptr + attempt_id,
        .idempotency_key = texts->ptr + key,
        .dir = task->dir.len ? texts->ptr + dir : options->dir,
        .attempt = task->attempt,
        .environment = environment,
    };
    act_plugin_call_again(&call->call, &about, &sink, call, call->executor->result_max, KEPT_BYTES);
    return code;
}

static struct act_thread_call *
take_call(struct act_plugin_executor *executor)
{
    struct act_thread_call *call = executor->spare;
    if (call)
        executor->spare = call->next;
    else
        call = act_zalloc(1, sizeof(*call));
    call->job = (struct act_job){.run = run, .done = done};
    call->executor = executor;
    call->next = executor->under_way;
    call->back = &executor->under_way;
    if (call->next)
        call->next->back = &call->next;
    executor->under_way = call;
    return call;
}

static void
make_threads(struct act_plugin_executor *executor)
{
    const struct act_plugin_options *options = &executor->options;
    executor->threads = act_plugin_threads_create(options->loop, options->threads_max);
    executor->environ = act_environ_build(options->environ, NULL, 0, &executor->arena);
}

enum act_err
act_plugin_thread_start(struct act_attempt *attempt, const struct act_task *task,
                        struct act_str name, const char *nonce, struct act_error *err)
{
    struct act_plugin_executor *executor = attempt->executor;
    enum act_err code = load(attempt->use, err);
    if (code)
        return code;
    const struct act_plugin_function *function =
        act_plugin_function_find(&attempt->use->loaded->tasks, name);
    if (!function)
        return act_error_set(err, ACT_ERR_NOT_FOUND, "the plugin %s has no task '%.*s'",
                             attempt->use->path, ACT_STR_ARG(name));
    if (!executor->threads)
        make_threads(executor);
    struct act_thread_call *call = take_call(executor);
    call->library = attempt->use->loaded;
    call->function = function;
    act_buf_clear(&call->args);
    code = describe(call, task, nonce, err);
    if (!code)
        code = write_arguments(attempt, task, nonce, function, &call->args, err);
    if (code) {
        retire(call);
        return code;
    }
    call->attempt = attempt;
    attempt->thread = call;
    act_plugin_threads_run(executor->threads, &call->job);
    return ACT_OK;
}

/* ---- the stop ---- */

static const char stuck[] =
    "[actant: the task does not return, and a thread cannot be killed: it is left to itself until "
    "this "
    "process ends. Ask actant_call_cancelled more often, or run it with isolation: process]\n";

static void
give_up(void *self)
{
    struct act_attempt *attempt = self;
    attempt->give_up_at = NULL;
    act_plugin_threads_give_up(attempt->executor->threads);
    attempt->thread->attempt = NULL;
    attempt->thread = NULL;
    act_plugin_attempt_log(attempt, ACT_STREAM_ERR, ACT_STR(stuck));
    act_plugin_attempt_fail(attempt, ACT_CAUSE_TIMEOUT, "",
                            "the plugin's task %.*s did not return when it was told to stop; its "
                            "thread is stuck",
                            ACT_STR_ARG(attempt->target));
    act_plugin_attempt_end(attempt);
}

void
act_plugin_thread_stop(struct act_attempt *attempt, int64_t grace_ms)
{
    struct act_loop *loop = attempt->executor->options.loop;
    atomic_store(&attempt->thread->call.cancelled, 1);
    if (attempt->give_up_at)
        loop->ops->stop_timer(attempt->give_up_at);
    attempt->give_up_at =
        loop->ops->start_timer(loop, attempt->stopping ? 0 : grace_ms, give_up, attempt);
}

bool
act_plugin_thread_close(struct act_plugin_executor *executor)
{
    for (struct act_thread_call *call = executor->under_way; call; call = call->next)
        atomic_store(&call->call.cancelled, 1);
    bool over = !executor->threads || act_plugin_threads_close(executor->threads, PATIENCE_MS);
    struct act_thread_call *lists[] = {executor->spare, over ? executor->under_way : NULL};
    for (size_t i = 0; i < 2; i++)
        for (struct act_thread_call *call = lists[i], *next; call; call = next) {
            next = call->next;
            free_call(call);
        }
    return over;
}
