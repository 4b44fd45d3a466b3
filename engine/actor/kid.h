/* One child of a supervisor, or member of a pool: an actor whose ref outlives it. Its states, and the making of
 * it; when it starts and stops, its family decides (family.h). */
#ifndef ACT_ACTOR_KID_H
#define ACT_ACTOR_KID_H

#include "engine/actor/actor_internal.h"

#include <stdatomic.h>

enum act_kid_state {
    ACT_KID_DOWN,
    ACT_KID_STARTING,
    ACT_KID_UP,
    ACT_KID_STOPPING, /* told to */
    ACT_KID_PAUSING,  /* down; its timer runs */
    ACT_KID_STATES
};
enum act_kid_event {
    ACT_KID_ON_BEGIN,   /* its head starts it */
    ACT_KID_ON_STARTED, /* its start has run */
    ACT_KID_ON_STOPPED, /* by itself or because it was told to */
    ACT_KID_ON_HALT,    /* its head tells it to stop */
    ACT_KID_ON_PAUSE,   /* its head waits before it starts it */
    ACT_KID_EVENTS
};

struct act_family;

struct act_kid {
    struct act_kid *next, *prev;
    struct act_family *family; /* whose kid it is */
    struct actant_spawn spawn; /* args are ours; without a name, which is the ref's by now */
    enum actant_restart restart;
    enum act_kid_state state;
    bool lived;       /* it was begun once */
    bool hopeless;    /* it says that a restart would not help */
    atomic_uint refs; /* the family's, and one of the runtime's if it has hooks that name it */
    struct actant_ref ref;
    uint32_t number; /* from 1, in the order of addition */
    uint32_t streak; /* restarts since it last lived for a window */
    int64_t begun_ns;
    uint64_t timer;
    const struct act_hooks *known; /* to the runtime from its first life on; NULL: none */
    struct act_family *own;        /* of which it is the head; NULL: none */
    /* Of a pool's member. */
    struct act_hooks hooks;
    atomic_uint load;       /* messages handed to it and not finished, work begun and not done */
    atomic_uint unfinished; /* of those: work begun and not done */
    uint64_t routed, routed_seen; /* messages handed to it; at the last look for idle ones */
};

/* A kid of spawn, whose args are copied; in no family yet and without a ref. */
struct act_kid *act_kid_create(struct act_family *family, const struct actant_spawn *spawn,
                               enum actant_restart restart);
/* Gives it a ref, the name (NULL: none) and a mailbox; it waits for its head. ACTANT_EXISTS, ACTANT_INVALID,
 * ACTANT_CLOSED. */
enum actant_code act_kid_reserve(struct act_kid *kid, const char *name);
/* Of one that is in no family: its ref, if it has one, is stale. NULL is nothing. */
void act_kid_discard(struct act_kid *kid);
/* One less who holds it; the last frees it, and says nothing to the runtime. */
void act_kid_release(struct act_kid *kid);
/* The one place where a state changes. False: the event means nothing in it. */
bool act_kid_become(struct act_kid *kid, enum act_kid_event event);

#endif
