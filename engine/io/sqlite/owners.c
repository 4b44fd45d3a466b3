#include "engine/io/sqlite/owners.h"

#include "base/str.h"
#include "engine/io/sqlite/canary.h"
#include "engine/io/sqlite/range_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEAD_TRIES 5000 /* of a millisecond each */

enum act_err
act_owners_open(struct act_owners *owners, const char *db_path, bool read_only,
                struct act_error *err)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s.owners", db_path);
    int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
    owners->fd = open(path.ptr, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum act_err rc = ACT_OK;
    if (owners->fd < 0 && !read_only) {
        rc = act_error_set(err,
                           errno == EROFS || errno == EACCES ? ACT_ERR_READ_ONLY
                           : errno == ENOSPC                 ? ACT_ERR_NO_SPACE
                                                             : ACT_ERR_SYSTEM,
                           "cannot open %s: %s", path.ptr, strerror(errno));
        act_error_place(err, "%s", db_path);
    }
    act_buf_fini(&path);
    return rc;
}

void
act_owners_close(struct act_owners *owners)
{
    if (owners->fd >= 0)
        close(owners->fd);
    owners->fd = -1;
}

static struct flock
range(int64_t row, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = row * 8, .l_len = 8};
}

static int64_t
holder(const struct act_owners *owners, int64_t row)
{
    int64_t pid;
    bool read = pread(owners->fd, &pid, sizeof(pid), row * 8) == (ssize_t)sizeof(pid);
    return read ? pid : 0;
}

/* A process that was killed while it started another one leaves the lock to it until that has executed
 * its program and closed what is not its own: for a moment a dead process holds it. */
static bool
is_dead(int64_t pid)
{
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

bool
act_owners_take(struct act_owners *owners, int64_t row, int64_t *pid)
{
    struct flock lock = range(row, F_WRLCK);
    int64_t bytes = getpid();
    for (int tries = 0; !ACT_CANARY_ANY_OWNER && fcntl(owners->fd, ACT_SET_LOCK, &lock) != 0;
         tries++) {
        *pid = holder(owners, row);
        if (tries == DEAD_TRIES || !is_dead(*pid))
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        lock = range(row, F_WRLCK);
    }
    ssize_t written = pwrite(owners->fd, &bytes, sizeof(bytes), row * 8); /* may fail: full disk */
    (void)written;
    return true;
}

void
act_owners_drop(struct act_owners *owners, int64_t row)
{
    struct flock lock = range(row, F_UNLCK);
    fcntl(owners->fd, ACT_SET_LOCK, &lock);
}

bool
act_owners_taken(const struct act_owners *owners, int64_t row)
{
    struct flock lock = range(row, F_WRLCK);
    return owners->fd >= 0 && fcntl(owners->fd, ACT_GET_LOCK, &lock) == 0 && lock.l_type != F_UNLCK;
}
