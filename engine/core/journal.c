/* What the machine writes into the log: the facts it was given and the verdicts it derived. */
#include "engine/core/machine.h"

/* The numbers come innermost first while climbing and are turned round. */
struct act_key
act_key_of(struct act_run *run, const struct act_instance *inst)
{
    act_vec_clear(&run->numbers);
    uint32_t node = inst->node;
    for (const struct act_instance *at = inst; at->parent != ACT_SLOT_NONE;) {
        const struct act_instance *up = act_at(run, at->parent);
        enum act_role role = act_role_of(run, at);
        if (role == ACT_ROLE_ROOT)
            act_vec_push(&run->numbers, up->node);
        else if (role == ACT_ROLE_DO && act_kind_repeats(act_kind_of(run, up)))
            act_vec_push(&run->numbers, at->number);
        at = up;
    }
    for (uint32_t i = 0, j = run->numbers.len; i + 1 < j; i++) {
        uint32_t swap = run->numbers.ptr[i];
        run->numbers.ptr[i] = run->numbers.ptr[--j];
        run->numbers.ptr[j] = swap;
    }
    return (struct act_key){node, run->numbers.len, run->numbers.ptr};
}

struct act_event
act_stamp(struct act_run *run, enum act_event_type type, const struct act_instance *inst)
{
    struct act_event event = {.type = type, .at_ms = run->now_ms, .at_ns = run->now_ns};
    if (inst != NULL) {
        event.key = act_key_of(run, inst);
        event.attempt = inst->attempt;
    }
    return event;
}

void
act_log(struct act_run *run, struct act_event *event)
{
    struct act_effects *effects = run->effects;
    event->seq = ++run->seq;
    if (effects->event_count++ == 0)
        effects->first_seq = event->seq;
    if (act_event_class(event->type) == ACT_CLASS_GATING)
        effects->gating = true;
    act_event_encode(&effects->log, event);
}

void
act_log_started(struct act_run *run, const struct act_instance *inst)
{
    if (inst->elided)
        return;
    struct act_event event = act_stamp(run, ACT_EVENT_NODE_STARTED, inst);
    event.status = ACT_STATUS_RUNNING;
    act_log(run, &event);
}

/* started_ms is when it is due (0: no time). */
void
act_log_parked(struct act_run *run, const struct act_instance *inst)
{
    if (inst->elided)
        return;
    struct act_event event = act_stamp(run, ACT_EVENT_NODE_PARKED, inst);
    event.status = ACT_STATUS_PARKED;
    event.started_ms = inst->due_ms > 0 ? inst->due_ms : 0;
    act_log(run, &event);
}

/* A constant name stands in the plan and need not be logged with every item. */
static bool
has_computed_name(const struct act_run *run, const struct act_instance *inst)
{
    if (!act_has(run, inst->node, ACT_ATTR_NAME))
        return false;
    struct act_expr_id id = act_plan_expr(run->plan, inst->node, ACT_ATTR_NAME);
    return run->plan->exprs.nodes.ptr[id.v].op != ACT_OP_LITERAL;
}

/* Whose end was reused. */
static struct act_str
origin_text(const struct act_instance *inst, struct act_str key)
{
    const struct act_value *v = act_member(inst->origin, key);
    return v != NULL && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : ACT_STR("");
}

void
act_log_ended(struct act_run *run, const struct act_instance *inst)
{
    if (inst->elided && inst->status != ACT_STATUS_FAILED)
        return;
    enum act_kind kind = act_kind_of(run, inst);
    struct act_event event = act_stamp(run, ACT_EVENT_NODE_ENDED, inst);
    event.status = (enum act_status)inst->status;
    event.cause = (enum act_cause)inst->cause;
    event.exit_code = inst->exit_code;
    event.signal = inst->signal;
    event.flag = inst->tolerated;
    event.started_ms = inst->started_ms;
    event.started_ns = inst->started_ns;
    event.result_is_output = inst->own_output;
    event.value = inst->own_output ? NULL : inst->result;
    event.outputs = inst->outputs;
    event.artifacts = inst->artifacts;
    event.error = inst->error;
    event.id = origin_text(inst, ACT_STR("run"));
    event.name = origin_text(inst, ACT_STR("node"));
    if ((kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL) && inst->inside != NULL)
        event.number = inst->inside->next;
    struct act_buf label = {0};
    if (has_computed_name(run, inst) && act_eval_name(run, inst, &label))
        event.label = act_buf_str(&label);
    act_log(run, &event);
    act_buf_fini(&label);
}
