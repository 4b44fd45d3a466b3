/* Which instance a name means, seen from another one. */
#include "engine/core/machine.h"

#define LEVELS_MAX 1024

static bool
contains(const struct act_run *run, uint32_t outer, uint32_t x)
{
    while (x > outer && x != ACT_NODE_NONE)
        x = act_node(run, x)->parent;
    return x == outer;
}

static struct act_instance *
climb(const struct act_run *run, const struct act_instance *inst, uint32_t x)
{
    for (const struct act_instance *at = inst; at != NULL; at = act_parent(run, at)) {
        if (contains(run, at->node, x))
            return act_at(run, at->slot);
        if (act_role_of(run, at) == ACT_ROLE_ROOT)
            break;
    }
    return NULL;
}

/* ret_parent (may be NULL) gets the instance x is a child of, if that is there. */
struct act_instance *
act_resolve(const struct act_run *run, const struct act_instance *inst, uint32_t x,
            struct act_instance **ret_parent)
{
    uint32_t path[LEVELS_MAX], len = 0;
    struct act_instance *at = climb(run, inst, x);
    if (ret_parent != NULL)
        *ret_parent = NULL;
    if (at == NULL)
        return NULL;
    for (uint32_t node = x; node != at->node; node = act_node(run, node)->parent) {
        if (len == LEVELS_MAX)
            return NULL;
        path[len++] = act_node(run, node)->index;
    }
    while (len > 0 && at != NULL) {
        if (act_kind_repeats(act_kind_of(run, at)))
            return NULL; /* its turns and items are another box */
        if (len == 1 && ret_parent != NULL)
            *ret_parent = at;
        at = act_child(run, at, path[--len]);
    }
    return at;
}
