/* How instances end: the verdict, the stopping of what is inside, and what follows. */
#include "base/assert.h"
#include "engine/core/machine.h"

#include <stdio.h>

static bool
has_finally(const struct act_run *run, const struct act_instance *inst)
{
    return act_kind_of(run, inst) == ACT_KIND_TRY && inst->inside != NULL && !inst->finally_begun;
}

/* Nothing inside is left; a `finally` that has not run comes first. */
static void
drained(struct act_run *run, struct act_instance *inst)
{
    if (has_finally(run, inst) && act_try_finally(run, inst))
        return;
    act_instance_move(run, inst, ACT_MOVE_SETTLE);
}

static bool
has_live(const struct act_instance *inst)
{
    return (inst->state == ACT_STATE_ACTIVE && !inst->exited) ||
           (inst->inside != NULL && inst->inside->live > 0);
}

static enum act_cause
cause_inside(enum act_status status, enum act_cause cause)
{
    if (cause == ACT_CAUSE_RETURN)
        return ACT_CAUSE_RETURN;
    bool raced = status == ACT_STATUS_SUCCEEDED || cause == ACT_CAUSE_MEMBERS;
    return raced ? ACT_CAUSE_RACE : ACT_CAUSE_CANCELLED;
}

void
act_decide(struct act_run *run, struct act_instance *inst, enum act_status status,
           enum act_cause cause, struct act_value *result, struct act_value *error)
{
    if (inst->decided) {
        act_value_release(result);
        act_value_release(error);
        return;
    }
    inst->decided = true;
    inst->status = (uint8_t)status;
    inst->cause = (uint8_t)cause;
    act_value_set(&inst->result, result);
    act_value_set(&inst->error, error);
    bool finally = inst->state == ACT_STATE_RUNNING && has_finally(run, inst);
    if (!has_live(inst) && !finally) {
        act_instance_move(run, inst, ACT_MOVE_SETTLE);
        return;
    }
    act_instance_move(run, inst, ACT_MOVE_DECIDE);
    act_stop_children(run, inst, cause_inside(status, cause), cause == ACT_CAUSE_RETURN);
    if (!has_live(inst) && inst->state == ACT_STATE_STOPPING && finally)
        drained(run, inst);
}

void
act_fail(struct act_run *run, struct act_instance *inst, enum act_cause cause, const char *format,
         ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0)
        len = 0;
    struct act_str message =
        act_str_n(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
    act_decide(run, inst, ACT_STATUS_FAILED, cause, NULL, act_fault(run, inst, cause, message));
}

void
act_fail_as_child(struct act_run *run, struct act_instance *inst, const struct act_instance *child)
{
    struct act_value *error = child->error != NULL ? act_value_retain(child->error) : NULL;
    inst->exit_code = child->exit_code;
    inst->signal = child->signal;
    act_decide(run, inst, ACT_STATUS_FAILED, (enum act_cause)child->cause, NULL, error);
}

void
act_succeed(struct act_run *run, struct act_instance *inst, struct act_value *result)
{
    act_decide(run, inst, ACT_STATUS_SUCCEEDED, ACT_CAUSE_NONE, result, NULL);
}

void
act_skip(struct act_run *run, struct act_instance *inst, enum act_cause cause)
{
    act_decide(run, inst, ACT_STATUS_SKIPPED, cause, NULL, NULL);
}

/* ---- stopping from outside ---- */

/* Returns whether what is inside must be stopped as well. */
static bool
stop_one(struct act_run *run, struct act_instance *inst, enum act_cause cause, bool no_undo)
{
    if (inst->state == ACT_STATE_DONE)
        return false;
    inst->stopped = true;
    inst->no_undo = inst->no_undo || no_undo;
    if (inst->decided)
        return false; /* the verdict that came first stands; what is inside is stopping */
    inst->decided = true;
    inst->status = ACT_STATUS_CANCELLED;
    inst->cause = (uint8_t)cause;
    bool finally = inst->state == ACT_STATE_RUNNING && has_finally(run, inst);
    if (has_live(inst)) {
        act_instance_move(run, inst, ACT_MOVE_DECIDE);
        return inst->inside != NULL;
    }
    if (finally) {
        act_instance_move(run, inst, ACT_MOVE_DECIDE);
        drained(run, inst);
        return false;
    }
    act_instance_move(run, inst, ACT_MOVE_SETTLE);
    return false;
}

static void
push_children(struct act_run *run, const struct act_instance *inst, struct act_inst_stack *stack)
{
    const struct act_inside *in = inst->inside;
    for (uint32_t i = in != NULL ? in->total : 0; i-- > 0;) {
        if (in->children[i] == ACT_SLOT_NONE)
            continue;
        const struct act_instance *child = act_at(run, in->children[i]);
        if (act_role_of(run, child) != ACT_ROLE_FINALLY)
            act_vec_push(stack, child->slot);
    }
}

static void
stop_all(struct act_run *run, struct act_inst_stack *stack, enum act_cause cause, bool no_undo)
{
    while (stack->len > 0) {
        struct act_instance *inst = act_at(run, act_vec_pop(stack));
        if (stop_one(run, inst, cause, no_undo))
            push_children(run, inst, stack);
    }
    act_vec_fini(stack);
}

void
act_stop(struct act_run *run, struct act_instance *inst, enum act_cause cause, bool no_undo)
{
    struct act_inst_stack stack = {0};
    act_vec_push(&stack, inst->slot);
    stop_all(run, &stack, cause, no_undo);
}

void
act_stop_children(struct act_run *run, struct act_instance *inst, enum act_cause cause,
                  bool no_undo)
{
    struct act_inst_stack stack = {0};
    push_children(run, inst, &stack);
    stop_all(run, &stack, cause, no_undo);
}

/* ---- settling ---- */

static void
merge_outputs(struct act_instance *inst, struct act_value *named)
{
    if (inst->outputs == NULL) {
        inst->outputs = named;
        return;
    }
    struct act_value *all = act_value_map();
    const struct act_value *parts[] = {inst->outputs, named};
    for (int p = 0; p < 2; p++) {
        for (uint32_t i = 0; i < act_value_len(parts[p]); i++)
            act_value_map_put(all, act_value_key(parts[p], i),
                              act_value_retain(act_value_at(parts[p], i)));
    }
    act_value_release(named);
    act_value_set(&inst->outputs, all);
}

/* `outputs`, read when the node has ended well. False: a question is open. */
static bool
read_outputs(struct act_run *run, struct act_instance *inst)
{
    if (inst->status != ACT_STATUS_SUCCEEDED || inst->outputs_read ||
        !act_has(run, inst->node, ACT_ATTR_OUTPUTS))
        return true;
    struct act_value *none = act_value_null(), *named = NULL;
    struct act_scope scope = {.prev = inst->result != NULL ? inst->result : none, .loop_index = -1};
    inst->decided = false; /* so that a failure counts */
    bool ok = act_eval_in(run, inst, ACT_ATTR_OUTPUTS, &scope, &named);
    act_value_release(none);
    if (!ok && inst->asking != ACT_STEP_NONE) {
        inst->decided = true;
        return false;
    }
    inst->decided = true;
    inst->outputs_read = true;
    if (ok && act_value_type(named) == ACT_MAP)
        merge_outputs(inst, named);
    else
        act_value_release(named);
    return true;
}

/* Did its last attempt do anything? */
static bool
has_begun(const struct act_instance *inst)
{
    return inst->begun == inst->attempt && inst->attempt > 0 && inst->status != ACT_STATUS_SKIPPED;
}

static void
begin_again(struct act_run *run, struct act_instance *inst, int64_t delay_ms)
{
    inst->decided = false;
    act_value_set(&inst->answers, NULL);
    inst->tries++;
    inst->attempt++;
    inst->opened = false;
    if (delay_ms > 0) {
        inst->due_ms = run->now_ms + delay_ms;
        act_instance_move(run, inst, ACT_MOVE_RETRY);
    } else {
        act_step_attempt(run, inst);
    }
}

static void
end(struct act_run *run, struct act_instance *inst)
{
    const uint32_t *on_error = NULL;
    if (inst->status == ACT_STATUS_FAILED && act_has(run, inst->node, ACT_ATTR_ON_ERROR))
        on_error = act_plan_attr(run->plan, inst->node, ACT_ATTR_ON_ERROR);
    if (on_error != NULL && *on_error == 1) {
        inst->tolerated = true;
        act_forgive(run, inst, 1);
    }
    if (inst->status != ACT_STATUS_SUCCEEDED)
        act_value_set(&inst->result, NULL);
    if (inst->task != NULL) {
        act_taskbox_destroy(inst->task);
        inst->task = NULL;
    }
    act_value_set(&inst->answers, NULL);
    if (inst->caches && inst->status == ACT_STATUS_SUCCEEDED)
        act_cache_keep(run, inst);
    act_instance_move(run, inst, ACT_MOVE_FINISH);
}

void
act_step_settle(struct act_run *run, struct act_instance *inst)
{
    int64_t delay_ms;
    if (inst->state != ACT_STATE_SETTLING)
        return;
    if (act_has(run, inst->node, ACT_ATTR_ARTIFACTS) && has_begun(inst) &&
        !act_artifacts_collect(run, inst))
        return;
    if (!read_outputs(run, inst))
        return;
    if (inst->error == NULL && inst->status == ACT_STATUS_FAILED && inst->inside != NULL &&
        inst->cause == ACT_CAUSE_MEMBERS)
        inst->error = act_fault_members(run, inst); /* now that every member has ended */
    bool bad = inst->status == ACT_STATUS_FAILED || inst->status == ACT_STATUS_CANCELLED;
    if (bad && act_undo_collect(run, inst)) {
        act_instance_move(run, inst, ACT_MOVE_UNDO);
        return;
    }
    if (inst->status == ACT_STATUS_FAILED && !inst->stopped &&
        act_retry_wanted(run, inst, &delay_ms))
        begin_again(run, inst, delay_ms);
    else
        end(run, inst);
}

/* ---- the parent sees it ---- */

static void
note_attempts(struct act_instance *parent, const struct act_instance *child)
{
    uint32_t most = act_attempts_used(child);
    if (most > parent->most_inside)
        parent->most_inside = most;
}

void
act_step_child(struct act_run *run, struct act_instance *child)
{
    struct act_instance *parent = act_parent(run, child);
    if (child->seen || child->state != ACT_STATE_DONE)
        return;
    child->seen = true;
    note_attempts(parent, child);
    if (act_role_of(run, child) == ACT_ROLE_UNDO) {
        act_undo_ended(run, child);
        return;
    }
    ACT_ASSERT(parent->inside != NULL && parent->inside->live > 0);
    parent->inside->live--;
    if (parent->state == ACT_STATE_RUNNING) {
        act_ops(act_kind_of(run, parent))->ended(run, parent, child);
        return;
    }
    ACT_ASSERT(parent->state == ACT_STATE_STOPPING);
    if (act_role_of(run, child) == ACT_ROLE_FINALLY && parent->status == ACT_STATUS_SUCCEEDED &&
        act_counts_as(child) == ACT_COUNT_FAILED) {
        parent->status = ACT_STATUS_FAILED;
        parent->cause = child->cause;
        act_value_set(&parent->result, NULL);
        act_value_set(&parent->error, child->error ? act_value_retain(child->error) : NULL);
    }
    if (parent->inside->live == 0)
        drained(run, parent);
}
