#include "cli/history_gc.h"

#include "cli/store.h"
#include "embed/stored.h"

#include <time.h>

struct gc {
    struct act_cli *cli;
    struct act_store *store;
    act_run_rows rows;
    int64_t before_ms; /* only what ended before; INT64_MAX: whenever */
    uint32_t keep;
    struct act_strs removed;
};

static enum act_err
read_limits(struct gc *gc, struct act_error *err)
{
    struct act_str age = act_cli_text(gc->cli, ACT_OPT_OLDER_THAN);
    bool keeps = act_cli_text(gc->cli, ACT_OPT_KEEP).len > 0;
    int64_t ms;
    struct timespec now;
    if (age.len == 0 && !keeps) {
        act_error_set(err, ACT_ERR_USAGE, "history gc needs to know what may go");
        act_error_hint(err,
                       "--keep N, --older-than DURATION, or both; --dry-run shows what would go");
        return ACT_ERR_USAGE;
    }
    gc->keep = act_cli_number(gc->cli, ACT_OPT_KEEP, 0);
    gc->before_ms = INT64_MAX;
    if (age.len == 0)
        return ACT_OK;
    enum act_err code = act_duration_parse(age, &ms, err);
    if (code) {
        act_error_place(err, "--older-than");
        return code;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    gc->before_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - ms;
    return ACT_OK;
}

/* Newest first: the first `keep` ended ones stay. */
static enum act_err
remove_runs(struct gc *gc, struct act_error *err)
{
    uint32_t ended = 0;
    bool dry = act_cli_flag(gc->cli, ACT_OPT_DRY_RUN);
    for (uint32_t i = 0; i < gc->rows.len; i++) {
        const struct act_run_row *row = &gc->rows.ptr[i];
        if (!act_stored_ended(row->status) || ended++ < gc->keep || row->ended_ms >= gc->before_ms)
            continue;
        enum act_err code = dry ? ACT_OK : gc->store->ops->remove_run(gc->store, row->run, err);
        if (code == ACT_ERR_OWNED || code == ACT_ERR_NOT_FOUND)
            continue; /* somebody retries or removes it at this moment */
        if (code)
            return code;
        act_vec_push(&gc->removed, row->run);
    }
    return ACT_OK;
}

static int
say_removed(struct gc *gc)
{
    struct act_buf out = {0};
    bool dry = act_cli_flag(gc->cli, ACT_OPT_DRY_RUN);
    if (gc->cli->json)
        act_buf_printf(&out, "{\"dry_run\":%s,\"removed\":[", dry ? "true" : "false");
    for (uint32_t i = 0; i < gc->removed.len; i++)
        act_buf_printf(&out, gc->cli->json ? "%s\"%.*s\"" : "%s%.*s\n",
                       gc->cli->json && i > 0 ? "," : "", ACT_STR_ARG(gc->removed.ptr[i]));
    if (gc->cli->json)
        act_buf_add_cstr(&out, "]}\n");
    else
        act_buf_printf(&out, "%u run%s %s\n", gc->removed.len, gc->removed.len == 1 ? "" : "s",
                       dry ? "would be removed" : "removed");
    int code = act_cli_print(gc->cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

int
act_history_gc(struct act_cli *cli)
{
    struct gc gc = {.cli = cli};
    struct act_error err = {0};
    enum act_err code = read_limits(&gc, &err);
    if (!code)
        code = act_cli_store(cli, false, &gc.store, &err);
    if (!code)
        code = gc.store->ops->list_runs(gc.store, ACT_STR(""), ACT_STR(""), 0, &cli->arena,
                                        &gc.rows, &err);
    if (!code)
        code = remove_runs(&gc, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : say_removed(&gc);
    for (uint32_t i = 0; i < gc.rows.len; i++) {
        act_value_release(gc.rows.ptr[i].spec);
        act_value_release(gc.rows.ptr[i].from);
    }
    act_vec_fini(&gc.rows);
    act_vec_fini(&gc.removed);
    if (gc.store)
        gc.store->ops->close(gc.store);
    return exit_code;
}
