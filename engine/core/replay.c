/* Replay: the same facts, the same records; and what is owed after it. */
#include "base/wire.h"
#include "engine/core/machine.h"

#include <stdlib.h>

static enum act_err
differs(struct act_error *err, uint64_t seq, const char *what)
{
    act_error_set(err, ACT_ERR_CORRUPT, "the log cannot be replayed: event %llu: %s",
                  (unsigned long long)seq, what);
    act_error_hint(err, "the run was stopped; its log is kept as it is");
    return ACT_ERR_CORRUPT;
}

/* The first event made since the last comparison. */
static struct act_str
made_next(const struct act_run *run, size_t checked)
{
    struct act_str rest = act_str_n(run->past.log.ptr + checked, run->past.log.len - checked);
    struct act_wire_reader r = {.rest = rest};
    act_wire_read_bytes(&r);
    return act_str_n(rest.ptr, rest.len - r.rest.len);
}

/* Byte for byte, or else without fields that this version does not know. */
static bool
is_same(struct act_str made, struct act_str logged, const struct act_event *event)
{
    if (act_str_eq(made, logged))
        return true;
    struct act_buf again = {0};
    act_event_encode(&again, event);
    bool same = act_str_eq(made, act_buf_str(&again));
    act_buf_fini(&again);
    return same;
}

static enum act_err
replay_fact(struct act_run *run, const struct act_event *event, size_t checked,
            struct act_error *err)
{
    while (run->steps < event->steps) {
        if (!act_run_one_step(run))
            return differs(err, event->seq, "the machine has less to do than it had");
    }
    if (run->past.log.len != checked)
        return differs(err, event->seq, "the machine derives a verdict that is not in the log");
    struct act_fact fact = {.event = *event};
    bool whole = event->type == ACT_EVENT_REUSED ||
                 (event->key.count == 0 && event->key.node == 0 && event->attempt == 0);
    if (!whole) {
        fact.inst = act_run_find(run, event->key);
        if (fact.inst == ACT_INST_NONE)
            return differs(err, event->seq, "its instance is not there");
    }
    struct act_error why = {0};
    if (act_run_fact(run, &fact, &why) != ACT_OK)
        return differs(err, event->seq, why.message);
    return ACT_OK;
}

static enum act_err
replay_one(struct act_run *run, struct act_str bytes, const struct act_event *event,
           size_t *checked, struct act_error *err)
{
    if (event->seq != run->seq + (run->past.log.len == *checked) &&
        act_event_class(event->type) != ACT_CLASS_RECORD)
        return differs(err, event->seq, "an event before it is missing");
    if (act_event_class(event->type) != ACT_CLASS_RECORD) {
        enum act_err code = replay_fact(run, event, *checked, err);
        if (code != ACT_OK)
            return code;
    }
    while (run->past.log.len == *checked) {
        if (!act_run_one_step(run))
            return differs(err, event->seq, "the machine does not derive this verdict");
    }
    struct act_str made = made_next(run, *checked);
    if (!is_same(made, bytes, event))
        return differs(err, event->seq, "the machine derives something else");
    *checked += made.len;
    return ACT_OK;
}

enum act_err
act_run_replay(struct act_run *run, struct act_str batch, struct act_error *err)
{
    struct act_arena arena = {0};
    enum act_err code = ACT_OK;
    size_t checked = 0;
    run->replaying = run->replayed = run->muted = true;
    run->effects = &run->past;
    while (batch.len > 0 && code == ACT_OK) {
        struct act_str before = batch;
        struct act_event event;
        code = act_event_decode(&batch, &arena, run->loader, &event, err);
        if (code != ACT_OK)
            break;
        code =
            replay_one(run, act_str_n(before.ptr, before.len - batch.len), &event, &checked, err);
        act_event_fini(&event);
    }
    if (code == ACT_OK && run->past.log.len != checked)
        code = differs(err, run->seq, "the machine derives a verdict that is not in the log");
    act_effects_clear(&run->past);
    act_arena_fini(&arena);
    run->effects = NULL;
    run->replaying = false;
    return code;
}

/* ---- what is owed ---- */

struct owed {
    uint64_t order;
    const struct act_instance *inst;
};
struct owed_list {
    struct owed *ptr;
    uint32_t len, cap;
};

static int
by_order(const void *a, const void *b)
{
    const struct owed *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void
gather(const struct act_run *run,
       bool (*wanted)(const struct act_run *, const struct act_instance *), struct owed_list *ret)
{
    for (uint32_t slot = 0; slot < run->slab.used; slot++) {
        const struct act_instance *inst = &run->slab.chunks[slot / 256][slot % 256];
        if (inst->generation == 0 || !wanted(run, inst))
            continue;
        struct owed one = {inst->order, inst};
        act_vec_push(ret, one);
    }
    if (ret->len > 1)
        qsort(ret->ptr, ret->len, sizeof(*ret->ptr), by_order);
}

static bool
is_ready(const struct act_run *run, const struct act_instance *inst)
{
    (void)run;
    return inst->state == ACT_STATE_READY;
}

static bool
is_live(const struct act_run *run, const struct act_instance *inst)
{
    (void)run;
    return inst->state != ACT_STATE_DONE;
}

static bool
is_in_flight(const struct act_run *run, const struct act_instance *inst)
{
    return inst->state == ACT_STATE_ACTIVE ||
           (inst->state == ACT_STATE_STOPPING && act_kind_is_task(act_kind_of(run, inst)));
}

static void
owe(struct act_run *run, const struct act_instance *inst, int64_t now_ns)
{
    if (inst->holds)
        act_emit_limits(run, inst, inst->state != ACT_STATE_LIMITED);
    if (inst->park_timer != 0)
        act_emit_park_timer(run, inst, now_ns);
    if (inst->timeout_timer != 0) {
        int64_t left = (inst->deadline_ns - now_ns) / 1000000;
        act_emit_timer(run, inst, inst->timeout_timer, -1, left > 0 ? left : 0);
    }
    if (inst->asking != ACT_STEP_NONE)
        act_emit_question(run, inst);
    if (inst->undo_for != ACT_SLOT_NONE)
        act_cache_forget(run, act_parent(run, inst), act_at(run, inst->undo_for));
}

static void
owe_all(struct act_run *run, int64_t now_ns)
{
    struct owed_list ready = {0}, live = {0};
    gather(run, is_live, &live);
    for (uint32_t i = 0; i < live.len; i++)
        owe(run, live.ptr[i].inst, now_ns);
    gather(run, is_ready, &ready);
    for (uint32_t i = 0; i < ready.len; i++)
        act_emit(run, ACT_EFFECT_READY, ready.ptr[i].inst);
    act_vec_fini(&ready);
    act_vec_fini(&live);
}

void
act_run_reissue(struct act_run *run, struct act_effects *effects)
{
    run->muted = run->replayed = false;
    run->effects = effects;
    owe_all(run, run->now_ns);
    run->effects = NULL;
}

static void
owe_stops(struct act_run *run)
{
    struct owed_list list = {0};
    gather(run, is_in_flight, &list);
    for (uint32_t i = 0; i < list.len; i++) {
        const struct act_instance *inst = list.ptr[i].inst;
        if (inst->state == ACT_STATE_STOPPING || run->frozen)
            act_emit(run, ACT_EFFECT_STOP, inst)->delay_ms = inst->grace_ms;
    }
    act_vec_fini(&list);
}

void
act_run_owed(struct act_run *run, int64_t now_ns, struct act_effects *effects)
{
    run->replayed = false;
    run->muted = run->frozen;
    run->effects = effects;
    owe_stops(run);
    if (!run->frozen)
        owe_all(run, now_ns);
    run->effects = NULL;
}

void
act_run_inflight(const struct act_run *run,
                 void (*fn)(void *self, act_inst inst, const struct act_task *task), void *self)
{
    struct owed_list list = {0};
    ACT_VEC(act_inst) handles = {0};
    gather(run, is_in_flight, &list);
    for (uint32_t i = 0; i < list.len; i++)
        act_vec_push(&handles, act_handle(list.ptr[i].inst));
    act_vec_fini(&list);
    for (uint32_t i = 0; i < handles.len; i++) {
        const struct act_task *task = NULL;
        if (act_run_task(run, handles.ptr[i], &task, NULL) == ACT_OK)
            fn(self, handles.ptr[i], task);
    }
    act_vec_fini(&handles);
}
