#include "engine/io/sqlite/db.h"

#include "base/assert.h"
#include "engine/io/sqlite/canary.h"
#include "engine/io/sqlite/fresh.h"
#include "engine/io/sqlite/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum act_err
no_space(struct act_db *db, struct act_error *err)
{
    bool freed = !db->read_only && act_reserve_give_up(db->path);
    act_error_set(err, ACT_ERR_NO_SPACE, "no space left for the database");
    act_error_hint(
        err, freed ? "free some disk space, then `actant resume`; the reserve was used so that "
                     "the last events fit"
                   : "free some disk space, then `actant resume`; what was committed is kept");
    return ACT_ERR_NO_SPACE;
}

static enum act_err
io_error(struct act_db *db, int extended, struct act_error *err)
{
    int number = sqlite3_system_errno(db->sql);
    if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        return no_space(db, err);
    if (extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC) {
        db->broken = true;
        act_error_set(err, ACT_ERR_SYSTEM, "the disk failed to keep what was written (fsync: %s)",
                      strerror(number));
        act_error_hint(err, "check the disk; nothing more is written by this process");
        return ACT_ERR_SYSTEM;
    }
    act_error_set(err, ACT_ERR_SYSTEM, "input/output error on the database: %s",
                  number ? strerror(number) : sqlite3_errstr(extended));
    act_error_hint(err, "check the disk and the folder of the database");
    return ACT_ERR_SYSTEM;
}

enum act_err
act_db_error(struct act_db *db, int rc, struct act_error *err)
{
    int extended = db->sql ? sqlite3_extended_errcode(db->sql) : rc;
    enum act_err code;
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = act_error_set(err, ACT_ERR_BUSY, "another program keeps the database locked");
        act_error_hint(err, "close it (an `sqlite3` shell? a backup?) and try again");
        break;
    case SQLITE_FULL: code = no_space(db, err); break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        code = act_error_set(err, ACT_ERR_READ_ONLY, "the database cannot be written");
        act_error_hint(err, "check its permissions and its folder's, or say where with --db PATH");
        break;
    case SQLITE_NOTADB:
        code = act_error_set(err, ACT_ERR_FOREIGN, "this file is not an actant database");
        act_error_hint(err, "give another path with --db, or move the file away");
        break;
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* a table or column that the schema has is missing */
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
        code = act_error_set(err, ACT_ERR_CORRUPT, "the database is damaged: %s",
                             db->sql ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc));
        act_error_hint(err, "move it and its -wal away (`sqlite3 FILE .recover` saves what can be "
                            "read); a new one is made then");
        break;
    case SQLITE_NOMEM: act_oom();
    case SQLITE_TOOBIG:
        code = act_error_set(err, ACT_ERR_LIMIT, "a value is too large for the database (1 GB)");
        break;
    case SQLITE_CANTOPEN:
        code = act_error_set(err, ACT_ERR_SYSTEM, "cannot open the database: %s",
                             db->sql && sqlite3_system_errno(db->sql)
                                 ? strerror(sqlite3_system_errno(db->sql))
                                 : sqlite3_errstr(rc));
        act_error_hint(err, "check its permissions and its folder's, or say where with --db PATH");
        break;
    case SQLITE_IOERR: code = io_error(db, extended, err); break;
    default:
        code = act_error_set(err, ACT_ERR_SYSTEM, "SQLite: %s",
                             db->sql ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc));
        break;
    }
    act_error_place(err, "%s", db->path);
    return code;
}

enum act_err
act_db_prepare(struct act_db *db, enum act_sql id, sqlite3_stmt **ret, struct act_error *err)
{
    int rc = sqlite3_prepare_v3(db->sql, act_sql_text[id], -1, 0, ret, NULL);
    return rc == SQLITE_OK ? ACT_OK : act_db_error(db, rc, err);
}

enum act_err
act_db_stmt(struct act_db *db, enum act_sql id, sqlite3_stmt **ret, struct act_error *err)
{
    sqlite3_stmt *stmt = db->stmts[id];
    if (!stmt) {
        int rc = sqlite3_prepare_v3(db->sql, act_sql_text[id], -1, SQLITE_PREPARE_PERSISTENT, &stmt,
                                    NULL);
        if (rc != SQLITE_OK)
            return act_db_error(db, rc, err);
        db->stmts[id] = stmt;
    } else {
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
    }
    *ret = stmt;
    return ACT_OK;
}

enum act_err
act_db_step(struct act_db *db, sqlite3_stmt *stmt, bool *row, struct act_error *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        ACT_ASSERT(row);
        *row = true;
        return ACT_OK;
    }
    enum act_err code = rc == SQLITE_DONE ? ACT_OK : act_db_error(db, rc, err);
    sqlite3_reset(stmt);
    if (row && code == ACT_OK)
        *row = false;
    return code;
}

enum act_err
act_db_run(struct act_db *db, enum act_sql id, const int64_t *values, int count,
           struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(db, id, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(stmt, i + 1, values[i]);
    return act_db_step(db, stmt, NULL, err);
}

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
set_sync_level(struct act_db *db, int level, struct act_error *err)
{
    static const char *const texts[] = {"PRAGMA synchronous=OFF", "PRAGMA synchronous=NORMAL",
                                        "PRAGMA synchronous=FULL"};
    if (db->sync_level == level)
        return ACT_OK;
    int rc = sqlite3_exec(db->sql, texts[level], NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return act_db_error(db, rc, err);
    db->sync_level = level;
    return ACT_OK;
}

/* SQLite syncs the header of a WAL before its first frame, so that frames of an earlier round are
 * never taken for current ones. The WAL of a fresh database has no earlier round; that one was emptied
 * may not have reached the disk. */
static bool
wal_is_new(struct act_db *db)
{
    if (db->wal_pages > 0)
        return false;
    struct act_buf path = {0};
    struct stat st;
    act_buf_printf(&path, "%s-wal", db->path);
    bool is_new = stat(path.ptr, &st) != 0 || st.st_size == 0;
    act_buf_fini(&path);
    return is_new && act_fresh_is(db->path);
}

enum act_err
act_db_begin(struct act_db *db, bool sync, struct act_error *err)
{
    if (db->read_only || db->broken) {
        act_error_set(err, db->read_only ? ACT_ERR_READ_ONLY : ACT_ERR_SYSTEM,
                      db->read_only ? "the database is open for reading only"
                                    : "the disk has failed before; nothing more is written");
        act_error_place(err, "%s", db->path);
        return db->read_only ? ACT_ERR_READ_ONLY : ACT_ERR_SYSTEM;
    }
    enum act_err rc = act_lock_take(&db->lock, db->path, db->busy_ms, err);
    if (rc != ACT_OK)
        return rc;
    bool full = (sync || db->durability == ACT_DURABLE_POWER) && !ACT_CANARY_POWER_AT_NORMAL;
    int level = full ? 2 : ACT_CANARY_WAL_RESET_UNSYNCED || wal_is_new(db) ? 0 : 1;
    rc = set_sync_level(db, level, err);
    /* Whoever made the file waited for nothing. */
    if (rc == ACT_OK && full && !db->base_synced)
        rc = act_fresh_end(db, err);
    if (rc == ACT_OK)
        rc = act_db_run(db, ACT_SQL_BEGIN, NULL, 0, err);
    if (rc != ACT_OK)
        act_lock_drop(&db->lock);
    return rc;
}

void
act_db_rollback(struct act_db *db)
{
    if (!sqlite3_get_autocommit(db->sql))
        act_db_run(db, ACT_SQL_ROLLBACK, NULL, 0, NULL);
    act_lock_drop(&db->lock);
}

enum act_err
act_db_commit(struct act_db *db, struct act_error *err)
{
    enum act_err rc = act_db_run(db, ACT_SQL_COMMIT, NULL, 0, err);
    if (rc != ACT_OK) {
        act_db_rollback(db);
        return rc;
    }
    act_lock_drop(&db->lock);
    return ACT_OK;
}

static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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
    sqlite3_bind_int64(stmt, 3, now_ms());
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
