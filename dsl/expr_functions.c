/* The functions. Those that GitHub has do as GitHub's; where those are lenient about a wrong type,
 * the added ones are not. */
#include "dsl/expr_internal.h"

#include "base/assert.h"
#include "dsl/pattern.h"

static const struct act_function_info functions[] = {
#define ACT_FUNCTION(name, id, min, max, signature) {name, min, max, signature},
#include "dsl/expr_functions.def"
#undef ACT_FUNCTION
};

const struct act_function_info *
act_expr_function(uint8_t function)
{
    ACT_ASSERT(function < ACT_FN_COUNT);
    return &functions[function];
}

uint32_t
act_expr_function_count(void)
{
    return ACT_FN_COUNT;
}

/* A call that is being evaluated. */
struct call {
    struct act_eval *ev;
    enum act_function fn;
    struct act_value *const *argv;
    uint32_t argc;
};

static enum act_err
wrong_type(const struct call *c, uint32_t arg, const char *wanted)
{
    char shown[64];
    return act_error_set(c->ev->err, ACT_ERR_EVAL, "%s() takes %s, not %s", functions[c->fn].name,
                         wanted, act_eval_show(c->ev, c->argv[arg], shown));
}

/* An argument as text; backing is to be finished by the caller. Lists and mappings have none. */
static struct act_str
text_of(const struct act_value *v, struct act_buf *backing)
{
    if (act_value_type(v) == ACT_STRING)
        return act_value_as_str(v);
    act_text_of(backing, v);
    return act_buf_str(backing);
}

/* The same for functions that insist on text. */
static enum act_err
text_argument(const struct call *c, uint32_t arg, struct act_str *ret, struct act_buf *backing)
{
    if (!act_is_primitive(c->argv[arg]))
        return wrong_type(c, arg, "text");
    *ret = text_of(c->argv[arg], backing);
    return ACT_OK;
}

/* ---- GitHub's */

static enum act_err
contains_item(const struct call *c, struct act_value **ret)
{
    uint32_t len = act_value_len(c->argv[0]);
    bool found = false;
    for (uint32_t i = 0; i < len && !found; i++) {
        struct act_value *item;
        enum act_err code = act_eval_item(c->ev, act_value_at(c->argv[0], i), &item);
        if (code != ACT_OK)
            return code;
        found = act_values_equal(c->argv[1], item);
        act_value_release(item);
    }
    *ret = act_value_bool(found);
    return ACT_OK;
}

/* contains startsWith endsWith */
static enum act_err
search(const struct call *c, struct act_value **ret)
{
    if (c->fn == ACT_FN_CONTAINS && act_value_type(c->argv[0]) == ACT_LIST)
        return contains_item(c, ret);
    if (!act_is_primitive(c->argv[0]) || !act_is_primitive(c->argv[1])) {
        *ret = act_value_bool(false);
        return ACT_OK;
    }
    struct act_buf backing[2] = {{0}, {0}};
    struct act_str text = text_of(c->argv[0], &backing[0]);
    struct act_str wanted = text_of(c->argv[1], &backing[1]);
    *ret = act_value_bool(c->fn == ACT_FN_CONTAINS      ? act_text_contains(text, wanted)
                          : c->fn == ACT_FN_STARTS_WITH ? act_text_starts(text, wanted)
                                                        : act_text_ends(text, wanted));
    act_buf_fini(&backing[0]);
    act_buf_fini(&backing[1]);
    return ACT_OK;
}

static enum act_err
bad_format(const struct call *c, struct act_str format, const char *why)
{
    (void)format;
    char shown[64];
    act_error_set(c->ev->err, ACT_ERR_EVAL, "format(%s, …): %s",
                  act_eval_show(c->ev, c->argv[0], shown), why);
    act_error_hint(c->ev->err, "places are {0}, {1} …; a brace itself is written twice");
    return ACT_ERR_EVAL;
}

/* At '{' of {N}; *at moves past it. */
static enum act_err
format_place(const struct call *c, struct act_str format, size_t *at, struct act_buf *out)
{
    size_t i = *at + 1;
    uint32_t number = 0;
    while (i < format.len && format.ptr[i] >= '0' && format.ptr[i] <= '9' && number < 1000)
        number = number * 10 + (uint32_t)(format.ptr[i++] - '0');
    if (i == *at + 1 || i == format.len || format.ptr[i] != '}')
        return bad_format(c, format, "a place that is no {number}");
    if (number + 1 >= c->argc)
        return bad_format(c, format, "fewer values than it has places for");
    *at = i + 1;
    return act_eval_text(c->ev, out, c->argv[number + 1], true);
}

static enum act_err
format_into(const struct call *c, struct act_str format, struct act_buf *out)
{
    enum act_err code = act_eval_bytes(c->ev, format.len);
    for (size_t at = 0; at < format.len && code == ACT_OK;) {
        char b = format.ptr[at];
        bool twice = at + 1 < format.len && format.ptr[at + 1] == b;
        if (b != '{' && b != '}') {
            size_t begin = at;
            while (at < format.len && format.ptr[at] != '{' && format.ptr[at] != '}')
                at++;
            act_buf_add(out, format.ptr + begin, at - begin);
        } else if (twice) {
            act_buf_add_byte(out, b);
            at += 2;
        } else if (b == '{') {
            code = format_place(c, format, &at, out);
        } else {
            code = bad_format(c, format, "a closing brace without an opening one");
        }
    }
    return code;
}

static enum act_err
format(const struct call *c, struct act_value **ret)
{
    struct act_buf backing = {0}, out = {0};
    enum act_err code = format_into(c, text_of(c->argv[0], &backing), &out);
    if (code == ACT_OK)
        *ret = act_value_string(act_buf_str(&out));
    act_buf_fini(&backing);
    act_buf_fini(&out);
    return code;
}

static enum act_err
join(const struct call *c, struct act_value **ret)
{
    struct act_buf out = {0}, backing = {0};
    struct act_str between = ACT_STR(",");
    enum act_err code = ACT_OK;
    if (act_is_primitive(c->argv[0]))
        code = act_eval_text(c->ev, &out, c->argv[0], true);
    if (c->argc > 1 && act_is_primitive(c->argv[1]))
        between = text_of(c->argv[1], &backing);
    uint32_t len = act_value_type(c->argv[0]) == ACT_LIST ? act_value_len(c->argv[0]) : 0;
    for (uint32_t i = 0; i < len && code == ACT_OK; i++) {
        if (i) {
            code = act_eval_bytes(c->ev, between.len);
            act_buf_add_str(&out, between);
        }
        if (code == ACT_OK)
            code = act_eval_text(c->ev, &out, act_value_at(c->argv[0], i), true);
    }
    if (code == ACT_OK)
        *ret = act_value_string(act_buf_str(&out));
    act_buf_fini(&out);
    act_buf_fini(&backing);
    return code;
}

static enum act_err
to_json(const struct call *c, struct act_value **ret)
{
    enum act_err code = act_eval_reachable(c->ev, c->argv[0]);
    if (code != ACT_OK)
        return code;
    struct act_buf out = {0};
    act_json_write(&out, c->argv[0], 2);
    code = act_eval_bytes(c->ev, out.len);
    if (code == ACT_OK)
        *ret = act_value_string(act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static enum act_err
from_json(const struct call *c, struct act_value **ret)
{
    struct act_buf backing = {0};
    struct act_str text;
    struct act_error why;
    enum act_err code = text_argument(c, 0, &text, &backing);
    if (code == ACT_OK && act_json_parse(text, 0, ret, &why) != ACT_OK) {
        char shown[64];
        code = act_error_set(c->ev->err, ACT_ERR_EVAL, "fromJSON(%s): %s",
                             act_eval_show(c->ev, c->argv[0], shown), why.message);
    }
    act_buf_fini(&backing);
    return code;
}

static enum act_err
hash_files(const struct call *c, struct act_value **ret)
{
    const struct act_expr_env *env = c->ev->env;
    if (!env->hash_files)
        return act_error_set(c->ev->err, ACT_ERR_EVAL, "hashFiles() has no files here");
    struct act_value *patterns = act_value_list();
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < c->argc && code == ACT_OK; i++) {
        struct act_buf backing = {0};
        struct act_str text;
        code = text_argument(c, i, &text, &backing);
        if (code == ACT_OK)
            act_value_list_add(patterns, act_value_string(text));
        act_buf_fini(&backing);
    }
    if (code == ACT_OK)
        code = env->hash_files(env->self, patterns, ret, c->ev->err);
    act_value_release(patterns);
    return code;
}

/* ---- regular expressions */

/* matches capture replace */
static enum act_err
pattern(const struct call *c, struct act_value **ret)
{
    struct act_buf backing[3] = {{0}, {0}, {0}};
    struct act_str args[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct act_pattern_cache *cache = c->ev->env->patterns;
    enum act_err code = ACT_OK;
    bool matched = false;
    for (uint32_t i = 0; i < c->argc && code == ACT_OK; i++)
        code = text_argument(c, i, &args[i], &backing[i]);
    if (code == ACT_OK && c->fn == ACT_FN_MATCHES) {
        code = act_pattern_search(cache, args[1], args[0], &matched, c->ev->err);
        if (code == ACT_OK)
            *ret = act_value_bool(matched);
    } else if (code == ACT_OK && c->fn == ACT_FN_CAPTURE) {
        code = act_pattern_capture(cache, args[1], args[0], ret, c->ev->err);
    } else if (code == ACT_OK) {
        size_t most = (size_t)(ACT_EXPR_BYTES_MAX - c->ev->bytes);
        code = act_pattern_replace(cache, args[1], args[0], args[2], most, ret, c->ev->err);
        if (code == ACT_OK)
            code = act_eval_bytes(c->ev, act_value_as_str(*ret).len);
    }
    if (code == ACT_ERR_INVALID) { /* the pattern: here it is a value that is wrong */
        code = ACT_ERR_EVAL;
        if (c->ev->err)
            c->ev->err->code = code;
    }
    for (int i = 0; i < 3; i++)
        act_buf_fini(&backing[i]);
    return code;
}

/* ---- lists */

static enum act_err
add_part(const struct call *c, struct act_value *list, struct act_str part)
{
    enum act_err code = act_eval_items(c->ev, 1);
    if (code == ACT_OK)
        code = act_eval_bytes(c->ev, part.len);
    if (code == ACT_OK)
        act_value_list_add(list, act_value_string(part));
    return code;
}

/* Without a separator: the words between blanks, as a shell splits. */
static enum act_err
split_words(const struct call *c, struct act_value *list, struct act_str text)
{
    enum act_err code = ACT_OK;
    size_t at = 0;
    while (code == ACT_OK) {
        while (at < text.len && text.ptr[at] && strchr(" \t\r\n", text.ptr[at]))
            at++;
        size_t begin = at;
        while (at < text.len && !(text.ptr[at] && strchr(" \t\r\n", text.ptr[at])))
            at++;
        if (at == begin)
            break;
        code = add_part(c, list, act_str_n(text.ptr + begin, at - begin));
    }
    return code;
}

static enum act_err
split_at(const struct call *c, struct act_value *list, struct act_str text, struct act_str between)
{
    enum act_err code = ACT_OK;
    for (;;) {
        ptrdiff_t found = act_str_find(text, between);
        size_t len = found < 0 ? text.len : (size_t)found;
        code = add_part(c, list, act_str_n(text.ptr, len));
        if (code != ACT_OK || found < 0)
            return code;
        text.ptr += len + between.len;
        text.len -= len + between.len;
    }
}

static enum act_err
split(const struct call *c, struct act_value **ret)
{
    struct act_buf backing[2] = {{0}, {0}};
    struct act_str args[2] = {{NULL, 0}, {NULL, 0}};
    struct act_value *list = act_value_list();
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < c->argc && code == ACT_OK; i++)
        code = text_argument(c, i, &args[i], &backing[i]);
    if (code == ACT_OK && c->argc == 2 && args[1].len == 0)
        code = act_error_set(c->ev->err, ACT_ERR_EVAL, "split() with an empty separator");
    else if (code == ACT_OK && c->argc == 2)
        code = split_at(c, list, args[0], args[1]);
    else if (code == ACT_OK)
        code = split_words(c, list, args[0]);
    if (code == ACT_OK)
        *ret = list;
    else
        act_value_release(list);
    act_buf_fini(&backing[0]);
    act_buf_fini(&backing[1]);
    return code;
}

static enum act_err
range(const struct call *c, struct act_value **ret)
{
    int64_t bounds[3] = {0, 0, 1};
    for (uint32_t i = 0; i < c->argc; i++) {
        struct act_num n = act_num_of(c->argv[i]);
        if (!n.exact || act_value_type(c->argv[i]) == ACT_NULL)
            return wrong_type(c, i, "whole numbers");
        bounds[c->argc == 1 ? 1 : i] = n.i;
    }
    int64_t begin = bounds[0], end = bounds[1], step = bounds[2];
    if (step == 0)
        return act_error_set(c->ev->err, ACT_ERR_EVAL, "range() with a step of 0");
    uint64_t span = step > 0 ? (begin < end ? (uint64_t)end - (uint64_t)begin : 0)
                             : (begin > end ? (uint64_t)begin - (uint64_t)end : 0);
    uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
    uint64_t count = span / stride + (span % stride != 0);
    enum act_err code = act_eval_items(c->ev, count);
    if (code != ACT_OK)
        return code;
    struct act_value *list = act_value_list();
    for (uint64_t i = 0; i < count; i++)
        act_value_list_add(list, act_value_int((int64_t)((uint64_t)begin + i * (uint64_t)step)));
    *ret = list;
    return ACT_OK;
}

/* Of text the characters, of null 0. */
static enum act_err
length(const struct call *c, struct act_value **ret)
{
    const struct act_value *v = c->argv[0];
    int64_t count = 0;
    struct act_str s;
    switch (act_value_type(v)) {
    case ACT_NULL: break;
    case ACT_STRING:
        s = act_value_as_str(v);
        for (size_t i = 0; i < s.len; i++)
            count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
        break;
    case ACT_LIST:
    case ACT_MAP: count = act_value_len(v); break;
    case ACT_BOOL:
    case ACT_INT:
    case ACT_REAL:
    case ACT_DIGITS:
    case ACT_REF: return wrong_type(c, 0, "text, a list or a mapping");
    }
    *ret = act_value_int(count);
    return ACT_OK;
}

static enum act_err
keys_or_values(const struct call *c, struct act_value **ret)
{
    const struct act_value *map = c->argv[0];
    if (act_value_type(map) != ACT_MAP)
        return wrong_type(c, 0, "a mapping");
    uint32_t len = act_value_len(map);
    enum act_err code = act_eval_items(c->ev, len);
    struct act_value *list = act_value_list();
    for (uint32_t i = 0; i < len && code == ACT_OK; i++) {
        struct act_str key = act_value_key(map, i);
        if (c->fn == ACT_FN_KEYS)
            code = act_eval_bytes(c->ev, key.len);
        if (code == ACT_OK)
            act_value_list_add(list, c->fn == ACT_FN_KEYS ? act_value_string(key)
                                                          : act_value_retain(act_value_at(map, i)));
    }
    if (code == ACT_OK)
        *ret = list;
    else
        act_value_release(list);
    return code;
}

enum act_err
act_function_call(struct act_eval *ev, enum act_function fn, struct act_value *const *argv,
                  uint32_t argc, struct act_value **ret)
{
    const struct call c = {ev, fn, argv, argc};
    switch (fn) {
    case ACT_FN_CONTAINS:
    case ACT_FN_STARTS_WITH:
    case ACT_FN_ENDS_WITH: return search(&c, ret);
    case ACT_FN_FORMAT: return format(&c, ret);
    case ACT_FN_JOIN: return join(&c, ret);
    case ACT_FN_TO_JSON: return to_json(&c, ret);
    case ACT_FN_FROM_JSON: return from_json(&c, ret);
    case ACT_FN_HASH_FILES: return hash_files(&c, ret);
    case ACT_FN_MATCHES:
    case ACT_FN_CAPTURE:
    case ACT_FN_REPLACE: return pattern(&c, ret);
    case ACT_FN_SPLIT: return split(&c, ret);
    case ACT_FN_RANGE: return range(&c, ret);
    case ACT_FN_LENGTH: return length(&c, ret);
    case ACT_FN_KEYS:
    case ACT_FN_VALUES: return keys_or_values(&c, ret);
    case ACT_FN_NOW: *ret = act_instant_value(ev->env->now_ms); return ACT_OK;
    case ACT_FN_DATE: return act_function_date(ev, argv, argc, ret);
    case ACT_FN_CASE:
    case ACT_FN_DEFAULT:
    case ACT_FN_COUNT: break; /* the evaluator's own */
    }
    ACT_UNREACHABLE();
}
