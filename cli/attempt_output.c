#include "cli/attempt_output.h"

#include "base/wire.h"

#define PIECE_BYTES ((uint64_t)64 * 1024)

struct source {
    const struct act_blob *blob;
    uint64_t at, length;
};

struct reader {
    struct act_blob_port *blobs;
    enum act_output_which which;
    bool (*fn)(void *self, int stream, struct act_str bytes);
    void *self;
    struct act_buf piece;
    bool stopped;
    struct act_error *err;
};

/* The next length bytes of a source, given to fn as of a stream. */
static enum act_err
give(struct reader *r, struct source *source, int stream, uint64_t length)
{
    enum act_err code = ACT_OK;
    uint64_t left = source->length - source->at;
    length = length < left ? length : left;
    if (!(r->which & (1u << stream))) {
        source->at += length;
        return ACT_OK;
    }
    while (!code && length > 0 && !r->stopped) {
        uint64_t take = length < PIECE_BYTES ? length : PIECE_BYTES;
        struct act_str bytes;
        if (source->blob->file.len == 0) {
            bytes = act_str_n(source->blob->bytes.ptr + source->at, (size_t)take);
        } else {
            act_buf_clear(&r->piece);
            code = r->blobs->ops->read(r->blobs, source->blob->file,
                                       source->blob->offset + source->at, take, &r->piece, r->err);
            bytes = act_buf_str(&r->piece);
            if (!code && bytes.len == 0)
                break; /* the file is shorter than was promised: a crash between */
        }
        if (!code && !r->fn(r->self, stream, bytes))
            r->stopped = true;
        source->at += take;
        length -= take;
    }
    return code;
}

static struct source
source_of(const struct act_blob *blob)
{
    return (struct source){blob, 0, blob->file.len > 0 ? blob->length : blob->bytes.len};
}

enum act_err
act_attempt_output(struct act_blob_port *blobs, const struct act_event *event,
                   enum act_output_which which,
                   bool (*fn)(void *self, int stream, struct act_str bytes), void *self,
                   struct act_error *err)
{
    struct reader r = {.blobs = blobs, .which = which, .fn = fn, .self = self, .err = err};
    struct source sources[2] = {source_of(&event->out), source_of(&event->err)};
    bool mixed = event->type == ACT_EVENT_OUTPUT;
    struct act_wire_reader order = {.rest = event->order};
    enum act_err code = ACT_OK;
    for (int stream = 0; !code && order.rest.len > 0 && !r.stopped; stream = !stream) {
        uint64_t length = act_wire_read_u64(&order);
        if (order.failed)
            break;
        code = give(&r, &sources[mixed ? 0 : stream], stream, length);
    }
    for (int stream = 0; !code && stream < 2 && !r.stopped; stream++)
        code = give(&r, &sources[stream], stream, UINT64_MAX);
    act_buf_fini(&r.piece);
    return code;
}
