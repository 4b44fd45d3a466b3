/* What decided: gathered while a stored run is replayed. */
#ifndef ACT_CLI_EXPLAIN_TRACE_H
#define ACT_CLI_EXPLAIN_TRACE_H

#include "cli/explain_waits.h"

struct act_because {
    struct act_str expr;     /* as text */
    struct act_str sentence; /* what people read instead of `expr = value`; empty: that */
    struct act_value *value; /* owned */
    struct act_str node;     /* what it is about; empty: none */
    enum act_attr
        attr;       /* of a decision: GUARD, SUBJECT, …; 0: a part of the one before, or a fact */
    uint32_t about; /* plan node that decided */
};
ACT_VEC_TYPE(act_becauses, struct act_because);

struct act_explain_trace {
    struct act_trace trace; /* for act_run_set_trace */
    const struct act_plan *plan;
    struct act_key target; /* numbers owned by the arena */
    struct act_arena arena;
    struct act_becauses list;
    struct act_explain_waits waits;
};
/* target is copied. Decisions of the target and of what is around it are kept, the last of each. */
void act_explain_trace_init(struct act_explain_trace *t, const struct act_plan *plan,
                            struct act_key target);
void act_explain_trace_fini(struct act_explain_trace *t);
/* A fact that no expression made. value is taken. */
void act_explain_add(struct act_explain_trace *t, struct act_str expr, struct act_value *value,
                     struct act_str node);
/* What the cache was asked and said (act_view_entry.cache). */
void act_explain_add_cache(struct act_explain_trace *t, const struct act_value *cache,
                           struct act_str node);
/* The waits as facts about `node`; after the replay. Those that last are counted to now_ms. */
void act_explain_add_waits(struct act_explain_trace *t, struct act_str node, int64_t now_ms);

#endif
