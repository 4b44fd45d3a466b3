#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"

#include <stdio.h>

void
act_buf_fini(struct act_buf *buf)
{
    act_free(buf->ptr);
    *buf = (struct act_buf){0};
}

void
act_buf_clear(struct act_buf *buf)
{
    buf->len = 0;
    if (buf->ptr)
        buf->ptr[0] = '\0';
}

void
act_buf_reserve(struct act_buf *buf, size_t extra)
{
    if (extra < buf->cap - buf->len)
        return; /* one byte is kept for the terminator */
    if (extra >= SIZE_MAX / 2 - buf->len)
        act_oom();
    size_t need = buf->len + extra + 1;
    size_t cap = buf->cap < 32 ? 32 : buf->cap * 2;
    buf->cap = cap < need ? need : cap;
    buf->ptr = act_realloc(buf->ptr, buf->cap, 1);
}

void
act_buf_add(struct act_buf *buf, const void *bytes, size_t len)
{
    act_buf_reserve(buf, len);
    if (len)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void
act_buf_add_str(struct act_buf *buf, struct act_str s)
{
    act_buf_add(buf, s.ptr, s.len);
}

void
act_buf_add_cstr(struct act_buf *buf, const char *cstr)
{
    act_buf_add(buf, cstr, strlen(cstr));
}

void
act_buf_add_byte(struct act_buf *buf, char c)
{
    act_buf_reserve(buf, 1);
    buf->ptr[buf->len++] = c;
    buf->ptr[buf->len] = '\0';
}

void
act_buf_add_u64(struct act_buf *buf, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    act_buf_add(buf, digits + at, sizeof(digits) - at);
}

void
act_buf_vprintf(struct act_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    act_buf_reserve(buf, 63);
    int n = vsnprintf(buf->ptr + buf->len, buf->cap - buf->len, format, args);
    size_t len = n > 0 ? (size_t)n : 0;
    if (len >= buf->cap - buf->len) {
        act_buf_reserve(buf, len);
        vsnprintf(buf->ptr + buf->len, buf->cap - buf->len, format, again);
    }
    va_end(again);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void
act_buf_printf(struct act_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    act_buf_vprintf(buf, format, args);
    va_end(args);
}

void
act_buf_add_utf8(struct act_buf *buf, struct act_str s)
{
    for (;;) {
        size_t bad = 0;
        size_t good = act_utf8_valid_prefix(s, &bad);
        act_buf_add(buf, s.ptr, good);
        if (good == s.len)
            return;
        act_buf_add(buf, "\xEF\xBF\xBD", 3);
        s.ptr += good + bad;
        s.len -= good + bad;
    }
}
