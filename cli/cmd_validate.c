#include "cli/cmd.h"

#include "cli/github.h"
#include "cli/spec_report.h"
#include "cli/term.h"

#include <unistd.h>

/* All files' findings together: the formats for machines are one document. */
struct findings {
    struct act_diags diags;
    struct act_sources sources;
    struct act_arena arena;
};

static enum act_diag_format
format_of(const struct act_cli *cli)
{
    struct act_str name = act_cli_text(cli, ACT_OPT_FORMAT);
    if (act_str_is(name, "json") || (name.len == 0 && cli->json))
        return ACT_DIAG_JSON;
    if (act_str_is(name, "sarif"))
        return ACT_DIAG_SARIF;
    if (act_str_is(name, "github"))
        return ACT_DIAG_GITHUB;
    return ACT_DIAG_PRETTY;
}

static struct act_span
moved(struct act_span span, uint32_t base)
{
    return (struct act_span){span.source + base, span.offset, span.length};
}

static void
add_compiled(struct findings *all, const struct act_compiled *compiled)
{
    uint32_t base = all->sources.list.len;
    for (uint32_t i = 0; i < compiled->sources.list.len; i++) {
        const struct act_source *source = &compiled->sources.list.ptr[i];
        act_vec_push(&all->sources.list,
                     ((struct act_source){act_arena_str(&all->arena, source->path),
                                          act_arena_str(&all->arena, source->text)}));
    }
    for (uint32_t i = 0; i < compiled->diags.list.len; i++) {
        const struct act_diag *from = &compiled->diags.list.ptr[i];
        struct act_diag *to =
            act_diag_add(&all->diags, from->severity, from->code, moved(from->span, base), "%.*s",
                         ACT_STR_ARG(from->message));
        if (from->help.len > 0)
            act_diag_help(&all->diags, to, "%.*s", ACT_STR_ARG(from->help));
        if (from->related_text.len > 0)
            act_diag_related(&all->diags, to, moved(from->related, base), "%.*s",
                             ACT_STR_ARG(from->related_text));
    }
    all->diags.dropped_count += compiled->diags.dropped_count;
}

/* A file that could not be read at all is a finding like the others. */
static void
add_unread(struct findings *all, struct act_str file, const struct act_error *err)
{
    uint32_t source = all->sources.list.len;
    struct act_str path = act_str_is(file, "-") ? ACT_STR("<stdin>") : file;
    act_vec_push(&all->sources.list,
                 ((struct act_source){act_arena_str(&all->arena, path), act_str_n("", 0)}));
    struct act_diag *diag = act_diag_add(&all->diags, ACT_SEVERITY_ERROR, "unknown-workflow",
                                         (struct act_span){source, 0, 0}, "%s", err->message);
    if (err->hint[0])
        act_diag_help(&all->diags, diag, "%s", err->hint);
}

static int
print_findings(struct act_cli *cli, const struct findings *all, enum act_diag_format format,
               bool failed)
{
    struct act_buf out = {0};
    bool color = act_term_color(act_cli_text(cli, ACT_OPT_COLOR), STDOUT_FILENO);
    act_diags_print(&out, &all->diags, &all->sources, format, color);
    if (format == ACT_DIAG_PRETTY && !failed)
        act_buf_printf(&out, "%u file%s well\n", cli->args.words.len,
                       cli->args.words.len == 1 ? " is" : "s are");
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

int
act_cmd_validate(struct act_cli *cli)
{
    struct findings all = {0};
    bool failed = false;
    for (uint32_t i = 0; i < cli->args.words.len; i++) {
        struct act_spec spec = {0};
        struct act_error err = {0};
        if (act_spec_load(&spec, cli->args.words.ptr[i], &err)) {
            add_unread(&all, cli->args.words.ptr[i], &err);
            failed = true;
        } else {
            add_compiled(&all, &spec.compiled);
            failed = failed || !spec.compiled.plan;
        }
        act_spec_fini(&spec);
    }
    int code = print_findings(cli, &all, format_of(cli), failed);
    act_diags_fini(&all.diags);
    act_vec_fini(&all.sources.list);
    act_arena_fini(&all.arena);
    return code ? code : failed ? ACT_EXIT_USAGE : 0;
}
