#include "dsl/plan_align.h"

#include "base/map.h"
#include "dsl/plan_attr_text.h"

#define CELLS_MAX                                                                                  \
    (1u << 22) /* of the table for the longest common row; beyond it, the first match */

/* ---- what a node says ---- */

static void
add_text(struct act_sha256 *h, struct act_str s)
{
    uint64_t len = s.len;
    act_sha256_update(h, &len, sizeof(len));
    act_sha256_update(h, s.ptr, s.len);
}

static struct act_str
id_of(const struct act_plan *plan, uint32_t node)
{
    uint32_t id = plan->nodes.ptr[node].id;
    return id == ACT_NODE_NONE ? (struct act_str){0} : act_plan_text(plan, id);
}

static void
digest(struct act_plan_side *side, uint32_t node, struct act_arena *arena,
       struct act_attr_texts *texts)
{
    const struct act_plan_node *n = &side->plan->nodes.ptr[node];
    struct act_sha256 h;
    uint8_t head[] = {n->kind, n->role};
    act_vec_clear(texts);
    act_plan_attr_texts(side->plan, node, arena, texts);
    act_sha256_init(&h);
    act_sha256_update(&h, head, sizeof(head));
    for (uint32_t i = 0; i < texts->len; i++) {
        add_text(&h, texts->ptr[i].name);
        add_text(&h, texts->ptr[i].value);
    }
    const struct act_value *cases = act_plan_literal(side->plan, node, ACT_ATTR_CASES);
    for (uint32_t i = 0; cases && i < act_value_len(cases); i++)
        add_text(&h, act_value_as_str(act_value_at(cases, i)));
    for (uint32_t i = 0; i < n->child_count; i++) {
        uint32_t child = side->plan->children.ptr[n->first_child + i];
        add_text(&h, id_of(side->plan, child));
        act_sha256_update(&h, side->whole[child].bytes, ACT_SHA256_BYTES);
    }
    act_sha256_final(&h, side->whole[node].bytes);
}

void
act_plan_side_init(struct act_plan_side *side, const struct act_plan *plan)
{
    struct act_arena arena = {0};
    struct act_attr_texts texts = {0};
    side->plan = plan;
    side->whole = act_zalloc(plan->nodes.len + 1, sizeof(*side->whole));
    for (uint32_t i = plan->nodes.len; i-- > 0;) { /* children have larger indices */
        digest(side, i, &arena, &texts);
        act_arena_reset(&arena);
    }
    act_vec_fini(&texts);
    act_arena_fini(&arena);
}

void
act_plan_side_fini(struct act_plan_side *side)
{
    act_free(side->whole);
    *side = (struct act_plan_side){0};
}

/* ---- pairing ---- */

struct row { /* the children of one node */
    const struct act_plan_side *side;
    const uint32_t *nodes;
    uint32_t len;
    const struct act_value *cases; /* or NULL */
    uint32_t *mate;                /* position of the other's child, or ACT_NODE_NONE */
};

static struct row
row_of(const struct act_plan_side *side, uint32_t node)
{
    const struct act_plan_node *n = &side->plan->nodes.ptr[node];
    struct row row = {
        .side = side,
        .nodes = n->child_count > 0 ? side->plan->children.ptr + n->first_child : NULL,
        .len = n->child_count,
        .cases = act_plan_literal(side->plan, node, ACT_ATTR_CASES),
        .mate = act_zalloc(n->child_count + 1, sizeof(uint32_t)),
    };
    memset(row.mate, 0xFF, (row.len + 1) * sizeof(*row.mate));
    return row;
}

static bool
is_free(const struct row *row, uint32_t i)
{
    return row->mate[i] == ACT_NODE_NONE;
}

static const struct act_plan_node *
node_at(const struct row *row, uint32_t i)
{
    return &row->side->plan->nodes.ptr[row->nodes[i]];
}

static void
join(struct row *a, uint32_t i, struct row *b, uint32_t k)
{
    a->mate[i] = k;
    b->mate[k] = i;
}

/* What a child is called among its siblings; empty: nothing. */
static struct act_str
name_at(const struct row *row, uint32_t i)
{
    const struct act_plan_node *n = node_at(row, i);
    if (n->role != ACT_ROLE_ITEM)
        return (struct act_str){0};
    if (row->cases && i < act_value_len(row->cases))
        return act_value_as_str(act_value_at(row->cases, i));
    return id_of(row->side->plan, row->nodes[i]);
}

static void
join_named(struct row *a, struct row *b)
{
    struct act_map names = {0};
    for (uint32_t k = 0; k < b->len; k++)
        if (name_at(b, k).len > 0)
            act_map_put(&names, name_at(b, k), k);
    for (uint32_t i = 0; i < a->len; i++) {
        const uint64_t *k = name_at(a, i).len > 0 ? act_map_get(&names, name_at(a, i)) : NULL;
        if (k && is_free(b, (uint32_t)*k))
            join(a, i, b, (uint32_t)*k);
    }
    act_map_fini(&names);
}

/* then, do, catch, …: there is one of each. */
static void
join_roles(struct row *a, struct row *b)
{
    uint32_t i = a->len, k = b->len;
    while (i > 0 && node_at(a, i - 1)->role != ACT_ROLE_ITEM)
        i--;
    for (; i < a->len; i++)
        for (k = b->len; k > 0 && node_at(b, k - 1)->role != ACT_ROLE_ITEM; k--)
            if (node_at(b, k - 1)->role == node_at(a, i)->role)
                join(a, i, b, k - 1);
}

static bool
says_the_same(const struct row *a, uint32_t i, const struct row *b, uint32_t k)
{
    return memcmp(&a->side->whole[a->nodes[i]], &b->side->whole[b->nodes[k]],
                  sizeof(struct act_plan_digest)) == 0;
}

struct free_list {
    ACT_VEC(uint32_t) at;
};

static void
free_items(const struct row *row, struct free_list *ret)
{
    for (uint32_t i = 0; i < row->len; i++)
        if (is_free(row, i) && node_at(row, i)->role == ACT_ROLE_ITEM)
            act_vec_push(&ret->at, i);
}

/* The longest row of children that say the same on both sides, in one order. */
static void
join_longest(struct row *a, const uint32_t *i, uint32_t n, struct row *b, const uint32_t *k,
             uint32_t m)
{
    uint32_t width = m + 1;
    uint32_t *best = act_zalloc((size_t)(n + 1) * width, sizeof(*best));
    for (uint32_t x = n; x-- > 0;) {
        for (uint32_t y = m; y-- > 0;) {
            uint32_t down = best[(x + 1) * width + y], right = best[x * width + y + 1];
            best[x * width + y] = says_the_same(a, i[x], b, k[y])
                                      ? best[(x + 1) * width + y + 1] + 1
                                  : down > right ? down
                                                 : right;
        }
    }
    for (uint32_t x = 0, y = 0; x < n && y < m;) {
        if (says_the_same(a, i[x], b, k[y]))
            join(a, i[x++], b, k[y++]);
        else if (best[(x + 1) * width + y] >= best[x * width + y + 1])
            x++;
        else
            y++;
    }
    act_free(best);
}

/* Each with the first behind the last that says the same. */
static void
join_first(struct row *a, const struct free_list *i, struct row *b, const struct free_list *k)
{
    struct act_map seen = {0};
    for (uint32_t y = k->at.len; y-- > 0;) {
        const struct act_plan_digest *d = &b->side->whole[b->nodes[k->at.ptr[y]]];
        act_map_put(&seen, act_str_n((const char *)d->bytes, sizeof(d->bytes)), k->at.ptr[y]);
    }
    for (uint32_t x = 0; x < i->at.len; x++) {
        const struct act_plan_digest *d = &a->side->whole[a->nodes[i->at.ptr[x]]];
        const uint64_t *found =
            act_map_get(&seen, act_str_n((const char *)d->bytes, sizeof(d->bytes)));
        if (found && is_free(b, (uint32_t)*found))
            join(a, i->at.ptr[x], b, (uint32_t)*found);
    }
    act_map_fini(&seen);
}

static void
join_alike(struct row *a, struct row *b)
{
    struct free_list i = {0}, k = {0};
    free_items(a, &i);
    free_items(b, &k);
    uint32_t begin = 0, n = i.at.len, m = k.at.len;
    while (begin < n && begin < m && says_the_same(a, i.at.ptr[begin], b, k.at.ptr[begin])) {
        join(a, i.at.ptr[begin], b, k.at.ptr[begin]);
        begin++;
    }
    while (n > begin && m > begin && says_the_same(a, i.at.ptr[n - 1], b, k.at.ptr[m - 1])) {
        n--, m--;
        join(a, i.at.ptr[n], b, k.at.ptr[m]);
    }
    bool left = begin < n && begin < m;
    if (left && (uint64_t)(n - begin + 1) * (m - begin + 1) <= CELLS_MAX)
        join_longest(a, i.at.ptr + begin, n - begin, b, k.at.ptr + begin, m - begin);
    else if (left)
        join_first(a, &i, b, &k);
    act_vec_fini(&i.at);
    act_vec_fini(&k.at);
}

static bool
may_be(const struct row *a, uint32_t i, const struct row *b, uint32_t k, bool any_kind)
{
    if (!is_free(a, i) || !is_free(b, k) || node_at(b, k)->role != ACT_ROLE_ITEM ||
        node_at(a, i)->role != ACT_ROLE_ITEM || (name_at(a, i).len > 0 && name_at(b, k).len > 0))
        return false;
    return any_kind || node_at(a, i)->kind == node_at(b, k)->kind;
}

/* What stands right behind, or right before, the same node on both sides: it was changed. */
static void
join_neighbours(struct row *a, struct row *b, bool any_kind)
{
    for (uint32_t i = 0; i < a->len; i++) {
        bool begins = i == 0 || !is_free(a, i - 1);
        uint32_t k = i == 0 ? 0 : a->mate[i - 1] + 1;
        if (begins && k < b->len && may_be(a, i, b, k, any_kind))
            join(a, i, b, k);
    }
    for (uint32_t i = a->len; i-- > 0;) {
        bool ends = i + 1 == a->len || !is_free(a, i + 1);
        uint32_t k = i + 1 == a->len ? b->len : a->mate[i + 1];
        if (ends && k > 0 && k <= b->len && may_be(a, i, b, k - 1, any_kind))
            join(a, i, b, k - 1);
    }
}

void
act_plan_align(const struct act_plan_side *a, uint32_t one, const struct act_plan_side *b,
               uint32_t other, uint32_t *ret)
{
    struct row x = row_of(a, one), y = row_of(b, other);
    join_named(&x, &y);
    join_roles(&x, &y);
    join_alike(&x, &y);
    join_neighbours(&x, &y, false);
    join_neighbours(&x, &y, true);
    memcpy(ret, x.mate, x.len * sizeof(*ret));
    act_free(x.mate);
    act_free(y.mate);
}
