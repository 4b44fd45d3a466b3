/* What a fork has from the run that it came from (facts REUSED and FORKED, which follow RUN_STARTED at
 * once). An instance that is about to begin and whose end is among it does not run: it and what was inside
 * it stand there as they had ended, and the log has their ends as records like any others. What holds the
 * node that the fork begins with goes the way that leads there: its guard and delay are over, its branch is
 * chosen, its loop goes on to that turn. Owned by the run.
 *
 * Invariants:
 *  1. An entry is used once, and in the first attempt of what is around it only; a RETRY drops them all.
 *  2. Whatever is inside an entry that has an end is an entry with an end. */
#ifndef ACT_ENGINE_CORE_REUSE_H
#define ACT_ENGINE_CORE_REUSE_H

#include "engine/core/instance.h"

struct act_reuse;
struct act_reuse *act_reuse_create(void);
void act_reuse_destroy(struct act_reuse *reuse);

/* The facts; event is borrowed. */
enum act_err act_reuse_check(const struct act_run *run, const struct act_event *event,
                             struct act_error *err);
void act_reuse_add(struct act_run *run, const struct act_event *event);
void act_reuse_complete(struct act_run *run, const struct act_event *event);

/* inst is about to begin. True: it has been dealt with. */
bool act_reuse_meets(struct act_run *run, struct act_instance *inst);
/* The plan node of the branch that is to be taken; ACT_NODE_NONE: whichever. */
uint32_t act_reuse_branch(struct act_run *run, const struct act_instance *inst);
/* The turn that the loop must come to; -1: none. */
int64_t act_reuse_turn(struct act_run *run, const struct act_instance *inst);
/* The items that there were (a new reference); NULL: they are to be evaluated. */
struct act_value *act_reuse_items(struct act_run *run, const struct act_instance *inst);

#endif
