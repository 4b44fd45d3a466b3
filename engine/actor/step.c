/* One actor's turn: it takes messages, one at a time. */
#include "engine/actor/metrics.h"
#include "engine/actor/pending.h"

#include "base/assert.h"

/* How much an actor takes before it is the next one's turn: so many messages, or, if it had more when its turn
 * began, those too for as long as that. */
#define SLICE 64
#define SLICE_NS 200000

static inline void
begin(struct actant_context *context, struct act_cell *cell, struct act_node *node, bool owes)
{
    ACT_ASSERT(!context->cell);
    context->cell = cell;
    context->node = node;
    context->owes = owes;
    context->now_known = false;
    context->raised.set = false;
}

static inline void
end(struct actant_context *context)
{
    context->cell = NULL;
    context->node = NULL;
}

void
act_step_begin(struct actant_context *context, struct act_cell *cell)
{
    begin(context, cell, NULL, false);
}

void
act_step_end(struct actant_context *context)
{
    end(context);
}

struct actant_error
act_step_error(const struct actant_context *context, int code)
{
    if (!context->raised.set) {
        return (struct actant_error){.code = code, .message = ""};
    }
    return (struct actant_error){
        .code = context->raised.code,
        .message = context->raised.message,
        .data = context->raised.size > 0 ? context->raised.data : NULL,
        .size = context->raised.size,
    };
}

/* An asker hears of the error as of an answer. */
static void
reply_failed(struct actant_context *context, const struct actant_reason *reason)
{
    struct act_worker *worker = context->worker;
    struct act_node *answer = act_mail_reason(worker->system, worker, reason);

    answer->to = context->node->from;
    answer->type = ACTANT_TYPE_REPLY;
    answer->serial = context->node->serial;
    answer->code = ACTANT_FAILED;
    answer->lane = ACT_LANE_NORMAL;
    context->owes = false;
    act_mail_post(worker->system, worker, answer);
}

/* The step is over with its message, unless it passed it on. */
static void
free_message(struct actant_context *context)
{
    if (context->node) {
        act_mail_free(context->worker->system, context->worker, context->node);
        context->node = NULL;
    }
}

/* The step returned code: the handler of panics decides. */
static void
panicked(struct actant_context *context, int code)
{
    struct act_cell *cell = context->cell;
    struct actant_reason reason = {ACTANT_STOP_ERROR, act_step_error(context, code)};
    enum actant_verdict verdict = ACTANT_STOP;

    act_count_set(&cell->panics, act_count_get(&cell->panics) + 1);
    if (context->owes) {
        reply_failed(context, &reason);
    }
    if (cell->actor->panic) {
        verdict = cell->actor->panic(context, cell->state, &reason.error);
    }
    if (verdict == ACTANT_STOP) {
        struct act_worker *worker = context->worker;
        free_message(context);
        end(context);
        act_life_end(worker, cell, &reason);
    }
}

/* What is not a matter of course at the end of a step. */
static void
finish_step(struct act_worker *worker, struct act_cell *cell, int code)
{
    struct actant_context *context = &worker->context;

    if (context->node && context->node->flags & ACT_NODE_TIMED) {
        act_metrics_end(worker->system, cell, context->node);
    }
    if (code != 0) {
        panicked(context, code);
        if (!context->cell) {
            return;
        }
    } else if (context->owes) {
        act_mail_reply(worker->system, worker, context->node->from, context->node->serial,
                       ACTANT_OK, NULL, 0);
    }
    free_message(context);
    end(context);
    if (cell->exiting) {
        act_life_end(worker, cell, &(struct actant_reason){.kind = ACTANT_STOP_NORMAL});
    }
}

/* Is it still expected? A REPLY or TIMER gets its tag. */
static bool
accept_notice(struct act_worker *worker, struct act_cell *cell, struct act_node *node,
              struct actant_message *message)
{
    switch (node->type) {
    case ACTANT_TYPE_DOWN: return act_monitor_accept(cell, node);
    case ACTANT_TYPE_REPLY:
    case ACTANT_TYPE_TIMER: return act_pending_accept(worker, cell, node, message);
    default: message->tag = node->serial; return true;
    }
}

/* ACT_CONTROL_DEBUG_KILL. */
static bool
killed_by_test(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    struct act_rare *rare = cell->rare;

    if (!cell->marked ||
        atomic_load_explicit(&cell->handled, memory_order_relaxed) + 1 < rare->kill_at) {
        return false;
    }
    cell->marked = false;
    if (rare->kill_taken) {
        act_mail_undeliverable(worker->system, worker, node, ACTANT_GONE);
    } else {
        act_mail_put_back(cell, node);
    }
    act_life_end(worker, cell, &(struct actant_reason){.kind = ACTANT_STOP_KILLED});
    return true;
}

static inline struct actant_message
read(struct act_node *node, enum actant_code code)
{
    return (struct actant_message){
        .type = node->type,
        .code = code,
        .from = {node->flags & ACT_NODE_OUTSIDE ? 0 : node->from},
        .data = act_node_data(node),
        .size = node->size,
        .wants_reply = node->flags & ACT_NODE_ASK,
    };
}

static inline void
step(struct act_worker *worker, struct act_cell *cell, struct act_node *node,
     const struct actant_message *message)
{
    struct actant_context *context = &worker->context;

    begin(context, cell, node, message->wants_reply);
    int code = cell->actor->handle(context, cell->state, message);
    if (code != 0 || context->owes || !context->node || cell->exiting ||
        !act_node_recycle(&worker->cache, node)) {
        finish_step(worker, cell, code);
        return;
    }
    end(context);
}

static void
handle(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    struct actant_message message = read(node, (enum actant_code)node->code);
    bool user = node->type >= ACTANT_TYPE_USER;

    if (!user && !accept_notice(worker, cell, node, &message)) {
        act_mail_free(worker->system, worker, node);
        return;
    }
    if (user && killed_by_test(worker, cell, node)) {
        return;
    }
    act_count_more(&cell->handled, user);
    step(worker, cell, node, &message);
}

/* It is out of the lanes. */
static inline void
taken_out(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    act_count_set(&cell->waiting, act_count_get(&cell->waiting) - 1);
    if (node->flags & ACT_NODE_COUNTED) {
        node->flags &= (uint8_t)~ACT_NODE_COUNTED;
        act_overflow_leave(worker, cell);
    }
}

/* The short way: a message of a user's type in the lane for most, and nothing that goes before it. False:
 * there is none, or there is something to think of. */
static inline bool
take_plain(struct act_worker *worker, struct act_cell *cell)
{
    struct act_node *node = cell->lanes[ACT_LANE_NORMAL].head;

    if (!node || node->type < ACTANT_TYPE_USER || !act_cell_is_plain(cell) ||
        cell->lanes[ACT_LANE_FRONT].head || cell->lanes[ACT_LANE_URGENT].head) {
        return false;
    }
    cell->lanes[ACT_LANE_NORMAL].head = node->next;
    taken_out(worker, cell, node);
    struct actant_message message = read(node, ACTANT_OK);
    act_count_more(&cell->handled, 1);
    step(worker, cell, node, &message);
    return true;
}

/* The next message by lanes; NULL: none that the cell may take now. */
static struct act_node *
next_of(struct act_worker *worker, struct act_cell *cell)
{
    struct act_node *node = act_queue_pop(&cell->lanes[ACT_LANE_FRONT]);

    if (!node && cell->life == ACT_LIFE_LIVE && !cell->paused && cell->holds == 0) {
        for (unsigned lane = ACT_LANE_URGENT; !node && lane < ACT_LANES; lane++) {
            node = act_queue_pop(&cell->lanes[lane]);
        }
    }
    if (node && !(node->flags & ACT_NODE_CONTROL)) {
        taken_out(worker, cell, node);
    }
    return node;
}

static void
take(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    if (node->flags & ACT_NODE_CONTROL) {
        act_life_control(worker, cell, node);
    } else if (cell->life == ACT_LIFE_LIVE) {
        bool front = cell->notices_first && node->type < ACTANT_TYPE_USER;
        if (cell->closing && cell->stop_after > 0 && !front) {
            cell->stop_after--;
        }
        handle(worker, cell, node);
    } else {
        act_mail_undeliverable(worker->system, worker, node, ACTANT_GONE);
    }
}

/* Another thread has sent what goes before the lanes' mail, a kill perhaps. */
static void
take_alerted(struct act_worker *worker, struct act_cell *cell)
{
    atomic_store_explicit(&cell->alert, 0, memory_order_relaxed);
    if (cell->home == ACTANT_POOL) {
        act_threads_take_inbox(worker, cell);
    } else {
        act_system_take_inbox(worker->system);
    }
}

static void
stop_in_order(struct act_worker *worker, struct act_cell *cell)
{
    enum actant_stop_kind kind = cell->by_parent ? ACTANT_STOP_SHUTDOWN : ACTANT_STOP_NORMAL;

    cell->draining = true;
    act_life_end(worker, cell, &(struct actant_reason){.kind = kind});
}

size_t
act_step_run(struct act_worker *worker, struct act_cell *cell, size_t budget)
{
    size_t taken = 0;

    /* What it sends to itself waits for the others' turn. */
    uint32_t waiting = act_count_get(&cell->waiting);
    if (waiting > 0 && waiting < budget) {
        budget = waiting;
    }
    while (taken < budget) {
        if (atomic_load_explicit(&cell->alert, memory_order_relaxed)) {
            take_alerted(worker, cell);
        }
        if (take_plain(worker, cell)) {
            taken++;
            continue;
        }
        if (cell->closing && cell->stop_after == 0 && cell->life == ACT_LIFE_LIVE &&
            !cell->lanes[ACT_LANE_FRONT].head) {
            stop_in_order(worker, cell);
            break;
        }
        struct act_node *node = next_of(worker, cell);
        if (!node) {
            break;
        }
        taken++;
        take(worker, cell, node);
    }
    act_count_more(&worker->messages, taken);
    return taken;
}

size_t
act_step_slice(struct act_worker *worker, struct act_cell *cell)
{
    /* A mailbox that many fill must be emptied as fast, or it grows for ever. */
    size_t backlog = act_count_get(&cell->waiting);
    size_t taken = act_step_run(worker, cell, SLICE);

    if (backlog <= SLICE || taken < SLICE) {
        return taken;
    }
    int64_t until_ns = actant_system_now_ns(worker->system) + SLICE_NS;
    size_t more = SLICE;
    while (taken < backlog && more == SLICE && act_step_has_more(cell)) {
        more = act_step_run(worker, cell, backlog - taken < SLICE ? backlog - taken : SLICE);
        taken += more;
        if (actant_system_now_ns(worker->system) > until_ns) {
            break;
        }
    }
    return taken;
}

bool
act_step_has_more(const struct act_cell *cell)
{
    if (cell->lanes[ACT_LANE_FRONT].head) {
        return true;
    }
    if (cell->life != ACT_LIFE_LIVE || cell->paused || cell->holds > 0) {
        return false;
    }
    return cell->lanes[ACT_LANE_URGENT].head || cell->lanes[ACT_LANE_NORMAL].head ||
           cell->lanes[ACT_LANE_LAZY].head || (cell->closing && cell->stop_after == 0);
}

#if ACT_CANARY_BYPASS_MAILBOX
/* A runtime as it must not be: the receiver's step inside the sender's. tests/canary sees it. */
void
act_step_bypass(struct act_worker *worker, struct act_cell *cell, const struct act_letter *letter)
{
    struct actant_context outer = worker->context;
    struct actant_message message = {
        .type = letter->type, .from = {letter->from}, .data = letter->data, .size = letter->size};

    worker->context.cell = cell;
    worker->context.node = NULL;
    worker->context.owes = false;
    cell->actor->handle(&worker->context, cell->state, &message);
    worker->context = outer;
}
#endif
