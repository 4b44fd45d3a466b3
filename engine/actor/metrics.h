/* What is counted of each actor. One message in ACT_METRICS_EVERY that a thread of the system sends is
 * timed, from the send to the end of its step. */
#ifndef ACT_ENGINE_ACTOR_METRICS_H
#define ACT_ENGINE_ACTOR_METRICS_H

#include "engine/actor/actor_internal.h"

#define ACT_METRICS_EVERY 64
#define ACT_LATENCIES 24

/* Stays with its cell, for whoever reads it while the actor goes. */
struct act_latency {
    _Atomic(uint32_t) counts[ACT_LATENCIES];
};

void act_metrics_begin(struct actant_system *system, struct act_node *node);
void act_metrics_end(struct actant_system *system, struct act_cell *cell,
                     const struct act_node *node);
/* For the next actor in the cell. */
void act_metrics_reset(struct act_cell *cell);

#endif
