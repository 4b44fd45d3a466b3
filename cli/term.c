#include "cli/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool
is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool
is_dumb(void)
{
    const char *term = getenv("TERM");
    return !term || !*term || act_str_is(act_str(term), "dumb");
}

bool
act_term_color(struct act_str when, int fd)
{
    if (act_str_is(when, "always"))
        return true;
    if (act_str_is(when, "never") || is_set("NO_COLOR"))
        return false;
    const char *force = getenv("CLICOLOR_FORCE");
    if (force && *force && !act_str_is(act_str(force), "0"))
        return true;
    return isatty(fd) && !is_dumb();
}

bool
act_term_live(int fd)
{
    return isatty(fd) && !is_dumb();
}

void
act_term_size(int fd, uint32_t *ret_columns, uint32_t *ret_rows)
{
    struct winsize size = {0};
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;
    *ret_columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *ret_rows = known && size.ws_row > 0 ? size.ws_row : 24;
}

void
act_style_add(struct act_buf *out, bool color, enum act_style style, struct act_str text)
{
    static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[2m", "\x1b[31m",
                                        "\x1b[32m", "\x1b[33m", "\x1b[36m"};
    bool styled = color && style != ACT_STYLE_NONE;
    if (styled)
        act_buf_add_cstr(out, codes[style]);
    act_buf_add_str(out, text);
    if (styled)
        act_buf_add_cstr(out, "\x1b[0m");
}

/* The code point at text, 0xFFFD for a bad byte; *length of its bytes. */
static uint32_t
decode(struct act_str text, size_t *length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text.ptr[0];
    size_t need = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    *length = 1;
    if (need == 1)
        return first;
    if (need == 0 || first > 0xF4 || text.len < need)
        return 0xFFFD;
    uint32_t point = first & (0xFFu >> (need + 1));
    for (size_t i = 1; i < need; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c & 0xC0) != 0x80)
            return 0xFFFD;
        point = point << 6 | (c & 0x3F);
    }
    if (point < least[need] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return 0xFFFD;
    *length = need;
    return point;
}

static bool
is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) ||
           (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

static void
add_safe(struct act_buf *out, struct act_str text, const char *kept)
{
    while (text.len > 0) {
        size_t length;
        uint32_t point = decode(text, &length);
        if (point == 0xFFFD && length == 1)
            act_buf_add_cstr(out, "\xEF\xBF\xBD");
        else if (is_control(point) && !(point && point < 0x80 && strchr(kept, (int)point)))
            act_buf_add_byte(out, ' ');
        else
            act_buf_add(out, text.ptr, length);
        text = act_str_n(text.ptr + length, text.len - length);
    }
}

void
act_safe_add(struct act_buf *out, struct act_str text)
{
    add_safe(out, text, "");
}

void
act_safe_add_lines(struct act_buf *out, struct act_str text)
{
    add_safe(out, text, "\n\t");
}

static uint32_t
columns_of(uint32_t point)
{
    static const uint32_t ranges[][3] = {
        {0x300, 0x36F, 0},     {0x200B, 0x200F, 0},   {0xFE00, 0xFE0F, 0},   {0x1100, 0x115F, 2},
        {0x2E80, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},   {0xFE30, 0xFE6F, 2},
        {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},   {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2},
        {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (point >= ranges[i][0] && point <= ranges[i][1])
            return ranges[i][2];
    return 1;
}

uint32_t
act_fit_add(struct act_buf *out, struct act_str text, uint32_t columns)
{
    uint32_t used = 0;
    size_t keep = out->len; /* where "…" would go */
    uint32_t keep_used = 0;
    struct act_buf safe = {0};
    act_safe_add(&safe, text);
    struct act_str rest = act_buf_str(&safe);
    while (rest.len > 0) {
        size_t length;
        uint32_t wide = columns_of(decode(rest, &length));
        if (used + wide > columns) {
            out->len = keep;
            used = keep_used;
            if (columns > 0) {
                act_buf_add_cstr(out, "\xE2\x80\xA6");
                used++;
            }
            break;
        }
        act_buf_add(out, rest.ptr, length);
        used += wide;
        if (used + 1 <= columns) {
            keep = out->len;
            keep_used = used;
        }
        rest = act_str_n(rest.ptr + length, rest.len - length);
    }
    act_buf_fini(&safe);
    return used;
}

void
act_elapsed_add(struct act_buf *out, int64_t ms)
{
    int64_t s = ms / 1000;
    if (ms < 1000) {
        act_buf_add_u64(out, ms < 0 ? 0 : (uint64_t)ms);
        act_buf_add_cstr(out, "ms");
    } else if (s < 60)
        act_buf_printf(out, "%" PRId64 ".%" PRId64 "s", s, ms % 1000 / 100);
    else if (s < 3600)
        act_buf_printf(out, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        act_buf_printf(out, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        act_buf_printf(out, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
}

void
act_bytes_add(struct act_buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    size_t unit = 0;
    for (; size >= 1024 && unit < 4; unit++)
        size /= 1024;
    act_buf_printf(out, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}
