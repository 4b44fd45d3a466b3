#include "cli/params.h"

static enum act_err
split(struct act_str given, struct act_str *name, struct act_str *value, struct act_error *err)
{
    const char *equals = given.len > 0 ? memchr(given.ptr, '=', given.len) : NULL;
    if (!equals || equals == given.ptr) {
        act_error_set(err, ACT_ERR_USAGE, "-p '%.*s' has no name and value", ACT_STR_ARG(given));
        act_error_hint(err, "write -p NAME=VALUE");
        return ACT_ERR_USAGE;
    }
    size_t len = (size_t)(equals - given.ptr);
    *name = act_str_n(given.ptr, len);
    *value = act_str_n(equals + 1, given.len - len - 1);
    return ACT_OK;
}

static void
hint_missing(const struct act_value *declared, const struct act_value *given, struct act_error *err)
{
    struct act_buf flags = {0};
    for (uint32_t i = 0; i < act_value_len(declared) && flags.len < 180; i++) {
        struct act_str name = act_value_key(declared, i);
        if (act_param_required(act_value_at(declared, i)) && !act_value_get(given, name))
            act_buf_printf(&flags, " -p %.*s=…", ACT_STR_ARG(name));
    }
    if (flags.len > 0)
        act_error_hint(err, "add%s", flags.ptr);
    act_buf_fini(&flags);
}

enum act_err
act_params_gather(struct act_cli *cli, const struct act_plan *plan, struct act_value **ret,
                  struct act_error *err)
{
    struct act_strs texts = act_cli_list(cli, ACT_OPT_PARAM);
    const struct act_value *declared = plan->exprs.literals.ptr[plan->params];
    struct act_value *given = act_value_map();
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; !code && i < texts.len; i++) {
        struct act_str name, value;
        code = split(texts.ptr[i], &name, &value, err);
        if (!code && act_value_get(given, name))
            code = act_error_set(err, ACT_ERR_USAGE, "-p %.*s is given twice", ACT_STR_ARG(name));
        if (!code)
            act_value_map_put(given, name, act_value_string(value));
    }
    if (!code && (code = act_params_check(declared, given, ret, err)) != ACT_OK)
        hint_missing(declared, given, err);
    act_value_release(given);
    return code;
}
