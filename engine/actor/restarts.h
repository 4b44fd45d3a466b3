/* How often something may be started again: at most max times within a window. Zero-initialised, with max
 * and window_ns set, it has counted nothing. */
#ifndef ACT_ACTOR_RESTARTS_H
#define ACT_ACTOR_RESTARTS_H

#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct act_restarts {
    uint32_t max;
    int64_t window_ns; /* 0: for ever */
    bool unlimited;
    ACT_VEC(int64_t) times; /* rising; from first on they are within the window */
    uint32_t first;
};

/* Counts one. False: that is one too many. */
bool act_restarts_allow(struct act_restarts *restarts, int64_t now_ns);
/* Forgets what it has counted. */
void act_restarts_fini(struct act_restarts *restarts);

int64_t act_ms_to_ns(int64_t ms); /* at most that of 100 years */
/* base, doubled streak times, but at most max (0: no limit but that of a day). */
int64_t act_backoff_ns(int64_t base_ns, int64_t max_ns, uint32_t streak);

#endif
