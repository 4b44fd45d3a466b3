#include "cli/history_gc.h"

#include "cli/store.h"
#include "cli/term.h"
#include "dsl/plan.h"
#include "embed/retention.h"
#include "engine/port/clock.h"

#define HINT                                                                                       \
    "--keep N, --older-than DURATION, --max-size SIZE, or several; or `retention` in the "         \
    "workflow's file; --dry-run shows what would go"

static const struct {
    enum act_retention_rule rule;
    const char *name, *option;
} rules_told[] = {
    {ACT_RETENTION_KEEP, "keep", "--keep"},
    {ACT_RETENTION_AGE, "older_than", "--older-than"},
    {ACT_RETENTION_SIZE, "max_size", "--max-size"},
    {ACT_RETENTION_FAILED, "keep_failed", "--keep-failed"},
};
#define RULE_COUNT (sizeof(rules_told) / sizeof(rules_told[0]))

/* ---- what is asked -------------------------------------------------------------------------- */

/* An option's duration in milliseconds; untouched if it is not given. */
static enum act_err
read_age(struct act_cli *cli, enum act_opt option, const char *name, int64_t *ret,
         struct act_error *err)
{
    struct act_str text = act_cli_text(cli, option);
    if (text.len == 0)
        return ACT_OK;
    enum act_err code = act_duration_parse(text, ret, err);
    if (code != ACT_OK)
        act_error_place(err, "%s", name);
    return code;
}

static enum act_err
read_size(struct act_str text, uint64_t *ret, struct act_error *err)
{
    if (act_size_parse(text, ret, NULL) == ACT_OK)
        return ACT_OK;
    act_error_set(err, ACT_ERR_USAGE, "--max-size: '%.*s' is no size", ACT_STR_ARG(text));
    act_error_hint(err, "a number of bytes, or with K, M, G or T: --max-size 2G");
    return ACT_ERR_USAGE;
}

/* The options are rules if one of them lets runs go; else the workflows have theirs. */
static enum act_err
read_wish(struct act_cli *cli, struct act_retention *rules, struct act_retention_wish *wish,
          struct act_error *err)
{
    struct act_str size = act_cli_text(cli, ACT_OPT_MAX_SIZE);
    rules->limited = size.len > 0;
    bool given = rules->limited || act_cli_text(cli, ACT_OPT_KEEP).len > 0 ||
                 act_cli_text(cli, ACT_OPT_OLDER_THAN).len > 0;
    rules->keep = act_cli_number(cli, ACT_OPT_KEEP, 0);
    wish->failed_age_ms = -1;
    enum act_err code = rules->limited ? read_size(size, &rules->bytes, err) : ACT_OK;
    if (code == ACT_OK)
        code = read_age(cli, ACT_OPT_OLDER_THAN, "--older-than", &rules->age_ms, err);
    if (code == ACT_OK)
        code = read_age(cli, ACT_OPT_KEEP_FAILED, "--keep-failed", &wish->failed_age_ms, err);
    rules->failed_age_ms = wish->failed_age_ms > 0 ? wish->failed_age_ms : 0;
    wish->rules = given ? rules : NULL;
    wish->workflow = act_cli_text(cli, ACT_OPT_WORKFLOW);
    wish->dry = act_cli_flag(cli, ACT_OPT_DRY_RUN);
    return code;
}

/* ---- what is said --------------------------------------------------------------------------- */

static void
add_rules(struct act_buf *out, const struct act_retention_row *row, const char *quote)
{
    const char *comma = "";
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (!(row->rules & (unsigned)rules_told[i].rule))
            continue;
        act_buf_printf(out, "%s%s%s%s", comma, quote,
                       row->own || *quote ? rules_told[i].name : rules_told[i].option, quote);
        comma = *quote ? "," : ", ";
    }
    if (!*comma && !*quote)
        act_buf_add_cstr(out, "all ended runs go");
}

static void
add_json(struct act_buf *out, const act_retention_rows *removed)
{
    act_buf_add_cstr(out, "],\"because\":[");
    for (uint32_t i = 0; i < removed->len; i++) {
        const struct act_retention_row *row = &removed->ptr[i];
        act_buf_printf(out, "%s{\"run\":\"%.*s\",\"workflow\":", i > 0 ? "," : "",
                       ACT_STR_ARG(row->run));
        act_json_write_str(out, row->workflow);
        act_buf_printf(out, ",\"from\":\"%s\",\"rules\":[", row->own ? "workflow" : "options");
        add_rules(out, row, "\"");
        act_buf_printf(out, "],\"bytes\":%llu}", (unsigned long long)row->bytes);
    }
}

static void
add_line(struct act_buf *out, const struct act_retention_row *row)
{
    act_buf_printf(out, "%.*s  ", ACT_STR_ARG(row->run));
    act_safe_add(out, row->workflow);
    act_buf_add_cstr(out, row->own ? "  its retention: " : "  ");
    add_rules(out, row, "");
    act_buf_add_byte(out, '\n');
}

static int
say_removed(struct act_cli *cli, const act_retention_rows *removed, bool dry)
{
    struct act_buf out = {0};
    uint64_t bytes = 0;
    if (cli->json)
        act_buf_printf(&out, "{\"dry_run\":%s,\"removed\":[", dry ? "true" : "false");
    for (uint32_t i = 0; i < removed->len; i++) {
        if (cli->json)
            act_buf_printf(&out, "%s\"%.*s\"", i > 0 ? "," : "", ACT_STR_ARG(removed->ptr[i].run));
        else
            add_line(&out, &removed->ptr[i]);
        bytes += removed->ptr[i].bytes;
    }
    if (cli->json) {
        add_json(&out, removed);
        act_buf_printf(&out, "],\"bytes\":%llu}\n", (unsigned long long)bytes);
    } else {
        act_buf_printf(&out, "%u run%s %s, %llu KiB\n", removed->len, removed->len == 1 ? "" : "s",
                       dry ? "would be removed" : "removed",
                       (unsigned long long)((bytes + 1023) / 1024));
    }
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

int
act_history_gc(struct act_cli *cli)
{
    struct act_retention rules = {0};
    struct act_retention_wish wish = {0};
    struct act_store *store = NULL;
    act_retention_rows removed = {0};
    struct act_error err = {0};
    bool ruled = true;
    wish.now_ms = act_clock_wall_ms();
    enum act_err code = read_wish(cli, &rules, &wish, &err);
    if (!code)
        code = act_cli_store(cli, false, &store, &err);
    if (!code)
        code = act_retention_apply(store, &wish, &cli->arena, &removed, &ruled, &err);
    if (!code && !ruled) {
        code = act_error_set(&err, ACT_ERR_USAGE, "history gc needs to know what may go");
        act_error_hint(&err, HINT);
    }
    int exit_code = code ? act_cli_fail(cli, &err) : say_removed(cli, &removed, wish.dry);
    act_vec_fini(&removed);
    if (store)
        store->ops->close(store);
    return exit_code;
}
