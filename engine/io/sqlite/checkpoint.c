#include "engine/io/sqlite/checkpoint.h"

#include "engine/io/sqlite/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Under the lock there is only the copying and one short fsync of the database file: the WAL's own
 * is done before, when most of it need not wait for anybody. false: the disk has not kept it. */
static bool
sync_wal(const char *db_path)
{
    struct act_buf path = {0};
    bool kept = true;
    act_buf_printf(&path, "%s-wal", db_path);
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        kept = fdatasync(fd) == 0 || (errno != EIO && errno != ENOSPC && errno != EDQUOT);
        close(fd);
    }
    act_buf_fini(&path);
    return kept;
}

/* What fails here fails quietly, save for an fsync: the WAL stays, and the next commit or checkpoint
 * says why. truncate: empty the WAL, if no reader is in the way. How far a WAL has been copied is known
 * only while somebody has the database open: one that is not emptied is read whole by the next to come.
 * At level `off`, too, the disk is waited for: the database stays whole whatever the level. */
static void
run(struct act_checkpointer *c, struct act_db *db, int32_t wait_ms, bool truncate)
{
    db->broken = db->broken || !sync_wal(db->path);
    if (db->broken)
        return;
    if (act_fresh_is(db->path) && act_fresh_end(db, NULL) != ACT_OK)
        return;
    if (act_lock_take(&db->lock, db->path, wait_ms, NULL) != ACT_OK)
        return;
    if (db->sync_level < 1 &&
        sqlite3_exec(db->sql, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL) == SQLITE_OK)
        db->sync_level = 1;
    if (truncate)
        sqlite3_busy_timeout(db->sql, 0);
    int in_wal = 0, copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(
        db->sql, "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &in_wal,
        &copied);
    if (truncate)
        sqlite3_busy_timeout(db->sql, db->busy_ms);
    /* What the kernel dropped it would not write the next time either, and say that all is well. */
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        db->broken = true;
    bool read = (rc == SQLITE_OK || rc == SQLITE_BUSY) && copied < in_wal;
    if (read && c->alarm)
        act_wal_alarm_raise(c->alarm, db->path, (uint32_t)in_wal);
    act_lock_drop(&db->lock);
}

static void *
thread_main(void *self)
{
    struct act_checkpointer *c = self;
    struct act_db db;
    struct act_db_options options = {
        .path = c->path, .vfs = c->vfs, .durability = c->durability, .busy_ms = c->busy_ms};
    if (act_db_open(&db, &options, NULL) == ACT_OK) {
        run(c, &db, c->busy_ms, false);
        c->broken = db.broken;
        act_db_close(&db);
    }
    atomic_store(&c->done, true);
    return NULL;
}

static void
join(struct act_checkpointer *c, struct act_db *db)
{
    if (c->started)
        pthread_join(c->thread, NULL);
    c->started = false;
    db->broken = db->broken || c->broken;
    act_free(c->path);
    act_free(c->vfs);
    c->path = c->vfs = NULL;
}

static bool
worth_it(struct act_checkpointer *c, const struct act_db *db, uint32_t min_pages)
{
    if (db->wal_pages < c->last)
        c->last = 0; /* the WAL has started over */
    return db->wal_pages >= min_pages && db->wal_pages >= c->last + min_pages / 4 &&
           !db->read_only && !db->broken;
}

void
act_checkpoint_here(struct act_checkpointer *c, struct act_db *db, uint32_t min_pages)
{
    if (!worth_it(c, db, min_pages))
        return;
    c->last = db->wal_pages;
    run(c, db, db->busy_ms, false);
}

void
act_checkpoint_maybe(struct act_checkpointer *c, struct act_db *db, const char *vfs,
                     uint32_t min_pages)
{
    if (c->started && atomic_load(&c->done))
        join(c, db); /* may have found the disk broken */
    if (!worth_it(c, db, min_pages))
        return;
    /* A loop that commits without pause may keep the thread from the lock: it is let in here. */
    if (c->started && !atomic_load(&c->done) && db->wal_pages < ACT_CHECKPOINT_BUSY_PAGES)
        return;
    join(c, db);
    c->last = db->wal_pages;
    if (db->exclusive) { /* no other connection gets in */
        run(c, db, 0, false);
        return;
    }
    c->path = act_strndup(db->path, strlen(db->path));
    c->vfs = vfs ? act_strndup(vfs, strlen(vfs)) : NULL;
    c->durability = db->durability;
    c->busy_ms = db->busy_ms;
    atomic_store(&c->done, false);
    /* Signals are the loop's. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    c->started = pthread_create(&c->thread, NULL, thread_main, c) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void
act_checkpoint_fini(struct act_checkpointer *c, struct act_db *db)
{
    join(c, db);
    if (db->sql && !db->read_only && !db->broken && db->wal_pages >= ACT_CHECKPOINT_CLOSE_PAGES)
        run(c, db, 0, true);
}
