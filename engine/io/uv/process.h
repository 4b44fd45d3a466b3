/* The process port on libuv, posix_spawn and pidfds (with ACT_PORTABLE: SIGCHLD). At most one port of a
 * process adopts orphans. Used from the loop's thread. */
#ifndef ACT_ENGINE_IO_UV_PROCESS_H
#define ACT_ENGINE_IO_UV_PROCESS_H

#include "engine/port/loop.h"
#include "engine/port/process.h"

struct act_uv_process_options {
    /* With up to so many started and not ended the loop starts processes itself, with more the
     * spawner threads do. -1: the default (1); 0: always the threads (serve, worker). */
    int inline_max;
    /* Normally this process becomes the reaper of what tasks leave behind: it is told of all of it at
     * once, and takes any child in another session than its own for an orphan. Not so in a program that
     * starts such children itself: then what tasks left is looked for by its environment, in /proc. */
    bool leave_orphans;
};

/* loop: from act_uv_loop_create; borrowed. options may be NULL (inline_max -1).
 * Ended by its ops->close. */
enum act_err act_uv_process_port_create(struct act_loop *loop,
                                        const struct act_uv_process_options *options,
                                        struct act_process_port **ret, struct act_error *err);

#endif
