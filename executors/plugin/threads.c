#include "executors/plugin/threads.h"

#include "base/alloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define STACK_BYTES ((size_t)8 << 20) /* what a main thread has */

/* Invariants, under lock:
 * 1. busy of the threads run a job; idle of the others wait for work, the rest are on their way to it.
 * 2. stuck of the threads run a job that was given up.
 * 3. While finished is not empty the loop owes a turn.
 * 4. searching of the threads were woken or started for a job and have not looked for it yet. One is enough:
 *    who takes a job wakes the next, so that many short jobs do not wake a thread each. */
struct act_plugin_threads {
    struct act_loop *loop;
    uint32_t max;
    pthread_mutex_t lock;
    pthread_cond_t work, over;
    struct act_job *first, *last; /* the queue */
    uint32_t queued, threads, idle, searching, stuck;
    bool closing;
    bool orphan; /* closed, and the turn that the loop still owes frees it */
    atomic_uint
        busy; /* goes down before the job is handed back: its thread can be counted on then */
    _Atomic(struct act_job *) finished; /* newest first */
};

/* ---- back to the loop ---- */

static void destroy(struct act_plugin_threads *threads);

static void
turn(void *self)
{
    struct act_plugin_threads *threads = self;
    if (threads->orphan) {
        destroy(threads);
        return;
    }
    struct act_job *newest = atomic_exchange(&threads->finished, NULL), *oldest = NULL;
    while (newest) {
        struct act_job *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct act_job *next = oldest->next;
        oldest->done(oldest);
        oldest = next;
    }
}

void
act_plugin_threads_post(struct act_plugin_threads *threads, struct act_job *job)
{
    struct act_job *before = atomic_load(&threads->finished);
    do
        job->next = before;
    while (!atomic_compare_exchange_weak(&threads->finished, &before, job));
    if (!before) /* who comes first wakes the loop; it takes the others along */
        threads->loop->ops->post(threads->loop, turn, threads);
}

/* ---- a thread ---- */

/* With the lock held. */
static void
wake_one(struct act_plugin_threads *threads)
{
    if (!threads->first || threads->idle == 0 || threads->searching > 0)
        return;
    threads->searching++;
    pthread_cond_signal(&threads->work);
}

static struct act_job *
next_job(struct act_plugin_threads *threads)
{
    struct act_job *job = NULL;
    pthread_mutex_lock(&threads->lock);
    while (!threads->first && !threads->closing &&
           threads->threads - threads->stuck <= threads->max) {
        threads->idle++;
        pthread_cond_wait(&threads->work, &threads->lock);
        threads->idle--;
        threads->searching -= threads->searching > 0;
    }
    if (!threads->closing)
        job = threads->first;
    if (job) {
        threads->first = job->next;
        threads->queued--;
        atomic_fetch_add(&threads->busy, 1);
        wake_one(threads);
    } else {
        threads->threads--;
        pthread_cond_signal(&threads->over);
    }
    pthread_mutex_unlock(&threads->lock);
    return job;
}

static void *
live(void *self)
{
    struct act_plugin_threads *threads = self;
    for (struct act_job *job; (job = next_job(threads)) != NULL;) {
        job->run(job);
        atomic_fetch_sub(&threads->busy, 1);
        act_plugin_threads_post(threads, job);
    }
    return NULL;
}

/* Signals are the loop's. */
static bool
start_thread(struct act_plugin_threads *threads)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, &attributes, live, threads) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

/* ---- the loop's side ---- */

struct act_plugin_threads *
act_plugin_threads_create(struct act_loop *loop, uint32_t threads_max)
{
    struct act_plugin_threads *threads = act_zalloc(1, sizeof(*threads));
    pthread_condattr_t monotonic;
    threads->loop = loop;
    threads->max = threads_max ? threads_max : 1;
    pthread_mutex_init(&threads->lock, NULL);
    pthread_cond_init(&threads->work, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&threads->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return threads;
}

/* With the lock held: is one more thread worth its while? */
static bool
wants_thread(const struct act_plugin_threads *threads)
{
    return threads->queued > threads->threads - atomic_load(&threads->busy) &&
           threads->threads - threads->stuck < threads->max;
}

void
act_plugin_threads_run(struct act_plugin_threads *threads, struct act_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&threads->lock);
    if (threads->first)
        threads->last->next = job;
    else
        threads->first = job;
    threads->last = job;
    threads->queued++;
    /* Without any thread the job would wait for ever: the process's limit is ours, too. */
    if (wants_thread(threads)) {
        if (start_thread(threads))
            threads->threads++;
        else if (threads->threads == threads->stuck)
            act_oom();
    }
    wake_one(threads);
    pthread_mutex_unlock(&threads->lock);
}

void
act_plugin_threads_give_up(struct act_plugin_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->stuck++;
    if (threads->first && wants_thread(threads) && start_thread(threads))
        threads->threads++;
    pthread_mutex_unlock(&threads->lock);
}

void
act_plugin_threads_came_back(struct act_plugin_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->stuck--;
    pthread_mutex_unlock(&threads->lock);
}

static void
destroy(struct act_plugin_threads *threads)
{
    pthread_mutex_destroy(&threads->lock);
    pthread_cond_destroy(&threads->work);
    pthread_cond_destroy(&threads->over);
    act_free(threads);
}

bool
act_plugin_threads_close(struct act_plugin_threads *threads, int64_t patience_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(patience_ms / 1000);
    pthread_mutex_lock(&threads->lock);
    threads->closing = true;
    threads->first = NULL;
    pthread_cond_broadcast(&threads->work);
    int waited = 0;
    while (threads->threads > 0 && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&threads->over, &threads->lock, &until);
    bool over = threads->threads == 0;
    pthread_mutex_unlock(&threads->lock);
    if (!over)
        return false; /* they may still come here */
    threads->orphan = atomic_load(&threads->finished) != NULL;
    if (!threads->orphan)
        destroy(threads);
    return true;
}
