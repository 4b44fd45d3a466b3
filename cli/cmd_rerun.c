/* rerun and fork: a new run of the same pinned spec with the same parameters. */
#include "cli/cmd.h"

#include "cli/session.h"
#include "cli/store.h"

/* {"run", "node"}: what the new run's document says it came from. */
static struct act_value *
origin(const struct act_stored *stored, struct act_str node)
{
    struct act_value *from = act_value_map();
    act_value_map_put(from, ACT_STR("run"), act_value_string(stored->row.run));
    act_value_map_put(from, ACT_STR("node"),
                      node.len > 0 ? act_value_string(node) : act_value_null());
    return from;
}

static int
start_again(struct act_cli *cli, struct act_stored *stored, const struct act_forking *fork)
{
    const struct act_value *spec = stored->row.spec;
    const struct act_value *params = spec ? act_value_get(spec, ACT_STR("params")) : NULL;
    const struct act_value *options = spec ? act_value_get(spec, ACT_STR("options")) : NULL;
    const struct act_value *folder = options ? act_value_get(options, ACT_STR("folder")) : NULL;
    struct act_value *from =
        origin(stored, fork ? act_cli_text(cli, ACT_OPT_FROM) : (struct act_str){0});
    struct act_start start = {
        .plan = stored->plan,
        .path = stored->row.path,
        .folder = folder ? act_value_as_str(folder) : ACT_STR("/"),
        .params = params ? act_value_retain(params) : act_value_map(),
        .from = from,
        .options = options ? act_value_retain(options) : NULL,
        .fork = fork,
    };
    /* The new run has a store of its own: one process, two connections would wait for each other. */
    stored->store->ops->close(stored->store);
    stored->store = NULL;
    int code = act_session_check_detach(cli);
    if (!code)
        code = act_cli_flag(cli, ACT_OPT_DETACH) ? act_session_detach(cli, &start)
                                                 : act_session_start(cli, &start);
    act_value_release(start.params);
    act_value_release(start.options);
    act_value_release(from);
    return code;
}

static int
dry_run(struct act_cli *cli, const struct act_stored *stored, const struct act_forking *fork)
{
    struct act_buf out = {0};
    act_plan_print(&out, stored->plan, cli->json ? ACT_PLAN_JSON : ACT_PLAN_TEXT);
    if (!cli->json && fork)
        act_buf_printf(
            &out, "\nwould reuse %u node%s of run %.*s and run from %.*s on; nothing was done\n",
            fork->plan.reused, fork->plan.reused == 1 ? "" : "s", ACT_STR_ARG(stored->row.run),
            ACT_STR_ARG(act_cli_text(cli, ACT_OPT_FROM)));
    else if (!cli->json)
        act_buf_printf(&out, "\nwould run this anew, as run %.*s did; nothing was done\n",
                       ACT_STR_ARG(stored->row.run));
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static int
go(struct act_cli *cli, struct act_stored *stored, const struct act_forking *fork)
{
    return act_cli_flag(cli, ACT_OPT_DRY_RUN) ? dry_run(cli, stored, fork)
                                              : start_again(cli, stored, fork);
}

int
act_cmd_rerun(struct act_cli *cli)
{
    struct act_stored stored = {0};
    struct act_error err = {0};
    if (act_cli_stored(cli, act_cli_word(cli, 0), false, &stored, &err))
        return act_cli_fail(cli, &err);
    int code = go(cli, &stored, NULL);
    act_cli_stored_close(&stored);
    return code;
}

int
act_cmd_fork(struct act_cli *cli)
{
    struct act_stored stored = {0};
    struct act_forking fork = {0};
    struct act_error err = {0};
    struct act_str node = act_cli_text(cli, ACT_OPT_FROM);
    if (node.len == 0)
        return act_cli_usage(cli, "`actant rerun RUN` starts all of it anew",
                             "fork needs --from NODE: where the new run begins");
    if (act_cli_stored(cli, act_cli_word(cli, 0), false, &stored, &err))
        return act_cli_fail(cli, &err);
    int code = act_forking_read(&stored, node, &fork, &err) ? act_cli_fail(cli, &err)
                                                            : go(cli, &stored, &fork);
    act_forking_fini(&fork);
    act_cli_stored_close(&stored);
    return code;
}
