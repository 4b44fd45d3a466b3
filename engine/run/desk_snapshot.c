/* Snapshots of the run's state, so that who takes it up need not fold the whole log. One is taken with a
 * batch and kept when that is committed and its effects are done: nothing waits for it. It is a cache:
 * whatever is wrong with one, the log is folded from its beginning. */
#include "engine/run/desk.h"

/* One pays when so much log has come since the last, and FACTOR times what it took itself: then it
 * costs two hundredths or so of what the engine does in all. At a suspension, which is waited for anyway, sooner. */
#define LOG_BYTES (1024 * 1024)
#define LOG_BYTES_SUSPENDED (64 * 1024)
#define FACTOR 12
#define SNAPSHOT_BYTES_MAX (64 * 1024 * 1024)

static uint64_t
interval(const struct act_coord *crew, size_t bytes)
{
    uint64_t least = crew->options.snapshot_bytes, most = (uint64_t)bytes * FACTOR;
    if (least > 0)
        return least;
    return most > LOG_BYTES ? most : LOG_BYTES;
}

static bool
is_due(const struct act_desk *desk)
{
    const struct act_coord *crew = desk->crew;
    enum act_status status = act_run_status(desk->run);
    if (desk->keeping || desk->snapshot.len > 0)
        return false;
    uint64_t due = crew->snapshot_due > 0 ? crew->snapshot_due : interval(crew, 0);
    if (status == ACT_STATUS_SUSPENDED)
        return crew->log_bytes >= (due < LOG_BYTES_SUSPENDED ? due : LOG_BYTES_SUSPENDED);
    return !act_desk_is_end(status) && crew->log_bytes >= due;
}

/* The run stands where the batch ends. */
void
act_desk_take_snapshot(struct act_desk *desk, const struct act_batch *batch)
{
    struct act_coord *crew = desk->crew;
    if (!desk->open || !crew->options.store || batch->count == 0)
        return;
    crew->log_bytes += batch->body.len;
    if (!is_due(desk))
        return;
    bool fits = act_run_save(desk->run, SNAPSHOT_BYTES_MAX, &desk->snapshot);
    desk->snapshot_seq = batch->first_seq + batch->count - 1;
    crew->log_bytes = 0;
    crew->snapshot_due = interval(crew, fits ? desk->snapshot.len : SNAPSHOT_BYTES_MAX);
}

static void
destroy(void *self)
{
    struct act_kept *kept = self;
    act_buf_fini(&kept->body);
    act_free(kept);
}

/* Its batch is in the store, or (not committed) never will be. */
void
act_desk_keep_snapshot(struct act_desk *desk, bool committed)
{
    if (desk->snapshot.len == 0)
        return;
    if (!committed) {
        act_buf_clear(&desk->snapshot);
        return;
    }
    struct act_kept *kept = act_zalloc(1, sizeof(*kept));
    kept->seq = desk->snapshot_seq;
    kept->body = desk->snapshot;
    desk->snapshot = (struct act_buf){0};
    desk->keeping = true;
    act_crew_hand_over(desk->crew, ACT_CREW_WRITER, ACT_MESSAGE_SNAPSHOT, kept, sizeof(*kept),
                       destroy);
}

void
act_desk_snapshot_kept(struct act_desk *desk)
{
    desk->keeping = false;
    act_crew_want_turn(desk->crew); /* the end may have waited for it */
}

/* ---- reading ---- */

static void
begin_anew(struct act_desk *desk)
{
    struct act_coord *crew = desk->crew;
    act_run_destroy(crew->run);
    crew->run = desk->run = act_run_create(
        crew->options.plan, crew->options.blobs ? &crew->options.blobs->loader : NULL);
}

/* The newest snapshot, into the desk's run, which has just been made. The first event after it; 1: there
 * is none that can be used. Who watches a run that lives is told every batch, so the snapshot must not
 * be newer than what they have seen. */
uint64_t
act_desk_load_snapshot(struct act_desk *desk)
{
    struct act_coord *crew = desk->crew;
    struct act_store *store = crew->options.store;
    struct act_buf body = {0};
    uint64_t seq = 0;
    crew->log_bytes = 0;
    enum act_err code = store->ops->read_snapshot(store, crew->row.run, &body, &seq, NULL);
    bool wanted = code == ACT_OK && seq > 0 && (!crew->settled || seq <= crew->observed_seq);
    bool there = wanted && act_run_load(desk->run, act_buf_str(&body), NULL) == ACT_OK &&
                 act_run_next_seq(desk->run) == seq + 1;
    if (wanted && !there)
        begin_anew(desk);
    if (there) {
        crew->snapshot_due = interval(crew, body.len);
        if (seq > crew->committed_seq)
            crew->committed_seq = seq;
    }
    act_buf_fini(&body);
    return there ? seq + 1 : 1;
}

void
act_desk_drop_snapshot(struct act_desk *desk)
{
    desk->crew->log_bytes = 0;
    begin_anew(desk);
}
