#include "base/map.h"

#include "base/alloc.h"

void
act_map_fini(struct act_map *map)
{
    act_free(map->entries);
    act_free(map->slots);
    *map = (struct act_map){0};
}

/* Invariants: slot_cap is 0 or a power of two; more than a quarter of the slots are free. */
static uint32_t
find_slot(const struct act_map *map, struct act_str key, uint64_t hash)
{
    uint32_t mask = map->slot_cap - 1;
    uint32_t at = (uint32_t)hash & mask;
    while (map->slots[at]) {
        const struct act_map_entry *entry = &map->entries[map->slots[at] - 1];
        if (entry->hash == hash && act_str_eq(entry->key, key))
            break;
        at = (at + 1) & mask;
    }
    return at;
}

uint64_t *
act_map_get(const struct act_map *map, struct act_str key)
{
    if (map->len == 0)
        return NULL;
    uint32_t slot = map->slots[find_slot(map, key, act_str_hash(key))];
    return slot ? &map->entries[slot - 1].value : NULL;
}

static void
grow_slots(struct act_map *map)
{
    uint32_t cap = map->slot_cap ? map->slot_cap * 2 : 8;
    if (cap < map->slot_cap)
        act_oom();
    act_free(map->slots);
    map->slots = act_zalloc(cap, sizeof(*map->slots));
    map->slot_cap = cap;
    for (uint32_t i = 0; i < map->len; i++) {
        uint32_t at = (uint32_t)map->entries[i].hash & (cap - 1);
        while (map->slots[at])
            at = (at + 1) & (cap - 1);
        map->slots[at] = i + 1;
    }
}

bool
act_map_put(struct act_map *map, struct act_str key, uint64_t value)
{
    uint64_t hash = act_str_hash(key);
    if (map->len + 1 > map->slot_cap - map->slot_cap / 4)
        grow_slots(map);
    uint32_t at = find_slot(map, key, hash);
    if (map->slots[at]) {
        map->entries[map->slots[at] - 1].value = value;
        return false;
    }
    if (map->len == map->entry_cap) {
        uint32_t cap = map->entry_cap ? map->entry_cap * 2 : 4;
        map->entries = act_realloc(map->entries, cap, sizeof(*map->entries));
        map->entry_cap = cap;
    }
    map->entries[map->len] = (struct act_map_entry){key, value, hash};
    map->slots[at] = ++map->len;
    return true;
}
