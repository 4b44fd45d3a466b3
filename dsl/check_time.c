/* Cron lines and time zone names: are they any? What they mean is engine/schedule's. */
#include "dsl/lower.h"

#include <stdio.h>

/* ---- cron */

struct cron_field {
    const char *name;
    unsigned low, high;
    const char *words; /* three letters each, from low on */
};
static const struct cron_field fields[5] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of the month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
};

struct cron_reader {
    const struct cron_field *field;
    struct act_str text;
    size_t at;
    char *message;
    bool failed;
};

static void
cron_fail(struct cron_reader *r, const char *what)
{
    if (!r->failed)
        snprintf(r->message, 160, "the %s '%.*s' %s", r->field->name,
                 (int)(r->text.len > 40 ? 40 : r->text.len), r->text.ptr, what);
    r->failed = true;
}

static bool
next_is(struct cron_reader *r, char c)
{
    if (r->at >= r->text.len || r->text.ptr[r->at] != c)
        return false;
    r->at++;
    return true;
}

static bool
cron_word(struct cron_reader *r, unsigned *ret)
{
    char word[4] = {0};
    if (r->text.len - r->at < 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        word[i] = (char)(r->text.ptr[r->at + i] | 32);
    for (const char *w = r->field->words; *w; w += 3) {
        if (memcmp(w, word, 3) != 0)
            continue;
        *ret = r->field->low + (unsigned)(w - r->field->words) / 3;
        r->at += 3;
        return true;
    }
    return false;
}

static unsigned
cron_number(struct cron_reader *r, unsigned low, unsigned high)
{
    unsigned v = 0;
    size_t begin = r->at;
    if (cron_word(r, &v))
        return v;
    while (r->at < r->text.len && r->text.ptr[r->at] >= '0' && r->text.ptr[r->at] <= '9' &&
           v < 1000)
        v = v * 10 + (unsigned)(r->text.ptr[r->at++] - '0');
    if (r->at == begin)
        cron_fail(r, "is no number");
    else if (v < low || v > high)
        cron_fail(r, "is out of range");
    return v;
}

/* `*`, `5`, `1-5`, each with `/step`; several with commas. */
static void
cron_field(struct cron_reader *r)
{
    do {
        if (!next_is(r, '*')) {
            unsigned from = cron_number(r, r->field->low, r->field->high);
            if (next_is(r, '-') && cron_number(r, r->field->low, r->field->high) < from)
                cron_fail(r, "ends before it begins");
        }
        if (next_is(r, '/'))
            cron_number(r, 1, r->field->high);
    } while (!r->failed && next_is(r, ','));
    if (r->at != r->text.len)
        cron_fail(r, "has something in it that does not belong there");
}

static bool
is_macro(struct act_str line)
{
    static const char *const macros[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                         "@daily",  "@midnight", "@hourly"};
    for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
        if (act_str_is(line, macros[i]))
            return true;
    return false;
}

bool
act_check_cron(struct act_str line, char ret_message[160])
{
    unsigned count = 0;
    line = act_str_trim(line);
    if (is_macro(line))
        return true;
    for (size_t at = 0; at < line.len;) {
        size_t begin = at;
        while (at < line.len && line.ptr[at] != ' ' && line.ptr[at] != '\t')
            at++;
        if (count < 5) {
            struct cron_reader r = {
                &fields[count], {line.ptr + begin, at - begin}, 0, ret_message, false};
            cron_field(&r);
            if (r.failed)
                return false;
        }
        count++;
        while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
            at++;
    }
    if (count == 5)
        return true;
    snprintf(ret_message, 160, "a cron line has five fields, not %u", count);
    return false;
}

/* ---- zones */

static const struct act_str zones[] = {
#define ACT_ZONE(name) {name, sizeof(name) - 1},
#include "dsl/check_zones.def"
#undef ACT_ZONE
};
#define ZONE_COUNT ((uint32_t)(sizeof(zones) / sizeof(zones[0])))

bool
act_check_zone(struct act_str zone)
{
    uint32_t low = 0, high = ZONE_COUNT;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = act_str_cmp(zone, zones[middle]);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

struct act_str
act_nearest_zone(struct act_str zone)
{
    for (uint32_t i = 0; i < ZONE_COUNT; i++) { /* "berlin" */
        ptrdiff_t slash = act_str_find(zones[i], ACT_STR("/"));
        struct act_str city =
            act_str_n(zones[i].ptr + slash + 1, zones[i].len - (size_t)(slash + 1));
        if (act_str_ieq(zone, zones[i]) || act_str_ieq(zone, city))
            return zones[i];
    }
    return act_nearest(zone, zones, ZONE_COUNT);
}
