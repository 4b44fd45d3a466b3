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

/* Down from what climb found; ret_last is the last instance on the way that is there. */
static struct act_instance *
descend(const struct act_run *run, const struct act_instance *inst, uint32_t x,
        struct act_instance **ret_last, uint32_t *ret_left)
{
    uint32_t path[LEVELS_MAX], len = 0;
    struct act_instance *at = climb(run, inst, x);
    *ret_last = at;
    *ret_left = 0;
    if (at == NULL)
        return NULL;
    for (uint32_t node = x; node != at->node; node = act_node(run, node)->parent) {
        if (len == LEVELS_MAX)
            return NULL;
        path[len++] = act_node(run, node)->index;
    }
    while (len > 0 && at != NULL) {
        *ret_last = at;
        *ret_left = len;
        if (act_kind_repeats(act_kind_of(run, at)))
            return NULL; /* its turns and items are another box */
        at = act_child(run, at, path[--len]);
    }
    return at;
}

/* ret_parent (may be NULL) gets the instance x is a child of, if that is there. */
struct act_instance *
act_resolve(const struct act_run *run, const struct act_instance *inst, uint32_t x,
            struct act_instance **ret_parent)
{
    struct act_instance *last;
    uint32_t left;
    struct act_instance *at = descend(run, inst, x, &last, &left);
    if (ret_parent != NULL)
        *ret_parent = left == 1 && !act_kind_repeats(act_kind_of(run, last)) ? last : NULL;
    return at;
}

/* May what last is on the way to still begin? Not the branch that was not taken, nor what a chain that
 * failed did not come to. */
static bool
may_begin(const struct act_run *run, const struct act_instance *last)
{
    enum act_kind kind = act_kind_of(run, last);
    bool chosen = (kind == ACT_KIND_IF || kind == ACT_KIND_SWITCH) && last->inside != NULL;
    return !chosen && last->state != ACT_STATE_DONE;
}

/* The innermost instance around x that is there, when x is not there yet and may still begin. */
struct act_instance *
act_resolve_box(const struct act_run *run, const struct act_instance *inst, uint32_t x)
{
    struct act_instance *last;
    uint32_t left;
    bool there = descend(run, inst, x, &last, &left) != NULL;
    if (there || last == NULL || act_kind_repeats(act_kind_of(run, last)))
        return NULL;
    return may_begin(run, last) ? last : NULL;
}

/* What never began is pending, and skipped when it can no longer begin. */
enum act_status
act_resolve_status(const struct act_run *run, const struct act_instance *inst, uint32_t x)
{
    struct act_instance *last;
    uint32_t left;
    const struct act_instance *at = descend(run, inst, x, &last, &left);
    if (at != NULL)
        return act_instance_status(at);
    return last == NULL || may_begin(run, last) ? ACT_STATUS_PENDING : ACT_STATUS_SKIPPED;
}
