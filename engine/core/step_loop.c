/* while, until: one turn after another. inside->next counts the turns begun; the current one stands
 * last in children, kept ones (with something to undo) before it. */
#include "base/assert.h"
#include "engine/core/machine.h"

#define MAX_TURNS 10000

static struct act_instance *
turn_of(const struct act_run *run, const struct act_instance *inst)
{
    const struct act_inside *in = inst->inside;
    return in->total == 0 ? NULL : act_at(run, in->children[in->total - 1]);
}

static void
append(struct act_inside *in, uint32_t slot)
{
    if (in->total >= in->window) {
        in->window = in->window < 4 ? 4 : in->window * 2;
        in->children = act_realloc(in->children, in->window, sizeof(*in->children));
    }
    in->children[in->total++] = slot;
}

/* quorum holds the most turns; 0: no limit. */
static bool
read_max(struct act_run *run, struct act_instance *inst, uint32_t *ret)
{
    struct act_value *v = NULL;
    int64_t most = MAX_TURNS;
    if (!act_eval(run, inst, ACT_ATTR_MAX, &v))
        return false;
    bool none = v != NULL && act_value_type(v) == ACT_NULL;
    bool ok =
        v == NULL || none || (act_value_is_number(v) && act_value_to_int(v, &most) && most >= 1);
    act_value_release(v);
    if (!ok) {
        act_fail(run, inst, ACT_CAUSE_EXPRESSION,
                 "`max`: must be a whole number of at least 1, or none");
        return false;
    }
    *ret = none || most > UINT32_MAX ? 0 : (uint32_t)most;
    return true;
}

void
act_loop_start(struct act_run *run, struct act_instance *inst)
{
    uint32_t most;
    if (inst->inside == NULL) {
        if (!read_max(run, inst, &most))
            return;
        struct act_inside *in = act_inside_make(run, inst, 0);
        in->quorum = most;
        in->window = 1; /* room in children */
        in->current = inst->input ? act_value_retain(inst->input) : act_value_null();
    }
    run->step = ACT_STEP_NEXT;
    act_loop_next(run, inst);
}

static void
begin_turn(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    uint32_t node = act_plan_child(run->plan, inst->node, ACT_ROLE_DO);
    if (in->quorum != 0 && in->next >= in->quorum) {
        act_fail(run, inst, ACT_CAUSE_MAX,
                 "the loop did not end within %u turn%s; `max` says how many it may take",
                 in->quorum, in->quorum == 1 ? "" : "s");
        return;
    }
    struct act_instance *turn =
        act_spawn(run, inst, node, in->next++, act_value_retain(in->current));
    append(in, turn->slot);
    in->live++;
    act_push(run, turn, ACT_STEP_BEGIN);
}

static void
let_go(struct act_run *run, struct act_instance *inst, struct act_instance *turn)
{
    if (turn == NULL || act_holds_undo(run, turn->node))
        return;
    inst->inside->total--;
    act_slab_free(&run->slab, turn);
}

/* Is there another turn? until looks at the turn that has ended, while before any. */
void
act_loop_next(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    if (inst->state != ACT_STATE_RUNNING || inst->decided || in == NULL || in->live > 0)
        return;
    bool until = act_kind_of(run, inst) == ACT_KIND_UNTIL;
    struct act_instance *turn = in->reached ? turn_of(run, inst) : NULL;
    if ((int64_t)in->next <= act_reuse_turn(run, inst)) { /* a fork goes on to that turn */
        in->reached = false;
        let_go(run, inst, turn);
    } else if (!until || turn != NULL) {
        struct act_value *v = NULL;
        struct act_scope scope = {.at = until ? turn : inst,
                                  .prev = in->current,
                                  .loop_index = until ? (int64_t)turn->number : in->next};
        if (!act_eval_in(run, inst, ACT_ATTR_SUBJECT, &scope, &v))
            return;
        bool truth = act_expr_truthy(v);
        act_value_release(v);
        in->reached = false;
        let_go(run, inst, turn);
        if (truth == until) {
            act_succeed(run, inst, act_value_retain(in->current));
            return;
        }
    }
    begin_turn(run, inst);
}

void
act_loop_ended(struct act_run *run, struct act_instance *inst, struct act_instance *turn)
{
    struct act_inside *in = inst->inside;
    switch (act_counts_as(turn)) {
    case ACT_COUNT_FAILED: act_fail_as_child(run, inst, turn); return;
    case ACT_COUNT_SUCCEEDED: act_value_set(&in->current, act_value_retain(turn->result)); break;
    case ACT_COUNT_TOLERATED: act_value_set(&in->current, act_value_null()); break;
    case ACT_COUNT_SKIPPED: break;
    }
    in->reached = true; /* a turn stands there, ended */
    run->step = ACT_STEP_NEXT;
    act_loop_next(run, inst);
}
