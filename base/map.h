/* Hash map from byte strings to 64-bit values. Keys are borrowed: they must outlive the map (or its
 * entry). Open addressing; iteration order is insertion order. Zero-initialised is empty. */
#ifndef ACT_BASE_MAP_H
#define ACT_BASE_MAP_H

#include "base/str.h"

struct act_map_entry {
    struct act_str key;
    uint64_t value;
    uint64_t hash;
};
struct act_map {
    struct act_map_entry *entries; /* insertion order; len of them */
    uint32_t *slots;               /* index + 1 into entries; 0 free */
    uint32_t len, entry_cap, slot_cap;
};

void act_map_fini(struct act_map *map);
/* Returns the place of key's value, or NULL. Valid until the next put. */
uint64_t *act_map_get(const struct act_map *map, struct act_str key);
/* Sets key to value; returns true if the key was new. */
bool act_map_put(struct act_map *map, struct act_str key, uint64_t value);

#endif
