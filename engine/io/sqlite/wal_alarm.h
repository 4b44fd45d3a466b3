/* A reader that stays keeps the WAL from starting over: every checkpoint stops at what that reader
 * began with, and the WAL grows by what is written meanwhile. Nobody can take its transaction from
 * it, so it is named, once the WAL has ACT_WAL_ALARM_PAGES and again whenever it has doubled.
 * Raised on the thread that checkpoints, taken on the store's own. */
#ifndef ACT_ENGINE_IO_SQLITE_WAL_ALARM_H
#define ACT_ENGINE_IO_SQLITE_WAL_ALARM_H

#include "base/str.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define ACT_WAL_ALARM_PAGES 16384 /* of 4 KiB: 64 MiB */

struct act_wal_alarm {
    pthread_mutex_t mutex;
    uint32_t next;       /* so many pages until it is said again; under the mutex, as is */
    struct act_buf text; /* what is to be said */
};

void act_wal_alarm_init(struct act_wal_alarm *alarm, uint32_t pages); /* 0: the usual */
void act_wal_alarm_fini(struct act_wal_alarm *alarm);
/* A checkpoint has left something in a WAL of so many pages. */
void act_wal_alarm_raise(struct act_wal_alarm *alarm, const char *db_path, uint32_t pages);
/* Appends what is to be said; false: nothing. */
bool act_wal_alarm_take(struct act_wal_alarm *alarm, struct act_buf *out);
/* Appends who reads the database now, as "process 12 (sqlite3)" and so on; where the system does not
 * tell, "another program". */
void act_wal_readers(const char *db_path, struct act_buf *out);

#endif
