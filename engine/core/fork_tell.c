#include "engine/core/fork_tell.h"

#include <stdlib.h>

static void
tell_end(const struct act_ledger_entry *entry, bool signal, struct act_event *e)
{
    e->status = (enum act_status)entry->status;
    e->cause = (enum act_cause)entry->cause;
    e->exit_code = entry->exit_code;
    e->signal = entry->signal;
    e->number = entry->turns;
    e->flag = entry->tolerated;
    e->forgiven = entry->forgiven;
    e->bits = (entry->as_skipped ? ACT_REUSED_AS_SKIPPED : 0u) |
              (entry->secret ? ACT_REUSED_SECRET : 0u) | (entry->undone ? ACT_REUSED_UNDONE : 0u);
    e->attempt = entry->attempt;
    e->started_ms = entry->started_ms;
    e->result_is_output = entry->own_output;
    e->value = entry->result;
    e->outputs = entry->outputs;
    e->artifacts = entry->artifacts;
    e->error = entry->error;
    e->input = entry->input;
    e->params = signal ? entry->told : entry->params;
    e->name = entry->name;
    e->label = entry->label;
    e->out = entry->out;
    e->err = entry->err;
    e->order = entry->order;
}

/* The list of a `for` that still stands, as it was. */
static struct act_value *
items_of(const struct act_fork_planner *p, uint32_t at)
{
    const struct act_run *run = p->run;
    const struct act_instance *inst =
        act_slab_get(&run->slab, act_run_find(run, act_fork_entry(p, at)->key));
    enum act_kind kind = (enum act_kind)act_fork_node(p, at)->kind;
    bool items = kind == ACT_KIND_FOR || kind == ACT_KIND_MATRIX;
    return items && inst != NULL && inst->inside != NULL ? inst->inside->items : NULL;
}

static void
add_file(void *self, struct act_str file, uint64_t offset, uint64_t length)
{
    struct act_fork_planner *p = self;
    (void)offset;
    (void)length;
    if (act_map_get(&p->files, file) != NULL)
        return;
    act_map_put(&p->files, act_arena_str(&p->run->arena, file), 1);
    act_buf_add_str(&p->ret->files, file);
    act_buf_add_byte(&p->ret->files, '\0');
}

static void
tell(struct act_fork_planner *p, uint32_t at)
{
    const struct act_ledger_entry *entry = act_fork_entry(p, at);
    struct act_event e = {.type = ACT_EVENT_REUSED, .key = entry->key, .attempt = 1};
    e.exit_code = -1;
    if (p->take[at] == ACT_TAKE_END)
        tell_end(entry, act_fork_node(p, at)->kind == ACT_KIND_SIGNAL, &e);
    else
        e.status = p->take[at] == ACT_TAKE_WAY ? ACT_STATUS_RUNNING : ACT_STATUS_PENDING;
    if (p->take[at] == ACT_TAKE_WAY)
        e.input = items_of(p, at);
    act_event_files(&e, add_file, p);
    act_event_encode(&p->ret->events, &e);
}

struct told {
    uint64_t ended;
    uint32_t at;
};

static int
by_end(const void *a, const void *b)
{
    const struct told *x = a, *y = b;
    return x->ended < y->ended ? -1 : x->ended > y->ended;
}

/* What the reused nodes had sent to their own run, less what the reused waits had taken. */
static struct act_value *
signals_left(const struct act_fork_planner *p, const struct told *told, uint32_t count)
{
    struct act_value *left = act_value_list();
    for (uint32_t i = 0; i < count; i++) {
        const struct act_ledger_entry *one = act_fork_entry(p, told[i].at);
        uint32_t sent_before = 0, taken = 0;
        if (one->told == NULL)
            continue;
        for (uint32_t k = 0; k < count; k++) {
            const struct act_ledger_entry *other = act_fork_entry(p, told[k].at);
            if (!act_str_eq(other->name, one->name))
                continue;
            sent_before += k < i && other->told != NULL;
            taken += other->told == NULL && act_fork_node(p, told[k].at)->kind == ACT_KIND_WAIT &&
                     (other->status == ACT_STATUS_SUCCEEDED || other->cause == ACT_CAUSE_REJECTED);
        }
        if (sent_before < taken)
            continue;
        struct act_value *pair = act_value_list();
        act_value_list_add(pair, act_value_string(one->name));
        act_value_list_add(pair, act_value_retain(one->told));
        act_value_list_add(left, pair);
    }
    return left;
}

void
act_fork_tell(struct act_fork_planner *p)
{
    ACT_VEC(struct told) ends = {0};
    struct act_event e = {.type = ACT_EVENT_FORKED, .id = p->run->id};
    for (uint32_t i = 0; i < p->ledger->list.len; i++) {
        const struct act_ledger_entry *entry = act_fork_entry(p, i);
        struct told one = {entry->ended, i};
        if (p->take[i] == ACT_TAKE_END)
            act_vec_push(&ends, one);
        else if (p->take[i] != ACT_TAKE_NOTHING)
            tell(p, i);
        struct act_fork_actor call = {entry->key.node, p->take[i] == ACT_TAKE_END};
        if (act_fork_node(p, i)->kind == ACT_KIND_CALL && entry->begun > 0)
            act_vec_push(&p->ret->calls, call);
    }
    if (ends.len > 1)
        qsort(ends.ptr, ends.len, sizeof(*ends.ptr), by_end);
    for (uint32_t i = 0; i < ends.len; i++)
        tell(p, ends.ptr[i].at);
    p->ret->reused = ends.len;
    e.value = signals_left(p, ends.ptr, ends.len);
    e.name = act_buf_str(&p->ret->path);
    act_event_encode(&p->ret->events, &e);
    act_value_release(e.value);
    act_vec_fini(&ends);
}
