/* Monotonic time and waiting by it. */
#ifndef ACT_ENGINE_PRODUCER_CLOCK_H
#define ACT_ENGINE_PRODUCER_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define ACT_NS_PER_MS 1000000
#define ACT_NS_PER_US 1000
#define ACT_NEVER_NS INT64_MAX

int64_t act_clock_ns(void);
/* now + ms; ACT_NEVER_NS if ms is negative or too far away. */
int64_t act_clock_after(int64_t ms);
void act_clock_cond_init(pthread_cond_t *cond);
/* False once until_ns has come. */
bool act_clock_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ns);

#endif
