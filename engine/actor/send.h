/* The short way of a message: to an actor of the loop with an unbounded mailbox, sent on the loop's thread. No
 * call and no atomic read-modify-write from the send to the lane. What does not fit goes by act_mail_send. */
#ifndef ACT_ENGINE_ACTOR_SEND_H
#define ACT_ENGINE_ACTOR_SEND_H

#include "engine/actor/metrics.h"

/* Worth it: what is around it then needs no frame. */
#define ACT_SEND_INLINE static inline __attribute__((always_inline))

#define ACT_SHORT_MAX sizeof(((struct act_node *)0)->as.bytes)

/* Up to 16 bytes, without a call: two copies that may overlap. */
static inline void
act_send_copy(unsigned char *to, const unsigned char *from, size_t size)
{
    if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++) {
            to[i] = from[i];
        }
    }
}

/* The cell whose ref it is now, else NULL. Who sends often sends to one again. */
static inline struct act_cell *
act_send_cell(struct act_worker *worker, uint64_t to)
{
    struct act_cell *cell = worker->hot;

    /* Acquire: with the ref come the fields that are fixed for it. */
    if (!cell || atomic_load_explicit(&cell->ref, memory_order_acquire) != to) {
        cell = act_cell_of(worker->system, to);
        worker->hot = cell ? cell : worker->hot;
    }
    return cell;
}

/* The cell, if the message may go the short way. Outside a turn the loop may sleep and must be woken. */
static inline struct act_cell *
act_send_short(struct act_worker *worker, uint64_t to, uint32_t type, const void *data, size_t size)
{
    if (ACT_CANARY_BYPASS_MAILBOX || !worker || !worker->in_turn || /* of the loop's */
        type < ACTANT_TYPE_USER || size > ACT_SHORT_MAX || (!data && size > 0)) {
        return NULL;
    }
    struct act_cell *cell = act_send_cell(worker, to);
    return cell && cell->direct && act_cell_is_plain(cell) ? cell : NULL;
}

/* Into the lane, and the actor into the run queue. */
static inline void
act_send_append(struct act_worker *worker, struct act_cell *cell, struct act_node *node,
                unsigned lane)
{
    uint32_t waiting = act_count_get(&cell->waiting) + 1;

    act_queue_append(&cell->lanes[lane], node);
    act_count_set(&cell->waiting, waiting);
    if (waiting > act_count_get(&cell->waiting_max)) {
        act_count_set(&cell->waiting_max, waiting);
    }
    if (!cell->queued) {
        act_ready_push(worker, cell);
    }
}

/* A message in the short way. Fields, not a letter: what is written in parts and read as a whole must wait. */
ACT_SEND_INLINE void
act_send_to(struct act_worker *worker, struct act_cell *cell, uint64_t to, uint64_t from,
            uint64_t serial, uint32_t type, uint8_t lane, uint8_t flags, const void *data,
            size_t size)
{
    struct actant_system *system = worker->system;
    struct act_node *node = act_node_new_short(&system->depot, &worker->cache);

    node->to = to;
    node->from = from;
    node->serial = serial;
    node->type = type;
    node->size = (uint32_t)size;
    node->lane = lane;
    node->flags = flags;
    node->code = 0;
    node->shape = 0;
    act_send_copy(node->as.bytes, data, size);
    if (worker->cache.tick++ % ACT_METRICS_EVERY == 0) {
        act_metrics_begin(system, node);
    }
    act_send_append(worker, cell, node, lane);
}

#endif
