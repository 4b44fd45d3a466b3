/* Which ended runs may go: by number, age and bytes, failures kept longer. Whole runs only, and only such as
 * have ended. The rules are those of who asks, or each workflow's own (`retention` in its file): then the
 * newest run of a workflow says what holds for all of its runs; a workflow is its name and the path of its
 * file. Lives on the thread of the store. */
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
/* A plan's or a run's `retention` ({keep, older_than_ms, max_bytes, keep_failed_ms}). */
struct act_retention act_retention_of(const struct act_value *map);

struct act_retention_wish {
    const struct act_retention *rules; /* for all runs together; NULL: each workflow's own */
    int64_t failed_age_ms;             /* in place of the workflows' own; < 0: theirs */
    struct act_str workflow;           /* only runs of workflows of this name; empty: all */
    struct act_str path;               /* and of this file; empty: any */
    struct act_str spare;              /* a run that stays; empty: none */
    int64_t now_ms;                    /* UTC */
    bool dry;                          /* removes nothing */
    uint32_t look_max;                 /* at the newest so many runs; 0: at all */
    int64_t patience_ms; /* later it begins no removal but the first; 0: as long as it takes */
};

enum act_retention_rule {
    ACT_RETENTION_KEEP = 1,
    ACT_RETENTION_AGE = 2,
    ACT_RETENTION_SIZE = 4,
    ACT_RETENTION_FAILED = 8, /* it failed, and was kept longer until now */
};
struct act_retention_row {
    struct act_str run, workflow; /* the arena's */
    uint64_t bytes;
    unsigned rules; /* that let it go; of enum act_retention_rule */
    bool own;       /* the workflow's own ones */
};
typedef ACT_VEC(struct act_retention_row) act_retention_rows;

/* Removes, oldest first, and says which; dry: says it only. What somebody takes up or removes at this moment
 * is left alone. *ruled (may be NULL): is there anything that could let a run go? */
enum act_err act_retention_apply(struct act_store *store, const struct act_retention_wish *wish,
                                 struct act_arena *arena, act_retention_rows *ret, bool *ruled,
                                 struct act_error *err);

/* After the end of a run: what its workflow's own rules let go, as far as that takes no time to speak of; the
 * rest is left to the next run, or to who applies them all. Whatever goes wrong is left to them, too. */
struct act_run_row;
void act_retention_after(struct act_store *store, const struct act_run_row *row, int64_t now_ms);

#endif
