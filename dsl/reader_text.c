/* The bytes of a file before libyaml sees them: what is no text, what libyaml would take long for, and
 * what it reads in YAML 1.1's way. One pass over the file. */
#include "base/utf8.h"
#include "dsl/reader.h"

static struct act_diag *
refuse(struct act_reader *r, const char *code, size_t begin, size_t length, const char *message,
       const char *help)
{
    struct act_diag *diag = act_diag_add(r->diags, ACT_SEVERITY_ERROR, code,
                                         act_reader_span(r, begin, begin + length), "%s", message);
    act_diag_help(r->diags, diag, "%s", help);
    return diag;
}

/* ---- Not text at all ---- */

static bool
refuse_binary(struct act_reader *r)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *what;
    } kinds[] = {
        {"\x1F\x8B", 2, "this is a gzip archive, not a workflow"},
        {"PK\x03\x04", 4, "this is a zip archive, not a workflow"},
        {"\x7F"
         "ELF",
         4, "this is a program, not a workflow"},
        {"SQLite format 3", 15, "this is a database, not a workflow"},
        {"\x89PNG", 4, "this is an image, not a workflow"},
        {"%PDF", 4, "this is a PDF, not a workflow"},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (act_str_starts(r->text, act_str_n(kinds[i].magic, kinds[i].len))) {
            refuse(r, "encoding", 0, 0, kinds[i].what, "name a YAML file");
            return true;
        }
    return false;
}

static bool
refuse_utf16(struct act_reader *r)
{
    struct act_str t = r->text;
    bool marked = act_str_starts(t, act_str_n("\xFF\xFE", 2)) ||
                  act_str_starts(t, act_str_n("\xFE\xFF", 2)) ||
                  act_str_starts(t, act_str_n("\0\0\xFE\xFF", 4));
    bool alternating = t.len >= 4 && ((t.ptr[0] && !t.ptr[1] && t.ptr[2] && !t.ptr[3]) ||
                                      (!t.ptr[0] && t.ptr[1] && !t.ptr[2] && t.ptr[3]));
    if (!marked && !alternating)
        return false;
    refuse(r, "encoding", 0, 0, "the file is UTF-16 or UTF-32, not UTF-8",
           "save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`");
    return true;
}

/* A byte that YAML does not allow, or a line end of YAML 1.1 that 1.2 does not know and libyaml would
 * break lines at. */
static void
refuse_byte(struct act_reader *r, size_t at)
{
    unsigned char c = (unsigned char)r->text.ptr[at];
    struct act_diag *diag;
    if (c < 0x80) {
        diag =
            act_diag_add(r->diags, ACT_SEVERITY_ERROR, "encoding", act_reader_span(r, at, at + 1),
                         "the control character U+%04X cannot stand in YAML", c);
        act_diag_help(r->diags, diag,
                      c ? "inside double quotes write it as \\x%02X; if the file is not text, name "
                          "another"
                        : "is this a text file? inside double quotes it is written \\0",
                      c);
    } else {
        refuse(r, "encoding", at, 3, "an invisible line separator (U+0085, U+2028 or U+2029)",
               "remove it, or write it as \\N, \\L or \\P inside double quotes");
    }
}

/* Control characters but tab, LF, CR. */
static bool
is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
}

#define CHUNK 256u /* a fixed number of bytes a step, so that the compiler makes vectors of it */

/* The first control character, or the text's length; *ret_high is the OR of all bytes before it. */
static size_t
find_control(struct act_str t, size_t from, unsigned char *ret_high)
{
    unsigned char high = 0;
    size_t at = from;
    for (; t.len - at >= CHUNK; at += CHUNK) {
        const unsigned char *p = (const unsigned char *)t.ptr + at;
        unsigned char any = 0;
        for (size_t i = 0; i < CHUNK; i++) {
            unsigned char c = p[i];
            high |= c;
            any |= (unsigned char)((c < 0x20) & (c != '\t') & (c != '\n') & (c != '\r')) |
                   (unsigned char)(c == 0x7F);
        }
        if (any)
            break;
    }
    for (; at < t.len && !is_control((unsigned char)t.ptr[at]); at++)
        high |= (unsigned char)t.ptr[at];
    *ret_high = high;
    return at;
}

static bool
is_separator(struct act_str t, size_t i)
{
    const unsigned char *p = (const unsigned char *)t.ptr + i;
    if (p[0] == 0xC2) /* C1 controls, U+0085 among them */
        return i + 1 < t.len && p[1] < 0xA0;
    if (p[0] == 0xE2)
        return i + 2 < t.len && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9);
    return p[0] == 0xEF && i + 2 < t.len && p[1] == 0xBF && p[2] >= 0xBE; /* U+FFFE, U+FFFF */
}

/* True if a byte was refused. */
static bool
refuse_bytes(struct act_reader *r)
{
    struct act_str t = r->text;
    unsigned char high = 0;
    size_t bad = find_control(t, r->start, &high);
    r->ascii = high < 0x80;
    if (!r->ascii && bad == t.len) {
        size_t valid = act_utf8_valid_prefix(t, NULL);
        if (valid < t.len) {
            struct act_diag *diag = act_diag_add(
                r->diags, ACT_SEVERITY_ERROR, "encoding", act_reader_span(r, valid, valid + 1),
                "the byte 0x%02X is not UTF-8", (unsigned char)t.ptr[valid]);
            act_diag_help(r->diags, diag,
                          "save the file as UTF-8, for example with `iconv -f LATIN1 -t UTF-8`");
            return true;
        }
        for (size_t i = r->start; i < t.len && bad == t.len; i++)
            if ((unsigned char)t.ptr[i] >= 0x80 && is_separator(t, i))
                bad = i;
    }
    if (bad == t.len)
        return false;
    refuse_byte(r, bad);
    return true;
}

/* ---- Before and after the document ---- */

static size_t
line_end(struct act_str t, size_t at)
{
    const char *end = memchr(t.ptr + at, '\n', t.len - at);
    return end ? (size_t)(end - t.ptr) : t.len;
}

/* Lines of directives: one %YAML; libyaml's cost for many %TAGs is quadratic, and tags mean nothing
 * here anyway. */
static bool
refuse_directives(struct act_reader *r)
{
    bool seen = false;
    for (size_t at = r->start; at < r->text.len;) {
        size_t end = line_end(r->text, at);
        struct act_str line = act_str_trim(act_str_n(r->text.ptr + at, end - at));
        bool directive = r->text.ptr[at] == '%';
        if (!directive && line.len && line.ptr[0] != '#')
            return false;
        bool version = act_str_is(line, "%YAML 1.2") || act_str_is(line, "%YAML 1.1");
        if (directive && (seen || !version)) {
            refuse(r, act_str_starts(line, ACT_STR("%TAG")) ? "tag" : "yaml-syntax", at, line.len,
                   "this YAML directive means nothing in a workflow", "leave the line out");
            return true;
        }
        seen |= directive;
        at = end + 1;
    }
    return false;
}

bool
act_reader_check_text(struct act_reader *r)
{
    if (r->text.len > ACT_READ_BYTES_MAX) {
        struct act_diag *diag =
            act_diag_add(r->diags, ACT_SEVERITY_ERROR, "too-large", act_reader_span(r, 0, 0),
                         "the file has %zu MiB; 64 MiB are allowed", r->text.len >> 20);
        act_diag_help(r->diags, diag,
                      "split it with `workflow: PATH`, or make the nodes with `for` over data");
        return false;
    }
    if (refuse_binary(r) || refuse_utf16(r))
        return false;
    if (act_str_starts(r->text, ACT_STR("\xEF\xBB\xBF")))
        r->start = 3;
    return !refuse_bytes(r) && !refuse_directives(r);
}

static bool
starts_line(struct act_str t, size_t at, const char *mark)
{
    return at + 3 <= t.len && memcmp(t.ptr + at, mark, 3) == 0 &&
           (at + 3 == t.len || strchr(" \t\r\n", t.ptr[at + 3]));
}

void
act_reader_check_rest(struct act_reader *r, size_t offset)
{
    struct act_str t = r->text;
    for (size_t at = offset; at < t.len;) {
        size_t end = line_end(t, at);
        bool ends = starts_line(t, at, "...");
        struct act_str line =
            act_str_trim(act_str_n(t.ptr + at + (ends ? 3 : 0), end - at - (ends ? 3 : 0)));
        if (line.len && line.ptr[0] != '#') {
            bool second = starts_line(t, at, "---");
            size_t begin = (size_t)(line.ptr - t.ptr);
            refuse(r, second ? "many-documents" : "yaml-syntax", begin, line.len,
                   second ? "a second YAML document; a workflow file has one"
                          : "text after the end of the workflow",
                   second ? "put it into a file of its own and use it with `workflow: PATH`"
                          : "indent it as far as the lines above that it belongs to");
            return;
        }
        at = end + 1;
    }
}
