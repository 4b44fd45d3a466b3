#include "engine/actor/pending.h"

#include "base/alloc.h"

#define NS_PER_MS 1000000
#define DELAY_MAX_MS (INT64_MAX / NS_PER_MS / 4)

int64_t
act_pending_ns(int64_t ms)
{
    return ms < 0 ? -1 : (ms < DELAY_MAX_MS ? ms : DELAY_MAX_MS) * NS_PER_MS;
}

/* ---- alarms: the loop's or the pool's ------------------------------------------------------------ */

static struct act_alarm *
set_alarm(struct act_worker *worker, const struct act_cell *cell, int64_t due_ns, uint64_t serial)
{
    uint64_t owner = atomic_load_explicit(&cell->ref, memory_order_relaxed);

    if (cell->home == ACTANT_POOL) {
        return act_threads_set_alarm(worker->system, due_ns, owner, serial);
    }
    return act_alarms_set(&worker->system->alarms, due_ns, owner, serial);
}

/* It may have gone off, and its notice be on the way. */
static void
cancel_alarm(struct act_worker *worker, const struct act_cell *cell, struct act_slot *slot,
             uint64_t serial)
{
    uint64_t owner = atomic_load_explicit(&cell->ref, memory_order_relaxed);

    if (cell->home == ACTANT_POOL) {
        act_threads_cancel_alarm(worker->system, slot->alarm, owner, serial);
    } else {
        act_alarms_cancel(&worker->system->alarms, slot->alarm, owner, serial);
    }
    slot->armed = false;
}

/* ---- slots ------------------------------------------------------------------------------------- */

static uint64_t
serial_of(const struct act_cell *cell, const struct act_slot *slot)
{
    uint64_t index = (uint64_t)(slot - cell->pending->slots.ptr);

    return (uint64_t)slot->generation << 32 | (index + 1);
}

static struct act_slot *
take_slot(struct act_cell *cell)
{
    struct act_pending *pending = cell->pending;
    struct act_slot fresh = {.generation = 0};

    if (!pending) {
        pending = cell->pending = act_zalloc(1, sizeof(*pending));
    }
    if (pending->free != 0) {
        struct act_slot *slot = &pending->slots.ptr[pending->free - 1];
        pending->free = slot->next_free;
        return slot;
    }
    act_vec_push(&pending->slots, fresh);
    return act_vec_last(&pending->slots);
}

uint64_t
act_pending_open(struct act_worker *worker, struct act_cell *cell, enum act_slot_kind kind,
                 uint64_t tag, int64_t delay_ns, int64_t period_ns)
{
    struct act_slot *slot = take_slot(cell);

    slot->kind = (uint8_t)kind;
    slot->tag = tag;
    slot->period_ns = period_ns;
    slot->armed = delay_ns >= 0;
    uint64_t serial = serial_of(cell, slot);
    if (slot->armed) {
        slot->due_ns = actant_now_ns(&worker->context) + delay_ns;
        slot->alarm = set_alarm(worker, cell, slot->due_ns, serial);
    }
    return serial;
}

struct act_slot *
act_pending_find(struct act_cell *cell, uint64_t serial)
{
    uint32_t index = (uint32_t)serial - 1;

    if (!cell->pending || index >= cell->pending->slots.len) {
        return NULL;
    }
    struct act_slot *slot = &cell->pending->slots.ptr[index];
    return slot->generation == serial >> 32 && slot->kind != ACT_SLOT_FREE ? slot : NULL;
}

void
act_pending_close(struct act_worker *worker, struct act_cell *cell, struct act_slot *slot)
{
    if (slot->armed) {
        cancel_alarm(worker, cell, slot, serial_of(cell, slot));
    }
    slot->kind = ACT_SLOT_FREE;
    slot->generation++;
    slot->next_free = cell->pending->free;
    cell->pending->free = (uint32_t)(slot - cell->pending->slots.ptr) + 1;
}

/* A periodic timer keeps its beat; beats that were missed are not made up for. */
static void
rearm(struct act_worker *worker, struct act_cell *cell, struct act_slot *slot)
{
    int64_t now = actant_system_now_ns(worker->system);

    slot->due_ns += slot->period_ns;
    if (slot->due_ns <= now) {
        slot->due_ns += (now - slot->due_ns) / slot->period_ns * slot->period_ns + slot->period_ns;
    }
    slot->alarm = set_alarm(worker, cell, slot->due_ns, serial_of(cell, slot));
    slot->armed = true;
}

bool
act_pending_accept(struct act_worker *worker, struct act_cell *cell, const struct act_node *node,
                   struct actant_message *message)
{
    struct act_slot *slot = act_pending_find(cell, node->serial);

    if (!slot) {
        return false;
    }
    message->tag = slot->tag;
    if (node->type == ACTANT_TYPE_TIMER) {
        slot->armed = false;
        if (slot->kind == ACT_SLOT_ASK) {
            message->type = ACTANT_TYPE_REPLY;
            message->code = ACTANT_TIMEOUT;
        } else if (slot->period_ns > 0) {
            rearm(worker, cell, slot);
            return true;
        }
    }
    act_pending_close(worker, cell, slot);
    return true;
}

void
act_pending_clear(struct act_worker *worker, struct act_cell *cell, bool release)
{
    struct act_pending *pending = cell->pending;

    for (uint32_t i = 0; pending && i < pending->slots.len; i++) {
        if (pending->slots.ptr[i].kind != ACT_SLOT_FREE) {
            act_pending_close(worker, cell, &pending->slots.ptr[i]);
        }
    }
    if (release && pending) {
        act_vec_fini(&pending->slots);
        act_free(pending);
        cell->pending = NULL;
    }
}

/* ---- timers ------------------------------------------------------------------------------------ */

uint64_t
actant_timer_start(struct actant_context *context, int64_t delay_ms, int64_t period_ms,
                   uint64_t tag)
{
    return act_pending_open(context->worker, context->cell, ACT_SLOT_TIMER, tag,
                            act_pending_ns(delay_ms > 0 ? delay_ms : 0),
                            act_pending_ns(period_ms > 0 ? period_ms : 0));
}

void
actant_timer_stop(struct actant_context *context, uint64_t timer)
{
    struct act_slot *slot = act_pending_find(context->cell, timer);

    if (slot && slot->kind == ACT_SLOT_TIMER) {
        act_pending_close(context->worker, context->cell, slot);
    }
}
