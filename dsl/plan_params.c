#include "dsl/plan.h"

#include <stdio.h>

static struct act_str
text_of(const struct act_value *declaration, const char *key, const char *otherwise)
{
    const struct act_value *v = act_value_get(declaration, act_str(key));
    return v && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : act_str(otherwise);
}

bool
act_param_required(const struct act_value *declaration)
{
    const struct act_value *v = act_value_get(declaration, ACT_STR("required"));
    return v && act_value_type(v) == ACT_BOOL && act_value_as_bool(v);
}

/* "'abc'", "12", "[1,2]", cut to what fits a message. */
static void
show(char out[64], const struct act_value *v)
{
    struct act_buf text = {0};
    bool quoted = act_value_type(v) == ACT_STRING;
    act_value_text(&text, v);
    struct act_str s = act_value_type(v) == ACT_NULL ? ACT_STR("null") : act_buf_str(&text);
    size_t room = 48, len = s.len > room ? room : s.len;
    while (len > 0 && len < s.len && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
        len--;
    const char *quote = quoted ? "'" : "";
    snprintf(out, 64, "%s%.*s%s%s", quote, (int)len, s.ptr, len < s.len ? "…" : "", quote);
    act_buf_fini(&text);
}

static enum act_err
misfit(struct act_error *err, const struct act_value *given, const char *what)
{
    char shown[64];
    show(shown, given);
    return act_error_set(err, ACT_ERR_INVALID, "%s is no %s", shown, what);
}

/* Text for another type is read as JSON; text that is no JSON stays and will not fit. */
static struct act_value *
from_text(const struct act_value *given, struct act_str type)
{
    struct act_value *v;
    if (act_value_type(given) != ACT_STRING || act_str_is(type, "string") ||
        act_json_parse(act_str_trim(act_value_as_str(given)), 0, &v, NULL) != ACT_OK)
        return act_value_retain(given);
    return v;
}

/* Gives what v is as type, or NULL. Takes v. */
static struct act_value *
as_type(struct act_value *v, struct act_str type)
{
    enum act_type has = act_value_type(v);
    int64_t i;
    bool fits = false;
    if (act_str_is(type, "string")) {
        if (has != ACT_LIST && has != ACT_MAP && has != ACT_NULL && has != ACT_STRING) {
            struct act_buf text = {0};
            act_value_text(&text, v);
            act_value_release(v);
            v = act_value_string(act_buf_str(&text));
            act_buf_fini(&text);
            return v;
        }
        fits = has == ACT_STRING;
    } else if (act_str_is(type, "integer")) {
        fits = act_value_is_number(v) && act_value_to_int(v, &i);
        if (fits) {
            act_value_release(v);
            return act_value_int(i);
        }
    } else if (act_str_is(type, "number")) {
        fits = act_value_is_number(v);
    } else if (act_str_is(type, "boolean")) {
        fits = has == ACT_BOOL;
    } else if (act_str_is(type, "list")) {
        fits = has == ACT_LIST;
    } else if (act_str_is(type, "object")) {
        fits = has == ACT_MAP;
    }
    if (fits)
        return v;
    act_value_release(v);
    return NULL;
}

static enum act_err
check_enum(const struct act_value *allowed, const struct act_value *v, struct act_error *err)
{
    struct act_buf list = {0};
    char shown[64];
    for (uint32_t i = 0; i < act_value_len(allowed); i++) {
        if (act_value_equal(act_value_at(allowed, i), v)) {
            act_buf_fini(&list);
            return ACT_OK;
        }
        if (list.len < 200)
            act_buf_add_cstr(&list, i ? ", " : "");
        if (list.len < 200)
            act_value_text(&list, act_value_at(allowed, i));
    }
    show(shown, v);
    enum act_err code = act_error_set(err, ACT_ERR_INVALID, "%s is not one of %.*s", shown, 240,
                                      act_buf_str(&list).ptr);
    act_buf_fini(&list);
    return code;
}

static enum act_err
check_pattern(const struct act_value *pattern, const struct act_value *v, struct act_error *err)
{
    bool matches = false;
    if (act_value_type(v) != ACT_STRING || act_value_type(pattern) != ACT_STRING)
        return ACT_OK;
    enum act_err code =
        act_pattern_matches(NULL, act_value_as_str(pattern), act_value_as_str(v), &matches, err);
    if (code != ACT_OK || matches)
        return code;
    char shown[64];
    show(shown, v);
    return act_error_set(err, ACT_ERR_INVALID, "%s does not match the pattern %.*s", shown,
                         ACT_STR_ARG(act_value_as_str(pattern)));
}

enum act_err
act_param_convert(const struct act_value *declaration, const struct act_value *given,
                  struct act_value **ret, struct act_error *err)
{
    struct act_str type = text_of(declaration, "type", "string");
    if (act_value_type(given) == ACT_NULL && !act_param_required(declaration) &&
        !act_value_get(declaration, ACT_STR("default"))) {
        *ret = act_value_retain(given);
        return ACT_OK;
    }
    struct act_value *v = as_type(from_text(given, type), type);
    if (!v) {
        char what[32];
        snprintf(what, sizeof(what), "%.*s", ACT_STR_ARG(type));
        return misfit(err, given, what);
    }
    const struct act_value *allowed = act_value_get(declaration, ACT_STR("enum"));
    const struct act_value *pattern = act_value_get(declaration, ACT_STR("pattern"));
    enum act_err code = ACT_OK;
    if (allowed)
        code = check_enum(allowed, v, err);
    if (code == ACT_OK && pattern)
        code = check_pattern(pattern, v, err);
    if (code != ACT_OK) {
        act_value_release(v);
        return code;
    }
    *ret = v;
    return ACT_OK;
}

static void
complain(struct act_buf *all, struct act_str name, const char *what)
{
    if (all->len)
        act_buf_add_cstr(all, "; ");
    act_buf_printf(all, "parameter %.*s: %s", (int)(name.len > 64 ? 64 : name.len), name.ptr, what);
}

static void
check_unknown(const struct act_value *declared, const struct act_value *given, struct act_buf *all)
{
    uint32_t count = given && act_value_type(given) == ACT_MAP ? act_value_len(given) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct act_str name = act_value_key(given, i);
        if (!declared || !act_value_get(declared, name))
            complain(all, name, "there is no such parameter");
    }
}

static void
fill(const struct act_value *declared, uint32_t i, const struct act_value *given,
     struct act_value *filled, struct act_buf *all)
{
    struct act_str name = act_value_key(declared, i);
    const struct act_value *declaration = act_value_at(declared, i);
    const struct act_value *v = given ? act_value_get(given, name) : NULL;
    const struct act_value *otherwise = act_value_get(declaration, ACT_STR("default"));
    struct act_value *converted;
    struct act_error err;
    if (!v && !otherwise) {
        if (act_param_required(declaration))
            complain(all, name, "is missing");
        act_value_map_put(filled, name, act_value_null());
    } else if (!v) {
        act_value_map_put(filled, name, act_value_retain(otherwise));
    } else if (act_param_convert(declaration, v, &converted, &err) == ACT_OK) {
        act_value_map_put(filled, name, converted);
    } else {
        complain(all, name, err.message);
    }
}

static void
hint_declared(const struct act_value *declared, struct act_error *err)
{
    struct act_buf names = {0};
    uint32_t count = declared ? act_value_len(declared) : 0;
    for (uint32_t i = 0; i < count && names.len < 200; i++) {
        act_buf_add_cstr(&names, i ? ", " : "");
        act_buf_add_str(&names, act_value_key(declared, i));
        act_buf_printf(&names, " (%.*s)",
                       ACT_STR_ARG(text_of(act_value_at(declared, i), "type", "string")));
    }
    if (count)
        act_error_hint(err, "the parameters are %.*s", 230, act_buf_str(&names).ptr);
    else
        act_error_hint(err, "it takes no parameters");
    act_buf_fini(&names);
}

enum act_err
act_params_check(const struct act_value *declared, const struct act_value *given,
                 struct act_value **ret, struct act_error *err)
{
    struct act_buf all = {0};
    struct act_value *filled = act_value_map();
    if (given && act_value_type(given) == ACT_NULL)
        given = NULL;
    if (given && act_value_type(given) != ACT_MAP)
        act_buf_add_cstr(&all, "parameters are given as a mapping from name to value");
    else
        check_unknown(declared, given, &all);
    if (given && act_value_type(given) != ACT_MAP)
        given = NULL;
    for (uint32_t i = 0; i < (declared ? act_value_len(declared) : 0); i++)
        fill(declared, i, given, filled, &all);
    if (all.len) {
        enum act_err code = act_error_set(err, ACT_ERR_INVALID, "%.*s",
                                          (int)(all.len > 500 ? 500 : all.len), all.ptr);
        hint_declared(declared, err);
        act_value_release(filled);
        act_buf_fini(&all);
        return code;
    }
    act_buf_fini(&all);
    *ret = filled;
    return ACT_OK;
}
