/* One connection to a database: opening, checking, statements, transactions, what SQLite's result
 * codes mean to a person. Everything here is for one thread at a time.
 *
 * Invariants:
 *  1. A write transaction or checkpoint runs only while lock.held (act_db_begin … act_db_commit).
 *  2. Nothing in this process opens the database file but SQLite: closing any descriptor of it would
 *     drop SQLite's POSIX locks.
 *  3. After a failed fsync nothing more is written (broken): what the kernel dropped cannot be
 *     written again. */
#ifndef ACT_ENGINE_IO_SQLITE_DB_H
#define ACT_ENGINE_IO_SQLITE_DB_H

#include "engine/io/sqlite/lock.h"
#include "engine/io/sqlite/schema.h"
#include "engine/io/sqlite/sqlite_store.h"

#include <sqlite3.h>

struct act_db {
    sqlite3 *sql;
    char *path; /* absolute */
    struct act_lock lock;
    int32_t busy_ms;
    enum act_durability durability;
    bool read_only;
    bool exclusive; /* network file system: locking_mode=EXCLUSIVE */
    bool broken;    /* invariant 3 */
    bool unsure;    /* a COMMIT failed: who opens the database next may find it done all the same */
    bool base_synced;   /* the database file and its folder have reached the disk */
    int sync_level;     /* the connection's PRAGMA synchronous: 0, 1, 2 */
    uint32_t wal_pages; /* after the last commit of this connection */
    sqlite3_stmt *stmts[ACT_SQL_COUNT];
};

struct act_db_options {
    const char *path; /* absolute */
    const char *vfs;
    enum act_durability durability;
    int32_t busy_ms;
    bool read_only;
    bool exclusive;
};

/* Opens an existing file and checks that it is one of ours, and for writing no exported run; migrates it unless
 * read_only. */
enum act_err act_db_open(struct act_db *db, const struct act_db_options *options,
                         struct act_error *err);
void act_db_close(struct act_db *db); /* a zeroed one, a half-open one: fine */
bool act_db_is_crate(sqlite3 *sql);   /* an exported run: export alone makes its table of outputs */
/* Brings the database up to `count` migrations, one transaction each. */
enum act_err act_db_migrate(struct act_db *db, const struct act_migration *migrations,
                            uint32_t count, struct act_error *err);
/* Fills err for what SQLite answered; gives up the reserve if the disk is full. */
enum act_err act_db_error(struct act_db *db, int rc, struct act_error *err);

/* A write transaction under the lock. sync: commit at FULL whatever the level. After ACT_OK exactly
 * one of commit and rollback follows; a failed commit has rolled back. */
enum act_err act_db_begin(struct act_db *db, bool sync, struct act_error *err);
enum act_err act_db_commit(struct act_db *db, struct act_error *err);
void act_db_rollback(struct act_db *db);

/* The statement, reset, its parameters cleared; prepared when first used. */
enum act_err act_db_stmt(struct act_db *db, enum act_sql id, sqlite3_stmt **ret,
                         struct act_error *err);
/* A statement of one's own, for reading while others may read with the same text; finalize it. */
enum act_err act_db_prepare(struct act_db *db, enum act_sql id, sqlite3_stmt **ret,
                            struct act_error *err);
/* Steps; *row (may be NULL) says whether there is one. Without a row the statement is reset. */
enum act_err act_db_step(struct act_db *db, sqlite3_stmt *stmt, bool *row, struct act_error *err);
/* Runs a statement with up to four integers bound, and no rows. */
enum act_err act_db_run(struct act_db *db, enum act_sql id, const int64_t *values, int count,
                        struct act_error *err);

static inline void
act_db_bind_text(sqlite3_stmt *stmt, int at, struct act_str s)
{
    sqlite3_bind_text64(stmt, at, s.ptr ? s.ptr : "", s.len, SQLITE_STATIC, SQLITE_UTF8);
}
static inline void
act_db_bind_blob(sqlite3_stmt *stmt, int at, struct act_str s)
{
    sqlite3_bind_blob64(stmt, at, s.ptr ? s.ptr : "", s.len, SQLITE_STATIC);
}
/* Lent until the next step. */
static inline struct act_str
act_db_column(sqlite3_stmt *stmt, int at)
{
    const void *bytes = sqlite3_column_blob(stmt, at);
    return act_str_n(bytes, (size_t)sqlite3_column_bytes(stmt, at));
}

#endif
