/* What the files of the pool share: pool.c (life, calls), pool_rule.c (who may get what, and when the pool
 * grows), pool_deaths.c (what follows from a worker's death). */
#ifndef ACT_EXECUTORS_WORKER_POOL_INTERNAL_H
#define ACT_EXECUTORS_WORKER_POOL_INTERNAL_H

#include "base/arena.h"
#include "executors/worker/worker.h"

#define MS_NS INT64_C(1000000)

/* Owned by who created it and by its actor (pool_class), whichever goes last: the workers, which are the
 * actor's children, are gone before that. */
struct act_worker_pool {
    struct act_worker_pool_options options;
    struct act_arena arena;        /* of the options */
    bool closed;                   /* its owner wants no more of it */
    bool manned;                   /* its actor lives, or will */
    struct actant_ref actor, line; /* line: the runtime's pool; nobody before the actor's start */
    struct act_worker *workers;    /* that live */
    uint32_t numbers;
    struct act_call_list queue;
    struct act_call_list over; /* what is to be told, or told again, from the loop by over_timer */
    struct act_timer *over_timer;
    uint32_t under_way; /* calls with a worker */
    struct act_functions functions;

    int64_t start_cost_ns; /* a moving average: from launch to READY */
    int64_t
        ready_ns; /* when a worker became ready last: since then what waits waits for lack of one */
    uint32_t start_deaths; /* in a row */
    bool crashed;          /* a worker died since a call ended last */
    char refusal[1024];    /* what the last death was, for those that are refused */
    struct act_worker_pool_counts counts;
};

/* ---- pool_rule.c ---- */

extern const struct actant_pool_rule act_worker_rule; /* self: the pool */

/* ---- pool_deaths.c ---- */

/* A worker has died or was killed. True: nobody wanted that, its actor stops with an error (why: in the pool's
 * refusal), and is said to be hopeless if another start would not help. */
bool act_pool_note_death(struct act_worker_pool *pool, const struct act_worker *worker,
                         const struct act_process_exit *end, bool *ret_hopeless);

/* ---- pool.c ---- */

/* Tells and releases. call is in no list. */
void act_pool_end_call(struct act_worker_call *call, const struct act_worker_end *end);

#endif
