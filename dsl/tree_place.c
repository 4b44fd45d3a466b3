/* From a byte of a scalar's decoded text back to its byte in the source. Source and text are walked
 * side by side, one step consuming what the scalar's style makes of the next piece of source; a step
 * takes nothing from the text where YAML drops something (indentation, a folded blank, a quote). */
#include "dsl/tree.h"

struct walk {
    struct act_str source; /* the scalar's span */
    struct act_str text;
    size_t at; /* in source */
    size_t i;  /* in text */
};

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool
at_break(const struct walk *w)
{
    return w->at < w->source.len && (w->source.ptr[w->at] == '\n' || w->source.ptr[w->at] == '\r');
}

static void
take_break(struct walk *w)
{
    bool crlf = w->at + 1 < w->source.len && w->source.ptr[w->at] == '\r' &&
                w->source.ptr[w->at + 1] == '\n';
    w->at += crlf ? 2 : 1;
}

static void
take_blanks(struct walk *w)
{
    while (w->at < w->source.len && is_blank(w->source.ptr[w->at]))
        w->at++;
}

/* ---- Plain and quoted scalars ---- */

/* Do only blanks stand between here and the end of the line? */
static bool
line_is_over(const struct walk *w)
{
    struct walk ahead = *w;
    take_blanks(&ahead);
    return at_break(&ahead);
}

/* Blanks, breaks, blanks: one break is a blank in the text, n are n - 1 line feeds. */
static void
take_fold(struct walk *w)
{
    size_t breaks = 0;
    for (take_blanks(w); at_break(w); take_blanks(w)) {
        take_break(w);
        breaks++;
    }
    w->i += breaks > 1 ? breaks - 1 : 1;
}

static size_t
utf8_bytes(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static size_t
escape_bytes(struct walk *w, size_t digits)
{
    uint32_t code = 0;
    for (size_t k = 0; k < digits && w->at < w->source.len; k++, w->at++) {
        char c = w->source.ptr[w->at];
        code = code * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return utf8_bytes(code);
}

/* At a backslash of a double-quoted scalar. */
static void
take_escape(struct walk *w)
{
    w->at++;
    if (at_break(w)) { /* an escaped line end: nothing, and the next line's blanks neither */
        take_break(w);
        take_blanks(w);
        return;
    }
    char c = w->at < w->source.len ? w->source.ptr[w->at++] : 0;
    switch (c) {
    case 'x': w->i += escape_bytes(w, 2); break;
    case 'u': w->i += escape_bytes(w, 4); break;
    case 'U': w->i += escape_bytes(w, 8); break;
    case 'N':
    case '_': w->i += 2; break;
    case 'L':
    case 'P': w->i += 3; break;
    default: w->i++; break;
    }
}

static void
step_flow(struct walk *w, enum act_scalar_style style)
{
    char c = w->source.ptr[w->at];
    if ((is_blank(c) || c == '\n' || c == '\r') && line_is_over(w)) {
        take_fold(w);
    } else if (style == ACT_STYLE_DOUBLE && c == '\\') {
        take_escape(w);
    } else {
        w->at += style == ACT_STYLE_SINGLE && c == '\'' ? 2 : 1;
        w->i++;
    }
}

/* The piece of source whose step makes byte offset. */
static size_t
find_in_flow(struct walk *w, enum act_scalar_style style, size_t offset)
{
    for (w->at = style == ACT_STYLE_PLAIN ? 0 : 1; w->at < w->source.len;) {
        size_t before = w->at;
        step_flow(w, style);
        if (w->i > offset)
            return before;
    }
    return w->at;
}

/* ---- Block scalars ---- */

/* To the first line after the header. */
static void
skip_header(struct walk *w)
{
    while (w->at < w->source.len && !at_break(w))
        w->at++;
    if (at_break(w))
        take_break(w);
}

/* Indentation: what the first line with text has more in the source than in the value. */
static size_t
block_indent(struct walk w)
{
    size_t in_text = 0;
    while (w.i < w.text.len && w.text.ptr[w.i] == '\n')
        w.i++;
    for (; w.i < w.text.len && w.text.ptr[w.i] == ' '; w.i++)
        in_text++;
    for (;;) {
        size_t blanks = 0;
        for (; w.at < w.source.len && w.source.ptr[w.at] == ' '; w.at++)
            blanks++;
        if (!at_break(&w))
            return blanks > in_text ? blanks - in_text : 0;
        take_break(&w);
    }
}

static void
take_indent(struct walk *w, size_t indent)
{
    for (size_t n = 0; n < indent && w->at < w->source.len && w->source.ptr[w->at] == ' '; n++)
        w->at++;
}

/* A break of a folded scalar: the text has a blank, or line feeds for some of the breaks. */
static void
take_block_break(struct walk *w, enum act_scalar_style style, size_t indent)
{
    take_break(w);
    take_indent(w, indent);
    if (style == ACT_STYLE_LITERAL) {
        w->i++;
        return;
    }
    size_t breaks = 1;
    for (; at_break(w); breaks++) {
        take_break(w);
        take_indent(w, indent);
    }
    if (w->i < w->text.len && w->text.ptr[w->i] == ' ') {
        w->i++;
        return;
    }
    for (; breaks > 0 && w->i < w->text.len && w->text.ptr[w->i] == '\n'; breaks--)
        w->i++;
}

static size_t
find_in_block(struct walk *w, enum act_scalar_style style, size_t offset)
{
    skip_header(w);
    size_t indent = block_indent(*w);
    take_indent(w, indent);
    while (style == ACT_STYLE_FOLDED && at_break(w)) { /* empty lines at the beginning are kept */
        if (w->i == offset)
            return w->at;
        take_break(w);
        take_indent(w, indent);
        w->i++;
    }
    while (w->at < w->source.len) {
        size_t before = w->at;
        if (at_break(w)) {
            take_block_break(w, style, indent);
        } else {
            w->at++;
            w->i++;
        }
        if (w->i > offset)
            return before;
    }
    return w->at;
}

static size_t
find(struct act_str source, const struct act_tree *scalar, size_t offset)
{
    if (scalar->style == ACT_STYLE_PLAIN && source.ptr == scalar->text.ptr)
        return offset;
    struct walk w = {.source = source, .text = scalar->text};
    if (scalar->style == ACT_STYLE_LITERAL || scalar->style == ACT_STYLE_FOLDED)
        return find_in_block(&w, scalar->style, offset);
    return find_in_flow(&w, scalar->style, offset);
}

struct act_span
act_tree_text_span(const struct act_sources *sources, const struct act_tree *scalar, size_t offset,
                   size_t length)
{
    struct act_span span = scalar->span;
    if (span.source >= sources->list.len || scalar->type != ACT_TREE_SCALAR)
        return span;
    struct act_str file = sources->list.ptr[span.source].text;
    if (span.offset > file.len || span.length > file.len - span.offset)
        return span;
    struct act_str source = act_str_n(file.ptr + span.offset, span.length);
    if (offset > scalar->text.len)
        offset = scalar->text.len;
    if (length > scalar->text.len - offset)
        length = scalar->text.len - offset;
    size_t begin = find(source, scalar, offset);
    size_t end = begin;
    if (length > 0) /* the end of its last byte, so that folds and quotes behind it stay out */
        end = find(source, scalar, offset + length - 1) + 1;
    if (begin > source.len) /* a patched scalar's text is not what the source says */
        begin = source.len;
    if (end > source.len)
        end = source.len;
    span.offset += (uint32_t)begin;
    span.length = end > begin ? (uint32_t)(end - begin) : 0;
    return span;
}
