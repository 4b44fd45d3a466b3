/* Moving what the WAL holds into the database file, so that the WAL starts over and does not grow
 * without bound. A checkpoint runs under the write lock, so no commit ever overlaps it (SQLite
 * before 3.51.3 can lose data there), on a thread and connection of its own; what it wrote is
 * fsynced. At most one at a time. If an fsync fails, the connection it works for writes nothing more. If a
 * reader is in its way and the WAL is large, the alarm is raised. */
#ifndef ACT_ENGINE_IO_SQLITE_CHECKPOINT_H
#define ACT_ENGINE_IO_SQLITE_CHECKPOINT_H

#include "engine/io/sqlite/db.h"
#include "engine/io/sqlite/wal_alarm.h"

#include <pthread.h>
#include <stdatomic.h>

/* Pages of 4 KiB in the WAL: from when on the loop asks for one in a quiet moment, does not wait for
 * a quiet moment, and does so before it closes (the next to open reads the whole WAL). */
#define ACT_CHECKPOINT_IDLE_PAGES 1024
#define ACT_CHECKPOINT_BUSY_PAGES 4096
#define ACT_CHECKPOINT_CLOSE_PAGES 256

struct act_checkpointer {
    struct act_wal_alarm *alarm; /* the store's; outlives it */
    pthread_t thread;
    bool started;     /* the thread is to be joined */
    atomic_bool done; /* it has finished */
    bool broken;      /* an fsync failed: the thread's until done, then the owner's */
    uint32_t last;    /* wal_pages when the last one began: asking again needs growth */
    char *path, *vfs; /* the thread's own */
    enum act_durability durability;
    int32_t busy_ms;
};

/* Starts one if the WAL has at least min_pages and has grown since the last. Waits for one that is
 * under way only from ACT_CHECKPOINT_BUSY_PAGES on. */
void act_checkpoint_maybe(struct act_checkpointer *c, struct act_db *db, const char *vfs,
                          uint32_t min_pages);
/* The same on the calling thread and db's own connection, for a thread that may wait. */
void act_checkpoint_here(struct act_checkpointer *c, struct act_db *db, uint32_t min_pages);
/* Waits for one that is under way. Before closing: then does one itself if the WAL is worth it and
 * nobody holds the lock. */
void act_checkpoint_fini(struct act_checkpointer *c, struct act_db *db);

#endif
