#include "engine/actor/node.h"

#define DEPOT_MAX 4096 /* batches of one shape; what is beyond goes back to the heap */

_Static_assert(sizeof(struct act_node) <= 64, "a small message is one cache line");

void
act_depot_init(struct act_depot *depot)
{
    *depot = (struct act_depot){0};
    act_mutex_init(&depot->lock);
}

static void
free_chain(struct act_node *node)
{
    while (node) {
        struct act_node *next = node->next;
        act_free(node);
        node = next;
    }
}

void
act_depot_fini(struct act_depot *depot)
{
    for (unsigned shape = 0; shape < ACT_SHAPES; shape++) {
        while (depot->batches[shape]) {
            struct act_node *batch = depot->batches[shape];
            depot->batches[shape] = (struct act_node *)(uintptr_t)batch->from;
            free_chain(batch);
        }
    }
    act_mutex_fini(&depot->lock);
}

void
act_cache_fini(struct act_cache *cache)
{
    for (unsigned shape = 0; shape < ACT_SHAPES; shape++) {
        free_chain(cache->free[shape]);
        free_chain(cache->spare[shape]);
    }
    *cache = (struct act_cache){0};
}

void
act_cache_fill(struct act_depot *depot, struct act_cache *cache, unsigned shape)
{
    struct act_node *batch = cache->spare[shape];

    cache->spare[shape] = NULL;
    if (!batch && ACT_RECYCLE) {
        act_mutex_lock(&depot->lock);
        batch = depot->batches[shape];
        if (batch) {
            depot->batches[shape] = (struct act_node *)(uintptr_t)batch->from;
            depot->count[shape]--;
        }
        act_mutex_unlock(&depot->lock);
    }
    cache->count[shape] = batch ? ACT_BATCH : 1;
    if (!batch) {
        batch = act_alloc((size_t)64 << shape);
        batch->next = NULL;
    }
    cache->free[shape] = batch;
}

struct act_node *
act_node_new_slow(struct act_depot *depot, struct act_cache *cache, size_t size)
{
    unsigned shape = act_shape_of(ACT_NODE_HEADER + size);
    struct act_node *node;

    if (shape == ACT_SHAPES) {
        node = act_alloc(ACT_NODE_HEADER + size);
        shape = ACT_SHAPE_SINGLE;
    } else {
        node = act_block_new(depot, cache, shape);
    }
    memset(node, 0, ACT_NODE_HEADER);
    node->size = (uint32_t)size;
    node->shape = (uint8_t)shape;
    return node;
}

void
act_cache_spill(struct act_depot *depot, struct act_cache *cache, unsigned shape)
{
    struct act_node *batch = cache->spare[shape];

    cache->spare[shape] = cache->free[shape];
    cache->free[shape] = NULL;
    cache->count[shape] = 0;
    if (!batch) {
        return;
    }
    act_mutex_lock(&depot->lock);
    bool full = depot->count[shape] == DEPOT_MAX;
    if (!full) {
        batch->from = (uintptr_t)depot->batches[shape];
        depot->batches[shape] = batch;
        depot->count[shape]++;
    }
    act_mutex_unlock(&depot->lock);
    if (full) {
        free_chain(batch);
    }
}

void
act_node_free_slow(struct act_depot *depot, struct act_cache *cache, struct act_node *node)
{
    unsigned shape = node->shape;

    if (node->flags & ACT_NODE_OWNED && node->as.owned.destroy) {
        node->as.owned.destroy(node->as.owned.data);
    }
    if (shape == ACT_SHAPE_SINGLE) {
        act_free(node);
    } else {
        act_block_free(depot, cache, shape, node);
    }
}
