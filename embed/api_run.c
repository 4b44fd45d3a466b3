#include "embed/api.h"

#include "base/alloc.h"
#include "embed/feed_target.h"

#include <string.h>

/* ---- options -------------------------------------------------------------------------------- */

static uint32_t
count_names(const char *const *names)
{
    uint32_t count = 0;
    while (names && names[count])
        count++;
    return count;
}

static struct act_str *
texts_of(struct act_arena *arena, const char *const *names)
{
    uint32_t count = count_names(names);
    struct act_str *texts = act_arena_alloc(arena, sizeof(*texts) * (count + 1));
    for (uint32_t i = 0; i < count; i++)
        texts[i] = act_str(names[i]);
    return texts;
}

static struct act_str *
targets_of(struct act_arena *arena, const char *const *names)
{
    struct act_str *targets = texts_of(arena, names);
    for (uint32_t i = 0; i < count_names(names); i++)
        targets[i] = act_feed_target_absolute(targets[i], arena);
    return targets;
}

static struct act_live_given
given(const struct actant_run_options *options, struct act_arena *arena)
{
    return (struct act_live_given){
        .clean_env = options->clean_env ? ACT_CLEAN_ENV_YES : ACT_CLEAN_ENV_UNSAID,
        .env = texts_of(arena, options->env),
        .env_count = count_names(options->env),
        .secrets = texts_of(arena, options->secrets),
        .secret_count = count_names(options->secrets),
        .events = targets_of(arena, options->events),
        .event_count = count_names(options->events),
        .event_headers = texts_of(arena, options->events_headers),
        .event_header_count = count_names(options->events_headers),
        .event_signs = texts_of(arena, options->events_sign),
        .event_sign_count = count_names(options->events_sign),
    };
}

/* Of who is told of its events. */
static enum act_err
check_events(const struct act_live_given *all, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_feed_target target;
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; !code && i < all->event_count; i++) {
        struct act_error why = {0};
        code = act_feed_target_parse(all->events[i], &arena, &target, &why);
        if (code)
            act_error_set(err, code, "events %.*s: %s", ACT_STR_ARG(all->events[i]), why.message);
    }
    for (uint32_t i = 0; !code && i < all->event_header_count; i++)
        code = act_feed_header_check(all->event_headers[i], err);
    for (uint32_t i = 0; !code && i < all->event_sign_count; i++)
        code = act_feed_sign_check(all->event_signs[i], err);
    act_arena_fini(&arena);
    return code;
}

static enum act_err
params_of(const struct act_plan *plan, const char *json, struct act_value **ret,
          struct act_error *err)
{
    struct act_value *value = NULL;
    struct act_error why = {0};
    if (json && act_json_parse(act_str(json), 0, &value, &why))
        return act_error_set(err, ACT_ERR_INVALID, "params is no JSON: %s", why.message);
    enum act_err code = ACT_OK;
    if (value && act_value_type(value) != ACT_MAP)
        code = act_error_set(err, ACT_ERR_INVALID, "params is no JSON object");
    if (!code)
        code = act_params_check(plan->exprs.literals.ptr[plan->params], value, ret, err);
    act_value_release(value);
    return code;
}

static bool
secret_value(void *self, const char *name, struct act_str *ret)
{
    struct actant_run *run = self;
    size_t length = 0;
    const char *value =
        run->options.secret ? run->options.secret(run->options.self, name, &length) : NULL;
    if (!value)
        return false;
    *ret = act_str_n(value, length);
    return true;
}

/* ---- life ----------------------------------------------------------------------------------- */

static struct actant_run *
create(struct actant_engine *engine, const struct actant_run_options *options)
{
    struct actant_run *run = act_zalloc(1, sizeof(*run));
    run->engine = engine;
    run->options = *options;
    run->status = ACTANT_STATUS_RUNNING;
    run->next = engine->runs;
    run->back = &engine->runs;
    if (run->next)
        run->next->back = &run->next;
    engine->runs = run;
    return run;
}

void
act_api_run_free(struct actant_run *run)
{
    act_api_drop_words(run->engine, run);
    *run->back = run->next;
    if (run->next)
        run->next->back = run->back;
    act_live_close(&run->live);
    if (run->seat)
        run->seat->ops->close(run->seat);
    act_api_places_fini(run);
    actant_workflow_release(run->workflow);
    act_free(run);
}

static enum actant_status
status_of(struct actant_run *run)
{
    enum act_err code = act_coord_result(run->live.coord, &run->failure);
    if (!code)
        return (enum actant_status)act_run_status(act_coord_run(run->live.coord));
    run->failure.code = code;
    run->idle = !run->killed; /* it left when nothing was under way any more */
    return ACTANT_STATUS_BROKEN;
}

/* The coordinator is done: the run ended, was suspended, or cannot go on. */
static void
stopped(void *self)
{
    struct actant_run *run = self;
    struct actant_engine *engine = run->engine;
    if (run->over)
        return;
    run->status = status_of(run);
    run->over = true;
    engine->live--;
    act_live_refresh(&run->live);
    if (run->options.ended && !run->released)
        run->options.ended(run->options.self, run); /* may release it */
    else if (run->released && run->idle)
        act_api_run_free(run);
    if (engine->blocking)
        engine->base.loop->ops->stop(engine->base.loop);
}

void
actant_run_release(struct actant_run *run)
{
    if (!run || run->released)
        return;
    run->released = true;
    if (run->over && run->idle)
        act_api_run_free(run);
}

/* Everything but the beginning itself. */
static enum act_err
make_ready(struct actant_run *run, struct act_error *err)
{
    struct actant_engine *engine = run->engine;
    struct act_secret_source source = {secret_value, run};
    enum act_err code = act_live_gather(&run->live, &source, err);
    if (code)
        return code;
    run->seat = act_hub_seat(engine->hub, stopped, run);
    code = act_live_equip(&run->live, &engine->base, run->seat, err);
    if (code)
        return code;
    struct act_live_how how = {
        .slots = run->options.slots > 0 ? run->options.slots : engine->slots,
        .observer = act_api_observer(run),
    };
    act_live_ready(&run->live, &how);
    return ACT_OK;
}

/* What was lent for the call is not to be looked at again. */
static enum actant_err
began(struct actant_run *run, enum act_err code, const struct act_error *err,
      struct actant_run **ret, struct actant_problem *problem)
{
    if (code) {
        act_api_run_free(run);
        return act_api_fail(err, problem);
    }
    run->options.params = NULL;
    run->options.env = run->options.secrets = run->options.events = NULL;
    run->options.events_headers = run->options.events_sign = NULL;
    run->engine->live++;
    *ret = run;
    return ACTANT_ERR_NONE;
}

static bool
take_options(const struct actant_run_options *given_options, struct actant_run_options *ret,
             const void *handle, const void *out, struct actant_problem *problem)
{
    *ret = (struct actant_run_options){0};
    if (handle && out && act_api_options(ret, sizeof(*ret), given_options))
        return true;
    act_api_refuse(problem, ACTANT_ERR_USAGE,
                   handle && out ? "the options do not say their size" : "a handle is missing",
                   "struct actant_run_options o = {.size = sizeof(o)}");
    return false;
}

/* ---- start, resume, retry ------------------------------------------------------------------- */

static enum act_err
check_runnable(const struct act_plan *plan, struct act_error *err)
{
    struct act_buf why = {0};
    act_spec_unsupported(plan, &why);
    enum act_err code = ACT_OK;
    if (why.len > 0) {
        why.len--; /* the last line end */
        code = act_error_set(err, ACT_ERR_UNSUPPORTED, "%.*s", (int)why.len, why.ptr);
    }
    act_buf_fini(&why);
    return code;
}

enum actant_err
actant_run_start(struct actant_engine *engine, struct actant_workflow *workflow,
                 const struct actant_run_options *options, struct actant_run **ret,
                 struct actant_problem *problem)
{
    struct actant_run_options known;
    struct act_error err = {0};
    struct act_value *params = NULL;
    if (!take_options(options, &known, engine && workflow ? engine : NULL, ret, problem))
        return ACTANT_ERR_USAGE;
    const struct act_spec *spec = &workflow->spec;
    const struct act_plan *plan = spec->compiled.plan;
    if (!plan)
        return act_api_refuse(problem, ACTANT_ERR_INVALID, "the workflow has mistakes",
                              "actant_workflow_diagnostic says which");
    enum act_err code = check_runnable(plan, &err);
    if (!code)
        code = params_of(plan, known.params, &params, &err);
    if (code)
        return act_api_fail(&err, problem);
    struct act_arena arena = {0};
    struct act_live_given options_given = given(&known, &arena);
    code = check_events(&options_given, &err);
    if (code) {
        act_value_release(params);
        act_arena_fini(&arena);
        return act_api_fail(&err, problem);
    }
    struct actant_run *run = create(engine, &known);
    run->workflow = workflow;
    workflow->holders++;
    struct act_live_new new = {
        .plan = plan,
        .path = spec->absolute,
        .folder = spec->folder,
        .params = params,
        .options = act_live_options(spec->folder, &options_given, NULL),
    };
    act_live_new(&run->live, &new);
    act_value_release(params);
    act_arena_fini(&arena);
    code = make_ready(run, &err);
    if (!code)
        code = act_live_start(&run->live, &err);
    return began(run, code, &err, ret, problem);
}

/* The database's ownership is the engine's: between its own handles we see to it. */
static enum act_err
check_only_one(const struct actant_run *run, struct act_error *err)
{
    for (const struct actant_run *other = run->engine->runs; other; other = other->next) {
        if (other == run || !act_str_eq(other->live.row.run, run->live.row.run))
            continue;
        act_error_set(err, ACT_ERR_OWNED, "run %.*s has a handle in this engine",
                      ACT_STR_ARG(run->live.row.run));
        act_error_hint(err, "release it when it is over, then take the run up");
        return ACT_ERR_OWNED;
    }
    return ACT_OK;
}

static enum actant_err
take_up(struct actant_engine *engine, const char *id, enum act_resume_mode mode, const char *from,
        const struct actant_run_options *options, struct actant_run **ret,
        struct actant_problem *problem)
{
    struct actant_run_options known;
    struct act_error err = {0};
    struct act_arena arena = {0};
    if (!take_options(options, &known, engine && id ? engine : NULL, ret, problem))
        return ACTANT_ERR_USAGE;
    struct act_store *store = engine->base.store;
    if (!store)
        return act_api_refuse(problem, ACTANT_ERR_USAGE, "this engine has no history",
                              "open it with a database");
    struct act_live_given options_given = given(&known, &arena);
    struct actant_run *run = create(engine, &known);
    enum act_err code = check_events(&options_given, &err);
    if (!code)
        code = act_live_load(&run->live, store, act_str(id), &options_given, &err);
    act_arena_fini(&arena);
    if (!code)
        code = check_only_one(run, &err);
    if (!code)
        code = make_ready(run, &err);
    if (!code)
        code = act_live_resume(&run->live, mode, act_str(from), &err);
    return began(run, code, &err, ret, problem);
}

enum actant_err
actant_run_resume(struct actant_engine *engine, const char *id,
                  const struct actant_run_options *options, struct actant_run **ret,
                  struct actant_problem *problem)
{
    return take_up(engine, id, ACT_RESUME_GO_ON, NULL, options, ret, problem);
}

enum actant_err
actant_run_retry(struct actant_engine *engine, const char *id, const char *from,
                 const struct actant_run_options *options, struct actant_run **ret,
                 struct actant_problem *problem)
{
    return take_up(engine, id, ACT_RESUME_RETRY, from, options, ret, problem);
}

/* ---- what became of it ---------------------------------------------------------------------- */

const char *
actant_run_id(const struct actant_run *run)
{
    return run->live.row.run.ptr; /* the arena's: NUL after it */
}

enum actant_status
actant_run_status(const struct actant_run *run)
{
    return run->status;
}

const char *
actant_status_text(enum actant_status status)
{
    if (status == ACTANT_STATUS_BROKEN)
        return "broken";
    if ((unsigned)status > ACTANT_STATUS_BROKEN)
        return "unknown";
    return act_status_text((enum act_status)status);
}
_Static_assert((int)ACTANT_STATUS_PENDING == (int)ACT_STATUS_PENDING &&
                   (int)ACTANT_STATUS_READY == (int)ACT_STATUS_READY &&
                   (int)ACTANT_STATUS_PARKED == (int)ACT_STATUS_PARKED &&
                   (int)ACTANT_STATUS_RUNNING == (int)ACT_STATUS_RUNNING &&
                   (int)ACTANT_STATUS_STOPPING == (int)ACT_STATUS_STOPPING &&
                   (int)ACTANT_STATUS_SUCCEEDED == (int)ACT_STATUS_SUCCEEDED &&
                   (int)ACTANT_STATUS_FAILED == (int)ACT_STATUS_FAILED &&
                   (int)ACTANT_STATUS_SKIPPED == (int)ACT_STATUS_SKIPPED &&
                   (int)ACTANT_STATUS_CANCELLED == (int)ACT_STATUS_CANCELLED &&
                   (int)ACTANT_STATUS_SUSPENDED == (int)ACT_STATUS_SUSPENDED,
               "the public numbers are the stored ones");

enum actant_err
actant_run_wait(struct actant_run *run, int64_t timeout_ms)
{
    return act_api_block(run->engine, run, timeout_ms);
}

enum actant_err
actant_run_document(struct actant_run *run, char **ret_json, struct actant_problem *problem)
{
    if (!run->over)
        return act_api_refuse(problem, ACTANT_ERR_USAGE, "the run is not over",
                              "wait for it, or for its `ended`");
    struct act_view_out out = {.blobs = run->live.site.blobs};
    act_live_document(&run->live, &out);
    return act_api_document(&out, ret_json, problem);
}

enum actant_err
actant_run_problem(const struct actant_run *run, struct actant_problem *problem)
{
    if (run->status == ACTANT_STATUS_BROKEN)
        return act_api_fail(&run->failure, problem);
    return ACTANT_ERR_NONE;
}
