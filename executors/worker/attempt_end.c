#include "executors/worker/attempt_end.h"

#include "base/alloc.h"
#include "executors/shell/outputs.h"

#include <stdio.h>
#include <stdlib.h>

#define RESULT_INLINE_MAX (64 * 1024) /* larger ones are kept outside and travel by reference */

static const struct act_mask_table *
mask_of(const struct act_attempt *attempt)
{
    return act_secrets_mask(attempt->attempts->secrets);
}

static void
set_cause(struct act_event *event, enum act_cause cause, struct act_str message)
{
    event->cause = cause;
    event->message = message;
}

/* ---- the result ---- */

enum act_err
act_attempt_add_part(struct act_attempt *attempt, struct act_str bytes)
{
    struct act_str shown;
    if (!attempt->has_parts) {
        struct act_str id =
            act_arena_printf(&attempt->arena, "%.*s.result", ACT_STR_ARG(attempt->id));
        act_output_capture_init(&attempt->result, attempt->attempts->blobs, mask_of(attempt), id,
                                ACT_OUTPUT_JSON, &attempt->attempts->limits);
        attempt->has_parts = true;
    }
    return act_output_capture_write(&attempt->result, ACT_STREAM_OUT, bytes, &shown);
}

static void
small_result(struct act_attempt *attempt, struct act_str json, struct act_event *event)
{
    struct act_error error = {0};
    struct act_buf masked = {0};
    if (mask_of(attempt) && act_mask_text(mask_of(attempt), json, &masked))
        event->flag = true;
    else if (act_json_parse(json, 0, &event->value, &error) != ACT_OK)
        set_cause(event, ACT_CAUSE_OUTPUT,
                  act_arena_printf(&attempt->arena, "its result is no JSON: %s", error.message));
    act_buf_fini(&masked);
}

/* A reference to where the result lies, or the result if it turned out small. */
static void
large_result(struct act_attempt *attempt, struct act_event *event)
{
    struct act_event kept = {0};
    struct act_str bytes;
    bool at_hand;
    struct act_blob_port *blobs = attempt->attempts->blobs;
    if (act_output_capture_end(&attempt->result, &kept, &at_hand, &bytes)) {
        set_cause(event, ACT_CAUSE_OUTPUT,
                  act_arena_str(&attempt->arena, act_str(attempt->result.error.message)));
    } else if (kept.flag) {
        event->flag = true;
    } else if (at_hand) {
        small_result(attempt, bytes, event);
    } else {
        struct act_str id =
            act_arena_printf(&attempt->arena, "%.*s:%llu", ACT_STR_ARG(kept.out.file),
                             (unsigned long long)kept.out.offset);
        event->value = act_value_ref(&blobs->loader, id, kept.out.length, ACT_OUTPUT_JSON);
    }
}

static void
set_result(struct act_attempt *attempt, struct act_str rest, struct act_event *event)
{
    if (!attempt->has_parts && rest.len <= RESULT_INLINE_MAX) {
        small_result(attempt, rest, event);
        return;
    }
    act_attempt_add_part(attempt, rest); /* its failure is known at the end */
    large_result(attempt, event);
}

/* ---- failures ---- */

static struct act_str
text_at(const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    return v && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : (struct act_str){0};
}

static enum act_cause
cause_of(struct act_str text)
{
    if (act_str_is(text, "exit"))
        return ACT_CAUSE_EXIT;
    if (act_str_is(text, "output"))
        return ACT_CAUSE_OUTPUT;
    if (act_str_is(text, "start"))
        return ACT_CAUSE_START;
    return ACT_CAUSE_EXCEPTION;
}

/* {type, traceback}: what stands in the error beside the message. */
static struct act_value *
details_of(const struct act_value *said)
{
    static const char *const keys[] = {"type", "traceback"};
    struct act_value *details = act_value_map();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct act_str text = text_at(said, keys[i]);
        if (text.len)
            act_value_map_put(details, act_str(keys[i]), act_value_string(text));
    }
    return details;
}

/* A traceback is printed, as any program of its language would. */
static void
show(struct act_attempt *attempt, struct act_str text)
{
    struct act_str shown;
    if (text.len && !act_output_capture_write(&attempt->log, ACT_STREAM_ERR, text, &shown) &&
        attempt->watcher.on_output)
        attempt->watcher.on_output(attempt->watcher_self, attempt, ACT_STREAM_ERR, shown);
}

static void
set_failure(struct act_attempt *attempt, struct act_str json, struct act_event *event)
{
    struct act_value *said = NULL;
    struct act_buf masked = {0};
    if (mask_of(attempt)) { /* strings stay strings */
        act_mask_text(mask_of(attempt), json, &masked);
        json = act_buf_str(&masked);
    }
    if (act_json_parse(json, 0, &said, NULL) != ACT_OK) {
        set_cause(event, ACT_CAUSE_EXCEPTION,
                  ACT_STR("it failed, and what it says of it is no JSON"));
    } else {
        int64_t code = 0;
        const struct act_value *given = act_value_get(said, ACT_STR("exit_code"));
        set_cause(event, cause_of(text_at(said, "cause")),
                  act_arena_str(&attempt->arena, text_at(said, "message")));
        event->error = details_of(said);
        show(attempt, text_at(said, "traceback"));
        if (given && act_value_to_int(given, &code))
            event->exit_code = (int32_t)code;
    }
    act_value_release(said);
    act_buf_fini(&masked);
}

static void
set_death(struct act_attempt *attempt, const struct act_worker_end *end, struct act_event *event)
{
    const char *what = attempt->attempts->what;
    const struct act_process_exit *exit = end->exit;
    event->exit_code = exit->exit_code;
    event->signal = exit->signal;
    event->cause = exit->signal ? ACT_CAUSE_SIGNAL : ACT_CAUSE_EXIT;
    if (attempt->has_parts && attempt->result.failed)
        set_cause(event, ACT_CAUSE_OUTPUT,
                  act_arena_printf(&attempt->arena, "%s; %s", attempt->result.error.message,
                                   attempt->result.error.hint));
    else if (end->message.len)
        event->message = act_arena_printf(&attempt->arena, "its %s was killed: %.*s", what,
                                          ACT_STR_ARG(end->message));
    else if (exit->signal)
        event->message =
            act_arena_printf(&attempt->arena, "its %s was ended by SIG%s", what,
                             sigabbrev_np(exit->signal) ? sigabbrev_np(exit->signal) : "?");
    else
        event->message =
            act_arena_printf(&attempt->arena, "its %s ended with code %d before the function had",
                             what, exit->exit_code);
}

/* ---- the end ---- */

bool
act_attempt_goes_on(struct act_attempt *attempt, const struct act_worker_end *end)
{
    struct act_value *said = NULL;
    bool on = false;
    if (!attempt->extra || attempt->stopping || end->type != ACT_WORKER_FAIL)
        return false;
    if (act_json_parse(end->body, 0, &said, NULL) == ACT_OK)
        on = attempt->extra->on_failed(attempt->extra_self, text_at(said, "cause"));
    act_value_release(said);
    return on;
}

static void
set_end(struct act_attempt *attempt, const struct act_worker_end *end, struct act_event *event)
{
    switch (end->type) {
    case ACT_WORKER_RESULT: set_result(attempt, end->body, event); return;
    case ACT_WORKER_FAIL: set_failure(attempt, end->body, event); return;
    case ACT_WORKER_DIED: set_death(attempt, end, event); return;
    case ACT_WORKER_LOST:
        event->cause = ACT_CAUSE_LOST;
        if (end->suspect)
            act_attempt_suspect(attempt);
        return;
    case ACT_WORKER_STOPPED:
        set_cause(event, ACT_CAUSE_CANCELLED, ACT_STR("it was stopped before it began"));
        return;
    case ACT_WORKER_REFUSED:
        set_cause(event, ACT_CAUSE_START, end->message);
        event->exit_code = 127;
        return;
    }
}

/* What was appended to $ACTANT_OUTPUT, under what was said by name. */
static void
set_outputs(struct act_attempt *attempt, struct act_event *event)
{
    struct act_error error = {0};
    struct act_value *written = NULL;
    bool held_secret = false;
    enum act_err failed = attempt->output_path
                              ? act_outputs_read(attempt->output_path, mask_of(attempt), &written,
                                                 &held_secret, &error)
                              : ACT_OK;
    if (failed && event->cause == ACT_CAUSE_NONE)
        set_cause(event, ACT_CAUSE_OUTPUT, act_arena_str(&attempt->arena, act_str(error.message)));
    if (written && attempt->outputs) {
        for (uint32_t i = 0; i < act_value_len(attempt->outputs); i++)
            act_value_map_put(written, act_value_key(attempt->outputs, i),
                              act_value_retain(act_value_at(attempt->outputs, i)));
    }
    if (!written && attempt->outputs)
        written = act_value_retain(attempt->outputs);
    event->outputs = written;
}

void
act_attempt_end(struct act_attempt *attempt, const struct act_worker_end *end)
{
    struct act_event event = {.type = ACT_EVENT_ENDED, .exit_code = -1}; /* a function has none */
    struct act_str none = {0};
    bool at_hand;
    set_end(attempt, end, &event);
    set_outputs(attempt, &event);
    bool secret = event.flag;
    enum act_err failed = act_output_capture_end(&attempt->log, &event, &at_hand, &none);
    event.flag = secret;
    if (failed)
        set_cause(&event, ACT_CAUSE_OUTPUT, act_str(attempt->log.error.message));
    if (attempt->extra)
        attempt->extra->on_end(attempt->extra_self, &event, attempt->stopping);
    attempt->watcher.on_ended(attempt->watcher_self, attempt, &event, false, (struct act_str){0});
    act_value_release(event.value);
    act_value_release(event.outputs);
    act_value_release(event.error);
    act_value_release(event.actor_state);
    act_attempt_free(attempt);
}
