/* What the end of a task's process means. */
#include "engine/core/machine.h"

#define LARGE_BYTES 65536

static struct act_value *
reference(struct act_run *run, const struct act_blob *out, enum act_output mode)
{
    struct act_buf id = {0};
    act_buf_printf(&id, "%.*s:%llu", ACT_STR_ARG(out->file), (unsigned long long)out->offset);
    struct act_value *v = act_value_ref(run->loader, act_buf_str(&id), out->length, (uint8_t)mode);
    act_buf_fini(&id);
    return v;
}

/* A large result stays outside; JSON is read once, to know that it is some. */
static enum act_err
result_from_file(struct act_run *run, const struct act_blob *out, enum act_output mode,
                 struct act_value **ret, struct act_error *err)
{
    struct act_value *ref = reference(run, out, mode), *whole = NULL;
    bool large = out->length > LARGE_BYTES;
    enum act_err code = ACT_OK;
    if (!large || mode == ACT_OUTPUT_JSON)
        code = run->loader != NULL
                   ? act_value_resolve(ref, &whole, err)
                   : act_error_set(err, ACT_ERR_NOT_FOUND, "there is no loader for outputs");
    if (code == ACT_OK && large) {
        act_value_release(whole);
        *ret = ref;
        return ACT_OK;
    }
    act_value_release(ref);
    if (code == ACT_OK)
        *ret = whole;
    return code;
}

static enum act_err
result_of(struct act_run *run, const struct act_fact *fact, enum act_output mode,
          struct act_value **ret, struct act_error *err)
{
    const struct act_blob *out = &fact->event.out;
    if (fact->event.value != NULL) {
        *ret = act_value_retain(fact->event.value);
        return ACT_OK;
    }
    if (mode == ACT_OUTPUT_NONE) {
        *ret = act_value_null();
        return ACT_OK;
    }
    if (fact->have_output && fact->output.len <= LARGE_BYTES)
        return act_value_from_output(fact->output, mode, ret, err);
    if (out->file.len == 0)
        return act_value_from_output(out->bytes, mode, ret, err);
    return result_from_file(run, out, mode, ret, err);
}

static void
ended_well(struct act_run *run, struct act_instance *inst, const struct act_fact *fact)
{
    struct act_value *result = NULL;
    struct act_error err = {0};
    enum act_output mode = act_taskbox_task(inst->task)->output;
    if (fact->event.flag) {
        act_cache_taint(run, inst);
        act_succeed(run, inst, act_value_null());
        return;
    }
    if (result_of(run, fact, mode, &result, &err) != ACT_OK) {
        if (mode == ACT_OUTPUT_JSON)
            act_fail(run, inst, ACT_CAUSE_OUTPUT,
                     "`output: json`, but what it printed is no JSON: %s", err.message);
        else
            act_fail(run, inst, ACT_CAUSE_OUTPUT, "its output cannot be read: %s", err.message);
        return;
    }
    if (fact->event.outputs != NULL)
        act_value_set(&inst->outputs, act_value_retain(fact->event.outputs));
    inst->own_output = fact->event.value == NULL && mode != ACT_OUTPUT_NONE;
    act_succeed(run, inst, result);
}

static enum act_cause
cause_of(const struct act_event *event)
{
    if (event->cause != ACT_CAUSE_NONE)
        return event->cause;
    if (event->signal != 0)
        return ACT_CAUSE_SIGNAL;
    return event->exit_code > 0 ? ACT_CAUSE_EXIT : ACT_CAUSE_NONE;
}

static void
ended_badly(struct act_run *run, struct act_instance *inst, const struct act_event *event,
            enum act_cause cause)
{
    if (event->error != NULL)
        act_decide(run, inst, ACT_STATUS_FAILED, cause, NULL,
                   act_fault_detailed(run, inst, cause, event->message, event->error));
    else if (event->message.len > 0)
        act_fail(run, inst, cause, "%.*s", ACT_STR_ARG(event->message));
    else if (cause == ACT_CAUSE_EXIT)
        act_fail(run, inst, cause, "exited with code %d", event->exit_code);
    else if (cause == ACT_CAUSE_SIGNAL)
        act_fail(run, inst, cause, "ended by signal %d", event->signal);
    else if (cause == ACT_CAUSE_LOST)
        act_fail(run, inst, cause,
                 "it was running when its process or machine vanished, and is not run again "
                 "because of `idempotent: false`; `actant retry` does it on demand");
    else
        act_fail(run, inst, cause, "%s", act_cause_text(cause));
}

/* The process is over; inst is ACTIVE or STOPPING. */
void
act_task_ended(struct act_run *run, struct act_instance *inst, const struct act_fact *fact)
{
    const struct act_event *event = &fact->event;
    enum act_cause cause = cause_of(event);
    bool gone = cause == ACT_CAUSE_LOST || cause == ACT_CAUSE_INTERRUPTED;
    run->in_flight--;
    inst->exited = true;
    if (inst->state == ACT_STATE_STOPPING) {
        act_instance_move(run, inst, ACT_MOVE_SETTLE);
        return;
    }
    if (gone && act_taskbox_task(inst->task)->idempotent) {
        act_instance_move(run, inst, ACT_MOVE_REDO);
        return;
    }
    inst->exit_code = gone ? -1 : event->exit_code;
    inst->signal = event->signal;
    if (cause == ACT_CAUSE_START && inst->exit_code <= 0)
        inst->exit_code = 127;
    if (cause == ACT_CAUSE_NONE)
        ended_well(run, inst, fact);
    else
        ended_badly(run, inst, event, gone ? ACT_CAUSE_LOST : cause);
}
