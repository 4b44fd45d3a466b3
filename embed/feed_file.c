/* Events into a file: a batch is one write, and synced. */
#include "embed/feed_sink.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct file {
    struct act_feed_place place; /* first: the port is the whole */
    char *path;
    int fd;
    bool torn; /* the last write left part of a line */
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
open_it(struct file *file)
{
    if (file->fd < 0)
        file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
    return file->fd >= 0;
}

static bool
file_write(struct act_feed_place *self, struct act_str text, char *why, size_t why_size)
{
    struct file *file = (struct file *)self;
    act_buf_clear(&file->whole);
    if (file->torn)
        act_buf_add_byte(&file->whole, '\n');
    act_buf_add_str(&file->whole, text);
    if (!open_it(file))
        return fail(file, errno, why, why_size);
    ssize_t wrote = write(file->fd, file->whole.ptr, file->whole.len);
    if (wrote != (ssize_t)file->whole.len) {
        int number = wrote < 0 ? errno : ENOSPC;
        file->torn = file->torn || wrote > 0;
        return fail(file, number, why, why_size);
    }
    file->torn = false;
    /* A pipe has nothing to sync. */
    if (fdatasync(file->fd) != 0 && errno != EINVAL && errno != EROFS)
        return fail(file, errno, why, why_size);
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
