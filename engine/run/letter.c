#include "engine/run/letter.h"

#include "base/alloc.h"
#include "base/wire.h"

/* ---- writing ---- */

static void
put_id(struct act_buf *out, struct act_attempt_id id)
{
    act_wire_u64(out, id.inst);
    act_wire_u64(out, id.number);
}

/* Its length first; 0: there is none. */
static void
put_value(struct act_buf *out, const struct act_value *v)
{
    struct act_buf bytes = {0};
    if (v)
        act_value_encode(&bytes, v);
    act_wire_bytes(out, act_buf_str(&bytes));
    act_buf_fini(&bytes);
}

void
act_letter_order(struct act_buf *out, const struct act_order *order)
{
    const struct act_task *task = &order->task;
    put_id(out, order->id);
    act_wire_u64(out, task->node);
    act_wire_u64(out, (uint64_t)task->kind);
    act_wire_u64(out, (uint64_t)task->output);
    act_wire_u64(out, (uint64_t)task->isolation);
    act_wire_u64(out, task->idempotent);
    act_wire_u64(out, task->args_entered);
    act_wire_i64(out, task->grace_ms);
    act_wire_u64(out, task->actor_version);
    const struct act_str texts[] = {task->path,       task->id,
                                    task->name,       task->script,
                                    task->dir,        task->idempotency_key,
                                    task->attempt_id, act_str(order->nonce)};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        act_wire_bytes(out, texts[i]);
    const struct act_value *values[ACT_ORDER_VALUES];
    act_order_values(task, values);
    for (size_t i = 0; i < ACT_ORDER_VALUES; i++)
        put_value(out, values[i]);
}

void
act_letter_stop(struct act_buf *out, const struct act_stop *stop)
{
    put_id(out, stop->id);
    act_wire_i64(out, stop->grace_ms);
}

void
act_letter_ids(struct act_buf *out, const struct act_attempt_id *ids, size_t count)
{
    act_wire_u64(out, count);
    for (size_t i = 0; i < count; i++)
        put_id(out, ids[i]);
}

void
act_letter_known(struct act_buf *out, const struct act_known *known, size_t count)
{
    act_wire_u64(out, count);
    for (size_t i = 0; i < count; i++) {
        put_id(out, known[i].id);
        act_wire_u64(out, known[i].ended);
    }
}

void
act_letter_started(struct act_buf *out, const struct act_started *started)
{
    put_id(out, started->id);
    act_wire_i64(out, started->pid);
}

void
act_letter_followed(struct act_buf *out, const struct act_followed *followed)
{
    put_id(out, followed->id);
    act_wire_bytes(out, followed->out.file);
    act_wire_u64(out, followed->out.offset);
    act_wire_u64(out, followed->out.length);
    act_wire_bytes(out, followed->order);
}

void
act_letter_end(struct act_buf *out, const struct act_end *end)
{
    struct act_event event = end->event;
    bool same = end->have_output && end->output.ptr == event.out.bytes.ptr &&
                end->output.len == event.out.bytes.len;
    event.type = ACT_EVENT_ENDED;
    put_id(out, end->id);
    act_event_encode(out, &event);
    act_wire_u64(out, end->have_output);
    act_wire_u64(out, same);
    act_wire_bytes(out, end->have_output && !same ? end->output : ACT_STR(""));
    put_value(out, event.actor_state);
}

/* ---- reading ---- */

static enum act_err
damaged(struct act_error *err)
{
    return act_error_set(err, ACT_ERR_CORRUPT,
                         "what coordinator and keeper say to each other cannot be read");
}

/* All of it was read, and nothing was missing. */
static enum act_err
whole(const struct act_wire_reader *r, struct act_error *err)
{
    return r->failed || r->rest.len > 0 ? damaged(err) : ACT_OK;
}

static struct act_attempt_id
get_id(struct act_wire_reader *r)
{
    struct act_attempt_id id = {.inst = act_wire_read_u64(r)};
    id.number = act_wire_read_u32(r);
    return id;
}

static struct act_value *
get_value(struct act_wire_reader *r, struct act_value_loader *loader)
{
    struct act_str bytes = act_wire_read_bytes(r);
    struct act_value *v = NULL;
    if (bytes.len > 0 && (act_value_decode(&bytes, loader, &v, NULL) != ACT_OK || bytes.len > 0))
        r->failed = true;
    return v;
}

struct order_head {
    struct act_attempt_id id;
    struct act_task task;
    struct act_str nonce;
};

static void
get_head(struct act_wire_reader *r, struct order_head *head)
{
    struct act_task *task = &head->task;
    head->id = get_id(r);
    task->attempt = head->id.number;
    task->node = act_wire_read_u32(r);
    task->kind = (enum act_kind)act_wire_read_u32(r);
    task->output = (enum act_output)act_wire_read_u32(r);
    task->isolation = (enum act_isolation)act_wire_read_u32(r);
    task->idempotent = act_wire_read_u32(r) != 0;
    task->args_entered = act_wire_read_u32(r) != 0;
    task->grace_ms = act_wire_read_i64(r);
    task->actor_version = act_wire_read_u64(r);
    struct act_str *texts[] = {&task->path,       &task->id,   &task->name,
                               &task->script,     &task->dir,  &task->idempotency_key,
                               &task->attempt_id, &head->nonce};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = act_wire_read_bytes(r);
}

enum act_err
act_letter_read_order(struct act_str bytes, const struct act_plan *plan,
                      struct act_value_loader *loader, struct act_order **ret,
                      struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    struct order_head head = {0};
    struct act_value *values[ACT_ORDER_VALUES] = {0};
    get_head(&r, &head);
    for (size_t i = 0; i < ACT_ORDER_VALUES; i++)
        values[i] = get_value(&r, loader);
    bool fits = head.task.node < plan->nodes.len &&
                plan->nodes.ptr[head.task.node].kind == (uint8_t)head.task.kind &&
                head.nonce.len == sizeof((*ret)->nonce) - 1;
    if (fits && head.task.kind == ACT_KIND_CALL)
        fits = act_plan_actor(plan, head.task.node, &head.task.actor);
    enum act_err code = fits ? whole(&r, err) : damaged(err);
    if (code == ACT_OK) {
        act_order_set_values(&head.task, values);
        *ret = act_order_copy(head.id, &head.task, head.nonce.ptr);
    }
    for (size_t i = 0; i < ACT_ORDER_VALUES; i++)
        act_value_release(values[i]);
    return code;
}

enum act_err
act_letter_read_stop(struct act_str bytes, struct act_stop *ret, struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    struct act_stop stop = {.id = get_id(&r)};
    stop.grace_ms = act_wire_read_i64(&r);
    enum act_err code = whole(&r, err);
    if (code == ACT_OK)
        *ret = stop;
    return code;
}

enum act_err
act_letter_read_ids(struct act_str bytes, struct act_letter_ids *ret, struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    uint64_t count = act_wire_read_u64(&r);
    for (uint64_t i = 0; i < count && !r.failed; i++) {
        struct act_attempt_id id = get_id(&r);
        act_vec_push(ret, id);
    }
    return whole(&r, err);
}

enum act_err
act_letter_read_known(struct act_str bytes, struct act_letter_known *ret, struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    uint64_t count = act_wire_read_u64(&r);
    for (uint64_t i = 0; i < count && !r.failed; i++) {
        struct act_known known = {.id = get_id(&r)};
        known.ended = act_wire_read_u64(&r) != 0;
        act_vec_push(ret, known);
    }
    return whole(&r, err);
}

enum act_err
act_letter_read_started(struct act_str bytes, struct act_started *ret, struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    struct act_started started = {.id = get_id(&r)};
    started.pid = (int)act_wire_read_i64(&r);
    enum act_err code = whole(&r, err);
    if (code == ACT_OK)
        *ret = started;
    return code;
}

enum act_err
act_letter_read_followed(struct act_str bytes, struct act_followed **ret, struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    struct act_attempt_id id = get_id(&r);
    struct act_str file = act_wire_read_bytes(&r);
    struct act_blob out = {.offset = act_wire_read_u64(&r)};
    out.length = act_wire_read_u64(&r);
    struct act_str order = act_wire_read_bytes(&r);
    enum act_err code = whole(&r, err);
    if (code != ACT_OK)
        return code;
    struct act_followed *followed = act_alloc(sizeof(*followed) + file.len + order.len);
    memcpy(followed->bytes, order.ptr, order.len);
    memcpy(followed->bytes + order.len, file.ptr, file.len);
    followed->id = id;
    followed->out = out;
    followed->out.file = act_str_n(followed->bytes + order.len, file.len);
    followed->order = act_str_n(followed->bytes, order.len);
    *ret = followed;
    return ACT_OK;
}

enum act_err
act_letter_read_end(struct act_str bytes, struct act_value_loader *loader, struct act_end **ret,
                    struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    struct act_arena arena = {0};
    struct act_event event = {0};
    struct act_attempt_id id = get_id(&r);
    enum act_err code = r.failed ? damaged(err) : ACT_OK;
    if (code == ACT_OK)
        code = act_event_decode(&r.rest, &arena, loader, &event, err);
    if (code == ACT_OK) {
        bool have_output = act_wire_read_u64(&r) != 0, same = act_wire_read_u64(&r) != 0;
        struct act_str output = act_wire_read_bytes(&r);
        event.actor_state = get_value(&r, loader);
        code = event.type == ACT_EVENT_ENDED ? whole(&r, err) : damaged(err);
        if (code == ACT_OK)
            *ret = act_end_create(id, &event, have_output, same ? event.out.bytes : output);
        act_value_release(event.actor_state);
    }
    act_event_fini(&event);
    act_arena_fini(&arena);
    return code;
}
