#include "engine/actor/thread.h"

#include "base/assert.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000

void
act_mutex_init(struct act_mutex *mutex)
{
    ACT_ASSERT(pthread_mutex_init(&mutex->handle, NULL) == 0);
}

void
act_mutex_fini(struct act_mutex *mutex)
{
    ACT_ASSERT(pthread_mutex_destroy(&mutex->handle) == 0);
}

void
act_mutex_lock(struct act_mutex *mutex)
{
    ACT_ASSERT(pthread_mutex_lock(&mutex->handle) == 0);
}

void
act_mutex_unlock(struct act_mutex *mutex)
{
    ACT_ASSERT(pthread_mutex_unlock(&mutex->handle) == 0);
}

void
act_cond_init(struct act_cond *cond)
{
    pthread_condattr_t attributes;

    ACT_ASSERT(pthread_condattr_init(&attributes) == 0);
    ACT_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ACT_ASSERT(pthread_cond_init(&cond->handle, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

void
act_cond_fini(struct act_cond *cond)
{
    ACT_ASSERT(pthread_cond_destroy(&cond->handle) == 0);
}

bool
act_cond_wait(struct act_cond *cond, struct act_mutex *mutex, int64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};

    if (until_ns < 0) {
        ACT_ASSERT(pthread_cond_wait(&cond->handle, &mutex->handle) == 0);
        return true;
    }
    int result = pthread_cond_timedwait(&cond->handle, &mutex->handle, &until);
    ACT_ASSERT(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

void
act_cond_signal(struct act_cond *cond)
{
    pthread_cond_signal(&cond->handle);
}

void
act_cond_broadcast(struct act_cond *cond)
{
    pthread_cond_broadcast(&cond->handle);
}

bool
act_thread_start(struct act_thread *thread, void *(*main)(void *self), void *self)
{
    return pthread_create(&thread->handle, NULL, main, self) == 0;
}

void
act_thread_join(struct act_thread *thread)
{
    ACT_ASSERT(pthread_join(thread->handle, NULL) == 0);
}

struct act_thread
act_thread_self(void)
{
    return (struct act_thread){pthread_self()};
}

bool
act_thread_is_self(const struct act_thread *thread)
{
    return pthread_equal(thread->handle, pthread_self()) != 0;
}

int64_t
act_thread_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}
