#include "engine/io/uv/cookie.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* /proc/PID/stat after the name: the fields 3 (state), 9 (flags), 27 (endcode), 50 (env_start), 51 (env_end). */
#define STAT_PAST_NAME                                                                             \
    ") %c %*s %*s %*s %*s %*s %u" SKIP_10 SKIP_7 " %" SCNu64 SKIP_10 SKIP_10 " %*s %*s %" SCNu64   \
    " %" SCNu64
#define SKIP_7 " %*s %*s %*s %*s %*s %*s %*s"
#define SKIP_10 SKIP_7 " %*s %*s %*s"
#define KERNEL_THREAD 0x00200000u /* PF_KTHREAD */
#define EXEC_TRIES 5000           /* of a millisecond: the file may lie on a slow disk */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* entry: one NAME=value of an environment. */
static bool
entry_matches(struct act_str entry, struct act_str cookie)
{
    const char *equals = memchr(cookie.ptr, '=', cookie.len);
    size_t name = equals ? (size_t)(equals - cookie.ptr) : cookie.len;
    if (entry.len < cookie.len || memcmp(entry.ptr, cookie.ptr, name) != 0)
        return false;
    size_t at = name;
    if (entry.ptr[at] == '_') {
        at++;
        while (at < entry.len && is_digit(entry.ptr[at]))
            at++;
    }
    return act_str_eq(act_str_n(entry.ptr + at, entry.len - at),
                      act_str_n(cookie.ptr + name, cookie.len - name));
}

static bool
environ_matches(struct act_str environ_bytes, struct act_str cookie)
{
    while (environ_bytes.len) {
        const char *end = memchr(environ_bytes.ptr, 0, environ_bytes.len);
        size_t len = end ? (size_t)(end - environ_bytes.ptr) : environ_bytes.len;
        if (entry_matches(act_str_n(environ_bytes.ptr, len), cookie))
            return true;
        len += len < environ_bytes.len;
        environ_bytes = act_str_n(environ_bytes.ptr + len, environ_bytes.len - len);
    }
    return false;
}

/* How many bytes; -1: it is gone, or not ours to look at. */
static ssize_t
read_environ(int pid, struct act_buf *buf)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    act_buf_clear(buf);
    ssize_t got;
    do {
        act_buf_reserve(buf, 16384);
        got = read(fd, buf->ptr + buf->len, buf->cap - buf->len);
        buf->len += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    close(fd);
    return (ssize_t)buf->len;
}

/* Of a process whose environment is empty: was it given none, or has it none at the moment? Between two programs, in
 * an exec, it is empty for a while: the kernel first gives it its place, then its length, and after that, as one of
 * the last things, says where the program's code is. */
static bool
is_empty_for_good(int pid)
{
    char path[32], text[1024], state;
    unsigned flags;
    uint64_t code_end, env_start, env_end;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *past_name = strrchr(text, ')');
    if (!past_name ||
        sscanf(past_name, STAT_PAST_NAME, &state, &flags, &code_end, &env_start, &env_end) != 5 ||
        state == 'Z' || state == 'X' || (flags & KERNEL_THREAD) != 0)
        return true;
    return code_end != 0 && env_end != 0 && env_start == env_end;
}

static bool
has(int pid, struct act_str cookie, struct act_buf *buf)
{
    ssize_t got = read_environ(pid, buf);
    for (int tries = 0; got == 0 && tries < EXEC_TRIES; tries++) {
        if (is_empty_for_good(pid))
            return false;
        poll(NULL, 0, 1);
        got = read_environ(pid, buf);
    }
    return got > 0 && environ_matches(act_buf_str(buf), cookie);
}

bool
act_cookie_has(int pid, struct act_str cookie)
{
    struct act_buf buf = {0};
    bool found = has(pid, cookie, &buf);
    act_buf_fini(&buf);
    return found;
}

void
act_cookie_scan(struct act_str cookie, struct act_pids *ret)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return;
    struct act_buf buf = {0};
    int self = (int)getpid();
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (!is_digit(entry->d_name[0]))
            continue;
        int pid = (int)strtol(entry->d_name, NULL, 10);
        if (pid != self && has(pid, cookie, &buf))
            act_vec_push(ret, pid);
    }
    act_buf_fini(&buf);
    closedir(proc);
}

static bool
contains(const struct act_pids *pids, int pid)
{
    for (uint32_t i = 0; pids && i < pids->len; i++) {
        if (pids->ptr[i] == pid)
            return true;
    }
    return false;
}

/* Takes a zombie of ours off the table; no child of ours: nothing. */
static void
reap(int pid)
{
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
}

#if !ACT_PORTABLE

/* The pidfd is opened first and what it stands for is looked at afterwards: if the process was
 * replaced by another with its number in between, the signal reaches nobody. */
static int
kill_one(int pid, struct act_str cookie)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -1;
    if ((cookie.len && !act_cookie_has(pid, cookie)) ||
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) != 0) {
        close(pidfd);
        return -1;
    }
    return pidfd;
}

#define WAIT_STEP_MS 10

static void
wait_gone(int pidfd, int *wait_ms)
{
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    for (;;) {
        int ready = poll(&gone, 1, *wait_ms > 0 ? WAIT_STEP_MS : 0);
        if (ready > 0 || (ready == 0 && *wait_ms <= 0) || (ready < 0 && errno != EINTR))
            return;
        *wait_ms -= ready == 0 ? WAIT_STEP_MS : 0;
    }
}

uint32_t
act_cookie_kill(const struct act_pids *pids, struct act_str cookie, const struct act_pids *spare,
                int *wait_ms)
{
    struct act_pids pidfds = {0}, killed = {0};
    for (uint32_t i = 0; i < pids->len; i++) {
        int pidfd = kill_one(pids->ptr[i], cookie);
        if (pidfd < 0)
            continue;
        act_vec_push(&pidfds, pidfd);
        act_vec_push(&killed, pids->ptr[i]);
    }
    for (uint32_t i = 0; i < killed.len; i++) {
        wait_gone(pidfds.ptr[i], wait_ms);
        close(pidfds.ptr[i]);
        if (!contains(spare, killed.ptr[i]))
            reap(killed.ptr[i]);
    }
    uint32_t count = killed.len;
    act_vec_fini(&pidfds);
    act_vec_fini(&killed);
    return count;
}

#else

static bool
is_gone(int pid, const struct act_pids *spare)
{
    if (!contains(spare, pid))
        reap(pid);
    if (kill(pid, 0) != 0)
        return true;
    struct act_buf buf = {0};
    bool gone = read_environ(pid, &buf) <= 0; /* a zombie of somebody else's */
    act_buf_fini(&buf);
    return gone;
}

uint32_t
act_cookie_kill(const struct act_pids *pids, struct act_str cookie, const struct act_pids *spare,
                int *wait_ms)
{
    struct act_pids killed = {0};
    for (uint32_t i = 0; i < pids->len; i++) {
        if ((!cookie.len || act_cookie_has(pids->ptr[i], cookie)) &&
            kill(pids->ptr[i], SIGKILL) == 0)
            act_vec_push(&killed, pids->ptr[i]);
    }
    for (uint32_t i = 0; i < killed.len; i++) {
        for (; !is_gone(killed.ptr[i], spare) && *wait_ms > 0; (*wait_ms)--)
            poll(NULL, 0, 1);
    }
    uint32_t count = killed.len;
    act_vec_fini(&killed);
    return count;
}

#endif
