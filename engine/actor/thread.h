/* The few calls of POSIX threads that the runtime makes, so that nothing else of it sees them. */
#ifndef ACT_ENGINE_ACTOR_THREAD_H
#define ACT_ENGINE_ACTOR_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct act_mutex {
    pthread_mutex_t handle;
};
/* Waits by the monotonic clock. */
struct act_cond {
    pthread_cond_t handle;
};
struct act_thread {
    pthread_t handle;
};

void act_mutex_init(struct act_mutex *mutex);
void act_mutex_fini(struct act_mutex *mutex);
void act_mutex_lock(struct act_mutex *mutex);
void act_mutex_unlock(struct act_mutex *mutex);

void act_cond_init(struct act_cond *cond);
void act_cond_fini(struct act_cond *cond);
/* until_ns: of act_thread_now_ns; negative: no limit. False if that time has come. */
bool act_cond_wait(struct act_cond *cond, struct act_mutex *mutex, int64_t until_ns);
void act_cond_signal(struct act_cond *cond);
void act_cond_broadcast(struct act_cond *cond);

/* False if the system has no thread left. */
bool act_thread_start(struct act_thread *thread, void *(*main)(void *self), void *self);
void act_thread_join(struct act_thread *thread);
struct act_thread act_thread_self(void);
bool act_thread_is_self(const struct act_thread *thread);

int64_t act_thread_now_ns(void); /* CLOCK_MONOTONIC */

#endif
