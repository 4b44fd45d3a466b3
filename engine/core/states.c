/* The state table and the one function that follows it. */
#include "base/assert.h"
#include "engine/core/machine.h"

const struct act_state_table act_state_table = {.rows = {
#define ACT_ROW(state, move, next, action)                                                         \
    [ACT_STATE_##state][ACT_MOVE_##move] = {1, ACT_STATE_##next, ACT_ON_##action},
#include "engine/core/task_states.def"
#undef ACT_ROW
                                                }};

const char *
act_state_text(enum act_state state)
{
    static const char *const texts[] = {
#define ACT_STATE(name, text, status) text,
#include "engine/core/task_states.def"
#undef ACT_STATE
    };
    return state < ACT_STATE_COUNT ? texts[state] : "unknown";
}

const char *
act_move_text(enum act_move move)
{
    static const char *const texts[] = {
#define ACT_MOVE(name) #name,
#include "engine/core/task_states.def"
#undef ACT_MOVE
    };
    return move < ACT_MOVE_COUNT ? texts[move] : "unknown";
}

enum act_status
act_instance_status(const struct act_instance *inst)
{
    static const uint8_t statuses[] = {
#define ACT_STATE(name, text, status) ACT_STATUS_##status,
#include "engine/core/task_states.def"
#undef ACT_STATE
    };
    if (inst->state == ACT_STATE_DONE)
        return (enum act_status)inst->status;
    return (enum act_status)statuses[inst->state];
}

/* A verdict was reached: no timer runs on, limits go back, the settling follows as a step. */
static void
on_settle(struct act_run *run, struct act_instance *inst)
{
    act_unpark(run, inst, true);
    if (inst->timeout_timer != 0) {
        struct act_effect *effect = act_emit(run, ACT_EFFECT_CLEAR_TIMER, inst);
        if (effect != NULL)
            effect->number = inst->timeout_timer;
        inst->timeout_timer = 0;
    }
    if (inst->holds) {
        act_emit(run, ACT_EFFECT_RELEASE, inst);
        inst->holds = false;
    }
    inst->asking = ACT_STEP_NONE;
    act_value_set(&inst->question, NULL);
    act_push(run, inst, ACT_STEP_SETTLE);
}

/* What has a length (sleep, delay, backoff, a wait's timeout) is over at the latest when that has passed, even
 * if the clock was set back meanwhile; `at` goes by the clock alone. */
static int64_t
latest_of(const struct act_run *run, const struct act_instance *inst)
{
    int64_t length_ms = inst->due_ms - run->now_ms;
    bool by_clock = inst->state == ACT_STATE_DELAYED && act_has(run, inst->node, ACT_ATTR_AT);
    bool some = length_ms > 0 && length_ms < (INT64_MAX - run->now_ns) / 1000000;
    return some && !by_clock ? run->now_ns + length_ms * 1000000 : 0;
}

static void
on_park(struct act_run *run, struct act_instance *inst)
{
    if (inst->due_ms >= 0) {
        inst->park_timer = ++inst->timers;
        inst->latest_ns = latest_of(run, inst);
        act_emit_park_timer(run, inst, run->now_ns);
    }
    act_log_parked(run, inst);
}

static void
on_acquire(struct act_run *run, struct act_instance *inst)
{
    act_unpark(run, inst, true);
    inst->holds = true;
    act_emit_limits(run, inst, 0);
}

static void
on_dispatch(struct act_run *run, struct act_instance *inst)
{
    inst->order = ++run->order;
    inst->started_ms = run->now_ms;
    inst->started_ns = run->now_ns;
    inst->exited = false;
    inst->begun = inst->attempt;
    run->in_flight++;
    act_emit(run, ACT_EFFECT_START, inst);
    act_arm_timeout(run, inst);
}

/* The process is to go; inst settles when it has. */
static void
on_halt(struct act_run *run, struct act_instance *inst)
{
    struct act_effect *effect = act_emit(run, ACT_EFFECT_STOP, inst);
    if (effect != NULL)
        effect->delay_ms = inst->grace_ms;
}

static void
on_redo(struct act_run *run, struct act_instance *inst)
{
    if (inst->timeout_timer != 0) {
        struct act_effect *effect = act_emit(run, ACT_EFFECT_CLEAR_TIMER, inst);
        if (effect != NULL)
            effect->number = inst->timeout_timer;
        inst->timeout_timer = 0;
    }
    inst->attempt++;
    inst->opened = false;
    act_value_set(&inst->answers, NULL);
    act_push(run, inst, ACT_STEP_START);
}

static void
on_finish(struct act_run *run, struct act_instance *inst)
{
    inst->order = ++run->order;
    inst->ended_ns = run->now_ns;
    act_log_ended(run, inst);
    if (run->ledger != NULL)
        act_ledger_ended(run, inst);
    if (inst->parent == ACT_SLOT_NONE)
        act_run_finish(run);
    else
        act_push(run, inst, ACT_STEP_CHILD);
    if (inst->watched)
        act_cancel_check(run);
}

static void
on_start(struct act_run *run, struct act_instance *inst)
{
    act_unpark(run, inst, true);
    inst->opened = false;
    inst->started_ms = run->now_ms;
    inst->started_ns = run->now_ns;
    act_push(run, inst, ACT_STEP_START);
}

/* What is inside of what was recalled has nobody who waits for its end. */
static void
on_recall(struct act_run *run, struct act_instance *inst)
{
    if (!inst->seen)
        act_push(run, inst, ACT_STEP_CHILD);
}

static void
act(struct act_run *run, struct act_instance *inst, enum act_state_action action)
{
    switch (action) {
    case ACT_ON_none: break;
    case ACT_ON_park: on_park(run, inst); break;
    case ACT_ON_acquire: on_acquire(run, inst); break;
    case ACT_ON_start: on_start(run, inst); break;
    case ACT_ON_queue:
        inst->order = ++run->order;
        act_emit(run, ACT_EFFECT_READY, inst);
        break;
    case ACT_ON_dispatch: on_dispatch(run, inst); break;
    case ACT_ON_halt: on_halt(run, inst); break;
    case ACT_ON_settle: on_settle(run, inst); break;
    case ACT_ON_unready:
        act_emit(run, ACT_EFFECT_UNREADY, inst);
        on_settle(run, inst);
        break;
    case ACT_ON_redo: on_redo(run, inst); break;
    case ACT_ON_undo: act_undo_next(run, inst); break;
    case ACT_ON_finish: on_finish(run, inst); break;
    case ACT_ON_reopen: act_push(run, inst, ACT_STEP_ATTEMPT); break;
    case ACT_ON_recall: on_recall(run, inst); break;
    }
}

static void
tell_trace(struct act_run *run, const struct act_instance *inst, enum act_state from)
{
    struct act_move_seen seen = {.key = act_key_of(run, inst),
                                 .from = from,
                                 .to = (enum act_state)inst->state,
                                 .now_ms = run->now_ms};
    run->trace->moved(run->trace->self, &seen);
}

bool
act_can_move(const struct act_run *run, const struct act_instance *inst, enum act_move move)
{
    return run->states->rows[inst->state][move].known;
}

bool
act_instance_move(struct act_run *run, struct act_instance *inst, enum act_move move)
{
    const struct act_state_row *row = &run->states->rows[inst->state][move];
    if (!row->known)
        return false;
    enum act_state from = (enum act_state)inst->state;
    inst->state = row->next;
    if (run->trace != NULL && run->trace->moved != NULL)
        tell_trace(run, inst, from);
    act(run, inst, (enum act_state_action)row->action);
    return true;
}
