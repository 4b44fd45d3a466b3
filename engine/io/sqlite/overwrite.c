#include "engine/io/sqlite/overwrite.h"

#include "engine/io/sqlite/db.h"
#include "engine/io/sqlite/location.h"
#include "engine/io/sqlite/lock.h"
#include "engine/io/sqlite/schema.h"
#include "engine/io/sqlite/sqlite_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 5000

static const char *const beside[] = {"-wal",    "-shm",     "-journal", ".lock",
                                     ".owners", ".reserve", ".new"};
#define BESIDE_COUNT (sizeof(beside) / sizeof(beside[0]))

/* ---- what stands there ---- */

static bool
is_same(const char *path, const char *other)
{
    struct stat a, b;
    if (strcmp(path, other) == 0)
        return true;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static bool
is_of(const struct act_store *open, const char *path)
{
    if (!open)
        return false;
    const char *db = act_store_path(open);
    bool is = is_same(path, db);
    for (size_t i = 0; !is && i < BESIDE_COUNT; i++) {
        struct act_buf name = {0};
        act_buf_printf(&name, "%s%s", db, beside[i]);
        is = is_same(path, name.ptr);
        act_buf_fini(&name);
    }
    return is;
}

static bool
has_header(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    char bytes[sizeof(magic)];
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? 0 : pread(fd, bytes, sizeof(bytes), 0);
    if (fd >= 0)
        close(fd);
    return got == (ssize_t)sizeof(bytes) && memcmp(bytes, magic, sizeof(bytes)) == 0;
}

static bool
is_beside_one(const struct act_store *open, const char *path)
{
    struct act_str name = act_str(path);
    bool is = false;
    for (size_t i = 0; !is && i < BESIDE_COUNT; i++) {
        size_t len = strlen(beside[i]);
        struct act_buf db = {0};
        if (name.len <= len || strcmp(path + name.len - len, beside[i]) != 0)
            continue;
        act_buf_add(&db, name.ptr, name.len - len);
        is = is_of(open, db.ptr) || has_header(db.ptr);
        act_buf_fini(&db);
    }
    return is;
}

static enum act_err
refuse(struct act_error *err, const char *path, const char *what, const char *hint)
{
    act_error_set(err, ACT_ERR_EXISTS, "%s", what);
    act_error_place(err, "%s", path);
    act_error_hint(err, "%s", hint);
    return ACT_ERR_EXISTS;
}

/* path: absolute. */
static enum act_err
check_names(const struct act_store *open, const char *path, struct act_error *err)
{
    if (is_of(open, path))
        return refuse(err, path, "this is the database that is open, or a file beside it",
                      "another name");
    if (is_beside_one(open, path))
        return refuse(err, path, "this is the name of a file beside a database", "another name");
    return ACT_OK;
}

enum act_err
act_overwrite_check(const struct act_store *open, struct act_str path, struct act_error *err)
{
    struct act_buf full = {0};
    enum act_err code = act_location_absolute(path, &full, err);
    if (!code)
        code = check_names(open, full.ptr, err);
    if (!code && has_header(full.ptr))
        code = refuse(err, full.ptr, "this is a database, which is not written over",
                      "another name, or remove it first if nobody needs what is in it");
    act_buf_fini(&full);
    return code;
}

/* SQLite would lay it over whatever gets the name of its database. */
static enum act_err
check_left(const char *path, struct act_error *err)
{
    struct act_buf wal = {0};
    struct stat st;
    act_buf_printf(&wal, "%s-wal", path);
    enum act_err code = ACT_OK;
    if (stat(wal.ptr, &st) == 0 && st.st_size > 0)
        code = refuse(err, wal.ptr, "a database that is gone has left this beside it",
                      "another name, or remove it if its database will not come back");
    act_buf_fini(&wal);
    return code;
}

enum act_err
act_overwrite_free(const struct act_store *open, struct act_str path, struct act_error *err)
{
    struct act_buf full = {0};
    enum act_err code = act_location_absolute(path, &full, err);
    if (!code)
        code = check_names(open, full.ptr, err);
    if (!code && access(full.ptr, F_OK) != 0)
        code = check_left(full.ptr, err);
    act_buf_fini(&full);
    return code;
}

/* ---- an exported run gives way to another one ---- */

static bool
answers(sqlite3 *sql, const char *question, const char *answer)
{
    sqlite3_stmt *stmt = NULL;
    bool is = sqlite3_prepare_v2(sql, question, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) &&
              strcmp((const char *)sqlite3_column_text(stmt, 0), answer) == 0;
    sqlite3_finalize(stmt);
    return is;
}

/* As import has it, one run. */
static bool
is_crate(sqlite3 *sql)
{
    char application[16];
    snprintf(application, sizeof(application), "%d", (int)ACT_SCHEMA_APPLICATION);
    return answers(sql, "PRAGMA application_id", application) &&
           answers(sql, "SELECT count(*) FROM runs", "1") && act_db_is_crate(sql);
}

static enum act_err
in_use(const char *path, struct act_error *err)
{
    act_error_set(err, ACT_ERR_BUSY, "somebody has this file open");
    act_error_place(err, "%s", path);
    act_error_hint(err, "end what reads or writes it, then try again; or another name");
    return ACT_ERR_BUSY;
}

/* To leave WAL the connection must be the only one; it checkpoints and removes -wal and -shm. */
static enum act_err
hold(sqlite3 *sql, const char *path, struct act_error *err)
{
    sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (!is_crate(sql))
        return refuse(err, path, "this is a database, and no exported run",
                      "another name, or remove it first if nobody needs what is in it");
    if (!answers(sql, "PRAGMA journal_mode=DELETE", "delete") ||
        sqlite3_exec(sql, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        return in_use(path, err);
    return ACT_OK;
}

/* As a writer does; where there is no such file there is no writer. */
static enum act_err
take_lock(struct act_lock *lock, const char *path, struct act_error *err)
{
    struct act_buf name = {0};
    act_buf_printf(&name, "%s.lock", path);
    bool there = access(name.ptr, F_OK) == 0;
    act_buf_fini(&name);
    *lock = (struct act_lock){.fd = -1};
    enum act_err code = there ? act_lock_open(lock, path, err) : ACT_OK;
    return there && !code ? act_lock_take(lock, path, BUSY_MS, err) : code;
}

static int
rename_it(const char *made, const char *path)
{
    return rename(made, path) == 0 ? 0 : errno;
}

static enum act_err
replace_crate(const char *made, const char *path, int *number, struct act_error *err)
{
    struct act_lock lock;
    sqlite3 *sql = NULL;
    enum act_err code = take_lock(&lock, path, err);
    if (!code && sqlite3_open_v2(path, &sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE,
                                 NULL) != SQLITE_OK)
        code = refuse(err, path, "this is a database that cannot be opened",
                      "another name, or remove it first if nobody needs what is in it");
    if (!code)
        code = hold(sql, path, err);
    if (!code && (*number = rename_it(made, path)) != 0)
        sqlite3_exec(sql, "COMMIT; PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    sqlite3_close(sql);
    act_lock_drop(&lock);
    act_lock_close(&lock);
    return code;
}

enum act_err
act_overwrite_with(const struct act_store *open, const char *made, struct act_str path, int *number,
                   struct act_error *err)
{
    struct act_buf full = {0}, name = {0};
    enum act_err code = act_location_absolute(path, &full, err);
    act_buf_add_str(&name, path);
    if (!code)
        code = check_names(open, full.ptr, err);
    bool database = !code && has_header(full.ptr);
    if (!code && !database)
        code = check_left(full.ptr, err);
    if (!code && database)
        code = replace_crate(made, full.ptr, number, err);
    else if (!code)
        *number = rename_it(made, name.ptr);
    act_buf_fini(&full);
    act_buf_fini(&name);
    return code;
}
