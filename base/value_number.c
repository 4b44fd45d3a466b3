/* Numbers: their grammar, exact integers, text. */
#include "base/value_internal.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t
digits(struct act_str s, size_t at)
{
    while (at < s.len && is_digit(s.ptr[at]))
        at++;
    return at;
}

/* 0x1F and 0o17, as YAML's core schema has them. */
static size_t
scan_based(struct act_str s)
{
    if (s.len < 3 || s.ptr[0] != '0' || (s.ptr[1] != 'x' && s.ptr[1] != 'o'))
        return 0;
    size_t at = 2;
    for (; at < s.len; at++) {
        char c = s.ptr[at];
        bool ok = s.ptr[1] == 'o' ? c >= '0' && c <= '7'
                                  : is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!ok)
            break;
    }
    return at > 2 ? at : 0;
}

size_t
value_number_scan(struct act_str s, bool json, bool *is_integer)
{
    size_t at = 0;
    *is_integer = false;
    if (!json) {
        size_t based = scan_based(s);
        if (based)
            return based;
    }
    if (at < s.len && (s.ptr[at] == '-' || (!json && s.ptr[at] == '+')))
        at++;
    size_t whole = at;
    at = digits(s, at);
    size_t whole_count = at - whole;
    if (whole_count > 1 && s.ptr[whole] == '0')
        return 0;
    if (whole_count == 0 && (json || at >= s.len || s.ptr[at] != '.'))
        return 0;
    *is_integer = true;
    if (at < s.len && s.ptr[at] == '.') {
        size_t end = digits(s, at + 1);
        size_t count = end - (at + 1);
        if ((json && count == 0) || whole_count + count == 0)
            return 0;
        *is_integer = false;
        at = end;
    }
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        size_t exponent = at + 1;
        if (exponent < s.len && (s.ptr[exponent] == '+' || s.ptr[exponent] == '-'))
            exponent++;
        size_t end = digits(s, exponent);
        if (end == exponent)
            return 0;
        *is_integer = false;
        at = end;
    }
    return at;
}

/* text is an optional '-' and digits. */
static bool
exact_int(struct act_str text, int64_t *ret)
{
    bool minus = text.len && text.ptr[0] == '-';
    size_t at = minus;
    if (text.len - at > 19)
        return false;
    uint64_t u = 0;
    for (; at < text.len; at++)
        u = u * 10 + (uint64_t)(text.ptr[at] - '0');
    if (u > (uint64_t)INT64_MAX + minus)
        return false;
    *ret = !minus ? (int64_t)u : u == 0 ? 0 : -(int64_t)(u - 1) - 1;
    return true;
}

struct act_value *
value_number_from(struct act_str text, bool is_integer)
{
    int64_t i;
    bool canonical =
        is_integer && text.ptr[0] != '+' && !(text.len == 2 && !memcmp(text.ptr, "-0", 2));
    if (canonical && exact_int(text, &i))
        return act_value_int(i);
    struct value_str *v = value_str_new(ACT_DIGITS, text.len);
    memcpy(v->bytes, text.ptr, text.len);
    return &v->head;
}

struct act_value *
act_value_number(struct act_str text)
{
    bool is_integer;
    if (text.len == 0 || value_number_scan(text, false, &is_integer) != text.len)
        return NULL;
    return value_number_from(text, is_integer);
}

static bool
is_based(struct act_str text)
{
    return text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] == 'x' || text.ptr[1] == 'o');
}

/* Of 0x… and 0o…; the nearest double if it is over 64 bits. */
static bool
based_value(struct act_str text, int64_t *exact, double *real)
{
    unsigned base = text.ptr[1] == 'x' ? 16 : 8;
    uint64_t u = 0;
    double d = 0;
    bool fits = true;
    for (size_t i = 2; i < text.len; i++) {
        unsigned c = (unsigned char)text.ptr[i];
        unsigned digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        fits = fits && u <= ((uint64_t)INT64_MAX - digit) / base;
        u = u * base + digit;
        d = d * base + digit;
    }
    *real = d;
    if (fits)
        *exact = (int64_t)u;
    return fits;
}

double
act_value_as_real(const struct act_value *v)
{
    ACT_ASSERT(act_value_is_number(v));
    if (v->type == ACT_INT)
        return (double)((const struct value_int *)(const void *)v)->i;
    if (v->type == ACT_REAL)
        return ((const struct value_real *)(const void *)v)->d;
    struct act_str text = act_value_as_str(v);
    if (is_based(text)) {
        int64_t exact;
        double real;
        return based_value(text, &exact, &real) ? (double)exact : real;
    }
    return strtod(text.ptr, NULL);
}

/* Decimal text that is exactly an int64, such as 1.0, 12e3 or 1500e-2. */
static bool
decimal_to_int(struct act_str text, int64_t *ret)
{
    char kept[20];
    size_t count = 0, at = 0;
    bool minus = text.ptr[0] == '-';
    if (minus || text.ptr[0] == '+')
        at = 1;
    int64_t scale = 0; /* value = kept × 10^(scale + zeros) */
    int64_t zeros = 0; /* zeros seen since the last digit that was kept */
    bool fraction = false;
    for (; at < text.len && (is_digit(text.ptr[at]) || text.ptr[at] == '.'); at++) {
        char c = text.ptr[at];
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (fraction)
            scale--;
        if (c == '0') {
            zeros += count > 0;
            continue;
        }
        for (; zeros > 0; zeros--) {
            if (count == 19)
                return false;
            kept[count++] = '0';
        }
        if (count == 19)
            return false;
        kept[count++] = c;
    }
    if (count == 0) {
        *ret = 0;
        return true;
    }
    int64_t exponent = 0;
    if (at < text.len) {
        bool down = text.ptr[at + 1] == '-';
        for (at += is_digit(text.ptr[at + 1]) ? 1 : 2; at < text.len; at++)
            if (exponent < 1000000000)
                exponent = exponent * 10 + (text.ptr[at] - '0');
        exponent = down ? -exponent : exponent;
    }
    exponent += scale + zeros;
    if (exponent < 0 || exponent + (int64_t)count > 19)
        return false;
    for (; exponent > 0; exponent--)
        kept[count++] = '0';
    char signed_text[21] = "-";
    memcpy(signed_text + minus, kept, count);
    return exact_int(act_str_n(signed_text, count + minus), ret);
}

bool
act_value_to_int(const struct act_value *v, int64_t *ret)
{
    if (v->type == ACT_INT) {
        *ret = ((const struct value_int *)(const void *)v)->i;
        return true;
    }
    if (v->type == ACT_REAL) {
        double d = ((const struct value_real *)(const void *)v)->d;
        if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || (double)(int64_t)d != d)
            return false;
        *ret = (int64_t)d;
        return true;
    }
    if (v->type != ACT_DIGITS)
        return false;
    struct act_str text = act_value_as_str(v);
    double real;
    return is_based(text) ? based_value(text, ret, &real) : decimal_to_int(text, ret);
}

/* ---- text */

static void
add_int(struct act_buf *out, int64_t i)
{
    char text[20];
    size_t at = sizeof(text);
    uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i;
    do
        text[--at] = (char)('0' + u % 10);
    while (u /= 10);
    if (i < 0)
        text[--at] = '-';
    act_buf_add(out, text + at, sizeof(text) - at);
}

/* At most so many digits, or as few as read back as the same double (0), laid out as JavaScript
 * does. */
static void
add_real(struct act_buf *out, double d, int digits_max)
{
    if (!(d - d == 0)) {
        act_buf_add_cstr(out, d != d ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
        return;
    }
    char text[40];
    /* 15 digits are always exact enough to see the shortest, save below the normal range. */
    int precision = digits_max ? digits_max - 1 : d > -DBL_MIN && d < DBL_MIN ? 0 : 14;
    do
        snprintf(text, sizeof(text), "%.*e", precision, d);
    while (!digits_max && strtod(text, NULL) != d && ++precision <= 16);

    char mantissa[24];
    int count = 0;
    const char *p = text;
    bool minus = *p == '-';
    for (p += minus; *p && *p != 'e'; p++)
        if (is_digit(*p))
            mantissa[count++] = *p;
    int point = (int)strtol(p + 1, NULL, 10) + 1; /* the point stands after so many digits */
    while (count > 1 && mantissa[count - 1] == '0')
        count--;

    if (minus)
        act_buf_add_byte(out, '-');
    if (point > 21 || point < -5) {
        act_buf_add_byte(out, mantissa[0]);
        if (count > 1) {
            act_buf_add_byte(out, '.');
            act_buf_add(out, mantissa + 1, (size_t)count - 1);
        }
        act_buf_printf(out, "e%+d", point - 1);
    } else if (point <= 0) {
        act_buf_add(out, "0.", 2);
        act_buf_add(out, "00000", (size_t)-point);
        act_buf_add(out, mantissa, (size_t)count);
    } else if (count <= point) {
        act_buf_add(out, mantissa, (size_t)count);
        act_buf_add(out, "00000000000000000000", (size_t)(point - count));
    } else {
        act_buf_add(out, mantissa, (size_t)point);
        act_buf_add_byte(out, '.');
        act_buf_add(out, mantissa + point, (size_t)(count - point));
    }
}

void
value_number_json(struct act_buf *out, const struct act_value *v)
{
    if (v->type == ACT_INT) {
        add_int(out, ((const struct value_int *)(const void *)v)->i);
        return;
    }
    if (v->type == ACT_REAL) {
        double d = ((const struct value_real *)(const void *)v)->d;
        if (d - d == 0)
            add_real(out, d, 0);
        else
            act_buf_add(out, "null", 4);
        return;
    }
    struct act_str text = act_value_as_str(v);
    if (is_based(text)) {
        int64_t exact;
        double real;
        if (based_value(text, &exact, &real))
            add_int(out, exact);
        else
            add_real(out, real, 0);
        return;
    }
    size_t at = 0;
    if (text.ptr[0] == '+')
        at = 1;
    else if (text.ptr[0] == '-')
        act_buf_add_byte(out, text.ptr[at++]);
    if (text.ptr[at] == '.')
        act_buf_add_byte(out, '0');
    const char *point = memchr(text.ptr + at, '.', text.len - at);
    if (point && !is_digit(point[1])) {
        size_t head = (size_t)(point - text.ptr) + 1;
        act_buf_add(out, text.ptr + at, head - at);
        act_buf_add_byte(out, '0');
        at = head;
    }
    act_buf_add(out, text.ptr + at, text.len - at);
}

void
value_real_text(struct act_buf *out, const struct act_value *v)
{
    add_real(out, ((const struct value_real *)(const void *)v)->d, 15);
}
