/* How often a run was taken up by a process that then died without a word. Written before the log is
 * replayed and taken back by the first batch that follows or by an end in order, so that what is left
 * counts the processes that died in between: in a replay that crashes, or killed there. */
#include "engine/io/sqlite/store.h"

#include "engine/port/clock.h"

#include <inttypes.h>

/* 0 also if it cannot be told: an older database, opened for reading, has no such table. */
uint32_t
act_recoveries(struct act_sqlite *s, int64_t row)
{
    sqlite3_stmt *stmt;
    bool found = false;
    uint32_t count = 0;
    if (act_db_stmt(&s->db, ACT_SQL_RECOVERY_COUNT, &stmt, NULL) != ACT_OK)
        return 0;
    sqlite3_bind_int64(stmt, 1, row);
    if (act_db_step(&s->db, stmt, &found, NULL) == ACT_OK && found)
        count = (uint32_t)sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return count;
}

enum act_err
act_recoveries_clear(struct act_sqlite *s, int64_t row, struct act_error *err)
{
    return act_db_run(&s->db, ACT_SQL_RECOVERY_CLEAR, &row, 1, err);
}

static enum act_err
set(struct act_sqlite *s, int64_t row, uint32_t count, struct act_error *err)
{
    int64_t values[] = {row, count, act_clock_wall_ms()};
    enum act_err rc = act_db_begin(&s->db, false, err);
    if (rc != ACT_OK)
        return rc;
    if (count == 0)
        rc = act_recoveries_clear(s, row, err);
    else
        rc = act_db_run(&s->db, ACT_SQL_RECOVERY_SET, values, 3, err);
    if (rc == ACT_OK)
        return act_db_commit(&s->db, err);
    act_db_rollback(&s->db);
    return rc;
}

static enum act_err
quarantined(struct act_str run, uint32_t count, struct act_error *err)
{
    act_error_set(err, ACT_ERR_QUARANTINED,
                  "run %.*s is quarantined: %u processes died while they took it up again",
                  ACT_STR_ARG(run), count);
    act_error_hint(
        err,
        "`actant history verify %.*s` replays it with nothing at stake; to take it up all "
        "the same: `actant resume --quarantined %.*s`",
        ACT_STR_ARG(run), ACT_STR_ARG(run));
    return ACT_ERR_QUARANTINED;
}

enum act_err
act_sqlite_begin_recovery(struct act_store *self, struct act_str run, bool anyway,
                          struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    struct act_run_place place;
    if (!owned)
        return act_error_set(err, ACT_ERR_OWNED, "run %.*s is not owned by this process",
                             ACT_STR_ARG(run));
    enum act_err rc = act_sqlite_run_row(s, run, &place, err);
    if (rc != ACT_OK || place.ended || owned->recovering)
        return rc;
    uint32_t before = act_recoveries(s, owned->row);
    if (before >= ACT_RECOVERIES_MAX && !anyway)
        return quarantined(run, before, err);
    rc = set(s, owned->row, before + 1, err);
    if (rc == ACT_OK) {
        owned->recovering = true;
        owned->recoveries = before;
    }
    return rc;
}

void
act_recovery_ended(struct act_sqlite *s, struct act_owned *owned)
{
    if (!owned->recovering)
        return;
    owned->recovering = false;
    if (act_recoveries(s, owned->row) <= owned->recoveries)
        return; /* a batch that went through the writer has cleared it */
    set(s, owned->row, owned->recoveries, NULL); /* else it counts, which is the safe side */
}
