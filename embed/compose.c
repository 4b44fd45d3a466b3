#include "embed/compose.h"

#include "engine/io/sqlite/location.h"
#include "engine/io/sqlite/overwrite.h"
#include "engine/io/sqlite/sqlite_store.h"
#include "engine/io/uv/blob.h"
#include "engine/io/uv/link.h"
#include "engine/io/uv/loop.h"
#include "engine/io/uv/process.h"

#include <stdlib.h>
#include <unistd.h>

enum act_err
act_compose_store(const struct act_store_wish *wish, struct act_store **ret, struct act_error *err)
{
    struct act_buf path = {0};
    struct act_store_options options = {
        .read_only = wish->read_only,
        .kept = wish->kept,
        .guest = wish->guest,
        .durability = wish->durability,
        .warn = wish->warn,
        .warn_self = wish->warn_self,
    };
    enum act_err code = act_location_resolve(wish->db, &path, &options.given, err);
    options.path = act_buf_str(&path);
    if (!code)
        code = act_store_open(&options, ret, err);
    act_buf_fini(&path);
    return code;
}

enum act_err
act_compose_may_write(const struct act_store *store, struct act_str path, struct act_error *err)
{
    return act_overwrite_check(store, path, err);
}

void
act_compose_scratch(struct act_buf *out, struct act_str run)
{
    const char *base = getenv("TMPDIR");
    act_buf_printf(out, "%s/actant-%u-%.*s", base && base[0] == '/' ? base : "/tmp",
                   (unsigned)geteuid(), ACT_STR_ARG(run));
}

enum act_err
act_compose_blobs(struct act_store *store, struct act_str run, struct act_blob_port **ret,
                  struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_buf path = {0};
    struct act_str folder = {0};
    enum act_err code = ACT_OK;
    if (store)
        code = store->ops->folder(store, run, false, &arena, &folder, err);
    else
        act_compose_scratch(&path, run);
    if (!code)
        *ret = act_blob_port_create(store ? act_arena_str(&arena, folder).ptr : path.ptr);
    act_buf_fini(&path);
    act_arena_fini(&arena);
    return code;
}

struct act_blob_port *
act_compose_blobs_at(const char *folder)
{
    return act_blob_port_create(folder);
}

static enum act_err
open_group(struct act_engine *engine, struct act_error *err)
{
    struct act_store_writer *writer = NULL;
    enum act_err code = ACT_OK;
    if (engine->store->ops->open_writer)
        code = engine->store->ops->open_writer(engine->store, &writer, err);
    return writer ? act_group_create(engine->loop, writer, &engine->group, err) : code;
}

enum act_err
act_engine_attach(struct act_engine *engine, struct act_store *store, struct act_error *err)
{
    engine->store = store;
    return store ? open_group(engine, err) : ACT_OK;
}

enum act_err
act_engine_open(const struct act_engine_wish *wish, struct act_engine *ret, struct act_error *err)
{
    struct act_engine engine = {.store = wish->store, .hosting = wish->hosting};
    struct act_uv_process_options processes = {.inline_max = -1,
                                               .leave_orphans = wish->leave_orphans};
    enum act_err code = wish->guest ? act_uv_loop_create_guest(&engine.loop, err)
                                    : act_uv_loop_create(&engine.loop, err);
    if (!code)
        code = act_uv_process_port_create(engine.loop, &processes, &engine.processes, err);
    if (!code)
        code = act_uv_link_port_create(engine.loop, &engine.links, err);
    if (!code && engine.store)
        code = open_group(&engine, err);
    if (code)
        act_engine_close(&engine);
    else
        *ret = engine;
    return code;
}

void
act_engine_close(struct act_engine *engine)
{
    if (engine->links)
        engine->links->ops->close_port(engine->links);
    if (engine->processes)
        engine->processes->ops->close(engine->processes);
    act_group_destroy(engine->group);
    if (engine->store)
        engine->store->ops->close(engine->store);
    if (engine->loop)
        engine->loop->ops->close(engine->loop);
    *engine = (struct act_engine){0};
}
