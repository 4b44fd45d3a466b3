/* chain, if, switch: one child at a time. */
#include "engine/core/machine.h"

static struct act_value *
input_of(const struct act_instance *inst)
{
    return inst->input != NULL ? act_value_retain(inst->input) : act_value_null();
}

/* Children in the order written, without an undo. */
static uint32_t
items(const struct act_run *run, const struct act_instance *inst)
{
    const struct act_plan_node *node = act_node(run, inst->node);
    bool undo = act_plan_child(run->plan, inst->node, ACT_ROLE_UNDO) != ACT_NODE_NONE;
    return node->child_count - undo;
}

void
act_chain_next(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    while (in->next < in->total) {
        struct act_instance *child = act_child(run, inst, in->next);
        if (child == NULL) {
            act_begin_child(run, inst, in->next++, act_value_retain(in->current));
            return;
        }
        if (!child->seen)
            return; /* cancelled before its turn; its end is on the way */
        in->next++;
    }
    act_succeed(run, inst, act_value_retain(in->current));
}

void
act_chain_start(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = act_inside_make(run, inst, items(run, inst));
    in->current = input_of(inst);
    act_chain_next(run, inst);
}

void
act_chain_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    struct act_inside *in = inst->inside;
    switch (act_counts_as(child)) {
    case ACT_COUNT_FAILED: act_fail_as_child(run, inst, child); return;
    case ACT_COUNT_SUCCEEDED: act_value_set(&in->current, act_value_retain(child->result)); break;
    case ACT_COUNT_TOLERATED: act_value_set(&in->current, act_value_null()); break;
    case ACT_COUNT_SKIPPED: break;
    }
    if (in->live == 0)
        act_chain_next(run, inst);
}

static void
take_branch(struct act_run *run, struct act_instance *inst, uint32_t node)
{
    act_inside_make(run, inst, items(run, inst));
    if (node == ACT_NODE_NONE)
        act_skip(run, inst, ACT_CAUSE_BRANCH);
    else
        act_begin_child(run, inst, act_node(run, node)->index, input_of(inst));
}

void
act_branch_if(struct act_run *run, struct act_instance *inst)
{
    bool truth;
    uint32_t chosen = act_reuse_branch(run, inst);
    if (chosen != ACT_NODE_NONE) {
        take_branch(run, inst, chosen);
        return;
    }
    if (!act_eval_bool(run, inst, ACT_ATTR_SUBJECT, &truth))
        return;
    enum act_role role = truth ? ACT_ROLE_THEN : ACT_ROLE_ELSE;
    take_branch(run, inst, act_plan_child(run->plan, inst->node, role));
}

void
act_branch_switch(struct act_run *run, struct act_instance *inst)
{
    struct act_value *subject = NULL;
    uint32_t chosen = act_reuse_branch(run, inst);
    if (chosen != ACT_NODE_NONE) {
        take_branch(run, inst, chosen);
        return;
    }
    if (!act_eval(run, inst, ACT_ATTR_SUBJECT, &subject))
        return;
    const struct act_value *cases = act_plan_literal(run->plan, inst->node, ACT_ATTR_CASES);
    struct act_buf text = {0};
    act_value_text(&text, subject);
    act_value_release(subject);
    uint32_t node = act_plan_child(run->plan, inst->node, ACT_ROLE_DEFAULT);
    for (uint32_t i = 0; i < act_value_len(cases); i++) {
        if (act_str_ieq(act_value_as_str(act_value_at(cases, i)), act_buf_str(&text))) {
            node = run->plan->children.ptr[act_node(run, inst->node)->first_child + i];
            break;
        }
    }
    act_buf_fini(&text);
    take_branch(run, inst, node);
}

void
act_branch_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    switch (act_counts_as(child)) {
    case ACT_COUNT_FAILED: act_fail_as_child(run, inst, child); break;
    case ACT_COUNT_SUCCEEDED: act_succeed(run, inst, act_value_retain(child->result)); break;
    case ACT_COUNT_TOLERATED: act_succeed(run, inst, act_value_null()); break;
    case ACT_COUNT_SKIPPED: act_skip(run, inst, ACT_CAUSE_BRANCH); break;
    }
}
