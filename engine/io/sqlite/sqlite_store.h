/* The store port on SQLite. Any number of processes may have the same database open; a store is for
 * one thread at a time. Of this folder only sqlite_store.h, location.h, keeper.h and overwrite.h are for others.
 *
 * What a database is on disk, beside <db> itself:
 *   <db>-wal, <db>-shm  SQLite's
 *   <db>.lock           whoever holds flock on it writes or checkpoints; its pid stands in it
 *   <db>.owners         8 bytes a run at 8 · its row: an OFD lock on them is ownership, the owner's
 *                       pid stands in them
 *   <db>.reserve        1 MiB that is given up when the disk is full
 *   <db>.new            the same file as <db> while that is not yet on the disk (fresh.h)
 *   <db>.d/<run>/       a run's spool and large outputs; of a detached one also who keeps it (keeper.h)
 *
 * A full disk: the call that meets it returns ACT_ERR_NO_SPACE, has changed nothing and has given up
 * the reserve, so that the same call and a few more succeed when repeated. The host repeats the
 * batch, stops what runs and appends that. */
#ifndef ACT_ENGINE_IO_SQLITE_STORE_H
#define ACT_ENGINE_IO_SQLITE_STORE_H

#include "engine/port/store.h"

struct act_store_options {
    struct act_str path; /* empty: act_location_default; relative to the working directory */
    bool given;          /* by --db or $ACTANT_DB: failing is an error, there is no falling back */
    bool read_only; /* nothing is made, written or repaired; ACT_ERR_NOT_FOUND if there is none */
    enum act_durability durability;
    int32_t busy_ms; /* how long to wait for other writers; 0: 5,000 */
    /* What a person should know and what is no error: another place was taken, a network file
     * system, a reader that lets the WAL grow (wal_alarm.h). May be NULL. Called by open, maintain and
     * close. */
    void (*warn)(void *self, const char *message);
    void *warn_self;
    bool kept;  /* the run's keeper has started this process: it may own what is kept */
    bool guest; /* in a program that is not ours: SQLite is set up as that wants it */
    uint32_t wal_alarm_pages; /* of the WAL, until its readers are named; 0: ACT_WAL_ALARM_PAGES */
    const char *vfs;          /* an SQLite VFS by name, for tests; NULL: the default one */
};

/* Errors: ACT_ERR_FOREIGN, ACT_ERR_NEWER, ACT_ERR_CORRUPT, ACT_ERR_READ_ONLY, ACT_ERR_NOT_FOUND,
 * ACT_ERR_BUSY, ACT_ERR_NO_SPACE, ACT_ERR_SYSTEM; each with the path and a remedy. */
enum act_err act_store_open(const struct act_store_options *options, struct act_store **ret,
                            struct act_error *err);
/* Absolute path of the open database; lives as long as the store. */
const char *act_store_path(const struct act_store *store);

#endif
