/* START's payload: a task with everything it lends, so that it may be started after the run machine
 * that evaluated it is gone. Texts of the plan and literals are the plan's, which outlives it. */
#ifndef ACT_ENGINE_RUN_ORDER_H
#define ACT_ENGINE_RUN_ORDER_H

#include "engine/run/messages.h"

struct act_order {
    struct act_attempt_id id;
    struct act_task task;
    char nonce[33]; /* of the run's secrets */
    char bytes[];   /* texts that were evaluated */
};
struct act_order *act_order_create(const struct act_run *run, act_inst inst,
                                   const struct act_task *task);
void act_order_destroy(void *order);

#endif
