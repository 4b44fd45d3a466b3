/* The two clocks in milliseconds, for what stands outside the run machine: the machine itself reads no
 * clock, its time comes with its events. */
#ifndef ACT_ENGINE_PORT_CLOCK_H
#define ACT_ENGINE_PORT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t
act_clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Since 1970; may jump. */
static inline int64_t
act_clock_wall_ms(void)
{
    return act_clock_ms(CLOCK_REALTIME);
}

/* Since some point; never goes back. */
static inline int64_t
act_clock_monotonic_ms(void)
{
    return act_clock_ms(CLOCK_MONOTONIC);
}

#endif
