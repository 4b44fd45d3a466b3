/* What an actor may do in its step, and what anybody may send. */
#include "engine/actor/send.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct actant_ref
actant_self(const struct actant_context *context)
{
    ACT_ASSERT(context->cell);
    return (struct actant_ref){atomic_load_explicit(&context->cell->ref, memory_order_relaxed)};
}

struct actant_system *
actant_context_system(const struct actant_context *context)
{
    return context->worker->system;
}

int64_t
actant_now_ns(const struct actant_context *context)
{
    struct actant_context *mine = &context->worker->context;

    if (!mine->now_known) {
        mine->now_ns = actant_system_now_ns(context->worker->system);
        mine->now_known = true;
    }
    return mine->now_ns;
}

int
actant_raise(struct actant_context *context, int code, const void *data, const char *format, ...)
{
    size_t size = data ? context->cell->actor->error_size : 0;
    va_list args;

    ACT_ASSERT(context->cell);
    if (size > context->raised.cap) {
        context->raised.data = act_realloc(context->raised.data, 1, size);
        context->raised.cap = size;
    }
    if (size > 0) {
        memcpy(context->raised.data, data, size);
    }
    context->raised.size = size;
    context->raised.code = code ? code : 1;
    va_start(args, format);
    vsnprintf(context->raised.message, sizeof(context->raised.message), format, args);
    va_end(args);
    context->raised.set = true;
    return context->raised.code;
}

void
actant_exit(struct actant_context *context)
{
    ACT_ASSERT(context->cell);
    context->cell->exiting = true;
}

void
act_actor_pause(struct actant_context *context)
{
    context->cell->paused = true;
}

void
act_actor_resume(struct actant_context *context)
{
    context->cell->paused = false;
}

/* ---- sending ----------------------------------------------------------------------------------- */

static uint8_t
lane_of(enum actant_priority priority)
{
    switch (priority) {
    case ACTANT_URGENT: return ACT_LANE_URGENT;
    case ACTANT_LAZY: return ACT_LANE_LAZY;
    case ACTANT_NORMAL: break;
    }
    return ACT_LANE_NORMAL;
}

/* The actor in whose step this thread is; 0: none. */
static uint64_t
stepping(const struct act_worker *worker)
{
    return worker && worker->context.cell
               ? atomic_load_explicit(&worker->context.cell->ref, memory_order_relaxed)
               : 0;
}

/* Not inline, so that who sends in the short way has no letter to make room for. */
static __attribute__((noinline)) enum actant_code
send_as(struct actant_system *system, struct act_worker *worker, struct actant_ref from,
        struct actant_ref to, uint32_t type, const void *data, size_t size,
        enum actant_priority priority)
{
    struct act_letter letter = {.to = to.v,
                                .from = from.v,
                                .type = type,
                                .lane = lane_of(priority),
                                .data = data,
                                .size = size};

    return act_mail_send(system, worker, &letter);
}

enum actant_code
act_actor_send_as(struct actant_system *system, struct actant_ref from, struct actant_ref to,
                  uint32_t type, const void *data, size_t size, enum actant_priority priority)
{
    return send_as(system, act_worker_here(system), from, to, type, data, size, priority);
}

enum actant_code
actant_tell(struct actant_system *system, struct actant_ref to, uint32_t type, const void *data,
            size_t size)
{
    struct act_worker *worker = act_worker_here(system);
    struct act_cell *cell = act_send_short(worker, to.v, type, data, size);

    if (cell) {
        act_send_to(worker, cell, to.v, stepping(worker), 0, type, ACT_LANE_NORMAL, 0, data, size);
        return ACTANT_OK;
    }
    return send_as(system, worker, (struct actant_ref){stepping(worker)}, to, type, data, size,
                   ACTANT_NORMAL);
}

enum actant_code
actant_send(struct actant_context *context, struct actant_ref to, uint32_t type, const void *data,
            size_t size, enum actant_priority priority)
{
    struct act_worker *worker = context->worker;
    struct act_cell *cell = act_send_short(worker, to.v, type, data, size);
    struct actant_ref from = actant_self(context);

    if (cell) {
        act_send_to(worker, cell, to.v, from.v, 0, type, lane_of(priority), 0, data, size);
        return ACTANT_OK;
    }
    return send_as(worker->system, worker, from, to, type, data, size, priority);
}

static enum actant_code
send_owned(struct actant_system *system, uint64_t from, struct actant_ref to, uint32_t type,
           void *data, size_t size, void (*destroy)(void *data), enum actant_priority priority)
{
    struct act_worker *worker = act_worker_here(system);
    struct act_letter letter = {.to = to.v,
                                .from = from,
                                .type = type,
                                .lane = lane_of(priority),
                                .flags = ACT_NODE_OWNED,
                                .data = data,
                                .size = size,
                                .owned = data,
                                .destroy = destroy};

    return act_mail_send(system, worker, &letter);
}

enum actant_code
actant_tell_owned(struct actant_system *system, struct actant_ref to, uint32_t type, void *data,
                  size_t size, void (*destroy)(void *data), enum actant_priority priority)
{
    return send_owned(system, stepping(act_worker_here(system)), to, type, data, size, destroy,
                      priority);
}

enum actant_code
act_actor_send_owned_as(struct actant_system *system, struct actant_ref from, struct actant_ref to,
                        uint32_t type, void *data, size_t size, void (*destroy)(void *data),
                        enum actant_priority priority)
{
    return send_owned(system, from.v, to, type, data, size, destroy, priority);
}

enum actant_code
act_actor_notify(struct actant_system *system, struct actant_ref from, struct actant_ref to,
                 uint32_t type, uint64_t tag, const void *data, size_t size)
{
    struct act_worker *worker = act_worker_here(system);
    struct act_node *node = act_mail_new(system, worker, size);

    ACT_ASSERT(type > ACTANT_TYPE_DOWN && type < ACTANT_TYPE_USER);
    node->to = to.v;
    node->from = from.v;
    node->type = type;
    node->serial = tag;
    node->lane = ACT_LANE_NORMAL;
    if (size > 0) {
        memcpy(node->as.bytes, data, size);
    }
    return act_mail_post(system, worker, node);
}

/* ---- forwarding -------------------------------------------------------------------------------- */

/* The step's message, to be sent again: as if it had not been taken. */
static struct act_node *
pass_on(struct actant_context *context)
{
    struct act_node *node = context->node;

    context->node = NULL;
    context->owes = false;
    return node;
}

static enum actant_code
forward(struct actant_context *context, struct actant_ref to, uint8_t flags, bool *ret_counted)
{
    struct act_worker *worker = context->worker;
    struct actant_system *system = worker->system;
    struct act_node *node = context->node;
    struct act_cell *cell = act_cell_of(system, to.v);
    bool dropped = false;

    if (!node || node->type < ACTANT_TYPE_USER) {
        return ACTANT_INVALID;
    }
    if (!cell || cell->home == ACT_HOME_WAITER) {
        return ACTANT_GONE;
    }
    if (!context->owes) {
        node->flags &= (uint8_t)~ACT_NODE_ASK; /* answered already, or to be later */
    }
    if (act_cell_mailbox_max(cell) != 0) {
        enum actant_code code = act_overflow_admit(system, worker, cell, to.v, &dropped);
        if (code != ACTANT_OK) {
            return code;
        }
        flags |= dropped ? 0 : ACT_NODE_COUNTED;
    }
    node = pass_on(context);
    act_mail_done(system, node);
    if (dropped) {
        act_mail_undeliverable(system, worker, node, ACTANT_FULL);
        return ACTANT_OK;
    }
    node->to = to.v;
    node->flags |= flags;
    *ret_counted = flags & ACT_NODE_TAKEN;
    return act_mail_post_to(system, worker, cell, node);
}

enum actant_code
actant_forward(struct actant_context *context, struct actant_ref to)
{
    bool counted;

    return forward(context, to, 0, &counted);
}

enum actant_code
act_actor_forward(struct actant_context *context, struct actant_ref to, bool *ret_counted)
{
    *ret_counted = false;
    return forward(context, to, ACT_NODE_TAKEN, ret_counted);
}

struct act_node *
act_actor_keep(struct actant_context *context)
{
    return pass_on(context);
}

enum actant_code
act_actor_forward_kept(struct actant_context *context, struct act_node *node, struct actant_ref to,
                       bool *ret_counted)
{
    struct act_node *own = context->node;
    bool owes = context->owes;

    context->node = node;
    context->owes = node->flags & ACT_NODE_ASK;
    *ret_counted = false;
    enum actant_code code = forward(context, to, ACT_NODE_TAKEN, ret_counted);
    context->node = own;
    context->owes = owes;
    return code;
}

struct actant_ref
act_actor_here(struct actant_system *system)
{
    return (struct actant_ref){stepping(act_worker_here(system))};
}

const struct act_hooks *
act_actor_hooks(const struct actant_context *context)
{
    return context->cell->rare ? context->cell->rare->hooks : NULL;
}

bool
act_actor_exists(struct actant_system *system, struct actant_ref ref)
{
    return act_cell_of(system, ref.v) != NULL;
}
