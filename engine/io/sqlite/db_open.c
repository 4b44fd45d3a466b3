/* Opening a database: is it ours, of a version that we know, and how the connection is to behave. */
#include "engine/io/sqlite/db.h"
#include "engine/io/sqlite/fresh.h"
#include "engine/port/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pragma that gives one integer. */
static enum act_err
pragma(struct act_db *db, const char *text, int64_t *ret, struct act_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->sql, text, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum act_err code = ACT_OK;
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(stmt, 0);
    else if (rc != SQLITE_DONE)
        code = act_db_error(db, rc, err);
    sqlite3_finalize(stmt);
    return code;
}

static enum act_err
record_migration(struct act_db *db, uint32_t version, const char *name, struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(db, ACT_SQL_MIGRATION_ADD, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, version);
    act_db_bind_text(stmt, 2, act_str(name));
    sqlite3_bind_int64(stmt, 3, act_clock_wall_ms());
    return act_db_step(db, stmt, NULL, err);
}

enum act_err
act_db_migrate(struct act_db *db, const struct act_migration *migrations, uint32_t count,
               struct act_error *err)
{
    for (;;) {
        enum act_err rc = act_db_begin(db, false, err);
        if (rc != ACT_OK)
            return rc;
        /* Read under the lock: another process may have done it. */
        int64_t version = 0;
        rc = pragma(db, "PRAGMA user_version", &version, err);
        uint32_t minor = (uint32_t)version & 0xffff;
        if (rc != ACT_OK || minor >= count) {
            act_db_rollback(db);
            return rc;
        }
        char next[64];
        snprintf(next, sizeof(next), "PRAGMA user_version=%u",
                 ACT_SCHEMA_MAJOR << 16 | (minor + 1));
        int sql = sqlite3_exec(db->sql, migrations[minor].sql, NULL, NULL, NULL);
        if (sql == SQLITE_OK)
            sql = sqlite3_exec(db->sql, next, NULL, NULL, NULL);
        rc = sql == SQLITE_OK ? record_migration(db, minor + 1, migrations[minor].name, err)
                              : act_db_error(db, sql, err);
        if (rc == ACT_OK)
            rc = act_db_commit(db, err);
        else
            act_db_rollback(db);
        if (rc != ACT_OK)
            return rc;
    }
}

bool
act_db_is_crate(sqlite3 *sql)
{
    return sqlite3_table_column_metadata(sql, "main", "outputs", NULL, NULL, NULL, NULL, NULL,
                                         NULL) == SQLITE_OK;
}

/* Is it ours, and of a version we know? */
static enum act_err
check(struct act_db *db, struct act_error *err)
{
    int64_t application = 0, version = 0;
    enum act_err rc = pragma(db, "PRAGMA application_id", &application, err);
    if (rc == ACT_OK)
        rc = pragma(db, "PRAGMA user_version", &version, err);
    if (rc != ACT_OK)
        return rc;
    if (application != ACT_SCHEMA_APPLICATION) {
        act_error_set(err, ACT_ERR_FOREIGN, "this is a database of another program");
        act_error_place(err, "%s", db->path);
        act_error_hint(err, "give another path with --db, or move the file away");
        return ACT_ERR_FOREIGN;
    }
    if (version >> 16 > ACT_SCHEMA_MAJOR) {
        act_error_set(err, ACT_ERR_NEWER,
                      "this database was written by a newer actant (format %d, this one knows %d)",
                      (int)(version >> 16), ACT_SCHEMA_MAJOR);
        act_error_place(err, "%s", db->path);
        act_error_hint(err, "use that actant, or another database with --db");
        return ACT_ERR_NEWER;
    }
    if (version >> 16 < ACT_SCHEMA_MAJOR) {
        act_error_set(err, ACT_ERR_CORRUPT, "this database has no valid version");
        act_error_place(err, "%s", db->path);
        act_error_hint(err, "move it away; a new one is made then");
        return ACT_ERR_CORRUPT;
    }
    if (!db->read_only && act_db_is_crate(db->sql)) {
        act_error_set(err, ACT_ERR_FOREIGN, "this is an exported run, which nothing is added to");
        act_error_place(err, "%s", db->path);
        act_error_hint(err, "`actant import FILE` takes it into your history, where it can be forked");
        return ACT_ERR_FOREIGN;
    }
    if (((uint32_t)version & 0xffff) < act_schema_migration_count && !db->read_only)
        return act_db_migrate(db, act_schema_migrations, act_schema_migration_count, err);
    return ACT_OK;
}

static int
on_wal(void *self, sqlite3 *sql, const char *name, int pages)
{
    (void)sql;
    (void)name;
    ((struct act_db *)self)->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

static int
configure(struct act_db *db, const struct act_db_options *options)
{
    sqlite3_extended_result_codes(db->sql, 1);
    sqlite3_busy_timeout(db->sql, options->busy_ms);
    /* A database from elsewhere may hold a schema that means harm. */
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    db->sync_level = -1;
    sqlite3_wal_hook(db->sql, on_wal, db); /* takes autocheckpoint's place */
    /* A WAL that had to grow beyond what checkpoints allow is cut when it starts over. */
    const char *text = options->exclusive
                           ? "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_size_limit=33554432"
                           : "PRAGMA journal_size_limit=33554432";
    return options->read_only ? SQLITE_OK : sqlite3_exec(db->sql, text, NULL, NULL, NULL);
}

/* A reader of a WAL database needs <db>-shm, which it cannot make in a folder that is read-only. With
 * no WAL left the file alone is the database. */
static bool
needs_immutable(const struct act_db_options *options)
{
    struct act_buf path = {0};
    struct stat st;
    act_buf_printf(&path, "%s-wal", options->path);
    bool wal = stat(path.ptr, &st) == 0 && st.st_size > 0;
    act_buf_clear(&path);
    act_buf_printf(&path, "%s-shm", options->path);
    bool shm = access(path.ptr, F_OK) == 0;
    act_buf_clear(&path);
    act_buf_add_cstr(&path, options->path);
    *strrchr(path.ptr, '/') = '\0';
    bool writable = access(path.ptr[0] ? path.ptr : "/", W_OK) == 0;
    act_buf_fini(&path);
    return !wal && !shm && !writable;
}

static int
open_connection(struct act_db *db, const struct act_db_options *options)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    struct act_buf uri = {0};
    const char *name = options->path;
    if (options->read_only && needs_immutable(options)) {
        act_buf_add_cstr(&uri, "file:");
        for (const char *c = options->path; *c; c++)
            act_buf_printf(&uri, *c == '%' || *c == '?' || *c == '#' ? "%%%02x" : "%c",
                           (unsigned)(unsigned char)*c);
        act_buf_add_cstr(&uri, "?immutable=1");
        name = uri.ptr;
        flags |= SQLITE_OPEN_URI;
    }
    int rc = sqlite3_open_v2(name, &db->sql, flags, options->vfs);
    act_buf_fini(&uri);
    return rc == SQLITE_OK ? configure(db, options) : rc;
}

enum act_err
act_db_open(struct act_db *db, const struct act_db_options *options, struct act_error *err)
{
    *db = (struct act_db){.path = act_strndup(options->path, strlen(options->path)),
                          .lock = {.fd = -1},
                          .busy_ms = options->busy_ms,
                          .durability = options->durability,
                          .read_only = options->read_only,
                          .exclusive = options->exclusive};
    enum act_err rc = ACT_OK;
    if (!options->read_only)
        rc = act_lock_open(&db->lock, db->path, err);
    if (rc == ACT_OK) {
        int sql = open_connection(db, options);
        rc = sql == SQLITE_OK ? ACT_OK : act_db_error(db, sql, err);
    }
    if (rc == ACT_OK && act_fresh_is(db->path))
        rc = act_fresh_mend(db, err);
    if (rc == ACT_OK)
        rc = check(db, err);
    if (rc != ACT_OK)
        act_db_close(db);
    return rc;
}

void
act_db_close(struct act_db *db)
{
    for (int i = 0; i < ACT_SQL_COUNT; i++)
        sqlite3_finalize(db->stmts[i]);
    sqlite3_close(db->sql);
    if (db->path)
        act_lock_close(&db->lock);
    act_free(db->path);
    *db = (struct act_db){.lock = {.fd = -1}};
}
