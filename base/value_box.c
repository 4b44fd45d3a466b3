/* Lists and maps: building and looking up. */
#include "base/value_internal.h"

static void
grow(struct value_box *box, size_t elem_size)
{
    if (box->len == UINT32_MAX)
        act_oom();
    uint32_t cap = box->cap < 4 ? 4 : box->cap > UINT32_MAX / 2 ? UINT32_MAX : box->cap * 2;
    box->u.ptr = act_realloc(box->u.ptr, cap, elem_size);
    box->cap = cap;
}

static struct value_box *
box_new(enum act_type type)
{
    struct value_box *box = value_new(type, sizeof(*box));
    box->len = box->cap = 0;
    box->u.ptr = NULL;
    box->x.index = NULL;
    return box;
}

struct act_value *
act_value_list(void)
{
    return &box_new(ACT_LIST)->head;
}

struct act_value *
act_value_map(void)
{
    return &box_new(ACT_MAP)->head;
}

static struct value_box *
own_box(struct act_value *v, enum act_type type)
{
    ACT_ASSERT(v->type == type && v->refs == 1);
    return (void *)v;
}

void
act_value_list_add(struct act_value *list, struct act_value *item)
{
    struct value_box *box = own_box(list, ACT_LIST);
    if (box->len == box->cap)
        grow(box, sizeof(*box->u.items));
    box->u.items[box->len++] = item;
}

struct act_value *
value_list_of(struct act_value *const *items, uint32_t len)
{
    struct value_box *box = box_new(ACT_LIST);
    if (len) {
        box->u.items = act_realloc(NULL, len, sizeof(*items));
        memcpy(box->u.items, items, len * sizeof(*items));
        box->len = box->cap = len;
    }
    return &box->head;
}

/* ---- the index of large maps */

static uint32_t
seeded_hash(uint64_t seed, struct act_str s)
{
    const uint64_t k = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t h = seed ^ (uint64_t)s.len;
    size_t i = 0;
    for (; i < s.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, s.ptr + i, s.len - i < 8 ? s.len - i : 8);
        h = (h ^ word) * k;
        h ^= h >> 31;
        h += seed;
    }
    h *= UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(h >> 32);
}

static struct act_str
key_str(const struct value_str *key)
{
    return act_str_n(key->bytes, key->len);
}

static void
index_add(struct value_index *index, uint32_t hash, uint32_t member)
{
    uint32_t mask = index->cap - 1;
    uint32_t at = hash & mask;
    while (index->slots[at].at)
        at = (at + 1) & mask;
    index->slots[at].hash = hash;
    index->slots[at].at = member + 1;
}

/* A free index for at least count members. */
static struct value_index *
index_new(uint64_t seed, uint32_t count)
{
    size_t cap = 32;
    while (cap - cap / 4 < count)
        cap *= 2;
    if (cap > UINT32_MAX / 2)
        act_oom();
    struct value_index *index = act_zalloc(1, sizeof(*index) + cap * sizeof(index->slots[0]));
    index->cap = (uint32_t)cap;
    index->seed = seed ? seed : (uint64_t)(uintptr_t)index * UINT64_C(0xD6E8FEB86659FD93) | 1;
    return index;
}

static struct value_index *
index_build(const struct value_box *map, uint32_t count)
{
    struct value_index *index = index_new(0, count);
    for (uint32_t i = 0; i < map->len; i++)
        index_add(index, seeded_hash(index->seed, key_str(map->u.members[i].key)), i);
    return index;
}

static struct value_index *
index_grow(struct value_index *old, uint32_t count)
{
    struct value_index *index = index_new(old->seed, count);
    for (uint32_t i = 0; i < old->cap; i++)
        if (old->slots[i].at)
            index_add(index, old->slots[i].hash, old->slots[i].at - 1);
    act_free(old);
    return index;
}

/* Index of the member called key, or -1. *hash is set if the map has an index. */
static int64_t
find(const struct value_box *map, struct act_str key, uint32_t *hash)
{
    const struct value_index *index = map->x.index;
    if (!index) {
        for (uint32_t i = 0; i < map->len; i++)
            if (act_str_eq(key_str(map->u.members[i].key), key))
                return i;
        return -1;
    }
    *hash = seeded_hash(index->seed, key);
    uint32_t mask = index->cap - 1;
    for (uint32_t at = *hash & mask; index->slots[at].at; at = (at + 1) & mask) {
        uint32_t member = index->slots[at].at - 1;
        if (index->slots[at].hash == *hash && act_str_eq(key_str(map->u.members[member].key), key))
            return member;
    }
    return -1;
}

void
value_map_put_key(struct value_box *map, struct value_str *key, struct act_value *v)
{
    uint32_t hash = 0;
    int64_t at = find(map, key_str(key), &hash);
    if (at >= 0) {
        act_value_release(map->u.members[at].value);
        act_value_release(&key->head);
        map->u.members[at].value = v;
        return;
    }
    if (map->len == map->cap)
        grow(map, sizeof(*map->u.members));
    map->u.members[map->len++] = (struct value_member){key, v};
    if (!map->x.index) {
        if (map->len > VALUE_LINEAR_MAX)
            map->x.index = index_build(map, map->len);
        return;
    }
    if (map->len > map->x.index->cap - map->x.index->cap / 4)
        map->x.index = index_grow(map->x.index, map->len);
    index_add(map->x.index, hash, map->len - 1);
}

void
act_value_map_put(struct act_value *map, struct act_str key, struct act_value *v)
{
    struct value_box *box = own_box(map, ACT_MAP);
    value_map_put_key(box, (void *)act_value_string(key), v);
}

struct act_value *
value_map_of(const struct value_member *members, uint32_t len)
{
    struct value_box *map = box_new(ACT_MAP);
    if (len == 0)
        return &map->head;
    map->u.members = act_realloc(NULL, len, sizeof(*members));
    map->cap = len;
    if (len > VALUE_LINEAR_MAX)
        map->x.index = index_new(0, len);
    for (uint32_t i = 0; i < len; i++)
        value_map_put_key(map, members[i].key, members[i].value);
    return &map->head;
}

const struct act_value *
act_value_get(const struct act_value *map, struct act_str key)
{
    if (map->type != ACT_MAP)
        return NULL;
    uint32_t hash;
    int64_t at = find(value_box_of(map), key, &hash);
    return at < 0 ? NULL : value_box_of(map)->u.members[at].value;
}

const struct act_value *
act_value_iget(const struct act_value *map, struct act_str key)
{
    const struct act_value *exact = act_value_get(map, key);
    if (exact || map->type != ACT_MAP)
        return exact;
    const struct value_box *box = value_box_of(map);
    for (uint32_t i = 0; i < box->len; i++)
        if (act_str_ieq(key_str(box->u.members[i].key), key))
            return box->u.members[i].value;
    return NULL;
}
