/* States of workflow actors. A row holds the newest state of one actor: of a run (run is its row) or
 * of all runs (run is 0). It is written in the transaction of the batch that holds the end of the call
 * which led to it, so that a call is in the state exactly if its end is in the log. A global actor
 * belongs to one run at a time (actor_owners); what a run had that nobody alive owns is free. */
#include "engine/io/sqlite/store.h"

#include <inttypes.h>

/* How soon to ask again for what another run has; it gives it back after the call under way. */
#define ASK_AGAIN_MS 10

static int64_t
scope_row(int64_t row, bool global)
{
    return global ? 0 : row;
}

/* name, definition and row, as far as the statement has them. */
static enum act_err
bound(struct act_sqlite *s, enum act_sql sql, const struct act_actor_id *id, int64_t row,
      sqlite3_stmt **ret, struct act_error *err)
{
    enum act_err rc = act_db_stmt(&s->db, sql, ret, err);
    if (rc != ACT_OK)
        return rc;
    int count = sqlite3_bind_parameter_count(*ret);
    act_db_bind_text(*ret, 1, id->name);
    if (count >= 2)
        act_db_bind_text(*ret, 2, id->definition);
    if (count >= 3)
        sqlite3_bind_int64(*ret, 3, row);
    return ACT_OK;
}

static enum act_err
change(struct act_sqlite *s, enum act_sql sql, const struct act_actor_id *id, int64_t row,
       struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = bound(s, sql, id, row, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, NULL, err);
    return rc;
}

enum act_err
act_sqlite_read_actor(struct act_store *self, struct act_str run, const struct act_actor_id *id,
                      struct act_buf *state, uint64_t *version, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place = {0};
    struct act_owned *owned = act_sqlite_owned(s, run);
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = ACT_OK;
    if (owned)
        place.row = owned->row;
    else if (!id->global)
        rc = act_sqlite_run_row(s, run, &place, err);
    if (rc == ACT_ERR_NOT_FOUND) { /* a run that is just beginning */
        *version = 0;
        return ACT_OK;
    }
    if (rc == ACT_OK)
        rc = act_db_stmt(&s->db, ACT_SQL_ACTOR_READ, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, scope_row(place.row, id->global));
    act_db_bind_text(stmt, 2, id->name);
    act_db_bind_text(stmt, 3, id->definition);
    rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK)
        return rc;
    *version = found ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
    if (found)
        act_buf_add_str(state, act_db_column(stmt, 1));
    sqlite3_reset(stmt);
    return ACT_OK;
}

static enum act_err
owner_of(struct act_sqlite *s, const struct act_actor_id *id, int64_t *ret_run, bool *ret_wanted,
         struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = bound(s, ACT_SQL_ACTOR_OWNER, id, 0, &stmt, err);
    if (rc == ACT_OK)
        rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK)
        return rc;
    *ret_run = found ? sqlite3_column_int64(stmt, 0) : 0;
    *ret_wanted = found && sqlite3_column_int64(stmt, 1) != 0;
    sqlite3_reset(stmt);
    return ACT_OK;
}

static enum act_err
take(struct act_sqlite *s, int64_t row, const struct act_actor_id *id, bool *granted,
     struct act_error *err)
{
    int64_t owner = 0;
    bool wanted = false;
    enum act_err rc = owner_of(s, id, &owner, &wanted, err);
    *granted = rc == ACT_OK && (owner == 0 || owner == row || !act_limits_alive(s, owner));
    if (rc != ACT_OK)
        return rc;
    if (*granted && owner != row)
        return change(s, ACT_SQL_ACTOR_TAKE, id, row, err);
    if (!*granted && !wanted)
        return change(s, ACT_SQL_ACTOR_WANT, id, 0, err);
    return ACT_OK;
}

enum act_err
act_sqlite_take_actor(struct act_store *self, struct act_str run, const struct act_actor_id *id,
                      bool *granted, int64_t *retry_ms, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    bool have = false;
    if (!owned)
        return act_error_set(err, ACT_ERR_OWNED, "run %.*s is not owned by this process",
                             ACT_STR_ARG(run));
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = take(s, owned->row, id, &have, err);
    if (rc != ACT_OK) {
        act_db_rollback(&s->db);
        return rc;
    }
    rc = act_db_commit(&s->db, err);
    if (rc == ACT_OK) {
        *granted = have;
        *retry_ms = have ? 0 : ASK_AGAIN_MS;
    }
    return rc;
}

static enum act_err
save(struct act_sqlite *s, int64_t row, const struct act_actor_save *actor, struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_ACTOR_SAVE, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, scope_row(row, actor->id.global));
    act_db_bind_text(stmt, 2, actor->id.name);
    act_db_bind_text(stmt, 3, actor->id.definition);
    sqlite3_bind_int64(stmt, 4, (int64_t)actor->version);
    sqlite3_bind_int64(stmt, 5, actor->at_ms);
    act_db_bind_blob(stmt, 6, actor->state);
    sqlite3_bind_int64(stmt, 7, (int64_t)actor->base);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    if (rc == ACT_OK && sqlite3_changes(s->db.sql) != 1) {
        rc = act_error_set(err, ACT_ERR_OWNED,
                           "the state of actor %.*s is not version %" PRIu64
                           " any more: another process has written it",
                           ACT_STR_ARG(actor->id.name), actor->base);
        act_error_hint(err, "`actant resume` goes on from what is stored now");
    }
    return rc;
}

static enum act_err
maybe_release(struct act_sqlite *s, int64_t row, struct act_actor_save *actor,
              struct act_error *err)
{
    int64_t owner = 0;
    enum act_err rc = owner_of(s, &actor->id, &owner, &actor->wanted, err);
    bool give = actor->release || actor->wanted;
    actor->released = rc == ACT_OK && (owner != row || (give && !actor->keep));
    if (rc == ACT_OK && actor->released)
        rc = change(s, ACT_SQL_ACTOR_RELEASE, &actor->id, row, err);
    return rc;
}

enum act_err
act_actors_save(struct act_sqlite *s, int64_t row, const struct act_batch *batch,
                struct act_error *err)
{
    enum act_err rc = ACT_OK;
    for (uint32_t i = 0; rc == ACT_OK && i < batch->actor_count; i++) {
        struct act_actor_save *actor = &batch->actors[i];
        if (actor->version > 0)
            rc = save(s, row, actor, err);
        if (rc == ACT_OK && actor->id.global)
            rc = maybe_release(s, row, actor, err);
    }
    return rc;
}

enum act_err
act_actors_copy(struct act_sqlite *s, int64_t row, const struct act_fork_states *states,
                struct act_error *err)
{
    struct act_run_place place;
    enum act_err rc = ACT_OK;
    if (states && states->count > 0) /* removed meanwhile: its actors' memory is lost, not empty */
        rc = act_sqlite_run_row(s, states->run, &place, err);
    for (uint32_t i = 0; rc == ACT_OK && states && i < states->count; i++) {
        sqlite3_stmt *stmt;
        rc = act_db_stmt(&s->db, ACT_SQL_ACTOR_COPY, &stmt, err);
        if (rc != ACT_OK)
            return rc;
        sqlite3_bind_int64(stmt, 1, row);
        act_db_bind_text(stmt, 2, states->run);
        act_db_bind_text(stmt, 3, states->names[i]);
        rc = act_db_step(&s->db, stmt, NULL, err);
        sqlite3_clear_bindings(stmt);
    }
    return rc;
}

enum act_err
act_actors_forget(struct act_sqlite *s, int64_t row, struct act_error *err)
{
    enum act_err rc = act_db_run(&s->db, ACT_SQL_ACTOR_REMOVE_RUN, &row, 1, err);
    if (rc == ACT_OK)
        rc = act_db_run(&s->db, ACT_SQL_ACTOR_RELEASE_RUN, &row, 1, err);
    return rc;
}

enum act_err
act_sqlite_list_actors(struct act_store *self, struct act_arena *arena, act_actor_rows *ret,
                       struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_ACTOR_LIST, &stmt, err);
    for (bool found = true; rc == ACT_OK;) {
        rc = act_db_step(&s->db, stmt, &found, err);
        if (rc != ACT_OK || !found)
            break;
        struct act_actor_row row = {
            .name = act_arena_str(arena, act_db_column(stmt, 0)),
            .definition = act_arena_str(arena, act_db_column(stmt, 1)),
            .version = (uint64_t)sqlite3_column_int64(stmt, 2),
            .at_ms = sqlite3_column_int64(stmt, 3),
            .bytes = (uint64_t)sqlite3_column_int64(stmt, 4),
        };
        act_vec_push(ret, row);
    }
    return rc;
}

/* Is one of that name called just now? */
static enum act_err
check_free(struct act_sqlite *s, const struct act_actor_id *id, struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = bound(s, ACT_SQL_ACTOR_OWNERS, id, 0, &stmt, err);
    for (bool found = true; rc == ACT_OK;) {
        rc = act_db_step(&s->db, stmt, &found, err);
        if (rc != ACT_OK || !found)
            return rc;
        if (!act_limits_alive(s, sqlite3_column_int64(stmt, 0)))
            continue;
        sqlite3_reset(stmt);
        rc = act_error_set(err, ACT_ERR_OWNED, "a run is calling the actor %.*s just now",
                           ACT_STR_ARG(id->name));
        act_error_hint(err, "try again when it has ended");
    }
    return rc;
}

enum act_err
act_sqlite_remove_actor(struct act_store *self, struct act_str name, uint32_t *removed,
                        struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    struct act_actor_id id = {.global = true, .name = name};
    rc = check_free(s, &id, err);
    if (rc == ACT_OK)
        rc = change(s, ACT_SQL_ACTOR_REMOVE, &id, 0, err);
    uint32_t count = rc == ACT_OK ? (uint32_t)sqlite3_changes(s->db.sql) : 0;
    if (rc == ACT_OK)
        rc = act_db_commit(&s->db, err);
    else
        act_db_rollback(&s->db);
    if (rc == ACT_OK)
        *removed = count;
    return rc;
}
