#include "cli/cmd.h"

#include "cli/session.h"
#include "cli/store.h"
#include "embed/inbox.h"
#include "embed/stored.h"

/* Is somebody running it? Then they are told; the row that was written is what cancels it, also if
 * they die before they see it. */
static enum act_err
tell_owner(struct act_cli *cli, struct act_store *store, struct act_run_row *row, bool *told,
           struct act_error *err)
{
    enum act_err code = store->ops->find_run(store, act_cli_word(cli, 0), &cli->arena, row, err);
    if (code)
        return code;
    if (act_stored_ended(row->status)) {
        act_error_set(err, ACT_ERR_USAGE, "run %.*s has ended already: %.*s", ACT_STR_ARG(row->run),
                      ACT_STR_ARG(row->status));
        return ACT_ERR_USAGE;
    }
    code = store->ops->own(store, row->run, err);
    if (!code) {
        store->ops->disown(store, row->run);
        return ACT_OK;
    }
    if (code != ACT_ERR_OWNED)
        return code;
    *told = true;
    return act_inbox_post(store, row->run, "cancel", ACT_STR(""), ACT_STR(""), err);
}

static int
say_told(struct act_cli *cli, const struct act_run_row *row)
{
    struct act_buf out = {0};
    if (cli->json)
        act_buf_printf(&out, "{\"run\":\"%.*s\",\"status\":\"cancelling\"}\n",
                       ACT_STR_ARG(row->run));
    else
        act_buf_printf(&out, "run %.*s was asked to cancel; actant logs -f %.*s follows it\n",
                       ACT_STR_ARG(row->run), ACT_STR_ARG(row->run));
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

int
act_cmd_cancel(struct act_cli *cli)
{
    struct act_error err = {0};
    struct act_store *store = NULL;
    struct act_run_row row = {0};
    bool told = false;
    enum act_err code = act_cli_store(cli, false, &store, &err);
    if (!code)
        code = tell_owner(cli, store, &row, &told, &err);
    if (store)
        store->ops->close(store);
    act_value_release(row.spec);
    act_value_release(row.from);
    if (code)
        return act_cli_fail(cli, &err);
    if (told)
        return say_told(cli, &row);
    return act_session_resume(cli, row.run, ACT_RESUME_CANCEL, act_str(NULL));
}
