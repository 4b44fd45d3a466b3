#include "embed/api.h"

#include "base/alloc.h"
#include "embed/input.h"

/* Lent texts end with NUL, and places need to know where lines begin. */
static void
prepare(struct actant_workflow *workflow)
{
    struct act_arena *arena = &workflow->arena;
    const struct act_compiled *compiled = &workflow->spec.compiled;
    const struct act_plan *plan = compiled->plan;
    uint32_t sources = compiled->sources.list.len, count = compiled->diags.list.len;
    workflow->name = plan ? act_arena_str(arena, act_plan_text(plan, plan->name)).ptr : "";
    if (count == 0)
        return;
    workflow->paths = act_arena_alloc(arena, sizeof(*workflow->paths) * sources);
    workflow->lines = act_arena_alloc(arena, sizeof(*workflow->lines) * sources);
    workflow->texts = act_arena_alloc(arena, sizeof(*workflow->texts) * count);
    for (uint32_t i = 0; i < sources; i++) {
        const struct act_source *source = &compiled->sources.list.ptr[i];
        workflow->paths[i] = act_arena_str(arena, source->path).ptr;
        act_lines_init(&workflow->lines[i], source->text);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct act_diag *diag = &compiled->diags.list.ptr[i];
        workflow->texts[i] = (struct act_api_diagnostic){
            .message = act_arena_str(arena, diag->message).ptr,
            .help = act_arena_str(arena, diag->help).ptr,
            .related = act_arena_str(arena, diag->related_text).ptr,
        };
    }
}

static struct actant_workflow *
create(const struct actant_engine *engine)
{
    struct actant_workflow *workflow = act_zalloc(1, sizeof(*workflow));
    workflow->spec.hosting = engine ? &engine->hosting : NULL;
    workflow->holders = 1;
    return workflow;
}

void
actant_workflow_release(struct actant_workflow *workflow)
{
    if (!workflow || --workflow->holders > 0)
        return;
    for (uint32_t i = 0; workflow->lines && i < workflow->spec.compiled.sources.list.len; i++)
        act_lines_fini(&workflow->lines[i]);
    act_spec_fini(&workflow->spec);
    act_arena_fini(&workflow->arena);
    act_free(workflow);
}

enum actant_err
actant_workflow_load(struct actant_engine *engine, const char *path, struct actant_workflow **ret,
                     struct actant_problem *problem)
{
    struct act_error err = {0};
    if (!path || !*path || !ret)
        return act_api_refuse(problem, ACTANT_ERR_USAGE, "load which file?", "");
    struct actant_workflow *workflow = create(engine);
    if (act_spec_load(&workflow->spec, act_str(path), &err)) {
        actant_workflow_release(workflow);
        return act_api_fail(&err, problem);
    }
    prepare(workflow);
    workflow->spec.hosting = NULL; /* the engine may go first */
    *ret = workflow;
    return ACTANT_ERR_NONE;
}

enum actant_err
actant_workflow_compile(struct actant_engine *engine, const struct actant_source *source,
                        struct actant_workflow **ret, struct actant_problem *problem)
{
    struct actant_source known = {0};
    if (!ret || !source || !act_api_options(&known, sizeof(known), source) || !known.text)
        return act_api_refuse(problem, ACTANT_ERR_USAGE, "the source has no size or no text",
                              "struct actant_source s = {.size = sizeof(s), .text = …}");
    if (known.length > ACT_INPUT_BYTES_MAX)
        return act_api_refuse(problem, ACTANT_ERR_INVALID, "this is over 64 MiB",
                              "split it: `workflow: PATH` runs another file as a node");
    struct actant_workflow *workflow = create(engine);
    act_spec_compile(&workflow->spec, act_str_n(known.text, known.length),
                     act_str(known.name ? known.name : "<text>"), act_str(known.folder));
    prepare(workflow);
    workflow->spec.hosting = NULL; /* the engine may go first */
    *ret = workflow;
    return ACTANT_ERR_NONE;
}

bool
actant_workflow_valid(const struct actant_workflow *workflow)
{
    return workflow->spec.compiled.plan != NULL;
}

static enum actant_err
refuse_invalid(struct actant_problem *problem)
{
    return act_api_refuse(problem, ACTANT_ERR_USAGE, "the workflow has mistakes",
                          "actant_workflow_diagnostic says which");
}

const char *
actant_workflow_name(const struct actant_workflow *workflow)
{
    return workflow->name;
}

enum actant_err
actant_workflow_params(const struct actant_workflow *workflow, char **ret_json,
                       struct actant_problem *problem)
{
    const struct act_plan *plan = workflow->spec.compiled.plan;
    struct act_buf out = {0};
    if (!plan)
        return refuse_invalid(problem);
    act_json_write(&out, plan->exprs.literals.ptr[plan->params], 0);
    *ret_json = act_api_text(&out);
    return ACTANT_ERR_NONE;
}

enum actant_err
actant_workflow_plan(const struct actant_workflow *workflow, char **ret_json,
                     struct actant_problem *problem)
{
    struct act_buf out = {0};
    if (!workflow->spec.compiled.plan)
        return refuse_invalid(problem);
    act_plan_print(&out, workflow->spec.compiled.plan, ACT_PLAN_JSON);
    *ret_json = act_api_text(&out);
    return ACTANT_ERR_NONE;
}

/* ---- diagnostics ---------------------------------------------------------------------------- */

size_t
actant_workflow_diagnostic_count(const struct actant_workflow *workflow)
{
    return workflow->spec.compiled.diags.list.len;
}

static struct actant_place
place_of(const struct actant_workflow *workflow, struct act_span span)
{
    const struct act_sources *sources = &workflow->spec.compiled.sources;
    struct actant_place place = {0};
    if (span.source >= sources->list.len)
        return place;
    const struct act_lines *lines = &workflow->lines[span.source];
    place.path = workflow->paths[span.source];
    act_lines_place(lines, span.offset, &place.line, &place.column);
    act_lines_place(lines, span.offset + span.length, &place.end_line, &place.end_column);
    return place;
}

bool
actant_workflow_diagnostic(const struct actant_workflow *workflow, size_t index,
                           struct actant_diagnostic *ret)
{
    const struct act_diags *diags = &workflow->spec.compiled.diags;
    if (index >= diags->list.len)
        return false;
    const struct act_diag *diag = &diags->list.ptr[index];
    const struct act_api_diagnostic *texts = &workflow->texts[index];
    *ret = (struct actant_diagnostic){
        .severity =
            diag->severity == ACT_SEVERITY_ERROR ? ACTANT_SEVERITY_ERROR : ACTANT_SEVERITY_WARNING,
        .code = diag->code,
        .place = place_of(workflow, diag->span),
        .message = texts->message,
        .help = texts->help,
        .related_message = texts->related,
    };
    if (diag->related_text.len > 0)
        ret->related = place_of(workflow, diag->related);
    return true;
}

void
actant_workflow_diagnostics(const struct actant_workflow *workflow, char **ret_json)
{
    struct act_buf out = {0};
    const struct act_compiled *compiled = &workflow->spec.compiled;
    act_diags_print(&out, &compiled->diags, &compiled->sources, ACT_DIAG_JSON, false);
    *ret_json = act_api_text(&out);
}
