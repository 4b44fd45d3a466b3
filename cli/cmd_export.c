/* export and import: a run as one file. */
#include "cli/cmd.h"

#include "cli/store.h"
#include "embed/crate.h"

static int
say(struct act_cli *cli, const struct act_crate *crate, const char *done)
{
    struct act_buf out = {0};
    if (cli->json)
        act_buf_printf(&out,
                       "{\"run\":\"%.*s\",\"events\":%llu,\"files\":%llu,\"bytes\":%llu,"
                       "\"already\":%s}\n",
                       ACT_STR_ARG(crate->run), (unsigned long long)crate->events,
                       (unsigned long long)crate->files, (unsigned long long)crate->bytes,
                       crate->already ? "true" : "false");
    else if (crate->already)
        act_buf_printf(&out, "run %.*s is there already\n", ACT_STR_ARG(crate->run));
    else
        act_buf_printf(&out, "run %.*s %s: %llu events, %llu output file%s\n",
                       ACT_STR_ARG(crate->run), done, (unsigned long long)crate->events,
                       (unsigned long long)crate->files, crate->files == 1 ? "" : "s");
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

int
act_cmd_export(struct act_cli *cli)
{
    struct act_stored stored = {0};
    struct act_crate crate;
    struct act_error err = {0};
    struct act_str path = act_cli_text(cli, ACT_OPT_INTO);
    if (path.len == 0)
        return act_cli_usage(cli, "actant export RUN -o FILE; '-': standard output",
                             "export needs -o FILE: where the run goes");
    if (act_cli_stored(cli, act_cli_word(cli, 0), true, &stored, &err))
        return act_cli_fail(cli, &err);
    bool out = act_str_is(path, "-");
    enum act_err code =
        act_crate_export(&stored, path, act_cli_flag(cli, ACT_OPT_FORCE), &crate, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : out ? 0 : say(cli, &crate, "exported");
    act_cli_stored_close(&stored);
    return exit_code;
}

int
act_cmd_import(struct act_cli *cli)
{
    struct act_store *store = NULL;
    struct act_crate crate;
    struct act_error err = {0};
    if (act_cli_store(cli, false, &store, &err))
        return act_cli_fail(cli, &err);
    enum act_err code = act_crate_import(store, act_cli_word(cli, 0), &cli->arena, &crate, &err);
    store->ops->close(store);
    if (code)
        return act_cli_fail(cli, &err);
    if (crate.moved)
        act_cli_warn(cli,
                     "the folder that the run's workflow lay in is not here: a fork or rerun of "
                     "it runs in the current one");
    return say(cli, &crate, "imported");
}
