/* Standard output → result, and the bytes that a result was made of. */
#include "base/utf8.h"
#include "base/value_internal.h"

static unsigned
raw_flags(enum act_output mode)
{
    return VALUE_RAW | (unsigned)mode << VALUE_RAW_MODE_SHIFT;
}

/* A block of size bytes behind a struct value_raw. Takes holder. */
static void *
raw_block(size_t size, struct act_value *holder, size_t raw_len)
{
    if (size > SIZE_MAX - sizeof(struct value_raw))
        act_oom();
    struct value_raw *raw = act_alloc(sizeof(*raw) + size);
    *raw = (struct value_raw){holder, raw_len};
    return raw + 1;
}

/* Moves v (one reference, ours alone) into a block that carries bytes along. */
static struct act_value *
attach(struct act_value *v, struct act_str bytes, enum act_output mode)
{
    size_t size = 0;
    switch ((enum act_type)v->type) {
    case ACT_NULL:
    case ACT_BOOL: size = sizeof(struct act_value); break;
    case ACT_INT: size = sizeof(struct value_int); break;
    case ACT_REAL: size = sizeof(struct value_real); break;
    case ACT_DIGITS:
    case ACT_STRING: size = sizeof(struct value_str) + value_str_of(v)->len + 1; break;
    case ACT_LIST:
    case ACT_MAP: size = sizeof(struct value_box); break;
    case ACT_REF: ACT_UNREACHABLE();
    }
    struct act_value *moved = raw_block(size, act_value_string(bytes), bytes.len);
    memcpy(moved, v, size); /* with the arrays of a list or map */
    moved->flags = (uint8_t)raw_flags(mode);
    if (v->refs < VALUE_IMMORTAL)
        act_free(v);
    moved->refs = 1;
    return moved;
}

static struct act_value *
from_text(struct act_str bytes)
{
    if (!act_utf8_valid(bytes)) {
        struct act_buf clean = {0};
        act_buf_add_utf8(&clean, bytes);
        struct act_str text = act_buf_str(&clean);
        while (text.len && text.ptr[text.len - 1] == '\n')
            text.len--;
        struct act_value *v = attach(act_value_string(text), bytes, ACT_OUTPUT_TEXT);
        act_buf_fini(&clean);
        return v;
    }
    if (bytes.len >= SIZE_MAX - sizeof(struct value_str) - 1)
        act_oom();
    struct value_str *v = raw_block(sizeof(*v) + bytes.len + 1, NULL, bytes.len);
    v->head = (struct act_value){
        .refs = 1, .type = ACT_STRING, .flags = (uint8_t)raw_flags(ACT_OUTPUT_TEXT)};
    if (bytes.len)
        memcpy(v->bytes, bytes.ptr, bytes.len);
    v->bytes[bytes.len] = '\0';
    v->len = bytes.len;
    while (v->len && v->bytes[v->len - 1] == '\n')
        v->len--;
    return &v->head;
}

static struct act_value *
from_lines(struct act_str bytes)
{
    struct act_value *list = act_value_list();
    struct act_buf clean = {0};
    struct act_str rest = bytes;
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        struct act_str line = {rest.ptr, len};
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!act_utf8_valid(line)) {
            act_buf_clear(&clean);
            act_buf_add_utf8(&clean, line);
            line = act_buf_str(&clean);
        }
        act_value_list_add(list, act_value_string(line));
        rest.ptr += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    act_buf_fini(&clean);
    return attach(list, bytes, ACT_OUTPUT_LINES);
}

enum act_err
act_value_from_output(struct act_str bytes, enum act_output mode, struct act_value **ret,
                      struct act_error *err)
{
    struct act_value *v = NULL;
    enum act_err code;
    switch (mode) {
    case ACT_OUTPUT_TEXT: *ret = from_text(bytes); return ACT_OK;
    case ACT_OUTPUT_LINES: *ret = from_lines(bytes); return ACT_OK;
    case ACT_OUTPUT_NONE: *ret = act_value_null(); return ACT_OK;
    case ACT_OUTPUT_JSON:
        code = act_json_parse(bytes, 0, &v, err);
        if (code != ACT_OK)
            return code;
        *ret = attach(v, bytes, ACT_OUTPUT_JSON);
        return ACT_OK;
    }
    ACT_UNREACHABLE();
}

bool
act_value_raw(const struct act_value *v, struct act_str *ret)
{
    if (!(v->flags & VALUE_RAW))
        return false;
    const struct value_raw *raw = value_raw_of(v);
    const struct act_value *holder = raw->holder ? raw->holder : v;
    *ret = act_str_n(value_str_of(holder)->bytes, raw->len);
    return true;
}

struct act_value *
act_value_without_raw(const struct act_value *v)
{
    if (!(v->flags & VALUE_RAW))
        return act_value_retain(v);
    const struct value_box *box = value_box_of(v);
    switch ((enum act_type)v->type) {
    case ACT_NULL: return act_value_null();
    case ACT_BOOL: return act_value_bool(act_value_as_bool(v));
    case ACT_INT: return act_value_int(act_value_as_int(v));
    case ACT_REAL: return act_value_real(act_value_as_real(v));
    case ACT_DIGITS: return value_number_from(act_value_as_str(v), false);
    case ACT_STRING: return act_value_string(act_value_as_str(v));
    case ACT_LIST:
        for (uint32_t i = 0; i < box->len; i++)
            act_value_retain(box->u.items[i]);
        return value_list_of(box->u.items, box->len);
    case ACT_MAP:
        for (uint32_t i = 0; i < box->len; i++) {
            act_value_retain(&box->u.members[i].key->head);
            act_value_retain(box->u.members[i].value);
        }
        return value_map_of(box->u.members, box->len);
    case ACT_REF: break;
    }
    ACT_UNREACHABLE();
}
