/* A table from 64-bit keys (refs; never 0) to pointers, with removal. Zero-initialised is empty; the holder
 * owns the memory and the lock. */
#ifndef ACT_ACTOR_TABLE_H
#define ACT_ACTOR_TABLE_H

#include <stdint.h>

struct act_table_slot {
    uint64_t key; /* 0: free */
    void *value;
};
struct act_table {
    struct act_table_slot *slots; /* linear probing; never more than half full */
    uint32_t cap, count;
};

void act_table_fini(struct act_table *table);
/* Sets key to value, which is not NULL. */
void act_table_put(struct act_table *table, uint64_t key, void *value);
void *act_table_get(const struct act_table *table, uint64_t key); /* NULL: not there */
void *act_table_take(struct act_table *table, uint64_t key);      /* removes; NULL: was not there */

#endif
