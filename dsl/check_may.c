/* Which nodes may be skipped, or fail without failing what is around them? */
#include "dsl/lower.h"

static bool
may_skip(const struct act_lower *l, uint32_t node)
{
    return node == ACT_NODE_NONE || (l->may[node] & ACT_MAY_SKIP);
}

static bool
any_child_skips(const struct act_lower *l, const struct act_plan_node *n, enum act_role role)
{
    for (uint32_t i = 0; i < n->child_count; i++) {
        uint32_t child = l->plan->children.ptr[n->first_child + i];
        if (l->plan->nodes.ptr[child].role == role && may_skip(l, child))
            return true;
    }
    return false;
}

static bool
all_children_skip(const struct act_lower *l, const struct act_plan_node *n)
{
    for (uint32_t i = 0; i < n->child_count; i++)
        if (!may_skip(l, l->plan->children.ptr[n->first_child + i]))
            return false;
    return true;
}

/* `if switch try task workflow` are skipped when the node that they ran was. */
static bool
kind_skips(const struct act_lower *l, uint32_t node)
{
    const struct act_plan *plan = l->plan;
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    switch ((enum act_kind)n->kind) {
    case ACT_KIND_IF:
        return may_skip(l, act_plan_child(plan, node, ACT_ROLE_THEN)) ||
               may_skip(l, act_plan_child(plan, node, ACT_ROLE_ELSE));
    case ACT_KIND_SWITCH:
        return may_skip(l, act_plan_child(plan, node, ACT_ROLE_DEFAULT)) ||
               any_child_skips(l, n, ACT_ROLE_ITEM);
    case ACT_KIND_TRY: return may_skip(l, act_plan_child(plan, node, ACT_ROLE_BODY));
    case ACT_KIND_RACE: return all_children_skip(l, n);
    case ACT_KIND_TASK:
    case ACT_KIND_WORKFLOW: {
        const uint32_t *target = act_plan_attr(plan, node, ACT_ATTR_TARGET);
        return target && *target != ACT_NODE_NONE && may_skip(l, *target);
    }
    case ACT_KIND_RUN:
    case ACT_KIND_EXEC:
    case ACT_KIND_PLUGIN:
    case ACT_KIND_PYTHON:
    case ACT_KIND_CALL:
    case ACT_KIND_SLEEP:
    case ACT_KIND_WAIT:
    case ACT_KIND_SIGNAL:
    case ACT_KIND_VALUE:
    case ACT_KIND_FAIL:
    case ACT_KIND_RETURN:
    case ACT_KIND_CANCEL:
    case ACT_KIND_CHAIN:
    case ACT_KIND_GROUP:
    case ACT_KIND_CHORD:
    case ACT_KIND_DAG:
    case ACT_KIND_FOR:
    case ACT_KIND_MATRIX:
    case ACT_KIND_WHILE:
    case ACT_KIND_UNTIL: break;
    }
    return false;
}

/* A skip cascades along plain needs; a gate on other ends may not open. */
static bool
cascade(struct act_lower *l, const struct act_plan_node *dag)
{
    const struct act_plan *plan = l->plan;
    bool changed = false;
    for (uint32_t k = 0; k < dag->child_count; k++) {
        uint32_t member = l->order[dag->first_child + k];
        if (member == ACT_NODE_NONE || member == 0 || may_skip(l, member))
            continue;
        const struct act_plan_node *n = &plan->nodes.ptr[member];
        for (uint32_t i = 0; i < n->need_count; i++) {
            const struct act_plan_need *need = &plan->needs.ptr[n->first_need + i];
            bool open = need->ends == ACT_END_ANY ||
                        (need->ends == ACT_END_SUCCEEDED && !may_skip(l, need->node)) ||
                        need->ends == (ACT_END_SUCCEEDED | ACT_END_SKIPPED);
            if (open)
                continue;
            l->may[member] |= ACT_MAY_SKIP;
            changed = true;
            break;
        }
    }
    return changed;
}

void
act_check_may(struct act_lower *l)
{
    const struct act_plan *plan = l->plan;
    bool changed = true;
    l->may = act_zalloc(plan->nodes.len, 1);
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        l->may[i] = act_plan_attr(plan, i, ACT_ATTR_GUARD) ? ACT_MAY_SKIP : 0;
        l->may[i] |= act_plan_attr(plan, i, ACT_ATTR_ON_ERROR) ? ACT_MAY_FAIL : 0;
    }
    while (changed) { /* again only for boxes that call one another */
        changed = false;
        for (uint32_t i = plan->nodes.len; i-- > 0;) {
            if (!(l->may[i] & ACT_MAY_SKIP) && kind_skips(l, i)) {
                l->may[i] |= ACT_MAY_SKIP;
                changed |= plan->nodes.ptr[i].parent == ACT_NODE_NONE;
            }
            if (plan->nodes.ptr[i].kind == ACT_KIND_DAG)
                cascade(l, &plan->nodes.ptr[i]);
        }
    }
}
