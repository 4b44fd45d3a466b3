#include "embed/feed_sink.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST_ATTEMPTS 3 /* once the run is over: nobody is to wait for what stays broken */

/* Invariant: done and end are the thread's; trouble and said are under the mutex. */
struct act_feed_sink {
    char *target, *mark;
    struct act_feed_place *place;
    uint64_t done;       /* all events up to it are written */
    uint64_t end;        /* the end of the run was written before what comes before it; 0: no */
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
write_mark(struct act_feed_sink *sink)
{
    char text[32];
    int fd = sink->mark ? open(sink->mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    int len = snprintf(text, sizeof(text), "%-20" PRIu64 "\n", sink->done);
    ssize_t written = pwrite(fd, text, (size_t)len, 0);
    (void)written;
    close(fd);
}

static void
move_on(struct act_feed_sink *sink, const struct actant_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t seq;
        memcpy(&seq, batch->records[i].data, sizeof(seq));
        if (batch->records[i].lane == ACTANT_LANE_URGENT)
            sink->end = seq;
        else if (seq > sink->done)
            sink->done = seq;
    }
    if (sink->end == sink->done + 1)
        sink->done = sink->end;
    write_mark(sink);
}

/* ---- for the producer ---- */

static int
sink_write(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct act_feed_sink *sink = self;
    act_buf_clear(&sink->text);
    for (size_t i = 0; i < batch->count; i++)
        act_buf_add(&sink->text, (const char *)batch->records[i].data + sizeof(uint64_t),
                    batch->records[i].size - sizeof(uint64_t));
    if (!sink->place->ops->write(sink->place, act_buf_str(&sink->text), error->message,
                                 sizeof(error->message)))
        return 1;
    move_on(sink, batch);
    return 0;
}

static enum actant_sink_answer
sink_failed(void *self, const struct actant_failure *failure, int64_t *retry_ms)
{
    struct act_feed_sink *sink = self;
    (void)retry_ms;
    pthread_mutex_lock(&sink->mutex);
    if (sink->trouble[0] == '\0') /* what came first is what to look at */
        snprintf(sink->trouble, sizeof(sink->trouble), "%s: %s", sink->target, failure->message);
    pthread_mutex_unlock(&sink->mutex);
    return failure->closing && failure->attempts >= LAST_ATTEMPTS ? ACTANT_SINK_STOP
                                                                  : ACTANT_SINK_RETRY;
}

static void
sink_cancel(void *self)
{
    struct act_feed_place *place = ((struct act_feed_sink *)self)->place;
    if (place->ops->cancel)
        place->ops->cancel(place);
}

struct actant_sink
act_feed_sink_of(struct act_feed_sink *sink)
{
    return (struct actant_sink){
        .self = sink, .write = sink_write, .failed = sink_failed, .cancel = sink_cancel};
}

/* ---- for the loop ---- */

bool
act_feed_sink_trouble(struct act_feed_sink *sink, struct act_buf *out)
{
    pthread_mutex_lock(&sink->mutex);
    bool news = sink->trouble[0] != '\0' && !sink->said;
    if (news)
        act_buf_add_cstr(out, sink->trouble);
    sink->said = sink->said || news;
    pthread_mutex_unlock(&sink->mutex);
    return news;
}

uint64_t
act_feed_sink_next(struct act_feed_sink *sink)
{
    return sink->done + 1;
}

struct act_feed_sink *
act_feed_sink_create(const char *target, const char *mark)
{
    struct act_feed_sink *sink = act_zalloc(1, sizeof(*sink));
    sink->target = act_strndup(target, strlen(target));
    sink->mark = mark ? act_strndup(mark, strlen(mark)) : NULL;
    sink->place = strstr(target, "://") ? act_feed_node(target) : act_feed_file(target);
    sink->done = read_mark(mark);
    ACT_ASSERT(pthread_mutex_init(&sink->mutex, NULL) == 0);
    return sink;
}

void
act_feed_sink_destroy(struct act_feed_sink *sink)
{
    if (!sink)
        return;
    sink->place->ops->destroy(sink->place);
    pthread_mutex_destroy(&sink->mutex);
    act_buf_fini(&sink->text);
    act_free(sink->target);
    act_free(sink->mark);
    act_free(sink);
}
