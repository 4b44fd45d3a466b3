/* Whom an actor has to do with: a small map from refs to flags that keeps its order. A handful of
 * entries is searched as a list, more by hash. Zero-initialised is empty; owned by the actor's cell and
 * touched only by the thread that runs it. It must not be moved: the first entry is in it. */
#ifndef ACT_ENGINE_ACTOR_BONDS_H
#define ACT_ENGINE_ACTOR_BONDS_H

#include <stdbool.h>
#include <stdint.h>

enum act_bond_flag {
    ACT_BOND_WATCHES_ME = 1, /* tell it DOWN when I stop */
    ACT_BOND_WATCHED = 2,    /* I wait for its DOWN */
    ACT_BOND_LINK = 4,
    ACT_BOND_CHILD = 8,
    ACT_BOND_SUPERVISED = 16, /* a child whose ref outlives its stop; DOWN comes each time */
    ACT_BOND_HOLDS_ME = 32    /* its mailbox is full, and I wait until it is not */
};

struct act_bond {
    uint64_t ref; /* 0: taken out */
    uint32_t flags;
};
/* Invariants: 1. live entries have a ref and flags. 2. slots, if there are any, name each live entry
 * once; a slot may also name a place whose entry is another by now, and the ref there decides.
 * 3. The last entry is live. */
struct act_bonds {
    struct act_bond *entries;                /* NULL: none yet */
    uint32_t *slots;                         /* index + 1; 0: free. NULL while there are few */
    uint32_t len, cap, slot_cap, slots_used; /* cap 0 or 1: entries is first */
    struct act_bond first[1];
};

void act_bonds_fini(struct act_bonds *bonds);
uint32_t act_bonds_get(const struct act_bonds *bonds, uint64_t ref); /* 0: none */
void act_bonds_add(struct act_bonds *bonds, uint64_t ref, uint32_t flags);
/* Takes flags away; the entry goes with its last one. The flags that it had. */
uint32_t act_bonds_drop(struct act_bonds *bonds, uint64_t ref, uint32_t flags);
/* The entry added last that has one of flags; 0: none. */
uint64_t act_bonds_last(const struct act_bonds *bonds, uint32_t flags);

#endif
