/* <db>.lock: whoever holds flock on it may write or checkpoint, nobody else does. The kernel drops
 * it with the process. Each struct is one open file description: two of them exclude each other
 * within one process, too. */
#ifndef ACT_ENGINE_IO_SQLITE_LOCK_H
#define ACT_ENGINE_IO_SQLITE_LOCK_H

#include "base/error.h"

#include <stdint.h>

struct act_lock {
    int fd; /* -1: not open */
    bool held;
};

/* Makes the file if it is not there. */
enum act_err act_lock_open(struct act_lock *lock, const char *db_path, struct act_error *err);
void act_lock_close(struct act_lock *lock); /* drops it */
/* Waits at most wait_ms (0: not at all); ACT_ERR_BUSY names the holder. */
enum act_err act_lock_take(struct act_lock *lock, const char *db_path, int32_t wait_ms,
                           struct act_error *err);
void act_lock_drop(struct act_lock *lock);

#endif
