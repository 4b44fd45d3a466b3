#include "cli/cmd.h"

#include "dsl/compile.h"

int
act_cmd_schema(struct act_cli *cli)
{
    struct act_buf out = {0};
    act_schema_print(&out);
    if (out.len > 0 && out.ptr[out.len - 1] != '\n')
        act_buf_add_byte(&out, '\n');
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}
