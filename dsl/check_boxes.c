/* Boxes that call one another: circles without a way out, limits inside of limits; and the flags that
 * say what is inside of a node. */
#include "dsl/lower.h"

/* What a plan node is called in a message: its task, its file. */
static struct act_str
box_name(const struct act_lower *l, uint32_t root)
{
    for (uint32_t i = 0; i < l->jobs.len; i++)
        if (l->jobs.ptr[i].root == root)
            return l->jobs.ptr[i].task ? l->jobs.ptr[i].task->name : l->jobs.ptr[i].file->path;
    return ACT_STR("?");
}

struct edge { /* a call, from the box it stands in */
    uint32_t from, to, node, limits;
    bool unguarded;
};
struct edges {
    ACT_VEC(struct edge) list; /* by `from` */
    uint32_t *first;           /* one a plan node: its first edge, if it is a root */
};

/* The first item of a chain that is a `wait`, so that nothing after it runs before a signal came. */
static uint32_t *
find_waits(const struct act_lower *l)
{
    const struct act_plan *plan = l->plan;
    uint32_t *waits = act_alloc(plan->nodes.len * sizeof(*waits));
    memset(waits, 0xFF, plan->nodes.len * sizeof(*waits));
    for (uint32_t i = plan->nodes.len; i-- > 0;) {
        const struct act_plan_node *n = &plan->nodes.ptr[i];
        bool waiting =
            n->kind == ACT_KIND_WAIT || (n->kind == ACT_KIND_CHAIN && waits[i] != UINT32_MAX);
        if (waiting && n->parent != ACT_NODE_NONE && !act_plan_attr(plan, i, ACT_ATTR_GUARD) &&
            plan->nodes.ptr[n->parent].kind == ACT_KIND_CHAIN && n->index < waits[n->parent])
            waits[n->parent] = n->index;
    }
    return waits;
}

static bool
is_unguarded(const struct act_lower *l, const uint32_t *waits, uint32_t node, uint32_t *ret_root)
{
    const struct act_plan_node *nodes = l->plan->nodes.ptr;
    bool unguarded = true;
    for (;; node = nodes[node].parent) {
        const struct act_plan_node *n = &nodes[node];
        if (act_plan_attr(l->plan, node, ACT_ATTR_GUARD))
            unguarded = false;
        if (n->parent == ACT_NODE_NONE)
            break;
        enum act_kind around = (enum act_kind)nodes[n->parent].kind;
        if (n->role != ACT_ROLE_ITEM && n->role != ACT_ROLE_MEMBERS && n->role != ACT_ROLE_BODY &&
            n->role != ACT_ROLE_FINALLY && !(around == ACT_KIND_CHORD))
            unguarded = false; /* a branch, a loop's body, a catch, an undo */
        if (around == ACT_KIND_SWITCH || (around == ACT_KIND_CHAIN && waits[n->parent] < n->index))
            unguarded = false;
    }
    *ret_root = node;
    return unguarded;
}

static void
gather_edges(const struct act_lower *l, struct edges *edges)
{
    uint32_t *waits = find_waits(l);
    uint32_t count = l->plan->nodes.len;
    ACT_VEC(struct edge) all = {0};
    edges->first = act_zalloc((size_t)count + 1, sizeof(*edges->first));
    for (uint32_t i = 0; i < l->calls.len; i++) {
        const struct act_call *call = &l->calls.ptr[i];
        struct edge e = {.node = call->node, .limits = call->limits};
        e.to = l->jobs.ptr[call->job].root;
        e.unguarded = is_unguarded(l, waits, call->node, &e.from);
        if (e.to == ACT_NODE_NONE)
            continue;
        act_vec_push(&all, e);
        edges->first[e.from + 1]++;
    }
    for (uint32_t i = 0; i < count; i++)
        edges->first[i + 1] += edges->first[i];
    uint32_t *at = act_alloc(((size_t)count + 1) * sizeof(*at));
    memcpy(at, edges->first, ((size_t)count + 1) * sizeof(*at));
    edges->list.ptr = act_zalloc(all.len, sizeof(*edges->list.ptr));
    edges->list.len = edges->list.cap = all.len;
    for (uint32_t i = 0; i < all.len; i++)
        edges->list.ptr[at[all.ptr[i].from]++] = all.ptr[i];
    act_vec_fini(&all);
    act_free(at);
    act_free(waits);
}

/* ---- circles */

struct walk {            /* the way down, from the first box to the one that is looked at */
    uint32_t root, next; /* next: its next edge */
};
typedef ACT_VEC(struct walk) way;

static void
report_endless(struct act_lower *l, const way *stack, const struct edge *last)
{
    struct act_buf path = {0};
    uint32_t begin = stack->len, shown = 0;
    while (begin > 0 && stack->ptr[begin - 1].root != last->to)
        begin--;
    begin -= begin > 0;
    for (uint32_t i = begin; i < stack->len && shown < 12; i++, shown++)
        act_buf_printf(&path, "%.*s → ", ACT_STR_ARG(box_name(l, stack->ptr[i].root)));
    struct act_str name = box_name(l, last->to);
    struct act_diag *d = ACT_ERROR(
        l, "endless", l->spans.ptr[last->node], "this goes round without end: %.*s%s%.*s",
        (int)path.len, path.ptr, shown < stack->len - begin ? "… → " : "", ACT_STR_ARG(name));
    ACT_HELP(l, d,
             "put a guard (`if`), a branch, a loop or an earlier `wait` between, that ends it");
    act_buf_fini(&path);
}

static void
check_endless(struct act_lower *l, const struct edges *edges)
{
    enum { NEW, OPEN, DONE };
    uint8_t *state = act_zalloc(l->plan->nodes.len, 1);
    way stack = {0};
    for (uint32_t i = 0; i < l->jobs.len; i++) {
        uint32_t root = l->jobs.ptr[i].root;
        if (root == ACT_NODE_NONE || state[root] != NEW)
            continue;
        act_vec_push(&stack, ((struct walk){root, edges->first[root]}));
        state[root] = OPEN;
        while (stack.len) {
            struct walk *top = act_vec_last(&stack);
            if (top->next == edges->first[top->root + 1]) {
                state[top->root] = DONE;
                (void)act_vec_pop(&stack);
                continue;
            }
            const struct edge *e = &edges->list.ptr[top->next++];
            if (!e->unguarded)
                continue;
            if (state[e->to] == OPEN)
                report_endless(l, &stack, e);
            else if (state[e->to] == NEW) {
                state[e->to] = OPEN;
                act_vec_push(&stack, ((struct walk){e->to, edges->first[e->to]}));
            }
        }
    }
    act_vec_fini(&stack);
    act_free(state);
}

/* ---- limits */

static void
check_limits(struct act_lower *l, const struct edges *edges)
{
    const struct act_plan_node *nodes = l->plan->nodes.ptr;
    uint8_t *takes = act_zalloc(l->plan->nodes.len, 1);
    bool changed = l->limit_nodes.len > 0;
    for (uint32_t i = 0; i < l->limit_nodes.len; i++) {
        uint32_t at = l->limit_nodes.ptr[i];
        while (nodes[at].parent != ACT_NODE_NONE)
            at = nodes[at].parent;
        takes[at] = 1;
    }
    while (changed) { /* as often as boxes stand in one another */
        changed = false;
        for (uint32_t i = edges->list.len; i-- > 0;) {
            const struct edge *e = &edges->list.ptr[i];
            changed |= takes[e->to] && !takes[e->from];
            takes[e->from] |= takes[e->to];
        }
    }
    for (uint32_t i = 0; i < edges->list.len; i++) {
        const struct edge *e = &edges->list.ptr[i];
        if (e->limits == ACT_NODE_NONE || !takes[e->to])
            continue;
        struct act_str name = box_name(l, e->to);
        struct act_diag *d =
            ACT_ERROR(l, "nested-limits", l->spans.ptr[e->node],
                      "`limits` inside of `limits`: '%.*s' takes some, too", ACT_STR_ARG(name));
        if (e->limits != e->node)
            act_diag_related(l->diags, d, l->spans.ptr[e->limits], "this node takes limits");
        ACT_HELP(l, d, "they would wait for each other: let one node take all of them together");
    }
    act_free(takes);
}

/* ---- flags */

static bool
asks_the_world(const struct act_plan *plan)
{
    for (uint32_t i = 0; i < plan->exprs.nodes.len; i++) {
        const struct act_expr_node *e = &plan->exprs.nodes.ptr[i];
        if (e->op == ACT_OP_CALL && strcmp(act_expr_function(e->aux)->name, "hashFiles") == 0)
            return true;
    }
    return false;
}

static bool
is_pure_kind(uint8_t kind)
{
    return kind == ACT_KIND_VALUE || kind == ACT_KIND_IF || kind == ACT_KIND_SWITCH ||
           kind == ACT_KIND_CHAIN || kind == ACT_KIND_FOR || kind == ACT_KIND_WHILE ||
           kind == ACT_KIND_UNTIL;
}

static bool
is_pure(const struct act_plan *plan, uint32_t node)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    if (!is_pure_kind(n->kind))
        return false;
    for (uint32_t i = 0; i < n->attr_count; i++) {
        uint32_t key = plan->attrs.ptr[n->first_attr + i].key;
        bool parks = key == ACT_ATTR_DELAY || key == ACT_ATTR_AT || key == ACT_ATTR_TIMEOUT ||
                     key == ACT_ATTR_LIMITS || key == ACT_ATTR_UNSUPPORTED ||
                     (key >= ACT_ATTR_RETRY_MAX && key <= ACT_ATTR_RETRY_WHEN);
        if (parks)
            return false;
    }
    for (uint32_t i = 0; i < n->child_count; i++) {
        const struct act_plan_node *c = &plan->nodes.ptr[plan->children.ptr[n->first_child + i]];
        if (c->role == ACT_ROLE_UNDO || !(c->flags & ACT_NODE_PURE))
            return false;
    }
    return true;
}

static bool
has_undo_inside(const struct act_plan *plan, uint32_t node)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    const uint32_t *target = act_plan_attr(plan, node, ACT_ATTR_TARGET);
    if (target && *target != ACT_NODE_NONE &&
        (plan->nodes.ptr[*target].flags & ACT_NODE_UNDO_INSIDE))
        return true;
    for (uint32_t i = 0; i < n->child_count; i++) {
        const struct act_plan_node *c = &plan->nodes.ptr[plan->children.ptr[n->first_child + i]];
        if (c->role == ACT_ROLE_UNDO || (c->flags & ACT_NODE_UNDO_INSIDE))
            return true;
    }
    return false;
}

static void
set_flags(struct act_plan *plan)
{
    bool world = asks_the_world(plan), changed = true;
    for (uint32_t i = plan->nodes.len; i-- > 0 && !world;)
        if (is_pure(plan, i))
            plan->nodes.ptr[i].flags |= ACT_NODE_PURE;
    while (changed) { /* again only for boxes that call one another */
        changed = false;
        for (uint32_t i = plan->nodes.len; i-- > 0;) {
            struct act_plan_node *n = &plan->nodes.ptr[i];
            if ((n->flags & ACT_NODE_UNDO_INSIDE) || !has_undo_inside(plan, i))
                continue;
            n->flags |= ACT_NODE_UNDO_INSIDE;
            changed |= n->parent == ACT_NODE_NONE;
        }
    }
}

void
act_check_boxes(struct act_lower *l)
{
    struct edges edges = {0};
    if (l->calls.len) {
        gather_edges(l, &edges);
        check_endless(l, &edges);
        check_limits(l, &edges);
        act_vec_fini(&edges.list);
        act_free(edges.first);
    }
    if (l->diags->error_count == 0)
        set_flags(l->plan);
}
