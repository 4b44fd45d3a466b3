#include "executors/plugin/threads.h"

#include "base/alloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define HELD_MAX 16
#define STACK_BYTES ((size_t)8 << 20) /* what a main thread has */

/* Invariants, under lock:
 * 1. idle of the threads wait for work, the others run a job or are on their way to it.
 * 2. stuck of the threads run a job that was given up.
 * 3. While finished is not empty the loop owes a turn, and while something is held, a flush_turn.
 * 4. searching of the threads were woken or started for a job and have not looked for it yet. One is enough:
 *    who takes a job wakes or starts the next, so that many short jobs do not cost a thread each. */
struct act_plugin_threads {
    struct act_loop *loop;
    uint32_t max;
    pthread_mutex_t lock;
    pthread_cond_t work, over;
    struct act_job *first, *last; /* the queue */
    uint32_t threads, idle, searching, stuck;
    /* Have run a job and not looked for another yet. Goes up before the job is handed back. */
    atomic_uint coming;
    bool closing;
    _Atomic(struct act_job *) finished; /* newest first */
    /* The loop's. */
    struct act_job *held, *held_last; /* not in the queue yet */
    uint32_t held_count, under_way; /* under_way: given, and done not called; the held ones, too */
    bool flush_owed;
    uint32_t orphan_turns; /* closed; the last of the turns that the loop still owes frees it */
};

/* ---- back to the loop ---- */

static void destroy(struct act_plugin_threads *threads);

static bool
is_orphan(struct act_plugin_threads *threads)
{
    if (threads->orphan_turns == 0)
        return false;
    if (--threads->orphan_turns == 0)
        destroy(threads);
    return true;
}

static void
turn(void *self)
{
    struct act_plugin_threads *threads = self;
    if (is_orphan(threads))
        return;
    struct act_job *newest = atomic_exchange(&threads->finished, NULL), *oldest = NULL;
    while (newest) {
        struct act_job *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct act_job *next = oldest->next;
        threads->under_way -= oldest->run != NULL;
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

/* With the lock held: is one of the idle to be woken, once the lock is free? */
static bool
wakes_one(struct act_plugin_threads *threads)
{
    if (!threads->first || threads->idle == 0 || threads->searching > 0)
        return false;
    threads->searching++;
    return true;
}

/* With the lock held: nobody is there or on his way who could take a job that waits. */
static bool
wants_thread(const struct act_plugin_threads *threads)
{
    return threads->first && threads->idle == 0 && threads->searching == 0 &&
           atomic_load(&threads->coming) == 0 && threads->threads - threads->stuck < threads->max;
}

/* With the lock held; false: the system gives none. */
static bool start_thread(struct act_plugin_threads *threads);

/* fresh: the thread has just been started. */
static struct act_job *
next_job(struct act_plugin_threads *threads, bool fresh)
{
    struct act_job *job = NULL;
    bool wakes = false;
    pthread_mutex_lock(&threads->lock);
    if (fresh)
        threads->searching -= threads->searching > 0;
    else
        atomic_fetch_sub(&threads->coming, 1);
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
        wakes = wakes_one(threads);
        if (wants_thread(threads))
            start_thread(threads);
    } else {
        threads->threads--;
        pthread_cond_signal(&threads->over);
    }
    pthread_mutex_unlock(&threads->lock);
    if (wakes)
        pthread_cond_signal(&threads->work);
    return job;
}

static void *
live(void *self)
{
    struct act_plugin_threads *threads = self;
    struct act_job *job = next_job(threads, true);
    while (job) {
        job->run(job);
        atomic_fetch_add(&threads->coming, 1);
        act_plugin_threads_post(threads, job);
        job = next_job(threads, false);
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
    threads->threads += started;
    threads->searching += started;
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

/* What is held goes into the queue. */
static void
flush(struct act_plugin_threads *threads)
{
    if (!threads->held)
        return;
    pthread_mutex_lock(&threads->lock);
    if (threads->first)
        threads->last->next = threads->held;
    else
        threads->first = threads->held;
    threads->last = threads->held_last;
    threads->held = NULL;
    threads->held_count = 0;
    /* Without any thread the job would wait for ever: the process's limit is ours, too. */
    if (wants_thread(threads) && !start_thread(threads) && threads->threads == threads->stuck)
        act_oom();
    bool wakes = wakes_one(threads);
    pthread_mutex_unlock(&threads->lock);
    if (wakes)
        pthread_cond_signal(&threads->work);
}

static void
flush_turn(void *self)
{
    struct act_plugin_threads *threads = self;
    if (is_orphan(threads))
        return;
    threads->flush_owed = false;
    flush(threads);
}

/* A job that is alone is given at once. Of many that come together a thread that ran each as it came would
 * be woken for each: they are held until the loop comes round, or are enough. */
void
act_plugin_threads_run(struct act_plugin_threads *threads, struct act_job *job)
{
    job->next = NULL;
    if (threads->held)
        threads->held_last->next = job;
    else
        threads->held = job;
    threads->held_last = job;
    threads->held_count++;
    if (threads->under_way++ == 0 || threads->held_count >= HELD_MAX) {
        flush(threads);
    } else if (!threads->flush_owed) {
        threads->flush_owed = true;
        threads->loop->ops->post(threads->loop, flush_turn, threads);
    }
}

void
act_plugin_threads_give_up(struct act_plugin_threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->stuck++;
    if (wants_thread(threads))
        start_thread(threads);
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
    threads->orphan_turns =
        (atomic_load(&threads->finished) ? 1u : 0u) + (threads->flush_owed ? 1u : 0u);
    if (threads->orphan_turns == 0)
        destroy(threads);
    return true;
}
