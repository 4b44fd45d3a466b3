/* <db>.owners: who drives a run. An open-file-description lock on the run's 8 bytes is ownership; the
 * kernel drops it when the process dies, however it dies. The bytes hold the owner's pid, for
 * messages. Where there are no such locks (ACT_PORTABLE), POSIX record locks stand in: then two
 * stores of one process do not exclude each other. */
#ifndef ACT_ENGINE_IO_SQLITE_OWNERS_H
#define ACT_ENGINE_IO_SQLITE_OWNERS_H

#include "base/error.h"

#include <stdint.h>

struct act_owners {
    int fd; /* -1: there is no such file and we may not make it: nobody owns anything */
};

enum act_err act_owners_open(struct act_owners *owners, const char *db_path, bool read_only,
                             struct act_error *err);
void act_owners_close(struct act_owners *owners); /* drops all */
/* false: another has it; *pid is its process, 0 if not known. */
bool act_owners_take(struct act_owners *owners, int64_t row, int64_t *pid);
void act_owners_drop(struct act_owners *owners, int64_t row);
/* Does anybody but this store own it? */
bool act_owners_taken(const struct act_owners *owners, int64_t row);

#endif
