/* The short way of a message: to an actor of the loop with an unbounded mailbox, sent on the loop's thread. No
 * call and no atomic read-modify-write from the send to the lane. What does not fit goes by act_mail_send. */
#ifndef ACT_ENGINE_ACTOR_SEND_H
#define ACT_ENGINE_ACTOR_SEND_H

#include "engine/actor/metrics.h"

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

/* The cell, if the message may go the short way. Outside a turn the loop may sleep and must be woken. */
static inline struct act_cell *
act_send_short(struct act_worker *worker, uint64_t to, uint32_t type, const void *data, size_t size)
{
    if (ACT_CANARY_BYPASS_MAILBOX || !worker || !worker->is_loop || !worker->in_turn ||
        type < ACTANT_TYPE_USER || size > ACT_SHORT_MAX || (!data && size > 0)) {
        return NULL;
    }
    struct act_cell *cell = act_cell_of(worker->system, to);
    bool fits = cell && cell->home == ACTANT_LOOP && cell->mailbox_max == 0 && !cell->closing &&
                cell->life != ACT_LIFE_STOPPING;
    return fits ? cell : NULL;
}

/* Into the lane, and the actor into the run queue. */
static inline void
act_send_append(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    uint32_t waiting = act_count_get(&cell->waiting) + 1;

    act_queue_append(&cell->lanes[node->lane], node);
    act_count_set(&cell->waiting, waiting);
    if (waiting > act_count_get(&cell->waiting_max)) {
        act_count_set(&cell->waiting_max, waiting);
    }
    if (!cell->queued) {
        act_ready_push(worker, cell);
    }
}

static inline enum actant_code
act_send_to(struct act_worker *worker, struct act_cell *cell, const struct act_letter *letter)
{
    struct actant_system *system = worker->system;
    struct act_node *node = act_node_new(&system->depot, &worker->cache, letter->size);

    node->to = letter->to;
    node->from = letter->from;
    node->serial = letter->serial;
    node->type = letter->type;
    node->lane = letter->lane;
    node->flags = letter->flags;
    act_send_copy(node->as.bytes, letter->data, letter->size);
    if (worker->cache.tick++ % ACT_METRICS_EVERY == 0) {
        act_metrics_begin(system, node);
    }
    act_send_append(worker, cell, node);
    return ACTANT_OK;
}

/* Any message of a user's type, the shorter way if there is one. */
static inline enum actant_code
act_send(struct actant_system *system, struct act_worker *worker, const struct act_letter *letter)
{
    struct act_cell *cell =
        act_send_short(worker, letter->to, letter->type, letter->data, letter->size);

    return cell ? act_send_to(worker, cell, letter) : act_mail_send(system, worker, letter);
}

#endif
