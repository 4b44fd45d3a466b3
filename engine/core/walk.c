/* Looking at a run from outside: the tree of instances, and a hash of the whole state. */
#include "engine/core/machine.h"

static void
members_of(const struct act_instance *inst, uint32_t *ret_done, uint32_t *ret_total)
{
    const struct act_inside *in = inst->inside;
    *ret_done = *ret_total = 0;
    if (in == NULL)
        return;
    *ret_total = in->total;
    *ret_done = in->succeeded + in->failed + in->tolerated + in->skipped;
}

static void
view_of(const struct act_run *run, const struct act_instance *inst, struct act_inst_view *view)
{
    enum act_kind kind = act_kind_of(run, inst);
    const struct act_instance *parent = act_parent(run, inst);
    *view = (struct act_inst_view){.inst = act_handle(inst),
                                   .parent = parent != NULL ? act_handle(parent) : ACT_INST_NONE,
                                   .node = inst->node,
                                   .depth = inst->depth,
                                   .attempt = inst->attempt,
                                   .status = act_instance_status(inst),
                                   .cause = (enum act_cause)inst->cause,
                                   .started_ms = inst->started_ms,
                                   .started_ns = inst->started_ns,
                                   .ended_ns = inst->ended_ns};
    members_of(inst, &view->done, &view->total);
    if (kind == ACT_KIND_CHAIN && inst->inside != NULL)
        view->done = inst->inside->next - (inst->inside->live > 0);
    if (kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL) {
        view->done = inst->inside != NULL ? inst->inside->next : 0;
        view->total = UINT32_MAX;
    }
}

static void
push_inside(const struct act_run *run, const struct act_instance *inst,
            struct act_inst_stack *stack)
{
    if (inst->undo != ACT_SLOT_NONE)
        act_vec_push(stack, inst->undo);
    const struct act_inside *in = inst->inside;
    for (uint32_t i = in != NULL ? in->total : 0; i-- > 0;) {
        if (in->children[i] != ACT_SLOT_NONE)
            act_vec_push(stack, act_at(run, in->children[i])->slot);
    }
}

/* The key is made in the run's scratch, which is no part of its state. */
void
act_run_walk(const struct act_run *run, bool (*fn)(void *self, const struct act_inst_view *view),
             void *self)
{
    struct act_inst_stack stack = {0};
    struct act_inst_view view;
    union {
        const struct act_run *fixed;
        struct act_run *scratch;
    } both = {.fixed = run};
    if (run->root != ACT_SLOT_NONE)
        act_vec_push(&stack, run->root);
    while (stack.len > 0) {
        const struct act_instance *inst = act_at(run, act_vec_pop(&stack));
        view_of(run, inst, &view);
        view.key = act_key_of(both.scratch, inst);
        if (fn(self, &view))
            push_inside(run, inst, &stack);
    }
    act_vec_fini(&stack);
}

/* ---- hash ---- */

static uint64_t
mix(uint64_t h, uint64_t v)
{
    h ^= v + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2);
    return h * UINT64_C(0xff51afd7ed558ccd);
}

static uint64_t
mix_value(uint64_t h, const struct act_value *v, struct act_buf *scratch)
{
    if (v == NULL)
        return mix(h, 0);
    act_buf_clear(scratch);
    act_value_encode(scratch, v);
    return mix(h, act_str_hash(act_buf_str(scratch)));
}

static uint64_t
mix_inside(uint64_t h, const struct act_inside *in, struct act_buf *scratch)
{
    const uint32_t numbers[] = {in->total,     in->live,       in->next,        in->quorum,
                                in->succeeded, in->failed,     in->skipped,     in->tolerated,
                                in->queue.len, in->queue_head, in->targets.len, in->reached};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        h = mix(h, numbers[i]);
    for (uint32_t i = 0; i < in->total; i++)
        h = mix(h, in->children[i]);
    h = mix_value(h, in->current, scratch);
    return mix_value(h, in->items, scratch);
}

static uint64_t
mix_instance(uint64_t h, const struct act_instance *inst, struct act_buf *scratch)
{
    const uint64_t numbers[] = {inst->slot,          inst->generation,  inst->node,
                                inst->parent,        inst->number,      inst->state,
                                inst->status,        inst->cause,       inst->asking,
                                inst->decided,       inst->stopped,     inst->attempt,
                                inst->floor,         inst->most_inside, inst->begun,
                                inst->tries,         inst->timers,      inst->park_timer,
                                inst->timeout_timer, inst->order,       (uint64_t)inst->due_ms,
                                inst->holds,         inst->undone,      (uint64_t)inst->priority,
                                inst->seen};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        h = mix(h, numbers[i]);
    const struct act_value *values[] = {inst->input,  inst->result,  inst->outputs,
                                        inst->error,  inst->env,     inst->dir,
                                        inst->params, inst->answers, inst->artifacts};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        h = mix_value(h, values[i], scratch);
    return inst->inside != NULL ? mix_inside(h, inst->inside, scratch) : h;
}

uint64_t
act_run_state_hash(const struct act_run *run)
{
    struct act_buf scratch = {0};
    uint64_t h = mix(run->steps, run->seq);
    h = mix(h, (uint64_t)run->status * 4 + run->cancelled * 2u + run->frozen);
    h = mix(h, run->order);
    h = mix(h, (uint64_t)run->now_ms);
    h = mix(h, run->in_flight);
    h = mix(h, run->tolerated);
    for (uint32_t i = 0; i < run->ring_len; i++) {
        struct act_work work = run->ring[(run->ring_head + i) & (run->ring_cap - 1)];
        h = mix(mix(h, work.inst), (uint64_t)work.step);
    }
    for (uint32_t slot = 0; slot < run->slab.used; slot++) {
        const struct act_instance *inst = &run->slab.chunks[slot / 256][slot % 256];
        if (inst->generation != 0)
            h = mix_instance(h, inst, &scratch);
    }
    for (uint32_t i = 0; i < run->boxes.len; i++) {
        const struct act_mailbox *box = &run->boxes.ptr[i];
        for (uint32_t k = box->kept_head; k < box->kept.len; k++)
            h = mix_value(h, box->kept.ptr[k], &scratch);
    }
    act_buf_fini(&scratch);
    return h;
}
