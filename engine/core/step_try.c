/* try, chord, and the calls task and workflow. */
#include "engine/core/machine.h"

static struct act_value *
input_of(const struct act_instance *inst)
{
    return inst->input != NULL ? act_value_retain(inst->input) : act_value_null();
}

/* ---- try: inside->current is the `error` that catch and finally see ---- */

static bool
begin_role(struct act_run *run, struct act_instance *inst, enum act_role role)
{
    uint32_t node = act_plan_child(run->plan, inst->node, role);
    if (node == ACT_NODE_NONE)
        return false;
    act_begin_child(run, inst, act_node(run, node)->index, input_of(inst));
    return true;
}

void
act_try_start(struct act_run *run, struct act_instance *inst)
{
    act_inside_make(run, inst, act_node(run, inst->node)->child_count);
    begin_role(run, inst, ACT_ROLE_BODY);
}

/* The part that decides how the try ended: the catch, unless it was not there or caught nothing. */
static struct act_instance *
deciding(struct act_run *run, struct act_instance *inst)
{
    struct act_instance *body = act_child_with(run, inst, ACT_ROLE_BODY);
    struct act_instance *caught = act_child_with(run, inst, ACT_ROLE_CATCH);
    if (caught == NULL || caught->state != ACT_STATE_DONE ||
        act_counts_as(caught) == ACT_COUNT_SKIPPED)
        return body;
    return caught;
}

static void
conclude(struct act_run *run, struct act_instance *inst)
{
    struct act_instance *part = deciding(run, inst);
    if (act_role_of(run, part) == ACT_ROLE_CATCH && act_counts_as(part) != ACT_COUNT_FAILED)
        act_forgive(run, inst, 1);
    act_branch_ended(run, inst, part);
}

/* What the finally sees as `error`. */
static void
tell_finally(struct act_run *run, struct act_instance *inst)
{
    struct act_instance *part = deciding(run, inst);
    struct act_value *error = NULL;
    inst->finally_begun = true;
    if (part->error != NULL && act_counts_as(part) == ACT_COUNT_FAILED)
        error = act_value_retain(part->error);
    else if (inst->decided && inst->error != NULL)
        error = act_value_retain(inst->error);
    else if (inst->decided && inst->status == ACT_STATUS_CANCELLED)
        error = act_fault(run, inst, ACT_CAUSE_CANCELLED, ACT_STR("cancelled"));
    act_value_set(&inst->inside->current, error);
}

bool
act_try_finally(struct act_run *run, struct act_instance *inst)
{
    if (act_plan_child(run->plan, inst->node, ACT_ROLE_FINALLY) == ACT_NODE_NONE)
        return false;
    tell_finally(run, inst);
    return begin_role(run, inst, ACT_ROLE_FINALLY);
}

void
act_try_tell(struct act_run *run, struct act_instance *inst, enum act_role role)
{
    const struct act_instance *body = act_child_with(run, inst, ACT_ROLE_BODY);
    if (role == ACT_ROLE_FINALLY)
        tell_finally(run, inst);
    else
        act_value_set(&inst->inside->current,
                      body->error != NULL ? act_value_retain(body->error) : NULL);
}

static void
body_ended(struct act_run *run, struct act_instance *inst, struct act_instance *body)
{
    if (act_counts_as(body) == ACT_COUNT_FAILED) {
        act_try_tell(run, inst, ACT_ROLE_CATCH);
        if (begin_role(run, inst, ACT_ROLE_CATCH))
            return;
    }
    if (!act_try_finally(run, inst))
        conclude(run, inst);
}

void
act_try_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    enum act_role role = act_role_of(run, child);
    if (role == ACT_ROLE_BODY) {
        body_ended(run, inst, child);
    } else if (role == ACT_ROLE_CATCH) {
        if (!act_try_finally(run, inst))
            conclude(run, inst);
    } else if (act_counts_as(child) == ACT_COUNT_FAILED &&
               act_counts_as(deciding(run, inst)) != ACT_COUNT_FAILED) {
        act_fail_as_child(run, inst, child); /* a finally that fails itself */
    } else {
        conclude(run, inst);
    }
}

/* ---- chord: members, and `then` from their end or their quorum on ---- */

void
act_chord_start(struct act_run *run, struct act_instance *inst)
{
    act_inside_make(run, inst, act_node(run, inst->node)->child_count);
    begin_role(run, inst, ACT_ROLE_MEMBERS);
}

static void
begin_then(struct act_run *run, struct act_instance *inst, struct act_value *list)
{
    uint32_t node = act_plan_child(run->plan, inst->node, ACT_ROLE_THEN);
    if (node == ACT_NODE_NONE)
        act_succeed(run, inst, list);
    else
        act_begin_child(run, inst, act_node(run, node)->index, list);
}

void
act_chord_quorum(struct act_run *run, struct act_instance *members)
{
    struct act_instance *inst = act_parent(run, members);
    if (inst->state == ACT_STATE_RUNNING && act_kind_of(run, inst) == ACT_KIND_CHORD)
        begin_then(run, inst, act_value_retain(members->inside->current));
}

static void
members_ended(struct act_run *run, struct act_instance *inst, struct act_instance *members)
{
    bool began = act_child_with(run, inst, ACT_ROLE_THEN) != NULL;
    switch (act_counts_as(members)) {
    case ACT_COUNT_FAILED: {
        const struct act_value *causes = act_member(members->error, ACT_STR("causes"));
        if (members->cause != ACT_CAUSE_MEMBERS || causes == NULL) {
            act_fail_as_child(run, inst, members);
            return;
        }
        const struct act_value *text = act_member(members->error, ACT_STR("message"));
        struct act_value *error = act_fault(run, inst, ACT_CAUSE_MEMBERS, act_value_as_str(text));
        act_value_map_put(error, ACT_STR("causes"), act_value_retain(causes));
        act_decide(run, inst, ACT_STATUS_FAILED, ACT_CAUSE_MEMBERS, NULL, error);
        return;
    }
    case ACT_COUNT_SUCCEEDED:
        if (!began && members->inside != NULL && !members->inside->reached)
            begin_then(run, inst, act_value_retain(members->result));
        break;
    case ACT_COUNT_TOLERATED:
    case ACT_COUNT_SKIPPED:
        if (!began)
            begin_then(run, inst, act_value_list());
        break;
    }
}

void
act_chord_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    if (act_role_of(run, child) == ACT_ROLE_MEMBERS)
        members_ended(run, inst, child);
    else if (act_counts_as(child) == ACT_COUNT_FAILED)
        act_fail_as_child(run, inst, child);
    struct act_instance *then = act_child_with(run, inst, ACT_ROLE_THEN);
    if (inst->decided || inst->inside->live > 0 || then == NULL || !then->seen)
        return;
    bool well = act_counts_as(then) == ACT_COUNT_SUCCEEDED;
    act_succeed(run, inst, well ? act_value_retain(then->result) : act_value_null());
}

/* ---- task, workflow: the called box is the child behind the static ones ---- */

static bool
make_params(struct act_run *run, struct act_instance *inst, uint32_t root, struct act_value **ret)
{
    uint16_t flags = act_node(run, root)->flags;
    struct act_value *with = NULL;
    struct act_error err = {0};
    if (!(flags & (ACT_NODE_OWN_PARAMS | ACT_NODE_CLOSED)))
        return true;
    if (!act_eval(run, inst, ACT_ATTR_WITH, &with))
        return false;
    const struct act_value *declared = act_has(run, root, ACT_ATTR_PARAMS)
                                           ? act_plan_literal(run->plan, root, ACT_ATTR_PARAMS)
                                           : run->empty;
    enum act_err code = act_params_check(declared, with, ret, &err);
    act_value_release(with);
    if (code != ACT_OK)
        act_fail_at(run, inst, ACT_ATTR_WITH, &err);
    return code == ACT_OK;
}

void
act_call_start(struct act_run *run, struct act_instance *inst)
{
    uint32_t root = *act_plan_attr(run->plan, inst->node, ACT_ATTR_TARGET);
    uint32_t own = act_node(run, inst->node)->child_count;
    struct act_value *params = NULL;
    if (!make_params(run, inst, root, &params))
        return;
    struct act_inside *in = act_inside_make(run, inst, own + 1);
    bool closed = act_node(run, root)->flags & ACT_NODE_CLOSED;
    struct act_value *input = closed ? act_value_null() : input_of(inst);
    struct act_instance *child = act_spawn(run, inst, root, own, input);
    child->params = params;
    in->children[own] = child->slot;
    in->live++;
    act_push(run, child, ACT_STEP_BEGIN);
}

bool
act_call_read_again(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    struct act_value *params = NULL;
    if (act_kind_is_call(act_kind_of(run, inst))) {
        if (!make_params(run, inst, child->node, &params)) {
            inst->reopening = inst->asking != ACT_STEP_NONE;
            return false;
        }
        act_value_set(&child->params, params);
        bool closed = act_node(run, child->node)->flags & ACT_NODE_CLOSED;
        if (closed && child->input == NULL)
            child->input = act_value_null();
    }
    inst->inside->recalled = false;
    return true;
}

void
act_call_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    if (act_counts_as(child) == ACT_COUNT_SUCCEEDED && child->outputs != NULL)
        act_value_set(&inst->outputs, act_value_retain(child->outputs));
    act_value_set(&inst->artifacts, child->artifacts ? act_value_retain(child->artifacts) : NULL);
    act_branch_ended(run, inst, child);
}
