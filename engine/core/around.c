/* Around one node: guard, delay, limits, the beginning of an attempt. */
#include "engine/core/machine.h"

#define GRACE_MS 10000
#define FINALLY_TIMEOUT_MS 300000
#define CALLS_MAX 1000

void
act_unpark(struct act_run *run, struct act_instance *inst, bool clear)
{
    if (inst->park_timer != 0 && clear) {
        struct act_effect *effect = act_emit(run, ACT_EFFECT_CLEAR_TIMER, inst);
        if (effect != NULL)
            effect->number = inst->park_timer;
    }
    inst->park_timer = 0;
    inst->due_ms = -1;
}

/* The instant after `delay` and `at`; 0 if there is neither. */
static bool
due_of(struct act_run *run, struct act_instance *inst, int64_t *ret)
{
    int64_t due = 0, delay = 0, at = 0;
    struct act_error err = {0};
    struct act_value *text = NULL;
    if (!act_eval_duration(run, inst, ACT_ATTR_DELAY, 0, &delay) ||
        !act_eval(run, inst, ACT_ATTR_AT, &text))
        return false;
    if (delay > 0)
        due = run->now_ms + delay;
    if (text != NULL) {
        struct act_buf bytes = {0};
        act_value_text(&bytes, text);
        act_value_release(text);
        bool ok = act_instant_parse(act_buf_str(&bytes), &at, &err) == ACT_OK;
        act_buf_fini(&bytes);
        if (!ok) {
            act_fail_at(run, inst, ACT_ATTR_AT, &err);
            return false;
        }
        due = at > due ? at : due;
    }
    *ret = due;
    return true;
}

void
act_step_enter(struct act_run *run, struct act_instance *inst)
{
    struct act_value *guard = NULL;
    int64_t due;
    if (inst->state != ACT_STATE_PENDING || inst->decided)
        return;
    if (run->ledger != NULL)
        act_ledger_begun(run, inst);
    if (run->reuse != NULL && act_reuse_meets(run, inst))
        return;
    if (!act_eval(run, inst, ACT_ATTR_GUARD, &guard))
        return;
    bool passed = guard == NULL || act_expr_truthy(guard);
    act_value_release(guard);
    if (!passed) {
        act_skip(run, inst, ACT_CAUSE_GUARD);
        return;
    }
    if (!due_of(run, inst, &due))
        return;
    if (due > run->now_ms) {
        inst->due_ms = due;
        act_instance_move(run, inst, ACT_MOVE_DELAY);
        return;
    }
    act_step_attempt(run, inst);
}

void
act_step_attempt(struct act_run *run, struct act_instance *inst)
{
    if (inst->decided)
        return;
    const struct act_value *limits = NULL;
    if (act_has(run, inst->node, ACT_ATTR_LIMITS))
        limits = act_plan_literal(run->plan, inst->node, ACT_ATTR_LIMITS);
    bool any = limits != NULL && act_value_len(limits) > 0;
    act_instance_move(run, inst, any ? ACT_MOVE_LIMIT : ACT_MOVE_START);
}

void
act_arm_timeout(struct act_run *run, struct act_instance *inst)
{
    if (inst->timeout_ms <= 0)
        return;
    inst->timeout_timer = ++inst->timers;
    inst->deadline_ns = run->now_ns + inst->timeout_ms * 1000000;
    act_emit_timer(run, inst, inst->timeout_timer, -1, inst->timeout_ms);
}

static bool
read_times(struct act_run *run, struct act_instance *inst)
{
    bool last = act_role_of(run, inst) == ACT_ROLE_FINALLY;
    inst->timeout_ms = 0;
    if (act_kind_of(run, inst) != ACT_KIND_WAIT &&
        !act_eval_duration(run, inst, ACT_ATTR_TIMEOUT, last ? FINALLY_TIMEOUT_MS : 0,
                           &inst->timeout_ms))
        return false;
    return act_eval_duration(run, inst, ACT_ATTR_GRACE, GRACE_MS, &inst->grace_ms);
}

static bool
may_start(struct act_run *run, struct act_instance *inst)
{
    if (act_has(run, inst->node, ACT_ATTR_UNSUPPORTED)) {
        struct act_str what =
            act_plan_text(run->plan, *act_plan_attr(run->plan, inst->node, ACT_ATTR_UNSUPPORTED));
        act_fail(run, inst, ACT_CAUSE_FAIL, "not supported yet: %.*s", ACT_STR_ARG(what));
        return false;
    }
    if (inst->calls > CALLS_MAX) {
        act_fail(run, inst, ACT_CAUSE_MAX, "tasks and workflows call each other more than %d deep",
                 CALLS_MAX);
        return false;
    }
    return true;
}

/* What every attempt does before its kind's own beginning; once, also if a question interrupts. */
static bool
open_attempt(struct act_run *run, struct act_instance *inst)
{
    enum act_kind kind = act_kind_of(run, inst);
    if (inst->opened)
        return true;
    bool asked = inst->answers != NULL; /* by this attempt, and nothing was made in it yet */
    if (!inst->reopening && !asked)
        act_children_clear(run, inst);
    inst->own_output = inst->outputs_read = inst->finally_begun = false;
    inst->cache_read = inst->caches = inst->secretive = false;
    inst->exit_code = -1;
    inst->signal = 0;
    if (!may_start(run, inst) || !act_inherit(run, inst) || !read_times(run, inst))
        return false;
    inst->opened = true;
    if (act_ops(kind)->composite)
        act_log_started(run, inst);
    if (!act_kind_is_task(kind)) {
        inst->begun = inst->attempt;
        act_arm_timeout(run, inst);
    }
    return true;
}

void
act_step_start(struct act_run *run, struct act_instance *inst)
{
    if (inst->state != ACT_STATE_RUNNING || inst->decided || !open_attempt(run, inst))
        return;
    const struct act_kind_ops *ops = act_ops(act_kind_of(run, inst));
    bool reopening = inst->reopening;
    if (ops->composite && !reopening && !act_cache_passes(run, inst))
        return;
    inst->reopening = false;
    if (reopening && ops->reopen != NULL && inst->inside != NULL)
        ops->reopen(run, inst);
    else
        ops->start(run, inst);
}
