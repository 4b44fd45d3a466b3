/* JSON Schema (draft-07) of the language, for editors. Made from the grammar's rows, so that it cannot
 * know other keys than the checker. It says less than the checker where a schema cannot say it (ids,
 * references, expressions), never more: every file that compiles fits. */
#include "dsl/compile.h"
#include "dsl/grammar.h"

/* Where a node stands decides which keys besides a node's own it may have. */
enum variant {
    VARIANT_NODE,
    VARIANT_MEMBER /* of a dag */,
    VARIANT_ENTRY /* of tasks */,
    VARIANT_TOP
};

/* A schema written with ' for ". */
static void
add_schema(struct act_buf *out, const char *text)
{
    for (; *text; text++)
        act_buf_add_byte(out, *text == '\'' ? '"' : *text);
}

static const char *
own_schema(const char *key)
{
    static const struct {
        const char *key, *schema;
    } rows[] = {
#define ACT_SCHEMA_SHAPE(key, schema) {key, schema},
#include "dsl/schema_shapes.def"
#undef ACT_SCHEMA_SHAPE
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].key, key) == 0)
            return rows[i].schema;
    return NULL;
}

static const char *
shape_schema(const struct act_key_info *info)
{
    const char *own = own_schema(info->key);
    if (own)
        return own;
    switch (info->shape) {
    case ACT_SHAPE_NODE: return "{'$ref': '#/definitions/node'}";
    case ACT_SHAPE_NODES:
        return info->kind == ACT_KIND_CHAIN
                   ? "{'type': 'array', 'minItems': 1, 'items': {'$ref': '#/definitions/node'}}"
                   : "{'$ref': '#/definitions/nodes'}";
    case ACT_SHAPE_NODE_MAP:
        if (info->kind == ACT_KIND_DAG)
            return "{'type': 'object', 'minProperties': 1, 'patternProperties': {'^x-': {}}, "
                   "'additionalProperties': {'$ref': '#/definitions/member'}}";
        if (info->top_only)
            return "{'type': 'object', 'patternProperties': {'^x-': {}}, "
                   "'additionalProperties': {'$ref': '#/definitions/entry'}}";
        return "{'type': 'object', 'additionalProperties': {'$ref': '#/definitions/node'}}";
    case ACT_SHAPE_TEXT:
    case ACT_SHAPE_PLAIN:
    case ACT_SHAPE_EXPR: return "{'$ref': '#/definitions/text'}";
    case ACT_SHAPE_VALUE: return "{}";
    case ACT_SHAPE_VALUE_MAP: return "{'type': 'object'}";
    case ACT_SHAPE_TEXT_MAP:
        return "{'type': 'object', 'additionalProperties': {'anyOf': [{'$ref': "
               "'#/definitions/text'}, {'type': 'null'}]}}";
    case ACT_SHAPE_TEXT_LIST:
        return "{'anyOf': [{'type': 'array', 'minItems': 1, 'items': {'$ref': "
               "'#/definitions/text'}}, {'$ref': '#/definitions/expression'}]}";
    case ACT_SHAPE_NUMBER: return "{'$ref': '#/definitions/count'}";
    case ACT_SHAPE_BOOL:
        return "{'anyOf': [{'type': 'boolean'}, {'$ref': '#/definitions/expression'}]}";
    case ACT_SHAPE_DURATION: return "{'$ref': '#/definitions/duration'}";
    case ACT_SHAPE_OTHER: break;
    }
    return "{}";
}

/* ---- The rules of a node ---- */

static bool
is_kind_bit(uint32_t kinds, const struct act_key_info *info)
{
    return info->kind && (kinds & (1u << info->kind));
}

static uint32_t
all_kinds(const struct act_key_info *keys, uint32_t count)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < count; i++)
        if (keys[i].kind)
            all |= 1u << keys[i].kind;
    return all;
}

static const char *
companion(enum act_kind kind)
{
    static const struct {
        enum act_kind kind;
        const char *keys;
    } rows[] = {
        {ACT_KIND_IF, ", 'then'"},   {ACT_KIND_SWITCH, ", 'cases'"}, {ACT_KIND_FOR, ", 'do'"},
        {ACT_KIND_MATRIX, ", 'do'"}, {ACT_KIND_WHILE, ", 'do'"},     {ACT_KIND_UNTIL, ", 'do'"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].kind == kind)
            return rows[i].keys;
    return "";
}

/* Exactly one kind, with its companions. */
static void
add_kinds(struct act_buf *out, const struct act_key_info *keys, uint32_t count)
{
    act_buf_add_cstr(out, "\"oneOf\": [");
    const char *comma = "";
    for (uint32_t i = 0; i < count; i++) {
        if (!keys[i].kind)
            continue;
        act_buf_printf(out, "%s\n    {\"required\": [\"%s\"", comma, keys[i].key);
        add_schema(out, companion(keys[i].kind));
        act_buf_add_cstr(out, "]}");
        comma = ",";
    }
    act_buf_add_cstr(out, "],\n   ");
}

/* A key that does not stand on every kind wants one of its own beside it. `params` may stand on any
 * node at the top and in an entry. */
static void
add_dependencies(struct act_buf *out, const struct act_key_info *keys, uint32_t count,
                 enum variant variant)
{
    uint32_t all = all_kinds(keys, count);
    const char *comma = "";
    act_buf_add_cstr(out, "\"dependencies\": {");
    for (uint32_t i = 0; i < count; i++) {
        const struct act_key_info *info = &keys[i];
        bool declares = variant >= VARIANT_ENTRY && strcmp(info->key, "params") == 0;
        if (info->kind || info->top_only || info->kinds == all || declares)
            continue;
        act_buf_printf(out, "%s\n    \"%s\": {\"anyOf\": [", comma, info->key);
        const char *inner = "";
        for (uint32_t k = 0; k < count; k++)
            if (is_kind_bit(info->kinds, &keys[k])) {
                act_buf_printf(out, "%s{\"required\": [\"%s\"]}", inner, keys[k].key);
                inner = ", ";
            }
        act_buf_add_cstr(out, "]}");
        comma = ",";
    }
    act_buf_add_cstr(out, ",\n    \"try\": {\"anyOf\": [{\"required\": [\"catch\"]}, "
                          "{\"required\": [\"finally\"]}]}},\n   ");
}

static void
add_properties(struct act_buf *out, const struct act_key_info *keys, uint32_t count,
               enum variant variant)
{
    const char *comma = "";
    act_buf_add_cstr(out, "\"properties\": {");
    for (uint32_t i = 0; i < count; i++) {
        bool needs = strcmp(keys[i].key, "needs") == 0;
        if ((keys[i].top_only && variant != VARIANT_TOP) || (needs && variant != VARIANT_MEMBER))
            continue;
        act_buf_printf(out, "%s\n    \"%s\": {\"$ref\": \"#/definitions/key.%s\"}", comma,
                       keys[i].key, keys[i].key);
        comma = ",";
    }
    act_buf_add_cstr(out, "},\n   \"patternProperties\": {\"^x-\": {}}, "
                          "\"additionalProperties\": false}");
}

static void
add_object(struct act_buf *out, enum variant variant)
{
    uint32_t count;
    const struct act_key_info *keys = act_grammar_keys(&count);
    act_buf_add_cstr(out, "{\"type\": \"object\",\n   ");
    add_kinds(out, keys, count);
    add_dependencies(out, keys, count, variant);
    add_properties(out, keys, count, variant);
}

/* ---- Definitions ---- */

/* A node may also be a list (a chain) or a scalar (a script). */
static void
add_node(struct act_buf *out, const char *name, enum variant variant)
{
    act_buf_printf(out, "  \"%s\": {\"anyOf\": [", name);
    add_object(out, variant);
    add_schema(out,
               ",\n   {'type': 'array', 'minItems': 1, 'items': {'$ref': '#/definitions/node'}},"
               "\n   {'$ref': '#/definitions/text'}]},\n");
}

static void
add_defaults(struct act_buf *out, const struct act_key_info *keys, uint32_t count)
{
    const char *comma = "";
    add_schema(out, "{'type': 'object', 'patternProperties': {'^x-': {}}, "
                    "'additionalProperties': false, 'properties': {");
    for (uint32_t i = 0; i < count; i++)
        if (keys[i].in_defaults) {
            act_buf_printf(out, "%s\"%s\": {\"$ref\": \"#/definitions/key.%s\"}", comma,
                           keys[i].key, keys[i].key);
            comma = ", ";
        }
    act_buf_add_cstr(out, "}}");
}

static void
add_keys(struct act_buf *out)
{
    uint32_t count;
    const struct act_key_info *keys = act_grammar_keys(&count);
    for (uint32_t i = 0; i < count; i++) {
        /* allOf: beside a $ref draft-07 ignores what else stands there */
        act_buf_printf(out, "  \"key.%s\": {\"description\": ", keys[i].key);
        act_buf_add_byte(out, '"');
        for (const char *c = keys[i].summary; *c; c++) {
            if (*c == '"' || *c == '\\')
                act_buf_add_byte(out, '\\');
            act_buf_add_byte(out, *c);
        }
        act_buf_add_cstr(out, "\", \"allOf\": [");
        if (strcmp(keys[i].key, "defaults") == 0)
            add_defaults(out, keys, count);
        else
            add_schema(out, shape_schema(&keys[i]));
        act_buf_printf(out, "]}%s\n", i + 1 < count ? "," : "");
    }
}

void
act_schema_print(struct act_buf *out)
{
    add_schema(
        out,
        "{'$schema': 'http://json-schema.org/draft-07/schema#',\n"
        " 'title': 'actant workflow',\n"
        " 'description': 'A workflow file is a node: one kind, its companions and "
        "attributes.',\n"
        " 'allOf': [{'$ref': '#/definitions/top'}],\n"
        " 'definitions': {\n"
        "  'text': {'type': ['string', 'number', 'boolean']},\n"
        "  'texts': {'anyOf': [{'$ref': '#/definitions/text'}, {'type': 'array', "
        "'items': {'$ref': '#/definitions/text'}}]},\n"
        "  'expression': {'type': 'string', 'pattern': '\\\\$\\\\{\\\\{'},\n"
        "  'count': {'anyOf': [{'type': 'integer'}, {'$ref': "
        "'#/definitions/expression'}]},\n"
        "  'count0': {'anyOf': [{'type': 'integer', 'minimum': 0}, {'$ref': "
        "'#/definitions/expression'}]},\n"
        "  'span': {'anyOf': [{'const': 0}, {'type': 'string', 'pattern': "
        "'^0$|^(?=.)([0-9]+(\\\\.[0-9]+)?d)?([0-9]+(\\\\.[0-9]+)?h)?"
        "([0-9]+(\\\\.[0-9]+)?m)?([0-9]+(\\\\.[0-9]+)?s)?([0-9]+(\\\\.[0-9]+)?ms)?$'}]},\n"
        "  'duration': {'anyOf': [{'$ref': '#/definitions/span'}, {'$ref': "
        "'#/definitions/expression'}]},\n"
        "  'glob': {'allOf': [{'$ref': '#/definitions/text'}, {'not': {'type': 'string', "
        "'pattern': '^!?$|^!?/(?![\\\\s\\\\S]*\\\\$\\\\{\\\\{)'}}]},\n"
        "  'end': {'enum': ['succeeded', 'failed', 'skipped', 'cancelled', 'ended']},\n"
        "  'when': {'anyOf': [{'type': 'integer', 'minimum': 1, 'maximum': 255}, "
        "{'type': 'string'}]},\n"
        "  'schedule': {'type': 'object', 'properties': {'cron': {'type': 'string'}, "
        "'timezone': {'type': 'string'}, 'catchup': {'enum': ['none', 'latest', 'all']}, "
        "'jitter': {'$ref': '#/definitions/duration'}, 'params': {'type': 'object'}}, "
        "'patternProperties': {'^x-': {}}, 'additionalProperties': false, 'required': ['cron']},\n"
        "  'nodes': {'type': 'array', 'items': {'$ref': '#/definitions/node'}},\n");
    act_buf_add_cstr(out, "  \"top\": ");
    add_object(out, VARIANT_TOP);
    act_buf_add_cstr(out, ",\n");
    add_node(out, "node", VARIANT_NODE);
    add_node(out, "member", VARIANT_MEMBER);
    add_node(out, "entry", VARIANT_ENTRY);
    add_keys(out);
    act_buf_add_cstr(out, " }}\n");
}
