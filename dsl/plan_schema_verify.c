/* Which schemas are understood. */
#include "dsl/plan_schema.h"

#include "dsl/expr.h"

static const char *const type_names[] = {"null",   "boolean", "integer", "number",
                                         "string", "array",   "object"};
#define TYPE_COUNT (sizeof(type_names) / sizeof(type_names[0]))

/* What a keyword's own value must be. */
enum shape {
    SHAPE_NOTE, /* anything; says something to people */
    SHAPE_ANY,
    SHAPE_TYPE,
    SHAPE_LIST,
    SHAPE_TEXTS,
    SHAPE_NUMBER,
    SHAPE_COUNT,
    SHAPE_PATTERN,
    SHAPE_SCHEMA,
    SHAPE_SCHEMAS,
    SHAPE_SCHEMA_MAP,
    SHAPE_MORE, /* true, false or a schema */
};
static const struct keyword {
    const char *name;
    enum shape shape;
} keywords[] = {
    {"type", SHAPE_TYPE},
    {"enum", SHAPE_LIST},
    {"const", SHAPE_ANY},
    {"properties", SHAPE_SCHEMA_MAP},
    {"required", SHAPE_TEXTS},
    {"additionalProperties", SHAPE_MORE},
    {"items", SHAPE_SCHEMA},
    {"minimum", SHAPE_NUMBER},
    {"maximum", SHAPE_NUMBER},
    {"exclusiveMinimum", SHAPE_NUMBER},
    {"exclusiveMaximum", SHAPE_NUMBER},
    {"minLength", SHAPE_COUNT},
    {"maxLength", SHAPE_COUNT},
    {"pattern", SHAPE_PATTERN},
    {"minItems", SHAPE_COUNT},
    {"maxItems", SHAPE_COUNT},
    {"anyOf", SHAPE_SCHEMAS},
    {"title", SHAPE_NOTE},
    {"description", SHAPE_NOTE},
    {"default", SHAPE_NOTE},
    {"examples", SHAPE_NOTE},
    {"format", SHAPE_NOTE},
    {"$schema", SHAPE_NOTE},
    {"$id", SHAPE_NOTE},
    {"$comment", SHAPE_NOTE},
};

static const struct keyword *
find_keyword(struct act_str name)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (act_str_is(name, keywords[i].name))
            return &keywords[i];
    return NULL;
}

static enum act_err verify(const struct act_value *schema, uint32_t depth, struct act_error *err);

static bool
all_are(const struct act_value *list, enum act_type type)
{
    if (act_value_type(list) != ACT_LIST)
        return false;
    for (uint32_t i = 0; i < act_value_len(list); i++)
        if (act_value_type(act_value_at(list, i)) != type)
            return false;
    return true;
}

static bool
is_type_name(const struct act_value *v)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (act_value_type(v) == ACT_STRING && act_str_is(act_value_as_str(v), type_names[i]))
            return true;
    return false;
}

static bool
are_type_names(const struct act_value *v)
{
    for (uint32_t i = 0; act_value_type(v) == ACT_LIST && i < act_value_len(v); i++)
        if (!is_type_name(act_value_at(v, i)))
            return false;
    return is_type_name(v) || (act_value_type(v) == ACT_LIST && act_value_len(v) > 0);
}

static bool
fits_shape(const struct act_value *said, enum shape shape, struct act_error *err)
{
    switch (shape) {
    case SHAPE_NOTE:
    case SHAPE_ANY: return true;
    case SHAPE_TYPE: return are_type_names(said);
    case SHAPE_LIST: return act_value_type(said) == ACT_LIST && act_value_len(said) > 0;
    case SHAPE_TEXTS: return all_are(said, ACT_STRING);
    case SHAPE_NUMBER: return act_value_is_number(said);
    case SHAPE_COUNT: return act_value_type(said) == ACT_INT && act_value_as_int(said) >= 0;
    case SHAPE_PATTERN:
        return act_value_type(said) == ACT_STRING &&
               act_pattern_check(act_value_as_str(said), err) == ACT_OK;
    case SHAPE_SCHEMA: return act_value_type(said) == ACT_MAP;
    case SHAPE_SCHEMAS: return all_are(said, ACT_MAP) && act_value_len(said) > 0;
    case SHAPE_SCHEMA_MAP: return act_value_type(said) == ACT_MAP;
    case SHAPE_MORE: return act_value_type(said) == ACT_BOOL || act_value_type(said) == ACT_MAP;
    }
    return false;
}

static enum act_err
verify_inside(const struct act_value *said, enum shape shape, uint32_t depth, struct act_error *err)
{
    enum act_err code = ACT_OK;
    if (shape == SHAPE_SCHEMA || (shape == SHAPE_MORE && act_value_type(said) == ACT_MAP))
        return verify(said, depth + 1, err);
    if (shape == SHAPE_SCHEMAS || shape == SHAPE_SCHEMA_MAP)
        for (uint32_t i = 0; i < act_value_len(said) && !code; i++)
            code = verify(act_value_at(said, i), depth + 1, err);
    return code;
}

static enum act_err
verify(const struct act_value *schema, uint32_t depth, struct act_error *err)
{
    if (act_value_type(schema) != ACT_MAP)
        return act_error_set(err, ACT_ERR_INVALID, "a schema is a JSON object");
    if (depth > ACT_SCHEMA_DEPTH_MAX)
        return act_error_set(err, ACT_ERR_INVALID, "a schema nests at most %d levels",
                             ACT_SCHEMA_DEPTH_MAX);
    for (uint32_t i = 0; i < act_value_len(schema); i++) {
        struct act_str name = act_value_key(schema, i);
        const struct keyword *keyword = find_keyword(name);
        if (!keyword)
            return act_error_set(err, ACT_ERR_INVALID, "the schema keyword '%.*s' is not known",
                                 name.len > 60 ? 60 : (int)name.len, name.ptr);
        if (!fits_shape(act_value_at(schema, i), keyword->shape, NULL))
            return act_error_set(err, ACT_ERR_INVALID, "the schema keyword '%s' has a wrong value",
                                 keyword->name);
        enum act_err code = verify_inside(act_value_at(schema, i), keyword->shape, depth, err);
        if (code)
            return code;
    }
    return ACT_OK;
}

enum act_err
act_schema_verify(const struct act_value *schema, struct act_error *err)
{
    return verify(schema, 0, err);
}
