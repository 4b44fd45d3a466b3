/* From a key to its instance. */
#include "engine/core/machine.h"

struct level {
    uint32_t node;
    uint32_t number; /* turn or item */
};
struct levels {
    struct level *ptr;
    uint32_t len, cap;
};

/* Innermost first; false: no key of this plan. */
static bool
levels_of(const struct act_run *run, struct act_key key, struct levels *levels)
{
    uint32_t node = key.node, left = key.count;
    for (;;) {
        if (node >= run->plan->nodes.len)
            return false;
        const struct act_plan_node *n = act_node(run, node);
        struct level level = {node, 0};
        bool called = n->parent == ACT_NODE_NONE;
        if (called && left == 0) {
            act_vec_push(levels, level);
            return node == 0;
        }
        if (!called && n->role == ACT_ROLE_DO &&
            act_kind_repeats((enum act_kind)act_node(run, n->parent)->kind)) {
            if (left == 0)
                return false;
            level.number = key.numbers[--left];
        }
        act_vec_push(levels, level);
        node = called ? key.numbers[--left] : n->parent;
    }
}

static struct act_instance *
turn(const struct act_run *run, const struct act_instance *at, uint32_t number)
{
    const struct act_inside *in = at->inside;
    if (in->ends != NULL) /* for, matrix */
        return act_child(run, at, number);
    for (uint32_t i = in->total; i-- > 0;) {
        struct act_instance *child = act_at(run, in->children[i]);
        if (child->number == number)
            return child;
    }
    return NULL;
}

static struct act_instance *
down(const struct act_run *run, const struct act_instance *at, struct level level)
{
    const struct act_plan_node *node = act_node(run, level.node);
    if (node->role == ACT_ROLE_UNDO)
        return act_at(run, at->undo);
    if (at->inside == NULL)
        return NULL;
    if (node->role == ACT_ROLE_ROOT)
        return act_child(run, at, at->inside->total - 1);
    if (node->role == ACT_ROLE_DO && act_kind_repeats(act_kind_of(run, at)))
        return turn(run, at, level.number);
    return act_child(run, at, node->index);
}

act_inst
act_run_find(const struct act_run *run, struct act_key key)
{
    struct levels levels = {0};
    struct act_instance *at = NULL;
    if (run->root != ACT_SLOT_NONE && levels_of(run, key, &levels)) {
        at = act_at(run, run->root);
        for (uint32_t i = levels.len - 1; i-- > 0 && at != NULL;)
            at = down(run, at, levels.ptr[i]);
    }
    act_vec_fini(&levels);
    return at != NULL && at->node == key.node ? act_handle(at) : ACT_INST_NONE;
}
