/* Limits over all runs of a database. A run says how large it takes a limit to be when it first asks
 * for it (limit_sizes); what all living runs say holds together, so the smallest decides. A limit of
 * so many at once counts rows of limit_holds; one of so many per time looks at when the n-th newest
 * grant was. Runs that nobody alive owns do not count: their rows are swept when they are met. */
#include "engine/io/sqlite/store.h"

/* How long to wait before asking again when somebody has to finish first. */
#define ASK_AGAIN_MS 100
/* Grants that lie further in the future were made under a clock that was wrong. */
#define CLOCK_SLACK_MS 1000

struct want {
    struct act_str name;
    int64_t count, per_ms; /* per_ms 0: at once */
};

static enum act_err
read_want(const struct act_value *limits, uint32_t i, struct want *ret, struct act_error *err)
{
    const struct act_value *v = act_value_at(limits, i);
    const struct act_value *count = act_value_get(v, ACT_STR("count"));
    const struct act_value *per = act_value_get(v, ACT_STR("per_ms"));
    *ret = (struct want){.name = act_value_key(limits, i), .count = 1};
    bool ok = true;
    if (act_value_type(v) == ACT_MAP)
        ok = count && per && act_value_to_int(count, &ret->count) &&
             act_value_to_int(per, &ret->per_ms) && ret->per_ms > 0;
    else if (act_value_type(v) != ACT_NULL)
        ok = act_value_to_int(v, &ret->count);
    if (ok && ret->count > 0)
        return ACT_OK;
    return act_error_set(err, ACT_ERR_INVALID, "limit %.*s is not a count or a rate",
                         ACT_STR_ARG(ret->name));
}

/* name, row and holder are bound as far as the statement has them. */
static enum act_err
bound(struct act_sqlite *s, enum act_sql id, struct act_str name, int64_t row,
      struct act_str holder, sqlite3_stmt **ret, struct act_error *err)
{
    enum act_err rc = act_db_stmt(&s->db, id, ret, err);
    if (rc != ACT_OK)
        return rc;
    int count = sqlite3_bind_parameter_count(*ret);
    act_db_bind_text(*ret, 1, name);
    if (count >= 2)
        sqlite3_bind_int64(*ret, 2, row);
    if (count == 3)
        act_db_bind_text(*ret, 3, holder);
    return ACT_OK;
}

static enum act_err
mine(struct act_sqlite *s, struct act_str name, int64_t row, struct act_str holder, bool *ret,
     struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = bound(s, ACT_SQL_LIMIT_MINE, name, row, holder, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, ret, err);
    if (rc == ACT_OK)
        sqlite3_reset(stmt);
    return rc;
}

bool
act_limits_alive(struct act_sqlite *s, int64_t row)
{
    for (uint32_t i = 0; i < s->owned.len; i++)
        if (s->owned.ptr[i].row == row)
            return true;
    return act_owners_taken(&s->owners, row);
}

enum act_err
act_limits_any(struct act_sqlite *s, int64_t row, bool *ret, struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_LIMIT_ANY, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, row);
    rc = act_db_step(&s->db, stmt, &found, err);
    if (rc == ACT_OK) {
        *ret = found && sqlite3_column_int64(stmt, 0) != 0;
        sqlite3_reset(stmt);
    }
    return rc;
}

enum act_err
act_limits_forget(struct act_sqlite *s, int64_t row, struct act_error *err)
{
    enum act_err rc = act_db_run(&s->db, ACT_SQL_LIMIT_FORGET_HOLDS, &row, 1, err);
    if (rc == ACT_OK)
        rc = act_db_run(&s->db, ACT_SQL_LIMIT_FORGET_SIZES, &row, 1, err);
    return rc;
}

/* Forgets what dead runs had of this limit. id: a statement whose first column is a run. */
static enum act_err
sweep(struct act_sqlite *s, enum act_sql id, struct act_str name, struct act_error *err)
{
    ACT_VEC(int64_t) dead = {0};
    sqlite3_stmt *stmt;
    enum act_err rc = bound(s, id, name, 0, (struct act_str){0}, &stmt, err);
    for (bool found = true; rc == ACT_OK;) {
        rc = act_db_step(&s->db, stmt, &found, err);
        if (rc != ACT_OK || !found)
            break;
        int64_t row = sqlite3_column_int64(stmt, 0);
        if (!act_limits_alive(s, row))
            act_vec_push(&dead, row);
    }
    for (uint32_t i = 0; rc == ACT_OK && i < dead.len; i++)
        rc = act_limits_forget(s, dead.ptr[i], err);
    act_vec_fini(&dead);
    return rc;
}

static enum act_err
declare(struct act_sqlite *s, int64_t row, const struct want *want, struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc =
        bound(s, ACT_SQL_LIMIT_DECLARED, want->name, row, (struct act_str){0}, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK)
        return rc;
    bool same = found && sqlite3_column_int64(stmt, 0) == want->count &&
                sqlite3_column_int64(stmt, 1) == want->per_ms;
    sqlite3_reset(stmt);
    if (same)
        return ACT_OK;
    rc = act_db_stmt(&s->db, ACT_SQL_LIMIT_DECLARE, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    act_db_bind_text(stmt, 1, want->name);
    sqlite3_bind_int64(stmt, 2, row);
    sqlite3_bind_int64(stmt, 3, want->count);
    sqlite3_bind_int64(stmt, 4, want->per_ms);
    return act_db_step(&s->db, stmt, NULL, err);
}

static enum act_err
held(struct act_sqlite *s, struct act_str name, int64_t *ret, struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = bound(s, ACT_SQL_LIMIT_HELD, name, 0, (struct act_str){0}, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, &found, err);
    if (rc == ACT_OK) {
        *ret = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    return rc;
}

/* How long until a rate of count per per_ms lets one more through: 0 for now. */
static enum act_err
rate_wait(struct act_sqlite *s, struct act_str name, int64_t count, int64_t per_ms, int64_t now_ms,
          int64_t *ret, struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = bound(s, ACT_SQL_RATE_NTH, name, count - 1, (struct act_str){0}, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK)
        return rc;
    int64_t free_at = found ? sqlite3_column_int64(stmt, 0) + per_ms : 0;
    sqlite3_reset(stmt);
    *ret = free_at > now_ms ? free_at - now_ms : 0;
    return ACT_OK;
}

/* *wait_ms: 0 if one more fits under what all living runs say of this limit. */
static enum act_err
fits(struct act_sqlite *s, struct act_str name, int64_t now_ms, int64_t *wait_ms,
     struct act_error *err)
{
    struct {
        int64_t count, per_ms;
    } size;
    ACT_VEC(__typeof__(size)) sizes = {0};
    int64_t least = INT64_MAX, now_held = 0, wait = 0;
    sqlite3_stmt *stmt;
    enum act_err rc = bound(s, ACT_SQL_LIMIT_SIZES, name, 0, (struct act_str){0}, &stmt, err);
    for (bool found = true; rc == ACT_OK;) {
        rc = act_db_step(&s->db, stmt, &found, err);
        if (rc != ACT_OK || !found)
            break;
        size.count = sqlite3_column_int64(stmt, 1);
        size.per_ms = sqlite3_column_int64(stmt, 2);
        if (size.per_ms > 0)
            act_vec_push(&sizes, size);
        else if (size.count < least)
            least = size.count;
    }
    if (rc == ACT_OK && least < INT64_MAX)
        rc = held(s, name, &now_held, err);
    *wait_ms = least < INT64_MAX && now_held >= least ? ASK_AGAIN_MS : 0;
    for (uint32_t i = 0; rc == ACT_OK && i < sizes.len; i++) {
        rc = rate_wait(s, name, sizes.ptr[i].count, sizes.ptr[i].per_ms, now_ms, &wait, err);
        if (wait > *wait_ms)
            *wait_ms = wait;
    }
    act_vec_fini(&sizes);
    return rc;
}

static enum act_err
sweep_grants(struct act_sqlite *s, struct act_str name, int64_t now_ms, struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_RATE_SWEEP, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    act_db_bind_text(stmt, 1, name);
    sqlite3_bind_int64(stmt, 2, now_ms);
    sqlite3_bind_int64(stmt, 3, now_ms + CLOCK_SLACK_MS);
    return act_db_step(&s->db, stmt, NULL, err);
}

/* Says what this run thinks of the limit, sweeps, and looks. *have: the holder has it already. */
static enum act_err
look(struct act_sqlite *s, int64_t row, struct act_str holder, const struct want *want,
     int64_t now_ms, bool *have, int64_t *wait_ms, struct act_error *err)
{
    enum act_err rc = ACT_OK;
    *have = false;
    *wait_ms = 0;
    if (want->per_ms == 0) /* a rate is used up anew each time */
        rc = mine(s, want->name, row, holder, have, err);
    if (rc != ACT_OK || *have)
        return rc;
    rc = declare(s, row, want, err);
    if (rc == ACT_OK)
        rc = sweep(s, ACT_SQL_LIMIT_HOLDERS, want->name, err);
    if (rc == ACT_OK)
        rc = sweep(s, ACT_SQL_LIMIT_SIZES, want->name, err);
    if (rc == ACT_OK && want->per_ms > 0)
        rc = sweep_grants(s, want->name, now_ms, err);
    if (rc == ACT_OK)
        rc = fits(s, want->name, now_ms, wait_ms, err);
    return rc;
}

static enum act_err
take(struct act_sqlite *s, int64_t row, struct act_str holder, const struct want *want,
     int64_t now_ms, struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc;
    if (want->per_ms > 0) {
        rc = act_db_stmt(&s->db, ACT_SQL_RATE_GRANT, &stmt, err);
        if (rc != ACT_OK)
            return rc;
        act_db_bind_text(stmt, 1, want->name);
        sqlite3_bind_int64(stmt, 2, now_ms);
        sqlite3_bind_int64(stmt, 3, row);
        act_db_bind_text(stmt, 4, holder);
    } else {
        rc = bound(s, ACT_SQL_LIMIT_HOLD, want->name, row, holder, &stmt, err);
        if (rc != ACT_OK)
            return rc;
    }
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static enum act_err
acquire_all(struct act_sqlite *s, int64_t row, struct act_str holder,
            const struct act_value *limits, int64_t now_ms, int64_t *wait_ms, struct act_error *err)
{
    struct want want;
    enum act_err rc = ACT_OK;
    uint32_t count = act_value_len(limits);
    uint8_t have[64] = {0}; /* one bit a limit */
    if (count > sizeof(have) * 8)
        return act_error_set(err, ACT_ERR_LIMIT, "a node takes at most %zu limits",
                             sizeof(have) * 8);
    *wait_ms = 0;
    for (uint32_t i = 0; rc == ACT_OK && i < count; i++) {
        int64_t wait = 0;
        bool has = false;
        rc = read_want(limits, i, &want, err);
        if (rc == ACT_OK)
            rc = look(s, row, holder, &want, now_ms, &has, &wait, err);
        if (has)
            have[i / 8] |= (uint8_t)(1u << (i % 8));
        if (wait > *wait_ms)
            *wait_ms = wait;
    }
    for (uint32_t i = 0; rc == ACT_OK && *wait_ms == 0 && i < count; i++) {
        rc = read_want(limits, i, &want, err);
        if (rc == ACT_OK && !(have[i / 8] & 1u << (i % 8)))
            rc = take(s, row, holder, &want, now_ms, err);
    }
    return rc;
}

enum act_err
act_sqlite_acquire(struct act_store *self, struct act_str run, struct act_str holder,
                   const struct act_value *limits, int64_t now_ms, bool *granted, int64_t *retry_ms,
                   struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    int64_t wait = 0;
    if (!owned)
        return act_error_set(err, ACT_ERR_OWNED, "run %.*s is not owned by this process",
                             ACT_STR_ARG(run));
    if (!limits || act_value_type(limits) != ACT_MAP)
        return act_error_set(err, ACT_ERR_INVALID, "limits are not a mapping");
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = acquire_all(s, owned->row, holder, limits, now_ms, &wait, err);
    if (rc != ACT_OK) {
        act_db_rollback(&s->db);
        return rc;
    }
    rc = act_db_commit(&s->db, err);
    if (rc == ACT_OK) {
        *granted = wait == 0;
        *retry_ms = wait;
    }
    return rc;
}

enum act_err
act_sqlite_release(struct act_store *self, struct act_str run, struct act_str holder,
                   struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    sqlite3_stmt *stmt;
    if (!owned)
        return ACT_OK; /* what nobody alive owns does not count */
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = act_db_stmt(&s->db, ACT_SQL_LIMIT_RELEASE, &stmt, err);
    if (rc == ACT_OK) {
        sqlite3_bind_int64(stmt, 1, owned->row);
        act_db_bind_text(stmt, 2, holder);
        rc = act_db_step(&s->db, stmt, NULL, err);
        sqlite3_clear_bindings(stmt);
    }
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}
