#include "embed/feed_file.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST_ATTEMPTS 3 /* once the run is over: nobody is to wait for a disk that stays full */

/* Invariant: done and end are the thread's; what trouble says is under the mutex. */
struct act_feed_file {
    char *path, *mark;
    int fd;
    uint64_t done;       /* all events up to it are written */
    uint64_t end;        /* the end of the run was written before what comes before it; 0: no */
    bool torn;           /* the last write left part of a line */
    struct act_buf text; /* of a batch */
    pthread_mutex_t mutex;
    char trouble[512];
    bool said;
};

/* ---- how far it has come ---- */

static uint64_t
read_mark(const char *path)
{
    char text[32] = "";
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    return got > 0 ? strtoull(text, NULL, 10) : 0;
}

/* After the lines are on the disk. What is lost of it makes lines come twice, never not at all. */
static void
write_mark(struct act_feed_file *file)
{
    char text[32];
    int fd = file->mark ? open(file->mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    int len = snprintf(text, sizeof(text), "%-20" PRIu64 "\n", file->done);
    ssize_t written = pwrite(fd, text, (size_t)len, 0);
    (void)written;
    close(fd);
}

static void
move_on(struct act_feed_file *file, const struct actant_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t seq;
        memcpy(&seq, batch->records[i].data, sizeof(seq));
        if (batch->records[i].lane == ACTANT_LANE_URGENT)
            file->end = seq;
        else if (seq > file->done)
            file->done = seq;
    }
    if (file->end == file->done + 1)
        file->done = file->end;
    write_mark(file);
}

/* ---- the sink ---- */

static int
fail(struct act_feed_file *file, int number, struct actant_sink_error *error)
{
    snprintf(error->message, sizeof(error->message), "%s", strerror(number));
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    return number;
}

/* A pipe that nobody reads is no place to wait in. */
static bool
open_it(struct act_feed_file *file)
{
    if (file->fd < 0)
        file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
    return file->fd >= 0;
}

int
act_feed_file_write(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct act_feed_file *file = self;
    act_buf_clear(&file->text);
    if (file->torn)
        act_buf_add_byte(&file->text, '\n');
    for (size_t i = 0; i < batch->count; i++)
        act_buf_add(&file->text, (const char *)batch->records[i].data + sizeof(uint64_t),
                    batch->records[i].size - sizeof(uint64_t));
    if (!open_it(file))
        return fail(file, errno, error);
    ssize_t wrote = write(file->fd, file->text.ptr, file->text.len);
    if (wrote != (ssize_t)file->text.len) {
        int number = wrote < 0 ? errno : ENOSPC;
        file->torn = file->torn || wrote > 0;
        return fail(file, number, error);
    }
    file->torn = false;
    if (fdatasync(file->fd) != 0 && errno != EINVAL &&
        errno != EROFS) /* a pipe has nothing to sync */
        return fail(file, errno, error);
    move_on(file, batch);
    return 0;
}

enum actant_sink_answer
act_feed_file_failed(void *self, const struct actant_failure *failure, int64_t *retry_ms)
{
    struct act_feed_file *file = self;
    (void)retry_ms;
    pthread_mutex_lock(&file->mutex);
    snprintf(file->trouble, sizeof(file->trouble), "%s: %s", file->path, failure->message);
    pthread_mutex_unlock(&file->mutex);
    return failure->closing && failure->attempts >= LAST_ATTEMPTS ? ACTANT_SINK_STOP
                                                                  : ACTANT_SINK_RETRY;
}

/* ---- for the loop ---- */

bool
act_feed_file_trouble(struct act_feed_file *file, struct act_buf *out)
{
    pthread_mutex_lock(&file->mutex);
    bool news = file->trouble[0] != '\0' && !file->said;
    if (news)
        act_buf_add_cstr(out, file->trouble);
    file->said = file->said || news;
    pthread_mutex_unlock(&file->mutex);
    return news;
}

uint64_t
act_feed_file_next(struct act_feed_file *file)
{
    return file->done + 1;
}

struct act_feed_file *
act_feed_file_create(const char *path, const char *mark)
{
    struct act_feed_file *file = act_zalloc(1, sizeof(*file));
    file->path = act_strndup(path, strlen(path));
    file->mark = mark ? act_strndup(mark, strlen(mark)) : NULL;
    file->fd = -1;
    file->done = read_mark(mark);
    ACT_ASSERT(pthread_mutex_init(&file->mutex, NULL) == 0);
    return file;
}

void
act_feed_file_destroy(struct act_feed_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    pthread_mutex_destroy(&file->mutex);
    act_buf_fini(&file->text);
    act_free(file->path);
    act_free(file->mark);
    act_free(file);
}
