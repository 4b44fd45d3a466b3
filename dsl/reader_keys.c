/* The keys of one mapping: duplicates reported, merge keys applied. Up to KEYS_LINEAR keys are
 * compared one by one, more go through a hash table that all mappings share. */
#include "dsl/reader.h"

#define KEYS_LINEAR 8u

/* Makes the shared table large enough for count keys and empty. */
static uint32_t
clear_slots(struct act_reader *r, uint32_t count)
{
    uint32_t size = 32;
    while (size < 2 * count)
        size *= 2;
    while (r->slots.len < size)
        act_vec_push(&r->slots, 0);
    memset(r->slots.ptr, 0, size * sizeof(*r->slots.ptr));
    return size - 1;
}

/* The index of the pair whose key is that of pairs[i] and that was entered before, else i is entered
 * and returned. */
static uint32_t
enter(struct act_reader *r, const struct act_tree_pair *pairs, uint32_t i, uint32_t mask)
{
    uint32_t slot = (uint32_t)act_str_hash(pairs[i].key) & mask;
    for (; r->slots.ptr[slot]; slot = (slot + 1) & mask)
        if (act_str_eq(pairs[r->slots.ptr[slot] - 1].key, pairs[i].key))
            return r->slots.ptr[slot] - 1;
    r->slots.ptr[slot] = i + 1;
    return i;
}

/* The same without a table. */
static uint32_t
find_before(const struct act_tree_pair *pairs, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++)
        if (act_str_eq(pairs[k].key, pairs[i].key))
            return k;
    return i;
}

static void
report_duplicate(struct act_reader *r, const struct act_tree_pair *first,
                 const struct act_tree_pair *second)
{
    struct act_str key = second->key;
    struct act_diag *diag =
        act_diag_add(r->diags, ACT_SEVERITY_ERROR, "duplicate-key", second->key_span,
                     "the key '%.*s' stands here twice", ACT_STR_ARG(key));
    act_diag_related(r->diags, diag, first->key_span, "first here");
    act_diag_help(r->diags, diag, "keep one of them");
}

/* Reports duplicates and removes the later ones; returns how many are left. */
static uint32_t
drop_duplicates(struct act_reader *r, struct act_tree_pair *pairs, uint32_t count, uint32_t *merge)
{
    uint32_t mask = count > KEYS_LINEAR ? clear_slots(r, count) : 0, kept = 0;
    uint32_t merge_index = *merge ? *merge - 1 : UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        pairs[kept] = pairs[i];
        if (i == merge_index) { /* its own namespace: a quoted "<<" is another key */
            *merge = ++kept;
            continue;
        }
        uint32_t first = mask ? enter(r, pairs, kept, mask) : find_before(pairs, kept);
        if (first == kept || first + 1 == *merge)
            kept++;
        else
            report_duplicate(r, &pairs[first], &pairs[kept]);
    }
    return kept;
}

/* ---- Merge keys ---- */

static void
merge_map(struct act_reader *r, const struct act_tree *map, uint32_t mask)
{
    for (uint32_t i = 0; i < map->count; i++) {
        act_vec_push(&r->merged, map->pairs[i]);
        uint32_t at = r->merged.len - 1;
        if (enter(r, r->merged.ptr, at, mask) != at)
            r->merged.len--;
    }
}

static void
refuse_merge(struct act_reader *r, const struct act_tree *value)
{
    struct act_diag *diag = act_diag_add(r->diags, ACT_SEVERITY_ERROR, "merge-key", value->span,
                                         "'<<' takes a mapping or a list of mappings");
    act_diag_help(r->diags, diag, "name an anchored mapping: `<<: *defaults`");
}

static uint64_t
merged_size(const struct act_tree *value)
{
    uint64_t size = value->type == ACT_TREE_MAP ? value->count : 0;
    for (uint32_t i = 0; value->type == ACT_TREE_LIST && i < value->count; i++)
        size += value->items[i]->type == ACT_TREE_MAP ? value->items[i]->count : 0;
    return size;
}

/* The members of a mapping with a merge key: the written ones win, then the first of the merged ones;
 * merged ones stand where the merge key stood. Left in r->merged. */
static void
merge(struct act_reader *r, const struct act_tree_pair *pairs, uint32_t count, uint32_t at)
{
    const struct act_tree *value = pairs[at].value;
    uint32_t mask = clear_slots(r, count + (uint32_t)merged_size(value));
    act_vec_clear(&r->merged);
    for (uint32_t i = 0; i < count; i++) { /* first, so that they win */
        if (i == at)
            continue;
        act_vec_push(&r->merged, pairs[i]);
        (void)enter(r, r->merged.ptr, r->merged.len - 1, mask);
    }
    uint32_t written = r->merged.len;
    if (value->type == ACT_TREE_MAP) {
        merge_map(r, value, mask);
    } else if (value->type == ACT_TREE_LIST) {
        for (uint32_t i = 0; i < value->count; i++) {
            if (value->items[i]->type == ACT_TREE_MAP)
                merge_map(r, value->items[i], mask);
            else
                refuse_merge(r, value->items[i]);
        }
    } else {
        refuse_merge(r, value);
    }
    /* Now the order: [0, at) written, the merged ones, the rest. */
    uint32_t added = r->merged.len - written;
    for (uint32_t i = at; i < written; i++) /* room for the written ones behind */
        act_vec_push(&r->merged, r->merged.ptr[i]);
    if (r->merged.len > written)
        memmove(r->merged.ptr + at, r->merged.ptr + written,
                (r->merged.len - written) * sizeof(*r->merged.ptr));
    r->merged.len = written + added;
}

void
act_reader_close_map(struct act_reader *r, struct act_read_frame *frame)
{
    uint32_t count = r->pending.len - frame->first_pending;
    struct act_tree_pair *pairs = count ? r->pending.ptr + frame->first_pending : NULL;
    count = drop_duplicates(r, pairs, count, &frame->merge);
    if (frame->merge) {
        merge(r, pairs, count, frame->merge - 1);
        pairs = r->merged.ptr;
        count = r->merged.len;
    }
    frame->node->pairs = act_arena_copy(r->arena, pairs, count * sizeof(*pairs));
    frame->node->count = count;
    r->pending.len = frame->first_pending;
}
