#include "cli/cmd.h"

#include "cli/params.h"
#include "cli/session.h"
#include "cli/spec_report.h"
#include "embed/processors.h"

#include <unistd.h>

static int
no_file(struct act_cli *cli)
{
    static const char *const usual[] = {"workflow.yaml", "workflow.yml"};
    for (size_t i = 0; i < 2; i++)
        if (access(usual[i], R_OK) == 0)
            return act_cli_usage(cli,
                                 i == 0 ? "actant run workflow.yaml" : "actant run workflow.yml",
                                 "run which file?");
    return act_cli_usage(cli,
                         "actant run FILE; `actant init` writes a first one, and '-' is "
                         "standard input",
                         "run which file?");
}

static int
dry_run_json(struct act_cli *cli, const struct act_spec *spec, const struct act_value *params,
             uint32_t jobs)
{
    struct act_buf out = {0};
    act_buf_add_cstr(&out, "{\"dry_run\":true,\"params\":");
    act_json_write(&out, params, 0);
    act_buf_printf(&out, ",\"jobs\":%u,\"plan\":", jobs);
    act_plan_print(&out, spec->compiled.plan, ACT_PLAN_JSON);
    while (out.len > 0 && out.ptr[out.len - 1] == '\n')
        out.len--;
    act_buf_add_cstr(&out, "}\n");
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static int
dry_run(struct act_cli *cli, const struct act_spec *spec, const struct act_value *params)
{
    uint32_t jobs = act_cli_number(cli, ACT_OPT_JOBS, 0);
    jobs = jobs > 0 ? jobs : act_processors();
    if (cli->json)
        return dry_run_json(cli, spec, params, jobs);
    struct act_buf out = {0};
    act_plan_print(&out, spec->compiled.plan, ACT_PLAN_TEXT);
    act_buf_printf(&out, "\nwould run %.*s in %.*s with params ", ACT_STR_ARG(spec->absolute),
                   ACT_STR_ARG(spec->folder));
    act_json_write(&out, params, 0);
    act_buf_printf(&out, ", at most %u tasks at once; nothing was done\n", jobs);
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static int
run_spec(struct act_cli *cli, const struct act_spec *spec, struct act_ahead *ahead)
{
    struct act_error err = {0};
    struct act_start start = {.plan = spec->compiled.plan,
                              .path = spec->absolute,
                              .folder = spec->folder,
                              .ahead = ahead};
    int code = act_spec_refuse_unsupported(start.plan);
    if (code)
        return code;
    if (act_params_gather(cli, start.plan, &start.params, &err)) {
        act_error_place(&err, "%.*s", ACT_STR_ARG(spec->path));
        return act_cli_fail(cli, &err);
    }
    if (act_cli_flag(cli, ACT_OPT_DRY_RUN))
        code = dry_run(cli, spec, start.params);
    else if (act_cli_flag(cli, ACT_OPT_DETACH))
        code = act_session_detach(cli, &start);
    else
        code = act_session_start(cli, &start);
    act_value_release(start.params);
    return code;
}

/* Workers start while the file is compiled. */
struct early {
    struct act_cli *cli;
    struct act_ahead ahead;
};

static void
start_early(void *self, const struct act_spec *spec, struct act_str text)
{
    struct early *early = self;
    act_session_ahead(early->cli, spec->folder, text, &early->ahead);
}

/* `run --resume RUN` is `resume RUN`. */
static const enum act_opt *
taken_by_resume(struct act_cli *cli)
{
    const enum act_opt *its = act_command_find(ACT_STR("resume"))->takes;
    size_t count = 0;
    while (its[count] != ACT_OPT_NONE)
        count++;
    enum act_opt *takes = act_arena_alloc(&cli->arena, (count + 2) * sizeof(*takes));
    memcpy(takes, its, count * sizeof(*takes));
    takes[count] = ACT_OPT_RESUME;
    takes[count + 1] = ACT_OPT_NONE;
    return takes;
}

int
act_cmd_run(struct act_cli *cli)
{
    struct act_str resume = act_cli_text(cli, ACT_OPT_RESUME);
    int refused = act_session_check_detach(cli);
    if (refused)
        return refused;
    if (resume.len > 0 && cli->args.words.len > 0)
        return act_cli_usage(cli, "actant run --resume RUN, or actant run FILE",
                             "a run that is resumed has its file pinned");
    if (resume.len > 0)
        refused = act_cli_check_options(cli, taken_by_resume(cli), "run --resume");
    if (refused)
        return refused;
    if (resume.len > 0)
        return act_session_resume(cli, resume, ACT_RESUME_GO_ON, act_str(NULL));
    if (cli->args.words.len == 0)
        return no_file(cli);
    struct early early = {.cli = cli};
    struct act_spec spec = {.on_text = start_early, .on_text_self = &early};
    struct act_error err = {0};
    int code = act_spec_load(&spec, act_cli_word(cli, 0), &err) ? act_cli_fail(cli, &err)
                                                                : act_spec_report(cli, &spec);
    if (!code)
        code = run_spec(cli, &spec, &early.ahead);
    act_ahead_close(&early.ahead);
    act_spec_fini(&spec);
    return code;
}
