#include "executors/worker/attempt.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "executors/shell/outputs.h"
#include "executors/shell/task_environ.h"
#include "executors/worker/attempt_end.h"

/* Until on_ended exactly one of call and failed_timer is set. */
static const struct act_worker_call_watcher call_watcher;

static const struct act_mask_table *
mask_of(const struct act_attempts *attempts)
{
    return act_secrets_mask(attempts->secrets);
}

/* ---- life ---- */

struct act_attempt *
act_attempt_create(struct act_attempts *attempts, const struct act_task *task,
                   const struct act_attempt_watcher *watcher, void *watcher_self)
{
    struct act_attempt *attempt = act_zalloc(1, sizeof *attempt);
    attempt->attempts = attempts;
    attempt->watcher = *watcher;
    attempt->watcher_self = watcher_self;
    attempt->grace_ms = task->grace_ms;
    attempt->id = act_arena_str(&attempt->arena, task->attempt_id);
    attempt->key = act_arena_str(&attempt->arena, task->idempotency_key);
    attempt->next = attempts->first;
    attempt->back = &attempts->first;
    if (attempt->next)
        attempt->next->back = &attempt->next;
    attempts->first = attempt;
    act_output_capture_init(&attempt->log, attempts->blobs, mask_of(attempts), attempt->id,
                            ACT_OUTPUT_NONE, &attempts->limits);
    return attempt;
}

void
act_attempt_free(struct act_attempt *attempt)
{
    struct act_loop *loop = attempt->attempts->loop;
    if (attempt->failed_timer)
        loop->ops->stop_timer(attempt->failed_timer);
    *attempt->back = attempt->next;
    if (attempt->next)
        attempt->next->back = attempt->back;
    act_output_capture_fini(&attempt->log);
    if (attempt->has_parts)
        act_output_capture_fini(&attempt->result);
    act_value_release(attempt->outputs);
    act_arena_fini(&attempt->arena);
    act_free(attempt);
}

void
act_attempts_fini(struct act_attempts *attempts)
{
    while (attempts->first)
        act_attempt_free(attempts->first);
    for (uint32_t i = 0; i < attempts->suspects.len; i++)
        act_free(attempts->suspects.ptr[i]);
    act_vec_fini(&attempts->suspects);
}

struct act_arena *
act_attempt_arena(struct act_attempt *attempt)
{
    return &attempt->arena;
}

void
act_attempt_output_file(struct act_attempt *attempt, const char *path)
{
    attempt->output_path = path;
}

void
act_attempt_extra(struct act_attempt *attempt, const struct act_attempt_extra *extra, void *self)
{
    attempt->extra = extra;
    attempt->extra_self = self;
}

/* ---- suspects ---- */

static bool
is_suspect(const struct act_attempts *attempts, struct act_str key)
{
    for (uint32_t i = 0; i < attempts->suspects.len; i++) {
        if (act_str_is(key, attempts->suspects.ptr[i]))
            return true;
    }
    return false;
}

void
act_attempt_suspect(struct act_attempt *attempt)
{
    struct act_attempts *attempts = attempt->attempts;
    if (!is_suspect(attempts, attempt->key))
        act_vec_push(&attempts->suspects, act_strndup(attempt->key.ptr, attempt->key.len));
}

/* ---- what its worker says ---- */

static void
call_begun(void *self, int pid)
{
    struct act_attempt *attempt = self;
    if (attempt->watcher.on_started)
        attempt->watcher.on_started(attempt->watcher_self, attempt, pid);
}

static void
call_log(void *self, enum act_stream stream, struct act_str bytes)
{
    struct act_attempt *attempt = self;
    struct act_str shown;
    bool failed_before = attempt->log.failed != ACT_OK;
    enum act_err failed = act_output_capture_write(&attempt->log, stream, bytes, &shown);
    if (failed && !failed_before && !attempt->stopping)
        act_attempt_stop(attempt, attempt->grace_ms);
    if (!failed && shown.len && attempt->watcher.on_output)
        attempt->watcher.on_output(attempt->watcher_self, attempt, (int)stream, shown);
}

/* Progress is a line in the log. */
static void
call_progress(void *self, struct act_str json)
{
    struct act_buf line = {0};
    act_buf_add_cstr(&line, "progress ");
    act_buf_add_str(&line, json);
    act_buf_add_byte(&line, '\n');
    call_log(self, ACT_STREAM_ERR, act_buf_str(&line));
    act_buf_fini(&line);
}

static void
put_output(struct act_attempt *attempt, struct act_str name, const struct act_value *value)
{
    struct act_buf text = {0}, masked = {0};
    act_json_write(&text, value, 0);
    bool secret = mask_of(attempt->attempts) &&
                  act_mask_text(mask_of(attempt->attempts), act_buf_str(&text), &masked);
    if (!attempt->outputs)
        attempt->outputs = act_value_map();
    act_value_map_put(attempt->outputs, name, secret ? act_value_null() : act_value_retain(value));
    act_buf_fini(&text);
    act_buf_fini(&masked);
}

static void
call_outputs(void *self, struct act_str json)
{
    struct act_attempt *attempt = self;
    struct act_value *map = NULL;
    if (act_json_parse(json, 0, &map, NULL) != ACT_OK)
        return; /* what it is called with next says whether it can speak */
    for (uint32_t i = 0; act_value_type(map) == ACT_MAP && i < act_value_len(map); i++)
        put_output(attempt, act_value_key(map, i), act_value_at(map, i));
    act_value_release(map);
}

static bool
call_part(void *self, struct act_str bytes)
{
    return act_attempt_add_part(self, bytes) == ACT_OK;
}

static void
call_state(void *self, struct act_str bytes)
{
    struct act_attempt *attempt = self;
    if (attempt->extra)
        attempt->extra->on_state(attempt->extra_self, bytes);
}

static void
call_ended(void *self, const struct act_worker_end *end)
{
    struct act_attempt *attempt = self;
    attempt->call = NULL;
    if (!act_attempt_goes_on(attempt, end))
        act_attempt_end(attempt, end);
}

static const struct act_worker_call_watcher call_watcher = {
    .on_begun = call_begun,
    .on_log = call_log,
    .on_progress = call_progress,
    .on_outputs = call_outputs,
    .on_state = call_state,
    .on_part = call_part,
    .on_ended = call_ended,
};

/* ---- start and stop ---- */

static void
failed_due(void *self)
{
    struct act_attempt *attempt = self;
    struct act_worker_end end = {.type = ACT_WORKER_REFUSED,
                                 .message = act_str(attempt->failed.message)};
    attempt->failed_timer = NULL;
    if (attempt->failed.hint[0])
        end.message = act_arena_printf(&attempt->arena, "%s; %s", attempt->failed.message,
                                       attempt->failed.hint);
    act_attempt_end(attempt, &end);
}

void
act_attempt_fail(struct act_attempt *attempt, const struct act_error *error)
{
    struct act_loop *loop = attempt->attempts->loop;
    ACT_ASSERT(!attempt->call && !attempt->failed_timer);
    attempt->failed = *error;
    attempt->failed_timer = loop->ops->start_timer(loop, 0, failed_due, attempt);
}

void
act_attempt_call(struct act_attempt *attempt, struct act_worker_pool *pool, struct act_str function,
                 struct act_str request, struct act_str context)
{
    ACT_ASSERT(!attempt->call && !attempt->failed_timer);
    struct act_worker_call_spec spec = {
        .function = function,
        .request = request,
        .context = context,
        .alone = is_suspect(attempt->attempts, attempt->key),
        .watcher = &call_watcher,
        .watcher_self = attempt,
    };
    attempt->call = act_worker_call_start(pool, &spec);
}

void
act_attempt_stop(struct act_attempt *attempt, int64_t grace_ms)
{
    attempt->stopping = true;
    if (attempt->call)
        act_worker_call_stop(attempt->call, grace_ms);
}

/* ---- requests ---- */

/* In JSON the sign around a secret's place is escaped. */
#define SIGN "\\u0001"

static enum act_err
expand_place(const struct act_attempts *attempts, const char *nonce, struct act_str inside,
             struct act_buf *out, struct act_error *err)
{
    struct act_buf place = {0}, value = {0}, quoted = {0};
    act_buf_printf(&place, "\x01%.*s\x01", ACT_STR_ARG(inside));
    enum act_err failed =
        act_secrets_expand(attempts->secrets, nonce, act_buf_str(&place), &value, err);
    if (!failed) {
        act_json_write_str(&quoted, act_buf_str(&value));
        act_buf_add(out, quoted.ptr + 1, quoted.len - 2);
        explicit_bzero(quoted.ptr, quoted.cap);
        explicit_bzero(value.ptr, value.cap);
    }
    act_buf_fini(&place);
    act_buf_fini(&value);
    act_buf_fini(&quoted);
    return failed;
}

/* Copies text, with the values for the places between two signs. */
static enum act_err
expand(const struct act_attempts *attempts, const char *nonce, struct act_str text,
       struct act_buf *out, struct act_error *err)
{
    enum act_err failed = ACT_OK;
    struct act_buf head = {0};
    act_buf_printf(&head, SIGN "ACTSECRET:%s:", nonce);
    ptrdiff_t at;
    while (!failed && (at = act_str_find(text, act_buf_str(&head))) >= 0) {
        act_buf_add(out, text.ptr, (size_t)at);
        size_t sign = sizeof SIGN - 1, begin = (size_t)at + sign;
        struct act_str inside = act_str_n(text.ptr + begin, text.len - begin);
        ptrdiff_t end = act_str_find(inside, ACT_STR(SIGN));
        if (end < 0)
            break;
        failed = expand_place(attempts, nonce, act_str_n(inside.ptr, (size_t)end), out, err);
        size_t past = begin + (size_t)end + sign;
        text = act_str_n(text.ptr + past, text.len - past);
    }
    act_buf_add_str(out, text);
    act_buf_fini(&head);
    return failed;
}

enum act_err
act_attempt_json(const struct act_attempts *attempts, const char *nonce,
                 const struct act_value *value, struct act_buf *out, struct act_error *err)
{
    if (!attempts->secrets || !nonce || !*nonce) {
        act_json_write(out, value, 0);
        return ACT_OK;
    }
    struct act_buf text = {0};
    act_json_write(&text, value, 0);
    enum act_err failed = expand(attempts, nonce, act_buf_str(&text), out, err);
    act_buf_fini(&text);
    return failed;
}
