/* A pool from inside: pool.c is the actor, pool_line.c what waits in a pool that has a rule, pool_make.c what is
 * called from outside. */
#ifndef ACT_ACTOR_POOL_INTERNAL_H
#define ACT_ACTOR_POOL_INTERNAL_H

#include "engine/actor/pool.h"

#define ACT_POOL_LINE_MAX 16

/* Invariants: 1. load of a member = messages forwarded to it and not freed + work begun and not done.
 * 2. The head is paused when, and only when, it has seen that no member could take one more message and that
 * it may not grow. 3. full is set before it looks a second time: a member that finishes after that look sees
 * it and sends the notice ROOM. With a rule (then all is on one thread) 2 and 3 hold of the line in place of that:
 * paused while it is full, full while it holds anything. */
struct act_pool {
    struct act_family family; /* first: destroy frees the whole */
    struct actant_spawn member;
    uint32_t members_min, members_max, load_max;
    bool may_be_empty;
    const struct actant_pool_rule *rule; /* NULL: none */
    void *rule_self;
    int64_t idle_ms;
    /* The head's own. */
    uint32_t leaving;
    bool paused, looking; /* for idle members: the timer runs */
    struct act_node
        *line[ACT_POOL_LINE_MAX]; /* by lane, then as they came; stays through restarts */
    uint32_t line_count;
    bool again; /* the timer runs that asks once more whether to grow, until again_ns */
    int64_t again_ns;
    uint64_t again_timer;
    /* Any thread. */
    _Atomic(uint64_t) head; /* its ref, for ROOM */
    atomic_bool full;
    uint64_t roomy; /* the head's: the member that had room when the gate was looked at; 0: none */
    _Atomic(uint64_t) routed, grown, shrunk, replaced;
    _Atomic(uint32_t) members, members_most, load;
};

static inline struct act_pool *
act_pool_of(struct act_family *family)
{
    return (struct act_pool *)(void *)family;
}

extern const struct actant_class act_pool_class;

/* ---- pool.c: in the head's steps ---- */

#define ACT_POOL_TAG_AGAIN (UINT64_MAX - 1)

static inline bool
act_pool_is_leaving(const struct act_kid *kid)
{
    return kid->restart == ACTANT_TEMPORARY;
}
enum actant_code act_pool_add_member(struct act_pool *pool, struct actant_context *context);
bool act_pool_may_grow(const struct act_pool *pool);
void act_pool_grown(struct act_pool *pool, struct actant_context *context);
/* Hands kept to kid; false: it is still the caller's. */
bool act_pool_hand_over(struct act_pool *pool, struct actant_context *context,
                        struct act_node *kept, struct act_kid *kid);

/* ---- pool_line.c: in the head's steps, of pools with a rule ---- */

/* The step's message waits from now on. */
void act_pool_line_join(struct act_pool *pool, struct actant_context *context);
/* Hands out what may be handed out, and sees whether the pool is to grow for the rest. */
void act_pool_line_settle(struct act_pool *pool, struct actant_context *context);
/* The pool is gone: who asked hears GONE. */
void act_pool_line_drop(struct act_pool *pool);

#endif
