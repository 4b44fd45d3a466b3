#include "cli/history_gc.h"

#include "cli/store.h"
#include "dsl/plan.h"
#include "embed/retention.h"

#include <time.h>

#define HINT                                                                                       \
    "--keep N, --older-than DURATION, --max-size SIZE, or several; --dry-run shows what would go"

/* An option's duration in milliseconds; 0 if it is not given. */
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

/* Digits, and perhaps K, M, G or T, of 1,024 each. */
static bool
read_size(struct act_str text, uint64_t *ret)
{
    static const char units[] = "KMGT";
    unsigned shift = 0;
    uint64_t value = 0;
    if (text.len > 1) {
        const char *unit = memchr(units, text.ptr[text.len - 1], sizeof(units) - 1);
        shift = unit ? 10 * ((unsigned)(unit - units) + 1) : 0;
        text.len -= unit != NULL;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';
        if (digit > 9 || value > (UINT64_MAX >> shift) / 10 - 1)
            return false;
        value = value * 10 + digit;
    }
    *ret = value << shift;
    return text.len > 0;
}

static enum act_err
read_rules(struct act_cli *cli, struct act_retention *rules, struct act_error *err)
{
    struct act_str size = act_cli_text(cli, ACT_OPT_MAX_SIZE);
    rules->limited = size.len > 0;
    if (!rules->limited && act_cli_text(cli, ACT_OPT_KEEP).len == 0 &&
        act_cli_text(cli, ACT_OPT_OLDER_THAN).len == 0) {
        act_error_set(err, ACT_ERR_USAGE, "history gc needs to know what may go");
        act_error_hint(err, HINT);
        return ACT_ERR_USAGE;
    }
    if (rules->limited && !read_size(size, &rules->bytes)) {
        act_error_set(err, ACT_ERR_USAGE, "--max-size: '%.*s' is no size", ACT_STR_ARG(size));
        act_error_hint(err, "a number of bytes, or with K, M, G or T: --max-size 2G");
        return ACT_ERR_USAGE;
    }
    rules->keep = act_cli_number(cli, ACT_OPT_KEEP, 0);
    enum act_err code = read_age(cli, ACT_OPT_OLDER_THAN, "--older-than", &rules->age_ms, err);
    if (code == ACT_OK)
        code = read_age(cli, ACT_OPT_KEEP_FAILED, "--keep-failed", &rules->failed_age_ms, err);
    return code;
}

static int
say_removed(struct act_cli *cli, const act_retention_rows *removed)
{
    struct act_buf out = {0};
    bool dry = act_cli_flag(cli, ACT_OPT_DRY_RUN);
    uint64_t bytes = 0;
    if (cli->json)
        act_buf_printf(&out, "{\"dry_run\":%s,\"removed\":[", dry ? "true" : "false");
    for (uint32_t i = 0; i < removed->len; i++) {
        act_buf_printf(&out, cli->json ? "%s\"%.*s\"" : "%s%.*s\n", cli->json && i > 0 ? "," : "",
                       ACT_STR_ARG(removed->ptr[i].run));
        bytes += removed->ptr[i].bytes;
    }
    if (cli->json)
        act_buf_printf(&out, "],\"bytes\":%llu}\n", (unsigned long long)bytes);
    else
        act_buf_printf(&out, "%u run%s %s, %llu KiB\n", removed->len, removed->len == 1 ? "" : "s",
                       dry ? "would be removed" : "removed",
                       (unsigned long long)((bytes + 1023) / 1024));
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

int
act_history_gc(struct act_cli *cli)
{
    struct act_retention rules = {0};
    struct act_store *store = NULL;
    act_retention_rows removed = {0};
    struct act_error err = {0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    enum act_err code = read_rules(cli, &rules, &err);
    if (!code)
        code = act_cli_store(cli, false, &store, &err);
    if (!code)
        code =
            act_retention_apply(store, &rules, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                                act_cli_flag(cli, ACT_OPT_DRY_RUN), &cli->arena, &removed, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : say_removed(cli, &removed);
    act_vec_fini(&removed);
    if (store)
        store->ops->close(store);
    return exit_code;
}
