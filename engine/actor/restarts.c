#include "engine/actor/restarts.h"

#include <string.h>

static const int64_t day_ns = INT64_C(86400) * 1000 * 1000 * 1000;

static void
forget_old(struct act_restarts *restarts, int64_t now_ns)
{
    while (restarts->window_ns > 0 && restarts->first < restarts->times.len &&
           now_ns - restarts->times.ptr[restarts->first] >= restarts->window_ns) {
        restarts->first++;
    }
    if (restarts->first > 0 && restarts->first * 2 >= restarts->times.len) {
        restarts->times.len -= restarts->first;
        memmove(restarts->times.ptr, restarts->times.ptr + restarts->first,
                restarts->times.len * sizeof(*restarts->times.ptr));
        restarts->first = 0;
    }
}

bool
act_restarts_allow(struct act_restarts *restarts, int64_t now_ns)
{
    if (restarts->unlimited) {
        return true;
    }
    forget_old(restarts, now_ns);
    if (restarts->times.len - restarts->first >= restarts->max) {
        return false;
    }
    act_vec_push(&restarts->times, now_ns);
    return true;
}

void
act_restarts_fini(struct act_restarts *restarts)
{
    act_vec_fini(&restarts->times);
    restarts->first = 0;
}

int64_t
act_backoff_ns(int64_t base_ns, int64_t max_ns, uint32_t streak)
{
    int64_t most = max_ns > 0 && max_ns < day_ns ? max_ns : day_ns, pause = base_ns;
    for (uint32_t i = 0; i < streak && pause > 0 && pause < most; i++) {
        pause *= 2;
    }
    return pause < most ? pause : most;
}

int64_t
act_ms_to_ns(int64_t ms)
{
    const int64_t most = INT64_C(100) * 365 * 86400 * 1000;
    return (ms < most ? ms : most) * 1000000;
}
