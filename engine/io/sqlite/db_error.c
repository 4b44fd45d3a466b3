/* What SQLite's result codes mean to a person. */
#include "engine/io/sqlite/db.h"
#include "engine/io/sqlite/reserve.h"

#include <errno.h>
#include <string.h>

static enum act_err
no_space(struct act_db *db, struct act_error *err)
{
    bool freed = !db->read_only && act_reserve_give_up(db->path);
    act_error_set(err, ACT_ERR_NO_SPACE, "no space left for the database");
    act_error_hint(
        err, freed ? "free some disk space, then again; a run that was begun goes on with `actant "
                     "resume` (the reserve was used so that its last events fit)"
                   : "free some disk space, then again; a run that was begun goes on with `actant "
                     "resume` (what was committed is kept)");
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
