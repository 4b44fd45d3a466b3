/* `needs` of a dag's members, once all of them are there. */
#include "dsl/lower.h"

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

struct members {
    uint32_t dag;
    const struct act_box *box; /* that their ids stand in */
    uint32_t *needer;          /* by position: who named it last, so that nobody names it twice */
};

static int
read_end(struct act_lower *l, const struct act_tree *tree)
{
    static const char *const ends[] = {"succeeded", "failed", "skipped", "cancelled", "ended"};
    if (act_tree_is_text(tree))
        for (uint32_t i = 0; i < COUNT(ends); i++)
            if (act_str_is(tree->text, ends[i]))
                return i == 4 ? ACT_END_ANY : 1 << i;
    struct act_str names[COUNT(ends)];
    for (uint32_t i = 0; i < COUNT(ends); i++)
        names[i] = act_str(ends[i]);
    struct act_diag *d = ACT_ERROR(l, "wrong-value", tree->span, "this is no end of a node");
    struct act_str best =
        act_tree_is_text(tree) ? act_nearest(tree->text, names, COUNT(ends)) : (struct act_str){0};
    if (best.len)
        ACT_HELP(l, d, "did you mean `%.*s`?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "ends are succeeded, failed, skipped, cancelled, and ended for any of them");
    return 0;
}

static uint8_t
read_ends(struct act_lower *l, const struct act_tree *tree)
{
    int ends = 0;
    if (tree->type != ACT_TREE_LIST)
        return (uint8_t)read_end(l, tree);
    for (uint32_t i = 0; i < tree->count; i++)
        ends |= read_end(l, tree->items[i]);
    if (tree->count == 0)
        ACT_HELP(l, ACT_ERROR(l, "empty-node", tree->span, "no end is named here"),
                 "ends are succeeded, failed, skipped, cancelled, and ended for any of them");
    return (uint8_t)ends;
}

static struct act_str
nearest_member(const struct act_lower *l, uint32_t dag, struct act_str name)
{
    const struct act_plan_node *n = &l->plan->nodes.ptr[dag];
    ACT_VEC(struct act_str) names = {0};
    for (uint32_t i = 0; i < n->child_count && i < 5000; i++) {
        uint32_t child = l->plan->children.ptr[n->first_child + i];
        if (child != ACT_NODE_NONE && l->plan->nodes.ptr[child].id != ACT_NODE_NONE)
            act_vec_push(&names, act_plan_text(l->plan, l->plan->nodes.ptr[child].id));
    }
    struct act_str best = act_nearest(name, names.ptr, names.len);
    act_vec_fini(&names);
    return best;
}

/* The member that name names, or ACT_NODE_NONE after a diagnostic. */
static uint32_t
find_member(struct act_lower *l, const struct members *m, struct act_str name, struct act_span span)
{
    const struct act_plan_node *nodes = l->plan->nodes.ptr;
    uint32_t found = act_box_find(m->box, name);
    if (found != ACT_NODE_NONE && nodes[found].parent == m->dag &&
        nodes[found].role == ACT_ROLE_ITEM)
        return found;
    struct act_diag *d =
        ACT_ERROR(l, "unknown-id", span, "this dag has no node '%.*s'", ACT_STR_ARG(name));
    if (d == &l->diags->spare)
        return ACT_NODE_NONE;
    struct act_str best = nearest_member(l, m->dag, name);
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "`needs` names siblings: keys of the same `dag`");
    return ACT_NODE_NONE;
}

static void
add_need(struct act_lower *l, struct members *m, uint32_t node, struct act_str name,
         struct act_span span, uint8_t ends, bool plain)
{
    struct act_plan *plan = l->plan;
    struct act_plan_node *n = &plan->nodes.ptr[node];
    uint32_t member = find_member(l, m, name, span);
    if (member == ACT_NODE_NONE || !ends)
        return;
    uint32_t *needer = &m->needer[plan->nodes.ptr[member].index];
    if (*needer == node) {
        ACT_HELP(
            l, ACT_ERROR(l, "duplicate-key", span, "'%.*s' is needed twice", ACT_STR_ARG(name)),
            "name it once; several ends are `{%.*s: [succeeded, skipped]}`", ACT_STR_ARG(name));
        return;
    }
    *needer = node;
    act_vec_push(&plan->needs,
                 ((struct act_plan_need){.node = member, .ends = ends, .plain = plain}));
    n->need_count++;
}

static bool
is_guarded(const struct act_lower *l, uint32_t node)
{
    return act_plan_attr(l->plan, node, ACT_ATTR_GUARD) ||
           (l->plan->nodes.ptr[node].kind == ACT_KIND_IF &&
            act_plan_child(l->plan, node, ACT_ROLE_ELSE) == ACT_NODE_NONE);
}

/* Of two guarded nodes one is likely skipped, and with it what needs both: say what is meant. */
static void
check_guarded(struct act_lower *l, uint32_t node, const struct act_tree *tree)
{
    const struct act_plan_node *n = &l->plan->nodes.ptr[node];
    struct act_str ids[2];
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->need_count && count < 2; i++) {
        uint32_t on = l->plan->needs.ptr[n->first_need + i].node;
        if (is_guarded(l, on))
            ids[count++] = act_plan_text(l->plan, l->plan->nodes.ptr[on].id);
    }
    if (count < 2)
        return;
    struct act_diag *d = ACT_ERROR(l, "needs-guarded", tree->span,
                                   "'%.*s' and '%.*s' both have an `if`: which ends count?",
                                   ACT_STR_ARG(ids[0]), ACT_STR_ARG(ids[1]));
    ACT_HELP(l, d,
             "write `needs: {%.*s: [succeeded, skipped], %.*s: [succeeded, skipped]}`, or "
             "`succeeded` if both must run",
             ACT_STR_ARG(ids[0]), ACT_STR_ARG(ids[1]));
}

static void
lower_needs_of(struct act_lower *l, struct members *m, uint32_t node, const struct act_tree *tree)
{
    l->plan->nodes.ptr[node].first_need = l->plan->needs.len;
    if (tree->type == ACT_TREE_MAP) {
        for (uint32_t i = 0; i < tree->count; i++) {
            const struct act_tree_pair *p = &tree->pairs[i];
            add_need(l, m, node, p->key, p->key_span, read_ends(l, p->value), false);
        }
        return;
    }
    uint32_t count = tree->type == ACT_TREE_LIST ? tree->count : 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct act_tree *one = tree->type == ACT_TREE_LIST ? tree->items[i] : tree;
        if (!act_tree_is_text(one)) {
            struct act_diag *d = act_wrong_type(l, one, "needs", "ids");
            ACT_HELP(l, d, "write `needs: [a, b]`, or `needs: {a: failed, b: ended}`");
        } else if (act_check_plain(l, one, "needs")) {
            add_need(l, m, node, one->text, one->span, ACT_END_SUCCEEDED, true);
        }
    }
    check_guarded(l, node, tree);
}

void
act_lower_needs(struct act_lower *l, uint32_t dag, const struct act_box *box,
                const struct act_tree *tree)
{
    struct members m = {.dag = dag, .box = box};
    uint32_t first = l->plan->nodes.ptr[dag].first_child, child = 0;
    if (l->plan->nodes.ptr[dag].child_count == 0)
        return;
    /* 0: nobody; no dag's member is the first node. */
    m.needer = act_zalloc(l->plan->nodes.ptr[dag].child_count, sizeof(*m.needer));
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree *node = tree->pairs[i].value;
        if (act_str_starts(tree->pairs[i].key, ACT_STR("x-")))
            continue;
        const struct act_tree *needs =
            node->type == ACT_TREE_MAP ? act_tree_get(node, "needs") : NULL;
        if (needs)
            lower_needs_of(l, &m, l->plan->children.ptr[first + child], needs);
        child++;
    }
    act_free(m.needer);
    act_vec_push(&l->dags, dag);
}
