#include "executors/actor/actor.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/json_scan.h"
#include "executors/shell/script.h"
#include "executors/worker/attempt.h"

#define EXECUTOR_MAGIC UINT32_C(0x4163746f)
#define AWAKE_MAX 32

/* An actor and its process. */
struct seat {
    struct seat *next;
    struct actor_executor *executor;
    char *key; /* which actor: what its declaration and arguments say */
    char *name, *target;
    struct act_actor_host *host;
    struct act_worker_pool *pool; /* NULL: it has no process */
    struct call *call;            /* under way, or NULL */
    bool held;                    /* the process has the object, as far as we know … */
    uint64_t version;             /* … of this version */
    uint64_t used;                /* rises with each call */
};

/* What a call under way needs beside its attempt. Lives in the attempt's arena. */
struct call {
    struct seat *seat;
    struct act_attempt *attempt;
    struct act_buf request; /* a JSON object without its last brace */
    struct act_str method;
    struct act_value *before; /* the state that it begins with, a text; NULL: the actor is new */
    uint64_t version;         /* of before */
    bool sent_state;
    struct act_buf state; /* what it made of it */
    struct act_json_scan scan;
    bool too_long, wrong;
};

struct actor_executor {
    struct act_executor executor;
    uint32_t magic;
    struct act_actor_options options;
    struct act_attempts attempts;
    struct act_scratch scratch;
    struct seat *seats;
    uint32_t awake;
    uint64_t calls;
};

static struct actor_executor *
executor_of(struct act_executor *self)
{
    struct actor_executor *executor = (struct actor_executor *)(void *)self;
    ACT_ASSERT(executor->magic == EXECUTOR_MAGIC);
    return executor;
}

/* ---- actors ---- */

/* All that the coordinator tells them apart by; secrets by their places. */
static void
key_of(const struct act_task *task, struct act_buf *out)
{
    act_buf_printf(out, "%c\n%.*s\n%.*s\n%.*s\n", task->actor.global ? 'g' : 'r',
                   ACT_STR_ARG(task->actor.file), ACT_STR_ARG(task->actor.name),
                   ACT_STR_ARG(task->actor.target));
    if (task->actor_with)
        act_json_write(out, task->actor_with, 0);
}

static struct seat *
seat_of(struct actor_executor *executor, const struct act_task *task)
{
    struct act_buf key = {0};
    struct seat *seat = executor->seats;
    key_of(task, &key);
    while (seat && !act_str_eq(act_str(seat->key), act_buf_str(&key)))
        seat = seat->next;
    if (!seat) {
        seat = act_zalloc(1, sizeof(*seat));
        seat->executor = executor;
        seat->key = act_strndup(key.ptr, key.len);
        seat->name = act_strndup(task->actor.name.ptr, task->actor.name.len);
        seat->target = act_strndup(task->actor.target.ptr, task->actor.target.len);
        seat->host = task->actor.python ? executor->options.python : executor->options.plugin;
        seat->next = executor->seats;
        executor->seats = seat;
    }
    act_buf_fini(&key);
    return seat;
}

static void
put_to_sleep(struct seat *seat)
{
    if (!seat->pool)
        return;
    act_worker_pool_close(seat->pool);
    seat->pool = NULL;
    seat->held = false;
    seat->executor->awake--;
}

/* A process for one more; another actor may have to give its own up. */
static enum act_err
wake(struct seat *seat, const struct act_task *task, struct act_error *err)
{
    struct actor_executor *executor = seat->executor;
    struct seat *oldest = NULL;
    if (seat->pool)
        return ACT_OK;
    for (struct seat *at = executor->seats; at; at = at->next)
        if (at->pool && !at->call && (!oldest || at->used < oldest->used))
            oldest = at;
    if (executor->awake >= executor->options.awake_max && oldest)
        put_to_sleep(oldest);
    enum act_err code = seat->host->ops->open(seat->host, task, &seat->pool, err);
    executor->awake += code == ACT_OK;
    return code;
}

/* ---- what comes of a call ---- */

static void
call_fini(struct call *call)
{
    if (call->seat->call == call)
        call->seat->call = NULL;
    if (call->request.ptr) /* it may hold secrets */
        explicit_bzero(call->request.ptr, call->request.cap);
    act_buf_fini(&call->request);
    act_buf_fini(&call->state);
    act_value_release(call->before);
}

/* Hands it to the actor's process, with the state if that does not have it. */
static void
send(struct call *call)
{
    struct seat *seat = call->seat;
    struct act_buf body = {0};
    bool has = seat->held && seat->version == call->version;
    act_buf_add_str(&body, act_buf_str(&call->request));
    if (!has)
        act_buf_add_cstr(&body, ",\"fresh\":true");
    if (!has && call->before) {
        act_buf_add_cstr(&body, ",\"state\":");
        act_buf_add_str(&body, act_value_as_str(call->before));
    }
    act_buf_add_byte(&body, '}');
    call->sent_state = !has;
    act_attempt_call(call->attempt, seat->pool, call->method, act_buf_str(&body),
                     (struct act_str){0});
    explicit_bzero(body.ptr, body.cap);
    act_buf_fini(&body);
}

static void
on_state(void *self, struct act_str bytes)
{
    struct call *call = self;
    if (call->too_long || call->wrong)
        return;
    call->too_long = bytes.len > ACT_ACTOR_STATE_MAX - call->state.len;
    call->wrong = !act_json_scan_feed(&call->scan, bytes);
    if (!call->too_long && !call->wrong)
        act_buf_add_str(&call->state, bytes);
}

/* The process does not have this version (it was let go, or is a new one): send it along. */
static bool
on_failed(void *self, struct act_str cause)
{
    struct call *call = self;
    if (call->sent_state || !act_str_is(cause, "asleep"))
        return false;
    call->seat->held = false;
    send(call);
    return true;
}

/* What keeps the state from being kept; empty: nothing does. */
static struct act_str
fault_of(struct call *call)
{
    const struct seat *seat = call->seat;
    struct act_arena *arena = act_attempt_arena(call->attempt);
    struct act_buf masked = {0};
    struct act_str why = {0};
    if (call->too_long)
        why = act_arena_printf(arena, "the state of actor '%s' is longer than %zu bytes",
                               seat->name, ACT_ACTOR_STATE_MAX);
    else if (call->wrong || !act_json_scan_finish(&call->scan))
        why = act_arena_printf(arena, "the state of actor '%s' is no JSON", seat->name);
    else if (act_mask_text(act_secrets_mask(seat->executor->options.secrets),
                           act_buf_str(&call->state), &masked))
        why = act_arena_printf(arena,
                               "the state of actor '%s' holds a secret; leave it out of the state "
                               "(__getstate__) and take it from the constructor's arguments",
                               seat->name);
    act_buf_fini(&masked);
    return why;
}

static void
on_end(void *self, struct act_event *event, bool stopping)
{
    struct call *call = self;
    struct seat *seat = call->seat;
    if (event->cause == ACT_CAUSE_NONE) {
        event->message = fault_of(call);
        if (event->message.len > 0)
            event->cause = ACT_CAUSE_OUTPUT;
    }
    seat->held = event->cause == ACT_CAUSE_NONE && !stopping;
    if (seat->held) {
        event->actor_state = act_value_string(act_buf_str(&call->state));
        seat->version = call->version + 1;
    }
    call_fini(call);
}

static const struct act_attempt_extra extra = {on_state, on_failed, on_end};

/* ---- the start of a call ---- */

static void
put_text(struct act_value *map, const char *key, struct act_str text)
{
    act_value_map_put(map, act_str(key), act_value_string(text));
}

/* {"name", "target", "method", "version", "entered", "with"}: which object, in which state. */
static enum act_err
add_actor(struct call *call, const struct act_task *task, const char *nonce, struct act_error *err)
{
    struct act_value *map = act_value_map();
    put_text(map, "name", task->actor.name);
    put_text(map, "target", task->actor.target);
    put_text(map, "method", call->method);
    act_value_map_put(map, ACT_STR("version"), act_value_int((int64_t)call->version));
    act_value_map_put(map, ACT_STR("entered"), act_value_bool(task->args_entered));
    act_value_map_put(map, ACT_STR("with"),
                      task->actor_with ? act_value_retain(task->actor_with) : act_value_map());
    call->request.len--; /* the last brace */
    act_buf_add_cstr(&call->request, ",\"actor\":");
    enum act_err code =
        act_attempt_json(&call->seat->executor->attempts, nonce, map, &call->request, err);
    act_value_release(map);
    return code;
}

static enum act_err
prepare(struct call *call, const struct act_task *task, const char *nonce, struct act_error *err)
{
    struct seat *seat = call->seat;
    struct act_arena *arena = act_attempt_arena(call->attempt);
    ptrdiff_t dot = act_str_find(task->name, ACT_STR("."));
    size_t begin = dot < 0 ? 0 : (size_t)dot + 1;
    const char *folder, *output;
    enum act_err code = act_scratch_folder(&seat->executor->scratch, &folder, err);
    if (code)
        return code;
    output = act_arena_printf(arena, "%s/%.*s", folder, ACT_STR_ARG(task->attempt_id)).ptr;
    act_attempt_output_file(call->attempt, output);
    call->method = act_arena_str(arena, act_str_n(task->name.ptr + begin, task->name.len - begin));
    call->version = task->actor_version;
    call->before = task->actor_state ? act_value_retain(task->actor_state) : NULL;
    code = wake(seat, task, err);
    if (!code)
        code = seat->host->ops->request(seat->host, task, nonce, output, &call->request, err);
    return code ? code : add_actor(call, task, nonce, err);
}

static enum act_err
begin(struct call *call, const struct act_task *task, const char *nonce, struct act_error *err)
{
    struct seat *seat = call->seat;
    if (!seat->host)
        return act_error_set(err, ACT_ERR_UNSUPPORTED, "nothing here hosts the actor %s (%s)",
                             seat->name, seat->target);
    if (seat->call) /* the coordinator gives one call at a time */
        return act_error_set(err, ACT_ERR_INVALID, "the actor %s has a call under way", seat->name);
    seat->call = call;
    seat->used = ++seat->executor->calls;
    return prepare(call, task, nonce, err);
}

static struct act_attempt *
actor_start(struct act_executor *self, const struct act_task *task, const char *secret_nonce,
            const struct act_attempt_watcher *watcher, void *watcher_self)
{
    struct actor_executor *executor = executor_of(self);
    struct act_attempt *attempt =
        act_attempt_create(&executor->attempts, task, watcher, watcher_self);
    struct call *call = act_arena_alloc(act_attempt_arena(attempt), sizeof(*call));
    struct act_error error = {0};
    *call = (struct call){.seat = seat_of(executor, task), .attempt = attempt};
    act_attempt_extra(attempt, &extra, call);
    if (begin(call, task, secret_nonce, &error))
        act_attempt_fail(attempt, &error);
    else
        send(call);
    return attempt;
}

/* ---- the executor ---- */

static void
actor_close(struct act_executor *self)
{
    if (!self)
        return;
    struct actor_executor *executor = executor_of(self);
    for (struct seat *seat = executor->seats; seat; seat = seat->next) {
        put_to_sleep(seat);
        if (seat->call)
            call_fini(seat->call);
    }
    act_attempts_fini(&executor->attempts);
    for (struct seat *seat = executor->seats, *next; seat; seat = next) {
        next = seat->next;
        act_free(seat->key);
        act_free(seat->name);
        act_free(seat->target);
        act_free(seat);
    }
    act_scratch_fini(&executor->scratch);
    executor->magic = 0;
    act_free(executor);
}

static const struct act_executor_ops actor_ops = {
    .start = actor_start, .stop = act_attempt_stop, .close = actor_close};

struct act_executor *
act_actor_executor_create(const struct act_actor_options *options)
{
    struct actor_executor *executor = act_zalloc(1, sizeof(*executor));
    executor->executor.ops = &actor_ops;
    executor->magic = EXECUTOR_MAGIC;
    executor->options = *options;
    if (executor->options.awake_max == 0)
        executor->options.awake_max = AWAKE_MAX;
    executor->attempts = (struct act_attempts){
        .loop = options->loop,
        .blobs = options->blobs,
        .processes = options->processes,
        .secrets = options->secrets,
        .limits = options->limits,
        .what = "actor's process",
    };
    act_scratch_init(&executor->scratch, NULL);
    return &executor->executor;
}
