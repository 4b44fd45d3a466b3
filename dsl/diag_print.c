/* Diagnostics for a terminal: gcc's first line, the source line with a caret under it, help. */
#include "dsl/diag_print.h"

#include "base/utf8.h"

#include <stdio.h>

#define COLUMNS_MAX 100u   /* of a source line; longer ones are clipped around the caret */
#define COLUMNS_BEFORE 40u /* kept left of the caret then */
#define TAB_COLUMNS 4u

const struct act_lines *
act_diag_lines(struct act_diag_printer *printer, uint32_t source)
{
    if (source >= printer->sources->list.len)
        return NULL;
    struct act_lines *lines = &printer->lines[source];
    if (!lines->starts.ptr)
        act_lines_init(lines, printer->sources->list.ptr[source].text);
    return lines;
}

struct act_diag_place
act_diag_place(struct act_diag_printer *printer, struct act_span span)
{
    struct act_diag_place place = {ACT_STR("<unknown>"), 1, 1, 1, 1};
    const struct act_lines *lines = act_diag_lines(printer, span.source);
    if (!lines)
        return place;
    place.path = printer->sources->list.ptr[span.source].path;
    act_lines_place(lines, span.offset, &place.line, &place.column);
    act_lines_place(lines, span.offset + span.length, &place.end_line, &place.end_column);
    return place;
}

void
act_diags_print(struct act_buf *out, const struct act_diags *diags,
                const struct act_sources *sources, enum act_diag_format format, bool color)
{
    struct act_diag_printer printer = {diags, sources, NULL};
    printer.lines = act_zalloc(sources->list.len + 1u, sizeof(*printer.lines));
    switch (format) {
    case ACT_DIAG_PRETTY: act_diags_print_pretty(out, &printer, color); break;
    case ACT_DIAG_JSON: act_diags_print_json(out, &printer); break;
    case ACT_DIAG_SARIF: act_diags_print_sarif(out, &printer); break;
    case ACT_DIAG_GITHUB: act_diags_print_github(out, &printer); break;
    }
    for (uint32_t i = 0; i < sources->list.len; i++)
        act_lines_fini(&printer.lines[i]);
    act_free(printer.lines);
}

/* Columns that a character takes on a terminal: the wide blocks of East Asian scripts and emoji take
 * two, combining marks none. Close enough for a caret; no locale needed. */
static uint32_t
char_columns(uint32_t code)
{
    static const struct {
        uint32_t first, last, columns;
    } ranges[] = {
        {0x0300, 0x036F, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05BD, 0},   {0x064B, 0x065F, 0},
        {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x1DC0, 0x1DFF, 0},   {0x200B, 0x200F, 0},
        {0x20D0, 0x20FF, 0},   {0x2E80, 0x303E, 2},   {0x3041, 0x4DBF, 2},   {0x4E00, 0xA4CF, 2},
        {0xA960, 0xA97F, 2},   {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0},
        {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},   {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},
        {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1F9FF, 2}, {0x1FA70, 0x1FAFF, 2},
        {0x20000, 0x3FFFD, 2}, {0xE0100, 0xE01EF, 0},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (code <= ranges[i].last)
            return code >= ranges[i].first ? ranges[i].columns : 1;
    return 1;
}

/* What could change the terminal or the order in which text is read. */
static bool
is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029;
}

/* The character at *at (on valid UTF-8: all of it, else one byte as U+FFFD). */
static uint32_t
next_char(struct act_str text, size_t *at)
{
    static const uint8_t first_bits[] = {0x7F, 0x1F, 0x0F, 0x07};
    unsigned char c = (unsigned char)text.ptr[*at];
    size_t len = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    struct act_str one = act_str_n(text.ptr + *at, len);
    if (c < 0x80 || (*at + len <= text.len && act_utf8_valid_prefix(one, NULL) == len)) {
        uint32_t code = c & first_bits[len - 1];
        for (size_t i = 1; i < len; i++)
            code = code << 6 | ((unsigned char)one.ptr[i] & 0x3Fu);
        *at += len;
        return code;
    }
    *at += 1;
    return 0xFFFD;
}

static uint32_t
shown_columns(uint32_t code)
{
    return code == '\t' ? TAB_COLUMNS : is_unsafe(code) ? 1 : char_columns(code);
}

static void
add_shown(struct act_buf *out, uint32_t code)
{
    char bytes[4];
    if (code == '\t')
        act_buf_add(out, "    ", TAB_COLUMNS);
    else
        act_buf_add(out, bytes, act_utf8_encode(bytes, is_unsafe(code) ? 0xFFFD : code));
}

static uint32_t
columns_of(struct act_str text, size_t end)
{
    uint32_t columns = 0;
    for (size_t at = 0; at < end && at < text.len;)
        columns += shown_columns(next_char(text, &at));
    return columns;
}

/* Cuts text to a window around [begin, end): steps back at most COLUMNS_BEFORE characters from begin
 * and takes at most COLUMNS_MAX columns. Looks at no more than that, however long the line is. */
static void
clip(struct act_str text, size_t begin, size_t *ret_from, size_t *ret_to)
{
    size_t from = begin;
    for (uint32_t i = 0; i < COLUMNS_BEFORE && from > 0; i++) {
        do
            from--;
        while (from > 0 && ((unsigned char)text.ptr[from] & 0xC0) == 0x80);
    }
    if (begin <= COLUMNS_MAX / 2)
        from = 0;
    size_t to = from;
    for (uint32_t columns = 0; to < text.len && columns < COLUMNS_MAX;)
        columns += shown_columns(next_char(text, &to));
    *ret_from = from;
    *ret_to = to;
}

static void
print_line(struct act_buf *out, struct act_diag_printer *printer, struct act_span span,
           const char *caret_color, const char *plain)
{
    const struct act_lines *lines = act_diag_lines(printer, span.source);
    if (!lines || printer->sources->list.ptr[span.source].text.len == 0)
        return; /* a file that could not be read has no line to show */
    struct act_diag_place place = act_diag_place(printer, span);
    struct act_str text = act_lines_text(lines, place.line);
    size_t line_start = lines->starts.ptr[place.line - 1];
    if (line_start == 0 && act_str_starts(text, ACT_STR("\xEF\xBB\xBF"))) {
        text = act_str_n(text.ptr + 3, text.len - 3);
        line_start = 3;
    }
    size_t begin = span.offset > line_start ? span.offset - line_start : 0;
    if (begin > text.len)
        begin = text.len;
    size_t end = span.length < text.len - begin ? begin + span.length : text.len, from, to;
    clip(text, begin, &from, &to);

    char gutter[16];
    int gutter_len = snprintf(gutter, sizeof(gutter), "%5u", place.line);
    act_buf_printf(out, "%s | %s", gutter, from > 0 ? "…" : "");
    for (size_t at = from; at < to;)
        add_shown(out, next_char(text, &at));
    act_buf_printf(out, "%s\n%*s | ", to < text.len ? "…" : "", gutter_len, "");
    struct act_str window = act_str_n(text.ptr + from, to - from);
    uint32_t before = columns_of(window, begin - from) + (from > 0);
    size_t stop = end < to ? end : to; /* of the caret; the window may end before it begins */
    uint32_t under =
        columns_of(act_str_n(text.ptr + begin, stop > begin ? stop - begin : 0), SIZE_MAX);
    act_buf_printf(out, "%*s%s^", (int)before, "", caret_color);
    for (uint32_t i = 1; i < under; i++)
        act_buf_add_byte(out, '^');
    act_buf_printf(out, "%s\n", plain);
}

struct palette {
    const char *strong, *error, *warning, *help, *note, *plain;
};

/* Messages may quote the file; what could drive the terminal is shown as U+FFFD. */
static void
add_message(struct act_buf *out, struct act_str text)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code = next_char(text, &at);
        if (code == '\n')
            act_buf_add_byte(out, '\n');
        else
            add_shown(out, code);
    }
}

static void
print_one(struct act_buf *out, struct act_diag_printer *printer, const struct act_diag *diag,
          const struct palette *p)
{
    bool error = diag->severity == ACT_SEVERITY_ERROR;
    const char *mark = error ? p->error : p->warning;
    struct act_diag_place place = act_diag_place(printer, diag->span);
    act_buf_add_cstr(out, p->strong);
    add_message(out, place.path);
    act_buf_printf(out, ":%u:%u: %s%s%s: ", place.line, place.column, mark,
                   error ? "error" : "warning", p->plain);
    add_message(out, diag->message);
    act_buf_add_byte(out, '\n');
    print_line(out, printer, diag->span, mark, p->plain);
    if (diag->related_text.len) {
        struct act_diag_place other = act_diag_place(printer, diag->related);
        act_buf_add_cstr(out, p->strong);
        add_message(out, other.path);
        act_buf_printf(out, ":%u:%u: %snote%s: ", other.line, other.column, p->note, p->plain);
        add_message(out, diag->related_text);
        act_buf_add_byte(out, '\n');
        print_line(out, printer, diag->related, p->note, p->plain);
    }
    if (diag->help.len) {
        act_buf_printf(out, "%shelp%s: ", p->help, p->plain);
        add_message(out, diag->help);
        act_buf_add_byte(out, '\n');
    }
}

void
act_diags_print_pretty(struct act_buf *out, struct act_diag_printer *printer, bool color)
{
    static const struct palette none = {"", "", "", "", "", ""};
    static const struct palette ansi = {"\x1b[1m",  "\x1b[1;31m", "\x1b[1;33m",
                                        "\x1b[36m", "\x1b[1;36m", "\x1b[0m"};
    for (uint32_t i = 0; i < printer->diags->list.len; i++)
        print_one(out, printer, &printer->diags->list.ptr[i], color ? &ansi : &none);
    if (printer->diags->dropped_count)
        act_buf_printf(out, "and %u more; the first %u are shown\n", printer->diags->dropped_count,
                       printer->diags->list.len);
}
