/* The run: creation, the ring of steps, and what the host may look at. */
#include "engine/core/run.h"

#include "engine/core/machine.h"

/* ---- what is read from the plan once ---- */

/* The mask has a bit for each attribute, and its last one is taken. */
#define ACT_ATTR(name, number, type) _Static_assert((number) < 63, "an attribute without a bit");
#include "dsl/plan_attrs.def"
#undef ACT_ATTR

static void
read_masks(struct act_run *run)
{
    const struct act_plan *plan = run->plan;
    run->masks = act_zalloc((size_t)plan->nodes.len + 1, sizeof(*run->masks));
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        const struct act_plan_node *node = &plan->nodes.ptr[i];
        for (uint32_t a = 0; a < node->attr_count; a++)
            run->masks[i] |= UINT64_C(1) << (plan->attrs.ptr[node->first_attr + a].key & 63);
        if (node->role == ACT_ROLE_UNDO && node->parent != ACT_NODE_NONE)
            run->masks[node->parent] |= ACT_MASK_UNDO;
    }
}

/* Upwards and through calls, until nothing changes. */
static void
spread_undo(struct act_run *run)
{
    const struct act_plan *plan = run->plan;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = plan->nodes.len; i-- > 0;) {
            uint32_t parent = plan->nodes.ptr[i].parent;
            const uint32_t *target =
                act_has(run, i, ACT_ATTR_TARGET) ? act_plan_attr(plan, i, ACT_ATTR_TARGET) : NULL;
            if (target != NULL && act_holds_undo(run, *target) && !act_holds_undo(run, i)) {
                run->masks[i] |= ACT_MASK_UNDO;
                changed = true;
            }
            if (parent != ACT_NODE_NONE && act_holds_undo(run, i) && !act_holds_undo(run, parent)) {
                run->masks[parent] |= ACT_MASK_UNDO;
                changed = true;
            }
        }
    }
}

/* Who needs whom, turned round. */
static void
read_dependents(struct act_run *run)
{
    const struct act_plan *plan = run->plan;
    uint32_t count = plan->nodes.len;
    run->dependents_at = act_zalloc((size_t)count + 2, sizeof(*run->dependents_at));
    run->dependents = act_zalloc((size_t)plan->needs.len + 1, sizeof(*run->dependents));
    for (uint32_t i = 0; i < plan->needs.len; i++)
        run->dependents_at[plan->needs.ptr[i].node + 2]++;
    for (uint32_t i = 2; i < count + 2; i++)
        run->dependents_at[i] += run->dependents_at[i - 1];
    for (uint32_t i = 0; i < count; i++) {
        const struct act_plan_node *node = &plan->nodes.ptr[i];
        for (uint32_t n = 0; n < node->need_count; n++) {
            uint32_t on = plan->needs.ptr[node->first_need + n].node;
            run->dependents[run->dependents_at[on + 1]++] = i;
        }
    }
}

struct act_run *
act_run_create(const struct act_plan *plan, struct act_value_loader *loader)
{
    struct act_run *run = act_zalloc(1, sizeof(*run));
    run->plan = plan;
    run->loader = loader;
    run->states = &act_state_table;
    run->root = ACT_SLOT_NONE;
    run->status = ACT_STATUS_PENDING;
    run->empty = act_value_map();
    run->patterns = act_pattern_cache_create();
    read_masks(run);
    spread_undo(run);
    read_dependents(run);
    return run;
}

void
act_run_destroy(struct act_run *run)
{
    if (run == NULL)
        return;
    act_slab_fini(&run->slab);
    act_mailboxes_fini(run);
    act_effects_fini(&run->past);
    act_value_release(run->start);
    act_value_release(run->env);
    act_value_release(run->params);
    act_value_release(run->empty);
    act_ledger_destroy(run->ledger);
    act_reuse_destroy(run->reuse);
    act_pattern_cache_destroy(run->patterns);
    act_arena_fini(&run->arena);
    act_vec_fini(&run->cancels);
    act_vec_fini(&run->doomed);
    act_vec_fini(&run->numbers);
    act_vec_fini(&run->stack);
    act_buf_fini(&run->scratch);
    act_free(run->masks);
    act_free(run->dependents_at);
    act_free(run->dependents);
    act_free(run->ring);
    act_free(run);
}

/* ---- steps ---- */

static void
grow_ring(struct act_run *run)
{
    uint32_t cap = run->ring_cap ? run->ring_cap * 2 : 64;
    struct act_work *ring = act_alloc((size_t)cap * sizeof(*ring));
    for (uint32_t i = 0; i < run->ring_len; i++)
        ring[i] = run->ring[(run->ring_head + i) & (run->ring_cap - 1)];
    act_free(run->ring);
    run->ring = ring;
    run->ring_cap = cap;
    run->ring_head = 0;
}

void
act_push(struct act_run *run, const struct act_instance *inst, enum act_step step)
{
    if (run->ring_len == run->ring_cap)
        grow_ring(run);
    uint32_t at = (run->ring_head + run->ring_len++) & (run->ring_cap - 1);
    run->ring[at] = (struct act_work){act_handle(inst), step};
}

static void
do_step(struct act_run *run, struct act_instance *inst, enum act_step step)
{
    run->step = step;
    switch (step) {
    case ACT_STEP_NONE: break;
    case ACT_STEP_BEGIN: act_step_enter(run, inst); break;
    case ACT_STEP_ATTEMPT: act_step_attempt(run, inst); break;
    case ACT_STEP_START: act_step_start(run, inst); break;
    case ACT_STEP_NEXT: act_loop_next(run, inst); break;
    case ACT_STEP_SETTLE: act_step_settle(run, inst); break;
    case ACT_STEP_CHILD: act_step_child(run, inst); break;
    case ACT_STEP_QUORUM: act_chord_quorum(run, inst); break;
    }
    run->step = ACT_STEP_NONE;
}

static bool
is_ended(enum act_status status)
{
    return status == ACT_STATUS_SUCCEEDED || status == ACT_STATUS_FAILED ||
           status == ACT_STATUS_CANCELLED;
}

bool
act_run_more(const struct act_run *run)
{
    return run->ring_len > 0 && !run->frozen && !run->gathering && !is_ended(run->status);
}

bool
act_run_one_step(struct act_run *run)
{
    if (!act_run_more(run))
        return false;
    struct act_work work = run->ring[run->ring_head];
    run->ring_head = (run->ring_head + 1) & (run->ring_cap - 1);
    run->ring_len--;
    run->steps++;
    struct act_instance *inst = act_slab_get(&run->slab, work.inst);
    if (inst != NULL)
        do_step(run, inst, work.step);
    return true;
}

void
act_run_steps(struct act_run *run, uint64_t until)
{
    while (run->steps < until && act_run_one_step(run))
        ;
}

/* ---- the end ---- */

void
act_run_finish(struct act_run *run)
{
    struct act_instance *root = act_at(run, run->root);
    struct act_event event = act_stamp(run, ACT_EVENT_RUN_ENDED, NULL);
    if (root->status == ACT_STATUS_CANCELLED && root->error == NULL)
        root->error = act_fault(run, root, ACT_CAUSE_CANCELLED, ACT_STR("the run was cancelled"));
    if (run->cancelled)
        run->status = ACT_STATUS_CANCELLED;
    else if (act_counts_as(root) == ACT_COUNT_FAILED)
        run->status = ACT_STATUS_FAILED;
    else
        run->status = ACT_STATUS_SUCCEEDED;
    event.status = run->status;
    event.cause = (enum act_cause)root->cause;
    event.number = run->tolerated;
    event.value = root->result;
    event.outputs = root->outputs;
    event.error = root->error;
    run->frozen = false;
    act_log(run, &event);
    act_emit(run, ACT_EFFECT_RUN_ENDED, NULL);
}

void
act_run_check_suspended(struct act_run *run)
{
    if (!run->frozen || run->in_flight > 0 || run->status == ACT_STATUS_SUSPENDED)
        return;
    run->status = ACT_STATUS_SUSPENDED;
    struct act_event event = act_stamp(run, ACT_EVENT_RUN_SUSPENDED, NULL);
    event.status = run->status;
    act_log(run, &event);
}

/* ---- looking ---- */

bool
act_run_is_suspending(const struct act_run *run)
{
    return run->frozen;
}

enum act_status
act_run_status(const struct act_run *run)
{
    return run->status;
}

void
act_run_outcome(const struct act_run *run, struct act_outcome *ret)
{
    *ret = (struct act_outcome){.status = run->status, .tolerated = run->tolerated};
    if (run->root == ACT_SLOT_NONE)
        return;
    const struct act_instance *root = act_at(run, run->root);
    ret->result = root->result;
    ret->outputs = root->outputs;
    ret->error = root->tolerated ? NULL : root->error;
}

enum act_err
act_run_task(const struct act_run *run, act_inst handle, const struct act_task **ret,
             struct act_error *err)
{
    const struct act_instance *inst = act_slab_get(&run->slab, handle);
    const struct act_task *task = inst != NULL ? act_taskbox_task(inst->task) : NULL;
    if (task == NULL)
        return act_error_set(err, ACT_ERR_INVALID, "this attempt has ended");
    *ret = task;
    return ACT_OK;
}

bool
act_run_is_stopping(const struct act_run *run, act_inst handle)
{
    const struct act_instance *inst = act_slab_get(&run->slab, handle);
    return inst != NULL && inst->state == ACT_STATE_STOPPING;
}

void
act_run_secret_nonce(const struct act_run *run, char ret[33])
{
    memcpy(ret, run->nonce, 33);
}

uint64_t
act_run_next_seq(const struct act_run *run)
{
    return run->seq + 1;
}

int64_t
act_run_last_ns(const struct act_run *run)
{
    return run->now_ns;
}

void
act_run_set_trace(struct act_run *run, const struct act_trace *trace)
{
    run->trace = trace;
}
