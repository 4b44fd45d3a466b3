/* The simulated world around one run: a virtual clock, executors, timers, limits, signals, crashes.
 * Everything follows from the seed. It plays the host and watches the machine's promises. */
#ifndef ACT_TESTS_SIM_WORLD_H
#define ACT_TESTS_SIM_WORLD_H

#include "engine/core/fork.h"
#include "engine/core/snapshot.h"
#include "tests/sim/plan_random.h"

struct world_timer {
    act_inst inst;
    uint32_t number;
    int64_t at_ms;
    uint64_t order;
};
struct world_job {
    act_inst inst;
    int64_t ends_ms, kill_ms; /* kill_ms: INT64_MAX unless it is being stopped */
    uint64_t order;
    bool stopping;
};
/* The state after the first `batches` of the log. */
struct world_snapshot {
    uint32_t batches;
    struct act_buf bytes;
};
#define WORLD_SNAPSHOTS 4

struct world {
    const struct act_plan *plan;
    struct random random;
    const struct act_state_table *states; /* NULL: the right one */
    struct act_run *run;
    struct act_effects effects;
    struct act_buf log;
    ACT_VEC(uint64_t) batches; /* ends of batches in log */
    int64_t now_ms, clock_ms;  /* clock_ms: the run's clock minus now_ms */
    uint64_t order;
    uint32_t slots;
    ACT_VEC(act_inst) ready;
    ACT_VEC(struct world_timer) timers;
    ACT_VEC(struct world_job) jobs;
    ACT_VEC(struct world_timer) acquires; /* waiting for a limit */
    ACT_VEC(act_inst) holders;
    ACT_VEC(struct world_timer) questions;
    struct random cuts, clocks; /* decide on snapshots alone, on the clock alone */
    struct world_snapshot
        snapshots[WORLD_SNAPSHOTS]; /* a ring; the newest stands before the next */
    uint32_t snapshot_count;
    const struct act_snapshot_omit *omit; /* what is left out of them; NULL: nothing */
    bool
        by_bytes; /* what is recovered must be saved as what was lost; else only what follows counts */
    uint32_t signals; /* ids of those that came */
    uint32_t crashes, loads, starts, picked;
    struct act_buf picked_path;
    uint64_t fate; /* not 0: how attempts end follows from it alone, and no signals come */
    bool calm;     /* no crashes, cancels, suspensions */
    bool loud;     /* print events */
    bool resuming;
    char problem[512]; /* first broken promise; empty: none */
};

void world_init(struct world *w, const struct act_plan *plan, uint64_t seed);
void world_fini(struct world *w);
void world_start(struct world *w);
void world_begin(struct world *w, const char *id, bool fork); /* fork: what it reuses must follow */
/* Plays until the run has ended. False: problem says what went wrong. */
bool world_play(struct world *w);
bool world_apply(struct world *w, act_inst inst, struct act_event event);
bool world_retry(struct world *w);
/* Into ret, which was init with the same plan: a fork of w, whose run has ended, from a node that began in
 * it. False: none of its nodes can be named. */
bool world_fork(struct world *w, struct world *ret);
/* snapshots.c: takes one, now and then; a run made from the newest one and the tail of the log, or NULL;
 * at the end: each of them, with its tail, against the whole log. */
void world_snapshot(struct world *w);
struct act_run *world_load(struct world *w);
void world_check_snapshots(struct world *w);
void world_snapshots_fini(struct world *w);
/* The run that the log from batch `from` on makes of run (NULL: from the beginning). */
struct act_run *world_replay(struct world *w, struct act_run *run, uint32_t from, uint32_t to);
/* After the end: replays the log, whole and cut, and checks it. */
bool world_check_log(struct world *w);
/* Where chance comes from for an attempt. */
struct random world_chance(struct world *w, act_inst inst);
/* To the question that inst has open: of files a hash, of a cache a hit or a miss, of artifacts what is there, or that
 * nothing is. New reference. */
struct act_value *world_answer(struct world *w, act_inst inst);
void world_problem(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
