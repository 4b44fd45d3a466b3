#include "engine/producer/clock.h"

#include "base/assert.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000

int64_t
act_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t
act_clock_after(int64_t ms)
{
    int64_t now = act_clock_ns();
    return ms < 0 || ms > (ACT_NEVER_NS - now) / ACT_NS_PER_MS ? ACT_NEVER_NS
                                                               : now + ms * ACT_NS_PER_MS;
}

void
act_clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    ACT_ASSERT(pthread_condattr_init(&attributes) == 0);
    ACT_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ACT_ASSERT(pthread_cond_init(cond, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

bool
act_clock_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    if (until_ns == ACT_NEVER_NS) {
        ACT_ASSERT(pthread_cond_wait(cond, mutex) == 0);
        return true;
    }
    int result = pthread_cond_timedwait(cond, mutex, &until);
    ACT_ASSERT(result == 0 || result == ETIMEDOUT);
    return result == 0;
}
