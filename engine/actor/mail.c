/* The way of a message from its sender into the lanes of its receiver. */
#include "engine/actor/metrics.h"
#include "engine/actor/side.h"
#include "engine/actor/threads.h"

#include "base/assert.h"

#include <string.h>

struct act_node *
act_mail_new_outside(struct actant_system *system, size_t size)
{
    act_mutex_lock(&system->outside_lock);
    struct act_node *node = act_node_new(&system->depot, &system->outside, size);
    act_mutex_unlock(&system->outside_lock);
    return node;
}

void
act_mail_free_outside(struct actant_system *system, struct act_node *node)
{
    act_mutex_lock(&system->outside_lock);
    act_node_free(&system->depot, &system->outside, node);
    act_mutex_unlock(&system->outside_lock);
}

void
act_mail_done_of(struct actant_system *system, uint64_t ref)
{
    struct act_cell *cell = act_cell_of(system, ref);
    const struct act_hooks *hooks = cell && cell->rare ? cell->rare->hooks : NULL;

    if (hooks && hooks->done) {
        hooks->done(hooks->self, (struct actant_ref){ref});
    }
}

void
act_mail_done(struct actant_system *system, struct act_node *node)
{
    if (node->flags & ACT_NODE_TAKEN) {
        node->flags &= (uint8_t)~ACT_NODE_TAKEN;
        act_mail_done_of(system, node->to);
    }
}

/* Its place in a bounded mailbox is free again. */
static void
leave(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    if (node->flags & ACT_NODE_COUNTED) {
        node->flags &= (uint8_t)~ACT_NODE_COUNTED;
        act_overflow_leave(worker, cell);
    }
}

static enum actant_code
refuse(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    leave(worker, cell, node);
    act_mail_undeliverable(worker->system, worker, node, ACTANT_GONE);
    return ACTANT_GONE;
}

/* A message that was in the lanes and will not be taken. */
static void
drop(struct act_worker *worker, struct act_cell *cell, struct act_node *node, enum actant_code code)
{
    leave(worker, cell, node);
    act_mail_undeliverable(worker->system, worker, node, code);
}

/* Rule DROP_OLDEST: the new one is in, the oldest of its lane goes. */
static void
displace(struct act_worker *worker, struct act_cell *cell, unsigned lane)
{
    struct act_node *oldest = act_queue_pop(&cell->lanes[lane]);

    act_count_set(&cell->waiting, act_count_get(&cell->waiting) - 1);
    atomic_fetch_add_explicit(&cell->dropped, 1, memory_order_relaxed);
    drop(worker, cell, oldest, ACTANT_FULL);
}

/* Between two lives there is nothing to stop, unless the next one waits to begin. */
static bool
is_to_start(const struct act_cell *cell)
{
    for (const struct act_node *node = cell->lanes[ACT_LANE_FRONT].head; node; node = node->next) {
        if (node->flags & ACT_NODE_CONTROL && node->type == ACT_CONTROL_START) {
            return true;
        }
    }
    return false;
}

/* STOP, in order: after what is in the mailbox now, without notices that go first anyway. */
static void
close_after(struct act_cell *cell, bool by_parent)
{
    cell->by_parent = cell->by_parent || by_parent;
    if (cell->closing || (cell->life == ACT_LIFE_PARKED && !is_to_start(cell))) {
        return;
    }
    cell->closing = true;
    cell->stop_after = act_count_get(&cell->waiting);
    for (struct act_node *node = cell->lanes[ACT_LANE_FRONT].head; node; node = node->next) {
        cell->stop_after -= !(node->flags & ACT_NODE_CONTROL);
    }
}

/* The hooks come with the first START. They hold from now on: what is dropped before it runs is done, too. */
static void
take_hooks(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    if (node->type == ACT_CONTROL_START && node->serial != 0) {
        act_cell_rare(worker, cell)->hooks = (const struct act_hooks *)(uintptr_t)node->serial;
        node->serial = 0;
    }
}

enum actant_code
act_mail_take_in(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    if (node->flags & ACT_NODE_CONTROL && node->type == ACT_CONTROL_SIDE) {
        act_mail_free(worker->system, worker, node);
        act_side_take(worker, cell);
        return ACTANT_OK;
    }
    if (node->to != atomic_load_explicit(&cell->ref, memory_order_relaxed)) {
        return refuse(worker, cell, node);
    }
    if (node->flags & ACT_NODE_CONTROL) {
        if (node->type == ACT_CONTROL_STOP) {
            close_after(cell, node->code != 0);
            act_mail_free(worker->system, worker, node);
            return ACTANT_OK;
        }
        take_hooks(worker, cell, node);
        act_queue_append(&cell->lanes[ACT_LANE_FRONT], node);
        return ACTANT_OK;
    }
    /* What comes before all others is still heard by one that stops in order: it may need it to do so. */
    bool front = cell->notices_first && node->type < ACTANT_TYPE_USER;
    if (!cell->supervised && ((cell->closing && !front) || cell->life == ACT_LIFE_STOPPING)) {
        return refuse(worker, cell, node);
    }
    unsigned lane = front ? ACT_LANE_FRONT : node->lane;
    act_queue_append(&cell->lanes[lane], node);
    uint32_t waiting = act_count_get(&cell->waiting) + 1;
    act_count_set(&cell->waiting, waiting);
    if (waiting > act_count_get(&cell->waiting_max)) {
        act_count_set(&cell->waiting_max, waiting);
    }
    if (lane != ACT_LANE_FRONT && act_cell_mailbox_max(cell) != 0 &&
        act_cell_overflow(cell) == ACTANT_DROP_OLDEST &&
        atomic_load_explicit(&cell->places, memory_order_relaxed) > act_cell_mailbox_max(cell)) {
        displace(worker, cell, lane);
    }
    return ACTANT_OK;
}

void
act_mail_put_back(struct act_cell *cell, struct act_node *node)
{
    struct act_queue *lane = &cell->lanes[node->lane];

    node->next = lane->head;
    if (!lane->head) {
        lane->tail = node;
    }
    lane->head = node;
    act_count_set(&cell->waiting, act_count_get(&cell->waiting) + 1);
}

void
act_mail_drop_all(struct act_worker *worker, struct act_cell *cell)
{
    for (unsigned lane = 0; lane < ACT_LANES; lane++) {
        struct act_node *node;
        while ((node = act_queue_pop(&cell->lanes[lane]))) {
            drop(worker, cell, node, ACTANT_GONE);
        }
    }
    act_count_set(&cell->waiting, 0);
}

static void
drop_notices(struct act_worker *worker, struct act_cell *cell, unsigned lane, bool keep)
{
    struct act_queue all = cell->lanes[lane];
    struct act_node *node;

    cell->lanes[lane] = (struct act_queue){0};
    while ((node = act_queue_pop(&all))) {
        if (node->flags & ACT_NODE_CONTROL || (keep && node->type >= ACTANT_TYPE_USER)) {
            act_queue_append(&cell->lanes[lane], node);
        } else {
            act_count_set(&cell->waiting, act_count_get(&cell->waiting) - 1);
            refuse(worker, cell, node);
        }
    }
}

void
act_mail_drop_notices(struct act_worker *worker, struct act_cell *cell, bool keep)
{
    for (unsigned lane = 0; lane < ACT_LANES; lane++) {
        drop_notices(worker, cell, lane, keep);
    }
}

/* Into the loop's inbox; true if the loop must be woken. */
static bool
push_inbox(struct actant_system *system, struct act_node *node)
{
    struct act_node *head = atomic_load_explicit(&system->inbox, memory_order_relaxed);

    do {
        node->next = head == ACT_INBOX_ASLEEP ? NULL : head;
        /* Release: the loop sees the message when it takes the chain with acquire. */
    } while (!atomic_compare_exchange_weak_explicit(&system->inbox, &head, node,
                                                    memory_order_release, memory_order_relaxed));
    return head == ACT_INBOX_ASLEEP;
}

/* The loop's own thread has put something in its mailboxes outside a turn: once a sleep it is told. */
static void
rouse(struct actant_system *system)
{
    struct act_node *asleep = ACT_INBOX_ASLEEP;

    if (atomic_compare_exchange_strong_explicit(&system->inbox, &asleep, NULL, memory_order_relaxed,
                                                memory_order_relaxed)) {
        act_system_wake(system);
    }
}

enum actant_code
act_mail_post(struct actant_system *system, struct act_worker *worker, struct act_node *node)
{
    struct act_cell *cell = act_cell_of(system, node->to);

    if (!cell) {
        act_mail_undeliverable(system, worker, node, ACTANT_GONE);
        return ACTANT_GONE;
    }
    return act_mail_post_to(system, worker, cell, node);
}

enum actant_code
act_mail_post_to(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                 struct act_node *node)
{
    if (worker == &system->loop && cell->home == ACTANT_LOOP) {
        enum actant_code code = act_mail_take_in(worker, cell, node);
        act_ready_push(worker, cell);
        if (!worker->in_turn) {
            rouse(system);
        }
        return code;
    }
    if (node->flags & ACT_NODE_COUNTED && act_cell_overflow(cell) == ACTANT_DROP_OLDEST) {
        act_side_put(system, worker, cell, node);
        return ACTANT_OK;
    }
    return act_mail_post_far(system, worker, cell, node);
}

enum actant_code
act_mail_post_far(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                  struct act_node *node)
{
    if (cell->home == ACT_HOME_WAITER) {
        act_wait_answer(system, worker, cell, node);
        return ACTANT_OK;
    }
    if (cell->home == ACTANT_POOL) {
        act_threads_post(system, worker, cell, node);
        return ACTANT_OK;
    }
    bool alert = act_node_alerts(node);
    bool asleep = push_inbox(system, node);
    if (alert) {
        atomic_store_explicit(&cell->alert, 1, memory_order_relaxed);
    }
    if (asleep) {
        act_system_wake(system);
    }
    return ACTANT_OK;
}

static enum actant_code
is_sendable(const struct act_letter *letter)
{
    return letter->type >= ACTANT_TYPE_USER && letter->size <= UINT32_MAX &&
                   (letter->data || letter->size == 0)
               ? ACTANT_OK
               : ACTANT_INVALID;
}

static struct act_node *
write_letter(struct actant_system *system, struct act_worker *worker,
             const struct act_letter *letter)
{
    bool owned = letter->flags & ACT_NODE_OWNED;
    struct act_node *node = act_mail_new(system, worker, owned ? 0 : letter->size);

    node->to = letter->to;
    node->from = letter->from;
    node->serial = letter->serial;
    node->type = letter->type;
    node->lane = letter->lane;
    node->flags = letter->flags;
    if (owned) {
        node->size = (uint32_t)letter->size;
        node->as.owned.data = letter->owned;
        node->as.owned.destroy = letter->destroy;
    } else if (letter->size > 0) {
        memcpy(node->as.bytes, letter->data, letter->size);
    }
    return node;
}

enum actant_code
act_mail_send(struct actant_system *system, struct act_worker *worker,
              const struct act_letter *letter)
{
    enum actant_code code = is_sendable(letter);
    struct act_cell *cell = act_cell_of(system, letter->to);
    bool counted = false, dropped = false;

    if (code == ACTANT_OK && (!cell || cell->home == ACT_HOME_WAITER)) {
        code = ACTANT_GONE;
    }
    if (code == ACTANT_OK && act_cell_mailbox_max(cell) != 0) {
        code = act_overflow_admit(system, worker, cell, letter->to, &dropped);
        counted = true;
    }
    if (code != ACTANT_OK || dropped) {
        if (letter->flags & ACT_NODE_OWNED && letter->destroy) {
            letter->destroy(letter->owned);
        }
        /* Who asks must not wait for an answer to what was dropped. */
        return dropped && letter->flags & ACT_NODE_ASK ? ACTANT_FULL : code;
    }
#if ACT_CANARY_BYPASS_MAILBOX
    if (worker && cell->home == ACTANT_LOOP && cell->life == ACT_LIFE_LIVE) {
        act_step_bypass(worker, cell, letter);
        return ACTANT_OK;
    }
#endif
    struct act_node *node = write_letter(system, worker, letter);
    if (counted) {
        node->flags |= ACT_NODE_COUNTED;
    }
    if (worker && worker->cache.tick++ % ACT_METRICS_EVERY == 0) {
        act_metrics_begin(system, node);
    }
    return act_mail_post_to(system, worker, cell, node);
}

/* On the loop's thread, to an actor of the loop: what only notes something down needs no message. None of these
 * minds whether the START that may be in the lanes has run. */
static bool
control_at_once(struct act_worker *worker, struct act_cell *cell, uint64_t from,
                enum act_control control, uint64_t serial, uint8_t code)
{
    if (control == ACT_CONTROL_STOP) {
        close_after(cell, code != 0);
        act_ready_push(worker, cell);
        return true;
    }
    if (control == ACT_CONTROL_WATCH_START) {
        act_life_watch_start(worker, cell, from, serial);
        return true;
    }
    return act_monitor_note(worker, cell, from, control);
}

void
act_mail_control(struct actant_system *system, struct act_worker *worker, uint64_t to,
                 uint64_t from, enum act_control control, uint64_t serial, uint8_t code)
{
    struct act_cell *cell = worker && worker->in_turn ? act_cell_of(system, to) : NULL;

    if (cell && cell->home == ACTANT_LOOP &&
        control_at_once(worker, cell, from, control, serial, code)) {
        return;
    }
    struct act_node *node = act_mail_new(system, worker, 0);

    node->to = to;
    node->from = from;
    node->type = control;
    node->serial = serial;
    node->code = code;
    node->flags |= ACT_NODE_CONTROL;
    act_mail_post(system, worker, node);
}
