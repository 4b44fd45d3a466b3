#include "executors/shell/mask.h"

#include "base/alloc.h"
#include "base/vec.h"

#include <stdio.h>

/* base64 tools wrap lines; more line ends than this in a row end a match. */
#define NEWLINES_MAX 2

struct node {
    uint32_t child, sibling; /* 0: none */
    uint32_t fail;
    uint32_t depth;
    uint32_t match; /* length of the longest form that ends here; 0: none */
    uint8_t byte;
};

/* Node 0 is the root. Nearly every other node has one child, so children are a list. */
struct automaton {
    ACT_VEC(struct node) nodes;
    uint32_t root[256];
};

struct act_mask_table {
    struct automaton raw, base64; /* base64: line ends in between are passed over */
};

static void
automaton_init(struct automaton *a)
{
    act_vec_push(&a->nodes, (struct node){0});
}

static uint32_t
child_of(const struct automaton *a, uint32_t state, uint8_t byte)
{
    if (state == 0)
        return a->root[byte];
    uint32_t child = a->nodes.ptr[state].child;
    while (child && a->nodes.ptr[child].byte != byte)
        child = a->nodes.ptr[child].sibling;
    return child;
}

static void
automaton_add(struct automaton *a, struct act_str form)
{
    uint32_t state = 0;
    for (size_t i = 0; i < form.len; i++) {
        uint8_t byte = (uint8_t)form.ptr[i];
        uint32_t child = child_of(a, state, byte);
        if (!child) {
            struct node node = {.byte = byte, .depth = (uint32_t)i + 1};
            child = a->nodes.len;
            node.sibling = state ? a->nodes.ptr[state].child : 0;
            act_vec_push(&a->nodes, node);
            if (state)
                a->nodes.ptr[state].child = child;
            else
                a->root[byte] = child;
        }
        state = child;
    }
    a->nodes.ptr[state].match = (uint32_t)form.len;
}

static uint32_t
step(const struct automaton *a, uint32_t state, uint8_t byte)
{
    for (;;) {
        uint32_t child = child_of(a, state, byte);
        if (child || state == 0)
            return child;
        state = a->nodes.ptr[state].fail;
    }
}

static void
set_fail(struct automaton *a, uint32_t parent, uint32_t child)
{
    struct node *node = &a->nodes.ptr[child];
    node->fail = parent ? step(a, a->nodes.ptr[parent].fail, node->byte) : 0;
    const struct node *fail = &a->nodes.ptr[node->fail];
    if (fail->match > node->match)
        node->match = fail->match;
}

/* Breadth first, so that a node's fail is finished before the node. */
static void
automaton_finish(struct automaton *a)
{
    uint32_t *queue = act_zalloc(a->nodes.len, sizeof *queue);
    uint32_t head = 0, tail = 0;
    for (int byte = 0; byte < 256; byte++) {
        if (a->root[byte])
            queue[tail++] = a->root[byte];
    }
    while (head < tail) {
        uint32_t parent = queue[head++];
        for (uint32_t c = a->nodes.ptr[parent].child; c; c = a->nodes.ptr[c].sibling) {
            set_fail(a, parent, c);
            queue[tail++] = c;
        }
    }
    act_free(queue);
}

/* ---- forms ---- */

static void
add_json(struct automaton *a, struct act_str secret, bool ascii)
{
    struct act_buf form = {0};
    for (size_t i = 0; i < secret.len;) {
        uint8_t c = (uint8_t)secret.ptr[i];
        size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
        const char *at = c ? strchr(named, c) : NULL;
        if (at) {
            act_buf_printf(&form, "\\%c", letters[at - named]);
        } else if (c < 0x20) {
            act_buf_printf(&form, "\\u%04x", c);
        } else if (c < 0x80 || !ascii || i + len > secret.len) {
            act_buf_add_byte(&form, (char)c);
            len = 1;
        } else {
            uint32_t code = len == 2 ? c & 0x1fu : len == 3 ? c & 0x0fu : c & 0x07u;
            for (size_t k = 1; k < len; k++)
                code = code << 6 | ((uint8_t)secret.ptr[i + k] & 0x3fu);
            if (code >= 0x10000)
                act_buf_printf(&form, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                               0xdc00 + ((code - 0x10000) & 0x3ff));
            else
                act_buf_printf(&form, "\\u%04x", code);
        }
        i += len;
    }
    if (!act_str_eq(act_buf_str(&form), secret))
        automaton_add(a, act_buf_str(&form));
    act_buf_fini(&form);
}

/* The characters that secret alone decides when `before` bytes of something else stand before it in
 * its group of three. */
static void
add_base64(struct automaton *a, struct act_str secret, size_t before, const char *alphabet)
{
    size_t first = before == 0 ? 0 : before + 1, last = 8 * (before + secret.len) / 6;
    if (last < first + ACT_MASK_LINE_MIN)
        return;
    struct act_buf form = {0};
    for (size_t i = first; i < last; i++) {
        size_t bit = 6 * i - 8 * before;
        uint32_t pair = (uint32_t)(uint8_t)secret.ptr[bit / 8] << 8;
        if (bit / 8 + 1 < secret.len)
            pair |= (uint8_t)secret.ptr[bit / 8 + 1];
        act_buf_add_byte(&form, alphabet[pair >> (10 - bit % 8) & 0x3f]);
    }
    automaton_add(a, act_buf_str(&form));
    act_buf_fini(&form);
}

static bool
add_lines(struct automaton *a, struct act_str secret)
{
    bool any = false;
    while (secret.len) {
        const char *end = memchr(secret.ptr, '\n', secret.len);
        size_t len = end ? (size_t)(end - secret.ptr) : secret.len;
        struct act_str line = act_str_trim(act_str_n(secret.ptr, len));
        if (line.len >= ACT_MASK_LINE_MIN) {
            automaton_add(a, line);
            any = true;
        }
        len += end != NULL;
        secret = act_str_n(secret.ptr + len, secret.len - len);
    }
    return any;
}

bool
act_mask_table_add(struct act_mask_table *table, struct act_str secret)
{
    static const char standard[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct act_str text = act_str_trim(secret);
    if (memchr(text.ptr ? text.ptr : "", '\n', text.len)) {
        if (!add_lines(&table->raw, text))
            return false;
    } else if (text.len < ACT_MASK_MIN) {
        return false;
    }
    automaton_add(&table->raw, text);
    add_json(&table->raw, text, false);
    add_json(&table->raw, text, true);
    for (size_t before = 0; before < 3; before++) {
        add_base64(&table->base64, text, before, standard);
        add_base64(&table->base64, text, before, url);
    }
    return true;
}

struct act_mask_table *
act_mask_table_create(void)
{
    struct act_mask_table *table = act_zalloc(1, sizeof *table);
    automaton_init(&table->raw);
    automaton_init(&table->base64);
    return table;
}

void
act_mask_table_finish(struct act_mask_table *table)
{
    automaton_finish(&table->raw);
    automaton_finish(&table->base64);
}

static void
automaton_fini(struct automaton *a)
{
    if (a->nodes.ptr)
        explicit_bzero(a->nodes.ptr, a->nodes.len * sizeof *a->nodes.ptr);
    act_vec_fini(&a->nodes);
}

void
act_mask_table_destroy(struct act_mask_table *table)
{
    if (!table)
        return;
    automaton_fini(&table->raw);
    automaton_fini(&table->base64);
    act_free(table);
}

/* ---- streams ---- */

static bool
is_newline(char c)
{
    return c == '\n' || c == '\r';
}

/* How many bytes before `end` hold `count` characters, line ends passed over. */
static size_t
span_before(const struct act_mask *mask, size_t end, size_t count)
{
    size_t at = end;
    while (at > 0 && count > 0)
        count -= !is_newline(mask->held.ptr[--at]);
    return end - at;
}

static void
mark(struct act_mask *mask, size_t end, size_t len)
{
    memset(mask->marks.ptr + end - len, 1, len);
    mask->hit = true;
}

static void
scan_byte(struct act_mask *mask, size_t at)
{
    const struct act_mask_table *table = mask->table;
    char c = mask->held.ptr[at];
    mask->raw_state = step(&table->raw, mask->raw_state, (uint8_t)c);
    uint32_t match = table->raw.nodes.ptr[mask->raw_state].match;
    if (match)
        mark(mask, at + 1, match);
    if (is_newline(c)) {
        if (++mask->newlines > NEWLINES_MAX)
            mask->base64_state = 0;
        return;
    }
    mask->newlines = 0;
    mask->base64_state = step(&table->base64, mask->base64_state, (uint8_t)c);
    match = table->base64.nodes.ptr[mask->base64_state].match;
    if (match)
        mark(mask, at + 1, span_before(mask, at + 1, match));
}

/* Gives out the first len held bytes. */
static void
give_out(struct act_mask *mask, size_t len, struct act_buf *out)
{
    for (size_t at = 0; at < len;) {
        bool masked = mask->marks.ptr[at] != 0;
        size_t end = at;
        while (end < len && (mask->marks.ptr[end] != 0) == masked)
            end++;
        if (!masked)
            act_buf_add(out, mask->held.ptr + at, end - at);
        else if (!mask->inside)
            act_buf_add(out, "***", 3);
        mask->inside = masked;
        at = end;
    }
    memmove(mask->held.ptr, mask->held.ptr + len, mask->held.len - len);
    memmove(mask->marks.ptr, mask->marks.ptr + len, mask->marks.len - len);
    mask->held.len -= len;
    mask->marks.len -= len;
}

void
act_mask_feed(struct act_mask *mask, struct act_str bytes, struct act_buf *out)
{
    if (!mask->table) {
        act_buf_add_str(out, bytes);
        return;
    }
    if (!bytes.len)
        return;
    size_t at = mask->held.len;
    act_buf_add_str(&mask->held, bytes);
    act_buf_reserve(&mask->marks, bytes.len);
    memset(mask->marks.ptr + mask->marks.len, 0, bytes.len);
    mask->marks.len += bytes.len;
    for (; at < mask->held.len; at++)
        scan_byte(mask, at);
    size_t keep = mask->table->raw.nodes.ptr[mask->raw_state].depth;
    size_t depth = mask->table->base64.nodes.ptr[mask->base64_state].depth;
    size_t span = span_before(mask, mask->held.len, depth);
    if (span > keep)
        keep = span;
    give_out(mask, mask->held.len - keep, out);
}

void
act_mask_finish(struct act_mask *mask, struct act_buf *out)
{
    if (mask->held.len)
        give_out(mask, mask->held.len, out);
}

void
act_mask_fini(struct act_mask *mask)
{
    if (mask->held.ptr)
        explicit_bzero(mask->held.ptr, mask->held.cap);
    act_buf_fini(&mask->held);
    act_buf_fini(&mask->marks);
}

bool
act_mask_text(const struct act_mask_table *table, struct act_str text, struct act_buf *out)
{
    struct act_mask mask = {.table = table};
    act_mask_feed(&mask, text, out);
    act_mask_finish(&mask, out);
    act_mask_fini(&mask);
    return mask.hit;
}
