/* Starting one process: pipes, posix_spawn, pidfd. Touches nothing but its job, so that any thread
 * may do it. */
#ifndef ACT_ENGINE_IO_UV_SPAWN_H
#define ACT_ENGINE_IO_UV_SPAWN_H

#include "engine/port/process.h"

#include <spawn.h>

/* What all starts share; read only after init. */
struct act_spawn_shared {
    posix_spawnattr_t attr;
    int null_fd; /* /dev/null, read and write */
};
enum act_err act_spawn_shared_init(struct act_spawn_shared *shared, struct act_error *err);
void act_spawn_shared_fini(struct act_spawn_shared *shared);

/* Owns its copies of the spec (one block) and, until they are taken, the descriptors. */
struct act_spawn {
    char *block;
    char **argv, **env;
    const char *program, *dir, *cookie;
    int stdin_fd;     /* ours, or -1 */
    int stdin_failed; /* errno: a descriptor could not be duplicated */
    bool capture_out, capture_err;
    int links[ACT_PROCESS_LINKS_MAX]; /* ours, or -1 */
    /* Filled in by start. */
    int failed; /* errno; 0: it runs */
    bool dir_failed;
    int pid, out_fd, err_fd; /* -1: none. Reading ends do not block */
    int pidfd;               /* -1 also if there was no descriptor left: it runs all the same */
};
/* Copies spec. A stdin that cannot be duplicated makes the start fail. */
void act_spawn_init(struct act_spawn *spawn, const struct act_process_spec *spec);
void act_spawn_fini(struct act_spawn *spawn);
void act_spawn_start(struct act_spawn *spawn, const struct act_spawn_shared *shared);
/* Once more, for a process that runs and got no pidfd. */
void act_spawn_open_pidfd(struct act_spawn *spawn);
/* Should a start that failed with this errno be tried again later? */
bool act_spawn_retryable(int failed);
/* 127 (not found) or 126 (found but not to be executed), as sh has them. */
int act_spawn_exit_code(int failed);

#endif
