#include "dsl/tree.h"

const struct act_tree_pair *
act_tree_pair(const struct act_tree *map, struct act_str key)
{
    if (!map || map->type != ACT_TREE_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (act_str_eq(map->pairs[i].key, key))
            return &map->pairs[i];
    return NULL;
}

const struct act_tree *
act_tree_get(const struct act_tree *map, const char *key)
{
    const struct act_tree_pair *pair = act_tree_pair(map, act_str(key));
    return pair ? pair->value : NULL;
}
