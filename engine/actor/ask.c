/* Ask and answer between actors. */
#include "engine/actor/pending.h"
#include "engine/actor/send.h"

#include "base/alloc.h"

#include <string.h>

static uint64_t
own_ref(const struct actant_context *context)
{
    return atomic_load_explicit(&context->cell->ref, memory_order_relaxed);
}

void
actant_ask(struct actant_context *context, struct actant_ref to, uint32_t type, const void *data,
           size_t size, int64_t timeout_ms, uint64_t tag)
{
    struct act_worker *worker = context->worker;
    uint64_t serial =
        act_pending_open(worker, context->cell, ACT_SLOT_ASK, tag, act_pending_ns(timeout_ms), 0);
    struct act_cell *cell = act_send_short(worker, to.v, type, data, size);

    if (cell) {
        act_send_to(worker, cell, to.v, own_ref(context), serial, type, ACT_LANE_NORMAL,
                    ACT_NODE_ASK, data, size);
        return;
    }
    struct act_letter letter = {
        .to = to.v,
        .from = own_ref(context),
        .serial = serial,
        .type = type,
        .data = data,
        .size = size,
        .lane = ACT_LANE_NORMAL,
        .flags = ACT_NODE_ASK,
    };
    enum actant_code code = act_mail_send(worker->system, worker, &letter);
    /* GONE is answered by whoever finds it out: at once here, or where the message is taken in. */
    if (code != ACTANT_OK) {
        act_mail_reply(worker->system, worker, own_ref(context), serial, code, NULL, 0);
    }
}

void
actant_watch_start(struct actant_context *context, struct actant_ref ref, uint64_t tag)
{
    uint64_t serial = act_pending_open(context->worker, context->cell, ACT_SLOT_ASK, tag, -1, 0);

    act_mail_control(context->worker->system, context->worker, ref.v, own_ref(context),
                     ACT_CONTROL_WATCH_START, serial, 0);
}

void
actant_reply(struct actant_context *context, const void *data, size_t size)
{
    if (!context->owes) {
        return;
    }
    context->owes = false;
    act_mail_reply(context->worker->system, context->worker, context->node->from,
                   context->node->serial, ACTANT_OK, data, size);
}

/* ---- answers that come later --------------------------------------------------------------------- */

struct actant_reply_handle
actant_reply_later(struct actant_context *context)
{
    struct act_rare *rare = act_cell_rare(context->worker, context->cell);

    if (!context->owes) {
        return (struct actant_reply_handle){.to = ACTANT_NOBODY};
    }
    context->owes = false;
    struct act_waiting waiting = {context->node->from, context->node->serial};
    uint32_t at = rare->kept_free;
    if (at != 0) {
        rare->kept_free = (uint32_t)rare->kept.ptr[at - 1].serial;
        rare->kept.ptr[at - 1] = waiting;
    } else {
        act_vec_push(&rare->kept, waiting);
        at = rare->kept.len;
    }
    return (struct actant_reply_handle){
        .to = {waiting.ref},
        .by = {own_ref(context)},
        .serial = waiting.serial,
        .place = at,
    };
}

/* False: it has been answered. */
static bool
forget(struct act_cell *cell, uint64_t to, uint64_t serial, uint32_t place)
{
    struct act_rare *rare = cell->rare;

    if (!rare || place == 0 || place > rare->kept.len) {
        return false;
    }
    struct act_waiting *waiting = &rare->kept.ptr[place - 1];
    if (waiting->ref != to || waiting->serial != serial) {
        return false;
    }
    *waiting = (struct act_waiting){0, rare->kept_free};
    rare->kept_free = place;
    return true;
}

void
actant_reply_to(struct actant_context *context, struct actant_reply_handle handle,
                enum actant_code code, const void *data, size_t size)
{
    struct act_worker *worker = context->worker;

    if (handle.by.v == own_ref(context)) {
        if (!forget(context->cell, handle.to.v, handle.serial, handle.place)) {
            return;
        }
    } else {
        /* The asker takes one answer for a serial and drops the others. */
        struct act_node *node = act_mail_new(worker->system, worker, sizeof(handle));
        memcpy(node->as.bytes, &handle, sizeof(handle));
        node->to = handle.by.v;
        node->type = ACT_CONTROL_FORGET;
        node->flags |= ACT_NODE_CONTROL;
        act_mail_post(worker->system, worker, node);
    }
    act_mail_reply(worker->system, worker, handle.to.v, handle.serial, code, data, size);
}

void
act_ask_forget(struct act_cell *cell, struct act_node *node)
{
    struct actant_reply_handle handle;

    memcpy(&handle, act_node_data(node), sizeof(handle));
    forget(cell, handle.to.v, handle.serial, handle.place);
}

void
act_ask_abandon(struct act_worker *worker, struct act_cell *cell)
{
    struct act_rare *rare = cell->rare;

    for (uint32_t i = 0; i < rare->kept.len; i++) {
        if (rare->kept.ptr[i].ref != 0) {
            act_mail_reply(worker->system, worker, rare->kept.ptr[i].ref, rare->kept.ptr[i].serial,
                           ACTANT_GONE, NULL, 0);
        }
    }
    act_vec_fini(&rare->kept);
    rare->kept_free = 0;
}
