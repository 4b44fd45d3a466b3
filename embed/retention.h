/* Which ended runs may go: by number, age and bytes, failures kept longer. Whole runs only. Lives on the
 * thread of the store. */
#ifndef ACT_EMBED_RETENTION_H
#define ACT_EMBED_RETENTION_H

#include "engine/port/store.h"

/* A run goes only if everything that is given lets it go. */
struct act_retention {
    uint32_t keep;         /* the newest so many ended runs stay; 0: none for their number */
    int64_t age_ms;        /* what ended less long ago stays; 0: none for its age */
    int64_t failed_age_ms; /* the same of runs that failed or were cancelled, if it is longer */
    uint64_t bytes; /* only until the ended runs that are left have at most so many; see limited */
    bool limited;   /* by bytes */
};

struct act_retention_row {
    struct act_str run; /* the arena's */
    uint64_t bytes;
};
typedef ACT_VEC(struct act_retention_row) act_retention_rows;

/* Removes, oldest first, and says which; dry: says it only. What somebody takes up or removes at this moment
 * is left alone. now_ms: UTC. */
enum act_err act_retention_apply(struct act_store *store, const struct act_retention *rules,
                                 int64_t now_ms, bool dry, struct act_arena *arena,
                                 act_retention_rows *ret, struct act_error *err);

#endif
