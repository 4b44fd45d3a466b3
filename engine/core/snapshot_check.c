/* Is a state that was read one that the machine may be in? It relies on much without looking: that what
 * is inside a node is what the plan says, that values are of the type they must be, that what has ended
 * well has a result. */
#include "engine/core/snapshot.h"

#define IN(value, ...)                                                                             \
    is_in(value, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool
is_in(uint8_t value, const uint8_t *list, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (list[i] == value)
            return true;
    }
    return false;
}

static bool
is_type(const struct act_value *v, enum act_type type)
{
    return v != NULL && act_value_type(v) == type;
}

static bool
is_none_or(const struct act_value *v, enum act_type type)
{
    return v == NULL || act_value_type(v) == type;
}

/* ---- values ---- */

static bool
is_error(const struct act_value *v)
{
    return v == NULL || (act_value_type(v) == ACT_MAP &&
                         is_type(act_member(v, ACT_STR("message")), ACT_STRING) &&
                         is_type(act_member(v, ACT_STR("causes")), ACT_LIST));
}

static bool
is_env(const struct act_value *v)
{
    if (!is_type(v, ACT_LIST) || act_value_len(v) != 2)
        return false;
    const struct act_value *own = act_value_at(v, 0);
    if (act_value_type(own) != ACT_MAP || act_value_type(act_value_at(v, 1)) != ACT_MAP)
        return false;
    for (uint32_t i = 0; i < act_value_len(own); i++) {
        enum act_type type = act_value_type(act_value_at(own, i));
        if (type != ACT_STRING && type != ACT_NULL)
            return false;
    }
    return true;
}

static bool
values_are_well(const struct act_instance *inst)
{
    bool won = inst->decided && inst->status == ACT_STATUS_SUCCEEDED;
    return is_error(inst->error) && is_env(inst->env) && is_type(inst->dir, ACT_STRING) &&
           is_none_or(inst->params, ACT_MAP) && is_none_or(inst->outputs, ACT_MAP) &&
           is_none_or(inst->answers, ACT_MAP) && is_none_or(inst->artifacts, ACT_MAP) &&
           (!won || inst->result != NULL) &&
           (inst->asking == ACT_STEP_NONE) == (inst->question == NULL) &&
           is_none_or(inst->origin, ACT_MAP) &&
           (is_none_or(inst->question, ACT_LIST) || is_none_or(inst->question, ACT_MAP));
}

/* ---- tasks ---- */

static bool
are_texts(const struct act_value *list)
{
    if (act_value_type(list) != ACT_LIST)
        return false;
    for (uint32_t i = 0; i < act_value_len(list); i++) {
        if (act_value_type(act_value_at(list, i)) != ACT_STRING)
            return false;
    }
    return true;
}

/* What executors rely on. */
bool
act_snapshot_fits_task(const struct act_task *task)
{
    bool function = task->kind == ACT_KIND_PLUGIN || task->kind == ACT_KIND_PYTHON ||
                    task->kind == ACT_KIND_CALL;
    bool exec = task->kind == ACT_KIND_EXEC;
    const struct act_value *args = task->args;
    if (exec != (task->argv != NULL) ||
        (exec && (!are_texts(task->argv) || act_value_len(task->argv) == 0)))
        return false;
    if (args != NULL && (exec || (function ? act_value_type(args) != ACT_LIST : !are_texts(args))))
        return false;
    if (task->with != NULL && (!function || act_value_type(task->with) != ACT_MAP))
        return false;
    if (task->actor_with != NULL && act_value_type(task->actor_with) != ACT_MAP)
        return false;
    return task->env != NULL && act_value_type(task->env) == ACT_MAP &&
           (task->stdin_value == NULL || !function);
}

/* ---- what is inside ---- */

static bool
is_loop(enum act_kind kind)
{
    return kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL;
}

static bool
is_each(enum act_kind kind)
{
    return kind == ACT_KIND_FOR || kind == ACT_KIND_MATRIX;
}

/* How many children a node of this kind has room for. */
static bool
total_is_well(const struct act_run *run, const struct act_instance *inst)
{
    const struct act_inside *in = inst->inside;
    enum act_kind kind = act_kind_of(run, inst);
    uint32_t own = act_node(run, inst->node)->child_count;
    bool undo = act_plan_child(run->plan, inst->node, ACT_ROLE_UNDO) != ACT_NODE_NONE;
    if (is_loop(kind))
        return true;
    if (is_each(kind))
        return is_type(in->items, ACT_LIST) && in->total == act_value_len(in->items);
    if (act_kind_is_call(kind))
        return in->total == own + 1;
    if (kind == ACT_KIND_CANCEL)
        return in->total == 0;
    if (kind == ACT_KIND_TRY || kind == ACT_KIND_CHORD)
        return in->total == own;
    return act_ops(kind)->composite && in->total == own - undo;
}

/* The plan node that stands at position i. */
static uint32_t
node_at(const struct act_run *run, const struct act_instance *inst, uint32_t i)
{
    const struct act_plan_node *node = act_node(run, inst->node);
    if (act_kind_repeats(act_kind_of(run, inst)))
        return act_plan_child(run->plan, inst->node, ACT_ROLE_DO);
    if (i < node->child_count)
        return run->plan->children.ptr[node->first_child + i];
    const uint32_t *target = act_plan_attr(run->plan, inst->node, ACT_ATTR_TARGET);
    return target != NULL ? *target : ACT_NODE_NONE;
}

static bool
child_is_well(const struct act_run *run, const struct act_instance *inst, uint32_t i,
              const struct act_instance *child)
{
    enum act_role role = act_role_of(run, child);
    return child->parent == inst->slot && child->node == node_at(run, inst, i) &&
           child->depth == inst->depth + 1 && role != ACT_ROLE_UNDO &&
           (is_loop(act_kind_of(run, inst)) || child->number == i);
}

static struct act_instance *
live_at(const struct act_run *run, uint32_t slot)
{
    if (slot >= run->slab.used)
        return NULL;
    struct act_instance *inst = &run->slab.chunks[slot / 256][slot % 256];
    return inst->generation != 0 ? inst : NULL;
}

/* Every child, and how many of them their parent waits for. */
static bool
children_are_well(const struct act_run *run, const struct act_instance *inst, uint32_t *placed)
{
    const struct act_inside *in = inst->inside;
    uint32_t live = 0;
    bool loop = is_loop(act_kind_of(run, inst));
    for (uint32_t i = 0; i < in->total; i++) {
        if (in->children[i] == ACT_SLOT_NONE && !loop)
            continue;
        const struct act_instance *child = live_at(run, in->children[i]);
        if (child == NULL || !child_is_well(run, inst, i, child))
            return false;
        live += child->state != ACT_STATE_DONE || !child->seen;
        ++*placed;
    }
    bool waits = inst->state == ACT_STATE_RUNNING || inst->state == ACT_STATE_STOPPING;
    return live == in->live && (live == 0 || waits);
}

static bool
members_are_well(const struct act_run *run, const struct act_instance *inst)
{
    const struct act_inside *in = inst->inside;
    enum act_kind kind = act_kind_of(run, inst);
    bool each = is_each(kind);
    if ((in->ends != NULL) != each || in->next > in->total || in->queue_head > in->queue.len)
        return false;
    for (uint32_t i = 0; each && i < in->total; i++) {
        if (in->ends[i] > ACT_STATUS_SUSPENDED)
            return false;
    }
    if (kind != ACT_KIND_DAG)
        return in->waiting == NULL && in->queue.len == 0 && (!in->reached || in->current != NULL);
    for (uint32_t i = 0; i < in->queue.len; i++) {
        if (in->queue.ptr[i] >= in->total || in->children[in->queue.ptr[i]] == ACT_SLOT_NONE)
            return false;
    }
    return in->waiting != NULL || in->total == 0;
}

static bool
has_role(const struct act_run *run, const struct act_instance *inst, enum act_role role)
{
    uint32_t node = act_plan_child(run->plan, inst->node, role);
    return node != ACT_NODE_NONE &&
           inst->inside->children[act_node(run, node)->index] != ACT_SLOT_NONE;
}

static bool
targets_are_well(const struct act_run *run, const struct act_instance *inst)
{
    const struct act_inside *in = inst->inside;
    for (uint32_t i = 0; act_kind_of(run, inst) != ACT_KIND_CANCEL && i < in->targets.len; i++) {
        const struct act_instance *target = act_slab_get(&run->slab, in->targets.ptr[i]);
        if (target != NULL &&
            act_plan_child(run->plan, target->node, ACT_ROLE_UNDO) == ACT_NODE_NONE)
            return false;
    }
    return true;
}

static bool
inside_is_well(const struct act_run *run, const struct act_instance *inst, uint32_t *placed)
{
    const struct act_inside *in = inst->inside;
    enum act_kind kind = act_kind_of(run, inst);
    if (in == NULL)
        return true;
    if (!total_is_well(run, inst) || !children_are_well(run, inst, placed) ||
        !targets_are_well(run, inst))
        return false;
    if (act_kind_is_members(kind))
        return members_are_well(run, inst);
    if (in->ends != NULL || in->waiting != NULL || in->queue.len > 0)
        return false;
    if (kind == ACT_KIND_CHAIN || is_loop(kind))
        return in->current != NULL && (is_loop(kind) || in->next <= in->total);
    if (kind == ACT_KIND_TRY)
        return has_role(run, inst, ACT_ROLE_BODY) && is_error(in->current);
    return kind != ACT_KIND_CHORD || has_role(run, inst, ACT_ROLE_MEMBERS);
}

/* ---- undo ---- */

static bool
undo_is_well(const struct act_run *run, const struct act_instance *inst, uint32_t *placed)
{
    if (act_role_of(run, inst) == ACT_ROLE_UNDO && inst->parent != ACT_SLOT_NONE) {
        const struct act_instance *owner = live_at(run, inst->undo_for);
        const struct act_instance *target = live_at(run, inst->parent);
        if (owner == NULL || owner->state != ACT_STATE_UNDOING || owner->inside == NULL ||
            target == NULL || target->undo != inst->slot)
            return false;
    } else if (inst->undo_for != ACT_SLOT_NONE) {
        return false;
    }
    if (inst->undo == ACT_SLOT_NONE)
        return true;
    const struct act_instance *undo = live_at(run, inst->undo);
    ++*placed;
    return undo != NULL && undo->parent == inst->slot && undo->depth == inst->depth + 1 &&
           undo->node == act_plan_child(run->plan, inst->node, ACT_ROLE_UNDO);
}

/* ---- one instance ---- */

static bool
state_is_well(const struct act_run *run, const struct act_instance *inst)
{
    enum act_kind kind = act_kind_of(run, inst);
    bool task = act_kind_is_task(kind), limits = act_has(run, inst->node, ACT_ATTR_LIMITS);
    if (inst->state >= ACT_STATE_COUNT || inst->status > ACT_STATUS_SUSPENDED ||
        inst->cause > ACT_CAUSE_RACE)
        return false;
    if (IN(inst->state, ACT_STATE_READY, ACT_STATE_ACTIVE) && !task)
        return false;
    if ((inst->state == ACT_STATE_UNDOING && inst->inside == NULL) ||
        (inst->state == ACT_STATE_LIMITED && !inst->holds) || (inst->holds && !limits))
        return false;
    bool over =
        IN(inst->state, ACT_STATE_STOPPING, ACT_STATE_SETTLING, ACT_STATE_UNDOING, ACT_STATE_DONE);
    return !over || inst->decided;
}

static bool
is_root_or_inside(const struct act_run *run, const struct act_instance *inst)
{
    if (inst->parent == ACT_SLOT_NONE)
        return inst->slot == run->root && inst->node == 0 && inst->depth == 0;
    return live_at(run, inst->parent) != NULL;
}

static bool
instances_are_well(const struct act_run *run)
{
    uint32_t placed = 1, in_flight = 0;
    for (uint32_t slot = 0; slot < run->slab.used; slot++) {
        const struct act_instance *inst = live_at(run, slot);
        if (inst == NULL)
            continue;
        if (!is_root_or_inside(run, inst) || !values_are_well(inst) || !state_is_well(run, inst) ||
            !inside_is_well(run, inst, &placed) || !undo_is_well(run, inst, &placed))
            return false;
        in_flight += inst->state == ACT_STATE_ACTIVE || (inst->state == ACT_STATE_STOPPING &&
                                                         act_kind_is_task(act_kind_of(run, inst)));
    }
    return placed == run->slab.live && in_flight == run->in_flight;
}

static bool
spare_is_well(const struct act_run *run)
{
    const struct act_slab *slab = &run->slab;
    if (slab->spare.len != slab->used - slab->live)
        return false;
    uint8_t *seen = act_zalloc((size_t)slab->used + 1, 1);
    bool fine = true;
    for (uint32_t i = 0; fine && i < slab->spare.len; i++) {
        uint32_t slot = slab->spare.ptr[i];
        fine = slot < slab->used && live_at(run, slot) == NULL && !seen[slot];
        if (fine)
            seen[slot] = 1;
    }
    act_free(seen);
    return fine;
}

/* ---- steps ---- */

/* May the step be done on inst, whenever it comes? */
static bool
step_is_well(const struct act_run *run, const struct act_instance *inst, enum act_step step)
{
    enum act_kind kind = act_kind_of(run, inst);
    switch (step) {
    case ACT_STEP_NONE:
    case ACT_STEP_BEGIN:
    case ACT_STEP_ATTEMPT:
    case ACT_STEP_SETTLE: return true;
    case ACT_STEP_START:
        return !inst->opened || inst->inside == NULL || is_loop(kind) || inst->reopening;
    case ACT_STEP_NEXT: return is_loop(kind);
    case ACT_STEP_CHILD: return inst->parent != ACT_SLOT_NONE;
    case ACT_STEP_QUORUM:
        return inst->parent != ACT_SLOT_NONE && act_kind_is_members(kind) && inst->inside != NULL &&
               inst->inside->current != NULL;
    }
    return false;
}

static bool
begins(enum act_step step)
{
    return step == ACT_STEP_BEGIN || step == ACT_STEP_ATTEMPT || step == ACT_STEP_START;
}

/* An attempt begins once. */
static bool
steps_are_well(const struct act_run *run)
{
    uint8_t *begun = act_zalloc((size_t)run->slab.used + 1, 1);
    bool fine = true;
    for (uint32_t slot = 0; fine && slot < run->slab.used; slot++) {
        const struct act_instance *inst = live_at(run, slot);
        if (inst == NULL)
            continue;
        fine =
            inst->asking <= ACT_STEP_QUORUM && step_is_well(run, inst, (enum act_step)inst->asking);
        begun[slot] = begins((enum act_step)inst->asking);
    }
    for (uint32_t i = 0; fine && i < run->ring_len; i++) {
        struct act_work work = run->ring[(run->ring_head + i) & (run->ring_cap - 1)];
        const struct act_instance *inst = act_slab_get(&run->slab, work.inst);
        if (inst == NULL)
            continue;
        fine = step_is_well(run, inst, work.step) && !(begins(work.step) && begun[inst->slot]);
        begun[inst->slot] |= begins(work.step);
    }
    act_free(begun);
    return fine;
}

static bool
cancels_are_well(const struct act_run *run)
{
    for (uint32_t i = 0; i < run->cancels.len; i++) {
        const struct act_instance *inst = act_slab_get(&run->slab, run->cancels.ptr[i]);
        if (inst != NULL && (act_kind_of(run, inst) != ACT_KIND_CANCEL || inst->inside == NULL))
            return false;
    }
    for (uint32_t i = 0; i < run->doomed.len; i++) {
        if (run->doomed.ptr[i].node >= run->plan->nodes.len)
            return false;
    }
    return true;
}

bool
act_snapshot_check(struct act_run *run)
{
    return run->status != ACT_STATUS_PENDING && live_at(run, run->root) != NULL &&
           spare_is_well(run) && instances_are_well(run) && steps_are_well(run) &&
           cancels_are_well(run);
}
