#include "engine/io/sqlite/store.h"

enum act_err
act_inbox_add(struct act_sqlite *s, const struct act_inbox_row *row, struct act_error *err)
{
    struct act_run_place place;
    sqlite3_stmt *stmt;
    enum act_err rc = act_sqlite_run_row(s, row->run, &place, err);
    if (rc == ACT_OK && place.ended) {
        rc = act_error_set(
            err, ACT_ERR_INVALID, "run %.*s has ended (it %s%s)", ACT_STR_ARG(row->run),
            act_str_is(act_str(place.status), "cancelled") ? "was " : "", place.status);
        act_error_hint(err, "`actant rerun %.*s` starts it anew", ACT_STR_ARG(row->run));
    }
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_INBOX_ADD, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, place.row);
    act_db_bind_text(stmt, 2, row->kind);
    act_db_bind_text(stmt, 3, row->name);
    act_db_bind_text(stmt, 4, row->body);
    act_db_bind_text(stmt, 5, row->who);
    sqlite3_bind_int64(stmt, 6, row->at_ms);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    s->posts++;
    return rc;
}

enum act_err
act_sqlite_post(struct act_store *self, const struct act_inbox_row *row, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = act_inbox_add(s, row, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

enum act_err
act_sqlite_inbox(struct act_store *self, struct act_str run, struct act_arena *arena,
                 act_inbox_rows *ret, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    struct act_run_place place = {.row = owned ? owned->row : 0};
    sqlite3_stmt *stmt;
    enum act_err rc = owned ? ACT_OK : act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_INBOX_READ, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, place.row);
    for (bool found = true;;) {
        rc = act_db_step(&s->db, stmt, &found, err);
        if (rc != ACT_OK || !found)
            return rc;
        struct act_inbox_row row = {
            .id = (uint64_t)sqlite3_column_int64(stmt, 0),
            .run = act_arena_str(arena, run),
            .kind = act_arena_str(arena, act_db_column(stmt, 1)),
            .name = act_arena_str(arena, act_db_column(stmt, 2)),
            .body = act_arena_str(arena, act_db_column(stmt, 3)),
            .who = act_arena_str(arena, act_db_column(stmt, 4)),
            .at_ms = sqlite3_column_int64(stmt, 5),
        };
        act_vec_push(ret, row);
    }
}

bool
act_sqlite_changed(struct act_store *self, struct act_str run)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    sqlite3_stmt *stmt;
    bool found = false;
    if (!owned)
        return true;
    /* When it cannot be told, looking is what finds out why. */
    if (act_db_stmt(&s->db, ACT_SQL_DATA_VERSION, &stmt, NULL) != ACT_OK ||
        act_db_step(&s->db, stmt, &found, NULL) != ACT_OK || !found)
        return true;
    int64_t version = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    bool changed = version != owned->data_version || s->posts != owned->posts;
    owned->data_version = version;
    owned->posts = s->posts;
    return changed;
}
