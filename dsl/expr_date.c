/* now() and date(): instants in UTC, by the proleptic Gregorian calendar, years 0000 to 9999.
 *
 * now() is text, RFC 3339 with milliseconds: 2026-03-01T09:30:00.000Z. It sorts as text and every
 * tool reads it.
 *
 *   date(instant)            the instant as RFC 3339 in UTC, without milliseconds if they are 0
 *   date(instant, pattern)   as the pattern says
 *   date(pattern)            now as the pattern says (a single argument with a '%' in it)
 *
 * An instant is RFC 3339 text (the time, its seconds and the offset may be absent: UTC then), a
 * number of seconds since 1970 (what %s gives; so `date(now(), '%s') + 3600` is an instant in an
 * hour), or text that looks like one.
 *
 * Patterns are strftime's, with English names: %Y %m %d %H %M %S %y %j %e %I %p %a %A %b %B %u %w
 * %G %V %F %T %s %z %Z %%, and %L, the milliseconds. Any other is an error. */
#include "dsl/expr_internal.h"

#include <math.h>
#include <stdio.h>

#define DAY_MS INT64_C(86400000)
/* 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z */
#define INSTANT_MIN INT64_C(-62167219200000)
#define INSTANT_MAX INT64_C(253402300799999)

struct civil {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second, ms;
    int weekday; /* 0 is Sunday */
    int yearday; /* from 1 */
};

static bool
is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static int
month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last. */
static int64_t
days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct civil
civil_from_ms(int64_t ms)
{
    int64_t days = ms / DAY_MS - (ms % DAY_MS < 0), rest = ms - days * DAY_MS;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct civil c = {0};
    c.day = (int)(of_year - (153 * month + 2) / 5 + 1);
    c.month = (int)(month < 10 ? month + 3 : month - 9);
    c.year = year + era * 400 + (c.month <= 2);
    c.hour = (int)(rest / 3600000);
    c.minute = (int)(rest / 60000 % 60);
    c.second = (int)(rest / 1000 % 60);
    c.ms = (int)(rest % 1000);
    c.weekday = (int)(((days + 4) % 7 + 7) % 7);
    c.yearday = (int)(days - days_from_civil(c.year, 1, 1)) + 1;
    return c;
}

/* ISO 8601's week and the year it belongs to. */
static int
iso_week(const struct civil *c, int64_t *year)
{
    int from_monday = (c->weekday + 6) % 7;
    int week = (c->yearday - 1 - from_monday + 10) / 7;
    *year = c->year;
    if (week < 1) {
        --*year;
        int last = c->yearday + (is_leap(*year) ? 366 : 365);
        return (last - 1 - from_monday + 10) / 7;
    }
    if (week == 53 && (c->yearday - from_monday + 3) > (is_leap(c->year) ? 366 : 365)) {
        ++*year;
        return 1;
    }
    return week;
}

/* ---- reading */

/* Reads count digits at *at. */
static bool
digits(struct act_str s, size_t *at, size_t count, int *ret)
{
    int n = 0;
    if (s.len - *at < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        char c = s.ptr[*at + i];
        if (c < '0' || c > '9')
            return false;
        n = n * 10 + (c - '0');
    }
    *at += count;
    *ret = n;
    return true;
}

static bool
literal(struct act_str s, size_t *at, const char *any)
{
    if (*at == s.len || !s.ptr[*at] || !strchr(any, s.ptr[*at]))
        return false;
    ++*at;
    return true;
}

/* Z, ±hh:mm or ±hhmm, or nothing. */
static bool
read_offset(struct act_str s, size_t *at, int64_t *minutes)
{
    int hours, mins;
    *minutes = 0;
    if (*at == s.len || literal(s, at, "Zz"))
        return true;
    bool west = s.ptr[*at] == '-';
    if (!literal(s, at, "+-") || !digits(s, at, 2, &hours))
        return false;
    (void)literal(s, at, ":");
    if (!digits(s, at, 2, &mins) || hours > 23 || mins > 59)
        return false;
    *minutes = (west ? -1 : 1) * (hours * 60 + mins);
    return true;
}

/* hh:mm[:ss[.fraction]] */
static bool
read_clock(struct act_str s, size_t *at, int64_t *ms)
{
    int hour, minute, second = 0, milli = 0, digit;
    if (!digits(s, at, 2, &hour) || !literal(s, at, ":") || !digits(s, at, 2, &minute))
        return false;
    if (literal(s, at, ":")) {
        if (!digits(s, at, 2, &second))
            return false;
        if (literal(s, at, ".,")) {
            int unit = 100;
            if (!digits(s, at, 1, &digit))
                return false;
            do {
                milli += digit * unit;
                unit /= 10;
            } while (digits(s, at, 1, &digit));
        }
    }
    *ms = ((hour * 60 + minute) * INT64_C(60) + second) * 1000 + milli;
    /* A leap second is the first instant of the next minute, as everywhere. */
    return hour < 24 && minute < 60 && second <= 60;
}

static bool
read_rfc3339(struct act_str s, int64_t *ret)
{
    int year, month, day;
    size_t at = 0;
    int64_t clock = 0, offset = 0;
    if (!digits(s, &at, 4, &year) || !literal(s, &at, "-") || !digits(s, &at, 2, &month) ||
        !literal(s, &at, "-") || !digits(s, &at, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    if (at < s.len && (!literal(s, &at, "Tt ") || !read_clock(s, &at, &clock)))
        return false;
    (void)literal(s, &at, " ");
    if (!read_offset(s, &at, &offset) || at != s.len)
        return false;
    *ret = days_from_civil(year, month, day) * DAY_MS + clock - offset * 60000;
    return true;
}

static bool
read_instant(const struct act_value *v, int64_t *ret)
{
    if (!act_value_is_number(v) && act_value_type(v) != ACT_STRING)
        return false;
    if (act_value_type(v) == ACT_STRING) {
        struct act_str s = act_str_trim(act_value_as_str(v));
        if (s.len == 0)
            return false;
        if (read_rfc3339(s, ret))
            return *ret >= INSTANT_MIN && *ret <= INSTANT_MAX;
    }
    struct act_num n = act_num_of(v);
    double ms = act_num_real(n) * 1000;
    if (!(ms >= (double)INSTANT_MIN && ms <= (double)INSTANT_MAX))
        return false;
    *ret = n.exact ? n.i * 1000 : (int64_t)floor(ms + 0.5);
    return true;
}

/* ---- writing */

static void
add_name(struct act_buf *out, const char *name, bool whole)
{
    act_buf_add(out, name, whole ? strlen(name) : 3);
}

static bool
add_field(struct act_buf *out, char field, const struct civil *c, int64_t ms)
{
    static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                           "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    int64_t iso_year;
    int week = iso_week(c, &iso_year);
    switch (field) {
    case 'Y': act_buf_printf(out, "%04d", (int)c->year); return true;
    case 'y': act_buf_printf(out, "%02d", (int)(c->year % 100)); return true;
    case 'G': act_buf_printf(out, "%04d", (int)iso_year); return true;
    case 'm': act_buf_printf(out, "%02d", c->month); return true;
    case 'd': act_buf_printf(out, "%02d", c->day); return true;
    case 'e': act_buf_printf(out, "%2d", c->day); return true;
    case 'j': act_buf_printf(out, "%03d", c->yearday); return true;
    case 'V': act_buf_printf(out, "%02d", week); return true;
    case 'H': act_buf_printf(out, "%02d", c->hour); return true;
    case 'I': act_buf_printf(out, "%02d", (c->hour + 11) % 12 + 1); return true;
    case 'p': act_buf_add_cstr(out, c->hour < 12 ? "AM" : "PM"); return true;
    case 'M': act_buf_printf(out, "%02d", c->minute); return true;
    case 'S': act_buf_printf(out, "%02d", c->second); return true;
    case 'L': act_buf_printf(out, "%03d", c->ms); return true;
    case 'a': add_name(out, weekdays[c->weekday], false); return true;
    case 'A': add_name(out, weekdays[c->weekday], true); return true;
    case 'b': add_name(out, months[c->month - 1], false); return true;
    case 'B': add_name(out, months[c->month - 1], true); return true;
    case 'u': act_buf_printf(out, "%d", c->weekday ? c->weekday : 7); return true;
    case 'w': act_buf_printf(out, "%d", c->weekday); return true;
    case 'F': act_buf_printf(out, "%04d-%02d-%02d", (int)c->year, c->month, c->day); return true;
    case 'T': act_buf_printf(out, "%02d:%02d:%02d", c->hour, c->minute, c->second); return true;
    case 's': act_buf_printf(out, "%lld", (long long)(ms / 1000 - (ms % 1000 < 0))); return true;
    case 'z': act_buf_add_cstr(out, "+0000"); return true;
    case 'Z': act_buf_add_cstr(out, "UTC"); return true;
    case '%': act_buf_add_byte(out, '%'); return true;
    default: return false;
    }
}

/* 'yyyy-MM-dd' would come out as it is, and nobody means that. */
static bool
is_foreign_pattern(struct act_str pattern)
{
    bool letters = false;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (c == '%')
            return false;
        letters = letters || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    return letters;
}

static enum act_err
write_pattern(struct act_eval *ev, struct act_buf *out, struct act_str pattern, int64_t ms)
{
    struct civil c = civil_from_ms(ms);
    if (is_foreign_pattern(pattern)) {
        act_error_set(ev->err, ACT_ERR_EVAL, "date(): the pattern holds no field of a date");
        act_error_hint(ev->err, "fields begin with %%: '%%Y-%%m-%%d', '%%H:%%M:%%S'");
        return ACT_ERR_EVAL;
    }
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] != '%') {
            act_buf_add_byte(out, pattern.ptr[i]);
            continue;
        }
        char field = i + 1 < pattern.len ? pattern.ptr[i + 1] : '\0';
        if (!add_field(out, field, &c, ms)) {
            act_error_set(ev->err, ACT_ERR_EVAL, "date(): '%%%.*s' is no field of a date",
                          field >= ' ' && field <= '~', &pattern.ptr[i] + 1);
            act_error_hint(ev->err, "%%Y %%m %%d %%H %%M %%S and strftime's others; %%%% is a "
                                    "percent sign");
            return ACT_ERR_EVAL;
        }
        i++;
    }
    return act_eval_bytes(ev, out->len);
}

struct act_value *
act_instant_value(int64_t ms)
{
    struct civil c = civil_from_ms(ms);
    struct act_buf out = {0};
    act_buf_printf(&out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)c.year, c.month, c.day, c.hour,
                   c.minute, c.second, c.ms);
    struct act_value *v = act_value_string(act_buf_str(&out));
    act_buf_fini(&out);
    return v;
}

enum act_err
act_function_date(struct act_eval *ev, struct act_value *const *argv, uint32_t argc,
                  struct act_value **ret)
{
    const struct act_value *instant = argv[0], *pattern = argc > 1 ? argv[1] : NULL;
    char shown[64];
    int64_t ms = ev->env->now_ms;
    if (argc == 1 && act_value_type(instant) == ACT_STRING &&
        act_str_find(act_value_as_str(instant), ACT_STR("%")) >= 0) {
        pattern = instant;
    } else if (!read_instant(instant, &ms)) {
        act_error_set(ev->err, ACT_ERR_EVAL, "date(): %s is no instant",
                      act_eval_show(ev, instant, shown));
        act_error_hint(ev->err, "2026-03-01T09:30:00Z, 2026-03-01, or seconds since 1970");
        return ACT_ERR_EVAL;
    }
    if (pattern && act_value_type(pattern) != ACT_STRING)
        return act_error_set(ev->err, ACT_ERR_EVAL, "date(): %s is no pattern",
                             act_eval_show(ev, pattern, shown));
    struct act_buf out = {0};
    struct act_str form = pattern     ? act_value_as_str(pattern)
                          : ms % 1000 ? ACT_STR("%FT%T.%LZ")
                                      : ACT_STR("%FT%TZ");
    enum act_err code = write_pattern(ev, &out, form, ms);
    if (code == ACT_OK)
        *ret = act_value_string(act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}
