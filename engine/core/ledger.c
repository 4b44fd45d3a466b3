#include "engine/core/ledger.h"

#include "engine/core/machine.h"

struct act_ledger *
act_ledger_create(void)
{
    return act_zalloc(1, sizeof(struct act_ledger));
}

static void
forget_values(struct act_ledger_entry *end)
{
    act_value_set(&end->result, NULL);
    act_value_set(&end->outputs, NULL);
    act_value_set(&end->artifacts, NULL);
    act_value_set(&end->error, NULL);
    act_value_set(&end->input, NULL);
    act_value_set(&end->params, NULL);
}

void
act_ledger_destroy(struct act_ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (uint32_t i = 0; i < ledger->list.len; i++) {
        forget_values(&ledger->list.ptr[i]);
        act_value_set(&ledger->list.ptr[i].told, NULL);
    }
    act_vec_fini(&ledger->list);
    act_map_fini(&ledger->by_key);
    act_arena_fini(&ledger->arena);
    act_buf_fini(&ledger->scratch);
    act_free(ledger);
}

static bool
counts_since(const struct act_ledger *ledger, const struct act_ledger_entry *end, uint64_t since)
{
    if (since == 0)
        return false;
    for (uint32_t at = end->parent; at != ACT_LEDGER_NONE; at = ledger->list.ptr[at].parent) {
        if (ledger->list.ptr[at].cleared > since)
            return false;
    }
    return true;
}

bool
act_ledger_stands(const struct act_ledger *ledger, const struct act_ledger_entry *end)
{
    return end->ended > end->cleared && counts_since(ledger, end, end->ended);
}

bool
act_ledger_is_there(const struct act_ledger *ledger, const struct act_ledger_entry *end)
{
    return counts_since(ledger, end, end->begun);
}

/* ---- what the machine tells ---- */

static bool
is_kept(const struct act_run *run, const struct act_instance *inst)
{
    if (inst->elided)
        return false; /* turns that compute alone are computed again */
    if (!act_holds_undo(run, 0))
        return true;
    for (const struct act_instance *at = inst; at != NULL; at = act_parent(run, at)) {
        if (act_role_of(run, at) == ACT_ROLE_UNDO)
            return false;
    }
    return true;
}

static uint32_t
find(struct act_ledger *ledger, struct act_key key)
{
    act_buf_clear(&ledger->scratch);
    act_key_encode(&ledger->scratch, key);
    const uint64_t *at = act_map_get(&ledger->by_key, act_buf_str(&ledger->scratch));
    return at != NULL ? (uint32_t)*at : ACT_LEDGER_NONE;
}

/* After a find that found nothing. */
static uint32_t
add(struct act_ledger *ledger, struct act_key key)
{
    struct act_ledger_entry end = {.key = key, .parent = ACT_LEDGER_NONE, .exit_code = -1};
    end.key.numbers = act_arena_copy(&ledger->arena, key.numbers, key.count * sizeof(*key.numbers));
    act_map_put(&ledger->by_key, act_arena_str(&ledger->arena, act_buf_str(&ledger->scratch)),
                ledger->list.len);
    act_vec_push(&ledger->list, end);
    return ledger->list.len - 1;
}

/* What is around it is made with it. */
static struct act_ledger_entry *
end_at(struct act_run *run, struct act_key key)
{
    struct act_ledger *ledger = run->ledger;
    uint32_t found = find(ledger, key), at = found;
    if (found != ACT_LEDGER_NONE)
        return &ledger->list.ptr[found];
    found = at = add(ledger, key);
    while (act_key_around(run->plan, key, &key)) {
        uint32_t up = find(ledger, key);
        bool there = up != ACT_LEDGER_NONE;
        if (!there)
            up = add(ledger, key);
        ledger->list.ptr[at].parent = up;
        if (there)
            break;
        at = up;
    }
    return &ledger->list.ptr[found];
}

/* NULL: such an instance is not kept. */
static struct act_ledger_entry *
end_of(struct act_run *run, const struct act_instance *inst)
{
    return is_kept(run, inst) ? end_at(run, act_key_of(run, inst)) : NULL;
}

void
act_ledger_begun(struct act_run *run, const struct act_instance *inst)
{
    struct act_ledger_entry *end = end_of(run, inst);
    if (end != NULL)
        end->begun = ++run->ledger->count;
}

static struct act_value *
keep(const struct act_value *v)
{
    return v != NULL ? act_value_retain(v) : NULL;
}

static struct act_blob
keep_blob(struct act_arena *arena, const struct act_blob *blob)
{
    return (struct act_blob){
        .bytes = act_arena_str(arena, blob->bytes),
        .file = act_arena_str(arena, blob->file),
        .offset = blob->offset,
        .length = blob->length,
    };
}

static void
keep_label(struct act_run *run, const struct act_instance *inst, struct act_ledger_entry *end)
{
    struct act_buf label = {0};
    end->label = (struct act_str){0};
    if (act_eval_name(run, inst, &label))
        end->label = act_arena_str(&run->ledger->arena, act_buf_str(&label));
    act_buf_fini(&label);
}

static bool
is_loop(const struct act_run *run, const struct act_instance *inst)
{
    enum act_kind kind = act_kind_of(run, inst);
    return kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL;
}

void
act_ledger_ended(struct act_run *run, const struct act_instance *inst)
{
    struct act_ledger_entry *end = end_of(run, inst);
    if (end == NULL)
        return;
    forget_values(end);
    end->ended = ++run->ledger->count;
    end->undone = false;
    end->status = inst->status;
    end->cause = inst->cause;
    end->as_skipped = inst->as_skipped;
    end->tolerated = inst->tolerated;
    end->own_output = inst->own_output;
    end->exit_code = inst->exit_code;
    end->signal = inst->signal;
    end->attempt = inst->attempt;
    end->turns = is_loop(run, inst) && inst->inside != NULL ? inst->inside->next : 0;
    end->forgiven = inst->forgiven;
    end->started_ms = inst->started_ms;
    end->result = keep(inst->result);
    end->outputs = keep(inst->outputs);
    end->artifacts = keep(inst->artifacts);
    end->error = keep(inst->error);
    if (act_holds_undo(run, inst->node)) {
        end->input = keep(inst->input);
        end->params = keep(inst->params);
    }
    keep_label(run, inst, end);
}

void
act_ledger_recalled(struct act_run *run, const struct act_event *event)
{
    struct act_ledger_entry *end = end_at(run, event->key);
    struct act_arena *arena = &run->ledger->arena;
    bool signal = act_node(run, event->key.node)->kind == ACT_KIND_SIGNAL;
    forget_values(end);
    end->begun = ++run->ledger->count;
    end->ended = ++run->ledger->count;
    end->status = (uint8_t)event->status;
    end->cause = (uint8_t)event->cause;
    end->undone = (event->bits & ACT_REUSED_UNDONE) != 0;
    end->as_skipped = (event->bits & ACT_REUSED_AS_SKIPPED) != 0;
    end->secret = (event->bits & ACT_REUSED_SECRET) != 0;
    end->tolerated = event->flag;
    end->own_output = event->result_is_output;
    end->exit_code = event->exit_code;
    end->signal = event->signal;
    end->attempt = event->attempt;
    end->turns = event->number;
    end->forgiven = event->forgiven;
    end->started_ms = event->started_ms;
    end->result = keep(event->value);
    end->outputs = keep(event->outputs);
    end->artifacts = keep(event->artifacts);
    end->error = keep(event->error);
    end->input = keep(event->input);
    *(signal ? &end->told : &end->params) = keep(event->params);
    end->name = act_arena_str(arena, event->name);
    end->label = act_arena_str(arena, event->label);
    end->out = keep_blob(arena, &event->out);
    end->err = keep_blob(arena, &event->err);
    end->order = act_arena_str(arena, event->order);
}

void
act_ledger_cleared(struct act_run *run, const struct act_instance *inst)
{
    struct act_ledger_entry *end = end_of(run, inst);
    if (end != NULL)
        end->cleared = ++run->ledger->count;
}

void
act_ledger_reopened(struct act_run *run, const struct act_instance *inst)
{
    struct act_ledger_entry *end = end_of(run, inst);
    if (end != NULL)
        end->ended = 0;
}

void
act_ledger_undone(struct act_run *run, const struct act_instance *inst)
{
    struct act_ledger_entry *end = end_of(run, inst);
    if (end != NULL)
        end->undone = true;
}

void
act_ledger_output(struct act_run *run, const struct act_instance *inst,
                  const struct act_event *event)
{
    struct act_ledger_entry *end = end_of(run, inst);
    if (end == NULL)
        return;
    end->out = keep_blob(&run->ledger->arena, &event->out);
    end->err = keep_blob(&run->ledger->arena, &event->err);
    end->order = act_arena_str(&run->ledger->arena, event->order);
    end->secret = event->flag;
}

void
act_ledger_signal(struct act_run *run, const struct act_instance *inst, struct act_str name,
                  const struct act_value *value)
{
    struct act_ledger_entry *end = end_of(run, inst);
    if (end == NULL)
        return;
    end->name = act_arena_str(&run->ledger->arena, name);
    act_value_set(&end->told, keep(value));
}
