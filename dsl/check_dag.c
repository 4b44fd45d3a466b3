/* The needs of dags: circles, and who comes after whom. */
#include "dsl/lower.h"

#define PATH_NAMES_MAX 12u
#define LOOK_BACK_MAX 4096u

static uint32_t
members_of(const struct act_lower *l, const struct act_plan_node *dag)
{
    uint32_t count = dag->child_count;
    if (count && l->plan->nodes.ptr[l->plan->children.ptr[dag->first_child + count - 1]].role ==
                     ACT_ROLE_UNDO)
        count--;
    return count;
}

static struct act_str
id_of(const struct act_lower *l, uint32_t node)
{
    uint32_t id = l->plan->nodes.ptr[node].id;
    return id == ACT_NODE_NONE ? ACT_STR("?") : act_plan_text(l->plan, id);
}

/* left: needs of each member not yet met; all that is left stands in a circle or after one. */
static void
report_circle(struct act_lower *l, const struct act_plan_node *dag, uint32_t count,
              const uint32_t *left)
{
    const struct act_plan *plan = l->plan;
    const uint32_t *children = plan->children.ptr + dag->first_child;
    uint8_t *seen = act_zalloc(count, 1);
    uint32_t at = 0;
    while (left[at] == 0)
        at++;
    while (!seen[at]) {
        const struct act_plan_node *n = &plan->nodes.ptr[children[at]];
        seen[at] = 1;
        for (uint32_t i = 0; i < n->need_count; i++) {
            uint32_t on = plan->nodes.ptr[plan->needs.ptr[n->first_need + i].node].index;
            if (left[on]) {
                at = on;
                break;
            }
        }
    }
    struct act_buf path = {0};
    uint32_t first = at, names = 0;
    do {
        const struct act_plan_node *n = &plan->nodes.ptr[children[at]];
        if (names++ < PATH_NAMES_MAX)
            act_buf_printf(&path, "%.*s → ", ACT_STR_ARG(id_of(l, children[at])));
        for (uint32_t i = 0; i < n->need_count; i++) {
            uint32_t on = plan->nodes.ptr[plan->needs.ptr[n->first_need + i].node].index;
            if (left[on] && seen[on]) {
                at = on;
                break;
            }
        }
    } while (at != first && names < count + 1);
    if (names > PATH_NAMES_MAX)
        act_buf_printf(&path, "… (%u more) → ", names - PATH_NAMES_MAX);
    struct act_diag *d = ACT_ERROR(l, "cycle", l->spans.ptr[children[first]],
                                   "these nodes need each other in a circle: %.*s%.*s",
                                   (int)path.len, path.ptr, ACT_STR_ARG(id_of(l, children[first])));
    ACT_HELP(l, d, "take one of the `needs` away; what repeats is a `while` or an `until`");
    act_buf_fini(&path);
    act_free(seen);
}

/* Kahn: members in the order in which they can run. */
static void
check_dag(struct act_lower *l, uint32_t node)
{
    const struct act_plan *plan = l->plan;
    const struct act_plan_node *dag = &plan->nodes.ptr[node];
    const uint32_t *children = plan->children.ptr + dag->first_child;
    uint32_t count = members_of(l, dag), edges = 0, known = 0;
    for (uint32_t k = 0; k < count; k++)
        edges += plan->nodes.ptr[children[k]].need_count;
    uint32_t *left = act_zalloc(count, sizeof(*left));
    uint32_t *first = act_zalloc((size_t)count + 1, sizeof(*first));
    uint32_t *users = act_zalloc(edges, sizeof(*users));
    uint32_t *order = l->order + dag->first_child;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t k = 0; k < count; k++) {
            const struct act_plan_node *c = &plan->nodes.ptr[children[k]];
            for (uint32_t e = 0; e < c->need_count; e++) {
                uint32_t on = plan->nodes.ptr[plan->needs.ptr[c->first_need + e].node].index;
                if (pass == 0)
                    first[on + 1]++;
                else
                    users[first[on] + left[on]++] = k;
            }
        }
        for (uint32_t k = 0; pass == 0 && k < count; k++)
            first[k + 1] += first[k];
    }
    for (uint32_t k = 0; k < count; k++) {
        left[k] = plan->nodes.ptr[children[k]].need_count;
        if (left[k] == 0)
            order[known++] = children[k];
    }
    for (uint32_t taken = 0; taken < known; taken++) {
        uint32_t at = plan->nodes.ptr[order[taken]].index;
        for (uint32_t e = first[at]; e < first[at + 1]; e++) {
            uint32_t user = children[users[e]];
            if (l->levels[user] < l->levels[order[taken]] + 1)
                l->levels[user] = l->levels[order[taken]] + 1;
            if (--left[users[e]] == 0)
                order[known++] = user;
        }
    }
    if (known < count)
        report_circle(l, dag, count, left);
    for (; known < count; known++)
        order[known] = ACT_NODE_NONE;
    act_free(left);
    act_free(first);
    act_free(users);
}

void
act_check_dags(struct act_lower *l)
{
    l->levels = act_zalloc(l->plan->nodes.len, sizeof(*l->levels));
    l->order = act_zalloc(l->plan->children.len, sizeof(*l->order));
    for (uint32_t i = 0; i < l->dags.len; i++)
        check_dag(l, l->dags.ptr[i]);
}

/* A forest over the members: each hangs from the last one it needs. With the jumps beside it, whether
 * one member hangs under another is answered in logarithmic time, and most answers are found so. */
static void
hang(struct act_forest *forest, uint32_t node, uint32_t from)
{
    uint32_t jump = forest->jump[from];
    forest->depth[node] = forest->depth[from] + 1;
    forest->up[node] = from;
    bool even = forest->depth[from] - forest->depth[jump] ==
                forest->depth[jump] - forest->depth[forest->jump[jump]];
    forest->jump[node] = even ? forest->jump[jump] : from;
}

static void
grow_forest(struct act_lower *l, struct act_forest *forest, bool strong)
{
    const struct act_plan *plan = l->plan;
    size_t count = plan->nodes.len;
    forest->up = act_alloc(count * sizeof(*forest->up));
    forest->jump = act_alloc(count * sizeof(*forest->jump));
    forest->depth = act_zalloc(count, sizeof(*forest->depth));
    for (uint32_t i = 0; i < count; i++)
        forest->up[i] = forest->jump[i] = i; /* roots hang from themselves */
    for (uint32_t i = 0; i < l->dags.len; i++) {
        const struct act_plan_node *dag = &plan->nodes.ptr[l->dags.ptr[i]];
        uint32_t members = members_of(l, dag);
        for (uint32_t k = 0; k < members; k++) {
            uint32_t node = l->order[dag->first_child + k];
            if (node == ACT_NODE_NONE)
                break;
            const struct act_plan_node *n = &plan->nodes.ptr[node];
            for (uint32_t e = n->need_count; e-- > 0;) {
                const struct act_plan_need *need = &plan->needs.ptr[n->first_need + e];
                if (strong && need->ends != ACT_END_SUCCEEDED)
                    continue;
                hang(forest, node, need->node);
                break;
            }
        }
    }
}

static bool
hangs_under(const struct act_forest *forest, uint32_t node, uint32_t from)
{
    while (forest->depth[node] > forest->depth[from]) {
        bool far = forest->depth[forest->jump[node]] >= forest->depth[from];
        node = far ? forest->jump[node] : forest->up[node];
    }
    return node == from;
}

/* Backwards from `from` by needs, never past the level of `to`. 1: found, 0: not there, -1: given up
 * after LOOK_BACK_MAX steps; then the answer is found once for all readers of `to` (mark_after). */
static int
look_back(struct act_lower *l, uint32_t from, uint32_t to, bool strong)
{
    const struct act_plan *plan = l->plan;
    const struct act_forest *forest = &l->forests[strong];
    ACT_VEC(uint32_t) stack = {0};
    uint32_t steps = 0;
    int found = 0;
    act_vec_push(&stack, from);
    while (stack.len && !found && steps++ < LOOK_BACK_MAX) {
        uint32_t at = act_vec_pop(&stack);
        const struct act_plan_node *n = &plan->nodes.ptr[at];
        found = at != to && hangs_under(forest, at, to);
        for (uint32_t i = 0; i < n->need_count; i++) {
            const struct act_plan_need *need = &plan->needs.ptr[n->first_need + i];
            if (strong && need->ends != ACT_END_SUCCEEDED)
                continue;
            found |= need->node == to;
            if (l->levels[need->node] > l->levels[to])
                act_vec_push(&stack, need->node);
        }
    }
    if (!found && stack.len)
        found = -1;
    act_vec_fini(&stack);
    return found;
}

/* All members after `to`, in one pass over the dag in order; kept until another `to` is asked for. */
static void
mark_after(struct act_lower *l, uint32_t to, bool strong)
{
    const struct act_plan *plan = l->plan;
    const struct act_plan_node *dag = &plan->nodes.ptr[plan->nodes.ptr[to].parent];
    uint32_t count = members_of(l, dag);
    struct act_after *after = &l->after[strong];
    if (after->to == to && after->marks)
        return;
    act_free(after->marks);
    after->marks = act_zalloc(count, 1);
    after->to = to;
    after->marks[plan->nodes.ptr[to].index] = 1;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t member = l->order[dag->first_child + k];
        if (member == ACT_NODE_NONE)
            break;
        const struct act_plan_node *n = &plan->nodes.ptr[member];
        for (uint32_t i = 0; i < n->need_count; i++) {
            const struct act_plan_need *need = &plan->needs.ptr[n->first_need + i];
            if ((!strong || need->ends == ACT_END_SUCCEEDED) &&
                after->marks[plan->nodes.ptr[need->node].index])
                after->marks[n->index] = 1;
        }
    }
}

bool
act_dag_after(struct act_lower *l, uint32_t from, uint32_t to, bool strong)
{
    if (!l->forests[strong].up)
        grow_forest(l, &l->forests[strong], strong);
    int found = look_back(l, from, to, strong);
    if (found >= 0)
        return found > 0;
    mark_after(l, to, strong);
    return l->after[strong].marks[l->plan->nodes.ptr[from].index] != 0;
}
