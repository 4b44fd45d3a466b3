/* One run of tests/kill/flow.yaml by the engine as it is shipped: libuv's loop and processes, SQLite, every
 * executor; and in it a killer, by the debug hook of engine/run/coord.h. */
#ifndef ACT_TESTS_KILL_PLAY_H
#define ACT_TESTS_KILL_PLAY_H

#include "embed/live.h"
#include "embed/spec.h"
#include "engine/run/messages.h"

/* A folder with the workflow, and what all runs of it share. */
struct stage {
    char folder[64];
    struct act_spec spec;
    struct act_value *params;
};
bool stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* Who is killed: victim before its at-th message (0: nobody); or, with often, each with one in `often` of
 * all its messages, as seed says, but at most KILLS_MAX. */
#define KILLS_MAX 30
struct killer {
    enum act_crew_role victim;
    uint64_t at;
    uint32_t often;
    uint64_t seed;
};

/* What became of a run. */
struct ending {
    struct act_buf document; /* its document and its nodes, without what is of the time and place */
    struct act_buf log;      /* who was dispatched and ended, sorted */
    struct act_buf marks;    /* what its tasks left, sorted */
    uint32_t taken[ACT_CREW_COUNT], kills;
    char problem[640]; /* empty: it ended */
};
void play(struct stage *stage, const struct killer *killer, struct ending *ret);
void ending_fini(struct ending *ending);

#endif
