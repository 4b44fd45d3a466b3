/* Events into a file: a batch is one write, and synced. A regular file is open for as long as that takes: many runs
 * have few descriptors, and who moves the file away finds the next events in a new one. */
#include "embed/feed_sink.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    struct act_feed_place place; /* first: the port is the whole */
    char *path;
    int fd;         /* of a pipe or device it stays open */
    bool torn_pipe; /* the last write left part of a line there */
    struct act_buf whole;
};

static bool
fail(struct file *file, int number, char *why, size_t why_size)
{
    snprintf(why, why_size, "%s", strerror(number));
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    return false;
}

/* A pipe that nobody reads is no place to wait in. */
static bool
open_it(struct file *file, struct stat *ret)
{
    if (file->fd < 0)
        file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
    return file->fd >= 0 && fstat(file->fd, ret) == 0;
}

/* A write that was cut short, by whomever, left part of a line. What cannot be read is taken as whole. */
static bool
is_torn(const struct file *file, const struct stat *st)
{
    char last = '\n';
    if (!S_ISREG(st->st_mode) || st->st_size == 0)
        return file->torn_pipe;
    int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : pread(fd, &last, 1, st->st_size - 1);
    if (fd >= 0)
        close(fd);
    return got == 1 && last != '\n';
}

static bool
file_write(struct act_feed_place *self, struct act_str text, char *why, size_t why_size)
{
    struct file *file = (struct file *)self;
    struct stat st;
    if (!open_it(file, &st))
        return fail(file, errno, why, why_size);
    act_buf_clear(&file->whole);
    if (is_torn(file, &st))
        act_buf_add_byte(&file->whole, '\n');
    act_buf_add_str(&file->whole, text);
    ssize_t wrote = write(file->fd, file->whole.ptr, file->whole.len);
    if (wrote != (ssize_t)file->whole.len) {
        int number = wrote < 0 ? errno : ENOSPC;
        file->torn_pipe = file->torn_pipe || wrote > 0;
        return fail(file, number, why, why_size);
    }
    file->torn_pipe = false;
    /* A pipe has nothing to sync. */
    if (fdatasync(file->fd) != 0 && errno != EINVAL && errno != EROFS)
        return fail(file, errno, why, why_size);
    if (S_ISREG(st.st_mode)) {
        close(file->fd);
        file->fd = -1;
    }
    return true;
}

static void
file_destroy(struct act_feed_place *self)
{
    struct file *file = (struct file *)self;
    if (file->fd >= 0)
        close(file->fd);
    act_buf_fini(&file->whole);
    act_free(file->path);
    act_free(file);
}

static const struct act_feed_place_ops ops = {.write = file_write, .destroy = file_destroy};

struct act_feed_place *
act_feed_file(const char *path)
{
    struct file *file = act_zalloc(1, sizeof(*file));
    file->place.ops = &ops;
    file->path = act_strndup(path, strlen(path));
    file->fd = -1;
    return &file->place;
}
