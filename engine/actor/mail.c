/* The way of a message from its sender into the lanes of its receiver. */
#include "engine/actor/actor_internal.h"

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

/* It was forwarded, and counts in a load. A receiver that is gone has none any more. */
void
act_mail_done(struct actant_system *system, struct act_node *node)
{
    if (!(node->flags & ACT_NODE_TAKEN)) {
        return;
    }
    struct act_cell *cell = act_cell_of(system, node->to);
    const struct act_hooks *hooks = cell && cell->rare ? cell->rare->hooks : NULL;

    node->flags &= (uint8_t)~ACT_NODE_TAKEN;
    if (hooks && hooks->done) {
        hooks->done(hooks->self, (struct actant_ref){node->to});
    }
}

static void
append(struct act_queue *queue, struct act_node *node)
{
    node->next = NULL;
    if (queue->tail) {
        queue->tail->next = node;
    } else {
        queue->head = node;
    }
    queue->tail = node;
}

static struct act_node *
pop(struct act_queue *queue)
{
    struct act_node *node = queue->head;

    if (node) {
        queue->head = node->next;
        if (!node->next) {
            queue->tail = NULL;
        }
    }
    return node;
}

/* Its place in a bounded mailbox, and in the load that hooks count, are free again. */
static void
leave(struct act_cell *cell, struct act_node *node)
{
    if (node->flags & ACT_NODE_COUNTED) {
        atomic_fetch_sub_explicit(&cell->places, 1, memory_order_seq_cst);
        node->flags &= (uint8_t)~ACT_NODE_COUNTED;
    }
}

static enum actant_code
refuse(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    leave(cell, node);
    act_mail_undeliverable(worker->system, worker, node);
    return ACTANT_GONE;
}

/* Rule DROP_OLDEST: the new one is in, the oldest of its lane goes. */
static void
displace(struct act_worker *worker, struct act_cell *cell, unsigned lane)
{
    struct act_node *oldest = pop(&cell->lanes[lane]);

    cell->waiting--;
    atomic_fetch_add_explicit(&cell->dropped, 1, memory_order_relaxed);
    refuse(worker, cell, oldest);
}

/* In order: after what is in the mailbox now, without notices that go first anyway. */
static enum actant_code
close_after(struct act_cell *cell)
{
    cell->closing = true;
    cell->stop_after = cell->waiting;
    for (struct act_node *node = cell->lanes[ACT_LANE_FRONT].head; node; node = node->next) {
        cell->stop_after -= !(node->flags & ACT_NODE_CONTROL);
    }
    return ACTANT_OK;
}

enum actant_code
act_mail_take_in(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    if (node->to != atomic_load_explicit(&cell->ref, memory_order_relaxed)) {
        return refuse(worker, cell, node);
    }
    if (node->flags & ACT_NODE_CONTROL) {
        if (node->type == ACT_CONTROL_STOP) {
            if (!cell->closing) {
                close_after(cell);
            }
            act_mail_free(worker->system, worker, node);
            return ACTANT_OK;
        }
        append(&cell->lanes[ACT_LANE_FRONT], node);
        return ACTANT_OK;
    }
    if (!cell->supervised && (cell->closing || cell->life == ACT_LIFE_STOPPING)) {
        return refuse(worker, cell, node);
    }
    unsigned lane =
        cell->notices_first && node->type < ACTANT_TYPE_USER ? ACT_LANE_FRONT : node->lane;
    append(&cell->lanes[lane], node);
    if (++cell->waiting > cell->waiting_max) {
        cell->waiting_max = cell->waiting;
    }
    if (lane != ACT_LANE_FRONT && cell->mailbox_max != 0 && cell->overflow == ACTANT_DROP_OLDEST &&
        atomic_load_explicit(&cell->places, memory_order_relaxed) > cell->mailbox_max) {
        displace(worker, cell, lane);
    }
    return ACTANT_OK;
}

struct act_node *
act_mail_take(struct act_worker *worker, struct act_cell *cell)
{
    struct act_node *node = pop(&cell->lanes[ACT_LANE_FRONT]);

    (void)worker;
    if (!node && cell->life == ACT_LIFE_LIVE && !cell->paused && cell->holds == 0) {
        for (unsigned lane = ACT_LANE_URGENT; !node && lane < ACT_LANES; lane++) {
            node = pop(&cell->lanes[lane]);
        }
    }
    if (node && !(node->flags & ACT_NODE_CONTROL)) {
        cell->waiting--;
        leave(cell, node);
    }
    return node;
}

void
act_mail_drop_all(struct act_worker *worker, struct act_cell *cell)
{
    for (unsigned lane = 0; lane < ACT_LANES; lane++) {
        struct act_node *node;
        while ((node = pop(&cell->lanes[lane]))) {
            refuse(worker, cell, node);
        }
    }
    cell->waiting = 0;
}

static void
drop_notices(struct act_worker *worker, struct act_cell *cell, unsigned lane, bool keep)
{
    struct act_queue all = cell->lanes[lane];
    struct act_node *node;

    cell->lanes[lane] = (struct act_queue){0};
    while ((node = pop(&all))) {
        if (node->flags & ACT_NODE_CONTROL || (keep && node->type >= ACTANT_TYPE_USER)) {
            append(&cell->lanes[lane], node);
        } else {
            cell->waiting--;
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
        /* Release: the loop sees the node's contents when it takes the chain with acquire. */
    } while (!atomic_compare_exchange_weak_explicit(&system->inbox, &head, node,
                                                    memory_order_release, memory_order_relaxed));
    return head == ACT_INBOX_ASLEEP;
}

enum actant_code
act_mail_post(struct actant_system *system, struct act_worker *worker, struct act_node *node)
{
    struct act_cell *cell = act_cell_of(system, node->to);

    if (!cell) {
        act_mail_undeliverable(system, worker, node);
        return ACTANT_GONE;
    }
    return act_mail_post_to(system, worker, cell, node);
}

enum actant_code
act_mail_post_to(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                 struct act_node *node)
{
    if (worker == &system->loop) {
        enum actant_code code = act_mail_take_in(worker, cell, node);
        act_ready_push(worker, cell);
        return code;
    }
    if (push_inbox(system, node)) {
        act_system_wake(system);
    }
    return ACTANT_OK;
}

void
act_mail_control(struct actant_system *system, struct act_worker *worker, uint64_t to,
                 uint64_t from, enum act_control control, uint64_t serial, uint8_t code)
{
    struct act_node *node = act_mail_new(system, worker, 0);

    node->to = to;
    node->from = from;
    node->type = control;
    node->serial = serial;
    node->code = code;
    node->flags |= ACT_NODE_CONTROL;
    act_mail_post(system, worker, node);
}

void
act_mail_reply(struct actant_system *system, struct act_worker *worker, uint64_t to,
               uint64_t serial, enum actant_code code, const void *data, size_t size)
{
    struct act_node *node = act_mail_new(system, worker, size);

    node->to = to;
    node->type = ACTANT_TYPE_REPLY;
    node->serial = serial;
    node->code = (uint8_t)code;
    node->lane = ACT_LANE_NORMAL;
    if (size > 0) {
        memcpy(node->as.bytes, data, size);
    }
    act_mail_post(system, worker, node);
}

enum act_admission
act_mail_admit(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
               uint64_t ref)
{
    (void)system;
    (void)worker;
    (void)ref;
    uint32_t before = atomic_fetch_add_explicit(&cell->places, 1, memory_order_seq_cst);
    if (before < cell->mailbox_max) {
        return ACT_ADMITTED;
    }
    switch ((enum actant_overflow)cell->overflow) {
    case ACTANT_FAIL:
        atomic_fetch_sub_explicit(&cell->places, 1, memory_order_seq_cst);
        return ACT_ADMIT_FULL;
    case ACTANT_DROP_NEWEST:
        atomic_fetch_sub_explicit(&cell->places, 1, memory_order_seq_cst);
        atomic_fetch_add_explicit(&cell->dropped, 1, memory_order_relaxed);
        return ACT_ADMIT_DROP;
    case ACTANT_DROP_OLDEST:
    case ACTANT_BLOCK: break;
    }
    return ACT_ADMITTED;
}

enum actant_code
act_mail_admission_code(enum act_admission admission)
{
    switch (admission) {
    case ACT_ADMIT_FULL: return ACTANT_FULL;
    case ACT_ADMIT_GONE: return ACTANT_GONE;
    case ACT_ADMITTED:
    case ACT_ADMIT_DROP: break;
    }
    return ACTANT_OK;
}

static size_t
round_up(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* Layout: struct actant_reason, the data, the text. */
struct act_node *
act_mail_reason(struct actant_system *system, struct act_worker *worker,
                const struct actant_reason *reason)
{
    size_t head = round_up(sizeof(*reason));
    size_t data = reason->error.data ? reason->error.size : 0;
    size_t text = reason->error.message ? strlen(reason->error.message) : 0;
    struct act_node *node = act_mail_new(system, worker, head + round_up(data) + text + 1);
    struct actant_reason copy = *reason;
    unsigned char *bytes = node->as.bytes;

    if (data > 0) {
        copy.error.data = memcpy(bytes + head, reason->error.data, data);
    }
    if (text > 0) {
        memcpy(bytes + head + round_up(data), reason->error.message, text);
    }
    bytes[head + round_up(data) + text] = '\0';
    copy.error.message = (const char *)bytes + head + round_up(data);
    memcpy(bytes, &copy, sizeof(copy));
    return node;
}

/* Who asks about one that is gone hears at once; from what is remembered, else that it ended normally. */
static void
answer_late(struct actant_system *system, struct act_worker *worker, struct act_node *node,
            const struct actant_reason *reason)
{
    struct act_node *answer;

    if (node->type == ACT_CONTROL_WATCH_START && reason->kind != ACTANT_STOP_START) {
        act_mail_reply(system, worker, node->from, node->serial, ACTANT_GONE, NULL, 0);
        return;
    }
    answer = act_mail_reason(system, worker, reason);
    answer->to = node->from;
    answer->from = node->to;
    answer->lane = ACT_LANE_NORMAL;
    if (node->type == ACT_CONTROL_WATCH_START) {
        answer->type = ACTANT_TYPE_REPLY;
        answer->code = ACTANT_FAILED;
        answer->serial = node->serial;
    } else if (node->type == ACT_CONTROL_LINK && act_life_abnormal(reason->kind)) {
        answer->type = ACT_CONTROL_LINK_DOWN;
        answer->flags |= ACT_NODE_CONTROL;
    } else {
        answer->type = ACTANT_TYPE_DOWN;
    }
    act_mail_post(system, worker, answer);
}

void
act_mail_undeliverable(struct actant_system *system, struct act_worker *worker,
                       struct act_node *node)
{
    if (!(node->flags & ACT_NODE_CONTROL)) {
        if (node->flags & ACT_NODE_ASK) {
            act_mail_reply(system, worker, node->from, node->serial, ACTANT_GONE, NULL, 0);
        }
    } else if (node->type == ACT_CONTROL_MONITOR || node->type == ACT_CONTROL_LINK ||
               node->type == ACT_CONTROL_WATCH_START) {
        struct act_obituary obituary = {.kind = ACTANT_STOP_NORMAL};
        act_monitor_find_obituary(system, node->to, &obituary);
        struct actant_reason reason = {
            .kind = obituary.kind,
            .error = {.code = obituary.code, .message = obituary.message},
        };
        answer_late(system, worker, node, &reason);
    }
    act_mail_free(system, worker, node);
}
