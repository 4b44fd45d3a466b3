#include "cli/spec_report.h"

#include "cli/github.h"

#include <unistd.h>

int
act_spec_report(const struct act_cli *cli, const struct act_spec *spec)
{
    const struct act_compiled *compiled = &spec->compiled;
    if (compiled->diags.list.len > 0) {
        struct act_buf out = {0};
        act_diags_print(&out, &compiled->diags, &compiled->sources, ACT_DIAG_PRETTY, cli->color);
        if (act_github_is_on())
            act_diags_print(&out, &compiled->diags, &compiled->sources, ACT_DIAG_GITHUB, false);
        act_write_all(STDERR_FILENO, act_buf_str(&out));
        act_buf_fini(&out);
    }
    return compiled->plan ? 0 : ACT_EXIT_USAGE;
}

int
act_spec_refuse_unsupported(const struct act_plan *plan)
{
    struct act_buf out = {0};
    act_spec_unsupported(plan, &out);
    if (out.len == 0)
        return 0;
    act_buf_add_cstr(&out, "help: `actant validate` and `actant plan` take the file; this version "
                           "cannot run these parts of it, so it runs none\n");
    act_write_all(STDERR_FILENO, act_buf_str(&out));
    act_buf_fini(&out);
    return ACT_EXIT_USAGE;
}
