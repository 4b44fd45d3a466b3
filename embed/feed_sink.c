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

/* Invariant: done and end are the thread's; news and fails are under the mutex. */
struct act_feed_sink {
    char *text, *mark;
    bool any_port; /* its address is news */
    struct act_feed_place *place;
    uint64_t done;        /* all events up to it are written */
    uint64_t end;         /* the end of the run was written before what comes before it; 0: no */
    struct act_buf batch; /* its text */
    pthread_mutex_t mutex;
    bool fails;       /* the last batch was refused */
    bool was_trouble; /* said, or about to be: what came first is what to look at */
    struct act_buf news;
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
move_on(struct act_feed_sink *sink, const struct actant_batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
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

static void
begin_news(struct act_feed_sink *sink)
{
    if (sink->news.len > 0)
        act_buf_add_cstr(&sink->news, "; ");
}

static void
note_success(struct act_feed_sink *sink)
{
    const char *note = sink->place->note;
    pthread_mutex_lock(&sink->mutex);
    sink->fails = false;
    if (sink->any_port && note[0]) {
        begin_news(sink);
        act_buf_printf(&sink->news, "events of the run are published at nng+%s", note);
        sink->any_port = false;
    }
    pthread_mutex_unlock(&sink->mutex);
}

/* How many of the first records have so many bytes. */
static size_t
records_in(const struct actant_batch *batch, size_t bytes)
{
    size_t count = 0;
    while (count < batch->count && batch->records[count].size - sizeof(uint64_t) <= bytes)
        bytes -= batch->records[count++].size - sizeof(uint64_t);
    return count;
}

static int
sink_write(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct act_feed_sink *sink = self;
    act_buf_clear(&sink->batch);
    for (size_t i = 0; i < batch->count; i++)
        act_buf_add(&sink->batch, (const char *)batch->records[i].data + sizeof(uint64_t),
                    batch->records[i].size - sizeof(uint64_t));
    sink->place->taken = 0;
    if (!sink->place->ops->write(sink->place, act_buf_str(&sink->batch), error->message,
                                 sizeof(error->message))) {
        error->accepted = records_in(batch, sink->place->taken);
        if (error->accepted > 0)
            move_on(sink, batch, error->accepted);
        return 1;
    }
    move_on(sink, batch, batch->count);
    note_success(sink);
    return 0;
}

static enum actant_sink_answer
sink_failed(void *self, const struct actant_failure *failure, int64_t *retry_ms)
{
    struct act_feed_sink *sink = self;
    (void)retry_ms;
    pthread_mutex_lock(&sink->mutex);
    sink->fails = true;
    if (!sink->was_trouble) {
        begin_news(sink);
        act_buf_printf(
            &sink->news,
            "events cannot be written to %s: %s; the run goes on, and they are tried again",
            sink->text, failure->message);
    }
    sink->was_trouble = true;
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
act_feed_sink_news(struct act_feed_sink *sink, struct act_buf *out)
{
    pthread_mutex_lock(&sink->mutex);
    bool some = sink->news.len > 0;
    act_buf_add_str(out, act_buf_str(&sink->news));
    act_buf_clear(&sink->news);
    pthread_mutex_unlock(&sink->mutex);
    return some;
}

bool
act_feed_sink_fails(struct act_feed_sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    bool fails = sink->fails;
    pthread_mutex_unlock(&sink->mutex);
    return fails;
}

uint64_t
act_feed_sink_next(struct act_feed_sink *sink)
{
    return sink->done + 1;
}

static struct act_feed_place *
make_publisher(const struct act_feed_sink_options *options)
{
    const struct act_feed_target *target = options->target;
    char subscribers[16] = "-";
    if (target->subscribers >= 0 || target->dial)
        snprintf(subscribers, sizeof(subscribers), "%d", target->dial ? 1 : target->subscribers);
    const char *args[] = {"publish",         target->dial ? "dial" : "listen",
                          target->address,   subscribers,
                          options->workflow, NULL};
    return act_feed_node(options->hosting, args, NULL);
}

static struct act_feed_place *
make_place(const struct act_feed_sink_options *options)
{
    const char *post[] = {"post", options->text, NULL};
    switch (options->target->kind) {
    case ACT_FEED_WEBHOOK: return act_feed_node(options->hosting, post, &options->setup);
    case ACT_FEED_PUBLISHER: return make_publisher(options);
    case ACT_FEED_FILE: break;
    }
    return act_feed_file(options->text);
}

struct act_feed_sink *
act_feed_sink_create(const struct act_feed_sink_options *options)
{
    struct act_feed_sink *sink = act_zalloc(1, sizeof(*sink));
    const char *mark = options->mark;
    sink->text = act_strndup(options->text, strlen(options->text));
    sink->mark = mark ? act_strndup(mark, strlen(mark)) : NULL;
    sink->any_port = options->target->any_port;
    sink->place = make_place(options);
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
    act_buf_fini(&sink->batch);
    act_buf_fini(&sink->news);
    act_free(sink->text);
    act_free(sink->mark);
    act_free(sink);
}
