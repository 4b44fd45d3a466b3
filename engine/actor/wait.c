/* Threads that wait for an answer. Each has a cell of the home WAITER while it waits, so that its ref works
 * as any other and goes stale with the wait. */
#include "engine/actor/pending.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

/* On the waiting thread's stack; under system->lock. */
struct act_waiter {
    struct act_cond cond;
    bool turns; /* it is the loop's thread: asleep between turns, not in cond */
    bool done;
    enum actant_code code;
    int error_code; /* of FAILED */
    void *data;
    size_t max, size;
};

/* An error is told as its text; an answer as it is. */
static void
fill(struct act_waiter *waiter, struct act_node *node)
{
    const void *data = act_node_data(node);
    size_t size = node->size;

    waiter->code = (enum actant_code)node->code;
    if (waiter->code == ACTANT_FAILED && size >= sizeof(struct actant_reason)) {
        const struct actant_reason *reason = data;
        waiter->error_code = reason->error.code;
        data = reason->error.message;
        size = strlen(reason->error.message) + 1;
    }
    waiter->size = size;
    if (size > 0 && waiter->max > 0) {
        memcpy(waiter->data, data, size < waiter->max ? size : waiter->max);
    }
    waiter->done = true;
}

void
act_wait_answer(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                struct act_node *node)
{
    act_mutex_lock(&system->lock);
    struct act_waiter *waiter = cell->state;
    if (waiter && !waiter->done && node->type == ACTANT_TYPE_REPLY &&
        atomic_load_explicit(&cell->ref, memory_order_relaxed) == node->to) {
        fill(waiter, node);
        act_cond_signal(waiter->turns ? &system->awake : &waiter->cond);
        system->woken = system->woken || waiter->turns;
    }
    act_mutex_unlock(&system->lock);
    act_mail_free(system, worker, node);
}

static struct act_cell *
enter(struct actant_system *system, struct act_waiter *waiter, uint64_t *ret_ref)
{
    struct act_cell *cell = act_cells_take(&system->cells, NULL, ACT_HOME_WAITER, ret_ref);

    if (!cell) {
        return NULL;
    }
    act_cond_init(&waiter->cond);
    act_mutex_lock(&system->lock);
    cell->state = waiter;
    atomic_store_explicit(&cell->ref, *ret_ref, memory_order_release);
    act_mutex_unlock(&system->lock);
    return cell;
}

static void
leave(struct actant_system *system, struct act_waiter *waiter, struct act_cell *cell)
{
    act_mutex_lock(&system->lock);
    cell->state = NULL;
    act_mutex_unlock(&system->lock);
    act_cells_give(&system->cells, NULL, cell);
    act_cond_fini(&waiter->cond);
}

static bool
is_done(void *self)
{
    return ((struct act_waiter *)self)->done;
}

static void
wait(struct actant_system *system, struct act_waiter *waiter, int64_t timeout_ms)
{
    int64_t timeout_ns = act_pending_ns(timeout_ms);

    if (waiter->turns) {
        act_system_turn_until(system, is_done, waiter, timeout_ns);
        return;
    }
    int64_t until = timeout_ns < 0 ? -1 : act_thread_now_ns() + timeout_ns;
    act_mutex_lock(&system->lock);
    while (!waiter->done && act_cond_wait(&waiter->cond, &system->lock, until)) {
    }
    act_mutex_unlock(&system->lock);
}

/* A step must not wait: its worker would stand still. */
static bool
may_wait(const struct act_worker *worker)
{
    return !worker || (!worker->context.cell && !worker->in_turn);
}

enum actant_code
actant_ask_wait(struct actant_system *system, struct actant_ref to, uint32_t type, const void *data,
                size_t size, int64_t timeout_ms, void *reply, size_t reply_max, size_t *ret_size)
{
    struct act_worker *worker = act_worker_here(system);
    struct act_waiter waiter = {
        .turns = worker == &system->loop, .code = ACTANT_TIMEOUT, .data = reply, .max = reply_max};
    uint64_t ref;

    if (!may_wait(worker) || (!reply && reply_max > 0)) {
        return ACTANT_INVALID;
    }
    struct act_cell *cell = enter(system, &waiter, &ref);
    if (!cell) {
        return ACTANT_FULL;
    }
    struct act_letter letter = {
        .to = to.v,
        .from = ref,
        .serial = 1,
        .type = type,
        .data = data,
        .size = size,
        .lane = ACT_LANE_NORMAL,
        .flags = ACT_NODE_ASK | ACT_NODE_OUTSIDE,
    };
    enum actant_code code = act_mail_send(system, worker, &letter);
    if (code == ACTANT_OK) {
        wait(system, &waiter, timeout_ms);
    }
    leave(system, &waiter, cell);
    if (code == ACTANT_OK) {
        code = waiter.code;
        if (ret_size) {
            *ret_size = waiter.size;
        }
    }
    return code;
}

enum actant_code
actant_await_start(struct actant_system *system, struct actant_ref of, int64_t timeout_ms,
                   int *ret_code, char *ret_message, size_t message_max)
{
    struct act_worker *worker = act_worker_here(system);
    struct act_waiter waiter = {.turns = worker == &system->loop,
                                .code = ACTANT_TIMEOUT,
                                .data = ret_message,
                                .max = ret_message ? message_max : 0};
    uint64_t ref;

    if (!may_wait(worker)) {
        return ACTANT_INVALID;
    }
    struct act_cell *cell = enter(system, &waiter, &ref);
    if (!cell) {
        return ACTANT_FULL;
    }
    act_mail_control(system, worker, of.v, ref, ACT_CONTROL_WATCH_START, 1, 0);
    wait(system, &waiter, timeout_ms);
    leave(system, &waiter, cell);
    if (waiter.code == ACTANT_FAILED) {
        if (ret_code) {
            *ret_code = waiter.error_code;
        }
        if (waiter.max > 0 && waiter.size > waiter.max) {
            ret_message[waiter.max - 1] = '\0';
        }
    }
    return waiter.code;
}
