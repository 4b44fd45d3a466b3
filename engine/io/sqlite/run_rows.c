#include "engine/io/sqlite/store.h"

static bool
owned_by_us(const struct act_sqlite *s, int64_t row)
{
    for (uint32_t i = 0; i < s->owned.len; i++)
        if (s->owned.ptr[i].row == row)
            return true;
    return false;
}

static enum act_err
read_json(struct act_sqlite *s, sqlite3_stmt *stmt, int at, struct act_value **ret,
          struct act_error *err)
{
    if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
        return ACT_OK;
    if (act_json_parse(act_db_column(stmt, at), 0, ret, NULL) == ACT_OK)
        return ACT_OK;
    act_error_set(err, ACT_ERR_CORRUPT, "the entry of a run is damaged");
    act_error_place(err, "%s", s->db.path);
    return ACT_ERR_CORRUPT;
}

/* The columns of RUN_LAST and its like. */
static enum act_err
read_row(struct act_sqlite *s, sqlite3_stmt *stmt, struct act_arena *arena, struct act_run_row *ret,
         struct act_error *err)
{
    int64_t id = sqlite3_column_int64(stmt, 0);
    struct act_str status = act_db_column(stmt, 3);
    bool running = act_str_is(status, "running");
    if ((running || act_str_is(status, "suspended")) && !owned_by_us(s, id) &&
        !act_owners_taken(&s->owners, id) &&
        !(running && act_sqlite_is_kept(s, act_db_column(stmt, 1), NULL))) {
        if (act_recoveries(s, id) >= ACT_RECOVERIES_MAX)
            status = ACT_STR("quarantined");
        else if (running)
            status = ACT_STR("interrupted");
    }
    struct act_run_row row = {
        .run = act_arena_str(arena, act_db_column(stmt, 1)),
        .workflow = act_arena_str(arena, act_db_column(stmt, 2)),
        .status = act_arena_str(arena, status),
        .started_ms = sqlite3_column_int64(stmt, 4),
        .ended_ms = sqlite3_column_int64(stmt, 5),
        .duration_ms = sqlite3_column_int64(stmt, 6),
        .path = act_arena_str(arena, act_db_column(stmt, 7)),
        .plan_hash = act_arena_str(arena, act_db_column(stmt, 8)),
    };
    enum act_err rc = read_json(s, stmt, 9, &row.spec, err);
    if (rc == ACT_OK)
        rc = read_json(s, stmt, 10, &row.from, err);
    if (rc == ACT_OK) {
        *ret = row;
    } else {
        act_value_release(row.spec);
        act_value_release(row.from);
    }
    return rc;
}

static enum act_err
find_last(struct act_sqlite *s, struct act_arena *arena, struct act_run_row *ret,
          struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_RUN_LAST, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, &found, err);
    if (rc == ACT_OK && !found) {
        act_error_set(err, ACT_ERR_NOT_FOUND, "there is no run yet");
        act_error_place(err, "%s", s->db.path);
        act_error_hint(err, "`actant run FILE` makes one");
        return ACT_ERR_NOT_FOUND;
    }
    if (rc == ACT_OK) {
        rc = read_row(s, stmt, arena, ret, err);
        sqlite3_reset(stmt);
    }
    return rc;
}

static enum act_err
ambiguous(struct act_str id, const struct act_buf *names, struct act_error *err)
{
    act_error_set(err, ACT_ERR_INVALID, "several runs begin with '%.*s':%s", ACT_STR_ARG(id),
                  names->ptr);
    act_error_hint(err, "write more of the one you mean");
    return ACT_ERR_INVALID;
}

enum act_err
act_sqlite_find_run(struct act_store *self, struct act_str id, struct act_arena *arena,
                    struct act_run_row *ret, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    if (act_str_is(id, "last"))
        return find_last(s, arena, ret, err);
    enum act_err rc = act_sqlite_run_id(id, err);
    sqlite3_stmt *stmt;
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_RUN_FROM, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    act_db_bind_text(stmt, 1, id);
    struct act_buf names = {0};
    struct act_run_row row = {0};
    int count = 0;
    for (bool found = true, exact = false; !exact;) {
        rc = act_db_step(&s->db, stmt, &found, err);
        struct act_str name = rc == ACT_OK && found ? act_db_column(stmt, 1) : (struct act_str){0};
        if (rc != ACT_OK || !found || !act_str_starts(name, id))
            break;
        exact = act_str_eq(name, id); /* the smallest with this prefix, so it comes first */
        act_buf_printf(&names, " %.*s", ACT_STR_ARG(name));
        if (count++ == 0 && (rc = read_row(s, stmt, arena, &row, err)) != ACT_OK)
            break;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (rc == ACT_OK && count == 0)
        rc = act_sqlite_no_run(s, id, err);
    if (rc == ACT_OK && count > 1)
        rc = ambiguous(id, &names, err);
    act_buf_fini(&names);
    if (rc == ACT_OK) {
        *ret = row;
    } else {
        act_value_release(row.spec);
        act_value_release(row.from);
    }
    return rc;
}

enum act_err
act_sqlite_list_runs(struct act_store *self, struct act_str workflow, struct act_str status,
                     uint32_t limit, struct act_arena *arena, act_run_rows *ret,
                     struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    sqlite3_stmt *stmt;
    enum act_sql id = workflow.len > 0 ? ACT_SQL_RUN_LIST_OF : ACT_SQL_RUN_LIST;
    enum act_err rc = act_db_prepare(&s->db, id, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    if (workflow.len > 0)
        act_db_bind_text(stmt, 1, workflow);
    uint32_t before = ret->len;
    for (bool found = true; limit == 0 || ret->len - before < limit;) {
        struct act_run_row row;
        rc = act_db_step(&s->db, stmt, &found, err);
        if (rc == ACT_OK && found)
            rc = read_row(s, stmt, arena, &row, err);
        if (rc != ACT_OK || !found)
            break;
        if (status.len == 0 || act_str_eq(row.status, status)) {
            act_vec_push(ret, row);
            continue;
        }
        act_value_release(row.spec);
        act_value_release(row.from);
    }
    sqlite3_finalize(stmt);
    while (rc != ACT_OK && ret->len > before) {
        act_value_release(act_vec_last(ret)->spec);
        act_value_release(act_vec_pop(ret).from);
    }
    return rc;
}

enum act_err
act_sqlite_read_plan(struct act_store *self, struct act_str run, struct act_arena *arena,
                     struct act_str *ret, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_PLAN_READ, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, place.row);
    rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK)
        return rc;
    struct act_str bytes = found ? act_db_column(stmt, 0) : (struct act_str){0};
    struct act_str content = found ? act_db_column(stmt, 1) : (struct act_str){0};
    struct act_sha256 h;
    uint8_t hash[ACT_SHA256_BYTES];
    act_sha256_init(&h);
    act_sha256_update(&h, bytes.ptr, bytes.len);
    act_sha256_final(&h, hash);
    if (act_str_eq(content, act_str_n((char *)hash, sizeof(hash)))) {
        *ret = act_arena_str(arena, bytes);
    } else {
        rc = act_error_set(err, ACT_ERR_CORRUPT, "the plan of run %.*s is damaged",
                           ACT_STR_ARG(run));
        act_error_place(err, "%s", s->db.path);
    }
    sqlite3_reset(stmt);
    return rc;
}
