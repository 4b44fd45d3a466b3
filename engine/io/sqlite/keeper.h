/* <db>.d/<run>/keeper: the keeper of a detached run holds a lock on this file as long as it lives, and
 * its pid stands there. While it does, the run is not free to be taken up, though its coordinator may
 * be gone: another one is on its way. The kernel drops the lock with the process. */
#ifndef ACT_ENGINE_IO_SQLITE_KEEPER_H
#define ACT_ENGINE_IO_SQLITE_KEEPER_H

#include "base/error.h"

#include <stdint.h>

/* Makes the folders and the file. *ret_fd: holds the lock until it is closed. ACT_ERR_OWNED: another
 * process keeps the run. */
enum act_err act_keeper_take(const char *folder, int *ret_fd, struct act_error *err);
/* Removes the file and lets go. */
void act_keeper_drop(const char *folder, int fd);
/* *pid: its process; 0 if not known. */
bool act_keeper_lives(const char *folder, int64_t *pid);

#endif
