#include "cli/cmd.h"

#include "dsl/expr.h"
#include "embed/hash_files.h"
#include "embed/input.h"
#include "engine/port/clock.h"

#include <limits.h>
#include <unistd.h>

static enum act_err
find_name(void *self, struct act_str name, struct act_value **ret, struct act_error *err)
{
    const struct act_value *context = self;
    const struct act_value *found = context ? act_value_iget(context, name) : NULL;
    if (found) {
        *ret = act_value_retain(found);
        return ACT_OK;
    }
    act_error_set(err, ACT_ERR_EVAL, "unknown name '%.*s'", ACT_STR_ARG(name));
    act_error_hint(err, "--context FILE says what the names are: a JSON object, one member a name");
    return ACT_ERR_EVAL;
}

static enum act_err
hash_files(void *self, const struct act_value *patterns, struct act_value **ret,
           struct act_error *err)
{
    char here[PATH_MAX];
    (void)self;
    if (!getcwd(here, sizeof(here)))
        return act_error_set(err, ACT_ERR_EVAL, "the working folder is gone");
    return act_hash_files(act_str(here), patterns, ret, err);
}

static int
fail_parse(struct act_cli *cli, struct act_str text, const struct act_expr_problem *problem)
{
    struct act_buf line = {0};
    size_t column = 0; /* characters before the mistake */
    for (uint32_t i = 0; i < problem->offset && i < text.len; i++)
        column += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    if (text.len > 0)
        act_buf_printf(&line, "\n  %.*s\n  %*s^", ACT_STR_ARG(text), (int)column, "");
    int code = act_cli_usage(cli, problem->help, "column %zu: %s%.*s", column + 1, problem->message,
                             ACT_STR_ARG(act_buf_str(&line)));
    act_buf_fini(&line);
    return code;
}

static int
print_value(struct act_cli *cli, const struct act_value *value)
{
    struct act_buf out = {0};
    if (cli->json)
        act_json_write(&out, value, 0);
    else
        act_value_text(&out, value);
    act_buf_add_byte(&out, '\n');
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static enum act_err
load_context(struct act_cli *cli, struct act_value **ret, struct act_error *err)
{
    struct act_str path = act_cli_text(cli, ACT_OPT_CONTEXT);
    struct act_str text;
    if (path.len == 0)
        return ACT_OK;
    enum act_err code = act_input_read(path, &cli->arena, &text, err);
    if (!code && (code = act_json_parse(text, 0, ret, err)) != ACT_OK)
        act_error_place(err, "%.*s", ACT_STR_ARG(path));
    if (!code && act_value_type(*ret) != ACT_MAP) {
        code = act_error_set(err, ACT_ERR_INVALID, "the context is no JSON object");
        act_error_place(err, "%.*s", ACT_STR_ARG(path));
        act_error_hint(err, "{\"params\": {\"n\": 1}} lets the expression say params.n");
    }
    return code;
}

static int
evaluate(struct act_cli *cli, struct act_value *context, struct act_str text)
{
    struct act_expr_pool pool = {0};
    struct act_expr_id id;
    struct act_expr_problem problem = {0};
    struct act_error err = {0};
    struct act_value *value = NULL;
    int code;
    struct act_expr_env env = {
        .self = context,
        .name = find_name,
        .hash_files = hash_files,
        .now_ms = act_clock_wall_ms(),
    };
    if (act_expr_parse(&pool, text, 0, &id, &problem)) {
        code = fail_parse(cli, text, &problem);
    } else if (act_expr_eval(&pool, id, &env, &value, &err)) {
        act_cli_fail(cli, &err);
        code = ACT_EXIT_USAGE;
    } else {
        code = print_value(cli, value);
    }
    act_value_release(value);
    act_expr_pool_fini(&pool);
    return code;
}

int
act_cmd_eval(struct act_cli *cli)
{
    struct act_value *context = NULL;
    struct act_error err = {0};
    enum act_err code = load_context(cli, &context, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : evaluate(cli, context, act_cli_word(cli, 0));
    act_value_release(context);
    return exit_code;
}
