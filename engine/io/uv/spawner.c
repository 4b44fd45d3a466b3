#include "engine/io/uv/spawner.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#if !ACT_PORTABLE
#include <sys/eventfd.h>
#endif

#define THREAD_COUNT 2

struct act_spawner {
    const struct act_spawn_shared *shared;
    int event_fd;
    int thread_count;
    pthread_t threads[THREAD_COUNT];

    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t todo_ready, drained;
    struct act_spawn_job *todo, **todo_end;
    struct act_spawn_job *done, **done_end;
    uint32_t busy; /* jobs in todo or in a thread's hands */
    bool closing;
};

struct act_spawner *
act_spawner_create(const struct act_spawn_shared *shared)
{
    struct act_spawner *spawner = act_zalloc(1, sizeof *spawner);
    spawner->shared = shared;
    spawner->event_fd = -1;
    spawner->todo_end = &spawner->todo;
    spawner->done_end = &spawner->done;
    ACT_ASSERT(pthread_mutex_init(&spawner->mutex, NULL) == 0);
    ACT_ASSERT(pthread_cond_init(&spawner->todo_ready, NULL) == 0);
    ACT_ASSERT(pthread_cond_init(&spawner->drained, NULL) == 0);
    return spawner;
}

static void
append(struct act_spawn_job ***end, struct act_spawn_job *job)
{
    job->next = NULL;
    **end = job;
    *end = &job->next;
}

static void
wake_loop(struct act_spawner *spawner)
{
#if !ACT_PORTABLE
    uint64_t one = 1;
    while (write(spawner->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
#else
    (void)spawner;
#endif
}

/* With the mutex held, save while a process is being started. */
static void
work(struct act_spawner *spawner)
{
    struct act_spawn_job *job = spawner->todo;
    spawner->todo = job->next;
    if (!spawner->todo)
        spawner->todo_end = &spawner->todo;
    pthread_mutex_unlock(&spawner->mutex);
    act_spawn_start(&job->spawn, spawner->shared);
    pthread_mutex_lock(&spawner->mutex);
    bool first = spawner->done == NULL;
    append(&spawner->done_end, job);
    if (--spawner->busy == 0)
        pthread_cond_signal(&spawner->drained);
    if (first)
        wake_loop(spawner);
}

static void *
thread_main(void *arg)
{
    struct act_spawner *spawner = arg;
    pthread_mutex_lock(&spawner->mutex);
    while (!spawner->closing) {
        if (spawner->todo)
            work(spawner);
        else
            pthread_cond_wait(&spawner->todo_ready, &spawner->mutex);
    }
    pthread_mutex_unlock(&spawner->mutex);
    return NULL;
}

/* Signals are the loop's: the threads block all of them. */
static int
start_threads(struct act_spawner *spawner)
{
#if ACT_PORTABLE
    (void)spawner;
    (void)thread_main;
    return ENOSYS; /* without pipe2 a pipe could leak into a process that another thread starts */
#else
    if (spawner->event_fd < 0)
        spawner->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (spawner->event_fd < 0)
        return errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    while (!failed && spawner->thread_count < THREAD_COUNT) {
        failed =
            pthread_create(&spawner->threads[spawner->thread_count], NULL, thread_main, spawner);
        spawner->thread_count += failed == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return spawner->thread_count ? 0 : failed;
#endif
}

int
act_spawner_put(struct act_spawner *spawner, struct act_spawn_job *job)
{
    if (!spawner->thread_count) {
        int failed = start_threads(spawner);
        if (failed)
            return failed;
    }
    pthread_mutex_lock(&spawner->mutex);
    append(&spawner->todo_end, job);
    spawner->busy++;
    pthread_cond_signal(&spawner->todo_ready);
    pthread_mutex_unlock(&spawner->mutex);
    return 0;
}

struct act_spawn_job *
act_spawner_take(struct act_spawner *spawner)
{
    if (spawner->event_fd >= 0) {
        uint64_t count;
        while (read(spawner->event_fd, &count, sizeof count) < 0 && errno == EINTR)
            continue;
    }
    pthread_mutex_lock(&spawner->mutex);
    struct act_spawn_job *jobs = spawner->done;
    spawner->done = NULL;
    spawner->done_end = &spawner->done;
    pthread_mutex_unlock(&spawner->mutex);
    return jobs;
}

void
act_spawner_drain(struct act_spawner *spawner)
{
    pthread_mutex_lock(&spawner->mutex);
    while (spawner->busy)
        pthread_cond_wait(&spawner->drained, &spawner->mutex);
    pthread_mutex_unlock(&spawner->mutex);
}

int
act_spawner_fd(const struct act_spawner *spawner)
{
    return spawner->event_fd;
}

void
act_spawner_destroy(struct act_spawner *spawner)
{
    if (!spawner)
        return;
    pthread_mutex_lock(&spawner->mutex);
    spawner->closing = true;
    pthread_cond_broadcast(&spawner->todo_ready);
    pthread_mutex_unlock(&spawner->mutex);
    for (int i = 0; i < spawner->thread_count; i++)
        pthread_join(spawner->threads[i], NULL);
    if (spawner->event_fd >= 0)
        close(spawner->event_fd);
    pthread_cond_destroy(&spawner->todo_ready);
    pthread_cond_destroy(&spawner->drained);
    pthread_mutex_destroy(&spawner->mutex);
    act_free(spawner);
}
