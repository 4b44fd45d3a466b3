#include "cli/store.h"

#include "embed/compose.h"

static void
warn(void *self, const char *message)
{
    act_cli_warn(self, "%s", message);
}

enum act_durability
act_cli_durability(const struct act_cli *cli)
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
        .durability = act_cli_durability(cli),
        .warn = warn,
        .warn_self = cli,
    };
    return act_compose_store(&wish, ret, err);
}

enum act_err
act_cli_stored(struct act_cli *cli, struct act_str run, bool read_only, struct act_stored *ret,
               struct act_error *err)
{
    struct act_store *store = NULL;
    enum act_err code = act_cli_store(cli, read_only, &store, err);
    if (!code && (code = act_stored_open(store, run, ret, err)) != ACT_OK)
        store->ops->close(store);
    return code;
}

void
act_cli_stored_close(struct act_stored *stored)
{
    struct act_store *store = stored->store;
    act_stored_close(stored);
    if (store)
        store->ops->close(store);
}
