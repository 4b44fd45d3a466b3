#include "dsl/plan.h"

#include <inttypes.h>
#include <math.h>

#define MS_PER_DAY INT64_C(86400000)
#define DURATION_MAX_MS (INT64_C(36525) * MS_PER_DAY) /* 100 years */

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", MS_PER_DAY}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static enum act_err
duration_error(struct act_error *err, struct act_str text)
{
    enum act_err code = act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no duration",
                                      (int)(text.len > 60 ? 60 : text.len), text.ptr);
    act_error_hint(err, "write a number and a unit, the largest first: 250ms, 90s, 1h30m, 2d");
    return code;
}

/* Digits with at most one point; the number in thousandths of a millionth is enough for a day in ms. */
static bool
read_number(struct act_str text, size_t *at, double *ret)
{
    double v = 0, scale = 0;
    size_t begin = *at, digits = 0;
    for (; *at < text.len; ++*at) {
        char c = text.ptr[*at];
        if (c == '.' && scale == 0 && digits > 0) {
            scale = 1;
        } else if (c >= '0' && c <= '9') {
            v = v * 10 + (c - '0');
            scale *= 10;
            digits++;
        } else {
            break;
        }
    }
    *ret = scale > 0 ? v / scale : v;
    return digits > 0 && digits < 18 && text.ptr[*at - 1] != '.' && *at > begin;
}

static bool
read_unit(struct act_str text, size_t *at, size_t *ret)
{
    size_t begin = *at;
    while (*at < text.len && text.ptr[*at] >= 'a' && text.ptr[*at] <= 'z')
        ++*at;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (act_str_is(act_str_n(text.ptr + begin, *at - begin), units[i].name)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

enum act_err
act_duration_parse(struct act_str text, int64_t *ret_ms, struct act_error *err)
{
    double total = 0;
    size_t at = 0, next = 0;
    if (act_str_is(text, "0")) {
        *ret_ms = 0;
        return ACT_OK;
    }
    while (at < text.len) {
        double n;
        size_t unit;
        if (!read_number(text, &at, &n) || !read_unit(text, &at, &unit) || unit < next)
            return duration_error(err, text);
        next = unit + 1;
        total += n * (double)units[unit].ms;
    }
    if (text.len == 0)
        return duration_error(err, text);
    /* A hair is added so that 0.1s, which no double holds, is 100 ms and not 99. */
    total = floor(total + 1e-6);
    if (total > (double)DURATION_MAX_MS) {
        act_error_set(err, ACT_ERR_INVALID, "the duration '%.*s' is over 100 years",
                      (int)(text.len > 60 ? 60 : text.len), text.ptr);
        act_error_hint(err, "the longest is 36525d");
        return ACT_ERR_INVALID;
    }
    *ret_ms = (int64_t)total;
    return ACT_OK;
}

enum act_err
act_duration_from_value(const struct act_value *v, int64_t *ret_ms, struct act_error *err)
{
    int64_t ms;
    if (act_value_type(v) == ACT_STRING)
        return act_duration_parse(act_value_as_str(v), ret_ms, err);
    if (act_value_to_int(v, &ms) && ms >= 0 && ms <= DURATION_MAX_MS) {
        *ret_ms = ms;
        return ACT_OK;
    }
    struct act_buf text = {0};
    act_value_text(&text, v);
    enum act_err code = duration_error(err, act_buf_str(&text));
    act_buf_fini(&text);
    return code;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back (H. Hinnant). */
static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void
civil_from_days(int64_t z, int64_t *y, int64_t *m, int64_t *d)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = yoe + era * 400 + (*m <= 2);
}

static int64_t
days_in_month(int64_t y, int64_t m)
{
    return m == 12 ? 31 : days_from_civil(y, m + 1, 1) - days_from_civil(y, m, 1);
}

struct cursor {
    struct act_str text;
    size_t at;
    bool failed;
};

static int64_t
fixed(struct cursor *c, size_t width, int64_t low, int64_t high)
{
    int64_t v = 0;
    for (size_t i = 0; i < width; i++, c->at++) {
        if (c->at >= c->text.len || c->text.ptr[c->at] < '0' || c->text.ptr[c->at] > '9') {
            c->failed = true;
            return low;
        }
        v = v * 10 + (c->text.ptr[c->at] - '0');
    }
    if (v < low || v > high)
        c->failed = true;
    return v;
}

static char
one_of(struct cursor *c, const char *set)
{
    if (c->at < c->text.len && c->text.ptr[c->at] && strchr(set, c->text.ptr[c->at]))
        return c->text.ptr[c->at++];
    c->failed = true;
    return 0;
}

static int64_t
fraction_ms(struct cursor *c)
{
    int64_t ms = 0, scale = 100;
    if (c->at >= c->text.len || c->text.ptr[c->at] != '.')
        return 0;
    size_t begin = ++c->at;
    for (; c->at < c->text.len && c->text.ptr[c->at] >= '0' && c->text.ptr[c->at] <= '9'; c->at++) {
        ms += (c->text.ptr[c->at] - '0') * scale;
        scale /= 10;
    }
    if (c->at == begin)
        c->failed = true;
    return ms;
}

static int64_t
offset_ms(struct cursor *c)
{
    char sign = one_of(c, "Zz+-");
    if (c->failed || sign == 'Z' || sign == 'z')
        return 0;
    int64_t hours = fixed(c, 2, 0, 23);
    one_of(c, ":");
    int64_t ms = (hours * 60 + fixed(c, 2, 0, 59)) * 60000;
    return sign == '-' ? -ms : ms;
}

enum act_err
act_instant_parse(struct act_str text, int64_t *ret_utc_ms, struct act_error *err)
{
    struct cursor c = {text, 0, false};
    int64_t y = fixed(&c, 4, 0, 9999);
    one_of(&c, "-");
    int64_t m = fixed(&c, 2, 1, 12);
    one_of(&c, "-");
    int64_t d = fixed(&c, 2, 1, 31);
    one_of(&c, "Tt ");
    int64_t hour = fixed(&c, 2, 0, 23);
    one_of(&c, ":");
    int64_t minute = fixed(&c, 2, 0, 59);
    one_of(&c, ":");
    int64_t second = fixed(&c, 2, 0, 60); /* a leap second is the first of the next minute */
    int64_t ms = fraction_ms(&c);
    int64_t offset = offset_ms(&c);
    if (c.failed || c.at != text.len || d > days_in_month(y, m)) {
        enum act_err code = act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no instant",
                                          (int)(text.len > 60 ? 60 : text.len), text.ptr);
        act_error_hint(err, "write a date, a time and an offset: 2026-01-31T08:30:00Z");
        return code;
    }
    int64_t seconds = (hour * 60 + minute) * 60 + second;
    *ret_utc_ms = days_from_civil(y, m, d) * MS_PER_DAY + seconds * 1000 + ms - offset;
    return ACT_OK;
}

void
act_instant_text(struct act_buf *out, int64_t utc_ms)
{
    int64_t y, m, d, days = utc_ms / MS_PER_DAY, rest = utc_ms % MS_PER_DAY;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    civil_from_days(days, &y, &m, &d);
    act_buf_printf(out, "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T", y, m, d);
    act_buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, rest / 3600000, rest / 60000 % 60,
                   rest / 1000 % 60);
    if (rest % 1000)
        act_buf_printf(out, ".%03" PRId64, rest % 1000);
    act_buf_add_byte(out, 'Z');
}
