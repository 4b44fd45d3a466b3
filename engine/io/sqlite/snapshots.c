/* Folded states of living runs, one a run, beside the log that they were folded from. What is stored is
 * bound to that log: its hash is taken over the log's hash at that event and over the state, so that
 * one of another log, of a log that was cut, or a damaged one is not there. */
#include "engine/io/sqlite/store.h"

static void
hash_of(struct act_str chain, struct act_str body, uint8_t ret[ACT_SHA256_BYTES])
{
    struct act_sha256 h;
    act_sha256_init(&h);
    act_sha256_update(&h, chain.ptr, chain.len);
    act_sha256_update(&h, body.ptr, body.len);
    act_sha256_final(&h, ret);
}

enum act_err
act_snapshot_forget(struct act_sqlite *s, int64_t row, struct act_error *err)
{
    return act_db_run(&s->db, ACT_SQL_SNAPSHOT_REMOVE, &row, 1, err);
}

static enum act_err
insert(struct act_sqlite *s, const struct act_owned *owned, const struct act_snapshot *snapshot,
       struct act_error *err)
{
    sqlite3_stmt *stmt;
    uint8_t hash[ACT_SHA256_BYTES];
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_SNAPSHOT_SAVE, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    hash_of(act_str_n((const char *)owned->hash, sizeof(owned->hash)), snapshot->body, hash);
    sqlite3_bind_int64(stmt, 1, owned->row);
    sqlite3_bind_int64(stmt, 2, (int64_t)snapshot->seq);
    sqlite3_bind_blob(stmt, 3, hash, sizeof(hash), SQLITE_STATIC);
    act_db_bind_blob(stmt, 4, snapshot->body);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    return rc;
}

enum act_err
act_sqlite_save_snapshot(struct act_store *self, struct act_str run,
                         const struct act_snapshot *snapshot, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    if (owned && s->lent && act_batch_last(s, owned, err) != ACT_OK)
        return ACT_ERR_CORRUPT;
    if (!owned || snapshot->seq + 1 != owned->next_seq)
        return act_error_set(err, ACT_ERR_INVALID, "the snapshot is not of the newest event");
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    owned->no_snapshot = false;
    rc = insert(s, owned, snapshot, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

/* The log's hash after event seq; false: no batch ends there. */
static bool
chain_at(struct act_sqlite *s, int64_t row, uint64_t seq, uint8_t ret[ACT_SHA256_BYTES])
{
    sqlite3_stmt *stmt;
    bool found = false;
    if (seq == 0 || seq > ACT_SEQ_MAX ||
        act_db_stmt(&s->db, ACT_SQL_BATCH_LAST, &stmt, NULL) != ACT_OK)
        return false;
    sqlite3_bind_int64(stmt, 1, act_position(row, 0));
    sqlite3_bind_int64(stmt, 2, act_position(row, seq));
    if (act_db_step(&s->db, stmt, &found, NULL) != ACT_OK || !found)
        return false;
    uint64_t first = (uint64_t)sqlite3_column_int64(stmt, 0) & ACT_SEQ_MAX;
    uint64_t count = (uint64_t)sqlite3_column_int64(stmt, 1);
    struct act_str hash = act_db_column(stmt, 2);
    found = first + count == seq + 1 && hash.len == ACT_SHA256_BYTES;
    if (found)
        memcpy(ret, hash.ptr, hash.len);
    sqlite3_reset(stmt);
    return found;
}

/* An older database, opened for reading, has no such table: then there is none. */
enum act_err
act_sqlite_read_snapshot(struct act_store *self, struct act_str run, struct act_buf *body,
                         uint64_t *seq, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    sqlite3_stmt *stmt;
    bool found = false;
    uint8_t chain[ACT_SHA256_BYTES], hash[ACT_SHA256_BYTES];
    *seq = 0;
    enum act_err rc = act_sqlite_run_row(s, run, &place, err);
    if (rc != ACT_OK)
        return rc;
    if (act_db_stmt(&s->db, ACT_SQL_SNAPSHOT_READ, &stmt, NULL) != ACT_OK)
        return ACT_OK;
    sqlite3_bind_int64(stmt, 1, place.row);
    if (act_db_step(&s->db, stmt, &found, NULL) != ACT_OK || !found)
        return ACT_OK;
    uint64_t at = (uint64_t)sqlite3_column_int64(stmt, 0);
    struct act_str stored = act_db_column(stmt, 1), bytes = act_db_column(stmt, 2);
    if (chain_at(s, place.row, at, chain)) {
        hash_of(act_str_n((const char *)chain, sizeof(chain)), bytes, hash);
        if (act_str_eq(stored, act_str_n((const char *)hash, sizeof(hash)))) {
            act_buf_add_str(body, bytes);
            *seq = at;
        }
    }
    sqlite3_reset(stmt);
    return ACT_OK;
}
