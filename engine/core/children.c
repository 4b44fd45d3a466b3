/* Making instances, and how the ended ones count. */
#include "base/assert.h"
#include "engine/core/machine.h"

bool
act_kind_is_task(enum act_kind kind)
{
    return kind == ACT_KIND_RUN || kind == ACT_KIND_EXEC || kind == ACT_KIND_PLUGIN ||
           kind == ACT_KIND_PYTHON || kind == ACT_KIND_CALL;
}

bool
act_kind_repeats(enum act_kind kind)
{
    return kind == ACT_KIND_FOR || kind == ACT_KIND_MATRIX || kind == ACT_KIND_WHILE ||
           kind == ACT_KIND_UNTIL;
}

bool
act_kind_is_members(enum act_kind kind)
{
    return kind == ACT_KIND_GROUP || kind == ACT_KIND_RACE || kind == ACT_KIND_DAG ||
           kind == ACT_KIND_FOR || kind == ACT_KIND_MATRIX;
}

bool
act_kind_is_call(enum act_kind kind)
{
    return kind == ACT_KIND_TASK || kind == ACT_KIND_WORKFLOW;
}

static bool
hides_turns(const struct act_run *run, const struct act_instance *parent)
{
    enum act_kind kind = act_kind_of(run, parent);
    return (kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL) &&
           (act_node(run, parent->node)->flags & ACT_NODE_PURE);
}

static void
enter_box(struct act_run *run, struct act_instance *inst, const struct act_instance *parent)
{
    const struct act_plan_node *node = act_node(run, inst->node);
    inst->calls = parent->calls + (node->role == ACT_ROLE_ROOT);
    if (node->flags & ACT_NODE_CLOSED) {
        inst->env = act_value_retain(run->env);
        const struct act_value *folder = act_plan_literal(run->plan, inst->node, ACT_ATTR_FOLDER);
        inst->dir = folder != NULL ? act_value_retain(folder) : act_value_cstring("");
        return;
    }
    inst->env = parent->env != NULL ? act_value_retain(parent->env) : NULL;
    inst->dir = parent->dir != NULL ? act_value_retain(parent->dir) : NULL;
}

uint32_t
act_attempts_used(const struct act_instance *inst)
{
    bool idle = inst->begun < inst->attempt && inst->status != ACT_STATUS_SUCCEEDED &&
                inst->status != ACT_STATUS_FAILED;
    uint32_t own = idle ? inst->attempt - 1 : inst->attempt;
    return own > inst->most_inside ? own : inst->most_inside;
}

void
act_children_clear(struct act_run *run, struct act_instance *inst)
{
    if (run->ledger != NULL)
        act_ledger_cleared(run, inst);
    act_instance_clear_inside(&run->slab, inst);
    if (inst->most_inside > inst->inside_floor)
        inst->inside_floor = inst->most_inside;
}

void
act_child_drop(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    struct act_inside *in = inst->inside;
    uint32_t used = act_attempts_used(child);
    if (run->ledger != NULL)
        act_ledger_cleared(run, child);
    if (used > inst->inside_floor) {
        while (in->floors.len <= child->number)
            act_vec_push(&in->floors, 0);
        in->floors.ptr[child->number] = used;
    }
    act_slab_free(&run->slab, child);
}

static uint32_t
floor_of(const struct act_instance *parent, uint32_t number)
{
    const struct act_inside *in = parent->inside;
    uint32_t own = in != NULL && number < in->floors.len ? in->floors.ptr[number] : 0;
    return own > parent->inside_floor ? own : parent->inside_floor;
}

struct act_instance *
act_spawn(struct act_run *run, struct act_instance *parent, uint32_t node, uint32_t number,
          struct act_value *input)
{
    struct act_instance *inst = act_slab_take(&run->slab);
    inst->node = node;
    inst->parent = parent != NULL ? parent->slot : ACT_SLOT_NONE;
    inst->undo = inst->undo_for = ACT_SLOT_NONE;
    inst->number = number;
    inst->exit_code = -1;
    inst->due_ms = -1;
    inst->input = input;
    if (parent != NULL) {
        inst->depth = parent->depth + 1;
        inst->floor = floor_of(parent, number);
        inst->priority = parent->priority;
        inst->elided = parent->elided || hides_turns(run, parent);
        enter_box(run, inst, parent);
    }
    inst->attempt = inst->floor + 1;
    inst->inside_floor = inst->most_inside = inst->floor;
    return inst;
}

struct act_inside *
act_inside_make(struct act_run *run, struct act_instance *inst, uint32_t total)
{
    (void)run;
    ACT_ASSERT(inst->inside == NULL);
    struct act_inside *in = act_zalloc(1, sizeof(*in));
    in->total = total;
    in->children = act_alloc(((size_t)total + 1) * sizeof(*in->children));
    for (uint32_t i = 0; i < total; i++)
        in->children[i] = ACT_SLOT_NONE;
    inst->inside = in;
    return in;
}

struct act_instance *
act_child(const struct act_run *run, const struct act_instance *inst, uint32_t position)
{
    const struct act_inside *in = inst->inside;
    if (in == NULL || position >= in->total)
        return NULL;
    return act_at(run, in->children[position]);
}

struct act_instance *
act_child_with(const struct act_run *run, const struct act_instance *inst, enum act_role role)
{
    uint32_t node = act_plan_child(run->plan, inst->node, role);
    return node == ACT_NODE_NONE ? NULL : act_child(run, inst, act_node(run, node)->index);
}

void
act_begin_child(struct act_run *run, struct act_instance *inst, uint32_t position,
                struct act_value *input)
{
    uint32_t node = run->plan->children.ptr[act_node(run, inst->node)->first_child + position];
    struct act_instance *child = act_spawn(run, inst, node, position, input);
    inst->inside->children[position] = child->slot;
    inst->inside->live++;
    if (!act_cancel_meets(run, child))
        act_push(run, child, ACT_STEP_BEGIN);
}

void
act_forgive(struct act_run *run, struct act_instance *inst, uint32_t count)
{
    run->tolerated += count;
    inst->forgiven += count;
}

enum act_count
act_counts_as(const struct act_instance *inst)
{
    if (inst->status == ACT_STATUS_SUCCEEDED)
        return ACT_COUNT_SUCCEEDED;
    if (inst->status == ACT_STATUS_FAILED)
        return inst->tolerated ? ACT_COUNT_TOLERATED : ACT_COUNT_FAILED;
    return ACT_COUNT_SKIPPED;
}
