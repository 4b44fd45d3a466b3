#include "engine/view/view_log.h"

#include "base/wire.h"

struct emit {
    const struct act_view_log_sink *sink;
    int stream;
};

static enum act_err
on_part(void *self, struct act_str part, struct act_error *err)
{
    struct emit *emit = self;
    return emit->sink->part(emit->sink->self, emit->stream, part, err);
}

static uint64_t
size_of(const struct act_blob *blob)
{
    return blob->file.len > 0 ? blob->length : blob->bytes.len;
}

/* Two blobs, read alternately; for a piece both are the same one, read on. */
struct merge {
    struct act_blob_port *blobs;
    const struct act_view_log_sink *sink;
    const struct act_blob *blob[2];
    uint64_t at[2]; /* how far each has been read */
    bool one;       /* blob[0] is blob[1] */
    uint64_t skip;
};

static enum act_err
take(struct merge *m, int stream, uint64_t length, struct act_error *err)
{
    struct emit emit = {m->sink, stream + 1};
    int which = m->one ? 0 : stream;
    uint64_t left = size_of(m->blob[which]) - m->at[which];
    uint64_t all = length < left ? length : left;
    uint64_t skipped = m->skip < all ? m->skip : all;
    enum act_err rc = act_view_blob(m->blobs, m->blob[which], m->at[which] + skipped, all - skipped,
                                    on_part, &emit, err);
    m->skip -= skipped;
    m->at[which] += all;
    return rc;
}

static enum act_err
merge(struct merge *m, struct act_str order, struct act_error *err)
{
    struct act_wire_reader r = {.rest = order};
    enum act_err rc = ACT_OK;
    for (int stream = 0; rc == ACT_OK && r.rest.len > 0; stream = !stream) {
        uint64_t length = act_wire_read_u64(&r);
        if (r.failed)
            break;
        rc = take(m, stream, length, err);
    }
    /* What the order does not tell (only one has bytes, or the log limit cut it). */
    for (int stream = 0; rc == ACT_OK && stream < (m->one ? 1 : 2); stream++)
        rc = take(m, stream, UINT64_MAX, err);
    return rc;
}

enum act_err
act_view_log(struct act_blob_port *blobs, const struct act_view_attempt *attempt, uint64_t skip,
             const struct act_view_log_sink *sink, uint64_t *ret_bytes, struct act_error *err)
{
    uint64_t total = 0;
    enum act_err rc = ACT_OK;
    if (attempt->ended) {
        struct merge m = {
            .blobs = blobs, .sink = sink, .blob = {&attempt->out, &attempt->err}, .skip = skip};
        rc = merge(&m, attempt->order, err);
        total = size_of(&attempt->out) + size_of(&attempt->err);
    }
    for (uint32_t i = 0; rc == ACT_OK && !attempt->ended && i < attempt->pieces.len; i++) {
        const struct act_view_piece *piece = &attempt->pieces.ptr[i];
        struct merge m = {.blobs = blobs,
                          .sink = sink,
                          .blob = {&piece->blob, &piece->blob},
                          .one = true,
                          .skip = skip > total ? skip - total : 0};
        rc = merge(&m, piece->order, err);
        total += size_of(&piece->blob);
    }
    if (rc == ACT_OK && ret_bytes)
        *ret_bytes = total;
    return rc;
}
