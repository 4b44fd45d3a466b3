#include "engine/actor/bonds.h"

#include "base/alloc.h"

#include <string.h>

#define LIST_MAX 8 /* up to here a list is searched */

static uint32_t
hash(uint64_t ref)
{
    return (uint32_t)((ref * 0x9E3779B97F4A7C15u) >> 32);
}

void
act_bonds_fini(struct act_bonds *bonds)
{
    if (bonds->entries != bonds->first) {
        act_free(bonds->entries);
    }
    act_free(bonds->slots);
    *bonds = (struct act_bonds){0};
}

static void
put_slot(struct act_bonds *bonds, uint32_t index)
{
    uint32_t mask = bonds->slot_cap - 1;
    uint32_t at = hash(bonds->entries[index].ref) & mask;

    while (bonds->slots[at] != 0) {
        at = (at + 1) & mask;
    }
    bonds->slots[at] = index + 1;
    bonds->slots_used++;
}

static void
rebuild_slots(struct act_bonds *bonds)
{
    act_free(bonds->slots);
    bonds->slots = NULL;
    bonds->slots_used = bonds->slot_cap = 0;
    if (bonds->cap <= LIST_MAX) {
        return;
    }
    bonds->slot_cap = bonds->cap * 4;
    bonds->slots = act_zalloc(bonds->slot_cap, sizeof(*bonds->slots));
    for (uint32_t i = 0; i < bonds->len; i++) {
        if (bonds->entries[i].ref != 0) {
            put_slot(bonds, i);
        }
    }
}

static struct act_bond *
find(const struct act_bonds *bonds, uint64_t ref)
{
    if (!bonds->slots) {
        for (uint32_t i = 0; i < bonds->len; i++) {
            if (bonds->entries[i].ref == ref) {
                return &bonds->entries[i];
            }
        }
        return NULL;
    }
    uint32_t mask = bonds->slot_cap - 1;
    for (uint32_t at = hash(ref) & mask; bonds->slots[at] != 0; at = (at + 1) & mask) {
        uint32_t index = bonds->slots[at] - 1;
        if (index < bonds->len && bonds->entries[index].ref == ref) {
            return &bonds->entries[index];
        }
    }
    return NULL;
}

uint32_t
act_bonds_get(const struct act_bonds *bonds, uint64_t ref)
{
    struct act_bond *bond = find(bonds, ref);

    return bond ? bond->flags : 0;
}

/* Squeezes out what was taken out if that is half of it, else doubles. */
static void
make_room(struct act_bonds *bonds)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < bonds->len; i++) {
        if (bonds->entries[i].ref != 0) {
            bonds->entries[kept++] = bonds->entries[i];
        }
    }
    bonds->len = kept;
    if (kept * 2 > bonds->cap) {
        bool first = bonds->entries == bonds->first;
        bonds->cap = first ? 4 : bonds->cap * 2;
        bonds->entries =
            act_realloc(first ? NULL : bonds->entries, bonds->cap, sizeof(*bonds->entries));
        if (first) {
            bonds->entries[0] = bonds->first[0];
        }
    }
    rebuild_slots(bonds);
}

void
act_bonds_add(struct act_bonds *bonds, uint64_t ref, uint32_t flags)
{
    struct act_bond *bond = find(bonds, ref);

    if (bond) {
        bond->flags |= flags;
        return;
    }
    if (!bonds->entries) {
        bonds->entries = bonds->first;
        bonds->cap = 1;
    } else if (bonds->len == bonds->cap) {
        make_room(bonds);
    } else if (bonds->slots && bonds->slots_used * 4 >= bonds->slot_cap * 3) {
        rebuild_slots(bonds);
    }
    bonds->entries[bonds->len++] = (struct act_bond){ref, flags};
    if (bonds->slots) {
        put_slot(bonds, bonds->len - 1);
    }
}

uint32_t
act_bonds_drop(struct act_bonds *bonds, uint64_t ref, uint32_t flags)
{
    struct act_bond *bond = find(bonds, ref);

    if (!bond) {
        return 0;
    }
    uint32_t had = bond->flags;
    bond->flags &= ~flags;
    if (bond->flags == 0) {
        bond->ref = 0;
        while (bonds->len > 0 && bonds->entries[bonds->len - 1].ref == 0) {
            bonds->len--;
        }
    }
    return had;
}

uint64_t
act_bonds_last(const struct act_bonds *bonds, uint32_t flags)
{
    for (uint32_t i = bonds->len; i > 0; i--) {
        if (bonds->entries[i - 1].flags & flags) {
            return bonds->entries[i - 1].ref;
        }
    }
    return 0;
}
