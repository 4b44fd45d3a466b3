#include "cli/cmd.h"

#include "cli/history_gc.h"
#include "cli/store.h"
#include "cli/term.h"
#include "embed/stored.h"
#include "embed/verify.h"
#include "engine/view/view_diff.h"
#include "engine/view/view_text.h"

#include <unistd.h>

#define LIST_ROWS 20
#define QUOTED(n) #n
#define TEXT_OF(n) QUOTED(n)

struct verb {
    struct act_cli_verb shown;
    uint32_t words; /* after the verb */
    const enum act_opt *takes;
    int (*run)(struct act_cli *cli);
};

static struct act_view_style
style_of(const struct act_cli *cli)
{
    return (struct act_view_style){
        .color = act_term_color(act_cli_text(cli, ACT_OPT_COLOR), STDOUT_FILENO)};
}

/* Ends a view's output: what is left of it, and whether all of it could be written. */
static int
end_view(struct act_cli *cli, struct act_view_out *view, struct act_out *out, int code)
{
    struct act_error err = {0};
    act_view_out_flush(view, true);
    code = act_cli_damage(cli, view, code);
    act_view_out_fini(view);
    return act_out_fini(out, &err) ? act_cli_fail(cli, &err) : code;
}

static enum act_err
read_rows(struct act_cli *cli, uint32_t limit, act_run_rows *ret, struct act_error *err)
{
    struct act_store *store = NULL;
    enum act_err code = act_cli_store(cli, true, &store, err);
    if (!code)
        code =
            store->ops->list_runs(store, act_cli_text(cli, ACT_OPT_WORKFLOW),
                                  act_cli_text(cli, ACT_OPT_STATUS), limit, &cli->arena, ret, err);
    if (store)
        store->ops->close(store);
    return code == ACT_ERR_NOT_FOUND && !store ? ACT_OK : code; /* nothing has ever run */
}

static int
print_rows(struct act_cli *cli, const act_run_rows *rows)
{
    struct act_out out;
    act_out_init(&out, STDOUT_FILENO);
    struct act_view_out view = {.write = act_out_sink, .self = &out};
    if (cli->json)
        act_view_list_json(&view, rows);
    else
        act_view_list_text(&view, rows, style_of(cli));
    return end_view(cli, &view, &out, 0);
}

/* Without a limit people are shown a page; one row more is read, to tell whether that is all. */
static int
list(struct act_cli *cli)
{
    static const char more[] =
        "the newest " TEXT_OF(LIST_ROWS) "; there are more: --limit N, or --limit 0 for all\n";
    struct act_error err = {0};
    act_run_rows rows = {0};
    bool page = !cli->json && act_cli_text(cli, ACT_OPT_LIMIT).len == 0;
    enum act_err code =
        read_rows(cli, page ? LIST_ROWS + 1 : act_cli_number(cli, ACT_OPT_LIMIT, 0), &rows, &err);
    act_run_rows shown = rows;
    bool cut = page && rows.len > LIST_ROWS;
    shown.len = cut ? LIST_ROWS : rows.len;
    int exit_code = code ? act_cli_fail(cli, &err) : print_rows(cli, &shown);
    if (cut && exit_code == 0)
        act_write_all(STDERR_FILENO, act_str(more));
    for (uint32_t i = 0; i < rows.len; i++) {
        act_value_release(rows.ptr[i].spec);
        act_value_release(rows.ptr[i].from);
    }
    act_vec_fini(&rows);
    return exit_code;
}

static int
show(struct act_cli *cli)
{
    struct act_stored stored = {0};
    struct act_error err = {0};
    enum act_err code = act_cli_stored(cli, act_cli_word(cli, 1), true, &stored, &err);
    if (!code)
        code = act_cli_stored_view(cli, &stored, &err);
    int exit_code;
    if (code) {
        exit_code = act_cli_fail(cli, &err);
    } else {
        struct act_out out;
        struct act_view_document doc;
        act_out_init(&out, STDOUT_FILENO);
        struct act_view_out view = {
            .write = act_out_sink, .self = &out, .blobs = act_stored_outputs(&stored)};
        act_view_document_fill(&doc, &stored.row, &stored.view);
        if (cli->json)
            act_view_document_json(&view, &doc, &stored.view);
        else
            act_view_show_text(&view, &doc, &stored.view, style_of(cli));
        exit_code = end_view(cli, &view, &out, 0);
        if (!cli->json)
            exit_code = act_cli_stored_damage(cli, &stored, exit_code);
    }
    act_cli_stored_close(&stored);
    return exit_code;
}

struct events {
    const struct act_cli *cli;
    const struct act_stored *stored;
    struct act_view_out *out;
};

static void
print_event(void *self, const struct act_event *event)
{
    struct events *e = self;
    if (e->cli->json) {
        act_event_json(&e->out->buf, e->stored->plan, event);
        act_buf_add_byte(&e->out->buf, '\n');
    } else {
        act_view_event_text(e->out, e->stored->plan, event);
    }
    act_view_out_flush(e->out, false);
}

static int
events(struct act_cli *cli)
{
    struct act_stored stored = {0};
    struct act_error err = {0};
    enum act_err code = act_cli_stored(cli, act_cli_word(cli, 1), true, &stored, &err);
    struct act_out out;
    act_out_init(&out, STDOUT_FILENO);
    struct act_view_out view = {.write = act_out_sink, .self = &out};
    struct events e = {cli, &stored, &view};
    if (!code)
        code = act_stored_events(&stored, 1, print_event, &e, &err);
    int exit_code = end_view(cli, &view, &out, 0);
    if (code)
        exit_code = act_cli_fail(cli, &err);
    act_cli_stored_close(&stored);
    return exit_code;
}

static void
print_diff(struct act_cli *cli, struct act_view_out *out, const struct act_stored sides[2],
           bool *same)
{
    struct act_view_document docs[2];
    struct act_view_side pair[2];
    for (int i = 0; i < 2; i++) {
        act_view_document_fill(&docs[i], &sides[i].row, &sides[i].view);
        pair[i] = (struct act_view_side){&docs[i], &sides[i].view, act_stored_outputs(&sides[i])};
    }
    if (cli->json)
        act_view_diff_json(out, &pair[0], &pair[1], same);
    else
        act_view_diff_text(out, &pair[0], &pair[1], style_of(cli), same);
}

/* Exit code 0 whether they differ or not: it answers a question, it is no test. */
static int
diff(struct act_cli *cli)
{
    struct act_stored sides[2] = {0};
    struct act_error err = {0};
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; !code && i < 2; i++) {
        code = act_cli_stored(cli, act_cli_word(cli, 1 + i), true, &sides[i], &err);
        if (!code)
            code = act_stored_view(&sides[i], &err);
    }
    int exit_code;
    if (code) {
        exit_code = act_cli_fail(cli, &err);
    } else {
        struct act_out out;
        bool same = false;
        act_out_init(&out, STDOUT_FILENO);
        struct act_view_out view = {.write = act_out_sink, .self = &out, .blobs = sides[0].blobs};
        print_diff(cli, &view, sides, &same);
        exit_code = end_view(cli, &view, &out, 0);
        for (uint32_t i = 0; i < 2; i++)
            exit_code = act_cli_stored_damage(cli, &sides[i], exit_code);
    }
    act_cli_stored_close(&sides[0]);
    act_cli_stored_close(&sides[1]);
    return exit_code;
}

/* Exit code 1: something is wrong with the log, its plan or its files; the sequence number is named. */
static int
not_verified(struct act_cli *cli, struct act_str run, const struct act_verified *verified,
             const struct act_error *err)
{
    struct act_buf out = {0};
    int code = act_cli_fail(cli, err);
    if (err->code != ACT_ERR_CORRUPT)
        return code;
    if (cli->json) {
        act_buf_add_cstr(&out, "{\"run\":");
        act_json_write_str(&out, run);
        act_buf_printf(&out, ",\"events\":%llu,\"verified\":false,\"seq\":%llu,\"problem\":",
                       (unsigned long long)verified->events, (unsigned long long)verified->seq);
        act_json_write_str(&out, act_str(err->message));
        act_buf_add_cstr(&out, "}\n");
        act_cli_print(cli, act_buf_str(&out));
    }
    act_buf_fini(&out);
    return ACT_EXIT_FAILED;
}

static int
verified_well(struct act_cli *cli, const struct act_stored *stored,
              const struct act_verified *verified)
{
    struct act_buf out = {0};
    act_buf_printf(&out,
                   cli->json ? "{\"run\":\"%.*s\",\"events\":%llu,\"verified\":true}\n"
                             : "run %.*s: %llu events, whole, and replay gives the same\n",
                   ACT_STR_ARG(stored->row.run), (unsigned long long)verified->events);
    if (!cli->json && !verified->over)
        act_buf_add_cstr(&out,
                         "it has not ended: if events were cut off behind these, nothing tells\n");
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static int
verify(struct act_cli *cli)
{
    struct act_stored stored = {0};
    struct act_verified verified = {.seq = 1}; /* where the plan is named */
    struct act_error err = {0};
    int exit_code;
    if (act_cli_stored(cli, act_cli_word(cli, 1), true, &stored, &err))
        exit_code = not_verified(cli, act_cli_word(cli, 1), &verified, &err); /* as it was given */
    else if (act_verify(&stored, &verified, &err)) {
        act_cli_hint_import(cli, &stored, &err);
        exit_code = not_verified(cli, stored.row.run, &verified, &err);
    } else {
        exit_code = verified_well(cli, &stored, &verified);
    }
    act_cli_stored_close(&stored);
    return exit_code;
}

#define TAKES(...) ((const enum act_opt[]){__VA_ARGS__, ACT_OPT_DB, ACT_OPT_NONE})
static const enum act_opt no_options[] = {ACT_OPT_DB, ACT_OPT_NONE};

static const struct verb verbs[] = {
    {{"list", "",
      "the runs, newest first; without --limit " TEXT_OF(LIST_ROWS) " of them, with --json all",
      ACT_WORD_NONE},
     0,
     TAKES(ACT_OPT_LIMIT, ACT_OPT_WORKFLOW, ACT_OPT_STATUS),
     list},
    {{"show", "RUN", "a run and its nodes", ACT_WORD_RUN}, 1, TAKES(ACT_OPT_AT), show},
    {{"events", "RUN", "everything that was logged, a line an event", ACT_WORD_RUN},
     1,
     no_options,
     events},
    {{"diff", "A B", "what two runs did differently", ACT_WORD_RUN}, 2, no_options, diff},
    {{"verify", "RUN", "check plan, hash chain, files, and replay: 0, or 1 and where",
      ACT_WORD_RUN},
     1,
     no_options,
     verify},
    {{"gc", "",
      "remove ended runs: what workflows' `retention` or --keep, --older-than, --max-size let go",
      ACT_WORD_NONE},
     0,
     TAKES(ACT_OPT_WORKFLOW, ACT_OPT_KEEP, ACT_OPT_OLDER_THAN, ACT_OPT_MAX_SIZE,
           ACT_OPT_KEEP_FAILED, ACT_OPT_DRY_RUN),
     act_history_gc},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

const struct act_cli_verb *
act_history_verb_at(size_t index)
{
    return index < VERB_COUNT ? &verbs[index].shown : NULL;
}

static int
unknown_verb(struct act_cli *cli, struct act_str word)
{
    const char *names[VERB_COUNT];
    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = verbs[i].shown.name;
    const char *near = act_nearest_name(word, names, VERB_COUNT);
    struct act_buf hint = {0};
    act_buf_printf(&hint,
                   near ? "did you mean `actant history %s`?"
                        : "list, show, events, diff, verify or gc%s",
                   near ? near : "");
    int code = act_cli_usage(cli, hint.ptr, "unknown verb '%.*s'", ACT_STR_ARG(word));
    act_buf_fini(&hint);
    return code;
}

/* What it takes, and no more: who says which runs must not get all. */
static int
check_use(struct act_cli *cli, const struct verb *verb)
{
    uint32_t given = cli->args.words.len > 0 ? cli->args.words.len - 1 : 0;
    if (given != verb->words) {
        struct act_buf hint = {0};
        act_buf_printf(&hint, "actant history %s %s", verb->shown.name, verb->shown.usage);
        int code = act_cli_usage(cli, hint.ptr, "history %s takes %u more word%s, not %u",
                                 verb->shown.name, verb->words, verb->words == 1 ? "" : "s", given);
        act_buf_fini(&hint);
        return code;
    }
    struct act_buf what = {0};
    act_buf_printf(&what, "history %s", verb->shown.name);
    int code = act_cli_check_options(cli, verb->takes, what.ptr);
    act_buf_fini(&what);
    return code;
}

int
act_cmd_history(struct act_cli *cli)
{
    struct act_str word = act_cli_word(cli, 0);
    const struct verb *verb = word.len == 0 ? &verbs[0] : NULL;
    for (size_t i = 0; !verb && i < VERB_COUNT; i++)
        if (act_str_is(word, verbs[i].shown.name))
            verb = &verbs[i];
    if (!verb)
        return unknown_verb(cli, word);
    int refused = check_use(cli, verb);
    return refused ? refused : verb->run(cli);
}
