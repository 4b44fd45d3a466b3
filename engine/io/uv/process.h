/* The process port on libuv, posix_spawn and pidfds (with ACT_PORTABLE: SIGCHLD). One port a
 * process: it makes this process the reaper of its tasks' orphans and takes every child that is not
 * in our own session for one. Used from the loop's thread. */
#ifndef ACT_ENGINE_IO_UV_PROCESS_H
#define ACT_ENGINE_IO_UV_PROCESS_H

#include "engine/port/loop.h"
#include "engine/port/process.h"

struct act_uv_process_options {
    /* With up to so many started and not ended the loop starts processes itself, with more the
     * spawner threads do. -1: the default (1); 0: always the threads (serve, worker). */
    int inline_max;
};

/* loop: from act_uv_loop_create; borrowed. options may be NULL. Ended by its ops->close. */
enum act_err act_uv_process_port_create(struct act_loop *loop,
                                        const struct act_uv_process_options *options,
                                        struct act_process_port **ret, struct act_error *err);

#endif
