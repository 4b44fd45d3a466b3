#include "engine/actor/metrics.h"

#include "base/alloc.h"
#include "engine/actor/threads.h"

#define NS_PER_US 1000

void
act_metrics_begin(struct actant_system *system, struct act_node *node)
{
    /* 32 bits of microseconds: a difference is right up to 71 minutes. */
    node->sent_us = (uint32_t)(actant_system_now_ns(system) / NS_PER_US);
    node->flags |= ACT_NODE_TIMED;
}

/* 0 for 0 µs, i for those from 2^(i-1) to under 2^i. */
static unsigned
bucket_of(uint32_t us)
{
    unsigned bucket = 0;

    while (us > 0 && bucket < ACT_LATENCIES - 1) {
        us >>= 1;
        bucket++;
    }
    return bucket;
}

void
act_metrics_end(struct actant_system *system, struct act_cell *cell, const struct act_node *node)
{
    struct act_latency *latency = atomic_load_explicit(&cell->latency, memory_order_relaxed);
    uint32_t now_us = (uint32_t)(actant_system_now_ns(system) / NS_PER_US);

    if (!latency) {
        latency = act_zalloc(1, sizeof(*latency));
        /* Release: who finds it finds zeroes. */
        atomic_store_explicit(&cell->latency, latency, memory_order_release);
    }
    _Atomic(uint32_t) *count = &latency->counts[bucket_of(now_us - node->sent_us)];
    act_count_set(count, act_count_get(count) + 1);
}

void
act_metrics_reset(struct act_cell *cell)
{
    struct act_latency *latency = atomic_load_explicit(&cell->latency, memory_order_relaxed);

    for (unsigned i = 0; latency && i < ACT_LATENCIES; i++) {
        act_count_set(&latency->counts[i], 0);
    }
    atomic_store_explicit(&cell->handled, 0, memory_order_relaxed);
    act_count_set(&cell->waiting, 0);
    act_count_set(&cell->waiting_max, 0);
    act_count_set(&cell->panics, 0);
    act_count_set(&cell->restarts, 0);
    act_count_set(&cell->dropped, 0);
}

enum actant_code
actant_metrics(struct actant_system *system, struct actant_ref ref, struct actant_metrics *ret)
{
    struct act_cell *cell = act_cell_of(system, ref.v);

    if (!cell || cell->home == ACT_HOME_WAITER) {
        return ACTANT_GONE;
    }
    struct act_latency *latency = atomic_load_explicit(&cell->latency, memory_order_acquire);
    *ret = (struct actant_metrics){
        .handled = atomic_load_explicit(&cell->handled, memory_order_relaxed),
        .dropped = act_count_get(&cell->dropped),
        .panics = act_count_get(&cell->panics),
        .restarts = act_count_get(&cell->restarts),
        .waiting = act_count_get(&cell->waiting),
        .waiting_max = act_count_get(&cell->waiting_max),
    };
    for (unsigned i = 0; latency && i < ACT_LATENCIES; i++) {
        ret->latency[i] = act_count_get(&latency->counts[i]);
    }
    return ACTANT_OK;
}

void
actant_system_metrics(struct actant_system *system, struct actant_system_metrics *ret)
{
    struct act_threads *threads = system->threads;

    *ret = (struct actant_system_metrics){
        .actors = act_system_actors(system),
        .messages = atomic_load_explicit(&system->loop.messages, memory_order_relaxed),
        .wakes = atomic_load_explicit(&system->wakes, memory_order_relaxed),
    };
    for (unsigned i = 0; threads && i < threads->count; i++) {
        ret->messages +=
            atomic_load_explicit(&threads->workers[i].worker.messages, memory_order_relaxed);
    }
    if (threads) {
        ret->steals = atomic_load_explicit(&threads->steals, memory_order_relaxed);
        ret->wakes += atomic_load_explicit(&threads->wakes, memory_order_relaxed);
    }
}
