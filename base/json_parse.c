/* JSON text → value: one pass, no recursion. UTF-8 is checked for the whole text at once, so that
 * strings are found by looking for quotes only. */
#include "base/utf8.h"
#include "base/value_internal.h"
#include "base/vec.h"

#define DEPTH_DEFAULT 256
#define KEY_CACHE 64 /* keys of lists of like objects are shared */

struct frame {
    uint32_t start; /* where its members begin in `values` */
    bool is_map;
};

struct parser {
    const char *begin, *p, *end;
    uint32_t depth_max;
    ACT_VEC(struct act_value *) values; /* of all open lists and maps; maps: key, value, key, … */
    ACT_VEC(struct frame) frames;
    ACT_VEC(struct value_member) members; /* scratch for closing a map */
    struct value_str *keys[KEY_CACHE];
    struct act_error *err;
};

static bool
fail(struct parser *ps, const char *at, const char *what)
{
    act_error_set(ps->err, ACT_ERR_INVALID, "offset %zu: %s", (size_t)(at - ps->begin), what);
    return false;
}

static void
skip_blanks(struct parser *ps)
{
    while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\t' || *ps->p == '\r'))
        ps->p++;
}

/* The next byte at or after p that ends a run of plain characters: '"', '\\' or a control. */
static const char *
plain_end(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        uint64_t hit =
            ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w);
        if (hit & highs)
            break;
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

static bool
read_hex4(const char *p, const char *end, uint32_t *ret)
{
    if (end - p < 4)
        return false;
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i], lower = c | 0x20;
        if (c >= '0' && c <= '9')
            code = code << 4 | (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            code = code << 4 | (lower - 'a' + 10);
        else
            return false;
    }
    *ret = code;
    return true;
}

/* p is after "\u". Halves of surrogate pairs that stand alone become U+FFFD. */
static const char *
unescape_unicode(const char *p, const char *end, char **out)
{
    uint32_t code = 0, low = 0;
    read_hex4(p, end, &code);
    p += 4;
    if ((code & 0xFC00) == 0xD800 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        read_hex4(p + 2, end, &low) && (low & 0xFC00) == 0xDC00) {
        code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF));
        p += 6;
    }
    if ((code & 0xF800) == 0xD800)
        code = 0xFFFD;
    *out += act_utf8_encode(*out, code);
    return p;
}

/* Copies [p, end), whose escapes are known to be well formed. Returns the end of what it wrote. */
static char *
unescape(char *out, const char *p, const char *end)
{
    while (p < end) {
        const char *stop = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((stop ? stop : end) - p);
        memcpy(out, p, run);
        out += run;
        if (!stop)
            break;
        char c = stop[1];
        p = stop + 2;
        switch (c) {
        case 'b': *out++ = '\b'; break;
        case 'f': *out++ = '\f'; break;
        case 'n': *out++ = '\n'; break;
        case 'r': *out++ = '\r'; break;
        case 't': *out++ = '\t'; break;
        case 'u': p = unescape_unicode(p, end, &out); break;
        default: *out++ = c;
        }
    }
    return out;
}

/* p is at the opening quote. Finds the string's inside; leaves p after the closing quote. */
static bool
scan_string(struct parser *ps, struct act_str *inside, bool *escaped)
{
    const char *start = ++ps->p, *p = start;
    uint32_t code;
    *escaped = false;
    for (;;) {
        p = plain_end(p, ps->end);
        if (p == ps->end)
            return fail(ps, start - 1, "this string does not end");
        if (*p == '"')
            break;
        if (*p != '\\')
            return fail(ps, p, "a control character in a string must be escaped");
        *escaped = true;
        if (ps->end - p < 2)
            return fail(ps, start - 1, "this string does not end");
        if (p[1] == 'u' ? !read_hex4(p + 2, ps->end, &code) : !p[1] || !strchr("\"\\/bfnrt", p[1]))
            return fail(ps, p, "unknown escape in a string");
        p += p[1] == 'u' ? 6 : 2;
    }
    *inside = act_str_n(start, (size_t)(p - start));
    ps->p = p + 1;
    return true;
}

static struct value_str *
make_string(struct act_str inside, bool escaped)
{
    struct value_str *v = value_str_new(ACT_STRING, inside.len);
    if (!escaped) {
        memcpy(v->bytes, inside.ptr, inside.len);
        return v;
    }
    v->len = (size_t)(unescape(v->bytes, inside.ptr, inside.ptr + inside.len) - v->bytes);
    v->bytes[v->len] = '\0';
    if (inside.len - v->len > 64 + inside.len / 4)
        v = act_realloc(v, sizeof(*v) + v->len + 1, 1);
    return v;
}

static struct value_str *
make_key(struct parser *ps, struct act_str inside, bool escaped)
{
    if (escaped || inside.len > 64)
        return make_string(inside, escaped);
    struct value_str **cached = &ps->keys[act_str_hash(inside) % KEY_CACHE];
    if (*cached && act_str_eq(act_str_n((*cached)->bytes, (*cached)->len), inside))
        return (void *)act_value_retain(&(*cached)->head);
    if (*cached)
        act_value_release(&(*cached)->head);
    *cached = make_string(inside, false);
    return (void *)act_value_retain(&(*cached)->head);
}

static bool
read_word(struct parser *ps, const char *word, size_t len, struct act_value *v)
{
    if ((size_t)(ps->end - ps->p) < len || memcmp(ps->p, word, len) != 0)
        return fail(ps, ps->p, "expected a JSON value");
    ps->p += len;
    act_vec_push(&ps->values, v);
    return true;
}

static bool
read_number(struct parser *ps)
{
    struct act_str text = {ps->p, (size_t)(ps->end - ps->p)};
    bool is_integer;
    text.len = value_number_scan(text, true, &is_integer);
    if (text.len == 0)
        return fail(ps, ps->p, "malformed number");
    ps->p += text.len;
    act_vec_push(&ps->values, value_number_from(text, is_integer));
    return true;
}

static bool
read_key(struct parser *ps)
{
    struct act_str inside;
    bool escaped;
    if (ps->p == ps->end || *ps->p != '"')
        return fail(ps, ps->p, "expected a key in double quotes");
    if (!scan_string(ps, &inside, &escaped))
        return false;
    act_vec_push(&ps->values, &make_key(ps, inside, escaped)->head);
    skip_blanks(ps);
    if (ps->p == ps->end || *ps->p != ':')
        return fail(ps, ps->p, "expected ':' after a key");
    ps->p++;
    skip_blanks(ps);
    return true;
}

/* The members of the innermost list or map become one value. */
static void
close_box(struct parser *ps)
{
    struct frame frame = act_vec_pop(&ps->frames);
    uint32_t count = ps->values.len - frame.start;
    struct act_value **first = ps->values.ptr ? ps->values.ptr + frame.start : NULL;
    struct act_value *box;
    if (frame.is_map) {
        act_vec_clear(&ps->members);
        for (uint32_t i = 0; i < count; i += 2)
            act_vec_push(&ps->members, ((struct value_member){(void *)first[i], first[i + 1]}));
        box = value_map_of(ps->members.ptr, count / 2);
    } else {
        box = value_list_of(first, count);
    }
    ps->values.len = frame.start;
    act_vec_push(&ps->values, box);
    ps->p++;
}

/* Reads a scalar, or opens a list or map (*opened). */
static bool
read_value(struct parser *ps, bool *opened)
{
    struct act_str inside;
    bool escaped;
    *opened = false;
    if (ps->p == ps->end)
        return fail(ps, ps->p, "expected a JSON value, but the text ends");
    switch (*ps->p) {
    case '"':
        if (!scan_string(ps, &inside, &escaped))
            return false;
        act_vec_push(&ps->values, &make_string(inside, escaped)->head);
        return true;
    case '{':
    case '[':
        if (ps->frames.len == ps->depth_max) {
            act_error_set(ps->err, ACT_ERR_INVALID, "offset %zu: nested deeper than %u levels",
                          (size_t)(ps->p - ps->begin), ps->depth_max);
            return false;
        }
        act_vec_push(&ps->frames, ((struct frame){ps->values.len, *ps->p == '{'}));
        ps->p++;
        *opened = true;
        return true;
    case 't': return read_word(ps, "true", 4, act_value_bool(true));
    case 'f': return read_word(ps, "false", 5, act_value_bool(false));
    case 'n': return read_word(ps, "null", 4, act_value_null());
    default:
        if (*ps->p == '-' || (*ps->p >= '0' && *ps->p <= '9'))
            return read_number(ps);
        return fail(ps, ps->p, "expected a JSON value");
    }
}

/* After a value: closes what ends here. *more: another member follows. */
static bool
after_value(struct parser *ps, bool *more)
{
    *more = false;
    while (ps->frames.len) {
        bool is_map = act_vec_last(&ps->frames)->is_map;
        skip_blanks(ps);
        if (ps->p < ps->end && *ps->p == (is_map ? '}' : ']')) {
            close_box(ps);
            continue;
        }
        if (ps->p == ps->end || *ps->p != ',')
            return fail(ps, ps->p, is_map ? "expected ',' or '}'" : "expected ',' or ']'");
        ps->p++;
        *more = true;
        return true;
    }
    return true;
}

static bool
parse(struct parser *ps)
{
    bool more = true, opened;
    while (more) {
        skip_blanks(ps);
        if (ps->frames.len && act_vec_last(&ps->frames)->is_map && !read_key(ps))
            return false;
        if (!read_value(ps, &opened))
            return false;
        if (opened) {
            bool is_map = act_vec_last(&ps->frames)->is_map;
            skip_blanks(ps);
            if (ps->p == ps->end || *ps->p != (is_map ? '}' : ']'))
                continue;
            close_box(ps);
        }
        if (!after_value(ps, &more))
            return false;
    }
    skip_blanks(ps);
    if (ps->p != ps->end)
        return fail(ps, ps->p, "unexpected text after the JSON value");
    return true;
}

enum act_err
act_json_parse(struct act_str text, uint32_t depth_max, struct act_value **ret,
               struct act_error *err)
{
    if (!text.ptr)
        text.ptr = "";
    struct parser ps = {.begin = text.ptr, .p = text.ptr, .end = text.ptr + text.len, .err = err};
    ps.depth_max = depth_max ? depth_max : DEPTH_DEFAULT;
    size_t valid = act_utf8_valid_prefix(text, NULL);
    bool ok = valid == text.len ? parse(&ps) : fail(&ps, text.ptr + valid, "invalid UTF-8");
    if (ok)
        *ret = act_vec_pop(&ps.values);
    for (uint32_t i = 0; i < ps.values.len; i++)
        act_value_release(ps.values.ptr[i]);
    for (uint32_t i = 0; i < KEY_CACHE; i++)
        if (ps.keys[i])
            act_value_release(&ps.keys[i]->head);
    act_vec_fini(&ps.values);
    act_vec_fini(&ps.frames);
    act_vec_fini(&ps.members);
    return ok ? ACT_OK : ACT_ERR_INVALID;
}
