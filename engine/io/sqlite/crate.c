/* One run from one database into another, and the files of a run as rows. `outputs` is no table of the
 * schema: a crate alone has it, and every one. */
#include "engine/io/sqlite/store.h"

#include <inttypes.h>

/* ---- a run ---- */

struct copying {
    struct act_sqlite *to;
    int64_t row;
    uint8_t hash[ACT_SHA256_BYTES];
};

static enum act_err
copy_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct copying *copying = self;
    return act_batch_insert(copying->to, copying->row, copying->hash, batch, copying->hash, err);
}

static enum act_err
copy_states(struct act_sqlite *to, int64_t row, struct act_sqlite *from, int64_t from_row,
            struct act_error *err)
{
    sqlite3_stmt *read, *add;
    enum act_err rc = act_db_stmt(&from->db, ACT_SQL_ACTORS_OF, &read, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(read, 1, from_row);
    for (bool found = true; rc == ACT_OK;) {
        rc = act_db_step(&from->db, read, &found, err);
        if (rc != ACT_OK || !found)
            return rc;
        rc = act_db_stmt(&to->db, ACT_SQL_ACTOR_SAVE, &add, err);
        if (rc != ACT_OK)
            break;
        sqlite3_bind_int64(add, 1, row);
        for (int i = 0; i < 5; i++)
            sqlite3_bind_value(add, i + 2, sqlite3_column_value(read, i));
        sqlite3_bind_int64(add, 7, 0);
        rc = act_db_step(&to->db, add, NULL, err);
        sqlite3_clear_bindings(add);
    }
    sqlite3_reset(read);
    return rc;
}

static enum act_err
copy_rows(struct act_sqlite *to, struct act_sqlite *from, const struct act_run_row *row,
          struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_run_place place;
    struct act_str plan;
    int64_t plan_row = 0;
    struct copying copying = {.to = to};
    enum act_err rc = act_sqlite_run_row(from, row->run, &place, err);
    if (rc == ACT_OK)
        rc = act_sqlite_read_plan(&from->base, row->run, &arena, &plan, err);
    if (rc == ACT_OK)
        rc = act_sqlite_keep_plan(to, row->plan_hash, plan, &plan_row, err);
    if (rc == ACT_OK)
        rc = act_sqlite_insert_run(to, row, plan_row, err);
    if (rc == ACT_OK) {
        copying.row = sqlite3_last_insert_rowid(to->db.sql);
        act_batch_origin(row->run, copying.hash);
        rc = act_sqlite_read_batches(&from->base, row->run, 1, copy_batch, &copying, err);
    }
    if (rc == ACT_OK)
        rc = copy_states(to, copying.row, from, place.row, err);
    act_arena_fini(&arena);
    return rc;
}

enum act_err
act_sqlite_copy_run(struct act_store *self, struct act_store *from, const struct act_run_row *row,
                    struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    enum act_err rc = act_sqlite_run_id(row->run, err);
    if (rc == ACT_OK)
        rc = act_db_begin(&s->db, true, err);
    if (rc != ACT_OK)
        return rc;
    rc = act_sqlite_run_row(s, row->run, &place, NULL);
    if (rc == ACT_OK)
        rc = act_error_set(err, ACT_ERR_EXISTS, "there is a run %.*s already",
                           ACT_STR_ARG(row->run));
    else if (rc == ACT_ERR_NOT_FOUND)
        rc = copy_rows(s, act_sqlite_of(from), row, err);
    else
        rc = act_db_error(&s->db, SQLITE_CORRUPT, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

/* ---- files ---- */

static void
hash_part(struct act_str bytes, uint8_t ret[ACT_SHA256_BYTES])
{
    struct act_sha256 h;
    act_sha256_init(&h);
    act_sha256_update(&h, bytes.ptr, bytes.len);
    act_sha256_final(&h, ret);
}

static enum act_err
make_table(struct act_sqlite *s, struct act_error *err)
{
    static const char table[] =
        "CREATE TABLE IF NOT EXISTS outputs (run INTEGER NOT NULL, name TEXT NOT NULL,"
        " at INTEGER NOT NULL, bytes BLOB NOT NULL, hash BLOB NOT NULL, UNIQUE (run, name, at))";
    int sql = sqlite3_exec(s->db.sql, table, NULL, NULL, NULL);
    return sql == SQLITE_OK ? ACT_OK : act_db_error(&s->db, sql, err);
}

static enum act_err
add_output(struct act_sqlite *s, int64_t row, struct act_str name, uint64_t offset,
           struct act_str bytes, struct act_error *err)
{
    sqlite3_stmt *stmt;
    uint8_t hash[ACT_SHA256_BYTES];
    enum act_err rc = make_table(s, err);
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_OUTPUT_ADD, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    hash_part(bytes, hash);
    sqlite3_bind_int64(stmt, 1, row);
    act_db_bind_text(stmt, 2, name);
    sqlite3_bind_int64(stmt, 3, (int64_t)offset);
    act_db_bind_blob(stmt, 4, bytes);
    sqlite3_bind_blob(stmt, 5, hash, sizeof(hash), SQLITE_STATIC);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    return rc;
}

enum act_err
act_sqlite_keep_output(struct act_store *self, struct act_str run, struct act_str name,
                       uint64_t offset, struct act_str bytes, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    enum act_err rc = act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_OK)
        rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = add_output(s, place.row, name, offset, bytes, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

static enum act_err
damaged(struct act_str name, uint64_t offset, struct act_error *err)
{
    return act_error_set(err, ACT_ERR_CORRUPT, "output file %.*s is damaged at byte %" PRIu64,
                         (int)(name.len < 80 ? name.len : 80), name.ptr, offset);
}

enum act_err
act_sqlite_read_outputs(struct act_store *self, struct act_str run,
                        enum act_err (*fn)(void *self, struct act_str name, uint64_t offset,
                                           struct act_str bytes, struct act_error *err),
                        void *fn_self, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    sqlite3_stmt *stmt;
    bool found = false;
    uint8_t hash[ACT_SHA256_BYTES];
    enum act_err rc = act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_OUTPUT_TABLE, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK || !found)
        return rc;
    sqlite3_reset(stmt);
    rc = act_db_stmt(&s->db, ACT_SQL_OUTPUT_READ, &stmt, err);
    if (rc == ACT_OK)
        sqlite3_bind_int64(stmt, 1, place.row);
    while (rc == ACT_OK && (rc = act_db_step(&s->db, stmt, &found, err)) == ACT_OK && found) {
        struct act_str name = act_db_column(stmt, 0), bytes = act_db_column(stmt, 2);
        uint64_t offset = (uint64_t)sqlite3_column_int64(stmt, 1);
        hash_part(bytes, hash);
        if (act_str_eq(act_db_column(stmt, 3), act_str_n((const char *)hash, sizeof(hash))))
            rc = fn(fn_self, name, offset, bytes, err);
        else
            rc = damaged(name, offset, err);
    }
    if (rc != ACT_OK || found)
        sqlite3_reset(stmt);
    return rc;
}

enum act_err
act_sqlite_seal(struct act_store *self, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = make_table(s, err);
    if (rc == ACT_OK)
        rc = act_db_commit(&s->db, err);
    else
        act_db_rollback(&s->db);
    if (rc != ACT_OK)
        return rc;
    int sql = sqlite3_exec(s->db.sql, "PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)",
                           NULL, NULL, NULL);
    return sql == SQLITE_OK ? ACT_OK : act_db_error(&s->db, sql, err);
}
