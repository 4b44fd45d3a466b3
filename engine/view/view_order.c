#include "engine/view/view_order.h"

#include <stdlib.h>

/* A place is a row of numbers, from the outside in: a node's index among its siblings, after that of
 * a loop's body its turn, and 0 for what a call runs. What contains comes before what is inside. */
ACT_VEC_TYPE(act_view_places, uint32_t);

static bool
repeats(const struct act_plan_node *node)
{
    return node->kind == ACT_KIND_FOR || node->kind == ACT_KIND_MATRIX ||
           node->kind == ACT_KIND_WHILE || node->kind == ACT_KIND_UNTIL;
}

/* From the inside out; the caller turns it round. */
static void
climb(const struct act_plan *plan, struct act_key key, struct act_view_places *out, uint32_t *depth)
{
    uint32_t left = key.count, node = key.node;
    act_vec_clear(out);
    *depth = 0;
    while (node < plan->nodes.len) {
        const struct act_plan_node *n = &plan->nodes.ptr[node];
        if (n->parent == ACT_NODE_NONE) {
            if (left == 0)
                return;
            node = key.numbers[--left];
            act_vec_push(out, 0u);
        } else {
            if (n->role == ACT_ROLE_DO && repeats(&plan->nodes.ptr[n->parent]) && left > 0) {
                uint32_t turn = key.numbers[--left];
                act_vec_push(out, turn);
            }
            act_vec_push(out, n->index);
            node = n->parent;
        }
        ++*depth;
    }
}

static int
by_place(const void *one, const void *other)
{
    const struct act_view_entry *a = one, *b = other;
    uint32_t len = a->sort_len < b->sort_len ? a->sort_len : b->sort_len;
    for (uint32_t i = 0; i < len; i++)
        if (a->sort[i] != b->sort[i])
            return a->sort[i] < b->sort[i] ? -1 : 1;
    return a->sort_len < b->sort_len ? -1 : a->sort_len > b->sort_len;
}

void
act_view_order(struct act_view *view)
{
    struct act_view_places place = {0};
    struct act_buf path = {0};
    for (uint32_t i = 0; i < view->entries.len; i++) {
        struct act_view_entry *entry = &view->entries.ptr[i];
        if (entry->sort)
            continue;
        climb(view->plan, entry->key, &place, &entry->depth);
        uint32_t *sort = act_arena_alloc(&view->arena, (place.len + 1u) * sizeof(*sort));
        for (uint32_t j = 0; j < place.len; j++)
            sort[j] = place.ptr[place.len - 1 - j];
        entry->sort = sort;
        entry->sort_len = place.len;
        act_buf_clear(&path);
        act_key_path(&path, view->plan, entry->key);
        entry->path = act_arena_str(&view->arena, act_buf_str(&path));
    }
    if (view->entries.len > 1)
        qsort(view->entries.ptr, view->entries.len, sizeof(*view->entries.ptr), by_place);
    act_vec_fini(&place);
    act_buf_fini(&path);
}
