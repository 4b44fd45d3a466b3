#include "base/str.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/utf8.h"

#include <stdio.h>

int
act_str_cmp(struct act_str a, struct act_str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline unsigned char
fold(char c)
{
    unsigned char u = (unsigned char)c;
    return (unsigned)u - 'A' < 26u ? (unsigned char)(u | 0x20) : u;
}

bool
act_str_ieq(struct act_str a, struct act_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.ptr[i]) != fold(b.ptr[i]))
            return false;
    return true;
}

bool
act_str_starts(struct act_str s, struct act_str prefix)
{
    return s.len >= prefix.len && act_str_eq(act_str_n(s.ptr, prefix.len), prefix);
}

bool
act_str_ends(struct act_str s, struct act_str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0);
}

ptrdiff_t
act_str_find(struct act_str s, struct act_str needle)
{
    if (needle.len == 0)
        return 0;
    if (s.len < needle.len)
        return -1;
    const char *hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return hit ? hit - s.ptr : -1;
}

struct act_str
act_str_trim(struct act_str s)
{
    while (s.len && strchr(" \t\r\n", s.ptr[0]) && s.ptr[0])
        s.ptr++, s.len--;
    while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]) && s.ptr[s.len - 1])
        s.len--;
    return s;
}

bool
act_str_climbs(struct act_str path)
{
    for (size_t i = 0, at = 0; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/')
            continue;
        if (i - at == 2 && path.ptr[at] == '.' && path.ptr[at + 1] == '.')
            return true;
        at = i + 1;
    }
    return false;
}

uint64_t
act_str_hash(struct act_str s)
{
    const uint64_t k = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t h = (uint64_t)s.len * k;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t word;
        memcpy(&word, s.ptr + i, 8);
        h = (h ^ word) * k;
        h ^= h >> 32;
    }
    uint64_t tail = 0;
    if (i < s.len)
        memcpy(&tail, s.ptr + i, s.len - i);
    h = (h ^ tail) * k;
    h ^= h >> 29;
    h *= UINT64_C(0xBF58476D1CE4E5B9);
    return h ^ (h >> 32);
}

size_t
act_utf8_valid_prefix(struct act_str s, size_t *bad_len)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        while (s.len - i >= 8) {
            uint64_t word;
            memcpy(&word, p + i, 8);
            if (word & UINT64_C(0x8080808080808080))
                break;
            i += 8;
        }
        if (i == s.len)
            break;
        unsigned char c = p[i];
        if (c < 0x80) {
            i++;
            continue;
        }
        /* Table 3-7 of the Unicode standard: length, and the range of the second byte. */
        unsigned n = c >= 0xC2 && c <= 0xDF   ? 2
                     : (c & 0xF0) == 0xE0     ? 3
                     : c >= 0xF0 && c <= 0xF4 ? 4
                                              : 0;
        unsigned char lo = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
        unsigned char hi = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
        unsigned got = 1;
        for (; got < n && i + got < s.len; got++) {
            if (p[i + got] < lo || p[i + got] > hi)
                break;
            lo = 0x80, hi = 0xBF;
        }
        if (got != n) {
            if (bad_len)
                *bad_len = got;
            return i;
        }
        i += n;
    }
    return i;
}

bool
act_utf8_valid(struct act_str s)
{
    return act_utf8_valid_prefix(s, NULL) == s.len;
}

size_t
act_utf8_encode(char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(unsigned char)(0xC0 | code >> 6);
        out[1] = (char)(unsigned char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(unsigned char)(0xE0 | code >> 12);
        out[1] = (char)(unsigned char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(unsigned char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(unsigned char)(0xF0 | code >> 18);
    out[1] = (char)(unsigned char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(unsigned char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(unsigned char)(0x80 | (code & 0x3F));
    return 4;
}

#define DISTANCE_MAX 128 /* bytes; names are shorter, and longer texts are no misspelling */

uint32_t
act_str_distance(struct act_str a, struct act_str b, uint32_t limit)
{
    size_t gap = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (a.len > DISTANCE_MAX || b.len > DISTANCE_MAX || gap > limit)
        return act_str_eq(a, b) ? 0 : UINT32_MAX;
    uint32_t rows[3][DISTANCE_MAX + 1]; /* two rows back, one row back, this one */
    uint32_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (uint32_t j = 0; j <= b.len; j++)
        above[j] = j;
    for (uint32_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (uint32_t j = 1; j <= b.len; j++) {
            bool same = a.ptr[i - 1] == b.ptr[j - 1];
            uint32_t best = above[j - 1] + !same;
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        uint32_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.len] > limit ? UINT32_MAX : above[b.len];
}

bool
act_str_is_name(struct act_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return s.len > 0;
}
