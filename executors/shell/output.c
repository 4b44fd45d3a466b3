#include "executors/shell/output.h"

#include "base/alloc.h"
#include "base/wire.h"

#include <stdio.h>

#define LOG_MAX (UINT64_C(64) << 20)
#define RESULT_MAX (UINT64_C(1) << 30)

void
act_output_capture_init(struct act_output_capture *capture, struct act_blob_port *blobs,
                        const struct act_mask_table *mask, struct act_str attempt_id,
                        enum act_output mode, const struct act_output_limits *limits)
{
    *capture = (struct act_output_capture){.blobs = blobs, .attempt_id = attempt_id};
    capture->limits.log_max = limits && limits->log_max ? limits->log_max : LOG_MAX;
    capture->limits.result_max = limits && limits->result_max ? limits->result_max : RESULT_MAX;
    capture->streams[ACT_STREAM_OUT].is_result = mode != ACT_OUTPUT_NONE;
    capture->streams[ACT_STREAM_OUT].mask.table = mask;
    capture->streams[ACT_STREAM_ERR].mask.table = mask;
}

void
act_output_capture_fini(struct act_output_capture *capture)
{
    for (int i = 0; i < 2; i++) {
        struct act_output_stream *stream = &capture->streams[i];
        if (stream->file)
            capture->blobs->ops->close_file(stream->file);
        act_free(stream->file_name);
        act_buf_fini(&stream->memory);
        act_mask_fini(&stream->mask);
    }
    act_buf_fini(&capture->order);
    act_buf_fini(&capture->masked);
}

static struct act_output_stream *
stream_of(struct act_output_capture *capture, enum act_stream which)
{
    return &capture->streams[which];
}

/* ---- order ---- */

static void
note_turn(struct act_output_capture *capture, enum act_stream which, size_t len)
{
    if (which != capture->turn) {
        if (capture->order.len < ACT_OUTPUT_ORDER_MAX)
            act_wire_u64(&capture->order, capture->turn_length);
        capture->turn = which;
        capture->turn_length = 0;
    }
    capture->turn_length += len;
}

/* ---- keeping ---- */

static enum act_err
open_file(struct act_output_capture *capture, enum act_stream which)
{
    struct act_output_stream *stream = stream_of(capture, which);
    struct act_buf name = {0};
    act_buf_printf(&name, "%.*s.%s", ACT_STR_ARG(capture->attempt_id),
                   which == ACT_STREAM_OUT ? "out" : "err");
    stream->file_name = act_strndup(name.ptr, name.len);
    act_buf_fini(&name);
    enum act_err failed = capture->blobs->ops->create(capture->blobs, act_str(stream->file_name),
                                                      &stream->file, &capture->error);
    if (!failed)
        failed =
            capture->blobs->ops->write(stream->file, act_buf_str(&stream->memory), &capture->error);
    act_buf_fini(&stream->memory);
    stream->memory = (struct act_buf){0};
    return failed;
}

static enum act_err
keep(struct act_output_capture *capture, enum act_stream which, struct act_str bytes)
{
    struct act_output_stream *stream = stream_of(capture, which);
    if (!bytes.len)
        return ACT_OK;
    note_turn(capture, which, bytes.len);
    stream->length += bytes.len;
    enum act_err failed = ACT_OK;
    if (!stream->file && stream->length > ACT_OUTPUT_SPOOLED)
        failed = open_file(capture, which);
    if (failed) {
        stream->length = 0;
        return failed;
    }
    if (stream->file) {
        failed = capture->blobs->ops->write(stream->file, bytes, &capture->error);
        stream->length -= failed ? bytes.len : 0; /* what is named must be there */
        return failed;
    }
    act_buf_add_str(&stream->memory, bytes);
    return ACT_OK;
}

/* The log says itself that it was cut. */
static enum act_err
keep_log(struct act_output_capture *capture, enum act_stream which, struct act_str bytes)
{
    struct act_output_stream *stream = stream_of(capture, which);
    if (stream->cut)
        return ACT_OK;
    uint64_t room = capture->limits.log_max - stream->length;
    if (bytes.len <= room)
        return keep(capture, which, bytes);
    enum act_err failed = keep(capture, which, act_str_n(bytes.ptr, (size_t)room));
    stream->cut = true;
    char marker[160];
    int len = snprintf(marker, sizeof marker,
                       "\n[actant: the log limit of %llu bytes is reached, the rest is not kept]\n",
                       (unsigned long long)capture->limits.log_max);
    return failed ? failed : keep(capture, which, act_str_n(marker, (size_t)len));
}

static enum act_err
keep_result(struct act_output_capture *capture, struct act_str bytes)
{
    struct act_output_stream *stream = stream_of(capture, ACT_STREAM_OUT);
    if (bytes.len <= capture->limits.result_max - stream->length)
        return keep(capture, ACT_STREAM_OUT, bytes);
    act_error_set(&capture->error, ACT_ERR_LIMIT,
                  "the result is longer than output_max (%llu bytes)",
                  (unsigned long long)capture->limits.result_max);
    act_error_hint(&capture->error, "write large data to a file and print its name, or say "
                                    "`output: none` if it is only a log");
    return ACT_ERR_LIMIT;
}

static enum act_err
keep_masked(struct act_output_capture *capture, enum act_stream which, struct act_str bytes)
{
    if (capture->failed)
        return capture->failed;
    capture->failed = stream_of(capture, which)->is_result ? keep_result(capture, bytes)
                                                           : keep_log(capture, which, bytes);
    return capture->failed;
}

enum act_err
act_output_capture_write(struct act_output_capture *capture, enum act_stream which,
                         struct act_str bytes, struct act_str *ret_shown)
{
    struct act_mask *mask = &stream_of(capture, which)->mask;
    *ret_shown = bytes;
    if (mask->table) {
        act_buf_clear(&capture->masked);
        act_mask_feed(mask, bytes, &capture->masked);
        *ret_shown = act_buf_str(&capture->masked);
    }
    return keep_masked(capture, which, *ret_shown);
}

/* ---- the end ---- */

static void
flush_mask(struct act_output_capture *capture, enum act_stream which)
{
    struct act_mask *mask = &stream_of(capture, which)->mask;
    if (!mask->held.len)
        return;
    act_buf_clear(&capture->masked);
    act_mask_finish(mask, &capture->masked);
    keep_masked(capture, which, act_buf_str(&capture->masked));
}

static void
place(struct act_output_capture *capture, enum act_stream which, struct act_blob *ret)
{
    struct act_output_stream *stream = stream_of(capture, which);
    ret->length = stream->length;
    if (stream->file) {
        ret->file = act_str(stream->file_name);
        return;
    }
    struct act_str bytes = act_buf_str(&stream->memory);
    ret->length = bytes.len;
    if (bytes.len <= ACT_OUTPUT_INLINE) {
        ret->bytes = bytes;
        return;
    }
    struct act_error error = {0};
    enum act_err failed =
        capture->blobs->ops->spool(capture->blobs, bytes, &ret->file, &ret->offset, &error);
    if (!failed)
        return;
    *ret = (struct act_blob){0};
    if (!capture->failed) {
        capture->failed = failed;
        capture->error = error;
    }
}

static void
end_order(struct act_output_capture *capture, struct act_event *event)
{
    if (!capture->streams[0].length || !capture->streams[1].length)
        return;
    if (capture->order.len < ACT_OUTPUT_ORDER_MAX)
        act_wire_u64(&capture->order, capture->turn_length);
    event->order = act_buf_str(&capture->order);
}

enum act_err
act_output_capture_end(struct act_output_capture *capture, struct act_event *event,
                       bool *ret_at_hand, struct act_str *ret_output)
{
    const struct act_output_stream *out = stream_of(capture, ACT_STREAM_OUT);
    flush_mask(capture, ACT_STREAM_OUT);
    flush_mask(capture, ACT_STREAM_ERR);
    place(capture, ACT_STREAM_OUT, &event->out);
    place(capture, ACT_STREAM_ERR, &event->err);
    end_order(capture, event);
    event->flag = out->is_result && out->mask.hit;
    *ret_at_hand = !capture->failed && !out->file && out->length <= ACT_OUTPUT_AT_HAND;
    *ret_output = *ret_at_hand ? act_buf_str(&out->memory) : (struct act_str){0};
    return capture->failed;
}
