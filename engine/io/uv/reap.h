/* Children that have ended, and children that we did not start: orphans. A task's grandchildren whose
 * parent ends become ours (PR_SET_CHILD_SUBREAPER), also those that left the session, so nothing that
 * a task started can get out of sight. */
#ifndef ACT_ENGINE_IO_UV_REAP_H
#define ACT_ENGINE_IO_UV_REAP_H

#include "engine/io/uv/cookie.h"
#include "engine/port/process.h"

/* False: it has not ended yet. Else it is off the process table and code, signal and usage are filled
 * in. pidfd may be -1. */
bool act_reap_leader(int pid, int pidfd, struct act_process_exit *ret);

/* Where the kernel lists our children. Orphans are given to a process's first thread; the children of
 * other threads do not stand in its list. */
struct act_orphans {
    int children_fd; /* -1: not Linux, or a kernel without CONFIG_PROC_CHILDREN */
};
/* adopt: become their reaper; else there is no list. */
void act_orphans_init(struct act_orphans *orphans, bool adopt);
void act_orphans_fini(struct act_orphans *orphans);
/* Reaps those that have ended and appends those that live. Children of our own session are none: a
 * helper that some other part of this program started. known(self, pid): a process that the port
 * started and has not reaped. */
void act_orphans_list(struct act_orphans *orphans, bool (*known)(void *self, int pid), void *self,
                      struct act_pids *ret);

#endif
