#include "executors/plugin/attempt.h"

#include "base/alloc.h"

const struct act_mask_table *
act_plugin_mask(const struct act_plugin_executor *executor)
{
    return act_secrets_mask(executor->options.secrets);
}

/* ---- how it ends ---- */

bool
act_plugin_attempt_failed(const struct act_attempt *attempt)
{
    return attempt->event.cause != ACT_CAUSE_NONE;
}

/* Nothing that is told or stored holds a secret. */
static struct act_value *
masked_text(const struct act_attempt *attempt, struct act_str text)
{
    const struct act_mask_table *table = act_plugin_mask(attempt->executor);
    struct act_buf buf = {0};
    if (table)
        act_mask_text(table, text, &buf);
    struct act_value *v = act_value_string(table ? act_buf_str(&buf) : text);
    act_buf_fini(&buf);
    return v;
}

void
act_plugin_attempt_fail(struct act_attempt *attempt, enum act_cause cause, const char *type,
                        const char *format, ...)
{
    va_list args;
    struct act_buf text = {0};
    if (act_plugin_attempt_failed(attempt))
        return;
    va_start(args, format);
    act_buf_vprintf(&text, format, args);
    va_end(args);
    struct act_value *message = masked_text(attempt, act_buf_str(&text));
    act_buf_add_str(&attempt->message, act_value_as_str(message));
    act_value_release(message);
    act_buf_fini(&text);
    attempt->event.cause = cause;
    attempt->event.message = act_buf_str(&attempt->message);
    if (*type) {
        attempt->event.error = act_value_map();
        act_value_map_put(attempt->event.error, ACT_STR("type"),
                          masked_text(attempt, act_str(type)));
    }
}

void
act_plugin_attempt_fail_error(struct act_attempt *attempt, enum act_cause cause, const char *type,
                              const struct act_error *error)
{
    act_plugin_attempt_fail(attempt, cause, type, "%s%s%s", error->message,
                            error->hint[0] ? "; " : "", error->hint);
}

void
act_plugin_attempt_end_well(struct act_attempt *attempt, struct act_str last)
{
    struct act_error err = {0};
    enum act_err code = act_plugin_result_add(&attempt->result, last, &err);
    if (!code)
        code = act_plugin_result_end(&attempt->result, &attempt->event.value, &attempt->event.flag,
                                     &err);
    if (code)
        act_plugin_attempt_fail_error(attempt, ACT_CAUSE_OUTPUT, "", &err);
    else
        attempt->event.exit_code = 0;
}

/* ---- what it says ---- */

void
act_plugin_attempt_log(struct act_attempt *attempt, enum act_stream stream, struct act_str bytes)
{
    struct act_str shown;
    if (act_output_capture_write(&attempt->capture, stream, bytes, &shown) == ACT_OK && shown.len &&
        attempt->watcher.on_output)
        attempt->watcher.on_output(attempt->watcher_self, attempt, (int)stream, shown);
}

void
act_plugin_attempt_progress(struct act_attempt *attempt, double done, struct act_str what)
{
    struct act_buf line = {0};
    if (done >= 0)
        act_buf_printf(&line, "[%3d %%]", (int)(done * 100));
    else
        act_buf_add_cstr(&line, "[ … ]");
    act_buf_printf(&line, "%s%.*s\n", what.len ? " " : "", ACT_STR_ARG(what));
    act_plugin_attempt_log(attempt, ACT_STREAM_ERR, act_buf_str(&line));
    act_buf_fini(&line);
}

void
act_plugin_attempt_outputs(struct act_attempt *attempt, struct act_value *map)
{
    const struct act_mask_table *table = act_plugin_mask(attempt->executor);
    struct act_value *kept = map;
    if (table) {
        kept = act_value_map();
        for (uint32_t i = 0; act_value_type(map) == ACT_MAP && i < act_value_len(map); i++) {
            struct act_buf scratch = {0};
            const struct act_value *v = act_value_at(map, i);
            bool secret = act_value_type(v) == ACT_STRING &&
                          act_mask_text(table, act_value_as_str(v), &scratch);
            act_value_map_put(kept, act_value_key(map, i),
                              secret ? act_value_null() : act_value_retain(v));
            act_buf_fini(&scratch);
        }
        act_value_release(map);
    }
    act_value_release(attempt->event.outputs);
    attempt->event.outputs = kept;
}

/* ---- the end ---- */

static void
stop_timer(struct act_attempt *attempt, struct act_timer **timer)
{
    struct act_loop *loop = attempt->executor->options.loop;
    if (*timer)
        loop->ops->stop_timer(*timer);
    *timer = NULL;
}

void
act_plugin_attempt_free(struct act_attempt *attempt)
{
    stop_timer(attempt, &attempt->due);
    stop_timer(attempt, &attempt->give_up_at);
    *attempt->back = attempt->next;
    if (attempt->next)
        attempt->next->back = attempt->back;
    act_output_capture_fini(&attempt->capture);
    if (attempt->has_result)
        act_plugin_result_fini(&attempt->result);
    act_value_release(attempt->event.value);
    act_value_release(attempt->event.outputs);
    act_value_release(attempt->event.error);
    act_buf_fini(&attempt->message);
    act_free(attempt->attempt_id);
    attempt->next = attempt->executor->spare_attempts;
    attempt->executor->spare_attempts = attempt;
}

void
act_plugin_attempt_end(struct act_attempt *attempt)
{
    struct act_str output = {0};
    bool at_hand = false, secret = attempt->event.flag;
    attempt->event.type = ACT_EVENT_ENDED;
    if (act_output_capture_end(&attempt->capture, &attempt->event, &at_hand, &output) != ACT_OK)
        act_plugin_attempt_fail_error(attempt, ACT_CAUSE_OUTPUT, "", &attempt->capture.error);
    attempt->event.flag = secret; /* what is printed is log: it is masked, and no result */
    attempt->watcher.on_ended(attempt->watcher_self, attempt, &attempt->event, false, output);
    act_plugin_attempt_free(attempt);
}
