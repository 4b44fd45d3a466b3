/* JSON Schema, the part of draft-07 that plugins and actors describe their arguments and results with:
 * type, properties, required, additionalProperties, items, enum, const, minimum, maximum,
 * exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern, minItems, maxItems, anyOf; title,
 * description, default, examples, format, $schema, $id and $comment say something to people. Any other
 * keyword is refused: nothing is accepted and ignored. Pure; one thread a schema. */
#ifndef ACT_DSL_PLAN_SCHEMA_H
#define ACT_DSL_PLAN_SCHEMA_H

#include "base/value.h"

#define ACT_SCHEMA_DEPTH_MAX 32

/* Is it a schema that act_schema_check understands? ACT_ERR_INVALID says what is wrong and where. */
enum act_err act_schema_verify(const struct act_value *schema, struct act_error *err);
/* Does v fit (a verified schema)? The message is a whole one without the value's place ("'x' is no
 * integer"); err->place is the place inside v: "rows[2].name", or empty for v itself. */
enum act_err act_schema_check(const struct act_value *schema, const struct act_value *v,
                              struct act_error *err);

/* Arguments: a schema of type object, its properties the parameters in their order. */
const struct act_value *act_schema_properties(const struct act_value *schema); /* NULL: not said */
const struct act_value *act_schema_property(const struct act_value *schema, struct act_str name);
bool act_schema_is_required(const struct act_value *schema, struct act_str name);
/* May there be arguments that are no property? Only if additionalProperties says so. */
bool act_schema_is_open(const struct act_value *schema);
/* v as schema's type wants it, where text stands for a number or boolean or the other way round; else v
 * itself. New reference. */
struct act_value *act_schema_lenient(const struct act_value *schema, const struct act_value *v);

#endif
