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
    (void)run;
    (void)sync;
    (void)err;
    add_batch(w, batch);
    if (row)
        set_status(w, row->status);
    for (uint32_t i = 0; i < inbox_done_count; i++) {
        for (uint32_t k = 0; k < w->inbox.len; k++) {
            if (w->inbox.ptr[k].id == inbox_done[i])
                w->inbox.ptr[k] = w->inbox.ptr[--w->inbox.len];
        }
    }
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
read_batches(struct act_store *self, struct act_str run, uint64_t from_seq,
             enum act_err (*fn)(void *self, const struct act_batch *batch, struct act_error *err),
             void *fn_self, struct act_error *err)
{
    struct world *w = world_of(self);
    enum act_err code = ACT_OK;
    (void)run;
    (void)from_seq;
    for (uint32_t i = 0; i < w->batches.len && code == ACT_OK; i++) {
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
    .disown = disown,
    .begin_recovery = begin_recovery,
    .read_batches = read_batches,
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
        .body = ACT_STR("true"),
        .who = ACT_STR("test"),
    };
    act_vec_push(&w->inbox, row);
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
    act_vec_fini(&w->inbox);
    act_limits_fini(&w->limits);
}
