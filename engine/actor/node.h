/* One message on its way: 64 bytes with up to 16 of payload in it, or one of three larger shapes, or, for
 * more, one of its own size. Nodes are recycled: each thread of the system has a cache without locks,
 * full batches of which go through a depot that all share. */
#ifndef ACT_ENGINE_ACTOR_NODE_H
#define ACT_ENGINE_ACTOR_NODE_H

#include "base/alloc.h"
#include "engine/actor/thread.h"

#include <stddef.h>
#include <string.h>

enum act_node_flag {
    ACT_NODE_CONTROL = 1,  /* for the runtime itself: type is an enum act_control */
    ACT_NODE_ASK = 2,      /* serial is the asker's; somebody waits for the answer */
    ACT_NODE_OWNED = 4,    /* the payload is elsewhere: as.owned */
    ACT_NODE_COUNTED = 8,  /* it holds a place of a bounded mailbox */
    ACT_NODE_TIMED = 16,   /* sent_us is set */
    ACT_NODE_OUTSIDE = 32, /* from is a waiting thread's: a handler sees nobody */
    ACT_NODE_TAKEN = 64,   /* forwarded, and in a load: the hook done is called at its end */
};

/* The lanes of a mailbox, in the order in which they are emptied. */
enum act_lane { ACT_LANE_FRONT, ACT_LANE_URGENT, ACT_LANE_NORMAL, ACT_LANE_LAZY, ACT_LANES };

#define ACT_SHAPES 4           /* 64 << shape bytes */
#define ACT_SHAPE_SINGLE 0xffu /* allocated to measure, not recycled */

struct act_node {
    struct act_node *next;
    uint64_t to, from;
    uint64_t serial;
    uint32_t type, size;
    uint32_t sent_us;
    uint8_t lane, flags, code, shape;
    union {
        struct {
            void *data;
            void (*destroy)(void *data);
        } owned;
        _Alignas(16) unsigned char bytes[16];
    } as;
};

/* A sanitizer must see each node's life: no recycling under it. */
#if defined(__SANITIZE_ADDRESS__)
#define ACT_RECYCLE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ACT_RECYCLE 0
#endif
#endif
#ifndef ACT_RECYCLE
#define ACT_RECYCLE 1
#endif

#define ACT_BATCH 64 /* nodes that move between cache and depot at once */

/* One thread's. Per shape two chains of at most ACT_BATCH nodes: the spare is full or empty. */
struct act_cache {
    struct act_node *free[ACT_SHAPES], *spare[ACT_SHAPES];
    uint32_t count[ACT_SHAPES];
    uint32_t tick; /* messages sent, for one in 64 to be timed */
};

/* Shared; under its lock. Batches are chained through `from` of their first node. */
struct act_depot {
    struct act_mutex lock;
    struct act_node *batches[ACT_SHAPES];
    uint32_t count[ACT_SHAPES];
};

void act_depot_init(struct act_depot *depot);
void act_depot_fini(struct act_depot *depot);
void act_cache_fini(struct act_cache *cache);

/* The smallest shape of so many bytes; ACT_SHAPES: they are too many for any. */
static inline unsigned
act_shape_of(size_t bytes)
{
    unsigned shape = 0;

    while (shape < ACT_SHAPES && bytes > (size_t)64 << shape) {
        shape++;
    }
    return shape;
}

/* Fills a chain that is empty: from the spare, the depot, or the heap. */
void act_cache_fill(struct act_depot *depot, struct act_cache *cache, unsigned shape);
/* A second full chain: the first goes to the depot. */
void act_cache_spill(struct act_depot *depot, struct act_cache *cache, unsigned shape);

/* Memory of a shape's size, recycled like nodes, for what comes and goes with actors. Not filled in. */
static inline void *
act_block_new(struct act_depot *depot, struct act_cache *cache, unsigned shape)
{
    if (!cache->free[shape]) {
        act_cache_fill(depot, cache, shape);
    }
    struct act_node *block = cache->free[shape];
    cache->free[shape] = block->next;
    cache->count[shape]--;
    return block;
}

static inline void
act_block_free(struct act_depot *depot, struct act_cache *cache, unsigned shape, void *memory)
{
    struct act_node *block = memory;

    if (!ACT_RECYCLE) {
        act_free(memory);
        return;
    }
    if (cache->count[shape] == ACT_BATCH) {
        act_cache_spill(depot, cache, shape);
    }
    block->next = cache->free[shape];
    cache->free[shape] = block;
    cache->count[shape]++;
}

#define ACT_NODE_HEADER offsetof(struct act_node, as)

/* For a large payload, or when the cache's chain is empty. */
struct act_node *act_node_new_slow(struct act_depot *depot, struct act_cache *cache, size_t size);
/* For what is not recycled, has an owned payload, or when the chain is full. */
void act_node_free_slow(struct act_depot *depot, struct act_cache *cache, struct act_node *node);

/* A node with size bytes of payload, not yet filled in; the other fields are zero. */
static inline struct act_node *
act_node_new(struct act_depot *depot, struct act_cache *cache, size_t size)
{
    struct act_node *node = cache->free[0];

    if (size > sizeof(node->as) || !node) {
        return act_node_new_slow(depot, cache, size);
    }
    cache->free[0] = node->next;
    cache->count[0]--;
    memset(node, 0, ACT_NODE_HEADER);
    node->size = (uint32_t)size;
    return node;
}

/* A small one of which nothing is filled in. */
static inline struct act_node *
act_node_new_short(struct act_depot *depot, struct act_cache *cache)
{
    struct act_node *node = cache->free[0];

    if (!node) {
        return act_node_new_slow(depot, cache, 0);
    }
    cache->free[0] = node->next;
    cache->count[0]--;
    return node;
}

/* Gives back one of which there is nothing else to do; false: there is, or the chain is full. */
static inline bool
act_node_recycle(struct act_cache *cache, struct act_node *node)
{
    const unsigned more = ACT_NODE_OWNED | ACT_NODE_TIMED | ACT_NODE_TAKEN;

    if (!ACT_RECYCLE || (node->flags & more) | node->shape || cache->count[0] == ACT_BATCH) {
        return false;
    }
    node->next = cache->free[0];
    cache->free[0] = node;
    cache->count[0]++;
    return true;
}

/* Gives it back, with destroy for an owned payload. */
static inline void
act_node_free(struct act_depot *depot, struct act_cache *cache, struct act_node *node)
{
    if (!act_node_recycle(cache, node)) {
        act_node_free_slow(depot, cache, node);
    }
}

/* A chain the other way round. */
static inline struct act_node *
act_node_reverse(struct act_node *node)
{
    struct act_node *first = NULL;

    while (node) {
        struct act_node *next = node->next;
        node->next = first;
        first = node;
        node = next;
    }
    return first;
}

/* First in, first out. Empty: head is NULL, and tail means nothing. */
struct act_queue {
    struct act_node *head, *tail;
};

static inline void
act_queue_append(struct act_queue *queue, struct act_node *node)
{
    node->next = NULL;
    if (queue->head) {
        queue->tail->next = node;
    } else {
        queue->head = node;
    }
    queue->tail = node;
}

static inline struct act_node *
act_queue_pop(struct act_queue *queue)
{
    struct act_node *node = queue->head;

    if (node) {
        queue->head = node->next;
    }
    return node;
}

/* Must a slice under way see it before its next message? */
static inline bool
act_node_alerts(const struct act_node *node)
{
    return node->flags & ACT_NODE_CONTROL || node->lane < ACT_LANE_NORMAL;
}

static inline void *
act_node_data(struct act_node *node)
{
    return node->flags & ACT_NODE_OWNED ? node->as.owned.data : (void *)node->as.bytes;
}

#endif
