#include "base/wire.h"

/* A build that believes what lengths say: the fuzzers must catch it. */
#ifndef ACT_CANARY_BELIEVE_LENGTHS
#define ACT_CANARY_BELIEVE_LENGTHS 0
#endif

#define U64_BYTES_MAX 10

void
act_wire_u64(struct act_buf *out, uint64_t v)
{
    if (out->cap - out->len <= U64_BYTES_MAX)
        act_buf_reserve(out, U64_BYTES_MAX);
    char *at = out->ptr + out->len;
    for (; v >= 0x80; v >>= 7)
        *at++ = (char)(unsigned char)(v | 0x80);
    *at++ = (char)v;
    *at = '\0';
    out->len = (size_t)(at - out->ptr);
}

void
act_wire_i64(struct act_buf *out, int64_t v)
{
    uint64_t u = (uint64_t)v;
    act_wire_u64(out, (u << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

void
act_wire_bytes(struct act_buf *out, struct act_str s)
{
    act_wire_u64(out, s.len);
    act_buf_add_str(out, s);
}

static uint64_t
fail(struct act_wire_reader *r)
{
    r->failed = true;
    r->rest = (struct act_str){NULL, 0};
    return 0;
}

uint8_t
act_wire_read_byte(struct act_wire_reader *r)
{
    if (r->failed || r->rest.len == 0)
        return (uint8_t)fail(r);
    uint8_t byte = (uint8_t)r->rest.ptr[0];
    r->rest.ptr++;
    r->rest.len--;
    return byte;
}

uint64_t
act_wire_read_u64(struct act_wire_reader *r)
{
    uint64_t v = 0;
    /* Most are of one byte: tags, and small numbers. */
    if (!r->failed && r->rest.len > 0 && !((uint8_t)r->rest.ptr[0] & 0x80)) {
        v = (uint8_t)*r->rest.ptr++;
        r->rest.len--;
        return v;
    }
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = act_wire_read_byte(r);
        if (r->failed)
            return 0;
        /* One number has one form: nothing above bit 63, no trailing zero groups. */
        if ((shift == 63 && byte > 1) || (byte == 0 && shift > 0))
            return fail(r);
        v |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return v;
    }
    return fail(r);
}

uint32_t
act_wire_read_u32(struct act_wire_reader *r)
{
    uint64_t v = act_wire_read_u64(r);
    return v > UINT32_MAX ? (uint32_t)fail(r) : (uint32_t)v;
}

int64_t
act_wire_read_i64(struct act_wire_reader *r)
{
    uint64_t u = act_wire_read_u64(r);
    uint64_t v = (u >> 1) ^ (u & 1 ? UINT64_MAX : 0);
    int64_t ret;
    memcpy(&ret, &v, sizeof(ret));
    return ret;
}

struct act_str
act_wire_read_bytes(struct act_wire_reader *r)
{
    uint64_t len = act_wire_read_u64(r);
    if (r->failed || (len > r->rest.len && !ACT_CANARY_BELIEVE_LENGTHS)) {
        fail(r);
        return (struct act_str){NULL, 0};
    }
    struct act_str s = {r->rest.ptr, (size_t)len};
    r->rest.ptr += s.len;
    r->rest.len -= s.len;
    return s;
}
