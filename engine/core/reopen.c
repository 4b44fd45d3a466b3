/* `actant retry`: an ended run is taken up again. What had succeeded stays; what failed, was
 * cancelled or undone gets a new attempt: composites that can go on are reopened down to the failed
 * leaves, the others start anew. `--from NODE`: that node and what comes after it as well. */
#include "base/assert.h"
#include "engine/core/machine.h"
#include "engine/core/naming.h"

#define NAME_DISTANCE_MAX 3u

static bool
is_good(const struct act_instance *inst)
{
    return inst->state == ACT_STATE_DONE && act_counts_as(inst) != ACT_COUNT_FAILED &&
           (inst->status != ACT_STATUS_CANCELLED || inst->as_skipped) && !inst->undone &&
           !inst->undone_inside && !inst->on_path && inst->cause != ACT_CAUSE_UPSTREAM;
}

/* It never began: its guard was not even looked at. */
static bool
is_fresh(const struct act_instance *inst)
{
    return inst->cause == ACT_CAUSE_UPSTREAM ||
           (inst->status == ACT_STATUS_CANCELLED && inst->inside == NULL);
}

/* ---- which one is meant ---- */

static void
look_at(struct act_run *run, struct act_instance *inst, struct act_naming *naming)
{
    struct act_key key = act_key_of(run, inst);
    act_buf_clear(&run->scratch);
    act_key_path(&run->scratch, run->plan, key);
    act_naming_look(naming, key, act_buf_str(&run->scratch), inst->slot);
}

/* The one that is meant; NULL: none or, by the count, several. */
static struct act_instance *
search(struct act_run *run, struct act_str name, uint32_t *ret_count)
{
    struct act_naming naming;
    act_naming_init(&naming, run->plan, name);
    for (uint32_t slot = 0; slot < run->slab.used; slot++) {
        struct act_instance *inst = &run->slab.chunks[slot / 256][slot % 256];
        if (inst->generation != 0)
            look_at(run, inst, &naming);
    }
    enum act_fit how = act_naming_meant(&naming);
    *ret_count = how == ACT_FIT_NONE ? 0 : naming.count[how];
    return *ret_count == 1 ? act_at(run, naming.found[how]) : NULL;
}

/* Names are written by hand: what was probably meant, or what became of it. */
enum act_err
act_refuse_unknown(const struct act_run *run, struct act_str name, const char *what,
                   struct act_error *err)
{
    const struct act_plan *plan = run->plan;
    struct act_str best = {0};
    uint32_t least = NAME_DISTANCE_MAX + 1;
    bool planned = false;
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        uint32_t id = plan->nodes.ptr[i].id;
        if (id == ACT_NODE_NONE)
            continue;
        struct act_str text = act_plan_text(plan, id);
        uint32_t distance = act_str_distance(name, text, least - 1);
        planned = planned || act_str_eq(name, text);
        if (distance < least && distance < text.len) {
            least = distance;
            best = text;
        }
    }
    if (planned) {
        act_error_set(err, ACT_ERR_NOT_FOUND, "node '%.*s' did not begin in this run",
                      ACT_STR_ARG(name));
        act_error_hint(err, "`actant history show RUN` prints what did");
        return ACT_ERR_NOT_FOUND;
    }
    act_error_set(err, ACT_ERR_NOT_FOUND, "no node '%.*s' %s", ACT_STR_ARG(name), what);
    if (best.len > 0)
        act_error_hint(err, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else
        act_error_hint(err, "give an id or path, as `actant history show RUN` prints it");
    return ACT_ERR_NOT_FOUND;
}

enum act_err
act_reopen_check(struct act_run *run, struct act_str name, struct act_error *err)
{
    if (name.len == 0) {
        if (run->status != ACT_STATUS_SUCCEEDED)
            return ACT_OK;
        return act_error_set(err, ACT_ERR_INVALID, "nothing failed in this run");
    }
    uint32_t count;
    if (search(run, name, &count) != NULL)
        return ACT_OK;
    if (count == 0)
        return act_refuse_unknown(run, name, "can be retried", err);
    act_error_set(err, ACT_ERR_INVALID, "'%.*s' names %u instances", ACT_STR_ARG(name), count);
    act_error_hint(err, "give the path of an instance, as `actant history show RUN` prints it");
    return ACT_ERR_INVALID;
}

/* ---- one instance ---- */

static void
reopen(struct act_run *run, struct act_instance *inst)
{
    const struct act_kind_ops *ops = act_ops(act_kind_of(run, inst));
    bool target = inst->on_path && inst->watched;
    bool anew = target || inst->undone || ops->reopen == NULL || inst->inside == NULL;
    inst->reopening = !anew;
    inst->uncached = target;
    if (run->ledger != NULL)
        act_ledger_reopened(run, inst);
    inst->attempt++;
    inst->decided = inst->stopped = inst->no_undo = inst->as_skipped = inst->seen = false;
    inst->tolerated = inst->undone = inst->undone_inside = inst->watched = inst->on_path = false;
    inst->opened = false;
    inst->cause = ACT_CAUSE_NONE;
    inst->tries = 0;
    act_value_set(&inst->result, NULL);
    act_value_set(&inst->outputs, NULL);
    act_value_set(&inst->artifacts, NULL);
    act_value_set(&inst->error, NULL);
    act_value_set(&inst->origin, NULL);
    act_instance_move(run, inst, ACT_MOVE_REOPEN);
}

void
act_reopen_child(struct act_run *run, struct act_instance *inst, struct act_instance *child,
                 const struct act_value *input)
{
    if (child->input == NULL)
        child->input = input != NULL ? act_value_retain(input) : act_value_null();
    inst->inside->live++;
    reopen(run, child);
}

void
act_reopen(struct act_run *run, struct act_str name)
{
    struct act_instance *root = act_at(run, run->root);
    run->ring_len = run->ring_head = 0;
    run->cancelled = run->frozen = false;
    run->status = ACT_STATUS_RUNNING;
    if (name.len > 0) {
        uint32_t count;
        struct act_instance *target = search(run, name, &count);
        for (struct act_instance *at = target; at != NULL; at = act_parent(run, at))
            at->on_path = true;
        target->watched = true; /* marks the target itself until it is reopened */
    }
    reopen(run, root);
}

static void
start_anew(struct act_run *run, struct act_instance *inst)
{
    act_children_clear(run, inst);
    act_ops(act_kind_of(run, inst))->start(run, inst);
}

static void
drop_child(struct act_run *run, struct act_instance *inst, uint32_t position)
{
    struct act_instance *child = act_child(run, inst, position);
    if (child == NULL)
        return;
    inst->inside->children[position] = ACT_SLOT_NONE;
    act_child_drop(run, inst, child);
}

/* ---- kinds ---- */

void
act_reopen_chain(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    uint32_t at = 0;
    act_value_set(&in->current, inst->input ? act_value_retain(inst->input) : act_value_null());
    for (; at < in->total; at++) {
        struct act_instance *child = act_child(run, inst, at);
        if (child == NULL || !is_good(child))
            break;
        if (act_counts_as(child) == ACT_COUNT_SUCCEEDED)
            act_value_set(&in->current, act_value_retain(child->result));
        else if (act_counts_as(child) == ACT_COUNT_TOLERATED)
            act_value_set(&in->current, act_value_null());
    }
    for (uint32_t i = at + 1; i < in->total; i++)
        drop_child(run, inst, i);
    in->next = at;
    struct act_instance *child = act_child(run, inst, at);
    if (child != NULL && is_fresh(child)) {
        drop_child(run, inst, at);
        child = NULL;
    }
    if (child == NULL) {
        act_chain_next(run, inst);
        return;
    }
    in->next = at + 1;
    act_reopen_child(run, inst, child, in->current);
}

/* What needs the retried member, over however many others, starts anew. */
static void
mark_dependents(struct act_run *run, struct act_instance *inst)
{
    struct act_inst_stack stack = {0};
    for (uint32_t i = 0; i < inst->inside->total; i++) {
        struct act_instance *child = act_child(run, inst, i);
        if (child != NULL && child->on_path)
            act_vec_push(&stack, i);
    }
    while (stack.len > 0) {
        struct act_instance *child = act_child(run, inst, act_vec_pop(&stack));
        uint32_t at = run->dependents_at[child->node], end = run->dependents_at[child->node + 1];
        for (; at < end; at++) {
            uint32_t i = act_node(run, run->dependents[at])->index;
            struct act_instance *other = act_child(run, inst, i);
            if (other == NULL || other->cause == ACT_CAUSE_UPSTREAM || other->on_path)
                continue;
            other->cause = ACT_CAUSE_UPSTREAM; /* is_fresh: made again below */
            act_vec_push(&stack, i);
        }
    }
    act_vec_fini(&stack);
}

/* An ended member that stays is counted; the others are marked to be begun again by fill. */
static void
recount(struct act_run *run, struct act_instance *inst, uint32_t i)
{
    struct act_inside *in = inst->inside;
    struct act_instance *child = act_child(run, inst, i);
    if (child == NULL) {
        if (in->ends != NULL && in->ends[i] != 0)
            act_member_count(run, inst,
                             in->ends[i] == ACT_STATUS_SUCCEEDED ? ACT_COUNT_SUCCEEDED
                                                                 : ACT_COUNT_SKIPPED);
        return;
    }
    if (is_good(child))
        act_member_count(run, inst, act_counts_as(child));
    else if (is_fresh(child))
        drop_child(run, inst, i);
    else
        child->reopening = true;
}

static void
reopen_dag(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    const struct act_plan_node *node = act_node(run, inst->node);
    act_vec_clear(&in->queue);
    in->queue_head = 0;
    ACT_VEC(uint32_t) good = {0};
    for (uint32_t i = 0; i < in->total; i++) {
        struct act_instance *child = act_child(run, inst, i);
        uint32_t child_node = run->plan->children.ptr[node->first_child + i];
        in->waiting[i] = child == NULL ? act_node(run, child_node)->need_count : 0;
        if (child != NULL && child->reopening) {
            act_vec_push(&in->queue, i);
        } else if (child != NULL) {
            act_vec_push(&good, i);
        } else {
            struct act_value *input =
                inst->input ? act_value_retain(inst->input) : act_value_null();
            child = act_spawn(run, inst, child_node, i, input);
            in->children[i] = child->slot;
            in->live++;
            if (in->waiting[i] == 0)
                act_vec_push(&in->queue, i);
        }
    }
    for (uint32_t i = 0; i < good.len; i++) {
        struct act_instance *child = act_child(run, inst, good.ptr[i]);
        child->admitted = false;
        act_dag_met(run, inst, child);
    }
    act_vec_fini(&good);
}

void
act_reopen_members(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    bool dag = act_kind_of(run, inst) == ACT_KIND_DAG;
    if (in->recalled && !act_members_read_again(run, inst))
        return;
    if (in->race || in->quorum > 0) {
        start_anew(run, inst);
        return;
    }
    in->succeeded = in->failed = in->tolerated = in->skipped = in->next = 0;
    if (dag)
        mark_dependents(run, inst);
    for (uint32_t i = 0; i < in->total; i++)
        recount(run, inst, i);
    if (dag)
        reopen_dag(run, inst);
    act_members_fill(run, inst);
    if (!inst->decided && in->succeeded + in->failed + in->tolerated + in->skipped == in->total)
        act_members_finish(run, inst);
}

/* The part of a try that is taken up, or the last one if all is well: what comes after it is dropped, what was
 * before it stays. A failure of the body that was caught is none. */
static struct act_instance *
part_to_reopen(struct act_run *run, struct act_instance *inst)
{
    struct act_instance *body = act_child_with(run, inst, ACT_ROLE_BODY);
    struct act_instance *caught = act_child_with(run, inst, ACT_ROLE_CATCH);
    struct act_instance *last = act_child_with(run, inst, ACT_ROLE_FINALLY);
    if (last != NULL && last->on_path)
        return last;
    if (caught != NULL && caught->on_path)
        return caught;
    if (body == NULL || body->on_path || body->undone || body->undone_inside)
        return body;
    bool well = caught != NULL && act_counts_as(caught) == ACT_COUNT_SUCCEEDED && is_good(caught);
    if (!well && !is_good(body))
        return body;
    return last != NULL ? last : well ? caught : body;
}

void
act_reopen_try(struct act_run *run, struct act_instance *inst)
{
    struct act_instance *part = part_to_reopen(run, inst);
    if (part == NULL || is_fresh(part)) {
        start_anew(run, inst);
        return;
    }
    enum act_role role = act_role_of(run, part);
    inst->finally_begun = role == ACT_ROLE_FINALLY;
    if (is_good(part)) { /* what failed was the try's own: its outputs, its time */
        act_try_ended(run, inst, part);
        return;
    }
    for (enum act_role after = role + 1; after <= ACT_ROLE_FINALLY; after++) {
        struct act_instance *child = act_child_with(run, inst, after);
        if (child != NULL)
            drop_child(run, inst, act_node(run, child->node)->index);
    }
    if (role != ACT_ROLE_BODY)
        act_try_tell(run, inst, role);
    act_reopen_child(run, inst, part, inst->input);
}

/* if, switch, task, workflow: the one child. */
void
act_reopen_one(struct act_run *run, struct act_instance *inst)
{
    struct act_instance *child = NULL;
    for (uint32_t i = 0; child == NULL && i < inst->inside->total; i++)
        child = act_child(run, inst, i);
    if (child == NULL || is_fresh(child) || is_good(child))
        start_anew(run, inst);
    else if (!inst->inside->recalled || act_call_read_again(run, inst, child))
        act_reopen_child(run, inst, child, inst->input);
}

void
act_reopen_chord(struct act_run *run, struct act_instance *inst)
{
    struct act_instance *members = act_child_with(run, inst, ACT_ROLE_MEMBERS);
    struct act_instance *then = act_child_with(run, inst, ACT_ROLE_THEN);
    if (members == NULL || is_fresh(members) || act_has(run, inst->node, ACT_ATTR_QUORUM)) {
        start_anew(run, inst);
    } else if (!is_good(members)) {
        if (then != NULL)
            drop_child(run, inst, then->number);
        act_reopen_child(run, inst, members, inst->input);
    } else if (then != NULL && !is_good(then) && !is_fresh(then)) {
        act_reopen_child(run, inst, then, members->result);
    } else {
        if (then != NULL)
            drop_child(run, inst, then->number);
        act_chord_ended(run, inst, members);
    }
}

void
act_reopen_loop(struct act_run *run, struct act_instance *inst)
{
    struct act_inside *in = inst->inside;
    for (uint32_t i = 0; i + 1 < in->total || in->recalled; i++) {
        if (in->recalled || !is_good(act_child(run, inst, i))) {
            start_anew(run, inst); /* an earlier turn was undone or is asked for */
            return;
        }
    }
    struct act_instance *turn = in->total > 0 ? act_child(run, inst, in->total - 1) : NULL;
    in->reached = false;
    if (turn == NULL || is_good(turn)) {
        start_anew(run, inst);
    } else if (is_fresh(turn)) {
        in->total--;
        in->next--;
        act_child_drop(run, inst, turn);
        run->step = ACT_STEP_NEXT;
        act_loop_next(run, inst);
    } else {
        act_reopen_child(run, inst, turn, in->current);
    }
}
