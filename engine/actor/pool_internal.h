/* A pool from inside: pool.c is the actor, pool_make.c what is called from outside. */
#ifndef ACT_ACTOR_POOL_INTERNAL_H
#define ACT_ACTOR_POOL_INTERNAL_H

#include "engine/actor/pool.h"

/* Invariants: 1. load of a member = messages forwarded to it and not freed + work begun and not done.
 * 2. The head is paused when, and only when, it has seen that no member could take one more message and that
 * it may not grow. 3. full is set before it looks a second time: a member that finishes after that look sees
 * it and sends the notice ROOM. */
struct act_pool {
    struct act_family family; /* first: destroy frees the whole */
    struct actant_spawn member;
    uint32_t members_min, members_max, load_max;
    int64_t idle_ms;
    /* The head's own. */
    uint32_t leaving;
    bool paused, looking; /* for idle members: the timer runs */
    /* Any thread. */
    _Atomic(uint64_t) head; /* its ref, for ROOM */
    atomic_bool full;
    _Atomic(uint64_t) routed, grown, shrunk, replaced;
    _Atomic(uint32_t) members, members_most, load;
};

static inline struct act_pool *
act_pool_of(struct act_family *family)
{
    return (struct act_pool *)(void *)family;
}

extern const struct actant_class act_pool_class;

#endif
