#include "engine/actor/table.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stddef.h>

enum { CAP_MIN = 16 };

static uint32_t
home(const struct act_table *table, uint64_t key)
{
    return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (table->cap - 1);
}

/* The slot of key, or the free one where it would go. */
static struct act_table_slot *
find(const struct act_table *table, uint64_t key)
{
    uint32_t i = home(table, key);
    while (table->slots[i].key != 0 && table->slots[i].key != key) {
        i = (i + 1) & (table->cap - 1);
    }
    return &table->slots[i];
}

static void
grow(struct act_table *table)
{
    struct act_table old = *table;
    table->cap = old.cap ? old.cap * 2 : CAP_MIN;
    table->slots = act_zalloc(table->cap, sizeof(*table->slots));
    for (uint32_t i = 0; i < old.cap; i++) {
        if (old.slots[i].key != 0) {
            *find(table, old.slots[i].key) = old.slots[i];
        }
    }
    act_free(old.slots);
}

void
act_table_fini(struct act_table *table)
{
    act_free(table->slots);
    *table = (struct act_table){0};
}

void
act_table_put(struct act_table *table, uint64_t key, void *value)
{
    ACT_ASSERT(key != 0 && value != NULL);
    if (table->count >= table->cap / 2) {
        grow(table);
    }
    struct act_table_slot *slot = find(table, key);
    table->count += slot->key == 0;
    *slot = (struct act_table_slot){key, value};
}

void *
act_table_get(const struct act_table *table, uint64_t key)
{
    return table->count ? find(table, key)->value : NULL;
}

/* No tombstones: what stands behind the hole and may not stand so far from home moves into it. */
static void
close_hole(struct act_table *table, uint32_t hole)
{
    uint32_t mask = table->cap - 1;
    for (uint32_t i = (hole + 1) & mask; table->slots[i].key != 0; i = (i + 1) & mask) {
        uint32_t at = home(table, table->slots[i].key);
        if (((i - at) & mask) >= ((i - hole) & mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole] = (struct act_table_slot){0};
}

void *
act_table_take(struct act_table *table, uint64_t key)
{
    if (!table->count) {
        return NULL;
    }
    struct act_table_slot *slot = find(table, key);
    void *value = slot->value;
    if (slot->key != 0) {
        table->count--;
        close_hole(table, (uint32_t)(slot - table->slots));
    }
    return value;
}
