#include "engine/core/recall.h"

#include <stdlib.h>

static struct act_value *
keep(struct act_value *v)
{
    return v != NULL ? act_value_retain(v) : NULL;
}

/* ---- what stands there as it had ended ---- */

static void
fill(struct act_run *run, struct act_instance *inst, const struct act_reused *entry)
{
    const struct act_event *e = &entry->event;
    inst->attempt = e->attempt > inst->floor ? e->attempt : inst->floor + 1;
    inst->begun = inst->attempt;
    inst->most_inside = inst->attempt > inst->most_inside ? inst->attempt : inst->most_inside;
    inst->decided = inst->outputs_read = true;
    inst->status = (uint8_t)e->status;
    inst->cause = (uint8_t)e->cause;
    inst->exit_code = e->exit_code;
    inst->signal = e->signal;
    inst->tolerated = e->flag;
    inst->as_skipped = (e->bits & ACT_REUSED_AS_SKIPPED) != 0;
    inst->undone = inst->undone_inside = (e->bits & ACT_REUSED_UNDONE) != 0;
    inst->own_output = e->result_is_output;
    act_value_set(&inst->result, keep(e->value));
    act_value_set(&inst->outputs, keep(e->outputs));
    act_value_set(&inst->artifacts, keep(e->artifacts));
    act_value_set(&inst->error, keep(e->error));
    if (e->input != NULL)
        act_value_set(&inst->input, keep(e->input));
    if (e->params != NULL && act_kind_of(run, inst) != ACT_KIND_SIGNAL)
        act_value_set(&inst->params, keep(e->params));
    inst->forgiven = e->forgiven;
    inst->started_ms = run->now_ms;
    inst->started_ns = run->now_ns;
    if (act_holds_undo(run, inst->node))
        act_inherit(run, inst); /* what an undo starts with; what fails here leaves its parent's */
}

/* Places for what is inside: as many as its kind makes. */
static uint32_t
places(const struct act_run *run, const struct act_reuse *reuse, const struct act_instance *inst,
       const struct act_reused *entry)
{
    enum act_kind kind = act_kind_of(run, inst);
    const struct act_plan_node *node = act_node(run, inst->node);
    bool undo = act_plan_child(run->plan, inst->node, ACT_ROLE_UNDO) != ACT_NODE_NONE;
    if (act_kind_is_call(kind))
        return node->child_count + 1;
    if (kind == ACT_KIND_TRY || kind == ACT_KIND_CHORD)
        return node->child_count;
    if (!act_kind_repeats(kind))
        return node->child_count - undo;
    uint32_t most = 0;
    for (uint32_t i = entry->first; i != ACT_REUSED_NONE; i = reuse->list.ptr[i].next) {
        struct act_key key = reuse->list.ptr[i].event.key;
        uint32_t number = key.count > 0 ? key.numbers[key.count - 1] : 0;
        most = number + 1 > most ? number + 1 : most;
    }
    return most;
}

static uint32_t
number_of(const struct act_run *run, const struct act_instance *parent, struct act_key key)
{
    const struct act_plan_node *node = act_node(run, key.node);
    if (node->parent == ACT_NODE_NONE)
        return parent->inside->total - 1;
    if (act_kind_repeats(act_kind_of(run, parent)))
        return key.count > 0 ? key.numbers[key.count - 1] : 0;
    return node->index;
}

/* An item that needs no place of its own leaves what the machine lets others leave. */
static bool
leaves_result(const struct act_run *run, const struct act_instance *inst, const struct act_event *e,
              uint32_t number)
{
    struct act_inside *in = inst->inside;
    if (in->ends == NULL || act_holds_undo(run, e->key.node) || e->status == ACT_STATUS_FAILED)
        return false;
    in->ends[number] = (uint8_t)e->status;
    in->results[number] = keep(e->value);
    return true;
}

static bool
is_elsewhere(const struct act_run *run, const struct act_instance *inst)
{
    enum act_kind kind = act_kind_of(run, inst);
    bool loop = kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL;
    return loop || !act_ops(kind)->composite || kind == ACT_KIND_WAIT || kind == ACT_KIND_CANCEL;
}

struct made {
    uint32_t entry;
    uint32_t slot;
};
struct made_list {
    struct made *ptr;
    uint32_t len, cap;
};

static void
make_inside(struct act_run *run, struct act_instance *inst, uint32_t index, struct made_list *made)
{
    const struct act_reuse *reuse = run->reuse;
    const struct act_reused *entry = &reuse->list.ptr[index];
    if (is_elsewhere(run, inst) ||
        (entry->first == ACT_REUSED_NONE && inst->status == ACT_STATUS_SKIPPED))
        return;
    uint32_t total = places(run, reuse, inst, entry);
    struct act_inside *in = act_inside_make(run, inst, total);
    in->next = total;
    in->recalled = true;
    if (act_kind_repeats(act_kind_of(run, inst))) {
        in->results = act_zalloc((size_t)total + 1, sizeof(*in->results));
        in->ends = act_zalloc((size_t)total + 1, sizeof(*in->ends));
    }
    if (act_kind_of(run, inst) == ACT_KIND_DAG)
        in->waiting = act_zalloc((size_t)total + 1, sizeof(*in->waiting));
    for (uint32_t i = entry->first; i != ACT_REUSED_NONE; i = reuse->list.ptr[i].next) {
        const struct act_event *e = &reuse->list.ptr[i].event;
        uint32_t number = number_of(run, inst, e->key);
        if (number >= total || leaves_result(run, inst, e, number))
            continue;
        struct act_instance *child = act_spawn(run, inst, e->key.node, number, NULL);
        in->children[number] = child->slot;
        fill(run, child, &reuse->list.ptr[i]);
        struct made one = {i, child->slot};
        act_vec_push(made, one);
    }
}

/* Turns that may be undone stay; a loop's children are a list. */
static void
make_turns(struct act_run *run, struct act_instance *inst, uint32_t index, struct made_list *made)
{
    const struct act_reuse *reuse = run->reuse;
    enum act_kind kind = act_kind_of(run, inst);
    if (kind != ACT_KIND_WHILE && kind != ACT_KIND_UNTIL)
        return;
    const struct act_reused *entry = &reuse->list.ptr[index];
    uint32_t total = act_holds_undo(run, inst->node) ? places(run, reuse, inst, entry) : 0;
    struct act_inside *in = act_inside_make(run, inst, total);
    in->window = total + 1;
    in->total = 0;
    in->next = entry->event.number;
    in->recalled = true;
    for (uint32_t number = 0; number < total; number++) {
        for (uint32_t i = entry->first; i != ACT_REUSED_NONE; i = reuse->list.ptr[i].next) {
            const struct act_event *e = &reuse->list.ptr[i].event;
            if (e->key.count == 0 || e->key.numbers[e->key.count - 1] != number)
                continue;
            struct act_instance *child = act_spawn(run, inst, e->key.node, number, NULL);
            in->children[in->total++] = child->slot;
            fill(run, child, &reuse->list.ptr[i]);
            struct made one = {i, child->slot};
            act_vec_push(made, one);
        }
    }
}

/* ---- the records ---- */

static int
by_index(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void
log_end(struct act_run *run, const struct act_event *e)
{
    struct act_event event = {
        .type = ACT_EVENT_NODE_ENDED,
        .at_ms = run->now_ms,
        .at_ns = run->now_ns,
        .key = e->key,
        .attempt = e->attempt,
        .status = e->status,
        .cause = e->cause,
        .exit_code = e->exit_code,
        .signal = e->signal,
        .flag = e->flag,
        .number = e->number,
        .started_ms = run->now_ms,
        .started_ns = run->now_ns,
        .result_is_output = e->result_is_output,
        .value = e->result_is_output ? NULL : e->value,
        .outputs = e->outputs,
        .artifacts = e->artifacts,
        .error = e->error,
        .label = e->label,
        .bits = ACT_REUSED_END,
    };
    act_log(run, &event);
}

/* The ends of root and of all inside it, in the order in which they had come. Returns the highest number that
 * an attempt of theirs had. */
static uint32_t
log_ends(struct act_run *run, uint32_t root)
{
    uint32_t most = 0;
    struct act_reuse *reuse = run->reuse;
    ACT_VEC(uint32_t) stack = {0}, all = {0};
    act_vec_push(&stack, root);
    while (stack.len > 0) {
        uint32_t at = act_vec_pop(&stack);
        act_vec_push(&all, at);
        for (uint32_t i = reuse->list.ptr[at].first; i != ACT_REUSED_NONE;
             i = reuse->list.ptr[i].next)
            act_vec_push(&stack, i);
    }
    qsort(all.ptr, all.len, sizeof(*all.ptr), by_index);
    for (uint32_t i = 0; i < all.len; i++) {
        struct act_reused *entry = &reuse->list.ptr[all.ptr[i]];
        entry->used = true;
        most = entry->event.attempt > most ? entry->event.attempt : most;
        run->tolerated += entry->event.forgiven;
        log_end(run, &entry->event);
        if (run->ledger != NULL)
            act_ledger_recalled(run, &entry->event);
    }
    act_vec_fini(&stack);
    act_vec_fini(&all);
    return most;
}

void
act_recall(struct act_run *run, struct act_instance *root, uint32_t index)
{
    struct made_list made = {0};
    struct made first = {index, root->slot};
    fill(run, root, &run->reuse->list.ptr[index]);
    act_vec_push(&made, first);
    for (uint32_t i = 0; i < made.len; i++) {
        struct made at = made.ptr[i];
        make_inside(run, act_at(run, at.slot), at.entry, &made);
        make_turns(run, act_at(run, at.slot), at.entry, &made);
    }
    uint32_t most = log_ends(run, index);
    for (uint32_t i = made.len; i-- > 0;) {
        struct act_instance *inst = act_at(run, made.ptr[i].slot);
        inst->order = run->reuse->list.ptr[made.ptr[i].entry].order;
        inst->ended_ns = run->now_ns;
        inst->most_inside = most > inst->most_inside ? most : inst->most_inside;
        inst->seen = inst != root; /* its parent is not waiting for it */
        act_instance_move(run, inst, ACT_MOVE_RECALL);
    }
    act_vec_fini(&made);
}
