#include "executors/worker/frame.h"

const char *
act_frame_name(enum act_frame_type type)
{
    switch (type) {
#define ACT_FRAME(name, number, direction, body)                                                   \
    case ACT_FRAME_##name:                                                                         \
        return #name;
#include "executors/worker/frames.def"
#undef ACT_FRAME
    }
    return "?";
}

/* ---- writing ---- */

void
act_frame_u32(struct act_buf *out, uint32_t v)
{
    unsigned char bytes[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                              (unsigned char)(v >> 24)};
    act_buf_add(out, bytes, sizeof bytes);
}

void
act_frame_head(struct act_buf *out, enum act_frame_type type, size_t body_bytes)
{
    act_frame_u32(out, (uint32_t)body_bytes);
    act_buf_add_byte(out, (char)type);
}

/* ---- reading ---- */

static uint64_t
little_endian(const char *at, size_t len)
{
    uint64_t v = 0;
    for (size_t i = len; i > 0; i--)
        v = v << 8 | (unsigned char)at[i - 1];
    return v;
}

static bool
take(struct act_str *body, size_t len, uint64_t *ret)
{
    if (body->len < len)
        return false;
    *ret = little_endian(body->ptr, len);
    *body = act_str_n(body->ptr + len, body->len - len);
    return true;
}

bool
act_frame_take_u32(struct act_str *body, uint32_t *ret)
{
    uint64_t v;
    if (!take(body, 4, &v))
        return false;
    *ret = (uint32_t)v;
    return true;
}

bool
act_frame_take_u64(struct act_str *body, uint64_t *ret)
{
    return take(body, 8, ret);
}

bool
act_frame_take_u8(struct act_str *body, uint8_t *ret)
{
    uint64_t v;
    if (!take(body, 1, &v))
        return false;
    *ret = (uint8_t)v;
    return true;
}

void
act_frame_decoder_fini(struct act_frame_decoder *decoder)
{
    act_buf_fini(&decoder->partial);
}

/* The length of the body of the frame that begins at head; -1: it cannot be one. */
static int64_t
body_length(struct act_frame_decoder *decoder, const char *head, struct act_error *err)
{
    uint32_t len = (uint32_t)little_endian(head, 4);
    unsigned type = (unsigned char)head[4];
    if (act_frame_name((enum act_frame_type)type)[0] == '?') {
        act_error_set(err, ACT_ERR_INVALID, "a frame of the unknown type %u", type);
    } else if (len > decoder->body_max) {
        act_error_set(err, ACT_ERR_LIMIT, "a frame %s of %u bytes, and at most %u are taken",
                      act_frame_name((enum act_frame_type)type), len, decoder->body_max);
    } else {
        return len;
    }
    decoder->failed = true;
    return -1;
}

/* Moves bytes to what is kept until that has want of them. */
static bool
fill(struct act_buf *partial, struct act_str *bytes, size_t want)
{
    size_t missing = want > partial->len ? want - partial->len : 0;
    size_t len = missing < bytes->len ? missing : bytes->len;
    act_buf_add(partial, bytes->ptr, len);
    *bytes = act_str_n(bytes->ptr + len, bytes->len - len);
    return partial->len >= want;
}

static int
next_kept(struct act_frame_decoder *decoder, struct act_str *bytes, struct act_frame *ret,
          struct act_error *err)
{
    struct act_buf *partial = &decoder->partial;
    if (!fill(partial, bytes, ACT_FRAME_HEAD_BYTES))
        return 0;
    int64_t len = body_length(decoder, partial->ptr, err);
    if (len < 0)
        return -1;
    if (!fill(partial, bytes, ACT_FRAME_HEAD_BYTES + (size_t)len))
        return 0;
    ret->type = (enum act_frame_type)(unsigned char)partial->ptr[4];
    ret->body = act_str_n(partial->ptr + ACT_FRAME_HEAD_BYTES, (size_t)len);
    partial->len = 0; /* lent until the next call, which begins anew */
    return 1;
}

int
act_frame_next(struct act_frame_decoder *decoder, struct act_str *bytes, struct act_frame *ret,
               struct act_error *err)
{
    if (decoder->failed)
        return -1;
    if (decoder->partial.len)
        return next_kept(decoder, bytes, ret, err);
    if (bytes->len < ACT_FRAME_HEAD_BYTES)
        return bytes->len ? next_kept(decoder, bytes, ret, err) : 0;
    int64_t len = body_length(decoder, bytes->ptr, err);
    if (len < 0)
        return -1;
    if (bytes->len < ACT_FRAME_HEAD_BYTES + (size_t)len)
        return next_kept(decoder, bytes, ret, err);
    ret->type = (enum act_frame_type)(unsigned char)bytes->ptr[4];
    ret->body = act_str_n(bytes->ptr + ACT_FRAME_HEAD_BYTES, (size_t)len);
    size_t whole = ACT_FRAME_HEAD_BYTES + (size_t)len;
    *bytes = act_str_n(bytes->ptr + whole, bytes->len - whole);
    return 1;
}
