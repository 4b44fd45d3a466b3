#include "cli/store.h"

#include "embed/compose.h"

static void
warn(void *self, const char *message)
{
    act_cli_warn(self, "%s", message);
}

static enum act_durability
durability(const struct act_cli *cli)
{
    struct act_str level = act_cli_text(cli, ACT_OPT_DURABILITY);
    if (act_str_is(level, "off"))
        return ACT_DURABLE_OFF;
    return act_str_is(level, "power") ? ACT_DURABLE_POWER : ACT_DURABLE_PROCESS;
}

enum act_err
act_cli_store(struct act_cli *cli, bool read_only, struct act_store **ret, struct act_error *err)
{
    struct act_store_wish wish = {
        .db = act_cli_text(cli, ACT_OPT_DB),
        .read_only = read_only,
        .durability = durability(cli),
        .warn = warn,
        .warn_self = cli,
    };
    return act_compose_store(&wish, ret, err);
}
