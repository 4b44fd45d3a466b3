/* The order of a run's instances: as the plan has them, depth first, turns and items by number. */
#ifndef ACT_ENGINE_VIEW_ORDER_H
#define ACT_ENGINE_VIEW_ORDER_H

#include "engine/view/view.h"

/* Fills in path, depth and sort of each entry and sorts them. */
void act_view_order(struct act_view *view);

#endif
