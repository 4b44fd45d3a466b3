/* From the start of an actor to its end. */
#include "engine/actor/metrics.h"
#include "engine/actor/pending.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

bool
act_life_abnormal(enum actant_stop_kind kind)
{
    return kind == ACTANT_STOP_ERROR || kind == ACTANT_STOP_START || kind == ACTANT_STOP_KILLED ||
           kind == ACTANT_STOP_LINK;
}

/* ---- start ------------------------------------------------------------------------------------- */

static void
answer_start(struct act_worker *worker, struct act_waiting waiting,
             const struct actant_reason *failed)
{
    if (!failed) {
        act_mail_reply(worker->system, worker, waiting.ref, waiting.serial, ACTANT_OK, NULL, 0);
        return;
    }
    struct act_node *answer = act_mail_reason(worker->system, worker, failed);
    answer->to = waiting.ref;
    answer->serial = waiting.serial;
    answer->type = ACTANT_TYPE_REPLY;
    answer->code = ACTANT_FAILED;
    answer->lane = ACT_LANE_NORMAL;
    act_mail_post(worker->system, worker, answer);
}

static void
answer_starts(struct act_worker *worker, struct act_cell *cell, const struct actant_reason *failed)
{
    struct act_rare *rare = cell->rare;

    if (!rare || rare->start.ref == 0) {
        return;
    }
    answer_start(worker, rare->start, failed);
    rare->start.ref = 0;
    for (uint32_t i = 0; i < rare->starts.len; i++) {
        answer_start(worker, rare->starts.ptr[i], failed);
    }
    act_vec_fini(&rare->starts);
}

/* A block that is recycled, or memory of its own. */
static void *
new_state(struct act_worker *worker, size_t size)
{
    unsigned shape = act_shape_of(size);

    if (!ACT_RECYCLE || shape == ACT_SHAPES) {
        return act_zalloc(1, size);
    }
    return memset(act_block_new(&worker->system->depot, &worker->cache, shape), 0, size);
}

static void
free_state(struct act_worker *worker, struct act_cell *cell)
{
    unsigned shape = act_shape_of(cell->actor->state_size);

    if (!ACT_RECYCLE || shape == ACT_SHAPES) {
        act_free(cell->state);
    } else {
        act_block_free(&worker->system->depot, &worker->cache, shape, cell->state);
    }
    cell->state = NULL;
}

static void
begin_life(struct act_worker *worker, struct act_cell *cell)
{
    cell->life = ACT_LIFE_STARTING;
    atomic_store_explicit(&cell->alive, 1, memory_order_relaxed);
    cell->state = new_state(worker, cell->actor->state_size);
}

/* START: the first step. */
static void
start(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    struct actant_context *context = &worker->context;
    int code = 0;

    ACT_ASSERT(cell->life == ACT_LIFE_FREE || cell->life == ACT_LIFE_PARKED);
    if (cell->life == ACT_LIFE_PARKED) {
        act_count_set(&cell->restarts, act_count_get(&cell->restarts) + 1);
    }
    begin_life(worker, cell);
    act_step_begin(context, cell);
    if (cell->actor->start) {
        code = cell->actor->start(context, cell->state, act_node_data(node), node->size);
    }
    act_step_end(context);
    if (code != 0) {
        struct actant_reason reason = {ACTANT_STOP_START, act_step_error(context, code)};
        answer_starts(worker, cell, &reason);
        act_life_end(worker, cell, &reason);
        return;
    }
    cell->life = ACT_LIFE_LIVE;
    answer_starts(worker, cell, NULL);
    if (cell->exiting) {
        act_life_end(worker, cell, &(struct actant_reason){.kind = ACTANT_STOP_NORMAL});
    }
}

void
act_life_watch_start(struct act_worker *worker, struct act_cell *cell, uint64_t from,
                     uint64_t serial)
{
    struct act_waiting waiting = {from, serial};

    if (cell->life == ACT_LIFE_LIVE || cell->life == ACT_LIFE_STOPPING) {
        answer_start(worker, waiting, NULL);
        return;
    }
    struct act_rare *rare = act_cell_rare(worker, cell);
    if (rare->start.ref == 0) {
        rare->start = waiting;
    } else {
        act_vec_push(&rare->starts, waiting);
    }
}

/* ---- end --------------------------------------------------------------------------------------- */

/* The state goes; the cell keeps what the next life needs. The parent hears that it has stopped and why in one
 * message: with two it could have begun a new life of its own, and of this child, between them. */
static void
park(struct act_worker *worker, struct act_cell *cell, struct act_node *reason)
{
    uint64_t ref = atomic_load_explicit(&cell->ref, memory_order_relaxed);

    cell->life = ACT_LIFE_PARKED;
    cell->closing = cell->exiting = cell->paused = cell->by_parent = cell->draining = false;
    atomic_store_explicit(&cell->alive, 2, memory_order_relaxed);
    act_mail_drop_notices(worker, cell, cell->keep_mailbox);
    reason->to = cell->parent;
    reason->from = ref;
    reason->type = ACT_CONTROL_CHILD_GONE;
    reason->serial = 1;
    reason->flags |= ACT_NODE_CONTROL;
    act_mail_post(worker->system, worker, reason);
}

static void
release_supervised(struct act_worker *worker, struct act_rare *rare)
{
    for (uint32_t i = rare->bonds.len; i > 0; i--) {
        if (rare->bonds.entries[i - 1].flags & ACT_BOND_SUPERVISED) {
            act_mail_control(worker->system, worker, rare->bonds.entries[i - 1].ref, 0,
                             ACT_CONTROL_END, 1, ACTANT_STOP_SHUTDOWN);
        }
    }
}

/* For good: whatever the cell had goes, and its ref is stale. */
static void
vanish(struct act_worker *worker, struct act_cell *cell)
{
    struct actant_system *system = worker->system;
    uint64_t ref = atomic_load_explicit(&cell->ref, memory_order_relaxed);
    uint64_t parent = cell->parent;
    const struct act_hooks *hooks = cell->rare ? cell->rare->hooks : NULL;

    act_mail_drop_all(worker, cell);
    act_pending_clear(worker, cell, true);
    if (cell->named) {
        act_registry_remove(&system->names, ref);
    }
    if (cell->rare) {
        release_supervised(worker, cell->rare);
        act_cell_free_rare(worker, cell);
    }
    cell->life = ACT_LIFE_FREE;
    cell->closing = cell->exiting = cell->paused = cell->for_good = false;
    cell->by_parent = cell->draining = false;
    cell->holds = 0;
    act_metrics_reset(cell);
    atomic_store_explicit(&cell->alive, 0, memory_order_relaxed);
    bool blocks = act_cell_mailbox_max(cell) != 0 && act_cell_overflow(cell) == ACTANT_BLOCK;
    act_cells_give(&system->cells, worker, cell);
    if (blocks) {
        act_overflow_room(system, worker, cell, ref);
    }
    /* From here on the cell may be another's. */
    act_hooks_gone(hooks, (struct actant_ref){ref});
    if (parent != 0) {
        act_mail_control(system, worker, parent, ref, ACT_CONTROL_CHILD_GONE, 0, 0);
    }
    /* Release: what it did comes before what is freed with the system. */
    atomic_store_explicit(&worker->gone,
                          atomic_load_explicit(&worker->gone, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* No child lives any more. */
static void
finish(struct act_worker *worker, struct act_cell *cell, const struct actant_reason *reason)
{
    bool keeps_ref = cell->supervised && !cell->for_good;

    if (reason->kind != ACTANT_STOP_START && cell->actor->stop) {
        act_step_begin(&worker->context, cell);
        cell->actor->stop(&worker->context, cell->state, reason);
        act_step_end(&worker->context);
    }
    free_state(worker, cell);
    act_pending_clear(worker, cell, !keeps_ref);
    if (cell->rare) {
        act_ask_abandon(worker, cell);
    }
    if (act_life_abnormal(reason->kind) && !keeps_ref) {
        act_monitor_obituary(worker->system, atomic_load_explicit(&cell->ref, memory_order_relaxed),
                             reason);
    }
    if (cell->rare) {
        act_monitor_announce(worker, cell, reason);
    }
    if (keeps_ref) {
        park(worker, cell, act_mail_reason(worker->system, worker, reason));
    } else {
        vanish(worker, cell);
    }
}

/* The same with the reason that was kept. */
static void
finish_kept(struct act_worker *worker, struct act_cell *cell)
{
    struct act_node *reason = cell->rare->reason;

    cell->rare->reason = NULL;
    finish(worker, cell, (const struct actant_reason *)act_node_data(reason));
    act_mail_free(worker->system, worker, reason);
}

/* Stops the child that came last, in order if this one stops in order; false: there is none. */
static bool
end_last_child(struct act_worker *worker, struct act_cell *cell)
{
    uint64_t child = cell->rare ? act_bonds_last(&cell->rare->bonds, ACT_BOND_CHILD) : 0;

    if (child == 0) {
        return false;
    }
    if (cell->draining) {
        act_mail_control(worker->system, worker, child, 0, ACT_CONTROL_STOP, 0, 1);
        return true;
    }
    act_mail_control(worker->system, worker, child, 0, ACT_CONTROL_END,
                     !cell->supervised || cell->for_good, ACTANT_STOP_SHUTDOWN);
    return true;
}

void
act_life_end(struct act_worker *worker, struct act_cell *cell, const struct actant_reason *reason)
{
    cell->life = ACT_LIFE_STOPPING;
    /* Whoever hears of its stop does not find it alive. */
    atomic_store_explicit(&cell->alive, 2, memory_order_relaxed);
    cell->draining = cell->draining || reason->kind == ACTANT_STOP_NORMAL;
    if (!end_last_child(worker, cell) && reason->error.code == 0) {
        finish(worker, cell, reason);
        return;
    }
    /* The error is lent by whoever may write another one before it is told. */
    act_cell_rare(worker, cell)->reason = act_mail_reason(worker->system, worker, reason);
    if (act_bonds_last(&cell->rare->bonds, ACT_BOND_CHILD) == 0) {
        finish_kept(worker, cell);
    }
}

/* True: the node has become the DOWN of a supervised child. */
static bool
child_gone(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    bool parked = node->serial == 1;

    act_bonds_drop(&act_cell_rare(worker, cell)->bonds, node->from,
                   ACT_BOND_CHILD | (parked ? 0 : ACT_BOND_SUPERVISED));
    if (cell->life == ACT_LIFE_STOPPING && !end_last_child(worker, cell)) {
        finish_kept(worker, cell);
        return false;
    }
    if (!parked || cell->life != ACT_LIFE_LIVE) {
        return false;
    }
    node->type = ACTANT_TYPE_DOWN;
    node->serial = 0;
    node->lane = ACT_LANE_NORMAL;
    node->flags &= (uint8_t)~ACT_NODE_CONTROL;
    act_mail_take_in(worker, cell, node);
    return true;
}

static void
end(struct act_worker *worker, struct act_cell *cell, const struct act_node *node)
{
    if (node->serial == 2 && cell->parent != 0) {
        return;
    }
    cell->for_good = cell->for_good || node->serial != 0;
    switch ((enum act_life)cell->life) {
    case ACT_LIFE_STARTING:
    case ACT_LIFE_LIVE:
        act_life_end(worker, cell,
                     &(struct actant_reason){.kind = (enum actant_stop_kind)node->code});
        break;
    case ACT_LIFE_FREE: /* parked from the first */
    case ACT_LIFE_PARKED:
        if (cell->for_good) {
            vanish(worker, cell);
        }
        break;
    case ACT_LIFE_STOPPING:
        if (cell->draining) { /* no longer in order */
            cell->draining = false;
            end_last_child(worker, cell);
        }
        break;
    }
}

void
act_life_control(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    switch ((enum act_control)node->type) {
    case ACT_CONTROL_START: start(worker, cell, node); break;
    case ACT_CONTROL_END: end(worker, cell, node); break;
    case ACT_CONTROL_CHILD_GONE:
        if (child_gone(worker, cell, node)) {
            return;
        }
        break;
    case ACT_CONTROL_WATCH_START:
        act_life_watch_start(worker, cell, node->from, node->serial);
        break;
    case ACT_CONTROL_MONITOR:
    case ACT_CONTROL_UNMONITOR:
    case ACT_CONTROL_LINK:
    case ACT_CONTROL_UNLINK:
    case ACT_CONTROL_LINK_DOWN: act_monitor_control(worker, cell, node); break;
    case ACT_CONTROL_FORGET: act_ask_forget(cell, node); break;
    case ACT_CONTROL_UNHOLD: act_overflow_unhold(worker, cell, node->from); break;
    case ACT_CONTROL_DEBUG_KILL:
        act_cell_rare(worker, cell)->kill_at =
            atomic_load_explicit(&cell->handled, memory_order_relaxed) + node->serial;
        cell->marked = true;
        cell->rare->kill_taken = node->code != 0;
        break;
    case ACT_CONTROL_SIDE:
    case ACT_CONTROL_STOP: ACT_UNREACHABLE();
    }
    act_mail_free(worker->system, worker, node);
}
