/* Byte strings: a borrowed slice (act_str) and a growing buffer (act_buf). Bytes are UTF-8 by
 * convention and may hold NUL; nothing here relies on a terminator. */
#ifndef ACT_BASE_STR_H
#define ACT_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed; never freed through this type. ptr may be NULL only when len is 0. */
struct act_str {
    const char *ptr;
    size_t len;
};

#define ACT_STR(literal) ((struct act_str){(literal), sizeof(literal) - 1})
#define ACT_STR_ARG(s) (int)(s).len, (s).ptr /* for "%.*s" */

static inline struct act_str
act_str(const char *cstr)
{
    return (struct act_str){cstr, cstr ? strlen(cstr) : 0};
}
static inline struct act_str
act_str_n(const char *ptr, size_t len)
{
    return (struct act_str){ptr, len};
}
static inline bool
act_str_eq(struct act_str a, struct act_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool
act_str_is(struct act_str a, const char *cstr)
{
    return act_str_eq(a, act_str(cstr));
}
int act_str_cmp(struct act_str a, struct act_str b);  /* by bytes, as strcmp */
bool act_str_ieq(struct act_str a, struct act_str b); /* ASCII case folded */
bool act_str_starts(struct act_str s, struct act_str prefix);
bool act_str_ends(struct act_str s, struct act_str suffix);
ptrdiff_t act_str_find(struct act_str s, struct act_str needle); /* -1 if absent */
struct act_str act_str_trim(struct act_str s); /* blanks, tabs, CR, LF at both ends */
bool act_str_is_name(struct act_str s);        /* [A-Za-z_][A-Za-z0-9_-]*: an id */
bool act_str_climbs(struct act_str path);      /* a part of it is `..` */
uint64_t act_str_hash(struct act_str s);       /* stable over processes, not secure */
bool act_utf8_valid(struct act_str s);
/* Edit distance (Damerau-Levenshtein), for "did you mean"; UINT32_MAX when over limit. */
uint32_t act_str_distance(struct act_str a, struct act_str b, uint32_t limit);

/* Owned by whoever holds it; act_buf_fini frees. Zero-initialised is empty and valid. ptr is kept
 * NUL-terminated by the append functions (the terminator is not counted in len). */
struct act_buf {
    char *ptr;
    size_t len;
    size_t cap;
};

void act_buf_fini(struct act_buf *buf);
void act_buf_clear(struct act_buf *buf); /* len 0, memory kept */
void act_buf_reserve(struct act_buf *buf, size_t extra);
void act_buf_add(struct act_buf *buf, const void *bytes, size_t len);
void act_buf_add_str(struct act_buf *buf, struct act_str s);
void act_buf_add_cstr(struct act_buf *buf, const char *cstr);
void act_buf_add_byte(struct act_buf *buf, char c);
void act_buf_add_u64(struct act_buf *buf, uint64_t v); /* decimal digits */
void act_buf_printf(struct act_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void act_buf_vprintf(struct act_buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Appends s with each invalid UTF-8 sequence replaced by U+FFFD. */
void act_buf_add_utf8(struct act_buf *buf, struct act_str s);
static inline struct act_str
act_buf_str(const struct act_buf *buf)
{
    return (struct act_str){buf->ptr ? buf->ptr : "", buf->len};
}

#endif
