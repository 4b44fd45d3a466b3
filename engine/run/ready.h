/* The instances that want a slot: highest priority first, then in order of arrival. A binary heap.
 * Withdrawn ones stay in it: the machine refuses a slot for what no longer wants one, which is cheaper
 * than a search. Bounded by the plan's width; one thread. */
#ifndef ACT_ENGINE_RUN_READY_H
#define ACT_ENGINE_RUN_READY_H

#include "engine/core/run.h"

struct act_ready_entry {
    act_inst inst;
    int32_t priority;
    uint64_t arrival;
};
struct act_ready {
    ACT_VEC(struct act_ready_entry) heap;
    uint64_t arrivals;
};
void act_ready_heap_fini(struct act_ready *ready);
void act_ready_heap_push(struct act_ready *ready, act_inst inst, int32_t priority);
/* With its priority; inst ACT_INST_NONE if empty. */
struct act_ready_entry act_ready_heap_take(struct act_ready *ready);
act_inst act_ready_heap_pop(struct act_ready *ready); /* ACT_INST_NONE if empty */

#endif
