/* What a producer is, for the files of this folder.
 *
 * Invariants:
 *  1. Everything but options and thread, which do not change, is changed under the mutex alone; the producer's
 *     thread looks at the flight, which nobody else changes, without it (attempts, since_ns, asked_in: its own).
 *  2. No callback is called with the mutex held.
 *  3. The state only moves on: open, closing, stopped; ended once nothing is left to settle.
 *  4. A record is in a lane, in the batch, or being pushed out (evicting), until it is settled. */
#ifndef ACT_ENGINE_PRODUCER_INTERNAL_H
#define ACT_ENGINE_PRODUCER_INTERNAL_H

#include "engine/producer/clock.h"
#include "engine/producer/lanes.h"

enum act_producer_state { ACT_PRODUCER_OPEN, ACT_PRODUCER_CLOSING, ACT_PRODUCER_STOPPED };

/* What the thread does while there is nothing to do. Who naps comes back soon by himself: to wake him is a system call
 * that the putter would pay, so only what is urgent does. */
enum act_producer_rest { ACT_PRODUCER_AWAKE, ACT_PRODUCER_NAPS, ACT_PRODUCER_SLEEPS };

/* What the sink has: the records from done on are not settled yet. */
struct act_flight {
    struct act_node **nodes;
    struct actant_record *records;
    size_t count, done, cap;
    unsigned attempts;
    int64_t since_ns;
    enum act_producer_state asked_in; /* the state when it was asked what to do about the failure */
};

struct actant_producer {
    struct actant_producer_options options; /* with the defaults filled in */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;    /* the thread: there is something to do */
    pthread_cond_t settled; /* who flushes and closes */
    pthread_cond_t room[ACTANT_LANE_COUNT];
    unsigned putters[ACTANT_LANE_COUNT]; /* who wait for room */
    unsigned flushers, evicting;
    enum act_producer_state state;
    enum act_producer_rest rest;
    int64_t nap_ns; /* the next one; above the longest: it sleeps */
    bool writing, ended, timed_out;
    struct act_lanes queue;
    struct act_flight flight;
    struct actant_producer_metrics metrics; /* what does not stand elsewhere */
};

void *act_producer_main(void *producer); /* drain.c: the thread */
/* Under the mutex. */
void act_producer_wake(struct actant_producer *producer); /* the thread, if it rests */
void act_producer_set_state(struct actant_producer *producer, enum act_producer_state state);
bool act_producer_batch_full(const struct actant_producer *producer);
/* metrics.c */
void act_histogram_add(uint64_t histogram[ACTANT_HISTOGRAM_SIZE], uint64_t value);

#endif
