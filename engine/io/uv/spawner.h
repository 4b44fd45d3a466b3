/* Two threads that start processes while the loop does something else: posix_spawn takes longer than
 * all the rest of a task. Jobs go in and come back through one mutex. */
#ifndef ACT_ENGINE_IO_UV_SPAWNER_H
#define ACT_ENGINE_IO_UV_SPAWNER_H

#include "engine/io/uv/spawn.h"

/* Embedded in what is started. In the spawner's hands from put until take has given it back. */
struct act_spawn_job {
    struct act_spawn spawn;
    struct act_spawn_job *next;
};

struct act_spawner;
/* shared is borrowed. No threads are made before the first put. */
struct act_spawner *act_spawner_create(const struct act_spawn_shared *shared);
/* Ends the threads; jobs that no thread had taken yet are dropped, the others must be taken first or
 * are dropped too (their processes run on): see act_spawner_drain. */
void act_spawner_destroy(struct act_spawner *spawner);
/* 0, or the errno for which no thread could be made: the caller starts the process itself. */
int act_spawner_put(struct act_spawner *spawner, struct act_spawn_job *job);
/* What has been started (or could not be), in a list; NULL if there is none. */
struct act_spawn_job *act_spawner_take(struct act_spawner *spawner);
/* Waits until every job that was put stands in the list that take returns. */
void act_spawner_drain(struct act_spawner *spawner);
/* Readable while take would return something. -1 before the first put. */
int act_spawner_fd(const struct act_spawner *spawner);

#endif
