/* Group commit: the history writer's thread at level `power`, one for all runs of a process. It is a background
 * producer (include/actant/producer.h) whose sink is a store writer: what the runs of the loop append while one
 * transaction waits for the disk is the next one. Used from the loop's thread, where answers come, too. */
#ifndef ACT_ENGINE_RUN_GROUP_H
#define ACT_ENGINE_RUN_GROUP_H

#include "engine/port/loop.h"
#include "engine/port/store.h"
#include "include/actant/producer.h"

/* Embedded in what is to be written; it and what it names live until done. */
struct act_group_job {
    struct act_store_job store;
    bool
        urgent; /* before others: the status of a run changes. Of one run at most one job is under way */
    void (*done)(
        struct act_group_job *job); /* on the loop's thread, exactly once, store.code filled in */
    struct act_group_job *next;     /* the group's own */
};

struct act_group;
/* writer is taken over, also by a failure (ACT_ERR_SYSTEM: no thread). loop outlives the group. */
enum act_err act_group_create(struct act_loop *loop, struct act_store_writer *writer,
                              struct act_group **ret, struct act_error *err);
/* Writes what is there and tells it. The loop is not turned any more after it. NULL is nothing. */
void act_group_destroy(struct act_group *group);

void act_group_put(struct act_group *group, struct act_group_job *job);
/* Waits until everything that was put is written, and tells it. */
void act_group_flush(struct act_group *group);
/* Between turns, when nothing waits: the writer's, soon. */
void act_group_maintain(struct act_group *group);
void act_group_metrics(struct act_group *group, struct actant_producer_metrics *ret);

#endif
