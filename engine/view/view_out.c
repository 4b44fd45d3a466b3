#include "engine/view/view_out.h"

#include <stdlib.h>

#define PART_BYTES (64u * 1024)
#define FLUSH_BYTES (64u * 1024)

void
act_view_out_flush(struct act_view_out *out, bool now)
{
    if (!out->write || out->buf.len == 0 || (!now && out->buf.len < FLUSH_BYTES))
        return;
    out->write(out->self, act_buf_str(&out->buf));
    out->last = out->buf.ptr[out->buf.len - 1];
    act_buf_clear(&out->buf);
}

void
act_view_out_fini(struct act_view_out *out)
{
    act_buf_fini(&out->buf);
    act_buf_fini(&out->damage);
}

/* Once, however often it is shown. */
static void
note(struct act_view_out *out, const struct act_error *err)
{
    struct act_buf line = {0};
    act_buf_printf(&line, "the %s of %s%.*s cannot be read: %s\n", out->part ? out->part : "value",
                   out->node.len > 0 ? "node " : "the run", ACT_STR_ARG(out->node), err->message);
    if (out->damage.len == 0 || !strstr(out->damage.ptr, line.ptr))
        act_buf_add_str(&out->damage, act_buf_str(&line));
    act_buf_fini(&line);
}

static enum act_err
too_short(const struct act_blob *blob, struct act_error *err)
{
    return act_error_set(err, ACT_ERR_CORRUPT, "%.*s of the run's folder is too short",
                         ACT_STR_ARG(blob->file));
}

enum act_err
act_view_blob(struct act_blob_port *blobs, const struct act_blob *blob, uint64_t skip,
              uint64_t length,
              enum act_err (*fn)(void *self, struct act_str part, struct act_error *err),
              void *self, struct act_error *err)
{
    uint64_t total = blob->file.len > 0 ? blob->length : blob->bytes.len;
    uint64_t left = skip < total ? total - skip : 0;
    if (left > length)
        left = length;
    if (left == 0)
        return ACT_OK;
    if (blob->file.len == 0)
        return fn(self, act_str_n(blob->bytes.ptr + skip, (size_t)left), err);
    if (!blobs)
        return act_error_set(err, ACT_ERR_NOT_FOUND, "the run's folder cannot be read");
    struct act_buf part = {0};
    enum act_err rc = ACT_OK;
    for (uint64_t at = blob->offset + skip; left > 0 && rc == ACT_OK;) {
        uint64_t size = left < PART_BYTES ? left : PART_BYTES;
        act_buf_clear(&part);
        rc = blobs->ops->read(blobs, blob->file, at, size, &part, err);
        if (rc == ACT_OK && part.len == 0)
            rc = too_short(blob, err);
        if (rc == ACT_OK)
            rc = fn(self, act_buf_str(&part), err);
        at += part.len;
        left -= part.len;
    }
    act_buf_fini(&part);
    return rc;
}

/* Bytes → the inside of JSON strings. A character may be cut by the border of two parts: its first
 * bytes wait in `cut`; line feeds wait in `feeds`, because those at the end do not count. */
struct text_state {
    struct act_view_out *out;
    char cut[4];
    size_t cut_len;
    uint64_t feeds;
    bool lines, in_line, any;
};

static void
add_escaped(struct act_view_out *out, struct act_str s)
{
    size_t at = out->buf.len;
    act_json_write_str(&out->buf, s);
    /* without its quotes */
    memmove(out->buf.ptr + at, out->buf.ptr + at + 1, out->buf.len - at - 2);
    out->buf.len -= 2;
    out->buf.ptr[out->buf.len] = '\0';
    act_view_out_flush(out, false);
}

/* How many bytes at the end of s are the beginning of a character that may go on. */
static size_t
cut_bytes(struct act_str s)
{
    for (size_t back = 1; back <= 3 && back <= s.len; back++) {
        unsigned char c = (unsigned char)s.ptr[s.len - back];
        if ((c & 0xC0) == 0x80)
            continue;
        size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
        return need > back ? back : 0;
    }
    return 0;
}

static void
add_text(struct text_state *t, struct act_str s)
{
    static const char feeds[64] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
                                  "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    size_t end = s.len;
    while (end > 0 && s.ptr[end - 1] == '\n')
        end--;
    for (; end > 0 && t->feeds > 0; t->feeds -= t->feeds < 63 ? t->feeds : 63)
        add_escaped(t->out, act_str_n(feeds, t->feeds < 63 ? (size_t)t->feeds : 63));
    if (end > 0)
        add_escaped(t->out, act_str_n(s.ptr, end));
    t->feeds += s.len - end;
}

static void
begin_line(struct text_state *t)
{
    if (t->in_line)
        return;
    act_buf_add_cstr(&t->out->buf, t->any ? ",\"" : "\"");
    t->in_line = t->any = true;
}

static void
add_lines(struct text_state *t, struct act_str s)
{
    while (s.len > 0) {
        const char *feed = memchr(s.ptr, '\n', s.len);
        size_t len = feed ? (size_t)(feed - s.ptr) : s.len;
        begin_line(t);
        if (t->feeds > 0 && len > 0) /* a carriage return that did not end its line */
            add_escaped(t->out, ACT_STR("\r"));
        if (len > 0)
            t->feeds = 0;
        size_t keep = len > 0 && s.ptr[len - 1] == '\r' ? len - 1 : len;
        if (keep > 0)
            add_escaped(t->out, act_str_n(s.ptr, keep));
        t->feeds = feed ? 0 : t->feeds + (len - keep);
        if (feed) {
            act_buf_add_byte(&t->out->buf, '"');
            t->in_line = false;
        }
        s = act_str_n(s.ptr + len + (feed != NULL), s.len - len - (feed != NULL));
    }
}

static void
add_part(struct text_state *t, struct act_str s)
{
    if (t->lines)
        add_lines(t, s);
    else
        add_text(t, s);
}

static enum act_err
on_text(void *self, struct act_str part, struct act_error *err)
{
    struct text_state *t = self;
    (void)err;
    /* Complete the character that was cut, a byte at a time until it is whole or spoilt. */
    while (t->cut_len > 0 && part.len > 0) {
        bool goes_on = ((unsigned char)part.ptr[0] & 0xC0) == 0x80;
        if (goes_on) {
            t->cut[t->cut_len++] = part.ptr[0];
            part = act_str_n(part.ptr + 1, part.len - 1);
        }
        struct act_str head = act_str_n(t->cut, t->cut_len);
        if (!goes_on || cut_bytes(head) == 0) {
            add_part(t, head);
            t->cut_len = 0;
        }
    }
    size_t cut = cut_bytes(part);
    if (part.len > cut)
        add_part(t, act_str_n(part.ptr, part.len - cut));
    if (cut > 0) {
        memcpy(t->cut + t->cut_len, part.ptr + part.len - cut, cut);
        t->cut_len += cut;
    }
    return ACT_OK;
}

static enum act_err
on_json(void *self, struct act_str part, struct act_error *err)
{
    struct act_view_out *out = self;
    (void)err;
    act_buf_add_str(&out->buf, part);
    act_view_out_flush(out, false);
    return ACT_OK;
}

/* Is all of it there? After its first byte has been printed it is too late for a null. */
static bool
is_there(struct act_view_out *out, const struct act_blob *blob)
{
    struct act_error err = {0};
    struct act_buf last = {0};
    enum act_err code = ACT_OK;
    if (out->blobs && blob->length > 0)
        code = out->blobs->ops->read(out->blobs, blob->file, blob->offset + blob->length - 1, 1,
                                     &last, &err);
    if (!code && out->blobs && blob->length > 0 && last.len == 0)
        code = too_short(blob, &err);
    act_buf_fini(&last);
    if (code)
        note(out, &err);
    return out->blobs && !code;
}

static enum act_err
stream_text(struct act_view_out *out, const struct act_blob *blob, bool lines,
            struct act_error *err)
{
    struct text_state t = {.out = out, .lines = lines};
    act_buf_add_byte(&out->buf, lines ? '[' : '"');
    enum act_err code = act_view_blob(out->blobs, blob, 0, UINT64_MAX, on_text, &t, err);
    if (t.cut_len > 0)
        add_part(&t, act_str_n(t.cut, t.cut_len));
    if (lines && t.in_line)
        act_buf_add_byte(&out->buf, '"');
    act_buf_add_byte(&out->buf, lines ? ']' : '"');
    return code;
}

/* The output was one JSON value when it ended; white space around it is harmless. */
static void
stream(struct act_view_out *out, const struct act_blob *blob, enum act_output mode)
{
    struct act_error err = {0};
    enum act_err code;
    if (mode == ACT_OUTPUT_NONE || !is_there(out, blob) || out->probe) {
        act_buf_add_cstr(&out->buf, "null");
        return;
    }
    if (mode == ACT_OUTPUT_JSON)
        code = act_view_blob(out->blobs, blob, 0, UINT64_MAX, on_json, out, &err);
    else
        code = stream_text(out, blob, mode == ACT_OUTPUT_LINES, &err);
    if (code)
        note(out, &err);
}

void
act_view_out_result(struct act_view_out *out, const struct act_blob *blob, enum act_output mode)
{
    struct act_value *v = NULL;
    if (blob->file.len > 0 && mode != ACT_OUTPUT_NONE) {
        stream(out, blob, mode);
        return;
    }
    if (act_value_from_output(blob->bytes, mode, &v, NULL) == ACT_OK)
        act_json_write(&out->buf, v, 0);
    else
        act_buf_add_cstr(&out->buf, "null");
    act_value_release(v);
    act_view_out_flush(out, false);
}

/* A reference's id is "<file>:<offset>". */
static void
write_ref(struct act_view_out *out, const struct act_value *v)
{
    struct act_str id = act_value_ref_id(v);
    size_t colon = id.len;
    while (colon > 0 && id.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0 || !out->blobs) {
        act_json_write(&out->buf, v, 0);
        return;
    }
    char digits[24] = "";
    size_t count = id.len - colon;
    memcpy(digits, id.ptr + colon, count < sizeof(digits) ? count : sizeof(digits) - 1);
    struct act_blob blob = {.file = act_str_n(id.ptr, colon - 1),
                            .offset = strtoull(digits, NULL, 10),
                            .length = act_value_ref_bytes(v)};
    stream(out, &blob, (enum act_output)act_value_ref_mode(v));
}

struct level {
    const struct act_value *box;
    uint32_t next;
};

void
act_view_out_value(struct act_view_out *out, const struct act_value *v)
{
    ACT_VEC(struct level) stack = {0};
    for (;;) {
        enum act_type type = v ? act_value_type(v) : ACT_NULL;
        if (type == ACT_LIST || type == ACT_MAP) {
            act_buf_add_byte(&out->buf, type == ACT_LIST ? '[' : '{');
            act_vec_push(&stack, ((struct level){v, 0}));
        } else if (type == ACT_REF) {
            write_ref(out, v);
        } else if (v) {
            act_json_write(&out->buf, v, 0);
        } else {
            act_buf_add_cstr(&out->buf, "null");
        }
        act_view_out_flush(out, false);
        while (stack.len > 0 &&
               act_vec_last(&stack)->next == act_value_len(act_vec_last(&stack)->box)) {
            bool list = act_value_type(act_vec_last(&stack)->box) == ACT_LIST;
            act_buf_add_byte(&out->buf, list ? ']' : '}');
            stack.len--;
        }
        if (stack.len == 0)
            break;
        struct level *level = act_vec_last(&stack);
        if (level->next > 0)
            act_buf_add_byte(&out->buf, ',');
        if (act_value_type(level->box) == ACT_MAP) {
            act_json_write_str(&out->buf, act_value_key(level->box, level->next));
            act_buf_add_byte(&out->buf, ':');
        }
        v = act_value_at(level->box, level->next++);
    }
    act_vec_fini(&stack);
}
