#include "engine/io/sqlite/store.h"

#include <inttypes.h>
#include <stdio.h>

#define RUN_ID_MAX 128

enum act_err
act_sqlite_run_id(struct act_str run, struct act_error *err)
{
    bool ok = run.len > 0 && run.len <= RUN_ID_MAX && run.ptr[0] != '.';
    for (size_t i = 0; ok && i < run.len; i++) {
        char c = run.ptr[i];
        ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '-' || c == '_' || c == '.';
    }
    if (ok)
        return ACT_OK;
    act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no run", run.len > 64 ? 64 : (int)run.len,
                  run.ptr ? run.ptr : "");
    act_error_hint(err, "`actant history list` shows the runs");
    return ACT_ERR_INVALID;
}

bool
act_sqlite_is_end(struct act_str status)
{
    return act_str_is(status, "succeeded") || act_str_is(status, "failed") ||
           act_str_is(status, "cancelled");
}

struct act_owned *
act_sqlite_owned(struct act_sqlite *s, struct act_str run)
{
    for (uint32_t i = 0; i < s->owned.len; i++)
        if (act_str_is(run, s->owned.ptr[i].run))
            return &s->owned.ptr[i];
    return NULL;
}

enum act_err
act_sqlite_no_run(struct act_sqlite *s, struct act_str run, struct act_error *err)
{
    act_error_set(err, ACT_ERR_NOT_FOUND, "there is no run %.*s", ACT_STR_ARG(run));
    act_error_place(err, "%s", s->db.path);
    act_error_hint(err, "`actant history list` shows the runs of this database");
    return ACT_ERR_NOT_FOUND;
}

enum act_err
act_sqlite_run_row(struct act_sqlite *s, struct act_str run, struct act_run_place *ret,
                   struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_RUN_ROW, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    act_db_bind_text(stmt, 1, run);
    rc = act_db_step(&s->db, stmt, &found, err);
    if (rc == ACT_OK && !found)
        rc = act_sqlite_no_run(s, run, err);
    if (rc == ACT_OK) {
        struct act_str status = act_db_column(stmt, 1);
        ret->row = sqlite3_column_int64(stmt, 0);
        ret->plan = sqlite3_column_int64(stmt, 2);
        snprintf(ret->status, sizeof(ret->status), "%.*s", ACT_STR_ARG(status));
        ret->ended = act_sqlite_is_end(status);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static enum act_err
owned_elsewhere(struct act_str run, int64_t pid, struct act_error *err)
{
    if (pid > 0)
        act_error_set(err, ACT_ERR_OWNED, "run %.*s is being run by process %" PRId64,
                      ACT_STR_ARG(run), pid);
    else
        act_error_set(err, ACT_ERR_OWNED, "run %.*s is being run by another process",
                      ACT_STR_ARG(run));
    act_error_hint(err, "`actant logs -f %.*s` follows it, `actant cancel %.*s` ends it",
                   ACT_STR_ARG(run), ACT_STR_ARG(run));
    return ACT_ERR_OWNED;
}

static struct act_owned *
remember(struct act_sqlite *s, struct act_str run, int64_t row)
{
    act_vec_push(
        &s->owned,
        ((struct act_owned){.run = act_strndup(run.ptr, run.len), .row = row, .data_version = -1}));
    return act_vec_last(&s->owned);
}

static void
forget(struct act_sqlite *s, struct act_owned *owned)
{
    act_recovery_ended(s, owned);
    act_owners_drop(&s->owners, owned->row);
    act_free(owned->run);
    *owned = *act_vec_last(&s->owned);
    s->owned.len--;
}

void
act_sqlite_disown(struct act_store *self, struct act_str run)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    if (owned)
        forget(s, owned);
}

/* What an earlier owner held of limits ended with it: each attempt takes its limits anew. */
static enum act_err
forget_limits(struct act_sqlite *s, int64_t row, struct act_error *err)
{
    bool any = false;
    enum act_err rc = act_limits_any(s, row, &any, err);
    if (rc != ACT_OK || !any)
        return rc;
    rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = act_limits_forget(s, row, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

enum act_err
act_sqlite_own(struct act_store *self, struct act_str run, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    int64_t pid = 0;
    if (act_sqlite_owned(s, run))
        return ACT_OK;
    enum act_err rc = act_sqlite_run_row(s, run, &place, err);
    if (rc != ACT_OK)
        return rc;
    if (s->db.read_only)
        return act_error_set(err, ACT_ERR_READ_ONLY, "the database is open for reading only");
    bool going = act_str_is(act_str(place.status), "running");
    if (going && !s->kept && act_sqlite_is_kept(s, run, &pid))
        return owned_elsewhere(run, pid, err);
    if (!act_owners_take(&s->owners, place.row, &pid))
        return owned_elsewhere(run, pid, err);
    struct act_owned *owned = remember(s, run, place.row);
    /* Read again: it may have been removed, or gone on, before the lock was ours. */
    rc = act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_OK && place.row != owned->row)
        rc = act_sqlite_no_run(s, run, err);
    if (rc == ACT_OK)
        rc = act_batch_last(s, owned, err);
    if (rc == ACT_OK)
        rc = forget_limits(s, owned->row, err);
    if (rc != ACT_OK)
        forget(s, owned);
    return rc;
}

/* The row of the plan with these bytes, added if it is new. */
enum act_err
act_sqlite_keep_plan(struct act_sqlite *s, struct act_str plan_hash, struct act_str bytes,
                     int64_t *ret, struct act_error *err)
{
    struct act_sha256 h;
    uint8_t content[ACT_SHA256_BYTES];
    act_sha256_init(&h);
    act_sha256_update(&h, bytes.ptr, bytes.len);
    act_sha256_final(&h, content);

    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_PLAN_FIND, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_blob(stmt, 1, content, sizeof(content), SQLITE_STATIC);
    rc = act_db_step(&s->db, stmt, &found, err);
    if (rc == ACT_OK && found)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (rc != ACT_OK || found)
        return rc;

    rc = act_db_stmt(&s->db, ACT_SQL_PLAN_ADD, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_blob(stmt, 1, content, sizeof(content), SQLITE_STATIC);
    act_db_bind_text(stmt, 2, plan_hash);
    act_db_bind_blob(stmt, 3, bytes);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    if (rc == ACT_OK)
        *ret = sqlite3_last_insert_rowid(s->db.sql);
    return rc;
}

static void
bind_json(sqlite3_stmt *stmt, int at, const struct act_value *v, struct act_buf *text)
{
    if (!v)
        return;
    act_json_write(text, v, 0);
    act_db_bind_text(stmt, at, act_buf_str(text));
}

static enum act_err
not_added(struct act_sqlite *s, struct act_str run, struct act_error *err)
{
    struct act_run_place place;
    if (act_sqlite_run_row(s, run, &place, NULL) != ACT_OK)
        return act_db_error(&s->db, SQLITE_CORRUPT, err);
    return act_error_set(err, ACT_ERR_EXISTS, "there is a run %.*s already", ACT_STR_ARG(run));
}

enum act_err
act_sqlite_insert_run(struct act_sqlite *s, const struct act_run_row *row, int64_t plan,
                      struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_RUN_ADD, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    struct act_buf spec = {0}, from = {0};
    act_db_bind_text(stmt, 1, row->run);
    act_db_bind_text(stmt, 2, row->workflow);
    act_db_bind_text(stmt, 3, row->status);
    sqlite3_bind_int64(stmt, 4, row->started_ms);
    sqlite3_bind_int64(stmt, 5, row->ended_ms);
    sqlite3_bind_int64(stmt, 6, row->duration_ms);
    act_db_bind_text(stmt, 7, row->path);
    act_db_bind_text(stmt, 8, row->plan_hash);
    sqlite3_bind_int64(stmt, 9, plan);
    bind_json(stmt, 10, row->spec, &spec);
    bind_json(stmt, 11, row->from, &from);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    act_buf_fini(&spec);
    act_buf_fini(&from);
    if (rc == ACT_OK && sqlite3_changes(s->db.sql) == 0)
        rc = not_added(s, row->run, err);
    return rc;
}

enum act_err
act_sqlite_create_run(struct act_store *self, const struct act_run_row *row,
                      struct act_str plan_bytes, const struct act_batch *first,
                      struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    enum act_err rc = act_sqlite_run_id(row->run, err);
    if (rc != ACT_OK)
        return rc;
    rc = act_db_begin(&s->db, first && first->sync, err);
    if (rc != ACT_OK)
        return rc;
    struct act_owned *owned = NULL;
    int64_t plan = 0, pid = 0;
    rc = act_sqlite_keep_plan(s, row->plan_hash, plan_bytes, &plan, err);
    if (rc == ACT_OK)
        rc = act_sqlite_insert_run(s, row, plan, err);
    if (rc == ACT_OK) {
        int64_t id = sqlite3_last_insert_rowid(s->db.sql);
        if (act_owners_take(&s->owners, id, &pid)) {
            owned = remember(s, row->run, id);
            owned->next_seq = 1;
            owned->no_snapshot = true;
            act_batch_origin(row->run, owned->hash);
        } else {
            rc = owned_elsewhere(row->run, pid, err);
        }
    }
    if (rc == ACT_OK)
        rc = act_actors_copy(s, owned->row, row->states, err);
    if (rc == ACT_OK && first && first->count > 0) {
        rc = act_batch_insert(s, owned->row, owned->hash, first, owned->hash, err);
        owned->next_seq = first->first_seq + first->count;
    }
    if (rc == ACT_OK)
        rc = act_db_commit(&s->db, err);
    else
        act_db_rollback(&s->db);
    if (rc != ACT_OK && owned)
        forget(s, owned);
    return rc;
}

static enum act_err
remove_rows(struct act_sqlite *s, const struct act_run_place *place, struct act_error *err)
{
    int64_t row[] = {place->row};
    int64_t range[] = {act_position(place->row, 0), act_position(place->row + 1, 0) - 1};
    int64_t plan[] = {place->plan};
    enum act_err rc = act_db_run(&s->db, ACT_SQL_BATCH_REMOVE, range, 2, err);
    if (rc == ACT_OK)
        rc = act_db_run(&s->db, ACT_SQL_INBOX_REMOVE, row, 1, err);
    if (rc == ACT_OK)
        rc = act_recoveries_clear(s, place->row, err);
    if (rc == ACT_OK)
        rc = act_snapshot_forget(s, place->row, err);
    if (rc == ACT_OK)
        rc = act_db_run(&s->db, ACT_SQL_CACHE_REMOVE, row, 1, err);
    if (rc == ACT_OK)
        rc = act_limits_forget(s, place->row, err);
    if (rc == ACT_OK)
        rc = act_actors_forget(s, place->row, err);
    if (rc == ACT_OK)
        rc = act_db_run(&s->db, ACT_SQL_RUN_REMOVE, row, 1, err);
    if (rc == ACT_OK)
        rc = act_db_run(&s->db, ACT_SQL_PLAN_SWEEP, plan, 1, err);
    return rc;
}

enum act_err
act_sqlite_remove_run(struct act_store *self, struct act_str run, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    bool ours = act_sqlite_owned(s, run) != NULL;
    enum act_err rc = act_sqlite_own(self, run, err);
    if (rc == ACT_OK)
        rc = act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_OK && !place.ended) {
        rc = act_error_set(err, ACT_ERR_INVALID, "run %.*s has not ended (it is %s)",
                           ACT_STR_ARG(run), place.status);
        act_error_hint(err, "`actant resume` or `actant cancel` it first");
    }
    if (rc == ACT_OK)
        rc = act_db_begin(&s->db, false, err);
    if (rc == ACT_OK) {
        act_litter_mark(s, run);
        rc = remove_rows(s, &place, err);
        if (rc == ACT_OK)
            rc = act_db_commit(&s->db, err);
        else
            act_db_rollback(&s->db);
    }
    /* The folder last: a folder without a run is litter, a run without its folder is a loss. */
    if (rc == ACT_OK)
        rc = act_folder_remove(s, run, err);
    if (rc == ACT_OK)
        act_litter_unmark(s, run);
    if (!ours || rc == ACT_OK)
        act_sqlite_disown(self, run);
    return rc;
}

enum act_err
act_sqlite_run_bytes(struct act_store *self, struct act_str run, struct act_store_links *links,
                     uint64_t *ret, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_BATCH_BYTES, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, act_position(place.row, 0));
    sqlite3_bind_int64(stmt, 2, act_position(place.row + 1, 0) - 1);
    rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK)
        return rc;
    *ret = (found ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0) + act_folder_bytes(s, run, links);
    sqlite3_reset(stmt);
    return ACT_OK;
}
