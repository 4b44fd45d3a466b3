#include "embed/executors.h"

#include "dsl/plan_actor.h"
#include "embed/plugins.h"
#include "executors/actor/actor.h"
#include "executors/plugin/plugin.h"
#include "executors/python/python.h"
#include "executors/shell/shell.h"

static enum act_err
open_shell(const struct act_executor_place *place, struct act_executor **ret, struct act_error *err)
{
    (void)err;
    struct act_shell_options shell = {
        .loop = place->loop,
        .processes = place->processes,
        .blobs = place->blobs,
        .environ = place->environ,
        .secrets = place->secrets,
        .run_id = place->run_id,
        .dir = place->folder,
    };
    *ret = act_shell_executor_create(&shell);
    return ACT_OK;
}

static bool
has_kind(const struct act_plan *plan, enum act_kind kind)
{
    for (uint32_t i = 0; i < plan->nodes.len; i++)
        if (plan->nodes.ptr[i].kind == kind)
            return true;
    return false;
}

static enum act_err
open_python(const struct act_executor_place *place, struct act_executor **ret,
            struct act_error *err)
{
    struct act_python_options python = {
        .loop = place->loop,
        .system = place->system,
        .processes = place->processes,
        .links = place->links,
        .blobs = place->blobs,
        .environ = place->environ,
        .secrets = place->secrets,
        .run_id = place->run_id,
        .dir = place->folder,
        .cold = !has_kind(place->plan, ACT_KIND_PYTHON),
    };
    enum act_err code = act_python_settings_read(&python.settings, err);
    if (code)
        return code;
    if (place->python && *place->python && !python.cold &&
        act_python_executor_take_up(*place->python, &python)) {
        *ret = *place->python;
        *place->python = NULL;
    } else {
        *ret = act_python_executor_create(&python);
    }
    return ACT_OK;
}

static enum act_err
open_plugin(const struct act_executor_place *place, struct act_executor **ret,
            struct act_error *err)
{
    (void)err;
    struct act_arena arena = {0};
    struct act_plugin_options plugin = {
        .loop = place->loop,
        .system = place->system,
        .processes = place->processes,
        .links = place->links,
        .blobs = place->blobs,
        .environ = place->environ,
        .secrets = place->secrets,
        .run_id = place->run_id,
        .dir = place->folder,
        .program = act_plugins_program(place->hosting, &arena).ptr,
        .places = act_plugins_places(place->hosting, act_str(place->folder), &arena),
    };
    *ret = act_plugin_executor_create(&plugin);
    act_arena_fini(&arena);
    return ACT_OK;
}

/* Its actors live with those who run functions of their kind. */
static enum act_err
open_actors(const struct act_executor_place *place, struct act_executor **ret,
            struct act_error *err)
{
    struct act_executor *python = act_router_get(place->others, ACT_KIND_PYTHON);
    struct act_executor *plugin = act_router_get(place->others, ACT_KIND_PLUGIN);
    struct act_actor_options actors = {
        .loop = place->loop,
        .processes = place->processes,
        .blobs = place->blobs,
        .secrets = place->secrets,
        .python = python ? act_python_actor_host(python) : NULL,
        .plugin = plugin ? act_plugin_actor_host(plugin) : NULL,
    };
    (void)err;
    *ret = act_actor_executor_create(&actors);
    return ACT_OK;
}

/* Kinds as bits. */
#define KIND(name) (UINT32_C(1) << ACT_KIND_##name)

static const struct {
    uint32_t kinds;
    enum act_err (*open)(const struct act_executor_place *place, struct act_executor **ret,
                         struct act_error *err);
} table[] = {
    {KIND(RUN) | KIND(EXEC), open_shell},
    {KIND(PLUGIN), open_plugin},
    {KIND(PYTHON), open_python},
    {KIND(CALL), open_actors}, /* after those that host actors */
};

static uint32_t
kinds_of(const struct act_plan *plan)
{
    uint32_t kinds = 0;
    struct act_plan_actor actor;
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        kinds |= UINT32_C(1) << plan->nodes.ptr[i].kind;
        if (act_plan_actor(plan, i, &actor))
            kinds |= actor.python ? KIND(PYTHON) : KIND(PLUGIN);
    }
    return kinds;
}

static void
add(struct act_executors *executors, uint32_t kinds, struct act_executor *executor)
{
    executors->owned[executors->count++] = executor;
    for (uint32_t kind = 0; kind < ACT_ROUTER_SIZE; kind++)
        if (kinds & (UINT32_C(1) << kind))
            act_router_set(&executors->router, (enum act_kind)kind, executor);
}

enum act_err
act_executors_open(const struct act_executor_place *place, struct act_executors *ret,
                   struct act_error *err)
{
    struct act_executors executors = {0};
    struct act_executor_place here = *place;
    uint32_t wanted = kinds_of(place->plan);
    enum act_err code = ACT_OK;
    here.others = &executors.router;
    for (size_t i = 0; !code && i < sizeof(table) / sizeof(table[0]); i++) {
        struct act_executor *executor = NULL;
        if (!(table[i].kinds & wanted))
            continue;
        code = table[i].open(&here, &executor, err);
        if (!code)
            add(&executors, table[i].kinds, executor);
    }
    if (code)
        act_executors_close(&executors);
    else
        *ret = executors;
    return code;
}

void
act_executors_close(struct act_executors *executors)
{
    for (uint32_t i = executors->count; i-- > 0;)
        executors->owned[i]->ops->close(executors->owned[i]);
    *executors = (struct act_executors){0};
}
