/* group, race, dag, for, matrix: many at once, by one policy. */
#include "base/assert.h"
#include "engine/core/machine.h"

/* A `for` or `matrix` right under a race is the race; under a chord it has its own quorum. */
static bool
read_policy(struct act_run *run, struct act_instance *inst, bool *ret_race, bool *ret_listed,
            int64_t *ret_quorum, int64_t *ret_window)
{
    struct act_instance *up = act_parent(run, inst), *from = inst;
    bool race = act_kind_of(run, inst) == ACT_KIND_RACE;
    if (act_role_of(run, inst) == ACT_ROLE_MEMBERS && up != NULL &&
        act_kind_of(run, up) == ACT_KIND_RACE) {
        race = true;
        from = up;
    }
    struct act_value *quorum = NULL;
    struct act_scope scope = {.at = from, .loop_index = -1};
    if (from != inst && act_has(run, from->node, ACT_ATTR_QUORUM)) {
        /* evaluated in the race's scope; a constant nearly always */
        struct act_expr_id id = act_plan_expr(run->plan, from->node, ACT_ATTR_QUORUM);
        const struct act_expr_node *node = &run->plan->exprs.nodes.ptr[id.v];
        if (node->op == ACT_OP_LITERAL)
            quorum = act_value_retain(run->plan->exprs.literals.ptr[node->a]);
        else if (!act_eval_in(run, from, ACT_ATTR_QUORUM, &scope, &quorum))
            return false;
    } else if (!act_eval(run, inst, ACT_ATTR_QUORUM, &quorum)) {
        return false;
    }
    *ret_quorum = race ? 1 : 0;
    bool fine = quorum == NULL || (act_value_is_number(quorum) &&
                                   act_value_to_int(quorum, ret_quorum) && *ret_quorum >= 1);
    bool listed = quorum != NULL;
    act_value_release(quorum);
    if (!fine) {
        act_fail(run, inst, ACT_CAUSE_EXPRESSION, "`quorum`: must be a whole number of at least 1");
        return false;
    }
    *ret_listed = race && listed;
    *ret_race = race;
    return act_eval_count(run, inst, ACT_ATTR_PARALLEL, 1, UINT32_MAX, ret_window);
}

/* The members of for and matrix; false: failed or asked. */
static bool
read_items(struct act_run *run, struct act_instance *inst, struct act_value **ret)
{
    struct act_error err = {0};
    *ret = act_reuse_items(run, inst);
    if (*ret != NULL)
        return true;
    if (act_kind_of(run, inst) == ACT_KIND_FOR) {
        if (!act_eval(run, inst, ACT_ATTR_SUBJECT, ret))
            return false;
        if (act_value_type(*ret) == ACT_REF) {
            struct act_value *whole = NULL;
            if (act_value_resolve(*ret, &whole, &err) == ACT_OK)
                act_value_set(ret, whole);
        }
        if (act_value_type(*ret) == ACT_LIST)
            return true;
        act_value_release(*ret);
        act_fail(run, inst, ACT_CAUSE_EXPRESSION,
                 "`for` needs a list; `output: lines`, `output: json`, split(…) and fromJSON(…) "
                 "make one of a text");
        return false;
    }
    struct act_value *axes = NULL, *include = NULL, *exclude = NULL;
    bool ok = act_eval(run, inst, ACT_ATTR_MATRIX_AXES, &axes) &&
              act_eval(run, inst, ACT_ATTR_MATRIX_INCLUDE, &include) &&
              act_eval(run, inst, ACT_ATTR_MATRIX_EXCLUDE, &exclude);
    if (ok) {
        *ret = act_matrix_expand(axes, include, exclude, &err);
        ok = *ret != NULL;
        if (!ok)
            act_fail_at(run, inst, ACT_ATTR_MATRIX_AXES, &err);
    }
    act_value_release(axes);
    act_value_release(include);
    act_value_release(exclude);
    return ok;
}

static uint32_t
static_total(const struct act_run *run, const struct act_instance *inst)
{
    bool undo = act_plan_child(run->plan, inst->node, ACT_ROLE_UNDO) != ACT_NODE_NONE;
    return act_node(run, inst->node)->child_count - undo;
}

static bool
is_dynamic(const struct act_run *run, const struct act_instance *inst)
{
    return act_kind_repeats(act_kind_of(run, inst));
}

/* A race over a `for` or `matrix` has one child, which does everything. */
static bool
delegates(const struct act_run *run, const struct act_instance *inst)
{
    return act_kind_of(run, inst) == ACT_KIND_RACE &&
           act_plan_child(run->plan, inst->node, ACT_ROLE_MEMBERS) != ACT_NODE_NONE;
}

/* Into ret: how its members are taken. False: failed or asked. */
static bool
read_inside(struct act_run *run, struct act_instance *inst, struct act_inside *ret,
            struct act_value **ret_items)
{
    int64_t quorum, window;
    if (!read_policy(run, inst, &ret->race, &ret->listed, &quorum, &window) ||
        !act_eval_bool(run, inst, ACT_ATTR_COLLECT, &ret->collect) ||
        !act_eval_bool(run, inst, ACT_ATTR_FAIL_FAST, &ret->fail_fast))
        return false;
    if (is_dynamic(run, inst) && !read_items(run, inst, ret_items))
        return false;
    ret->window = window > UINT32_MAX ? UINT32_MAX : (uint32_t)window;
    ret->quorum = quorum > UINT32_MAX ? UINT32_MAX : (uint32_t)quorum;
    ret->fail_fast = ret->fail_fast && !ret->collect;
    return true;
}

static void
set_policy(struct act_inside *in, const struct act_inside *policy)
{
    in->window = policy->window;
    in->quorum = policy->quorum;
    in->race = policy->race;
    in->listed = policy->listed;
    in->collect = policy->collect;
    in->fail_fast = policy->fail_fast;
}

bool
act_members_read_again(struct act_run *run, struct act_instance *inst)
{
    struct act_inside policy = {0}, *in = inst->inside;
    struct act_value *items = NULL;
    if (!read_inside(run, inst, &policy, &items)) {
        inst->reopening = inst->asking != ACT_STEP_NONE; /* once more when the answer is there */
        return false;
    }
    if (items != NULL && act_value_len(items) != in->total) {
        act_value_release(items);
        act_children_clear(run, inst);
        act_members_start(run, inst);
        return false;
    }
    set_policy(in, &policy);
    in->items = items;
    in->recalled = false;
    return true;
}

void
act_members_start(struct act_run *run, struct act_instance *inst)
{
    struct act_value *items = NULL;
    struct act_inside policy = {0};
    if (delegates(run, inst)) {
        act_inside_make(run, inst, static_total(run, inst));
        act_begin_child(run, inst, 0,
                        inst->input ? act_value_retain(inst->input) : act_value_null());
        return;
    }
    if (!read_inside(run, inst, &policy, &items))
        return;
    uint32_t total = items != NULL ? act_value_len(items) : static_total(run, inst);
    struct act_inside *in = act_inside_make(run, inst, total);
    in->items = items;
    set_policy(in, &policy);
    if (items != NULL) {
        in->results = act_zalloc((size_t)total + 1, sizeof(*in->results));
        in->ends = act_zalloc((size_t)total + 1, sizeof(*in->ends));
    }
    if (act_kind_of(run, inst) == ACT_KIND_DAG)
        act_dag_start(run, inst);
    else
        act_members_fill(run, inst);
    if (total == 0)
        act_members_finish(run, inst);
}

/* ---- the window ---- */

static void
begin_item(struct act_run *run, struct act_instance *inst, uint32_t i)
{
    struct act_inside *in = inst->inside;
    uint32_t node = act_plan_child(run->plan, inst->node, ACT_ROLE_DO);
    struct act_value *item = act_value_retain(act_value_at(in->items, i));
    struct act_instance *child = act_spawn(run, inst, node, i, item);
    in->children[i] = child->slot;
    in->live++;
    act_push(run, child, ACT_STEP_BEGIN);
}

/* Members of a dag that are made but wait for their needs are live, not begun. */
static uint32_t
begun_live(const struct act_run *run, const struct act_instance *inst)
{
    const struct act_inside *in = inst->inside;
    if (act_kind_of(run, inst) != ACT_KIND_DAG)
        return in->live;
    return in->next;
}

void
act_members_fill(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    bool dag = act_kind_of(run, inst) == ACT_KIND_DAG;
    while (dag && in->queue_head < in->queue.len && begun_live(run, inst) < in->window) {
        struct act_instance *child = act_child(run, inst, in->queue.ptr[in->queue_head++]);
        bool again = child->state == ACT_STATE_DONE && child->reopening;
        if (child->decided && !again)
            continue;
        in->next++;
        child->admitted = true; /* until act_dag_met */
        if (again)
            act_reopen_child(run, inst, child, inst->input);
        else
            act_push(run, child, ACT_STEP_BEGIN);
    }
    while (!dag && in->next < in->total && begun_live(run, inst) < in->window) {
        uint32_t i = in->next++;
        struct act_instance *child = act_child(run, inst, i);
        if (child != NULL && child->reopening) {
            act_reopen_child(run, inst, child,
                             in->items != NULL ? act_value_at(in->items, i) : inst->input);
            continue;
        }
        if (in->children[i] != ACT_SLOT_NONE || (in->ends != NULL && in->ends[i] != 0))
            continue; /* cancelled before its turn, or done before a retry */
        if (is_dynamic(run, inst))
            begin_item(run, inst, i);
        else
            act_begin_child(run, inst, i,
                            inst->input ? act_value_retain(inst->input) : act_value_null());
    }
}

/* ---- results ---- */

struct act_value *
act_member_result(const struct act_run *run, const struct act_instance *inst, uint32_t i,
                  enum act_status *ret_status, const struct act_value **ret_error)
{
    const struct act_inside *in = inst->inside;
    const struct act_instance *child = act_child(run, inst, i);
    const struct act_value *result = NULL;
    *ret_error = NULL;
    if (child != NULL) {
        *ret_status = act_instance_status(child);
        *ret_error = child->error;
        result = child->result;
    } else if (in->ends != NULL && in->ends[i] != 0) {
        *ret_status = (enum act_status)in->ends[i];
        result = in->results[i];
    } else {
        *ret_status = ACT_STATUS_PENDING;
    }
    return result != NULL ? act_value_retain(result) : act_value_null();
}

static struct act_value *
collected(const struct act_run *run, const struct act_instance *inst, uint32_t i)
{
    enum act_status status;
    const struct act_value *error;
    struct act_value *result = act_member_result(run, inst, i, &status, &error);
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("status"), act_value_cstring(act_status_text(status)));
    act_value_map_put(map, ACT_STR("result"), result);
    act_value_map_put(map, ACT_STR("error"),
                      error != NULL ? act_value_retain(error) : act_value_null());
    return map;
}

/* Every member's result in the order written; only_won: those that have succeeded. */
static struct act_value *
list_of(const struct act_run *run, const struct act_instance *inst, bool only_won)
{
    const struct act_inside *in = inst->inside;
    struct act_value *list = act_value_list();
    for (uint32_t i = 0; i < in->total; i++) {
        enum act_status status;
        const struct act_value *error;
        struct act_value *result = act_member_result(run, inst, i, &status, &error);
        if (only_won && status != ACT_STATUS_SUCCEEDED) {
            act_value_release(result);
            continue;
        }
        if (in->collect) {
            act_value_release(result);
            result = collected(run, inst, i);
        }
        act_value_list_add(list, result);
    }
    return list;
}

static struct act_value *
map_of(const struct act_run *run, const struct act_instance *inst)
{
    const struct act_plan_node *node = act_node(run, inst->node);
    struct act_value *map = act_value_map();
    for (uint32_t i = 0; i < inst->inside->total; i++) {
        enum act_status status;
        const struct act_value *error;
        uint32_t child = run->plan->children.ptr[node->first_child + i];
        struct act_str id = act_plan_text(run->plan, act_node(run, child)->id);
        act_value_map_put(map, id, act_member_result(run, inst, i, &status, &error));
    }
    return map;
}

static struct act_value *
first_won(const struct act_instance *child)
{
    return child->result != NULL ? act_value_retain(child->result) : act_value_null();
}

/* ---- counting ---- */

static void
fail_members(struct act_run *run, struct act_instance *inst)
{
    act_decide(run, inst, ACT_STATUS_FAILED, ACT_CAUSE_MEMBERS, NULL, NULL);
}

void
act_members_finish(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    if (in->race) {
        if (in->skipped == in->total)
            act_skip(run, inst, ACT_CAUSE_BRANCH);
        else
            fail_members(run, inst);
    } else if (in->quorum > 0) {
        if (in->reached)
            act_succeed(run, inst, act_value_retain(in->current));
        else
            fail_members(run, inst);
    } else if (in->failed > 0 && !in->collect) {
        fail_members(run, inst);
    } else {
        act_forgive(run, inst, in->failed);
        bool dag = act_kind_of(run, inst) == ACT_KIND_DAG;
        act_succeed(run, inst, dag ? map_of(run, inst) : list_of(run, inst, false));
    }
}

static uint32_t
still_possible(const struct act_inside *in)
{
    return in->total - in->failed - in->tolerated - in->skipped;
}

static void
race_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    struct act_inside *in = inst->inside;
    if (in->succeeded >= in->quorum) {
        act_forgive(run, inst, in->failed);
        act_succeed(run, inst, in->listed ? list_of(run, inst, true) : first_won(child));
        return;
    }
    bool hopeless = still_possible(in) < in->quorum;
    if (hopeless && in->failed + in->tolerated + in->succeeded > 0)
        fail_members(run, inst);
}

static void
quorum_ended(struct act_run *run, struct act_instance *inst, enum act_count count)
{
    struct act_inside *in = inst->inside;
    if (in->reached) {
        if (count == ACT_COUNT_FAILED)
            act_forgive(run, inst, 1);
    } else if (in->succeeded >= in->quorum) {
        in->reached = true;
        act_forgive(run, inst, in->failed);
        act_value_set(&in->current, list_of(run, inst, true));
        act_push(run, inst, ACT_STEP_QUORUM);
    } else if (in->fail_fast && still_possible(in) < in->quorum) {
        fail_members(run, inst);
    }
}

void
act_member_count(struct act_run *run, struct act_instance *inst, enum act_count count)
{
    (void)run;
    struct act_inside *in = inst->inside;
    switch (count) {
    case ACT_COUNT_SUCCEEDED: in->succeeded++; break;
    case ACT_COUNT_TOLERATED: in->tolerated++; break;
    case ACT_COUNT_FAILED: in->failed++; break;
    case ACT_COUNT_SKIPPED: in->skipped++; break;
    }
}

/* A finished item gives its memory back, unless a retry or an undo may need it. */
static void
let_go(struct act_run *run, struct act_instance *inst, struct act_instance *child,
       enum act_count count)
{
    struct act_inside *in = inst->inside;
    if (!is_dynamic(run, inst) || count == ACT_COUNT_FAILED || count == ACT_COUNT_TOLERATED ||
        act_holds_undo(run, child->node))
        return;
    uint32_t i = child->number;
    in->ends[i] = child->status;
    in->results[i] = child->result != NULL ? act_value_retain(child->result) : NULL;
    in->children[i] = ACT_SLOT_NONE;
    act_slab_free(&run->slab, child);
}

static void
delegate_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    if (act_counts_as(child) == ACT_COUNT_FAILED && child->cause == ACT_CAUSE_MEMBERS &&
        child->error != NULL) {
        struct act_value *error =
            act_fault(run, inst, ACT_CAUSE_MEMBERS,
                      act_value_as_str(act_member(child->error, ACT_STR("message"))));
        act_value_map_put(error, ACT_STR("causes"),
                          act_value_retain(act_member(child->error, ACT_STR("causes"))));
        act_decide(run, inst, ACT_STATUS_FAILED, ACT_CAUSE_MEMBERS, NULL, error);
        return;
    }
    act_branch_ended(run, inst, child);
}

void
act_members_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child)
{
    struct act_inside *in = inst->inside;
    if (delegates(run, inst)) {
        delegate_ended(run, inst, child);
        return;
    }
    enum act_count count = act_counts_as(child);
    act_member_count(run, inst, count);
    if (act_kind_of(run, inst) == ACT_KIND_DAG)
        act_dag_met(run, inst, child);
    if (in->race)
        race_ended(run, inst, child);
    else if (in->quorum > 0)
        quorum_ended(run, inst, count);
    else if (count == ACT_COUNT_FAILED && in->fail_fast)
        fail_members(run, inst);
    if (inst->decided)
        return;
    let_go(run, inst, child, count);
    act_members_fill(run, inst);
    if (in->succeeded + in->failed + in->tolerated + in->skipped == in->total)
        act_members_finish(run, inst);
}
