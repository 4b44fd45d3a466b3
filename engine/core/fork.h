/* What `actant fork RUN --from NODE` takes over from a run: read from its log, told to the new one. Reused is
 * what had ended well and does not come after NODE; what NODE follows (the links before it in a chain, what
 * it needs in a dag, a chord's members before `then`, the body before `catch` and `finally`, earlier turns) as
 * it had ended, well or not. NODE, what follows it, what failed beside it and what had not ended run anew,
 * and so do all members of a race, or of a box with a quorum, that NODE stands in.
 *
 * How: act_run_create, act_run_keep_ledger, act_run_replay of the whole log, act_fork_plan. */
#ifndef ACT_ENGINE_CORE_FORK_H
#define ACT_ENGINE_CORE_FORK_H

#include "engine/core/run.h"

struct act_fork_actor {
    uint32_t node; /* a `call` node */
    bool reused;   /* else its call had begun, and is made anew */
};

struct act_fork {
    struct act_buf
        events;      /* facts for the new run's first batch: REUSED …, FORKED; act_event_decode */
    uint32_t reused; /* nodes that do not run again, those inside others included */
    struct act_buf path;  /* NODE's */
    struct act_buf files; /* of the old run's folder, that the events name: each ends with NUL */
    ACT_VEC(struct act_fork_actor) calls;
};
void act_fork_fini(struct act_fork *fork);

/* Before the first batch: every end is kept in memory from now on. */
void act_run_keep_ledger(struct act_run *run);
/* node: a name as in engine/core/naming.h. ACT_ERR_NOT_FOUND: it did not begin in that run;
 * ACT_ERR_INVALID: several did. from: the old run's id. */
enum act_err act_fork_plan(struct act_run *run, struct act_str node, struct act_fork *ret,
                           struct act_error *err);

#endif
