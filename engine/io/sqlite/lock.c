#include "engine/io/sqlite/lock.h"

#include "base/assert.h"
#include "base/str.h"
#include "engine/io/sqlite/canary.h"
#include "engine/io/sqlite/process_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum act_err
act_lock_open(struct act_lock *lock, const char *db_path, struct act_error *err)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s.lock", db_path);
    *lock =
        (struct act_lock){.fd = open(path.ptr, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    enum act_err rc = ACT_OK;
    if (lock->fd < 0) {
        int saved = errno;
        rc = act_error_set(err,
                           saved == EROFS || saved == EACCES    ? ACT_ERR_READ_ONLY
                           : saved == ENOSPC || saved == EDQUOT ? ACT_ERR_NO_SPACE
                                                                : ACT_ERR_SYSTEM,
                           "cannot open %s: %s", path.ptr, strerror(saved));
        act_error_place(err, "%s", db_path);
        act_error_hint(err, "the database's folder must be writable; or say where with --db PATH");
    }
    act_buf_fini(&path);
    return rc;
}

void
act_lock_close(struct act_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    *lock = (struct act_lock){.fd = -1};
}

/* For the message only: may be of a holder that has just gone. */
static void
holder(int fd, char *text, size_t size)
{
    char pid[32] = "";
    ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);
    long number = got > 0 ? strtol(pid, NULL, 10) : 0;
    if (number <= 0) {
        snprintf(text, size, "another process");
        return;
    }
    act_process_name(number, text, size);
}

/* flock has no time-out of its own; the waits grow from 20 µs to 1 ms, so that the usual commit of
 * somebody else (10 to 100 µs) costs little more than itself. What was waited is counted, not read from a clock:
 * while the machine stood still, whoever holds it could not go on either. */
static bool
wait_for(int fd, int32_t wait_ms)
{
    int64_t left_ns = (int64_t)wait_ms * 1000000;
    struct timespec pause = {.tv_nsec = 20000};
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK || left_ns <= 0)
            return false;
        nanosleep(&pause, NULL);
        left_ns -= pause.tv_nsec;
        if (pause.tv_nsec < 1000000)
            pause.tv_nsec += pause.tv_nsec / 2;
    }
    return true;
}

enum act_err
act_lock_take(struct act_lock *lock, const char *db_path, int32_t wait_ms, struct act_error *err)
{
    ACT_ASSERT(!lock->held);
    if (!ACT_CANARY_NO_FLOCK && !wait_for(lock->fd, wait_ms)) {
        if (errno != EWOULDBLOCK) {
            act_error_set(err, ACT_ERR_SYSTEM, "cannot lock %s.lock: %s", db_path, strerror(errno));
            act_error_hint(err, "keep the database on a local file system (--db PATH)");
            return ACT_ERR_SYSTEM;
        }
        char who[ACT_PROCESS_NAME_MAX];
        holder(lock->fd, who, sizeof(who));
        act_error_set(err, ACT_ERR_BUSY, "%s has been writing to the database for %d ms", who,
                      (int)wait_ms);
        act_error_place(err, "%s", db_path);
        act_error_hint(err, "wait for it or end it, then try again; nothing was changed");
        return ACT_ERR_BUSY;
    }
    /* The pid is a courtesy to those who wait: it may fail on a full disk. */
    char text[16];
    int len = snprintf(text, sizeof(text), "%-11ld\n", (long)getpid());
    ssize_t written = pwrite(lock->fd, text, (size_t)len, 0);
    (void)written;
    lock->held = true;
    return ACT_OK;
}

void
act_lock_drop(struct act_lock *lock)
{
    if (lock->held)
        flock(lock->fd, LOCK_UN);
    lock->held = false;
}
