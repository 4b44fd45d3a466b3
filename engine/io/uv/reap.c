#include "engine/io/uv/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#if !ACT_PORTABLE
#include <sys/prctl.h>
#endif

static uint64_t
micros(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static void
fill_usage(struct act_process_exit *ret, const struct rusage *usage)
{
    ret->user_us = micros(usage->ru_utime);
    ret->system_us = micros(usage->ru_stime);
    ret->rss_max_bytes = (uint64_t)usage->ru_maxrss * 1024;
}

#if !ACT_PORTABLE

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

bool
act_reap_leader(int pid, int pidfd, struct act_process_exit *ret)
{
    siginfo_t info = {0};
    struct rusage usage = {0};
    long failed;
    do { /* the call itself: glibc's leaves out the usage */
        failed = syscall(SYS_waitid, pidfd >= 0 ? P_PIDFD : P_PID, pidfd >= 0 ? pidfd : pid, &info,
                         WEXITED | WNOHANG, &usage);
    } while (failed != 0 && errno == EINTR);
    if (failed == 0 && info.si_pid == 0)
        return false;
    bool exited = failed == 0 && info.si_code == CLD_EXITED;
    ret->exit_code = exited ? info.si_status : -1;
    ret->core_dumped = failed == 0 && info.si_code == CLD_DUMPED;
    /* ECHILD: somebody else took it off the table; how it ended is lost. */
    ret->signal = exited ? 0 : failed == 0 ? info.si_status : SIGKILL;
    fill_usage(ret, &usage);
    return true;
}

#else

bool
act_reap_leader(int pid, int pidfd, struct act_process_exit *ret)
{
    (void)pidfd;
    struct rusage usage = {0};
    int status = 0;
    pid_t got;
    do
        got = wait4(pid, &status, WNOHANG, &usage);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    bool exited = got > 0 && WIFEXITED(status);
    ret->exit_code = exited ? WEXITSTATUS(status) : -1;
    ret->core_dumped = got > 0 && WIFSIGNALED(status) && WCOREDUMP(status);
    ret->signal = exited ? 0 : got > 0 ? WTERMSIG(status) : SIGKILL;
    fill_usage(ret, &usage);
    return true;
}

#endif

void
act_orphans_init(struct act_orphans *orphans, bool adopt)
{
    orphans->children_fd = -1;
    (void)adopt; /* the portable form cannot */
#if !ACT_PORTABLE
    if (!adopt || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    orphans->children_fd = open(path, O_RDONLY | O_CLOEXEC);
#endif
}

void
act_orphans_fini(struct act_orphans *orphans)
{
    if (orphans->children_fd >= 0)
        close(orphans->children_fd);
    orphans->children_fd = -1;
}

/* True if it lives and is an orphan. */
static bool
look_at(int pid)
{
    pid_t session = getsid(pid);
    if (session < 0 || session == getsid(0))
        return false;
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) != 0)
        return false;
    return info.si_pid == 0;
}

void
act_orphans_list(struct act_orphans *orphans, bool (*known)(void *self, int pid), void *self,
                 struct act_pids *ret)
{
    if (orphans->children_fd < 0)
        return;
    /* The list is read whole before anything in it is reaped, which would shift what follows. */
    struct act_pids children = {0};
    char bytes[4096];
    int pid = 0;
    off_t at = 0;
    for (ssize_t got; (got = pread(orphans->children_fd, bytes, sizeof bytes, at)) > 0; at += got) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] >= '0' && bytes[i] <= '9') {
                pid = pid * 10 + (bytes[i] - '0');
            } else {
                if (pid && !known(self, pid))
                    act_vec_push(&children, pid);
                pid = 0;
            }
        }
    }
    for (uint32_t i = 0; i < children.len; i++) {
        if (look_at(children.ptr[i]))
            act_vec_push(ret, children.ptr[i]);
    }
    act_vec_fini(&children);
}
