#include "cli/cmd.h"

#include "dsl/plan.h"
#include "engine/core/run.h"

int
act_cmd_version(struct act_cli *cli)
{
    if (!cli->json)
        return act_cli_print(cli, ACT_STR("actant " ACT_VERSION "\n"));
    struct act_value *row = act_value_map();
    act_value_map_put(row, ACT_STR("version"), act_value_cstring(ACT_VERSION));
    act_value_map_put(row, ACT_STR("plan"), act_value_int(ACT_PLAN_VERSION));
    act_value_map_put(row, ACT_STR("machine"), act_value_int(ACT_MACHINE_VERSION));
    int code = act_cli_print_json(cli, row);
    act_value_release(row);
    return code;
}
