/* value, fail, sleep, return, cancel: leaves that start no process. */
#include "base/assert.h"
#include "engine/core/machine.h"

static struct act_value *
input_of(const struct act_instance *inst)
{
    return inst->input != NULL ? act_value_retain(inst->input) : act_value_null();
}

void
act_value_start(struct act_run *run, struct act_instance *inst)
{
    struct act_value *v = NULL;
    if (!act_eval(run, inst, ACT_ATTR_SUBJECT, &v))
        return;
    struct act_value *plain = v != NULL ? act_value_without_raw(v) : act_value_null();
    act_value_release(v);
    act_succeed(run, inst, plain);
}

void
act_fail_start(struct act_run *run, struct act_instance *inst)
{
    struct act_value *given = NULL;
    if (!act_eval(run, inst, ACT_ATTR_SUBJECT, &given))
        return;
    if (given == NULL)
        given = act_value_null();
    struct act_value *error = act_fault_given(run, inst, given);
    act_value_release(given);
    act_decide(run, inst, ACT_STATUS_FAILED, ACT_CAUSE_FAIL, NULL, error);
}

void
act_sleep_start(struct act_run *run, struct act_instance *inst)
{
    int64_t delay;
    if (!act_eval_duration(run, inst, ACT_ATTR_SUBJECT, 0, &delay))
        return;
    if (delay <= 0) {
        act_succeed(run, inst, input_of(inst));
        return;
    }
    inst->due_ms = run->now_ms + delay;
    act_instance_move(run, inst, ACT_MOVE_PARK);
}

/* Ends the nearest workflow, or the run. */
void
act_return_start(struct act_run *run, struct act_instance *inst)
{
    struct act_value *v = NULL;
    if (!act_eval(run, inst, ACT_ATTR_SUBJECT, &v))
        return;
    struct act_value *plain = v != NULL ? act_value_without_raw(v) : act_value_null();
    act_value_release(v);
    struct act_instance *top = inst;
    while (top->parent != ACT_SLOT_NONE && !(act_node(run, top->node)->flags & ACT_NODE_CLOSED))
        top = act_parent(run, top);
    if (top != inst)
        act_decide(run, inst, ACT_STATUS_SUCCEEDED, ACT_CAUSE_RETURN, act_value_retain(plain),
                   NULL);
    act_decide(run, top, ACT_STATUS_SUCCEEDED, ACT_CAUSE_RETURN, plain, NULL);
}

/* ---- cancel ---- */

static bool
stands_in(const struct act_run *run, const struct act_instance *inst,
          const struct act_instance *outer)
{
    for (const struct act_instance *at = inst; at != NULL; at = act_parent(run, at)) {
        if (at == outer)
            return true;
    }
    return false;
}

/* A member or link that has not begun yet is made, so that it can be cancelled before its turn. */
static struct act_instance *
make_pending(struct act_run *run, struct act_instance *parent, uint32_t node)
{
    enum act_kind kind = parent != NULL ? act_kind_of(run, parent) : ACT_KIND_RUN;
    if (parent == NULL || parent->state != ACT_STATE_RUNNING || parent->inside == NULL ||
        (kind != ACT_KIND_CHAIN && kind != ACT_KIND_GROUP && kind != ACT_KIND_RACE) ||
        act_node(run, node)->role != ACT_ROLE_ITEM)
        return NULL;
    uint32_t i = act_node(run, node)->index;
    struct act_instance *child = act_spawn(run, parent, node, i, act_value_null());
    parent->inside->children[i] = child->slot;
    parent->inside->live++;
    return child;
}

/* What is not there yet, and stands deeper than make_pending reaches, is remembered. */
static void
doom(struct act_run *run, struct act_instance *inst, uint32_t node)
{
    struct act_instance *box = act_resolve_box(run, inst, node);
    if (box == NULL || act_node(run, node)->role == ACT_ROLE_FINALLY)
        return; /* it can no longer begin, or always runs */
    struct act_doomed one = {act_handle(box), box->attempt, node};
    act_vec_push(&run->doomed, one);
}

bool
act_cancel_meets(struct act_run *run, struct act_instance *child)
{
    bool met = false;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->doomed.len; i++) {
        struct act_doomed one = run->doomed.ptr[i];
        const struct act_instance *box = act_slab_get(&run->slab, one.box);
        if (box == NULL || box->attempt != one.attempt)
            continue;
        if (one.node == child->node && act_resolve(run, box, one.node, NULL) == child)
            met = true;
        else
            run->doomed.ptr[kept++] = one;
    }
    run->doomed.len = kept;
    if (met) {
        child->as_skipped = true;
        act_stop(run, child, ACT_CAUSE_CANCELLED, false);
    }
    return met;
}

static void
cancel_target(struct act_run *run, struct act_instance *inst, uint32_t node)
{
    struct act_instance *parent = NULL;
    struct act_instance *target = act_resolve(run, inst, node, &parent);
    if (target == NULL)
        target = make_pending(run, parent, node);
    if (target == NULL)
        doom(run, inst, node);
    if (target == NULL || target->state == ACT_STATE_DONE || stands_in(run, inst, target))
        return;
    target->as_skipped = target->watched = true;
    act_vec_push(&inst->inside->targets, act_handle(target));
    act_stop(run, target, ACT_CAUSE_CANCELLED, false);
}

static bool
all_ended(const struct act_run *run, const struct act_instance *inst)
{
    for (uint32_t i = 0; i < inst->inside->targets.len; i++) {
        const struct act_instance *target = act_slab_get(&run->slab, inst->inside->targets.ptr[i]);
        if (target != NULL && target->state != ACT_STATE_DONE)
            return false;
    }
    return true;
}

void
act_cancel_start(struct act_run *run, struct act_instance *inst)
{
    const struct act_value *targets =
        act_plan_literal(run->plan, inst->node, ACT_ATTR_CANCEL_TARGETS);
    act_inside_make(run, inst, 0);
    for (uint32_t i = 0; i < act_value_len(targets); i++) {
        int64_t node;
        if (act_value_to_int(act_value_at(targets, i), &node) && node >= 0 &&
            node < (int64_t)run->plan->nodes.len)
            cancel_target(run, inst, (uint32_t)node);
    }
    if (inst->decided)
        return;
    if (all_ended(run, inst)) {
        act_succeed(run, inst, input_of(inst));
        return;
    }
    act_vec_push(&run->cancels, act_handle(inst));
    act_instance_move(run, inst, ACT_MOVE_PARK);
}

/* Something that a cancel waits for has ended. */
void
act_cancel_check(struct act_run *run)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->cancels.len; i++) {
        act_inst handle = run->cancels.ptr[i];
        struct act_instance *inst = act_slab_get(&run->slab, handle);
        if (inst == NULL || inst->state != ACT_STATE_PARKED)
            continue;
        if (all_ended(run, inst))
            act_succeed(run, inst, input_of(inst));
        else
            run->cancels.ptr[kept++] = handle;
    }
    run->cancels.len = kept;
}
