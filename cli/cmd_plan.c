#include "cli/cmd.h"

#include "cli/spec_report.h"

static enum act_plan_format
format_of(const struct act_cli *cli)
{
    struct act_str name = act_cli_text(cli, ACT_OPT_OUTPUT);
    if (act_str_is(name, "json") || (name.len == 0 && cli->json))
        return ACT_PLAN_JSON;
    if (act_str_is(name, "dot"))
        return ACT_PLAN_DOT;
    if (act_str_is(name, "mermaid"))
        return ACT_PLAN_MERMAID;
    return ACT_PLAN_TEXT;
}

int
act_cmd_plan(struct act_cli *cli)
{
    struct act_spec spec = {0};
    struct act_error err = {0};
    int code = act_spec_load(&spec, act_cli_word(cli, 0), &err) ? act_cli_fail(cli, &err)
                                                                : act_spec_report(cli, &spec);
    if (!code) {
        struct act_buf out = {0};
        act_plan_print(&out, spec.compiled.plan, format_of(cli));
        if (out.len > 0 && out.ptr[out.len - 1] != '\n')
            act_buf_add_byte(&out, '\n');
        code = act_cli_print(cli, act_buf_str(&out));
        act_buf_fini(&out);
    }
    act_spec_fini(&spec);
    return code;
}
