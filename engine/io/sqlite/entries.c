/* What nodes with a `cache` ended with. A row is believed only if its hash is right: what is damaged, or
 * was written by somebody else's hand, is as if it were not there. */
#include "engine/io/sqlite/store.h"

static void
hash_of(const struct act_cache_entry *entry, uint8_t ret[ACT_SHA256_BYTES])
{
    struct act_sha256 h;
    act_sha256_init(&h);
    act_sha256_add_str(&h, entry->run);
    act_sha256_add_str(&h, entry->key);
    act_sha256_add_str(&h, entry->scope);
    act_sha256_add_str(&h, entry->node);
    act_sha256_add_str(&h, entry->parts);
    act_sha256_add_str(&h, entry->body);
    act_sha256_add_str(&h, entry->origin_run);
    act_sha256_add_str(&h, entry->origin_node);
    act_sha256_update(&h, &entry->at_ms, sizeof(entry->at_ms));
    act_sha256_final(&h, ret);
}

static enum act_err
insert(struct act_sqlite *s, int64_t row, const struct act_cache_entry *entry,
       struct act_error *err)
{
    sqlite3_stmt *stmt;
    uint8_t hash[ACT_SHA256_BYTES];
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_CACHE_KEEP, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    hash_of(entry, hash);
    sqlite3_bind_int64(stmt, 1, row);
    act_db_bind_text(stmt, 2, entry->key);
    act_db_bind_text(stmt, 3, entry->scope);
    act_db_bind_text(stmt, 4, entry->node);
    sqlite3_bind_int64(stmt, 5, entry->at_ms);
    act_db_bind_text(stmt, 6, entry->parts);
    act_db_bind_blob(stmt, 7, entry->body);
    sqlite3_bind_blob(stmt, 8, hash, sizeof(hash), SQLITE_STATIC);
    act_db_bind_text(stmt, 9, entry->origin_run);
    act_db_bind_text(stmt, 10, entry->origin_node);
    sqlite3_bind_int(stmt, 11, entry->again);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    return rc;
}

enum act_err
act_sqlite_keep_entry(struct act_store *self, const struct act_cache_entry *entry,
                      struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_run_place place;
    enum act_err rc = act_sqlite_run_row(s, entry->run, &place, err);
    if (rc == ACT_OK)
        rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = insert(s, place.row, entry, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

static enum act_err
forget(struct act_sqlite *s, struct act_str run, struct act_str node, struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_CACHE_FORGET, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    act_db_bind_text(stmt, 1, run);
    act_db_bind_text(stmt, 2, node);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    return rc;
}

enum act_err
act_sqlite_forget_entries(struct act_store *self, struct act_str run, struct act_str node,
                          struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    rc = forget(s, run, node, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

/* The columns of CACHE_BY_KEY and its like. False: the row is not what was written. */
static bool
read_entry(sqlite3_stmt *stmt, struct act_cache_entry *ret)
{
    uint8_t hash[ACT_SHA256_BYTES];
    *ret = (struct act_cache_entry){
        .run = act_db_column(stmt, 0),
        .key = act_db_column(stmt, 1),
        .scope = act_db_column(stmt, 2),
        .node = act_db_column(stmt, 3),
        .at_ms = sqlite3_column_int64(stmt, 4),
        .parts = act_db_column(stmt, 5),
        .body = act_db_column(stmt, 6),
        .origin_run = act_db_column(stmt, 8),
        .origin_node = act_db_column(stmt, 9),
    };
    struct act_str stored = act_db_column(stmt, 7);
    hash_of(ret, hash);
    return act_str_eq(stored, act_str_n((const char *)hash, sizeof(hash)));
}

static void
keep(struct act_arena *arena, struct act_cache_entry entry, act_cache_entries *ret)
{
    struct act_str *const texts[] = {&entry.run,        &entry.key,        &entry.scope,
                                     &entry.node,       &entry.parts,      &entry.body,
                                     &entry.origin_run, &entry.origin_node};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = act_arena_str(arena, *texts[i]);
    act_vec_push(ret, entry);
}

enum act_err
act_sqlite_find_entries(struct act_store *self, struct act_str key, struct act_str scope,
                        struct act_arena *arena, act_cache_entries *ret, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    sqlite3_stmt *stmt;
    bool found = true;
    enum act_err rc = act_db_stmt(
        &s->db, key.len > 0 ? ACT_SQL_CACHE_BY_KEY : ACT_SQL_CACHE_BY_SCOPE, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    act_db_bind_text(stmt, 1, key.len > 0 ? key : scope);
    sqlite3_bind_int64(stmt, 2, ACT_CACHE_ENTRIES_MAX);
    while ((rc = act_db_step(&s->db, stmt, &found, err)) == ACT_OK && found) {
        struct act_cache_entry entry;
        if (read_entry(stmt, &entry))
            keep(arena, entry, ret);
    }
    sqlite3_clear_bindings(stmt);
    return rc;
}
