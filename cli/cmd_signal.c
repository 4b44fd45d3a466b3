#include "cli/cmd.h"

#include "cli/store.h"
#include "embed/inbox.h"
#include "embed/stored.h"

static enum act_err
check_json(struct act_str body, struct act_error *err)
{
    struct act_value *value = NULL;
    struct act_error why = {0};
    if (body.len == 0)
        return ACT_OK;
    if (act_json_parse(body, 0, &value, &why)) {
        act_error_set(err, ACT_ERR_USAGE, "the signal's value is no JSON: %s", why.message);
        act_error_hint(err, "a text needs its quotes past the shell: '\"text\"'");
        return ACT_ERR_USAGE;
    }
    act_value_release(value);
    return ACT_OK;
}

static int
say_sent(struct act_cli *cli, struct act_str name, const struct act_run_row *row)
{
    struct act_buf out = {0};
    bool lives = act_str_is(row->status, "running");
    if (cli->json) {
        act_buf_printf(&out, "{\"run\":\"%.*s\",\"signal\":", ACT_STR_ARG(row->run));
        act_json_write_str(&out, name);
        act_buf_printf(&out, ",\"status\":\"%.*s\"}\n", ACT_STR_ARG(row->status));
    } else {
        act_buf_printf(&out, "sent '%.*s' to run %.*s", ACT_STR_ARG(name), ACT_STR_ARG(row->run));
        if (!lives)
            act_buf_printf(&out,
                           ", which is %.*s: it is taken when the run goes on (actant resume "
                           "%.*s%s)",
                           ACT_STR_ARG(row->status), ACT_STR_ARG(row->run),
                           act_str_is(row->status, "quarantined") ? " --quarantined" : "");
        act_buf_add_byte(&out, '\n');
    }
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static enum act_err
send(struct act_store *store, struct act_run_row *row, struct act_cli *cli, struct act_error *err)
{
    enum act_err code = store->ops->find_run(store, act_cli_word(cli, 0), &cli->arena, row, err);
    if (!code && act_stored_ended(row->status)) {
        act_error_set(err, ACT_ERR_USAGE, "run %.*s has ended: %.*s", ACT_STR_ARG(row->run),
                      ACT_STR_ARG(row->status));
        act_error_hint(err, "nothing waits for a signal there");
        return ACT_ERR_USAGE;
    }
    if (!code)
        code = act_inbox_post(store, row->run, "signal", act_cli_word(cli, 1), act_cli_word(cli, 2),
                              err);
    return code;
}

int
act_cmd_signal(struct act_cli *cli)
{
    struct act_error err = {0};
    struct act_store *store = NULL;
    struct act_run_row row = {0};
    enum act_err code = check_json(act_cli_word(cli, 2), &err);
    if (!code)
        code = act_cli_store(cli, false, &store, &err);
    if (!code)
        code = send(store, &row, cli, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : say_sent(cli, act_cli_word(cli, 1), &row);
    act_value_release(row.spec);
    act_value_release(row.from);
    if (store)
        store->ops->close(store);
    return exit_code;
}
