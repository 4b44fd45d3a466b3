#include "embed/stored.h"

#include "embed/compose.h"
#include "engine/view/view_json.h"

enum act_err
act_stored_open(struct act_store *store, struct act_str run, struct act_stored *ret,
                struct act_error *err)
{
    struct act_stored s = {.store = store};
    struct act_str bytes;
    enum act_err code = store->ops->find_run(store, run, &s.arena, &s.row, err);
    if (!code)
        code = store->ops->read_plan(store, s.row.run, &s.arena, &bytes, err);
    if (!code)
        code = act_plan_decode(bytes, &s.plan, err);
    if (!code)
        code = act_compose_blobs(store, s.row.run, &s.blobs, err);
    if (code)
        act_stored_close(&s);
    else
        *ret = s;
    return code;
}

/* One is enough. */
static enum act_err
stop_at_row(void *self, struct act_str name, uint64_t offset, struct act_str bytes,
            struct act_error *err)
{
    (void)name;
    (void)offset;
    (void)bytes;
    *(bool *)self = true;
    return act_error_set(err, ACT_ERR_EXISTS, "the run's files are rows");
}

struct act_blob_port *
act_stored_outputs(const struct act_stored *stored)
{
    bool rows = false;
    stored->store->ops->read_outputs(stored->store, stored->row.run, stop_at_row, &rows, NULL);
    return rows ? NULL : stored->blobs;
}

static void
begin_view(struct act_stored *stored)
{
    struct act_store *store = stored->store;
    struct act_str folder;
    act_view_init(&stored->view, stored->plan, &stored->blobs->loader);
    if (store->ops->folder(store, stored->row.run, false, &stored->arena, &folder, NULL) == ACT_OK)
        stored->view.folder = folder;
    stored->viewed = true;
}

enum act_err
act_stored_view(struct act_stored *stored, struct act_error *err)
{
    uint64_t from = stored->viewed && stored->view.until_seq == 0 ? stored->view.last_seq + 1 : 1;
    if (!stored->viewed)
        begin_view(stored);
    enum act_err code = stored->store->ops->read_batches(stored->store, stored->row.run, from,
                                                         act_view_batch, &stored->view, err);
    if (!code)
        act_view_finish(&stored->view);
    return code;
}

enum act_err
act_stored_view_at(struct act_stored *stored, uint64_t seq, struct act_error *err)
{
    begin_view(stored);
    stored->view.until_seq = seq;
    enum act_err code = act_stored_view(stored, err);
    if (code)
        return code;
    const struct act_view *view = &stored->view;
    if (seq == 0 || view->last_seq < seq) {
        act_error_set(err, ACT_ERR_USAGE, "run %.*s has no event %llu",
                      ACT_STR_ARG(stored->row.run), (unsigned long long)seq);
        act_error_hint(err, "they are numbered from 1; `actant history events RUN` shows them");
        return ACT_ERR_USAGE;
    }
    bool over = view->status != ACT_STATUS_RUNNING;
    stored->row.status = act_str(act_status_text(view->status));
    int64_t clock_ms = (over ? view->ended_ms : view->last_ms) - stored->row.started_ms;
    int64_t lived_ms = (over ? view->ended_ns : view->last_ns) / 1000000;
    stored->row.duration_ms = clock_ms < lived_ms ? lived_ms : clock_ms;
    return ACT_OK;
}

void
act_stored_close(struct act_stored *stored)
{
    if (stored->viewed)
        act_view_fini(&stored->view);
    if (stored->blobs)
        stored->blobs->ops->close(stored->blobs);
    act_plan_destroy(stored->plan);
    act_value_release(stored->row.spec);
    act_value_release(stored->row.from);
    act_arena_fini(&stored->arena);
    *stored = (struct act_stored){0};
}

bool
act_stored_ended(struct act_str status)
{
    return act_str_is(status, "succeeded") || act_str_is(status, "failed") ||
           act_str_is(status, "cancelled");
}

void
act_stored_json(const struct act_stored *stored, struct act_view_out *out)
{
    struct act_view_document doc;
    act_view_document_fill(&doc, &stored->row, &stored->view);
    act_view_document_json(out, &doc, &stored->view);
}

/* ---- events --------------------------------------------------------------------------------- */

struct reading {
    struct act_stored *stored;
    uint64_t from;
    void (*fn)(void *self, const struct act_event *event);
    void *self;
};

static enum act_err
read_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct reading *reading = self;
    struct act_arena arena = {0};
    struct act_str rest = batch->body;
    enum act_err code = ACT_OK;
    while (!code && rest.len > 0) {
        struct act_event event = {0};
        code = act_event_decode(&rest, &arena, &reading->stored->blobs->loader, &event, err);
        if (code)
            break;
        if (event.seq >= reading->from) /* the batch may begin before it */
            reading->fn(reading->self, &event);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
    return code;
}

enum act_err
act_stored_events(struct act_stored *stored, uint64_t from,
                  void (*fn)(void *self, const struct act_event *event), void *self,
                  struct act_error *err)
{
    struct reading reading = {stored, from, fn, self};
    return stored->store->ops->read_batches(stored->store, stored->row.run, from, read_batch,
                                            &reading, err);
}
