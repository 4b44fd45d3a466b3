/* Value → JSON text, without recursion. */
#include "base/utf8.h"
#include "base/value_internal.h"
#include "base/vec.h"

struct place {
    const struct act_value *box;
    struct act_value *loaded; /* what box was loaded as, to be released; else NULL */
    uint32_t next;
};
ACT_VEC_TYPE(places, struct place);

struct writer {
    struct act_buf *out;
    uint32_t indent;
    struct places stack;
};

static size_t
safe_run(const char *p, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w)) &
            highs)
            break;
    }
    while (i < len && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20)
        i++;
    return i;
}

static void
write_valid(struct act_buf *out, struct act_str s)
{
    act_buf_reserve(out, s.len + 2);
    act_buf_add_byte(out, '"');
    for (;;) {
        size_t run = safe_run(s.ptr, s.len);
        act_buf_add(out, s.ptr, run);
        if (run == s.len)
            break;
        char c = s.ptr[run];
        static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
        const char *hit = c ? strchr(from, c) : NULL;
        if (hit) {
            char escape[2] = {'\\', to[hit - from]};
            act_buf_add(out, escape, 2);
        } else {
            act_buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
        }
        s.ptr += run + 1;
        s.len -= run + 1;
    }
    act_buf_add_byte(out, '"');
}

void
act_json_write_str(struct act_buf *out, struct act_str s)
{
    if (act_utf8_valid(s)) {
        write_valid(out, s);
        return;
    }
    struct act_buf clean = {0};
    act_buf_add_utf8(&clean, s);
    write_valid(out, act_buf_str(&clean));
    act_buf_fini(&clean);
}

static void
new_line(struct writer *w, uint32_t depth)
{
    if (!w->indent)
        return;
    size_t blanks = (size_t)w->indent * depth;
    act_buf_reserve(w->out, blanks + 1);
    act_buf_add_byte(w->out, '\n');
    while (blanks--)
        act_buf_add_byte(w->out, ' ');
}

/* Writes a scalar whole, of a list or map the opening bracket. Takes loaded. */
static void
write_one(struct writer *w, const struct act_value *v, struct act_value *loaded)
{
    switch ((enum act_type)v->type) {
    case ACT_NULL:
    case ACT_REF: /* one that could not be loaded */ act_buf_add(w->out, "null", 4); break;
    case ACT_BOOL: act_buf_add_cstr(w->out, act_value_as_bool(v) ? "true" : "false"); break;
    case ACT_INT:
    case ACT_REAL:
    case ACT_DIGITS: value_number_json(w->out, v); break;
    case ACT_STRING: act_json_write_str(w->out, act_value_as_str(v)); break;
    case ACT_LIST:
    case ACT_MAP:
        if (act_value_len(v) == 0) {
            act_buf_add(w->out, v->type == ACT_LIST ? "[]" : "{}", 2);
            break;
        }
        act_buf_add_byte(w->out, v->type == ACT_LIST ? '[' : '{');
        act_vec_push(&w->stack, ((struct place){v, loaded, 0}));
        return;
    }
    act_value_release(loaded);
}

static void
write_value(struct writer *w, const struct act_value *v)
{
    struct act_value *loaded = NULL;
    if (v->type == ACT_REF && act_value_resolve(v, &loaded, NULL) == ACT_OK)
        v = loaded;
    write_one(w, v, loaded);
}

void
act_json_write(struct act_buf *out, const struct act_value *v, uint32_t indent)
{
    struct writer w = {.out = out, .indent = indent};
    write_value(&w, v);
    while (w.stack.len) {
        struct place *top = act_vec_last(&w.stack);
        const struct act_value *box = top->box;
        bool is_map = box->type == ACT_MAP;
        uint32_t at = top->next++;
        if (at == act_value_len(box)) {
            struct act_value *loaded = top->loaded;
            (void)act_vec_pop(&w.stack);
            new_line(&w, w.stack.len);
            act_buf_add_byte(out, is_map ? '}' : ']');
            act_value_release(loaded);
            continue;
        }
        if (at)
            act_buf_add_byte(out, ',');
        new_line(&w, w.stack.len);
        if (is_map) {
            act_json_write_str(out, act_value_key(box, at));
            act_buf_add(out, ": ", indent ? 2 : 1);
        }
        write_value(&w, act_value_at(box, at));
    }
    act_vec_fini(&w.stack);
}

void
act_value_text(struct act_buf *out, const struct act_value *v)
{
    struct act_value *loaded = NULL;
    if (v->type == ACT_REF && act_value_resolve(v, &loaded, NULL) == ACT_OK)
        v = loaded;
    if (v->type == ACT_STRING || v->type == ACT_DIGITS)
        act_buf_add_str(out, act_value_as_str(v));
    else if (v->type == ACT_REAL)
        value_real_text(out, v);
    else if (v->type != ACT_NULL && v->type != ACT_REF)
        act_json_write(out, v, 0);
    act_value_release(loaded);
}

struct act_value *
act_value_as_text(const struct act_value *v)
{
    if (act_value_type(v) == ACT_STRING)
        return act_value_retain(v);
    struct act_buf text = {0};
    act_value_text(&text, v);
    struct act_value *s = act_value_string(act_buf_str(&text));
    act_buf_fini(&text);
    return s;
}
