/* The compact binary form of values. */
#include "base/value_internal.h"
#include "base/vec.h"
#include "base/wire.h"

/* First byte of an encoded value. Stored in logs: numbers are never reused. */
enum tag {
    TAG_NULL = 0,
    TAG_FALSE = 1,
    TAG_TRUE = 2,
    TAG_INT = 3,     /* zigzag varint */
    TAG_REAL = 4,    /* 8 bytes, little-endian IEEE 754 */
    TAG_DIGITS = 5,  /* bytes */
    TAG_STRING = 6,  /* bytes */
    TAG_LIST = 7,    /* count, items */
    TAG_MAP = 8,     /* count, (bytes, value)… */
    TAG_REF = 9,     /* id, bytes, mode */
    TAG_OUTPUT = 10, /* mode, raw bytes: the value is act_value_from_output of them */
};

struct place {
    const struct act_value *box;
    uint32_t next;
};
ACT_VEC_TYPE(places, struct place);

static void
encode_real(struct act_buf *out, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    for (unsigned i = 0; i < 8; i++)
        act_buf_add_byte(out, (char)(unsigned char)(bits >> (8 * i)));
}

static void
encode_one(struct act_buf *out, const struct act_value *v, struct places *stack)
{
    struct act_str raw;
    if (act_value_raw(v, &raw)) {
        act_buf_add_byte(out, TAG_OUTPUT);
        act_buf_add_byte(out, (char)(v->flags >> VALUE_RAW_MODE_SHIFT & 3));
        act_wire_bytes(out, raw);
        return;
    }
    switch ((enum act_type)v->type) {
    case ACT_NULL: act_buf_add_byte(out, TAG_NULL); return;
    case ACT_BOOL: act_buf_add_byte(out, act_value_as_bool(v) ? TAG_TRUE : TAG_FALSE); return;
    case ACT_INT:
        act_buf_add_byte(out, TAG_INT);
        act_wire_i64(out, act_value_as_int(v));
        return;
    case ACT_REAL:
        act_buf_add_byte(out, TAG_REAL);
        encode_real(out, act_value_as_real(v));
        return;
    case ACT_DIGITS:
    case ACT_STRING:
        act_buf_add_byte(out, v->type == ACT_STRING ? TAG_STRING : TAG_DIGITS);
        act_wire_bytes(out, act_value_as_str(v));
        return;
    case ACT_LIST:
    case ACT_MAP:
        act_buf_add_byte(out, v->type == ACT_LIST ? TAG_LIST : TAG_MAP);
        act_wire_u64(out, act_value_len(v));
        if (act_value_len(v))
            act_vec_push(stack, ((struct place){v, 0}));
        return;
    case ACT_REF:
        act_buf_add_byte(out, TAG_REF);
        act_wire_bytes(out, act_value_ref_id(v));
        act_wire_u64(out, act_value_ref_bytes(v));
        act_buf_add_byte(out, (char)act_value_ref_mode(v));
        return;
    }
    ACT_UNREACHABLE();
}

void
act_value_encode(struct act_buf *out, const struct act_value *v)
{
    struct places stack = {0};
    encode_one(out, v, &stack);
    while (stack.len) {
        struct place *top = act_vec_last(&stack);
        if (top->next == act_value_len(top->box)) {
            (void)act_vec_pop(&stack);
            continue;
        }
        const struct act_value *box = top->box;
        uint32_t at = top->next++;
        if (box->type == ACT_MAP)
            act_wire_bytes(out, act_value_key(box, at));
        encode_one(out, act_value_at(box, at), &stack);
    }
    act_vec_fini(&stack);
}

/* ---- decoding */

struct open_box {
    struct act_value *box;
    struct value_str *key; /* of the member that is being read; maps only */
    uint32_t left;         /* members still to come */
};
ACT_VEC_TYPE(open_boxes, struct open_box);

static struct act_value *
decode_real(struct act_wire_reader *r)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++)
        bits |= (uint64_t)act_wire_read_byte(r) << (8 * i);
    double d;
    memcpy(&d, &bits, sizeof(d));
    return act_value_float(d);
}

static struct act_value *
decode_digits(struct act_wire_reader *r)
{
    struct act_value *v = act_value_number(act_wire_read_bytes(r));
    if (!v)
        r->failed = true;
    return v ? v : act_value_null();
}

static struct act_value *
decode_ref(struct act_wire_reader *r, struct act_value_loader *loader)
{
    struct act_str id = act_wire_read_bytes(r);
    uint64_t bytes = act_wire_read_u64(r);
    uint8_t mode = act_wire_read_byte(r);
    if (id.len == 0)
        r->failed = true;
    return r->failed ? act_value_null() : act_value_ref(loader, id, bytes, mode);
}

static struct act_value *
decode_output(struct act_wire_reader *r)
{
    uint8_t mode = act_wire_read_byte(r);
    struct act_str raw = act_wire_read_bytes(r);
    struct act_value *v = NULL;
    if (mode > ACT_OUTPUT_LINES || r->failed ||
        act_value_from_output(raw, (enum act_output)mode, &v, NULL) != ACT_OK)
        r->failed = true;
    return v ? v : act_value_null();
}

/* One value, or the beginning of a list or map, whose number of members goes to *members. On
 * failure a null. */
static struct act_value *
decode_one(struct act_wire_reader *r, struct act_value_loader *loader, uint32_t *members)
{
    uint8_t tag = act_wire_read_byte(r);
    if (r->failed)
        return act_value_null();
    switch (tag) {
    case TAG_NULL: return act_value_null();
    case TAG_FALSE:
    case TAG_TRUE: return act_value_bool(tag == TAG_TRUE);
    case TAG_INT: return act_value_int(act_wire_read_i64(r));
    case TAG_REAL: return decode_real(r);
    case TAG_DIGITS: return decode_digits(r);
    case TAG_STRING: return act_value_string(act_wire_read_bytes(r));
    case TAG_LIST:
    case TAG_MAP:
        *members = act_wire_read_u32(r);
        /* Each member takes a byte at least: nobody makes us reserve more than they sent. */
        if (*members > r->rest.len)
            r->failed = true;
        return tag == TAG_LIST ? act_value_list() : act_value_map();
    case TAG_REF: return decode_ref(r, loader);
    case TAG_OUTPUT: return decode_output(r);
    default: r->failed = true; return act_value_null();
    }
}

static void
add_to(struct open_box *parent, struct act_value *v)
{
    parent->left--;
    if (parent->box->type == ACT_LIST) {
        act_value_list_add(parent->box, v);
    } else {
        value_map_put_key((void *)parent->box, parent->key, v);
        parent->key = NULL;
    }
}

enum act_err
act_value_decode(struct act_str *bytes, struct act_value_loader *loader, struct act_value **ret,
                 struct act_error *err)
{
    struct act_wire_reader r = {*bytes, false};
    struct open_boxes stack = {0};
    struct act_value *done = NULL;
    while (!done && !r.failed) {
        struct open_box *parent = stack.len ? act_vec_last(&stack) : NULL;
        if (parent && parent->box->type == ACT_MAP)
            parent->key = (void *)act_value_string(act_wire_read_bytes(&r));
        uint32_t members = 0;
        struct act_value *v = decode_one(&r, loader, &members);
        if (members && !r.failed) {
            act_vec_push(&stack, ((struct open_box){v, NULL, members}));
            continue;
        }
        while (stack.len) {
            parent = act_vec_last(&stack);
            add_to(parent, v);
            if (parent->left || r.failed)
                break;
            v = parent->box;
            stack.len--;
        }
        if (stack.len == 0)
            done = v;
    }
    for (uint32_t i = 0; i < stack.len; i++) {
        if (stack.ptr[i].key)
            act_value_release(&stack.ptr[i].key->head);
        act_value_release(stack.ptr[i].box);
    }
    act_vec_fini(&stack);
    if (r.failed) {
        act_value_release(done);
        return act_error_set(err, ACT_ERR_CORRUPT, "a stored value is malformed");
    }
    *bytes = r.rest;
    *ret = done;
    return ACT_OK;
}
