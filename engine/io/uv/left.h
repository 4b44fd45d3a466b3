/* Ending what a task leaves behind. */
#ifndef ACT_ENGINE_IO_UV_LEFT_H
#define ACT_ENGINE_IO_UV_LEFT_H

#include "engine/io/uv/reap.h"

/* The processes that the port started and has not reaped: not to be taken for orphans, and not to be
 * reaped by anyone else. */
struct act_known {
    void *self;
    bool (*has)(void *self, int pid);
    void (*list)(void *self, struct act_pids *ret); /* appends */
};

/* A leader that was just reaped; its number is taken as long as its session or group has members. */
struct act_left {
    int pid;
    struct act_str cookie; /* may be empty */
    bool last;             /* no other task is in flight: whatever is left is its */
};
/* Kills and waits until nothing is found any more, at most ACT_COOKIE_WAIT_MS. How many there were.
 * Cheap when nothing was left: one read of the kernel's list of our children. */
uint32_t act_left_end(struct act_orphans *orphans, const struct act_known *known,
                      const struct act_left *left);
/* All that carries the cookie, wherever it came from. */
uint32_t act_left_kill(const struct act_known *known, struct act_str cookie);

#endif
