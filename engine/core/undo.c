/* Undo: when an attempt failed or was cancelled, what had succeeded inside it and has an `undo` is
 * undone, the latest first, one at a time. A composite's own undo stands for those inside. */
#include "base/assert.h"
#include "engine/core/machine.h"

#include <stdlib.h>

static bool
has_undo(const struct act_run *run, const struct act_instance *inst)
{
    return act_plan_child(run->plan, inst->node, ACT_ROLE_UNDO) != ACT_NODE_NONE;
}

static void
look_inside(struct act_run *run, const struct act_instance *inst)
{
    const struct act_inside *in = inst->inside;
    for (uint32_t i = 0; in != NULL && i < in->total; i++) {
        if (in->children[i] != ACT_SLOT_NONE)
            act_vec_push(&run->stack, act_handle(act_at(run, in->children[i])));
    }
}

struct found {
    uint64_t order;
    act_inst inst;
};

static int
by_order(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Fills inside->targets, the latest last. False: there is nothing to undo. */
bool
act_undo_collect(struct act_run *run, struct act_instance *inst)
{
    ACT_VEC(struct found) found = {0};
    if (inst->no_undo || inst->inside == NULL || !act_holds_undo(run, inst->node))
        return false;
    act_vec_clear(&run->stack);
    look_inside(run, inst);
    while (run->stack.len > 0) {
        struct act_instance *at = act_slab_get(&run->slab, act_vec_pop(&run->stack));
        bool succeeded = at->state == ACT_STATE_DONE && at->status == ACT_STATUS_SUCCEEDED;
        if (at->undone || at->cause == ACT_CAUSE_CACHE)
            continue; /* what was reused has done nothing here */
        if (succeeded && has_undo(run, at)) {
            struct found one = {at->order, act_handle(at)};
            act_vec_push(&found, one);
        } else if (act_holds_undo(run, at->node)) {
            look_inside(run, at);
        }
    }
    if (found.len > 1)
        qsort(found.ptr, found.len, sizeof(*found.ptr), by_order);
    act_vec_clear(&inst->inside->targets);
    for (uint32_t i = 0; i < found.len; i++)
        act_vec_push(&inst->inside->targets, found.ptr[i].inst);
    act_vec_fini(&found);
    return inst->inside->targets.len > 0;
}

void
act_undo_next(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    struct act_instance *target = NULL;
    while (target == NULL && in->targets.len > 0)
        target = act_slab_get(&run->slab, act_vec_pop(&in->targets));
    if (target == NULL) {
        act_instance_move(run, inst, ACT_MOVE_SETTLE);
        return;
    }
    act_cache_forget(run, target, inst);
    uint32_t node = act_plan_child(run->plan, target->node, ACT_ROLE_UNDO);
    struct act_value *result =
        target->result != NULL ? act_value_retain(target->result) : act_value_null();
    struct act_instance *undo = act_spawn(run, target, node, 0, result);
    undo->elided = false;
    undo->undo_for = inst->slot;
    target->undo = undo->slot;
    act_push(run, undo, ACT_STEP_BEGIN);
}

static void
mark(struct act_run *run, struct act_instance *target, const struct act_instance *owner,
     const struct act_instance *undo)
{
    uint32_t most = undo->attempt > undo->most_inside ? undo->attempt : undo->most_inside;
    target->undone = true;
    for (struct act_instance *at = target; at != NULL; at = act_parent(run, at)) {
        if (most > at->most_inside)
            at->most_inside = most;
        at->undone_inside = true;
        if (at == owner)
            break;
        if (run->ledger != NULL)
            act_ledger_undone(run, at);
    }
}

void
act_undo_ended(struct act_run *run, struct act_instance *undo)
{
    struct act_instance *target = act_parent(run, undo);
    struct act_instance *owner = act_at(run, undo->undo_for);
    struct act_event event = act_stamp(run, ACT_EVENT_UNDONE, target);
    event.status = (enum act_status)undo->status;
    event.cause = (enum act_cause)undo->cause;
    event.error = undo->error;
    act_log(run, &event);
    mark(run, target, owner, undo);
    target->undo = ACT_SLOT_NONE;
    act_slab_free(&run->slab, undo);
    ACT_ASSERT(owner->state == ACT_STATE_UNDOING);
    act_undo_next(run, owner);
}
