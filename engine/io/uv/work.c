#include "engine/io/uv/work.h"

#include "base/alloc.h"

#include <pthread.h>

#define BEGUN_MAX 4

/* fn and self are the thread's while it runs; the rest is the loop's. */
struct act_uv_job {
    struct act_uv_job *next;
    struct act_uv_work *work;
    pthread_t thread;
    bool threaded; /* else it was done at once */
    void (*fn)(void *self);
    void (*done)(void *self);
    void *self;
};

static void begin(struct act_uv_work *work);

static void
leave(struct act_uv_job *job)
{
    struct act_uv_job **at = &job->work->begun;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job->work->begun_count--;
}

static void
end(struct act_uv_job *job)
{
    job->done(job->self);
    act_free(job);
}

/* Its thread has nothing left to do but to go. */
static void
settle(struct act_uv_job *job)
{
    if (job->threaded)
        pthread_join(job->thread, NULL);
    leave(job);
    end(job);
}

/* On the loop. */
static void
finished(void *self)
{
    struct act_uv_job *job = self;
    struct act_uv_work *work = job->work;
    settle(job);
    begin(work);
}

static void *
run(void *self)
{
    struct act_uv_job *job = self;
    struct act_loop *loop = job->work->loop;
    job->fn(job->self);
    loop->ops->post(loop, finished, job);
    return NULL;
}

static void
begin_one(struct act_uv_job *job)
{
    struct act_uv_work *work = job->work;
    job->next = work->begun;
    work->begun = job;
    work->begun_count++;
    job->threaded = pthread_create(&job->thread, NULL, run, job) == 0;
    if (!job->threaded)
        run(job); /* there is none to be had */
}

static void
begin(struct act_uv_work *work)
{
    while (work->waiting && work->begun_count < BEGUN_MAX) {
        struct act_uv_job *job = work->waiting;
        work->waiting = job->next;
        begin_one(job);
    }
}

void
act_uv_work_put(struct act_uv_work *work, void (*fn)(void *self), void (*done)(void *self),
                void *self)
{
    struct act_uv_job *job = act_zalloc(1, sizeof(*job));
    *job = (struct act_uv_job){.work = work, .fn = fn, .done = done, .self = self};
    if (work->waiting)
        work->last->next = job;
    else
        work->waiting = job;
    work->last = job;
    begin(work);
}

/* What was posted meanwhile is not called any more: the loop is not turned again before it is gone. */
void
act_uv_work_close(struct act_uv_work *work)
{
    while (work->waiting) {
        struct act_uv_job *job = work->waiting;
        work->waiting = job->next;
        end(job);
    }
    while (work->begun)
        settle(work->begun);
}
