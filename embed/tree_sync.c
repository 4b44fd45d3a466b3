#include "embed/tree_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FOLDERS_MAX 16

static int
sync_one(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (error == EINVAL && fd >= 0)
        error = 0; /* a file system whose folders need no fsync */
    if (fd >= 0)
        close(fd);
    return error;
}

static int
sync_folder(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    (void)type;
    return S_ISDIR(st->st_mode) ? sync_one(path, O_DIRECTORY) : 0;
}

static int
sync_any(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    if (S_ISREG(st->st_mode))
        return sync_one(path, O_NOFOLLOW | O_NONBLOCK);
    return sync_folder(path, st, type, ftw);
}

int
act_tree_sync(const char *top, unsigned above, enum act_tree_sync what)
{
    char up[PATH_MAX];
    struct stat st;
    int len = snprintf(up, sizeof(up), "%s", top);
    if (len < 0 || (size_t)len >= sizeof(up))
        return ENAMETOOLONG;
    if (lstat(top, &st) != 0)
        return errno == ENOENT ? 0 : errno;
    int error = nftw(top, what == ACT_TREE_ALL ? sync_any : sync_folder, OPEN_FOLDERS_MAX,
                     FTW_DEPTH | FTW_PHYS);
    if (error < 0)
        error = errno;
    for (unsigned i = 0; !error && i < above; i++) {
        char *slash = strrchr(up, '/');
        if (!slash || slash == up)
            break;
        *slash = '\0';
        error = sync_one(up, O_DIRECTORY);
    }
    return error;
}
