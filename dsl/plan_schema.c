#include "dsl/plan_schema.h"

#include "dsl/expr.h"

#include <stdio.h>

/* Where a check is; a chain on the stack, at most ACT_SCHEMA_DEPTH_MAX long, since a step into the value
 * is a step into the schema, too. */
struct at {
    const struct at *up;
    struct act_str key; /* of a mapping */
    uint32_t index;     /* of a list, where key.ptr is NULL */
};

struct checking {
    struct act_error *err;
    const struct at *at;
};

/* ---- what to say ---- */

static void
set_place(struct act_error *err, const struct at *at)
{
    const struct at *path[ACT_SCHEMA_DEPTH_MAX + 1];
    uint32_t count = 0;
    struct act_buf text = {0};
    for (; at && at->up && count <= ACT_SCHEMA_DEPTH_MAX; at = at->up)
        path[count++] = at;
    while (count-- > 0) {
        if (path[count]->key.ptr)
            act_buf_printf(&text, "%s%.*s", text.len ? "." : "", ACT_STR_ARG(path[count]->key));
        else
            act_buf_printf(&text, "[%u]", path[count]->index);
    }
    act_error_place(err, "%.*s", text.len > 200 ? 200 : (int)text.len, act_buf_str(&text).ptr);
    act_buf_fini(&text);
}

/* "'abc'", "12", "[1,2]", cut to what fits a message. */
static void
show(char out[64], const struct act_value *v)
{
    struct act_buf text = {0};
    const char *quote = act_value_type(v) == ACT_STRING ? "'" : "";
    act_value_text(&text, v);
    struct act_str s = act_value_type(v) == ACT_NULL ? ACT_STR("null") : act_buf_str(&text);
    size_t len = s.len > 40 ? 40 : s.len;
    while (len > 0 && len < s.len && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
        len--;
    snprintf(out, 64, "%s%.*s%s%s", quote, (int)len, s.ptr, len < s.len ? "…" : "", quote);
    act_buf_fini(&text);
}

#define MISFIT(c, v, format, ...)                                                                  \
    do {                                                                                           \
        char shown_[64];                                                                           \
        show(shown_, (v));                                                                         \
        act_error_set((c)->err, ACT_ERR_INVALID, "%s " format, shown_, __VA_ARGS__);               \
        set_place((c)->err, (c)->at);                                                              \
        return ACT_ERR_INVALID;                                                                    \
    } while (0)

/* ---- types ---- */

static bool
is_type(const struct act_value *v, struct act_str name)
{
    int64_t i;
    switch (act_value_type(v)) {
    case ACT_NULL: return act_str_is(name, "null");
    case ACT_BOOL: return act_str_is(name, "boolean");
    case ACT_INT: return act_str_is(name, "integer") || act_str_is(name, "number");
    case ACT_REAL:
    case ACT_DIGITS:
        return act_str_is(name, "number") ||
               (act_str_is(name, "integer") && act_value_to_int(v, &i));
    case ACT_STRING: return act_str_is(name, "string");
    case ACT_LIST: return act_str_is(name, "array");
    case ACT_MAP: return act_str_is(name, "object");
    case ACT_REF: return true; /* what it stands for is read where it is used */
    }
    return false;
}

static enum act_err
check_type(struct checking *c, const struct act_value *type, const struct act_value *v)
{
    char all[128] = "";
    size_t len = 0;
    if (act_value_type(type) == ACT_STRING) {
        if (is_type(v, act_value_as_str(type)))
            return ACT_OK;
        MISFIT(c, v, "is no %.*s", ACT_STR_ARG(act_value_as_str(type)));
    }
    for (uint32_t i = 0; i < act_value_len(type); i++) {
        struct act_str name = act_value_as_str(act_value_at(type, i));
        if (is_type(v, name))
            return ACT_OK;
        if (len + name.len + 4 < sizeof(all))
            len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%.*s", i ? ", " : "",
                                    ACT_STR_ARG(name));
    }
    MISFIT(c, v, "is none of %s", all);
}

/* ---- the keywords: what each wants of a schema, what of a value ---- */

static enum act_err check(struct checking *c, const struct act_value *schema,
                          const struct act_value *v);

static enum act_err
check_enum(struct checking *c, const struct act_value *allowed, const struct act_value *v)
{
    struct act_buf all = {0};
    for (uint32_t i = 0; i < act_value_len(allowed); i++) {
        if (act_value_equal(act_value_at(allowed, i), v)) {
            act_buf_fini(&all);
            return ACT_OK;
        }
        if (all.len < 200) {
            act_buf_add_cstr(&all, i ? ", " : "");
            act_value_text(&all, act_value_at(allowed, i));
        }
    }
    char list[256];
    snprintf(list, sizeof(list), "%s", act_buf_str(&all).ptr);
    act_buf_fini(&all);
    MISFIT(c, v, "is not one of %s", list);
}

static enum act_err
check_const(struct checking *c, const struct act_value *only, const struct act_value *v)
{
    char wanted[64];
    if (act_value_equal(only, v))
        return ACT_OK;
    show(wanted, only);
    MISFIT(c, v, "is not %s", wanted);
}

enum bound { BOUND_MIN, BOUND_MAX, BOUND_OVER, BOUND_UNDER };

static enum act_err
check_bound(struct checking *c, const struct act_value *limit, const struct act_value *v,
            enum bound bound)
{
    static const char *const texts[] = {"is less than", "is more than", "is not more than",
                                        "is not less than"};
    char wanted[64];
    if (!act_value_is_number(v))
        return ACT_OK;
    double a = act_value_as_real(v), b = act_value_as_real(limit);
    bool fits = bound == BOUND_MIN    ? a >= b
                : bound == BOUND_MAX  ? a <= b
                : bound == BOUND_OVER ? a > b
                                      : a < b;
    if (fits)
        return ACT_OK;
    show(wanted, limit);
    MISFIT(c, v, "%s %s", texts[bound], wanted);
}

static enum act_err
check_minimum(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    return check_bound(c, limit, v, BOUND_MIN);
}

static enum act_err
check_maximum(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    return check_bound(c, limit, v, BOUND_MAX);
}

static enum act_err
check_over(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    return check_bound(c, limit, v, BOUND_OVER);
}

static enum act_err
check_under(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    return check_bound(c, limit, v, BOUND_UNDER);
}

static int64_t
characters(struct act_str s)
{
    int64_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count;
}

static enum act_err
check_min_length(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    if (act_value_type(v) != ACT_STRING ||
        characters(act_value_as_str(v)) >= act_value_as_int(limit))
        return ACT_OK;
    MISFIT(c, v, "is shorter than %lld characters", (long long)act_value_as_int(limit));
}

static enum act_err
check_max_length(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    if (act_value_type(v) != ACT_STRING ||
        characters(act_value_as_str(v)) <= act_value_as_int(limit))
        return ACT_OK;
    MISFIT(c, v, "is longer than %lld characters", (long long)act_value_as_int(limit));
}

static enum act_err
check_min_items(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    if (act_value_type(v) != ACT_LIST || act_value_len(v) >= act_value_as_int(limit))
        return ACT_OK;
    MISFIT(c, v, "has fewer than %lld items", (long long)act_value_as_int(limit));
}

static enum act_err
check_max_items(struct checking *c, const struct act_value *limit, const struct act_value *v)
{
    if (act_value_type(v) != ACT_LIST || act_value_len(v) <= act_value_as_int(limit))
        return ACT_OK;
    MISFIT(c, v, "has more than %lld items", (long long)act_value_as_int(limit));
}

static enum act_err
check_pattern(struct checking *c, const struct act_value *pattern, const struct act_value *v)
{
    bool matches = false;
    if (act_value_type(v) != ACT_STRING)
        return ACT_OK;
    enum act_err code =
        act_pattern_matches(NULL, act_value_as_str(pattern), act_value_as_str(v), &matches, c->err);
    if (code != ACT_OK || matches)
        return code;
    struct act_str shown = act_value_as_str(pattern);
    MISFIT(c, v, "does not match the pattern %.*s", shown.len > 200 ? 200 : (int)shown.len,
           shown.ptr);
}

static enum act_err
check_any_of(struct checking *c, const struct act_value *schemas, const struct act_value *v)
{
    struct act_error first = {0}, one = {0};
    for (uint32_t i = 0; i < act_value_len(schemas); i++) {
        struct checking inner = {i == 0 ? &first : &one, c->at};
        if (check(&inner, act_value_at(schemas, i), v) == ACT_OK)
            return ACT_OK;
    }
    if (c->err)
        *c->err = first;
    return ACT_ERR_INVALID;
}

static enum act_err
check_items(struct checking *c, const struct act_value *schema, const struct act_value *v)
{
    enum act_err code = ACT_OK;
    if (act_value_type(v) != ACT_LIST)
        return ACT_OK;
    for (uint32_t i = 0; i < act_value_len(v) && !code; i++) {
        struct at at = {.up = c->at, .index = i};
        struct checking inner = {c->err, &at};
        code = check(&inner, schema, act_value_at(v, i));
    }
    return code;
}

static enum act_err
check_properties(struct checking *c, const struct act_value *properties, const struct act_value *v)
{
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < act_value_len(properties) && !code; i++) {
        struct at at = {.up = c->at, .key = act_value_key(properties, i)};
        struct checking inner = {c->err, &at};
        const struct act_value *member = act_value_get(v, at.key);
        if (member)
            code = check(&inner, act_value_at(properties, i), member);
    }
    return code;
}

static enum act_err
check_required(struct checking *c, const struct act_value *names, const struct act_value *v)
{
    if (act_value_type(v) != ACT_MAP)
        return ACT_OK;
    for (uint32_t i = 0; i < act_value_len(names); i++) {
        struct act_str name = act_value_as_str(act_value_at(names, i));
        if (!act_value_get(v, name))
            MISFIT(c, v, "lacks '%.*s'", ACT_STR_ARG(name));
    }
    return ACT_OK;
}

/* additionalProperties, which looks at its neighbour. */
static enum act_err
check_additional(struct checking *c, const struct act_value *schema, const struct act_value *v)
{
    const struct act_value *more = act_value_get(schema, ACT_STR("additionalProperties"));
    const struct act_value *properties = act_schema_properties(schema);
    if (!more || act_value_type(v) != ACT_MAP ||
        (act_value_type(more) == ACT_BOOL && act_value_as_bool(more)))
        return ACT_OK;
    for (uint32_t i = 0; i < act_value_len(v); i++) {
        struct at at = {.up = c->at, .key = act_value_key(v, i)};
        struct checking inner = {c->err, &at};
        if (properties && act_value_get(properties, at.key))
            continue;
        if (act_value_type(more) == ACT_BOOL)
            MISFIT(c, v, "has '%.*s', which is not among its properties", ACT_STR_ARG(at.key));
        enum act_err code = check(&inner, more, act_value_at(v, i));
        if (code)
            return code;
    }
    return ACT_OK;
}

/* The other keywords say something to people (plan_schema_verify.c has them all). */
static const struct keyword {
    const char *name;
    enum act_err (*check)(struct checking *c, const struct act_value *said,
                          const struct act_value *v);
} keywords[] = {
    {"type", check_type},
    {"enum", check_enum},
    {"const", check_const},
    {"properties", check_properties},
    {"required", check_required},
    {"items", check_items},
    {"minimum", check_minimum},
    {"maximum", check_maximum},
    {"exclusiveMinimum", check_over},
    {"exclusiveMaximum", check_under},
    {"minLength", check_min_length},
    {"maxLength", check_max_length},
    {"pattern", check_pattern},
    {"minItems", check_min_items},
    {"maxItems", check_max_items},
    {"anyOf", check_any_of},
};

static const struct keyword *
find_keyword(struct act_str name)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (act_str_is(name, keywords[i].name))
            return &keywords[i];
    return NULL;
}

static enum act_err
check(struct checking *c, const struct act_value *schema, const struct act_value *v)
{
    for (uint32_t i = 0; i < act_value_len(schema); i++) {
        const struct keyword *keyword = find_keyword(act_value_key(schema, i));
        enum act_err code = keyword ? keyword->check(c, act_value_at(schema, i), v) : ACT_OK;
        if (code)
            return code;
    }
    return check_additional(c, schema, v);
}

enum act_err
act_schema_check(const struct act_value *schema, const struct act_value *v, struct act_error *err)
{
    struct at top = {0};
    struct checking c = {err, &top};
    return check(&c, schema, v);
}

/* ---- arguments ---- */

const struct act_value *
act_schema_properties(const struct act_value *schema)
{
    const struct act_value *properties = act_value_get(schema, ACT_STR("properties"));
    return properties && act_value_type(properties) == ACT_MAP ? properties : NULL;
}

const struct act_value *
act_schema_property(const struct act_value *schema, struct act_str name)
{
    const struct act_value *properties = act_schema_properties(schema);
    return properties ? act_value_get(properties, name) : NULL;
}

bool
act_schema_is_required(const struct act_value *schema, struct act_str name)
{
    const struct act_value *names = act_value_get(schema, ACT_STR("required"));
    for (uint32_t i = 0; names && i < act_value_len(names); i++)
        if (act_str_eq(act_value_as_str(act_value_at(names, i)), name))
            return true;
    return false;
}

bool
act_schema_is_open(const struct act_value *schema)
{
    const struct act_value *more = act_value_get(schema, ACT_STR("additionalProperties"));
    return more && (act_value_type(more) == ACT_MAP || act_value_as_bool(more));
}

static bool
wants(const struct act_value *schema, const char *name)
{
    const struct act_value *type = act_value_get(schema, ACT_STR("type"));
    return type && act_value_type(type) == ACT_STRING && act_str_is(act_value_as_str(type), name);
}

struct act_value *
act_schema_lenient(const struct act_value *schema, const struct act_value *v)
{
    struct act_value *read = NULL;
    if (wants(schema, "string") && (act_value_is_number(v) || act_value_type(v) == ACT_BOOL)) {
        struct act_buf text = {0};
        act_value_text(&text, v);
        read = act_value_string(act_buf_str(&text));
        act_buf_fini(&text);
        return read;
    }
    if (act_value_type(v) != ACT_STRING ||
        !(wants(schema, "integer") || wants(schema, "number") || wants(schema, "boolean")))
        return act_value_retain(v);
    struct act_error err;
    if (act_json_parse(act_str_trim(act_value_as_str(v)), 1, &read, &err) != ACT_OK)
        return act_value_retain(v);
    const struct act_value *type = act_value_get(schema, ACT_STR("type"));
    if (is_type(read, act_value_as_str(type)))
        return read;
    act_value_release(read);
    return act_value_retain(v);
}
