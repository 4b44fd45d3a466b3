/* Values as numbers and text, by GitHub's rules. */
#include "dsl/expr_internal.h"

#include "base/utf8.h"

#include <math.h>

static struct act_num
exact(int64_t i)
{
    return (struct act_num){true, i, 0};
}

static struct act_num
real(double d)
{
    return (struct act_num){false, 0, d};
}

/* Sign and up to 18 digits: nearly all numbers there are. */
static bool
short_integer(struct act_str s, int64_t *ret)
{
    bool minus = s.ptr[0] == '-';
    size_t at = minus || s.ptr[0] == '+';
    if (s.len == at || s.len - at > 18)
        return false;
    int64_t i = 0;
    for (; at < s.len; at++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[at] - '0';
        if (digit > 9)
            return false;
        i = i * 10 + (int64_t)digit;
    }
    *ret = minus ? -i : i;
    return true;
}

static struct act_num
of_infinity(struct act_str s)
{
    bool minus = s.ptr[0] == '-';
    size_t sign = minus || s.ptr[0] == '+';
    if (!act_str_is(act_str_n(s.ptr + sign, s.len - sign), "Infinity"))
        return real((double)NAN);
    return real(minus ? -(double)INFINITY : (double)INFINITY);
}

/* JavaScript allows +1 and 007, act_value_number only the former; neither +0x1 nor 00x1. */
static struct act_value *
loose_number(struct act_str s)
{
    bool minus = s.ptr[0] == '-';
    size_t sign = minus || s.ptr[0] == '+';
    size_t at = sign;
    while (s.len - at > 1 && s.ptr[at] == '0' && s.ptr[at + 1] >= '0' && s.ptr[at + 1] <= '9')
        at++;
    if (at == sign)
        return act_value_number(s);
    if (s.len - at > 1 && (s.ptr[at + 1] == 'x' || s.ptr[at + 1] == 'o'))
        return NULL;
    struct act_buf tidy = {0};
    if (minus)
        act_buf_add_byte(&tidy, '-');
    act_buf_add(&tidy, s.ptr + at, s.len - at);
    struct act_value *v = act_value_number(act_buf_str(&tidy));
    act_buf_fini(&tidy);
    return v;
}

static struct act_num
of_number(const struct act_value *v)
{
    int64_t i;
    return act_value_to_int(v, &i) ? exact(i) : real(act_value_as_real(v));
}

struct act_num
act_num_of_text(struct act_str s)
{
    s = act_str_trim(s);
    int64_t i;
    if (s.len == 0)
        return exact(0);
    if (short_integer(s, &i))
        return exact(i);
    struct act_value *v = loose_number(s);
    if (!v)
        return of_infinity(s);
    struct act_num n = of_number(v);
    act_value_release(v);
    return n;
}

struct act_num
act_num_of(const struct act_value *v)
{
    switch (act_value_type(v)) {
    case ACT_NULL: return exact(0);
    case ACT_BOOL: return exact(act_value_as_bool(v));
    case ACT_INT: return exact(act_value_as_int(v));
    case ACT_REAL:
    case ACT_DIGITS: return of_number(v);
    case ACT_STRING: return act_num_of_text(act_value_as_str(v));
    case ACT_LIST:
    case ACT_MAP:
    case ACT_REF: break;
    }
    return real((double)NAN);
}

bool
act_num_is_nan(struct act_num n)
{
    return !n.exact && isnan(n.d);
}

struct act_value *
act_num_value(struct act_num n)
{
    return n.exact ? act_value_int(n.i) : act_value_float(n.d);
}

/* An exact integer against a double, without rounding the former. */
static int
compare_mixed(int64_t i, double d)
{
    if (d >= 9223372036854775808.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole;
    return (rest < 0) - (rest > 0);
}

int
act_num_compare(struct act_num a, struct act_num b, bool *unordered)
{
    *unordered = act_num_is_nan(a) || act_num_is_nan(b);
    if (*unordered)
        return 1;
    if (a.exact && b.exact)
        return (a.i > b.i) - (a.i < b.i);
    if (a.exact)
        return compare_mixed(a.i, b.d);
    if (b.exact)
        return -compare_mixed(b.i, a.d);
    return (a.d > b.d) - (a.d < b.d);
}

/* ---- text */

static const struct {
    uint32_t first, last;
    int32_t stride, delta;
} folds[] = {
#define ACT_FOLD(first, last, stride, delta) {first, last, stride, delta},
#include "dsl/expr_fold.def"
#undef ACT_FOLD
};

static uint32_t
upper(uint32_t c)
{
    if (c < 0x80)
        return c - 'a' < 26 ? c - 32 : c;
    size_t low = 0, high = sizeof(folds) / sizeof(*folds);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (folds[mid].last < c)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == sizeof(folds) / sizeof(*folds) || c < folds[low].first ||
        (c - folds[low].first) % (uint32_t)folds[low].stride)
        return c;
    return (uint32_t)((int32_t)c + folds[low].delta);
}

/* The character at *at, which moves past it. What is no UTF-8 is taken byte by byte, above all
 * characters. */
static uint32_t
next_char(struct act_str s, size_t *at)
{
    unsigned char c = (unsigned char)s.ptr[*at];
    if (c < 0x80) {
        ++*at;
        return c;
    }
    size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (len > s.len - *at || !act_utf8_valid(act_str_n(s.ptr + *at, len))) {
        ++*at;
        return 0x110000u + c;
    }
    uint32_t code = c & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)s.ptr[*at + i] & 0x3Fu);
    *at += len;
    return code;
}

int
act_text_compare(struct act_str a, struct act_str b)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        uint32_t x = upper(next_char(a, &i)), y = upper(next_char(b, &j));
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (i < a.len) - (j < b.len);
}

void
act_text_fold(struct act_buf *out, struct act_str s)
{
    act_buf_reserve(out, s.len);
    for (size_t i = 0; i < s.len;) {
        size_t begin = i;
        uint32_t c = next_char(s, &i), folded = upper(c);
        char bytes[4];
        if (folded < 0x80)
            act_buf_add_byte(out, (char)folded);
        else if (folded == c)
            act_buf_add(out, s.ptr + begin, i - begin);
        else
            act_buf_add(out, bytes, act_utf8_encode(bytes, folded));
    }
}

bool
act_text_starts(struct act_str s, struct act_str prefix)
{
    size_t i = 0, j = 0;
    while (i < s.len && j < prefix.len)
        if (upper(next_char(s, &i)) != upper(next_char(prefix, &j)))
            return false;
    return j == prefix.len;
}

/* Case maps one character to one, so the tail of s has as many characters as the suffix. */
bool
act_text_ends(struct act_str s, struct act_str suffix)
{
    size_t at = s.len;
    for (size_t i = 0; i < suffix.len; next_char(suffix, &i)) {
        if (at == 0)
            return false;
        at--;
        while (at > 0 && ((unsigned char)s.ptr[at] & 0xC0) == 0x80)
            at--;
    }
    return act_text_compare(act_str_n(s.ptr + at, s.len - at), suffix) == 0;
}

/* Goes through s in pieces, so that no second copy of a large text is made. */
bool
act_text_contains(struct act_str s, struct act_str needle)
{
    enum { PIECE = 65536 };
    struct act_buf wanted = {0}, seen = {0};
    act_text_fold(&wanted, needle);
    bool found = needle.len == 0;
    while (s.len && !found) {
        size_t len = s.len < PIECE ? s.len : PIECE;
        while (len < s.len && len > PIECE - 4 && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
            len--;
        act_text_fold(&seen, act_str_n(s.ptr, len));
        found = act_str_find(act_buf_str(&seen), act_buf_str(&wanted)) >= 0;
        size_t keep = seen.len < wanted.len ? seen.len : wanted.len - 1;
        memmove(seen.ptr, seen.ptr + (seen.len - keep), keep);
        seen.len = keep;
        s.ptr += len;
        s.len -= len;
    }
    act_buf_fini(&wanted);
    act_buf_fini(&seen);
    return found;
}

void
act_text_of(struct act_buf *out, const struct act_value *v)
{
    if (act_value_type(v) == ACT_LIST)
        act_buf_add_cstr(out, "Array");
    else if (act_value_type(v) == ACT_MAP)
        act_buf_add_cstr(out, "Object");
    else
        act_value_text(out, v);
}

bool
act_expr_truthy(const struct act_value *v)
{
    struct act_value *loaded = NULL;
    if (act_value_type(v) == ACT_REF) {
        if (act_value_resolve(v, &loaded, NULL) != ACT_OK)
            return true;
        v = loaded;
    }
    bool truthy = true;
    struct act_num n;
    switch (act_value_type(v)) {
    case ACT_NULL: truthy = false; break;
    case ACT_BOOL: truthy = act_value_as_bool(v); break;
    case ACT_INT:
    case ACT_REAL:
    case ACT_DIGITS:
        n = act_num_of(v);
        truthy = !act_num_is_nan(n) && (n.exact ? n.i != 0 : n.d != 0);
        break;
    case ACT_STRING: truthy = act_value_as_str(v).len > 0; break;
    case ACT_LIST:
    case ACT_MAP:
    case ACT_REF: break;
    }
    act_value_release(loaded);
    return truthy;
}
