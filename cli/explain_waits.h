/* How long a node waited, and for whom: gathered from the moves of a run that is replayed. Counted are
 * its needs, its place in a `parallel` window, `delay`, `limits`, a slot of -j and the pause between
 * attempts; what takes no time is no wait. */
#ifndef ACT_CLI_EXPLAIN_WAITS_H
#define ACT_CLI_EXPLAIN_WAITS_H

#include "engine/core/run.h"

enum act_wait_for {
    ACT_WAIT_NEEDS,
    ACT_WAIT_WINDOW, /* `parallel` of what is around it */
    ACT_WAIT_DELAY,
    ACT_WAIT_LIMITS,
    ACT_WAIT_SLOT,
    ACT_WAIT_BACKOFF,
};

struct act_wait {
    enum act_wait_for what;
    int64_t from_ms, to_ms; /* UTC */
    bool lasts;             /* it waits still */
    uint32_t most;          /* at once, of what stood in its way */
    struct act_value *by;   /* owned: names of the first that did; the rest counts only */
    uint32_t by_count;
};
ACT_VEC_TYPE(act_waits, struct act_wait);

struct act_holder {
    struct act_key key; /* numbers owned */
    bool slot, limits;  /* what it holds now */
};
ACT_VEC_TYPE(act_holders, struct act_holder);

struct act_explain_waits {
    const struct act_plan *plan; /* borrowed */
    struct act_key target;       /* borrowed */
    struct act_waits list;
    struct act_holders holders; /* instances that hold a slot or limits */
    int64_t around_ms;          /* when what is around it began; -1: not yet */
    int64_t met_ms;             /* when the last of its needs ended; -1: none has */
    bool begun, open;           /* left `pending`; the last of list has no end yet */
};

/* target is borrowed. */
void act_explain_waits_init(struct act_explain_waits *w, const struct act_plan *plan,
                            struct act_key target);
void act_explain_waits_fini(struct act_explain_waits *w);
/* A move of an instance; around: it is what the target stands in directly. */
void act_explain_waits_move(struct act_explain_waits *w, const struct act_move_seen *seen,
                            bool around);
/* Drops the waits that were none; one that lasts is counted to now_ms. */
void act_explain_waits_finish(struct act_explain_waits *w, int64_t now_ms);
/* "waited 1.2 s for a slot: 2 were taken, by a, b" */
void act_explain_wait_text(struct act_buf *out, const struct act_wait *wait);
/* The same as {"ms", "taken", "by", "waiting"}; owned by the caller. */
struct act_value *act_explain_wait_value(const struct act_wait *wait);
const char *act_explain_wait_name(enum act_wait_for what); /* "a slot" */

#endif
