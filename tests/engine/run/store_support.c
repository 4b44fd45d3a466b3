/* The store port in memory: one run, its log, its inbox, its limits. */
#include "tests/engine/run/world_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world *
world_of(struct act_store *self)
{
    return (struct world *)((char *)self - offsetof(struct world, store));
}

/* Which attempts may start now. */
static void
note_dispatched(struct world *w, struct act_str bytes)
{
    struct act_event event;
    struct act_arena arena = {0};
    while (bytes.len > 0 && act_event_decode(&bytes, &arena, NULL, &event, NULL) == ACT_OK) {
        struct act_buf name = {0};
        if (event.type == ACT_EVENT_DISPATCHED) {
            act_key_path(&name, w->options.plan, event.key);
            act_buf_printf(&name, "/%u", event.attempt);
            act_map_put(&w->committed, act_arena_str(&w->arena, act_buf_str(&name)), 1);
        }
        act_buf_fini(&name);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
}

static struct world_actor *
actor_of(struct world *w, struct act_str name)
{
    for (uint32_t i = 0; i < w->actors.len; i++) {
        if (act_str_eq(act_str(w->actors.ptr[i].name), name))
            return &w->actors.ptr[i];
    }
    return NULL;
}

static void
add_saves(struct world *w, const struct act_batch *batch)
{
    for (uint32_t i = 0; i < batch->actor_count; i++) {
        const struct act_actor_save *save = &batch->actors[i];
        struct world_actor *actor = actor_of(w, save->id.name);
        if (save->version == 0)
            continue;
        if (!actor) {
            struct world_actor one = {0};
            snprintf(one.name, sizeof(one.name), "%.*s", ACT_STR_ARG(save->id.name));
            act_vec_push(&w->actors, one);
            actor = &w->actors.ptr[w->actors.len - 1];
        }
        if (actor->version != save->base)
            world_problem(w, "the state of %s is written over one that nobody has read",
                          actor->name);
        actor->version = save->version;
        act_buf_clear(&actor->state);
        act_buf_add_str(&actor->state, save->state);
        act_buf_add(&actor->state, "", 1);
    }
}

static void
add_batch(struct world *w, const struct act_batch *batch)
{
    struct world_batch copy = {batch->first_seq, batch->count, {0}};
    if (batch->count == 0)
        return;
    if (batch->first_seq != w->last_seq + 1)
        world_problem(w, "batch %llu follows %llu", (unsigned long long)batch->first_seq,
                      (unsigned long long)w->last_seq);
    w->last_seq = batch->first_seq + batch->count - 1;
    act_buf_add_str(&copy.body, batch->body);
    act_vec_push(&w->batches, copy);
    note_dispatched(w, batch->body);
}

static void
set_status(struct world *w, struct act_str status)
{
    snprintf(w->status, sizeof(w->status), "%.*s", ACT_STR_ARG(status));
}

static enum act_err
create_run(struct act_store *self, const struct act_run_row *row, struct act_str plan_bytes,
           const struct act_batch *first, struct act_error *err)
{
    (void)plan_bytes;
    (void)err;
    add_batch(world_of(self), first);
    set_status(world_of(self), row->status);
    return ACT_OK;
}

static enum act_err
append(struct act_store *self, struct act_str run, const struct act_batch *batch,
       const struct act_run_row *row, const uint64_t *inbox_done, uint32_t inbox_done_count,
       bool sync, struct act_error *err)
{
    struct world *w = world_of(self);
    bool fails = world_mishap(w, w->options.fail_often), before = world_chance(w, 2);
    (void)run;
    (void)sync;
    if (fails && before)
        return act_error_set(err, world_chance(w, 2) ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                             "the disk fails");
    add_batch(w, batch);
    add_saves(w, batch);
    if (row)
        set_status(w, row->status);
    for (uint32_t i = 0; i < inbox_done_count; i++) {
        for (uint32_t k = 0; k < w->inbox.len; k++) {
            if (w->inbox.ptr[k].id == inbox_done[i])
                w->inbox.ptr[k] = w->inbox.ptr[--w->inbox.len];
        }
    }
    return fails ? act_error_set(err, ACT_ERR_SYSTEM, "the disk is full of surprises") : ACT_OK;
}

static enum act_err
own(struct act_store *self, struct act_str run, struct act_error *err)
{
    (void)self;
    (void)run;
    (void)err;
    return ACT_OK;
}

static enum act_err
read_actor(struct act_store *self, struct act_str run, const struct act_actor_id *id,
           struct act_buf *state, uint64_t *version, struct act_error *err)
{
    const struct world_actor *actor = actor_of(world_of(self), id->name);
    (void)run;
    (void)err;
    *version = actor ? actor->version : 0;
    if (actor)
        act_buf_add_str(state, act_str(actor->state.ptr));
    return ACT_OK;
}

static void
disown(struct act_store *self, struct act_str run)
{
    (void)self;
    (void)run;
}

static enum act_err
begin_recovery(struct act_store *self, struct act_str run, bool anyway, struct act_error *err)
{
    (void)self;
    (void)run;
    (void)anyway;
    (void)err;
    return ACT_OK;
}

static enum act_err
save_snapshot(struct act_store *self, struct act_str run, const struct act_snapshot *snapshot,
              struct act_error *err)
{
    struct world *w = world_of(self);
    (void)run;
    if (snapshot->seq != w->last_seq)
        return act_error_set(err, ACT_ERR_INVALID, "not of the newest event");
    act_buf_clear(&w->snapshot);
    act_buf_add_str(&w->snapshot, snapshot->body);
    w->snapshot_seq = snapshot->seq;
    w->snapshots++;
    return ACT_OK;
}

static enum act_err
read_snapshot(struct act_store *self, struct act_str run, struct act_buf *body, uint64_t *seq,
              struct act_error *err)
{
    struct world *w = world_of(self);
    (void)run;
    (void)err;
    act_buf_add_str(body, act_buf_str(&w->snapshot));
    *seq = w->snapshot_seq;
    w->snapshot_reads += *seq > 0;
    return ACT_OK;
}

static enum act_err
read_batches(struct act_store *self, struct act_str run, uint64_t from_seq,
             enum act_err (*fn)(void *self, const struct act_batch *batch, struct act_error *err),
             void *fn_self, struct act_error *err)
{
    struct world *w = world_of(self);
    enum act_err code = ACT_OK;
    (void)run;
    for (uint32_t i = 0; i < w->batches.len && code == ACT_OK; i++) {
        if (w->batches.ptr[i].first_seq + w->batches.ptr[i].count <= from_seq)
            continue;
        struct act_batch batch = {.first_seq = w->batches.ptr[i].first_seq,
                                  .count = w->batches.ptr[i].count,
                                  .body = act_buf_str(&w->batches.ptr[i].body)};
        code = fn(fn_self, &batch, err);
    }
    return code;
}

static enum act_err
inbox(struct act_store *self, struct act_str run, struct act_arena *arena, act_inbox_rows *ret,
      struct act_error *err)
{
    struct world *w = world_of(self);
    (void)run;
    (void)arena;
    (void)err;
    for (uint32_t i = 0; i < w->inbox.len; i++)
        act_vec_push(ret, w->inbox.ptr[i]);
    return ACT_OK;
}

static bool
changed(struct act_store *self, struct act_str run)
{
    struct world *w = world_of(self);
    bool was = w->inbox_changed;
    (void)run;
    w->inbox_changed = false;
    return was;
}

static act_inst
holder_of(struct act_str holder)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*s", ACT_STR_ARG(holder));
    return strtoull(text, NULL, 16);
}

static enum act_err
acquire(struct act_store *self, struct act_str run, struct act_str holder,
        const struct act_value *limits, int64_t now_ms, bool *granted, int64_t *retry_ms,
        struct act_error *err)
{
    (void)run;
    (void)err;
    *granted =
        act_limits_acquire(&world_of(self)->limits, holder_of(holder), limits, now_ms, retry_ms);
    return ACT_OK;
}

static enum act_err
release(struct act_store *self, struct act_str run, struct act_str holder, struct act_error *err)
{
    (void)run;
    (void)err;
    act_limits_release(&world_of(self)->limits, holder_of(holder));
    return ACT_OK;
}

static void
maintain(struct act_store *self)
{
    (void)self;
}

static const struct act_store_ops ops = {
    .create_run = create_run,
    .append = append,
    .own = own,
    .disown = disown,
    .read_actor = read_actor,
    .begin_recovery = begin_recovery,
    .read_batches = read_batches,
    .save_snapshot = save_snapshot,
    .read_snapshot = read_snapshot,
    .inbox = inbox,
    .changed = changed,
    .acquire = acquire,
    .release = release,
    .maintain = maintain,
};

void
world_post(struct world *w, const char *name)
{
    struct act_inbox_row row = {
        .id = ++w->inbox_ids,
        .kind = ACT_STR("signal"),
        .name = act_str(name),
        .body = w->inbox_ids % 5 == 4 ? ACT_STR("false") : ACT_STR("true"),
        .who = ACT_STR("me"),
    };
    act_vec_push(&w->inbox, row);
    w->inbox_changed = true;
}

void
world_disown(struct world *w)
{
    for (uint32_t i = 0; i < w->limits.grants.len; i++) {
        struct act_grant *grant = &w->limits.grants.ptr[i];
        if (grant->until_ms == 0)
            w->limits.grants.ptr[i--] = w->limits.grants.ptr[--w->limits.grants.len];
    }
    w->inbox_changed = true;
}

void
world_store_init(struct world *w)
{
    w->store.ops = &ops;
}

void
world_store_fini(struct world *w)
{
    for (uint32_t i = 0; i < w->batches.len; i++)
        act_buf_fini(&w->batches.ptr[i].body);
    act_vec_fini(&w->batches);
    act_buf_fini(&w->snapshot);
    for (uint32_t i = 0; i < w->actors.len; i++)
        act_buf_fini(&w->actors.ptr[i].state);
    act_vec_fini(&w->actors);
    act_vec_fini(&w->inbox);
    act_limits_fini(&w->limits);
}
