#include "base/json_scan.h"

enum state {
    VALUE,     /* a value must come */
    FIRST,     /* in a list: a value or its end */
    FIRST_KEY, /* in a mapping: a key or its end */
    NEXT_KEY,
    COLON,
    AFTER, /* a value ended: a comma, an end, or nothing more at the top */
    STRING,
    ESCAPE,
    UNICODE,
    WORD,
    MINUS,
    ZERO,
    INTEGER,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
};

static bool
in_map(const struct act_json_scan *s)
{
    uint32_t at = s->depth - 1;
    return s->depth > 0 && (s->maps[at / 8] >> (at % 8) & 1);
}

static bool
open_level(struct act_json_scan *s, bool map)
{
    if (s->depth == ACT_JSON_SCAN_DEPTH_MAX)
        return false;
    uint8_t bit = (uint8_t)(1u << (s->depth % 8));
    uint8_t *byte = &s->maps[s->depth / 8];
    *byte = (uint8_t)(map ? *byte | bit : *byte & ~bit);
    s->depth++;
    s->state = map ? FIRST_KEY : FIRST;
    return true;
}

static bool
close_level(struct act_json_scan *s, bool map)
{
    if (s->depth == 0 || in_map(s) != map)
        return false;
    s->depth--;
    s->state = AFTER;
    return true;
}

static bool
begin_word(struct act_json_scan *s, const char *rest)
{
    s->word = rest;
    s->state = WORD;
    return true;
}

static bool
begin_value(struct act_json_scan *s, unsigned char c)
{
    s->key = false;
    switch (c) {
    case '{': return open_level(s, true);
    case '[': return open_level(s, false);
    case '"': s->state = STRING; return true;
    case 't': return begin_word(s, "rue");
    case 'f': return begin_word(s, "alse");
    case 'n': return begin_word(s, "ull");
    case '-': s->state = MINUS; return true;
    case '0': s->state = ZERO; return true;
    default: s->state = INTEGER; return c >= '1' && c <= '9';
    }
}

static bool
after(struct act_json_scan *s, unsigned char c)
{
    if (c == '}' || c == ']')
        return close_level(s, c == '}');
    s->state = in_map(s) ? NEXT_KEY : VALUE;
    return c == ',' && s->depth > 0;
}

/* The first byte of a character of several: how its second is bounded. */
static bool
begin_character(struct act_json_scan *s, unsigned char c)
{
    s->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    s->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    s->more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    return c >= 0xC2 && c <= 0xF4;
}

static bool
in_string(struct act_json_scan *s, unsigned char c)
{
    if (s->more) {
        bool fits = c >= s->low && c <= s->high;
        s->low = 0x80;
        s->high = 0xBF;
        s->more--;
        return fits;
    }
    if (c >= 0x80)
        return begin_character(s, c);
    if (c == '"')
        s->state = s->key ? COLON : AFTER;
    else if (c == '\\')
        s->state = ESCAPE;
    return c >= 0x20;
}

static bool
escape(struct act_json_scan *s, unsigned char c)
{
    s->state = c == 'u' ? UNICODE : STRING;
    s->digits = 4;
    return c == 'u' || (c && strchr("\"\\/bfnrt", c) != NULL);
}

static bool
is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool
unicode(struct act_json_scan *s, unsigned char c)
{
    if (--s->digits == 0)
        s->state = STRING;
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Where a number goes with c; VALUE: it ends before c. */
static int
number_step(int state, unsigned char c)
{
    bool digit = is_digit(c), exponent = (c | 0x20) == 'e';
    switch (state) {
    case MINUS: return c == '0' ? ZERO : INTEGER;
    case ZERO: return c == '.' ? POINT : exponent ? EXPONENT : VALUE;
    case INTEGER: return digit ? INTEGER : c == '.' ? POINT : exponent ? EXPONENT : VALUE;
    case POINT: return FRACTION;
    case FRACTION: return digit ? FRACTION : exponent ? EXPONENT : VALUE;
    case EXPONENT: return c == '+' || c == '-' ? EXPONENT_SIGN : EXPONENT_DIGITS;
    case EXPONENT_SIGN: return EXPONENT_DIGITS;
    default: return digit ? EXPONENT_DIGITS : VALUE;
    }
}

static bool
in_word(struct act_json_scan *s, unsigned char c)
{
    bool fits = (unsigned char)*s->word == c;
    if (!*++s->word)
        s->state = AFTER;
    return fits;
}

static bool
is_space(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool
step(struct act_json_scan *s, unsigned char c)
{
    if (s->state >= MINUS) {
        bool must = s->state == MINUS || s->state == POINT || s->state == EXPONENT_SIGN;
        int next = number_step(s->state, c);
        if (must && !is_digit(c))
            return false;
        if (s->state == EXPONENT && next == EXPONENT_DIGITS && !is_digit(c))
            return false;
        s->state = next == VALUE ? AFTER : next;
        if (next != VALUE)
            return true;
    }
    switch (s->state) {
    case STRING: return in_string(s, c);
    case ESCAPE: return escape(s, c);
    case UNICODE: return unicode(s, c);
    case WORD: return in_word(s, c);
    default: break;
    }
    if (is_space(c))
        return true;
    if ((s->state == FIRST && c == ']') || (s->state == FIRST_KEY && c == '}'))
        return close_level(s, c == '}');
    switch (s->state) {
    case FIRST_KEY:
    case NEXT_KEY:
        s->state = STRING;
        s->key = true;
        return c == '"';
    case COLON: s->state = VALUE; return c == ':';
    case AFTER: return after(s, c);
    default: return begin_value(s, c);
    }
}

bool
act_json_scan_feed(struct act_json_scan *s, struct act_str piece)
{
    for (size_t i = 0; i < piece.len; i++, s->offset++) {
        unsigned char c = (unsigned char)piece.ptr[i];
        if (s->state == STRING && !s->more && c >= 0x20 && c < 0x80 && c != '"' && c != '\\')
            continue;
        if (!step(s, c))
            return false;
    }
    return true;
}

bool
act_json_scan_finish(struct act_json_scan *s)
{
    bool number = s->state == ZERO || s->state == INTEGER || s->state == FRACTION ||
                  s->state == EXPONENT_DIGITS;
    return s->depth == 0 && (number || s->state == AFTER);
}
