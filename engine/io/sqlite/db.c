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
        db->unsure = true;
        act_db_rollback(db);
        return rc;
    }
    act_lock_drop(&db->lock);
    return ACT_OK;
}
