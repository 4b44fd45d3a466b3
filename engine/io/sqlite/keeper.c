#include "engine/io/sqlite/keeper.h"

#include "base/str.h"
#include "engine/io/sqlite/range_lock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_BYTES 32

static void
path_of(struct act_buf *out, const char *folder)
{
    act_buf_printf(out, "%s/keeper", folder);
}

/* The run's folder and the one of all runs above it. */
static bool
make_folders(const char *folder)
{
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return true;
    const char *slash = strrchr(folder, '/');
    if (errno != ENOENT || !slash)
        return false;
    struct act_buf above = {0};
    act_buf_add(&above, folder, (size_t)(slash - folder));
    bool made = mkdir(above.ptr, 0700) == 0 || errno == EEXIST;
    act_buf_fini(&above);
    return made && (mkdir(folder, 0700) == 0 || errno == EEXIST);
}

static int64_t
read_pid(int fd)
{
    char text[PID_BYTES] = {0};
    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtoll(text, NULL, 10) : 0;
}

/* pid 0: it has not said yet. */
static enum act_err
kept_elsewhere(int64_t pid, struct act_error *err)
{
    if (pid > 0)
        act_error_set(err, ACT_ERR_OWNED, "process %" PRId64 " keeps this run", pid);
    else
        act_error_set(err, ACT_ERR_OWNED, "another process keeps this run");
    act_error_hint(err, "`actant attach` follows it; wait for its end, or `actant cancel` it");
    return ACT_ERR_OWNED;
}

static enum act_err
cannot(const char *what, const char *path, struct act_error *err)
{
    bool full = errno == ENOSPC;
    act_error_set(err, full ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM, "cannot %s %s: %s", what, path,
                  strerror(errno));
    if (full)
        act_error_hint(err, "free some disk space, then again");
    return full ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM;
}

/* *left: whoever had it has removed it since it was opened. */
static enum act_err
take_open(int fd, const char *path, bool *left, struct act_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[PID_BYTES];
    struct stat st;
    bool ours = fcntl(fd, ACT_SET_LOCK, &lock) == 0;
    *left = fstat(fd, &st) == 0 && st.st_nlink == 0;
    if (*left || !ours)
        return *left ? ACT_OK : kept_elsewhere(read_pid(fd), err);
    int len = snprintf(text, sizeof(text), "%" PRId64 "\n", (int64_t)getpid());
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len)
        return ACT_OK;
    enum act_err code = cannot("write", path, err);
    unlink(path);
    return code;
}

enum act_err
act_keeper_take(const char *folder, int *ret_fd, struct act_error *err)
{
    struct act_buf path = {0};
    enum act_err code = ACT_OK;
    bool left = true;
    int fd = -1;
    path_of(&path, folder);
    while (code == ACT_OK && left) {
        left = false;
        fd = make_folders(folder) ? open(path.ptr, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
                                  : -1;
        code = fd < 0 ? cannot("make", path.ptr, err) : take_open(fd, path.ptr, &left, err);
        if (fd >= 0 && (code != ACT_OK || left))
            close(fd);
    }
    if (code == ACT_OK)
        *ret_fd = fd;
    act_buf_fini(&path);
    return code;
}

void
act_keeper_drop(const char *folder, int fd)
{
    struct act_buf path = {0};
    if (fd < 0)
        return;
    path_of(&path, folder);
    unlink(path.ptr);
    close(fd);
    act_buf_fini(&path);
}

bool
act_keeper_lives(const char *folder, int64_t *pid)
{
    struct act_buf path = {0};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    path_of(&path, folder);
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    act_buf_fini(&path);
    if (fd < 0)
        return false;
    bool lives = fcntl(fd, ACT_GET_LOCK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (lives && pid)
        *pid = read_pid(fd);
    close(fd);
    return lives;
}
