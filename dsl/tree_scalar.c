/* Plain scalars by YAML 1.2's core schema (10.3.2 of the specification), less what would surprise. */
#include "dsl/reader.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_one_of(struct act_str text, const char *const *words)
{
    for (; *words; words++)
        if (act_str_is(text, *words))
            return true;
    return false;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool
is_decimal(struct act_str s)
{
    size_t i = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+'), digits = 0, exponent = 0;
    for (; i < s.len && is_digit(s.ptr[i]); i++)
        digits++;
    if (i < s.len && s.ptr[i] == '.') {
        size_t whole = digits;
        for (i++; i < s.len && is_digit(s.ptr[i]); i++)
            digits++;
        if (whole == 0 && digits == 0)
            return false;
    }
    if (digits == 0)
        return false;
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        i += i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+');
        for (; i < s.len && is_digit(s.ptr[i]); i++)
            exponent++;
        if (exponent == 0)
            return false;
    }
    return i == s.len;
}

/* 0o17 and 0x1F; *ret_base 8 or 16 and the digits in *ret_digits. */
static bool
is_based(struct act_str s, unsigned *ret_base, struct act_str *ret_digits)
{
    if (s.len < 3 || s.ptr[0] != '0' || (s.ptr[1] != 'o' && s.ptr[1] != 'x'))
        return false;
    bool hex = s.ptr[1] == 'x';
    for (size_t i = 2; i < s.len; i++) {
        char c = s.ptr[i];
        bool digit = hex ? is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')
                         : c >= '0' && c <= '7';
        if (!digit)
            return false;
    }
    *ret_base = hex ? 16 : 8;
    *ret_digits = act_str_n(s.ptr + 2, s.len - 2);
    return true;
}

static bool
based_value(struct act_str s, int64_t *ret)
{
    unsigned base = 0;
    struct act_str digits;
    if (!is_based(s, &base, &digits))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10u;
        if (value > ((uint64_t)INT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    *ret = (int64_t)value;
    return true;
}

static enum act_scalar_type
classify_number(struct act_str text, const char **doubt)
{
    static const char *const infinities[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                             "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
                                             ".NaN",  ".NAN",  NULL};
    unsigned base = 0;
    struct act_str digits;
    int64_t value = 0;
    if (is_based(text, &base, &digits)) {
        if (based_value(text, &value))
            return ACT_SCALAR_NUMBER;
        *doubt = "does not fit into 64 bits";
        return ACT_SCALAR_STRING;
    }
    if (is_one_of(text, infinities)) {
        *doubt = "is no number that JSON has";
        return ACT_SCALAR_STRING;
    }
    if (!is_decimal(text))
        return ACT_SCALAR_STRING;
    size_t first = text.ptr[0] == '-' || text.ptr[0] == '+';
    if (text.ptr[first] == '0' && first + 1 < text.len && is_digit(text.ptr[first + 1])) {
        *doubt = "is doubtful: octal to some programs, decimal to others";
        return ACT_SCALAR_STRING;
    }
    return ACT_SCALAR_NUMBER;
}

enum act_scalar_type
act_scalar_classify(struct act_str text, const char **doubt)
{
    static const char *const nulls[] = {"~", "null", "Null", "NULL", NULL};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};
    if (text.len == 0)
        return ACT_SCALAR_NULL;
    switch (text.ptr[0]) { /* most scalars are commands and names */
    case '~':
    case 'n':
    case 'N': return is_one_of(text, nulls) ? ACT_SCALAR_NULL : ACT_SCALAR_STRING;
    case 't':
    case 'T':
    case 'f':
    case 'F': return is_one_of(text, bools) ? ACT_SCALAR_BOOL : ACT_SCALAR_STRING;
    default:
        if (is_digit(text.ptr[0]) || strchr("+-.", text.ptr[0]))
            return classify_number(text, doubt);
        return ACT_SCALAR_STRING;
    }
}

struct act_value *
act_tree_scalar_value(const struct act_tree *scalar)
{
    int64_t value = 0;
    switch (scalar->scalar) {
    case ACT_SCALAR_NULL: return act_value_null();
    case ACT_SCALAR_BOOL: return act_value_bool((scalar->text.ptr[0] | 0x20) == 't');
    case ACT_SCALAR_NUMBER:
        if (based_value(scalar->text, &value))
            return act_value_int(value);
        return act_value_number(scalar->text);
    case ACT_SCALAR_STRING: break;
    }
    return act_value_string(scalar->text);
}
