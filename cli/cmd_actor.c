/* Global actors: what the database keeps of them, and how to forget it. */
#include "cli/cmd.h"

#include "cli/store.h"
#include "dsl/plan.h"
#include "engine/port/store.h"

#include <inttypes.h>

static void
add_json(struct act_buf *out, const act_actor_rows *rows)
{
    act_buf_add_cstr(out, "{\"actors\":[");
    for (uint32_t i = 0; i < rows->len; i++) {
        const struct act_actor_row *row = &rows->ptr[i];
        act_buf_add_cstr(out, i ? ",{\"actor\":" : "{\"actor\":");
        act_json_write_str(out, row->name);
        act_buf_printf(out,
                       ",\"definition\":\"%.*s\",\"version\":%" PRIu64 ",\"bytes\":%" PRIu64
                       ",\"saved_at\":\"",
                       ACT_STR_ARG(row->definition), row->version, row->bytes);
        act_instant_text(out, row->at_ms);
        act_buf_add_cstr(out, "\"}");
    }
    act_buf_add_cstr(out, "]}\n");
}

static void
add_text(struct act_buf *out, const act_actor_rows *rows)
{
    for (uint32_t i = 0; i < rows->len; i++) {
        const struct act_actor_row *row = &rows->ptr[i];
        act_buf_printf(out, "%-24.*s  version %-8" PRIu64 "  %10" PRIu64 " bytes  saved ",
                       ACT_STR_ARG(row->name), row->version, row->bytes);
        act_instant_text(out, row->at_ms);
        act_buf_printf(out, "  %.*s\n", 8, row->definition.ptr);
    }
}

static int
list(struct act_cli *cli, struct act_store *store)
{
    struct act_error err = {0};
    act_actor_rows rows = {0};
    struct act_buf out = {0};
    int exit_code;
    if (store->ops->list_actors(store, &cli->arena, &rows, &err)) {
        exit_code = act_cli_fail(cli, &err);
    } else {
        (cli->json ? add_json : add_text)(&out, &rows);
        exit_code = act_cli_print(cli, act_buf_str(&out));
    }
    act_buf_fini(&out);
    act_vec_fini(&rows);
    return exit_code;
}

static int
reset(struct act_cli *cli, struct act_store *store)
{
    struct act_str name = act_cli_word(cli, 1);
    struct act_error err = {0};
    struct act_buf out = {0};
    uint32_t removed = 0;
    enum act_err code = store->ops->remove_actor(store, name, &removed, &err);
    if (!code && removed == 0) {
        code = act_error_set(&err, ACT_ERR_USAGE, "there is no global actor '%.*s' with a state",
                             ACT_STR_ARG(name));
        act_error_hint(&err, "`actant actor list` names them");
    }
    if (code)
        return act_cli_fail(cli, &err);
    if (cli->json) {
        act_buf_add_cstr(&out, "{\"actor\":");
        act_json_write_str(&out, name);
        act_buf_printf(&out, ",\"removed\":%u}\n", removed);
    } else {
        act_buf_printf(&out, "forgot the state of '%.*s': the next call makes it anew\n",
                       ACT_STR_ARG(name));
    }
    int exit_code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return exit_code;
}

static const struct verb {
    struct act_cli_verb shown;
    uint32_t words; /* after the verb */
    int (*run)(struct act_cli *cli, struct act_store *store);
} verbs[] = {
    {{"list", "", "which there are; also without a verb", ACT_WORD_NONE}, 0, list},
    {{"reset", "NAME", "forget one: the next call makes it anew", ACT_WORD_NONE}, 1, reset},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

const struct act_cli_verb *
act_actor_verb_at(size_t index)
{
    return index < VERB_COUNT ? &verbs[index].shown : NULL;
}

int
act_cmd_actor(struct act_cli *cli)
{
    uint32_t words = cli->args.words.len;
    const struct verb *verb = words == 0 ? &verbs[0] : NULL;
    for (size_t i = 0; !verb && i < VERB_COUNT; i++)
        if (act_str_is(act_cli_word(cli, 0), verbs[i].shown.name) && words == 1 + verbs[i].words)
            verb = &verbs[i];
    if (!verb)
        return act_cli_usage(cli, "actant actor list, or: actant actor reset NAME",
                             "`actant actor` does not know these words");
    struct act_error err = {0};
    struct act_store *store = NULL;
    if (act_cli_store(cli, false, &store, &err))
        return act_cli_fail(cli, &err);
    int exit_code = verb->run(cli, store);
    store->ops->close(store);
    return exit_code;
}
