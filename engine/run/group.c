#include "engine/run/group.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <pthread.h>

#define JOBS_MAX 256                  /* a transaction */
#define WAITING_MAX ((size_t)1 << 24) /* one a run */

struct act_group {
    struct act_loop *loop;
    struct act_store_writer *writer;
    struct actant_producer *producer;
    bool named;       /* the producer's thread: for who looks at threads */
    bool maintaining; /* asked for, and not begun: under the mutex */
    pthread_mutex_t mutex;
    struct act_group_job *done, **done_end; /* written, not told yet: under the mutex */
    bool posted;                            /* the loop will look: under the mutex */
};

/* ---- on the loop ---- */

static void
deliver(void *self)
{
    struct act_group *group = self;
    pthread_mutex_lock(&group->mutex);
    struct act_group_job *job = group->done;
    group->done = NULL;
    group->done_end = &group->done;
    group->posted = false;
    pthread_mutex_unlock(&group->mutex);
    while (job) {
        struct act_group_job *next = job->next;
        job->done(job);
        job = next;
    }
}

/* ---- on the producer's thread ---- */

/* The loop is woken once for all that it has not looked at. */
static void
tell(struct act_group *group, struct act_store_job *const *jobs, uint32_t count)
{
    pthread_mutex_lock(&group->mutex);
    for (uint32_t i = 0; i < count; i++) {
        struct act_group_job *job = (struct act_group_job *)(void *)jobs[i]; /* its first member */
        job->next = NULL;
        *group->done_end = job;
        group->done_end = &job->next;
    }
    bool wake = !group->posted;
    group->posted = true;
    pthread_mutex_unlock(&group->mutex);
    if (wake)
        group->loop->ops->post(group->loop, deliver, group);
}

static void
maintain(struct act_group *group)
{
    pthread_mutex_lock(&group->mutex);
    group->maintaining = false;
    pthread_mutex_unlock(&group->mutex);
    group->writer->ops->maintain(group->writer);
}

/* A job's failure is the job's: it goes back with it. */
static int
write_jobs(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct act_group *group = self;
    struct act_store_job *jobs[JOBS_MAX];
    uint32_t count = 0;
    bool quiet = false;
    (void)error;
    if (!group->named)
        pthread_setname_np(pthread_self(), "history");
    group->named = true;
    for (size_t i = 0; i < batch->count; i++) {
        struct act_group_job *job = batch->records[i].tag;
        if (job)
            jobs[count++] = &job->store;
        else
            quiet = true;
    }
    if (count > 0) {
        group->writer->ops->commit(group->writer, jobs, count);
        tell(group, jobs, count);
    }
    if (quiet)
        maintain(group);
    return 0;
}

/* ---- for the loop ---- */

static enum actant_producer_code
put(struct act_group *group, enum actant_lane lane, struct act_group_job *job)
{
    return actant_producer_put(group->producer, lane, NULL, 0, job);
}

void
act_group_put(struct act_group *group, struct act_group_job *job)
{
    enum actant_lane lane = job->urgent ? ACTANT_LANE_URGENT : ACTANT_LANE_NORMAL;
    enum actant_producer_code code = put(group, lane, job);
    ACT_ASSERT(code == ACTANT_PRODUCER_OK);
}

void
act_group_flush(struct act_group *group)
{
    enum actant_producer_code code = actant_producer_flush(group->producer, -1);
    ACT_ASSERT(code == ACTANT_PRODUCER_OK);
    deliver(group);
}

void
act_group_maintain(struct act_group *group)
{
    pthread_mutex_lock(&group->mutex);
    bool asked = group->maintaining;
    group->maintaining = true;
    pthread_mutex_unlock(&group->mutex);
    if (!asked)
        put(group, ACTANT_LANE_LAZY, NULL);
}

void
act_group_metrics(struct act_group *group, struct actant_producer_metrics *ret)
{
    actant_producer_metrics(group->producer, ret);
}

/* ---- life ---- */

enum act_err
act_group_create(struct act_loop *loop, struct act_store_writer *writer, struct act_group **ret,
                 struct act_error *err)
{
    struct act_group *group = act_zalloc(1, sizeof(*group));
    struct actant_lane_options lane = {.records_max = WAITING_MAX, .full = ACTANT_FAIL_PUT};
    struct actant_producer_options options = {.sink = {.self = group, .write = write_jobs},
                                              .batch_max = JOBS_MAX,
                                              .lanes = {lane, lane, lane},
                                              .nap_us = -1}; /* a run waits for each of them */
    group->loop = loop;
    group->writer = writer;
    group->done_end = &group->done;
    ACT_ASSERT(pthread_mutex_init(&group->mutex, NULL) == 0);
    if (actant_producer_create(&options, &group->producer) != ACTANT_PRODUCER_OK) {
        act_group_destroy(group);
        return act_error_set(err, ACT_ERR_SYSTEM, "the history writer's thread cannot be made");
    }
    *ret = group;
    return ACT_OK;
}

void
act_group_destroy(struct act_group *group)
{
    if (!group)
        return;
    if (group->producer) {
        actant_producer_close(group->producer, -1, NULL);
        actant_producer_destroy(group->producer);
        deliver(group);
    }
    group->writer->ops->close(group->writer);
    pthread_mutex_destroy(&group->mutex);
    act_free(group);
}
