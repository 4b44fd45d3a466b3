/* The kinds' operations: the machine's only link to them. */
#include "base/assert.h"
#include "engine/core/machine.h"

static const struct act_kind_ops task_ops = {act_task_start, NULL, NULL, false};
static const struct act_kind_ops call_ops = {act_call_start, act_call_ended, act_reopen_one, true};
static const struct act_kind_ops sleep_ops = {act_sleep_start, NULL, NULL, false};
static const struct act_kind_ops wait_ops = {act_wait_start, NULL, NULL, true};
static const struct act_kind_ops signal_ops = {act_signal_start, NULL, NULL, false};
static const struct act_kind_ops value_ops = {act_value_start, NULL, NULL, false};
static const struct act_kind_ops fail_ops = {act_fail_start, NULL, NULL, false};
static const struct act_kind_ops return_ops = {act_return_start, NULL, NULL, false};
static const struct act_kind_ops cancel_ops = {act_cancel_start, NULL, NULL, true};
static const struct act_kind_ops chain_ops = {act_chain_start, act_chain_ended, act_reopen_chain,
                                              true};
static const struct act_kind_ops members_ops = {act_members_start, act_members_ended,
                                                act_reopen_members, true};
static const struct act_kind_ops race_ops = {act_members_start, act_members_ended, NULL, true};
static const struct act_kind_ops chord_ops = {act_chord_start, act_chord_ended, act_reopen_chord,
                                              true};
static const struct act_kind_ops if_ops = {act_branch_if, act_branch_ended, act_reopen_one, true};
static const struct act_kind_ops switch_ops = {act_branch_switch, act_branch_ended, act_reopen_one,
                                               true};
static const struct act_kind_ops loop_ops = {act_loop_start, act_loop_ended, act_reopen_loop, true};
static const struct act_kind_ops try_ops = {act_try_start, act_try_ended, act_reopen_try, true};

const struct act_kind_ops *
act_ops(enum act_kind kind)
{
    switch (kind) {
    case ACT_KIND_RUN:
    case ACT_KIND_EXEC:
    case ACT_KIND_PLUGIN:
    case ACT_KIND_PYTHON:
    case ACT_KIND_CALL: return &task_ops;
    case ACT_KIND_TASK:
    case ACT_KIND_WORKFLOW: return &call_ops;
    case ACT_KIND_SLEEP: return &sleep_ops;
    case ACT_KIND_WAIT: return &wait_ops;
    case ACT_KIND_SIGNAL: return &signal_ops;
    case ACT_KIND_VALUE: return &value_ops;
    case ACT_KIND_FAIL: return &fail_ops;
    case ACT_KIND_RETURN: return &return_ops;
    case ACT_KIND_CANCEL: return &cancel_ops;
    case ACT_KIND_CHAIN: return &chain_ops;
    case ACT_KIND_GROUP:
    case ACT_KIND_DAG:
    case ACT_KIND_FOR:
    case ACT_KIND_MATRIX: return &members_ops;
    case ACT_KIND_RACE: return &race_ops;
    case ACT_KIND_CHORD: return &chord_ops;
    case ACT_KIND_IF: return &if_ops;
    case ACT_KIND_SWITCH: return &switch_ops;
    case ACT_KIND_WHILE:
    case ACT_KIND_UNTIL: return &loop_ops;
    case ACT_KIND_TRY: return &try_ops;
    }
    ACT_UNREACHABLE();
}
