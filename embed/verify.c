#include "embed/verify.h"

#include "embed/objects.h"
#include "engine/core/run.h"

struct verifying {
    struct act_stored *stored;
    struct act_run *run;
    struct act_verified *ret;
    struct act_snapshot snapshot;
    struct act_str folder;  /* of its files */
    struct act_str missing; /* a file, of arena */
    bool damaged;           /* it is an artifact */
    struct act_arena arena;
};

static enum act_err
say(struct verifying *v, uint64_t seq, const char *what, struct act_error *err)
{
    v->ret->seq = seq;
    return act_error_set(err, ACT_ERR_CORRUPT, "run %.*s: event %llu: %s",
                         ACT_STR_ARG(v->stored->row.run), (unsigned long long)seq, what);
}

/* ---- files ---- */

static void
look_at_file(void *self, struct act_str file, uint64_t offset, uint64_t length)
{
    struct verifying *v = self;
    struct act_blob_port *blobs = v->stored->blobs;
    struct act_buf last = {0};
    uint64_t at = offset + (length > 0 ? length - 1 : 0);
    bool there = length == 0 ||
                 (blobs->ops->read(blobs, file, at, 1, &last, NULL) == ACT_OK && last.len == 1);
    if (!there && v->missing.len == 0)
        v->missing = act_arena_str(&v->arena, file);
    act_buf_fini(&last);
}

/* All of its content: damage of what nobody reads is found here or never. */
static void
look_at_artifact(void *self, const struct act_event_artifact *artifact)
{
    struct verifying *v = self;
    struct act_object_kept kept;
    struct act_arena arena = {0};
    const char *path =
        act_arena_printf(&arena, "%.*s/%.*s", ACT_STR_ARG(v->folder), ACT_STR_ARG(artifact->file))
            .ptr;
    bool whole = v->missing.len > 0 ||
                 (act_object_hash(path, &kept, NULL) == ACT_OK && kept.bytes == artifact->bytes &&
                  act_str_is(artifact->sha256, kept.hash));
    if (!whole) {
        v->missing = act_arena_str(&v->arena, artifact->file);
        v->damaged = true;
    }
    act_arena_fini(&arena);
}

static enum act_err
check_files(struct verifying *v, struct act_str events, struct act_error *err)
{
    struct act_arena arena = {0};
    enum act_err code = ACT_OK;
    while (!code && events.len > 0) {
        struct act_event event;
        code = act_event_decode(&events, &arena, &v->stored->blobs->loader, &event, err);
        if (code)
            break;
        act_event_files(&event, look_at_file, v);
        if (!act_event_artifacts(&event, look_at_artifact, v))
            code = say(v, event.seq, "its list of artifacts is none", err);
        if (!code && v->missing.len > 0) {
            struct act_buf what = {0};
            act_buf_printf(&what,
                           v->damaged ? "the artifact %.*s is not there, or holds something else"
                                      : "its output file %.*s is not there, or too short",
                           ACT_STR_ARG(v->missing));
            code = say(v, event.seq, what.ptr, err);
            act_buf_fini(&what);
        }
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
    return code;
}

/* ---- the log ---- */

static enum act_err
check_snapshot(struct verifying *v, struct act_error *err)
{
    enum act_err code = act_run_compare(v->run, v->snapshot.body, err);
    if (code == ACT_OK)
        return code;
    say(v, v->snapshot.seq, "the snapshot after it is not what the log comes to", err);
    act_error_hint(err, "the log itself is whole; please report this");
    return ACT_ERR_CORRUPT;
}

/* One of another version of actant is not compared. */
static enum act_err
read_snapshot(struct verifying *v, struct act_buf *body, struct act_error *err)
{
    struct act_stored *stored = v->stored;
    struct act_run *other = act_run_create(stored->plan, &stored->blobs->loader);
    enum act_err code = stored->store->ops->read_snapshot(stored->store, stored->row.run, body,
                                                          &v->snapshot.seq, err);
    v->snapshot.body = act_buf_str(body);
    if (code == ACT_OK && act_run_load(other, v->snapshot.body, NULL) == ACT_ERR_NEWER)
        v->snapshot.seq = 0;
    act_run_destroy(other);
    return code;
}

static enum act_err
check_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct verifying *v = self;
    enum act_err code = act_run_replay(v->run, batch->body, err);
    if (code) {
        uint64_t at = act_run_next_seq(v->run) - 1;
        v->ret->seq = at > batch->first_seq ? at : batch->first_seq;
        return code;
    }
    if (v->snapshot.seq > 0 && act_run_next_seq(v->run) == v->snapshot.seq + 1)
        code = check_snapshot(v, err);
    if (!code)
        code = check_files(v, batch->body, err);
    if (!code)
        v->ret->events = batch->first_seq + batch->count - 1;
    return code;
}

/* The chain alone cannot tell that its end is gone; the list and the machine can. */
static enum act_err
check_end(struct verifying *v, struct act_error *err)
{
    enum act_status status = act_run_status(v->run);
    struct act_str listed = v->stored->row.status;
    if (status == ACT_STATUS_PENDING) /* a run and its first batch are written together */
        return say(v, 1, "its log is empty: the beginning is gone", err);
    v->ret->over = status >= ACT_STATUS_SUCCEEDED && status <= ACT_STATUS_CANCELLED;
    bool ends = v->ret->over || status == ACT_STATUS_SUSPENDED;
    bool listed_end = act_stored_ended(listed) || act_str_is(listed, "suspended");
    if (listed_end == ends && (!ends || act_str_is(listed, act_status_text(status))))
        return ACT_OK;
    if (!listed_end && v->ret->over)
        return say(v, v->ret->events, "the log ends the run, the list says that it has not ended",
                   err);
    if (!listed_end) /* quarantined, or taken up at this moment */
        return ACT_OK;
    struct act_buf what = {0};
    act_buf_printf(&what, "the run is listed as %.*s, but %s", ACT_STR_ARG(listed),
                   ends ? "the log ends it otherwise"
                        : "the log has no such end: events are missing");
    enum act_err code = say(v, v->ret->events + (ends ? 0 : 1), what.ptr, err);
    act_buf_fini(&what);
    return code;
}

static enum act_err
check_plan(struct verifying *v, struct act_error *err)
{
    char hex[2 * ACT_SHA256_BYTES + 1];
    uint8_t hash[ACT_SHA256_BYTES];
    act_plan_hash(v->stored->plan, hash);
    act_hex(hex, hash, sizeof(hash));
    return act_str_is(v->stored->row.plan_hash, hex)
               ? ACT_OK
               : say(v, 1, "its plan is not the one that it started with", err);
}

enum act_err
act_verify(struct act_stored *stored, struct act_verified *ret, struct act_error *err)
{
    struct verifying v = {.stored = stored, .ret = ret};
    *ret = (struct act_verified){0};
    enum act_err code = check_plan(&v, err);
    if (code)
        return code;
    code =
        stored->store->ops->folder(stored->store, stored->row.run, false, &v.arena, &v.folder, err);
    if (code)
        return code;
    struct act_buf snapshot = {0};
    v.run = act_run_create(stored->plan, &stored->blobs->loader);
    code = read_snapshot(&v, &snapshot, err);
    if (!code)
        code = stored->store->ops->read_batches(stored->store, stored->row.run, 1, check_batch, &v,
                                                err);
    if (!code)
        code = check_end(&v, err);
    if (code && ret->seq == 0)
        ret->seq = ret->events + 1;
    act_run_destroy(v.run);
    act_buf_fini(&snapshot);
    act_arena_fini(&v.arena);
    return code;
}
