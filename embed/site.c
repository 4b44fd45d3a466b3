#include "embed/site.h"

#include "engine/port/tree_remove.h"
#include "executors/shell/shell.h"

#include <stdio.h>
#include <unistd.h>

extern char **environ;

static const char **
names_of(struct act_arena *arena, const struct act_surroundings *around)
{
    const char **names = act_arena_alloc(arena, sizeof(*names) * (around->env_name_count + 1));
    for (uint32_t i = 0; i < around->env_name_count; i++)
        names[i] = act_arena_str(arena, around->env_names[i]).ptr;
    return names;
}

static struct act_environ *
open_environment(struct act_site *site, const struct act_surroundings *around)
{
    struct act_environ_options environment = {
        .clean = around->clean_env,
        .names = names_of(&site->arena, around),
        .drop = around->secrets ? act_secrets_variables(around->secrets) : NULL,
    };
    return act_environ_create(environ, &environment);
}

static enum act_err
open_executors(struct act_site *site, const struct act_surroundings *around, struct act_error *err)
{
    struct act_executor_place place = {
        .loop = site->engine->loop,
        .system = around->system,
        .python = around->python,
        .processes = site->engine->processes,
        .links = site->engine->links,
        .blobs = site->blobs,
        .environ = site->environment,
        .secrets = around->secrets,
        .plan = around->plan,
        .hosting = site->engine->hosting,
        .run_id = act_arena_str(&site->arena, around->run).ptr,
        .folder = act_arena_str(&site->arena, around->folder).ptr,
    };
    return act_executors_open(&place, &site->executors, err);
}

enum act_err
act_site_open(const struct act_engine *engine, const struct act_surroundings *around,
              struct act_site *ret, struct act_error *err)
{
    struct act_site site = {.engine = engine};
    enum act_err code = ACT_OK;
    if (around->outputs)
        site.blobs = act_compose_blobs_at(around->outputs);
    else
        code = act_compose_blobs(engine->store, around->run, &site.blobs, err);
    if (!code && !engine->store && !around->outputs) {
        struct act_buf path = {0};
        act_compose_scratch(&path, around->run);
        site.scratch = act_arena_str(&site.arena, act_buf_str(&path)).ptr;
        act_buf_fini(&path);
    }
    if (!code && !around->outputs) /* the keeper knows the level by itself */
        site.blobs->durable = engine->group != NULL;
    site.environment = open_environment(&site, around);
    if (!code && !around->far)
        code = open_executors(&site, around, err);
    if (code)
        act_site_close(&site);
    else
        *ret = site;
    return code;
}

void
act_site_close(struct act_site *site)
{
    act_executors_close(&site->executors);
    act_environ_destroy(site->environment);
    if (site->blobs)
        site->blobs->ops->close(site->blobs);
    if (site->scratch)
        act_tree_remove(site->scratch);
    act_arena_fini(&site->arena);
    *site = (struct act_site){0};
}

struct act_value *
act_site_capture(const struct act_site *site, const struct act_value *names)
{
    struct act_arena arena = {0};
    struct act_value *map = act_value_map();
    uint32_t count = act_value_len(names);
    const char **env = count > 0 ? act_environ_build(site->environment, NULL, 0, &arena) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct act_str name = act_value_as_str(act_value_at(names, i));
        for (const char **entry = env; *entry; entry++) {
            if (strncmp(*entry, name.ptr, name.len) == 0 && (*entry)[name.len] == '=') {
                act_value_map_put(map, name, act_value_cstring(*entry + name.len + 1));
                break;
            }
        }
    }
    act_arena_fini(&arena);
    return map;
}

uint32_t
act_site_end_leftovers(void *self, struct act_str attempt_id)
{
    struct act_site *site = self;
    return act_shell_kill_attempt(site->engine->processes, attempt_id);
}
