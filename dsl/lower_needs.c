/* `needs` of a dag's members, once all of them are there. */
#include "dsl/lower.h"

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

struct members {
    struct act_map names; /* → plan node */
    uint32_t *needer;     /* by position: who named it last, so that nobody names it twice */
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

/* The member that name names, or NULL after a diagnostic. */
static const uint64_t *
find_member(struct act_lower *l, const struct act_map *members, struct act_str name,
            struct act_span span)
{
    const uint64_t *found = act_map_get(members, name);
    if (found)
        return found;
    struct act_diag *d =
        ACT_ERROR(l, "unknown-id", span, "this dag has no node '%.*s'", ACT_STR_ARG(name));
    if (d == &l->diags->spare)
        return NULL;
    ACT_VEC(struct act_str) names = {0};
    for (uint32_t i = 0; i < members->len; i++)
        act_vec_push(&names, members->entries[i].key);
    struct act_str best = act_nearest(name, names.ptr, names.len);
    act_vec_fini(&names);
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "`needs` names siblings: keys of the same `dag`");
    return NULL;
}

static void
add_need(struct act_lower *l, struct members *m, uint32_t node, struct act_str name,
         struct act_span span, uint8_t ends, bool plain)
{
    struct act_plan *plan = l->plan;
    struct act_plan_node *n = &plan->nodes.ptr[node];
    const uint64_t *member = find_member(l, &m->names, name, span);
    if (!member || !ends)
        return;
    uint32_t *needer = &m->needer[plan->nodes.ptr[*member].index];
    if (*needer == node) {
        ACT_HELP(
            l, ACT_ERROR(l, "duplicate-key", span, "'%.*s' is needed twice", ACT_STR_ARG(name)),
            "name it once; several ends are `{%.*s: [succeeded, skipped]}`", ACT_STR_ARG(name));
        return;
    }
    *needer = node;
    act_vec_push(&plan->needs,
                 ((struct act_plan_need){.node = (uint32_t)*member, .ends = ends, .plain = plain}));
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
act_lower_needs(struct act_lower *l, uint32_t dag, const struct act_tree *tree)
{
    struct members m = {0};
    const struct act_plan_node *n = &l->plan->nodes.ptr[dag];
    if (n->child_count == 0)
        return;
    const uint32_t *children = l->plan->children.ptr + n->first_child;
    uint32_t child = 0;
    for (uint32_t i = 0; i < tree->count; i++)
        if (!act_str_starts(tree->pairs[i].key, ACT_STR("x-")))
            act_map_put(&m.names, tree->pairs[i].key, children[child++]);
    m.needer =
        act_zalloc(child, sizeof(*m.needer)); /* 0: nobody; the dag itself is before its members */
    child = 0;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree *node = tree->pairs[i].value;
        if (act_str_starts(tree->pairs[i].key, ACT_STR("x-")))
            continue;
        const struct act_tree *needs =
            node->type == ACT_TREE_MAP ? act_tree_get(node, "needs") : NULL;
        if (needs)
            lower_needs_of(
                l, &m, l->plan->children.ptr[l->plan->nodes.ptr[dag].first_child + child], needs);
        child++;
    }
    act_map_fini(&m.names);
    act_free(m.needer);
    act_vec_push(&l->dags, dag);
}
