/* The pool: threads that take actors from run queues, their own first, then the shared one, then each
 * other's, and sleep when there is nothing.
 *
 * An actor of the pool says by its inbox who has it:
 *   ACT_IDLE        nobody; whoever puts a message in puts the actor into a run queue
 *   NULL or a chain it is in a run queue or being run
 * so it is in one queue or with one thread, never in two places. The chain is newest first; the thread
 * that runs the actor takes it whole and turns it round.
 *
 * Memory order. A push is acq_rel: release for the message, acquire for the state that the actor's last
 * thread left when it wrote ACT_IDLE with release; the run queue's lock hands both on to the next thread.
 * Taking the chain is acquire.
 *
 * Sleeping. Who schedules raises a queue's count and then looks at parked; who parks raises parked and then
 * looks at all counts; all four sequentially consistent, so one sees the other. One thread that is
 * parked is the sentinel: it sleeps until the next alarm, and, while others run, at most a few
 * milliseconds.
 *
 * Stealing. One actor that waits behind the step that scheduled it wakes nobody and is not stolen, so that
 * two actors that talk to each other stay on one thread; if the step is long, the sentinel sees that
 * its thread has not moved, and takes it. With two waiting there is work for another thread. */
#ifndef ACT_ENGINE_ACTOR_THREADS_H
#define ACT_ENGINE_ACTOR_THREADS_H

#include "engine/actor/actor_internal.h"

struct act_runq {
    struct act_mutex lock;
    struct act_cell *head, *tail; /* through ready_next */
    _Atomic(uint32_t) count;      /* written under the lock */
};

struct act_pool_worker {
    struct act_worker worker; /* first: the context leads here */
    struct act_runq queue;
    struct act_thread thread;
    _Atomic(uint32_t) tick; /* looks for work; written by its own thread */
    uint32_t seen_tick;     /* at the sentinel's last look; under the pool's lock */
};

struct act_threads {
    struct actant_system *system;
    struct act_pool_worker *workers;
    unsigned count, started;
    struct act_runq shared; /* from threads that are not the pool's */
    _Atomic(uint32_t) parked, searching;
    _Atomic(bool) has_sentinel;
    _Atomic(int64_t) next_alarm; /* -1: none; a hint, written under the lock */
    _Atomic(uint64_t) steals, wakes;
    struct act_mutex lock; /* of what follows */
    struct act_cond wake, wake_sentinel;
    struct act_alarms alarms;
    int64_t sentinel_until; /* -1: for ever */
    uint32_t tokens;        /* wakes under way */
    bool stop;
};

#define ACT_IDLE ((struct act_node *)1)

/* NULL: the system cannot make the threads. */
struct act_threads *act_threads_create(struct actant_system *system, unsigned count);
/* Every actor is gone. */
void act_threads_destroy(struct act_threads *threads);
/* Puts a node into the inbox of a cell of the pool. */
void act_threads_post(struct actant_system *system, struct act_worker *worker,
                      struct act_cell *cell, struct act_node *node);
bool act_threads_idle(struct act_threads *threads); /* nothing to run, and no alarm set */

#endif
