#include "cli/store.h"

#include "embed/compose.h"

#include <string.h>

#define SEQ_DIGITS 18

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

static enum act_err
read_at(struct act_str text, uint64_t *ret, struct act_error *err)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || i >= SEQ_DIGITS)
            return act_error_set(err, ACT_ERR_USAGE,
                                 "--at wants the number of an event, not '%.*s'",
                                 ACT_STR_ARG(text));
        n = n * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *ret = n;
    return ACT_OK;
}

enum act_err
act_cli_stored_view(const struct act_cli *cli, struct act_stored *stored, struct act_error *err)
{
    struct act_str at = act_cli_text(cli, ACT_OPT_AT);
    uint64_t seq = 0;
    if (at.len == 0)
        return act_stored_view(stored, err);
    enum act_err code = read_at(at, &seq, err);
    return code == ACT_OK ? act_stored_view_at(stored, seq, err) : code;
}

static enum act_err
is_packed(void *self, struct act_str name, uint64_t offset, struct act_str bytes,
          struct act_error *err)
{
    (void)name, (void)offset, (void)bytes, (void)err;
    *(bool *)self = true;
    return ACT_ERR_EXISTS; /* one is enough */
}

void
act_cli_hint_import(const struct act_cli *cli, const struct act_stored *stored,
                    struct act_error *err)
{
    struct act_store *store = stored->store;
    bool packed = false;
    store->ops->read_outputs(store, stored->row.run, is_packed, &packed, NULL);
    if (packed)
        act_error_hint(err, "this is an exported run, its outputs are packed: `actant import %.*s`",
                       ACT_STR_ARG(act_cli_text(cli, ACT_OPT_DB)));
}

void
act_cli_stored_close(struct act_stored *stored)
{
    struct act_store *store = stored->store;
    act_stored_close(stored);
    if (store)
        store->ops->close(store);
}

int
act_cli_damage(const struct act_cli *cli, const struct act_view_out *view, int code)
{
    struct act_str rest = act_buf_str(&view->damage);
    while (rest.len > 0) {
        size_t len = (size_t)((const char *)memchr(rest.ptr, '\n', rest.len) - rest.ptr);
        struct act_error err = {0};
        act_error_set(&err, ACT_ERR_CORRUPT, "%.*s", (int)len, rest.ptr);
        rest = act_str_n(rest.ptr + len + 1, rest.len - len - 1);
        if (rest.len == 0)
            act_error_hint(&err, "`actant history verify RUN` says what else is wrong");
        code = act_cli_fail(cli, &err);
    }
    return code;
}

static void
drop(void *self, struct act_str bytes)
{
    (void)self;
    (void)bytes;
}

int
act_cli_stored_damage(const struct act_cli *cli, const struct act_stored *stored, int code)
{
    struct act_view_out view = {.write = drop, .blobs = act_stored_outputs(stored), .probe = true};
    act_stored_json(stored, &view);
    code = act_cli_damage(cli, &view, code);
    act_view_out_fini(&view);
    return code;
}
