#include "dsl/plan_diff.h"

#include "base/map.h"
#include "dsl/plan_align.h"
#include "dsl/plan_attr_text.h"

struct pair {
    uint32_t a, b; /* ACT_NODE_NONE: it is not there */
    bool moved;
};
struct pairs {
    ACT_VEC(struct pair) list;
};

struct differ {
    struct act_plan_side a, b;
    struct act_plan_diff *ret;
    struct act_str box;
    struct pairs todo; /* what is pushed last is looked at first */
    struct act_attr_texts one, other;
};

/* ---- one node ---- */

static struct act_str
path_of(struct differ *d, const struct act_plan *plan, uint32_t node)
{
    struct act_buf path = {0};
    act_plan_path(&path, plan, node);
    struct act_str kept = act_arena_str(&d->ret->arena, act_buf_str(&path));
    act_buf_fini(&path);
    return kept;
}

static struct act_str
id_of(const struct act_plan *plan, uint32_t node)
{
    uint32_t id = plan->nodes.ptr[node].id;
    return id == ACT_NODE_NONE ? (struct act_str){0} : act_plan_text(plan, id);
}

static void
add_attr(struct differ *d, struct act_str name, struct act_str a, struct act_str b)
{
    struct act_plan_diff_attr attr = {name, a, b};
    act_vec_push(&d->ret->attrs, attr);
}

static void
tell(struct differ *d, const struct act_plan_side *side, uint32_t node, struct act_attr_texts *ret)
{
    act_vec_clear(ret);
    if (node == ACT_NODE_NONE)
        return;
    if (node == 0)
        act_plan_top_texts(side->plan, &d->ret->arena, ret);
    act_plan_attr_texts(side->plan, node, &d->ret->arena, ret);
}

static void
compare_attrs(struct differ *d, struct pair pair)
{
    struct act_map names = {0};
    struct act_str absent = {0};
    tell(d, &d->a, pair.a, &d->one);
    tell(d, &d->b, pair.b, &d->other);
    for (uint32_t k = 0; k < d->other.len; k++)
        act_map_put(&names, d->other.ptr[k].name, k);
    for (uint32_t i = 0; i < d->one.len; i++) {
        uint64_t *k = act_map_get(&names, d->one.ptr[i].name);
        struct act_str now = k ? d->other.ptr[*k].value : absent;
        if (!k || !act_str_eq(d->one.ptr[i].value, now))
            add_attr(d, d->one.ptr[i].name, d->one.ptr[i].value, now);
        if (k)
            *k = UINT64_MAX;
    }
    for (uint32_t k = 0; k < d->other.len; k++) {
        const uint64_t *left = act_map_get(&names, d->other.ptr[k].name);
        if (left && *left != UINT64_MAX)
            add_attr(d, d->other.ptr[k].name, absent, d->other.ptr[k].value);
    }
    act_map_fini(&names);
}

static void
compare_heads(struct differ *d, struct pair pair)
{
    const struct act_plan_node *one = &d->a.plan->nodes.ptr[pair.a];
    const struct act_plan_node *other = &d->b.plan->nodes.ptr[pair.b];
    struct act_str ids[] = {id_of(d->a.plan, pair.a), id_of(d->b.plan, pair.b)};
    if (one->kind != other->kind)
        add_attr(d, ACT_STR("kind"), act_str(act_kind_key((enum act_kind)one->kind)),
                 act_str(act_kind_key((enum act_kind)other->kind)));
    if (!act_str_eq(ids[0], ids[1]))
        add_attr(d, ACT_STR("id"), ids[0], ids[1]);
    if (pair.moved)
        add_attr(d, ACT_STR("place"), path_of(d, d->a.plan, pair.a), path_of(d, d->b.plan, pair.b));
}

static void
compare_node(struct differ *d, struct pair pair)
{
    const struct act_plan *plan = pair.b == ACT_NODE_NONE ? d->a.plan : d->b.plan;
    uint32_t node = pair.b == ACT_NODE_NONE ? pair.a : pair.b;
    bool both = pair.a != ACT_NODE_NONE && pair.b != ACT_NODE_NONE;
    uint32_t first = d->ret->attrs.len;
    if (both)
        compare_heads(d, pair);
    compare_attrs(d, pair);
    if (both && d->ret->attrs.len == first)
        return;
    struct act_plan_diff_node row = {
        .change = both                      ? ACT_PLAN_CHANGED
                  : pair.a == ACT_NODE_NONE ? ACT_PLAN_ADDED
                                            : ACT_PLAN_REMOVED,
        .box = d->box,
        .path = path_of(d, plan, node),
        .id = id_of(plan, node),
        .kind = plan->nodes.ptr[node].kind,
        .first = first,
        .count = d->ret->attrs.len - first,
    };
    act_vec_push(&d->ret->nodes, row);
}

/* ---- what is in it ---- */

static bool
has_order(const struct act_plan_node *n)
{
    return n->kind == ACT_KIND_CHAIN || n->kind == ACT_KIND_GROUP || n->kind == ACT_KIND_RACE;
}

/* Of what both have, all but a longest row that kept its order has moved. */
static void
mark_moved(const uint32_t *mate, uint32_t count, bool *moved)
{
    uint32_t *ends = act_zalloc(count + 1, sizeof(*ends)),
             len = 0; /* smallest end of each length */
    uint32_t *before = act_zalloc(count + 1, sizeof(*before));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t low = 0, high = len;
        moved[i] = mate[i] != ACT_NODE_NONE;
        if (!moved[i])
            continue;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (mate[ends[middle]] < mate[i])
                low = middle + 1;
            else
                high = middle;
        }
        before[i] = low > 0 ? ends[low - 1] : ACT_NODE_NONE;
        ends[low] = i;
        len = low == len ? len + 1 : len;
    }
    for (uint32_t i = len > 0 ? ends[len - 1] : ACT_NODE_NONE; i != ACT_NODE_NONE; i = before[i])
        moved[i] = false;
    act_free(ends);
    act_free(before);
}

static const uint32_t *
children_of(const struct act_plan *plan, const struct act_plan_node *n)
{
    return n->child_count > 0 ? plan->children.ptr + n->first_child : NULL;
}

/* Pushes the pairs in b's order, what is gone where it stood in a; the last one first. */
static void
push_children(struct differ *d, struct pair pair)
{
    const struct act_plan_node *x = &d->a.plan->nodes.ptr[pair.a];
    const struct act_plan_node *y = &d->b.plan->nodes.ptr[pair.b];
    const uint32_t *as = children_of(d->a.plan, x), *bs = children_of(d->b.plan, y);
    uint32_t *mate = act_zalloc(x->child_count + 1, sizeof(*mate));
    uint32_t *back = act_zalloc(y->child_count + 1, sizeof(*back));
    bool *moved = act_zalloc(x->child_count + 1, sizeof(*moved));
    act_plan_align(&d->a, pair.a, &d->b, pair.b, mate);
    if (has_order(x) && has_order(y))
        mark_moved(mate, x->child_count, moved);
    memset(back, 0xFF, (y->child_count + 1) * sizeof(*back));
    for (uint32_t i = 0; i < x->child_count; i++)
        if (mate[i] != ACT_NODE_NONE)
            back[mate[i]] = i;
    struct pairs row = {0};
    uint32_t i = 0;
    for (uint32_t k = 0; k <= y->child_count; k++) {
        uint32_t until = k == y->child_count        ? x->child_count
                         : back[k] == ACT_NODE_NONE ? i
                                                    : back[k];
        for (; i < until; i++)
            if (mate[i] == ACT_NODE_NONE)
                act_vec_push(&row.list, ((struct pair){as[i], ACT_NODE_NONE, false}));
        if (k < y->child_count)
            act_vec_push(&row.list,
                         ((struct pair){back[k] == ACT_NODE_NONE ? ACT_NODE_NONE : as[back[k]],
                                        bs[k], back[k] != ACT_NODE_NONE && moved[back[k]]}));
    }
    while (row.list.len > 0)
        act_vec_push(&d->todo.list, act_vec_pop(&row.list));
    act_vec_fini(&row.list);
    act_free(mate);
    act_free(back);
    act_free(moved);
}

static void
push_all(struct differ *d, const struct act_plan *plan, uint32_t node, bool added)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    for (uint32_t i = n->child_count; i-- > 0;) {
        uint32_t child = plan->children.ptr[n->first_child + i];
        act_vec_push(&d->todo.list, added ? ((struct pair){ACT_NODE_NONE, child, false})
                                          : ((struct pair){child, ACT_NODE_NONE, false}));
    }
}

static bool
is_same(const struct differ *d, struct pair pair)
{
    return pair.a != 0 && pair.b != 0 && !pair.moved &&
           memcmp(&d->a.whole[pair.a], &d->b.whole[pair.b], sizeof(d->a.whole[0])) == 0 &&
           act_str_eq(id_of(d->a.plan, pair.a), id_of(d->b.plan, pair.b));
}

static void
compare_trees(struct differ *d, struct act_str box, uint32_t a, uint32_t b)
{
    d->box = box;
    act_vec_push(&d->todo.list, ((struct pair){a, b, false}));
    while (d->todo.list.len > 0) {
        struct pair pair = act_vec_pop(&d->todo.list);
        bool both = pair.a != ACT_NODE_NONE && pair.b != ACT_NODE_NONE;
        if (both && is_same(d, pair))
            continue;
        compare_node(d, pair);
        if (both)
            push_children(d, pair);
        else if (pair.b == ACT_NODE_NONE)
            push_all(d, d->a.plan, pair.a, false);
        else
            push_all(d, d->b.plan, pair.b, true);
    }
}

/* ---- boxes ---- */

/* "tasks.build", "sub/child.yaml", "sub/child.yaml tasks.build"; with a number where that is not one box. */
static struct act_str
box_name(struct differ *d, const struct act_plan *plan, uint32_t root, uint32_t user,
         struct act_map *taken)
{
    const struct act_value *called =
        user == ACT_NODE_NONE ? NULL : act_plan_literal(plan, user, ACT_ATTR_TARGET_NAME);
    struct act_str name = called ? act_value_as_str(called) : ACT_STR("?"), file = {0};
    bool task = user != ACT_NODE_NONE && plan->nodes.ptr[user].kind == ACT_KIND_TASK;
    if (root < plan->spans.len && plan->spans.ptr[root].source < plan->sources.len &&
        plan->spans.ptr[root].source > 0)
        file = plan->sources.ptr[plan->spans.ptr[root].source].path;
    struct act_arena *arena = &d->ret->arena;
    struct act_str full =
        task ? act_arena_printf(arena, "%.*s%stasks.%.*s", ACT_STR_ARG(file),
                                file.len > 0 ? " " : "", ACT_STR_ARG(name))
             : (file.len > 0 ? act_arena_str(arena, file) : act_arena_str(arena, name));
    const uint64_t *before = act_map_get(taken, full);
    uint64_t number = before ? *before + 1 : 1;
    act_map_put(taken, full, number);
    return number == 1 ? full
                       : act_arena_printf(arena, "%.*s #%llu", ACT_STR_ARG(full),
                                          (unsigned long long)number);
}

/* The roots but the first by their names, in order. */
static void
name_boxes(struct differ *d, const struct act_plan *plan, struct act_map *ret)
{
    struct act_map taken = {0};
    uint32_t *user = act_plan_users(plan);
    for (uint32_t root = 1; root < plan->nodes.len; root++)
        if (plan->nodes.ptr[root].parent == ACT_NODE_NONE)
            act_map_put(ret, box_name(d, plan, root, user[root], &taken), root);
    act_free(user);
    act_map_fini(&taken);
}

static void
compare_boxes(struct differ *d)
{
    struct act_map as = {0}, bs = {0};
    name_boxes(d, d->a.plan, &as);
    name_boxes(d, d->b.plan, &bs);
    for (uint32_t i = 0; i < bs.len; i++) {
        const uint64_t *a = act_map_get(&as, bs.entries[i].key);
        compare_trees(d, bs.entries[i].key, a ? (uint32_t)*a : ACT_NODE_NONE,
                      (uint32_t)bs.entries[i].value);
    }
    for (uint32_t i = 0; i < as.len; i++)
        if (!act_map_get(&bs, as.entries[i].key))
            compare_trees(d, as.entries[i].key, (uint32_t)as.entries[i].value, ACT_NODE_NONE);
    act_map_fini(&as);
    act_map_fini(&bs);
}

void
act_plan_diff_make(const struct act_plan *a, const struct act_plan *b, struct act_plan_diff *ret)
{
    struct differ d = {.ret = ret};
    *ret = (struct act_plan_diff){0};
    act_plan_side_init(&d.a, a);
    act_plan_side_init(&d.b, b);
    compare_trees(&d, ACT_STR(""), 0, 0);
    compare_boxes(&d);
    act_plan_side_fini(&d.a);
    act_plan_side_fini(&d.b);
    act_vec_fini(&d.todo.list);
    act_vec_fini(&d.one);
    act_vec_fini(&d.other);
}

void
act_plan_diff_fini(struct act_plan_diff *diff)
{
    act_vec_fini(&diff->nodes);
    act_vec_fini(&diff->attrs);
    act_arena_fini(&diff->arena);
}
