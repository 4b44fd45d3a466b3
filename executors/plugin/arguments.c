#include "executors/plugin/arguments.h"

#include "dsl/plan_schema.h"

static void
write_as_it_is(const struct act_plugin_arguments *given, struct act_buf *out)
{
    if (given->with)
        act_json_write(out, given->with, 0);
    else if (given->args)
        act_json_write(out, given->args, 0);
    else
        act_buf_add_cstr(out, "{}");
}

static enum act_err
by_position(const struct act_value *schema, const struct act_plugin_arguments *given,
            struct act_value *all, struct act_error *err)
{
    const struct act_value *properties = act_schema_properties(schema);
    uint32_t takes = properties ? act_value_len(properties) : 0;
    uint32_t count = given->args ? act_value_len(given->args) : 0;
    if (given->entered && takes == 0)
        return ACT_OK;
    if (count > takes)
        return act_error_set(err, ACT_ERR_INVALID, "it takes %u argument%s and is given %u", takes,
                             takes == 1 ? "" : "s", count);
    for (uint32_t i = 0; i < count; i++)
        act_value_map_put(
            all, act_value_key(properties, i),
            act_schema_lenient(act_value_at(properties, i), act_value_at(given->args, i)));
    return ACT_OK;
}

static enum act_err
by_name(const struct act_value *schema, const struct act_value *with, struct act_value *all,
        struct act_error *err)
{
    for (uint32_t i = 0; with && i < act_value_len(with); i++) {
        struct act_str name = act_value_key(with, i);
        const struct act_value *property = act_schema_property(schema, name);
        if (!property && !act_schema_is_open(schema))
            return act_error_set(err, ACT_ERR_INVALID, "it has no argument '%.*s'",
                                 name.len > 100 ? 100 : (int)name.len, name.ptr);
        if (act_value_get(all, name))
            return act_error_set(err, ACT_ERR_INVALID,
                                 "the argument '%.*s' is given twice, by `args` and by `with`",
                                 ACT_STR_ARG(name));
        act_value_map_put(all, name,
                          property ? act_schema_lenient(property, act_value_at(with, i))
                                   : act_value_retain(act_value_at(with, i)));
    }
    return ACT_OK;
}

/* What is not given has its default. */
static void
fill_defaults(const struct act_value *schema, struct act_value *all)
{
    const struct act_value *properties = act_schema_properties(schema);
    for (uint32_t i = 0; properties && i < act_value_len(properties); i++) {
        struct act_str name = act_value_key(properties, i);
        const struct act_value *otherwise =
            act_value_get(act_value_at(properties, i), ACT_STR("default"));
        if (otherwise && !act_value_get(all, name))
            act_value_map_put(all, name, act_value_retain(otherwise));
    }
}

static enum act_err
check(const struct act_value *schema, const struct act_value *all, struct act_error *err)
{
    const struct act_value *required = act_value_get(schema, ACT_STR("required"));
    struct act_error why = {0};
    for (uint32_t i = 0; required && i < act_value_len(required); i++) {
        struct act_str name = act_value_as_str(act_value_at(required, i));
        if (!act_value_get(all, name))
            return act_error_set(err, ACT_ERR_INVALID, "it wants the argument '%.*s'",
                                 ACT_STR_ARG(name));
    }
    enum act_err code = act_schema_check(schema, all, &why);
    if (code)
        act_error_set(err, code, "%s%s%s%s", why.place[0] ? "the argument '" : "", why.place,
                      why.place[0] ? "': " : "", why.message);
    return code;
}

enum act_err
act_plugin_arguments_write(const struct act_value *schema, const struct act_plugin_arguments *given,
                           struct act_buf *out, struct act_error *err)
{
    if (!schema) {
        write_as_it_is(given, out);
        return ACT_OK;
    }
    struct act_value *all = act_value_map();
    enum act_err code = by_position(schema, given, all, err);
    if (!code)
        code = by_name(schema, given->with, all, err);
    if (!code)
        fill_defaults(schema, all);
    if (!code)
        code = check(schema, all, err);
    if (!code)
        act_json_write(out, all, 0);
    act_value_release(all);
    return code;
}
