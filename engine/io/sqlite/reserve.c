#include "engine/io/sqlite/reserve.h"

#include "base/str.h"

#include <fcntl.h>
#include <unistd.h>

void
act_reserve_make(const char *db_path)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s.reserve", db_path);
    if (access(path.ptr, F_OK) != 0) {
        int fd = open(path.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        /* Where space cannot be reserved without writing it there is no reserve. */
        if (fd >= 0 && fallocate(fd, 0, 0, ACT_RESERVE_BYTES) != 0)
            unlink(path.ptr);
        if (fd >= 0)
            close(fd);
    }
    act_buf_fini(&path);
}

bool
act_reserve_give_up(const char *db_path)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s.reserve", db_path);
    bool had = unlink(path.ptr) == 0;
    act_buf_fini(&path);
    return had;
}
