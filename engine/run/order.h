/* START's payload: a task with everything it lends, so that it may be started after the run machine
 * that evaluated it is gone, also in another process (letter.h). */
#ifndef ACT_ENGINE_RUN_ORDER_H
#define ACT_ENGINE_RUN_ORDER_H

#include "engine/run/messages.h"

struct act_order {
    struct act_attempt_id id;
    struct act_task task; /* values are held */
    char nonce[33];       /* of the run's secrets */
    char bytes[];         /* texts that were evaluated; those of the plan and literals stay its */
};
struct act_order *act_order_create(const struct act_run *run, act_inst inst,
                                   const struct act_task *task);
/* Copies all texts but the actor's, which are the plan's. nonce: 32 characters. */
struct act_order *act_order_copy(struct act_attempt_id id, const struct act_task *task,
                                 const char *nonce);
void act_order_destroy(void *order);

/* The values of a task, in a fixed order; NULL where it has none. */
#define ACT_ORDER_VALUES 8u
void act_order_values(const struct act_task *task, const struct act_value *ret[ACT_ORDER_VALUES]);
void act_order_set_values(struct act_task *task, struct act_value *const values[ACT_ORDER_VALUES]);

#endif
