/* What the files of the pool share: pool.c (life, calls), pool_place.c (who gets what, and when another
 * worker is started), pool_watch.c (what is late). */
#ifndef ACT_EXECUTORS_WORKER_POOL_INTERNAL_H
#define ACT_EXECUTORS_WORKER_POOL_INTERNAL_H

#include "base/arena.h"
#include "base/vec.h"
#include "executors/worker/worker.h"

#define MS_NS INT64_C(1000000)

struct act_worker_pool {
    struct act_worker_pool_options options;
    struct act_arena arena; /* of the options */
    struct act_worker *workers;
    uint32_t count, starting, numbers;
    struct act_call_list queue;
    struct act_call_list over;    /* ended without a worker: told from the loop, by over_timer */
    uint32_t under_way, stopping; /* calls with a worker; calls with a kill time */
    ACT_VEC(struct act_function *) functions;
    struct act_map by_name;

    uint32_t entered;
    struct act_timer *timer, *over_timer;
    int64_t timer_ns;

    int64_t start_cost_ns; /* a moving average: from launch to READY */
    int64_t
        ready_ns; /* when a worker became ready last: since then what waits waits for lack of one */
    uint32_t start_deaths, crashes; /* in a row */
    int64_t resume_ns;              /* no worker is started before */
    int64_t refuse_ns;              /* calls are refused until then; 0: they are not */
    char refusal[1024];
    struct act_worker_pool_counts counts;
};

/* ---- pool_place.c ---- */

/* Gives workers what they may take, starts workers for what waits too long. */
void act_pool_place(struct act_worker_pool *pool);
/* A worker that may start now, or NULL: a bound or a backoff stands against it. */
struct act_worker *act_pool_start_worker(struct act_worker_pool *pool);
/* Workers that count against the bound: those that are not on their way out. */
uint32_t act_pool_active(const struct act_worker_pool *pool);
/* As many as serve may be starting, and at least one: the pool doubles, and learns meanwhile. */
bool act_pool_may_start(const struct act_worker_pool *pool);
/* When call has waited for so long that another worker is to be started; INT64_MAX: it is not, since
 * its turn comes sooner than a worker starts. */
int64_t act_pool_grow_ns(const struct act_worker_pool *pool, const struct act_worker_call *call);

/* ---- pool_watch.c ---- */

/* Sees to what is due; sets the timer for what will be. */
void act_pool_look(struct act_worker_pool *pool);
void act_pool_set_timer(struct act_worker_pool *pool);
/* A worker has died or was killed: what follows from it for the next start. */
void act_pool_note_death(struct act_worker_pool *pool, const struct act_worker *worker,
                         const struct act_process_exit *end);

/* ---- pool.c ---- */

/* Out of the queue; on_ended comes from the loop. */
void act_pool_end_queued(struct act_worker_call *call, enum act_worker_end_type type);

#endif
