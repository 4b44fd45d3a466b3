/* Several runs on one loop. The loop port serves one coordinator: one function a turn, one stop. A seat
 * is a loop port of its own for each run; clock, timers and posts are the shared loop's. Lives on the
 * loop's thread. */
#ifndef ACT_EMBED_HUB_H
#define ACT_EMBED_HUB_H

#include "engine/port/loop.h"

struct act_hub;
/* loop: borrowed; its on_turn is the hub's from now on. */
struct act_hub *act_hub_create(struct act_loop *loop);
/* After all seats are closed. NULL is fine. */
void act_hub_destroy(struct act_hub *hub);

/* A loop port for one run. Its stop does not stop the loop but calls stopped, once, after all runs had
 * their turn; its run is not for use. Signals to the process are never told. Ended by its ops->close,
 * which is safe also within its own turn's or stopped's call. */
struct act_loop *act_hub_seat(struct act_hub *hub, void (*stopped)(void *self), void *self);

#endif
