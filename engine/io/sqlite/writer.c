/* The store's second way in: a connection of its own on a thread of its own, which commits the appends of many
 * runs in one transaction. It takes no ownership: the store that it came from has that, and who owns a run
 * appends through the one or the other.
 *
 * Invariant: an entry of s.owned stands where its run's log stands in the database; whenever that is in doubt (a
 * transaction failed, another owner begins) it is forgotten and looked up again. */
#include "base/assert.h"
#include "engine/io/sqlite/store.h"

struct sqlite_writer {
    struct act_store_writer base; /* first: the port is the whole */
    struct act_sqlite s;          /* without owners */
};

static struct sqlite_writer *
writer_of(struct act_store_writer *self)
{
    return (struct sqlite_writer *)self;
}

/* ---- where logs stand ---- */

static void
forget(struct act_sqlite *s, struct act_str run)
{
    struct act_owned *owned = act_sqlite_owned(s, run);
    if (!owned)
        return;
    act_free(owned->run);
    *owned = *act_vec_last(&s->owned);
    s->owned.len--;
}

static void
forget_all(struct act_sqlite *s)
{
    for (uint32_t i = 0; i < s->owned.len; i++)
        act_free(s->owned.ptr[i].run);
    act_vec_clear(&s->owned);
}

static enum act_err
look_up(struct act_sqlite *s, const struct act_store_job *job, struct act_owned **ret,
        struct act_error *err)
{
    struct act_run_place place;
    if (job->first)
        forget(s, job->run);
    *ret = act_sqlite_owned(s, job->run);
    if (*ret)
        return ACT_OK;
    enum act_err rc = act_sqlite_run_row(s, job->run, &place, err);
    if (rc != ACT_OK)
        return rc;
    struct act_owned owned = {.run = act_strndup(job->run.ptr, job->run.len), .row = place.row};
    owned.recovering = act_recoveries(s, owned.row) > 0;
    rc = act_batch_last(s, &owned, err);
    if (rc != ACT_OK) {
        act_free(owned.run);
        return rc;
    }
    act_vec_push(&s->owned, owned);
    *ret = act_vec_last(&s->owned);
    return ACT_OK;
}

/* ---- the transaction ---- */

static bool
concerns_one(enum act_err code)
{
    return code == ACT_ERR_INVALID || code == ACT_ERR_OWNED || code == ACT_ERR_LIMIT ||
           code == ACT_ERR_NOT_FOUND || code == ACT_ERR_CORRUPT;
}

static enum act_err
append(struct act_sqlite *s, struct act_store_job *job)
{
    struct act_owned *owned = NULL, after;
    enum act_err rc = look_up(s, job, &owned, &job->error);
    if (rc != ACT_OK)
        return rc;
    after = *owned;
    rc = act_batch_append(s, &after, job, &job->error);
    if (rc == ACT_OK)
        *owned = after;
    return rc;
}

/* One job in a savepoint. The code is not ACT_OK if all must be taken back. */
static enum act_err
append_or_undo(struct act_sqlite *s, struct act_store_job *job)
{
    struct act_error *err = &job->error;
    enum act_err rc = act_db_run(&s->db, ACT_SQL_SAVE, NULL, 0, err);
    if (rc != ACT_OK)
        return rc;
    job->code = append(s, job);
    if (job->code == ACT_OK)
        return act_db_run(&s->db, ACT_SQL_SAVE_END, NULL, 0, err);
    /* An error of SQLite's may have ended the whole transaction. */
    if (!concerns_one(job->code) || sqlite3_get_autocommit(s->db.sql))
        return job->code;
    rc = act_db_run(&s->db, ACT_SQL_SAVE_UNDO, NULL, 0, NULL);
    return rc == ACT_OK ? act_db_run(&s->db, ACT_SQL_SAVE_END, NULL, 0, NULL) : rc;
}

static void
fail_all(struct act_sqlite *s, struct act_store_job *const *jobs, uint32_t count, enum act_err code,
         const struct act_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        if (jobs[i]->code != ACT_OK && concerns_one(jobs[i]->code))
            continue; /* has a reason of its own */
        jobs[i]->code = code;
        jobs[i]->error = *error;
    }
    forget_all(s);
}

static enum act_err
write_all(struct act_sqlite *s, struct act_store_job *const *jobs, uint32_t count,
          struct act_error *err)
{
    bool sync = false;
    for (uint32_t i = 0; i < count; i++)
        sync = sync || jobs[i]->sync;
    enum act_err rc = act_db_begin(&s->db, sync, err);
    if (rc != ACT_OK)
        return rc;
    for (uint32_t i = 0; i < count && rc == ACT_OK; i++) {
        rc = append_or_undo(s, jobs[i]);
        if (rc != ACT_OK)
            *err = jobs[i]->error;
    }
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

static void
writer_commit(struct act_store_writer *self, struct act_store_job *const *jobs, uint32_t count)
{
    struct act_sqlite *s = &writer_of(self)->s;
    struct act_error error = {0};
    for (uint32_t i = 0; i < count; i++)
        jobs[i]->code = ACT_OK;
    enum act_err rc = write_all(s, jobs, count, &error);
    if (rc != ACT_OK)
        fail_all(s, jobs, count, rc, &error);
    for (uint32_t i = 0; rc == ACT_OK && i < count; i++) {
        if (jobs[i]->row && jobs[i]->row->ended_ms > 0)
            forget(s, jobs[i]->run);
    }
    act_checkpoint_here(&s->checkpointer, &s->db, ACT_CHECKPOINT_BUSY_PAGES);
}

static void
writer_maintain(struct act_store_writer *self)
{
    struct act_sqlite *s = &writer_of(self)->s;
    act_checkpoint_here(&s->checkpointer, &s->db, ACT_CHECKPOINT_IDLE_PAGES);
}

/* ---- life ---- */

static void
writer_close(struct act_store_writer *self)
{
    if (!self)
        return;
    struct act_sqlite *s = &writer_of(self)->s;
    act_checkpoint_fini(&s->checkpointer, &s->db);
    act_db_close(&s->db);
    forget_all(s);
    act_vec_fini(&s->owned);
    act_free(writer_of(self));
}

static const struct act_store_writer_ops ops = {
    .close = writer_close,
    .commit = writer_commit,
    .maintain = writer_maintain,
};

enum act_err
act_sqlite_open_writer(struct act_store *self, struct act_store_writer **ret, struct act_error *err)
{
    struct act_sqlite *store = act_sqlite_of(self);
    *ret = NULL;
    if (store->db.durability != ACT_DURABLE_POWER || store->db.exclusive || store->db.read_only)
        return ACT_OK;
    struct sqlite_writer *writer = act_zalloc(1, sizeof(*writer));
    struct act_db_options options = {.path = store->db.path,
                                     .vfs = store->vfs,
                                     .durability = store->db.durability,
                                     .busy_ms = store->db.busy_ms};
    writer->base.ops = &ops;
    writer->s.owners.fd = -1;
    enum act_err rc = act_db_open(&writer->s.db, &options, err);
    if (rc != ACT_OK) {
        act_free(writer);
        return rc;
    }
    writer->s.checkpointer.alarm = &store->alarm;
    store->lent = true;
    *ret = &writer->base;
    return ACT_OK;
}
