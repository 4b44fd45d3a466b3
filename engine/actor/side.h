/* The side door of a mailbox that drops its oldest: messages from other threads lie here, under a lock, until
 * the actor's thread takes them in. So a sender can drop what a newer one displaces although the
 * receiver is in the middle of a long step, and a flood takes no more memory than twice the mailbox. */
#ifndef ACT_ENGINE_ACTOR_SIDE_H
#define ACT_ENGINE_ACTOR_SIDE_H

#include "engine/actor/actor_internal.h"

struct act_side;

struct act_side *act_side_create(void);
void act_side_destroy(struct act_side *side);
void act_side_put(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                  struct act_node *node);
/* On the cell's thread. */
void act_side_take(struct act_worker *worker, struct act_cell *cell);

#endif
