/* Events into a file: a batch is one write, and synced. A regular file is open for as long as that takes: many runs
 * have few descriptors, and who moves the file away finds the next events in a new one. A pipe that is full is waited
 * for: whole lines go into it as far as the kernel takes them at once, so that none is cut when the wait is over. */
#include "embed/feed_sink.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
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
    atomic_bool cancelled; /* the time to wait for a reader is over */
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

/* ---- pipes and devices ---- */

#define WAIT_MS 50 /* until it is looked whether the wait is over */

/* What is written at once: whole lines, all or nothing of them; a longer one alone, perhaps in parts. */
static size_t
chunk_of(struct act_str rest)
{
    size_t len = rest.len < PIPE_BUF ? rest.len : PIPE_BUF;
    while (len > 0 && rest.ptr[len - 1] != '\n')
        len--;
    if (len > 0)
        return len;
    const char *feed = memchr(rest.ptr, '\n', rest.len);
    return feed ? (size_t)(feed - rest.ptr) + 1 : rest.len;
}

/* For room. False: nobody waits any more. */
static bool
wait_for_reader(struct file *file)
{
    struct pollfd on = {.fd = file->fd, .events = POLLOUT};
    if (atomic_load(&file->cancelled))
        return false;
    /* A device may have room and not take it. */
    if (poll(&on, 1, WAIT_MS) > 0)
        poll(NULL, 0, 1);
    return !atomic_load(&file->cancelled);
}

/* 0 or an errno; *at: how far it has come. */
static int
put_chunk(struct file *file, struct act_str text, size_t *at)
{
    size_t begin = *at, end = begin + chunk_of(act_str_n(text.ptr + begin, text.len - begin));
    while (*at < end) {
        ssize_t wrote = write(file->fd, text.ptr + *at, end - *at);
        if (wrote > 0)
            *at += (size_t)wrote;
        else if (wrote < 0 && errno != EAGAIN && errno != EINTR)
            return errno;
        else if (!wait_for_reader(file))
            return ETIMEDOUT;
        file->torn_pipe = *at > begin && *at < end;
    }
    return 0;
}

static bool
pipe_write(struct file *file, size_t mended, char *why, size_t why_size)
{
    struct act_str text = act_buf_str(&file->whole);
    size_t at = 0, whole = 0;
    int number = 0;
    while (!number && at < text.len) {
        number = put_chunk(file, text, &at);
        whole = number ? whole : at;
    }
    if (!number)
        return true;
    /* A reader that has gone took along what it had not read. */
    if (number == ETIMEDOUT && whole > mended)
        file->place.taken = whole - mended;
    return fail(file, number, why, why_size);
}

static void
file_cancel(struct act_feed_place *self)
{
    atomic_store(&((struct file *)self)->cancelled, true);
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
    size_t mended = file->whole.len;
    act_buf_add_str(&file->whole, text);
    if (!S_ISREG(st.st_mode))
        return pipe_write(file, mended, why, why_size);
    ssize_t wrote = write(file->fd, file->whole.ptr, file->whole.len);
    if (wrote != (ssize_t)file->whole.len) {
        return fail(file, wrote < 0 ? errno : ENOSPC, why, why_size);
    }
    if (fdatasync(file->fd) != 0 && errno != EINVAL && errno != EROFS)
        return fail(file, errno, why, why_size);
    close(file->fd);
    file->fd = -1;
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

static const struct act_feed_place_ops ops = {
    .write = file_write, .cancel = file_cancel, .destroy = file_destroy};

struct act_feed_place *
act_feed_file(const char *path)
{
    struct file *file = act_zalloc(1, sizeof(*file));
    file->place.ops = &ops;
    file->path = act_strndup(path, strlen(path));
    file->fd = -1;
    return &file->place;
}
