#include "cli/compose.h"

#include "engine/io/sqlite/location.h"
#include "engine/io/sqlite/sqlite_store.h"
#include "engine/io/uv/blob.h"
#include "engine/io/uv/loop.h"
#include "engine/io/uv/process.h"
#include "executors/shell/shell.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPEN_FOLDERS_MAX 16

extern char **environ;

static void
warn(void *self, const char *message)
{
    act_cli_warn(self, "%s", message);
}

static enum act_durability
durability(const struct act_cli *cli)
{
    struct act_str level = act_cli_text(cli, ACT_OPT_DURABILITY);
    if (act_str_is(level, "off"))
        return ACT_DURABLE_OFF;
    return act_str_is(level, "power") ? ACT_DURABLE_POWER : ACT_DURABLE_PROCESS;
}

enum act_err
act_compose_store(struct act_cli *cli, bool read_only, struct act_store **ret,
                  struct act_error *err)
{
    struct act_buf path = {0};
    struct act_store_options options = {
        .read_only = read_only,
        .durability = durability(cli),
        .warn = warn,
        .warn_self = cli,
    };
    enum act_err code =
        act_location_resolve(act_cli_text(cli, ACT_OPT_DB), &path, &options.given, err);
    options.path = act_buf_str(&path);
    if (!code)
        code = act_store_open(&options, ret, err);
    act_buf_fini(&path);
    return code;
}

/* Without history outputs still need a place while the run lives. */
static struct act_str
scratch_folder(struct act_cli *cli, struct act_str run)
{
    const char *base = getenv("TMPDIR");
    return act_arena_printf(&cli->arena, "%s/actant-%u-%.*s",
                            base && base[0] == '/' ? base : "/tmp", (unsigned)geteuid(),
                            ACT_STR_ARG(run));
}

enum act_err
act_compose_blobs(struct act_cli *cli, struct act_store *store, struct act_str run,
                  struct act_blob_port **ret, struct act_error *err)
{
    struct act_str folder;
    enum act_err code = ACT_OK;
    if (store)
        code = store->ops->folder(store, run, false, &cli->arena, &folder, err);
    else
        folder = scratch_folder(cli, run);
    if (!code)
        *ret = act_blob_port_create(act_arena_str(&cli->arena, folder).ptr);
    return code;
}

static const char **
names_of(struct act_cli *cli, const struct act_surroundings *around)
{
    const char **names =
        act_arena_alloc(&cli->arena, sizeof(*names) * (around->env_name_count + 1));
    for (uint32_t i = 0; i < around->env_name_count; i++)
        names[i] = act_arena_str(&cli->arena, around->env_names[i]).ptr;
    return names;
}

static enum act_err
open_ports(struct act_cli *cli, struct act_str run, struct act_engine *engine,
           struct act_error *err)
{
    enum act_err code = act_uv_loop_create(&engine->loop, err);
    if (!code)
        code = act_uv_process_port_create(engine->loop, NULL, &engine->processes, err);
    if (!code)
        code = act_compose_blobs(cli, engine->store, run, &engine->blobs, err);
    return code;
}

enum act_err
act_engine_open(struct act_cli *cli, struct act_store *store, struct act_str run,
                const struct act_surroundings *around, struct act_engine *ret,
                struct act_error *err)
{
    *ret = (struct act_engine){.store = store};
    enum act_err code = open_ports(cli, run, ret, err);
    if (code) {
        act_engine_close(ret);
        return code;
    }
    struct act_environ_options environment = {
        .clean = around->clean_env,
        .names = names_of(cli, around),
        .drop = act_secrets_variables(around->secrets),
    };
    ret->environment = act_environ_create(environ, &environment);
    struct act_shell_options shell = {
        .loop = ret->loop,
        .processes = ret->processes,
        .blobs = ret->blobs,
        .environ = ret->environment,
        .secrets = around->secrets,
        .run_id = act_arena_str(&cli->arena, run).ptr,
        .dir = act_arena_str(&cli->arena, around->folder).ptr,
    };
    ret->shell = act_shell_executor_create(&shell);
    if (!store)
        ret->scratch = scratch_folder(cli, run).ptr;
    return ACT_OK;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    remove(path);
    return 0;
}

void
act_engine_close(struct act_engine *engine)
{
    if (engine->shell)
        engine->shell->ops->close(engine->shell);
    act_environ_destroy(engine->environment);
    if (engine->blobs)
        engine->blobs->ops->close(engine->blobs);
    if (engine->scratch)
        nftw(engine->scratch, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
    if (engine->processes)
        engine->processes->ops->close(engine->processes);
    if (engine->store)
        engine->store->ops->close(engine->store);
    if (engine->loop)
        engine->loop->ops->close(engine->loop);
    *engine = (struct act_engine){0};
}

struct act_value *
act_engine_capture(const struct act_engine *engine, const struct act_value *names)
{
    struct act_arena arena = {0};
    struct act_value *map = act_value_map();
    uint32_t count = act_value_len(names);
    const char **env = count > 0 ? act_environ_build(engine->environment, NULL, 0, &arena) : NULL;
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

struct act_router
act_engine_router(const struct act_engine *engine)
{
    struct act_router router = {0};
    act_router_set(&router, ACT_KIND_RUN, engine->shell);
    act_router_set(&router, ACT_KIND_EXEC, engine->shell);
    return router;
}

uint32_t
act_engine_end_leftovers(void *self, struct act_str attempt_id)
{
    struct act_engine *engine = self;
    return act_shell_kill_attempt(engine->processes, attempt_id);
}
