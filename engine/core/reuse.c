#include "engine/core/reuse.h"

#include "base/assert.h"
#include "engine/core/recall.h"

struct act_reuse *
act_reuse_create(void)
{
    return act_zalloc(1, sizeof(struct act_reuse));
}

void
act_reuse_destroy(struct act_reuse *reuse)
{
    if (reuse == NULL)
        return;
    for (uint32_t i = 0; i < reuse->list.len; i++)
        act_event_fini(&reuse->list.ptr[i].event);
    act_vec_fini(&reuse->list);
    act_map_fini(&reuse->by_key);
    act_arena_fini(&reuse->arena);
    act_buf_fini(&reuse->scratch);
    act_free(reuse);
}

/* ---- the facts ---- */

static uint32_t
find(struct act_reuse *reuse, struct act_key key)
{
    act_buf_clear(&reuse->scratch);
    act_key_encode(&reuse->scratch, key);
    const uint64_t *at = act_map_get(&reuse->by_key, act_buf_str(&reuse->scratch));
    return at != NULL ? (uint32_t)*at : ACT_REUSED_NONE;
}

static bool
is_end(enum act_status status)
{
    return status >= ACT_STATUS_SUCCEEDED && status <= ACT_STATUS_CANCELLED;
}

enum act_err
act_reuse_check(const struct act_run *run, const struct act_event *event, struct act_error *err)
{
    struct act_buf path = {0};
    enum act_status status = event->status;
    bool known = event->key.node < run->plan->nodes.len;
    if (known)
        act_key_path(&path, run->plan, event->key);
    bool top = event->key.node == 0 && event->key.count == 0;
    bool fine = known && (path.len > 0 || top) && !(top && is_end(status)) &&
                (is_end(status) || status == ACT_STATUS_RUNNING || status == ACT_STATUS_PENDING) &&
                find(run->reuse, event->key) == ACT_REUSED_NONE;
    act_buf_fini(&path);
    return fine ? ACT_OK
                : act_error_set(err, ACT_ERR_INVALID, "what is reused does not fit the plan");
}

static struct act_value *
keep(struct act_value *v)
{
    return v != NULL ? act_value_retain(v) : NULL;
}

static struct act_blob
keep_blob(struct act_arena *arena, const struct act_blob *blob)
{
    struct act_blob kept = *blob;
    kept.bytes = act_arena_str(arena, blob->bytes);
    kept.file = act_arena_str(arena, blob->file);
    return kept;
}

void
act_reuse_add(struct act_run *run, const struct act_event *event)
{
    struct act_reuse *reuse = run->reuse;
    struct act_reused entry = {
        .event = *event, .first = ACT_REUSED_NONE, .next = ACT_REUSED_NONE, .order = ++run->order};
    struct act_event *e = &entry.event;
    e->key.numbers =
        act_arena_copy(&reuse->arena, e->key.numbers, e->key.count * sizeof(*e->key.numbers));
    e->label = act_arena_str(&reuse->arena, e->label);
    e->id = e->message = (struct act_str){0};
    if (run->ledger != NULL) { /* for a fork of this fork */
        e->name = act_arena_str(&reuse->arena, e->name);
        e->order = act_arena_str(&reuse->arena, e->order);
        e->out = keep_blob(&reuse->arena, &e->out);
        e->err = keep_blob(&reuse->arena, &e->err);
    } else {
        e->name = e->order = (struct act_str){0};
        e->out = e->err = (struct act_blob){0};
    }
    keep(e->value);
    keep(e->outputs);
    keep(e->artifacts);
    keep(e->error);
    keep(e->input);
    keep(e->params);
    find(reuse, e->key); /* the key's bytes */
    act_map_put(&reuse->by_key, act_arena_str(&reuse->arena, act_buf_str(&reuse->scratch)),
                reuse->list.len);
    act_vec_push(&reuse->list, entry);
}

/* Signals that the reused nodes had sent to their own run, and that nobody had taken. */
static void
keep_signals(struct act_run *run, const struct act_value *kept)
{
    for (uint32_t i = 0; kept != NULL && i < act_value_len(kept); i++) {
        const struct act_value *pair = act_value_at(kept, i);
        if (act_value_type(pair) == ACT_LIST && act_value_len(pair) == 2 &&
            act_value_type(act_value_at(pair, 0)) == ACT_STRING)
            act_signal_deliver(run, act_value_as_str(act_value_at(pair, 0)), act_value_at(pair, 1));
    }
}

void
act_reuse_complete(struct act_run *run, const struct act_event *event)
{
    struct act_reuse *reuse = run->reuse;
    struct act_key around;
    for (uint32_t i = reuse->list.len; i-- > 0;) {
        struct act_reused *entry = &reuse->list.ptr[i];
        uint32_t up = act_key_around(run->plan, entry->event.key, &around) ? find(reuse, around)
                                                                           : ACT_REUSED_NONE;
        if (up == ACT_REUSED_NONE)
            continue;
        entry->next = reuse->list.ptr[up].first;
        reuse->list.ptr[up].first = i;
    }
    run->gathering = false;
    if (event->value != NULL && act_value_type(event->value) == ACT_LIST)
        keep_signals(run, event->value);
}

/* ---- who asks ---- */

static bool
is_first_attempt(const struct act_run *run, const struct act_instance *inst)
{
    for (const struct act_instance *at = act_parent(run, inst); at != NULL;
         at = act_parent(run, at)) {
        if (at->tries > 0)
            return false;
    }
    return true;
}

bool
act_reuse_meets(struct act_run *run, struct act_instance *inst)
{
    uint32_t at = find(run->reuse, act_key_of(run, inst));
    if (at == ACT_REUSED_NONE || run->reuse->list.ptr[at].used || !is_first_attempt(run, inst))
        return false;
    run->reuse->list.ptr[at].used = true;
    enum act_status status = run->reuse->list.ptr[at].event.status;
    if (status == ACT_STATUS_PENDING)
        return false;
    if (status == ACT_STATUS_RUNNING)
        act_step_attempt(run, inst);
    else
        act_recall(run, inst, at);
    return true;
}

/* Where the way to the node goes on inside inst; NULL: it does not go through inst, or not any more. */
static const struct act_event *
way_on(struct act_run *run, const struct act_instance *inst)
{
    if (run->reuse == NULL || inst->tries > 0 || !is_first_attempt(run, inst))
        return NULL;
    const struct act_reuse *reuse = run->reuse;
    uint32_t at = find(run->reuse, act_key_of(run, inst));
    if (at == ACT_REUSED_NONE || reuse->list.ptr[at].event.status != ACT_STATUS_RUNNING)
        return NULL;
    for (uint32_t i = reuse->list.ptr[at].first; i != ACT_REUSED_NONE;
         i = reuse->list.ptr[i].next) {
        const struct act_reused *entry = &reuse->list.ptr[i];
        if (!is_end(entry->event.status) && !entry->used)
            return &entry->event;
    }
    return NULL;
}

uint32_t
act_reuse_branch(struct act_run *run, const struct act_instance *inst)
{
    const struct act_event *on = way_on(run, inst);
    return on != NULL ? on->key.node : ACT_NODE_NONE;
}

int64_t
act_reuse_turn(struct act_run *run, const struct act_instance *inst)
{
    const struct act_event *on = way_on(run, inst);
    return on != NULL && on->key.count > 0 ? (int64_t)on->key.numbers[on->key.count - 1] : -1;
}

struct act_value *
act_reuse_items(struct act_run *run, const struct act_instance *inst)
{
    if (way_on(run, inst) == NULL)
        return NULL;
    uint32_t at = find(run->reuse, act_key_of(run, inst));
    struct act_value *items = run->reuse->list.ptr[at].event.input;
    return items != NULL && act_value_type(items) == ACT_LIST ? act_value_retain(items) : NULL;
}
