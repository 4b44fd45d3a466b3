/* dag: members whose needs are met begin; those whose needs can no longer be met are skipped. */
#include "engine/core/machine.h"

static uint32_t
end_bit(const struct act_instance *inst)
{
    switch (inst->status) {
    case ACT_STATUS_SUCCEEDED: return ACT_END_SUCCEEDED;
    case ACT_STATUS_FAILED: return ACT_END_FAILED;
    case ACT_STATUS_SKIPPED: return ACT_END_SKIPPED;
    default: return inst->as_skipped ? ACT_END_CANCELLED | ACT_END_SKIPPED : ACT_END_CANCELLED;
    }
}

static bool
is_met(const struct act_plan_need *need, const struct act_instance *ended)
{
    if (need->ends & end_bit(ended))
        return true;
    return need->plain && ended->status == ACT_STATUS_FAILED && ended->tolerated;
}

static const struct act_plan_need *
need_of(const struct act_run *run, uint32_t node, uint32_t on)
{
    const struct act_plan_node *n = act_node(run, node);
    for (uint32_t i = 0; i < n->need_count; i++) {
        if (run->plan->needs.ptr[n->first_need + i].node == on)
            return &run->plan->needs.ptr[n->first_need + i];
    }
    return NULL;
}

void
act_dag_start(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    const struct act_plan_node *node = act_node(run, inst->node);
    in->waiting = act_zalloc((size_t)in->total + 1, sizeof(*in->waiting));
    for (uint32_t i = 0; i < in->total; i++) {
        uint32_t child_node = run->plan->children.ptr[node->first_child + i];
        struct act_value *input = inst->input ? act_value_retain(inst->input) : act_value_null();
        struct act_instance *child = act_spawn(run, inst, child_node, i, input);
        in->children[i] = child->slot;
        in->live++;
        act_cancel_meets(run, child);
        in->waiting[i] = act_node(run, child_node)->need_count;
        if (in->waiting[i] == 0)
            act_vec_push(&in->queue, i);
    }
    act_members_fill(run, inst);
}

/* One more member has ended: what does that mean for those that need it? */
void
act_dag_met(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    struct act_inside *in = inst->inside;
    if (child->admitted && in->next > 0)
        in->next--;
    uint32_t at = run->dependents_at[child->node], end = run->dependents_at[child->node + 1];
    for (; at < end; at++) {
        uint32_t node = run->dependents[at], i = act_node(run, node)->index;
        struct act_instance *other = act_child(run, inst, i);
        if (other == NULL || other->decided || other->state != ACT_STATE_PENDING ||
            in->waiting[i] == 0)
            continue;
        if (!is_met(need_of(run, node, child->node), child)) {
            act_skip(run, other, ACT_CAUSE_UPSTREAM);
        } else if (--in->waiting[i] == 0) {
            act_vec_push(&in->queue, i);
        }
    }
}
