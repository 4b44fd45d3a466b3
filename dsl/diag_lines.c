/* The line index of diag.h. */
#include "dsl/diag.h"

#define STRIDE 1024u

static bool
is_follower(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static bool
is_ascii(struct act_str text)
{
    size_t i = 0;
    uint64_t all = 0, word;
    for (; i + sizeof(word) <= text.len; i += sizeof(word)) {
        memcpy(&word, text.ptr + i, sizeof(word));
        all |= word;
    }
    for (; i < text.len; i++)
        all |= (unsigned char)text.ptr[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* The common kind of file: line feeds alone end its lines. */
static void
find_line_feeds(struct act_lines *lines, struct act_str text)
{
    const char *at = text.ptr, *end = at + text.len;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL)
        act_vec_push(&lines->starts, (uint32_t)(++at - text.ptr));
}

void
act_lines_init(struct act_lines *lines, struct act_str text)
{
    *lines = (struct act_lines){.text = text, .ascii = is_ascii(text)};
    act_vec_push(&lines->starts, 0);
    if (lines->ascii && (text.len == 0 || !memchr(text.ptr, '\r', text.len))) {
        find_line_feeds(lines, text);
        return;
    }
    uint32_t followers = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!lines->ascii) {
            if (i % STRIDE == 0)
                act_vec_push(&lines->followers, followers);
            followers += is_follower(c);
        }
        if (c == '\n' || (c == '\r' && !(i + 1 < text.len && text.ptr[i + 1] == '\n')))
            act_vec_push(&lines->starts, i + 1);
    }
    if (!lines->ascii)
        act_vec_push(&lines->followers, followers);
}

void
act_lines_fini(struct act_lines *lines)
{
    act_vec_fini(&lines->starts);
    act_vec_fini(&lines->followers);
}

/* How many continuation bytes stand before offset. */
static uint32_t
followers_before(const struct act_lines *lines, uint32_t offset)
{
    if (lines->ascii)
        return 0;
    uint32_t count = lines->followers.ptr[offset / STRIDE];
    for (uint32_t i = offset - offset % STRIDE; i < offset; i++)
        count += is_follower(lines->text.ptr[i]);
    return count;
}

static uint32_t
line_of(const struct act_lines *lines, uint32_t offset)
{
    uint32_t low = 0, high = lines->starts.len; /* starts[low] <= offset < starts[high] */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (lines->starts.ptr[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void
act_lines_place(const struct act_lines *lines, uint32_t offset, uint32_t *ret_line,
                uint32_t *ret_column)
{
    if (offset > lines->text.len)
        offset = (uint32_t)lines->text.len;
    uint32_t line = line_of(lines, offset);
    uint32_t start = lines->starts.ptr[line];
    uint32_t followers = followers_before(lines, offset) - followers_before(lines, start);
    bool bom = start == 0 && act_str_starts(lines->text, ACT_STR("\xEF\xBB\xBF")) && offset >= 3;
    *ret_line = line + 1;
    *ret_column = offset - start - followers + 1 - bom; /* a byte order mark is no character */
}

struct act_str
act_lines_text(const struct act_lines *lines, uint32_t line)
{
    if (line == 0 || line > lines->starts.len)
        return (struct act_str){0};
    uint32_t start = lines->starts.ptr[line - 1];
    size_t end = line < lines->starts.len ? lines->starts.ptr[line] : lines->text.len;
    while (end > start && (lines->text.ptr[end - 1] == '\n' || lines->text.ptr[end - 1] == '\r'))
        end--;
    return act_str_n(lines->text.ptr + start, end - start);
}
