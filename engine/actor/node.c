#include "engine/actor/node.h"

#include "base/alloc.h"

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

/* Fills an empty chain: from the spare, the depot, or the heap. */
static struct act_node *
refill(struct act_depot *depot, struct act_cache *cache, unsigned shape)
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
    if (!batch) {
        batch = act_alloc((size_t)64 << shape);
        batch->next = NULL;
        cache->count[shape] = 1;
    } else {
        cache->count[shape] = ACT_BATCH;
    }
    return batch;
}

static unsigned
shape_of(size_t size)
{
    unsigned shape = 0;

    while (shape < ACT_SHAPES && size > ((size_t)64 << shape) - ACT_NODE_HEADER) {
        shape++;
    }
    return shape;
}

struct act_node *
act_node_new_slow(struct act_depot *depot, struct act_cache *cache, size_t size)
{
    unsigned shape = shape_of(size);
    struct act_node *node;

    if (shape == ACT_SHAPES) {
        node = act_alloc(ACT_NODE_HEADER + size);
        shape = ACT_SHAPE_SINGLE;
    } else {
        node = cache->free[shape];
        if (!node) {
            node = refill(depot, cache, shape);
        }
        cache->free[shape] = node->next;
        cache->count[shape]--;
    }
    memset(node, 0, ACT_NODE_HEADER);
    node->size = (uint32_t)size;
    node->shape = (uint8_t)shape;
    return node;
}

/* A second full chain: the first goes to the depot. */
static void
spill(struct act_depot *depot, struct act_cache *cache, unsigned shape)
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
    if (shape == ACT_SHAPE_SINGLE || !ACT_RECYCLE) {
        act_free(node);
        return;
    }
    if (cache->count[shape] == ACT_BATCH) {
        spill(depot, cache, shape);
    }
    node->next = cache->free[shape];
    cache->free[shape] = node;
    cache->count[shape]++;
}
