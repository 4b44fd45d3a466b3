/* A small JSON reader and writer for plugins, in one header and on nothing but libc. Use another one if
 * you like: a plugin is handed and hands over text.
 *
 * READING. A struct actant_json is a value inside a text that is well-formed (arguments are): nothing is
 * copied or allocated until a string is asked for. The text must outlive it.
 *
 *     struct actant_json args = actant_json_from(text, length);
 *     char *path = actant_json_text(actant_json_get(args, "path"), "");    // free() it
 *     int64_t level = actant_json_integer(actant_json_get(args, "level"), 3);
 *
 * WRITING. A struct actant_json_out grows by itself; commas are put where they belong.
 *
 *     struct actant_json_out out = {0};
 *     actant_json_open(&out, '{');
 *     actant_json_key(&out, "bytes");
 *     actant_json_put_integer(&out, 42);
 *     actant_json_close(&out, '}');
 *     if (!out.failed) actant_call_result(call, out.text, out.length);
 *     free(out.text);
 *
 * C11 and C++11; every function is static inline; no state. */
#ifndef ACTANT_JSON_H
#define ACTANT_JSON_H

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading ----------------------------------------------------------------------------------- */

struct actant_json {
    const char *at, *end; /* from the value's first byte to the end of the text; at NULL: nothing */
};

static inline const char *
actant_json_skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

static inline struct actant_json
actant_json_from(const char *text, size_t length)
{
    struct actant_json json = {actant_json_skip_blanks(text, text + length), text + length};
    if (json.at == json.end)
        json.at = NULL;
    return json;
}

/* '{', '[', '"', '0' for a number, 't', 'f', 'n' for null, 0 for nothing. */
static inline char
actant_json_type(struct actant_json json)
{
    if (!json.at)
        return 0;
    return *json.at == '-' || (*json.at >= '0' && *json.at <= '9') ? '0' : *json.at;
}

/* Behind a string that begins at `at`. */
static inline const char *
actant_json_skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : end;
}

/* Behind the value that begins at `at`. */
static inline const char *
actant_json_skip(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = actant_json_skip_string(at, end);
        } else {
            int closes = *at == '}' || *at == ']';
            if (closes && depth == 0)
                return at;
            if (depth == 0 &&
                (*at == ',' || *at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
                return at;
            depth = *at == '{' || *at == '[' ? depth + 1 : closes ? depth - 1 : depth;
            at++;
            if (!closes)
                continue;
        }
        if (depth == 0)
            return at;
    }
    return end;
}

/* The members of an object or array, one after another: begin with {0}. Returns 0 after the last. */
struct actant_json_member {
    struct actant_json key, value; /* key: of an object */
    const char *next;
};
static inline int
actant_json_next(struct actant_json json, struct actant_json_member *member)
{
    char type = actant_json_type(json);
    const char *at = member->next;
    if (type != '{' && type != '[')
        return 0;
    at = actant_json_skip_blanks(at ? at : json.at + 1, json.end);
    if (at < json.end && *at == ',')
        at = actant_json_skip_blanks(at + 1, json.end);
    if (at >= json.end || *at == '}' || *at == ']')
        return 0;
    if (type == '{') {
        member->key.at = at;
        member->key.end = json.end;
        at = actant_json_skip_blanks(actant_json_skip_string(at, json.end), json.end);
        if (at < json.end && *at == ':')
            at = actant_json_skip_blanks(at + 1, json.end);
    }
    member->value.at = at < json.end ? at : NULL;
    member->value.end = json.end;
    member->next = actant_json_skip(at, json.end);
    return member->value.at != NULL;
}

/* The value of a boolean. */
static inline int
actant_json_boolean(struct actant_json json, int otherwise)
{
    char type = actant_json_type(json);
    return type == 't' || (type != 'f' && otherwise);
}

static inline double
actant_json_number(struct actant_json json, double otherwise)
{
    char digits[64];
    size_t length = 0;
    if (actant_json_type(json) != '0')
        return otherwise;
    while (json.at + length < json.end && length + 1 < sizeof(digits) &&
           strchr("+-.0123456789eE", json.at[length]) && json.at[length])
        length++;
    memcpy(digits, json.at, length);
    digits[length] = '\0';
    return strtod(digits, NULL);
}

/* A number without fraction or exponent, exact; others are cut to what fits. */
static inline int64_t
actant_json_integer(struct actant_json json, int64_t otherwise)
{
    uint64_t value = 0;
    if (actant_json_type(json) != '0')
        return otherwise;
    int negative = *json.at == '-';
    const char *at = json.at + negative;
    for (; at < json.end && *at >= '0' && *at <= '9'; at++) {
        if (value > (uint64_t)INT64_MAX / 10)
            return negative ? INT64_MIN : INT64_MAX;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    if (at < json.end && (*at == '.' || *at == 'e' || *at == 'E')) {
        double real = actant_json_number(json, 0);
        return real >= 9.2e18 ? INT64_MAX : real <= -9.2e18 ? INT64_MIN : (int64_t)real;
    }
    if (value > (uint64_t)INT64_MAX)
        return negative ? INT64_MIN : INT64_MAX;
    return negative ? -(int64_t)value : (int64_t)value;
}

static inline uint32_t
actant_json_hex(const char *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        uint32_t digit =
            c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a') + 10;
        value = value * 16 + (digit & 15);
    }
    return value;
}

static inline char *
actant_json_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

/* What \u at `at` (behind the u) says, with the other half of a pair; *used: how many bytes it took. Half a
 * pair alone is U+FFFD. */
static inline uint32_t
actant_json_unicode(const char *at, const char *end, size_t *used)
{
    uint32_t c = end - at >= 4 ? actant_json_hex(at) : 0xFFFD;
    *used = end - at >= 4 ? 4 : (size_t)(end - at);
    if (c >= 0xD800 && c < 0xDC00 && end - at >= 10 && at[4] == '\\' && at[5] == 'u') {
        uint32_t low = actant_json_hex(at + 6);
        if (low >= 0xDC00 && low < 0xE000) {
            *used = 10;
            return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return c >= 0xD800 && c < 0xE000 ? 0xFFFD : c;
}

/* A string, decoded and NUL-terminated, to be freed; *length (may be NULL) without the NUL. Of nothing and
 * of null: a copy of otherwise, NULL if that is NULL. Of another value: its JSON text. NULL, too, when
 * memory is short. */
static inline char *
actant_json_bytes(struct actant_json json, const char *otherwise, size_t *length)
{
    char type = actant_json_type(json);
    const char *from = json.at, *end;
    size_t room;
    if (type == 0 || type == 'n') {
        from = otherwise;
        end = otherwise ? otherwise + strlen(otherwise) : NULL;
    } else {
        end = actant_json_skip(json.at, json.end);
    }
    if (!from)
        return NULL;
    room = (size_t)(end - from);
    char *text = (char *)malloc(room + 1), *to = text;
    if (!text)
        return NULL;
    if (type != '"') {
        memcpy(text, from, room);
        to += room;
    } else {
        for (from++, end--; from < end; from++) {
            if (*from != '\\' || from + 1 >= end) {
                *to++ = *from;
                continue;
            }
            static const char plain[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
            const char *which = strchr(plain, *++from);
            size_t used = 0;
            if (*from == 'u')
                to = actant_json_utf8(to, actant_json_unicode(from + 1, end, &used));
            else
                *to++ = which ? means[which - plain] : *from;
            from += used;
        }
    }
    *to = '\0';
    if (length)
        *length = (size_t)(to - text);
    return text;
}

static inline char *
actant_json_text(struct actant_json json, const char *otherwise)
{
    return actant_json_bytes(json, otherwise, NULL);
}

/* Is it this string? */
static inline int
actant_json_is(struct actant_json json, const char *text)
{
    size_t length = 0;
    int is = 0;
    if (actant_json_type(json) != '"')
        return 0;
    char *own = actant_json_bytes(json, NULL, &length);
    if (own)
        is = length == strlen(text) && memcmp(own, text, length) == 0;
    free(own);
    return is;
}

/* A member of an object; nothing if it has none of that name. */
static inline struct actant_json
actant_json_get(struct actant_json json, const char *name)
{
    struct actant_json_member member = {{NULL, NULL}, {NULL, NULL}, NULL};
    struct actant_json found = {NULL, NULL};
    while (actant_json_type(json) == '{' && actant_json_next(json, &member))
        if (actant_json_is(member.key, name))
            found = member.value; /* of equal names the last one counts */
    return found;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Zero it to begin; free(text) at the end. text is NUL-terminated once something was written. */
struct actant_json_out {
    char *text;
    size_t length, room;
    int failed; /* memory is short: what was written since is lost */
    int comma;  /* one goes before the next value */
};

static inline void
actant_json_add(struct actant_json_out *out, const char *bytes, size_t length)
{
    if (out->failed)
        return;
    if (out->room - out->length <= length) {
        size_t room = out->room * 2 + length + 64;
        char *text = (char *)realloc(out->text, room);
        if (!text) {
            out->failed = 1;
            return;
        }
        out->text = text;
        out->room = room;
    }
    memcpy(out->text + out->length, bytes, length);
    out->length += length;
    out->text[out->length] = '\0';
}

/* Before each value. */
static inline void
actant_json_begin(struct actant_json_out *out)
{
    if (out->comma)
        actant_json_add(out, ",", 1);
    out->comma = 1;
}

static inline void
actant_json_open(struct actant_json_out *out, char bracket) /* '{' or '[' */
{
    actant_json_begin(out);
    actant_json_add(out, &bracket, 1);
    out->comma = 0;
}

static inline void
actant_json_close(struct actant_json_out *out, char bracket) /* '}' or ']' */
{
    actant_json_add(out, &bracket, 1);
    out->comma = 1;
}

/* A value that is JSON already. */
static inline void
actant_json_put(struct actant_json_out *out, const char *json, size_t length)
{
    actant_json_begin(out);
    actant_json_add(out, json, length);
}

/* How long the character at `at` is; 0 if it is no UTF-8. */
static inline size_t
actant_json_character(const unsigned char *at, size_t left)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    if (length == 1)
        return 1;
    if (at[0] < 0xC2 || at[0] > 0xF4 || length > left)
        return 0;
    if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
        (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F))
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

/* What is not UTF-8 becomes U+FFFD. */
static inline void
actant_json_put_bytes(struct actant_json_out *out, const char *bytes, size_t length)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    char escape[8];
    size_t from = 0, at = 0;
    actant_json_begin(out);
    actant_json_add(out, "\"", 1);
    while (at < length) {
        const unsigned char *here = (const unsigned char *)bytes + at;
        size_t whole = actant_json_character(here, length - at);
        if (whole > 1 || (whole == 1 && *here >= 0x20 && *here != '"' && *here != '\\')) {
            at += whole;
            continue;
        }
        actant_json_add(out, bytes + from, at - from);
        const char *which = *here ? strchr(plain, (char)*here) : NULL;
        int written = 0;
        if (whole == 0)
            actant_json_add(out, "\xEF\xBF\xBD", 3);
        else if (which)
            written = snprintf(escape, sizeof(escape), "\\%c", letters[which - plain]);
        else
            written = snprintf(escape, sizeof(escape), "\\u%04x", *here);
        actant_json_add(out, escape, (size_t)written);
        from = ++at;
    }
    actant_json_add(out, bytes + from, length - from);
    actant_json_add(out, "\"", 1);
}

static inline void
actant_json_put_text(struct actant_json_out *out, const char *text) /* NULL: null */
{
    if (text)
        actant_json_put_bytes(out, text, strlen(text));
    else
        actant_json_put(out, "null", 4);
}

static inline void
actant_json_put_integer(struct actant_json_out *out, int64_t value)
{
    char digits[32];
    actant_json_put(out, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value));
}

static inline void
actant_json_put_number(struct actant_json_out *out, double value) /* not finite: null */
{
    char digits[40];
    if (isfinite(value))
        actant_json_put(out, digits, (size_t)snprintf(digits, sizeof(digits), "%.17g", value));
    else
        actant_json_put(out, "null", 4);
}

static inline void
actant_json_put_boolean(struct actant_json_out *out, int value)
{
    actant_json_put(out, value ? "true" : "false", value ? 4 : 5);
}

static inline void
actant_json_key(struct actant_json_out *out, const char *name)
{
    actant_json_put_text(out, name);
    actant_json_add(out, ":", 1);
    out->comma = 0;
}

#ifdef __cplusplus
}
#endif

#endif
