#include "embed/forking.h"

#include "base/map.h"
#include "dsl/plan_actor.h"
#include "embed/collect.h"
#include "embed/tree_sync.h"

#include <string.h>

static enum act_err
replay(void *self, const struct act_batch *batch, struct act_error *err)
{
    return act_run_replay(self, batch->body, err);
}

static void
keep_started(void *self, const struct act_event *event)
{
    struct act_forking *forking = self;
    if (event->type == ACT_EVENT_RUN_STARTED && !forking->started)
        forking->started = act_value_retain(event->value);
}

/* ---- actors ---- */

/* As the store calls it (engine/run/callees.c). */
static struct act_str
stored_name(struct act_arena *arena, const struct act_plan_actor *actor)
{
    if (actor->file.len == 0)
        return actor->name;
    return act_arena_printf(arena, "%.*s:%.*s", ACT_STR_ARG(actor->file), ACT_STR_ARG(actor->name));
}

enum { CALLS_REUSED = 1, CALLS_ANEW = 2 };

static enum act_err
refuse_actor(struct act_str name, const char *why, struct act_error *err)
{
    act_error_set(err, ACT_ERR_UNSUPPORTED,
                  "the state that actor %.*s had at that node is not kept: %s", ACT_STR_ARG(name),
                  why);
    act_error_hint(err, "fork from its first call or before it, or `actant rerun`");
    return ACT_ERR_UNSUPPORTED;
}

/* The newest state alone is kept. It is the one that the reused calls have led to if all calls are
 * reused; if none is, the actor begins anew. */
static enum act_err
choose_actors(struct act_forking *forking, const struct act_plan *plan, bool lives,
              struct act_error *err)
{
    struct act_map calls = {0};
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < forking->plan.calls.len; i++) {
        const struct act_fork_actor *call = &forking->plan.calls.ptr[i];
        struct act_plan_actor actor;
        if (!act_plan_actor(plan, call->node, &actor) || actor.global)
            continue;
        struct act_str name = stored_name(&forking->arena, &actor);
        const uint64_t *before = act_map_get(&calls, name);
        uint64_t how = call->reused ? CALLS_REUSED : CALLS_ANEW;
        act_map_put(&calls, name, how | (before ? *before : 0));
    }
    for (uint32_t i = 0; code == ACT_OK && i < calls.len; i++) {
        struct act_str name = calls.entries[i].key;
        uint64_t how = calls.entries[i].value;
        if (how == (CALLS_REUSED | CALLS_ANEW))
            code = refuse_actor(name, "calls before and after it have changed it since", err);
        else if (how == CALLS_REUSED && lives)
            code = refuse_actor(name, "its run is still under way", err);
        else if (how == CALLS_REUSED)
            act_vec_push(&forking->actors, name);
    }
    act_map_fini(&calls);
    return code;
}

/* ---- all of it ---- */

enum act_err
act_forking_read(struct act_stored *stored, struct act_str node, struct act_forking *ret,
                 struct act_error *err)
{
    struct act_forking forking = {.blobs = stored->blobs};
    struct act_run *run = act_run_create(stored->plan, &stored->blobs->loader);
    bool lives = act_str_is(stored->row.status, "running");
    forking.run = act_arena_str(&forking.arena, stored->row.run);
    act_run_keep_ledger(run);
    enum act_err code = stored->store->ops->folder(stored->store, forking.run, false,
                                                   &forking.arena, &forking.folder, err);
    if (!code)
        code =
            stored->store->ops->read_batches(stored->store, stored->row.run, 1, replay, run, err);
    if (!code)
        code = act_fork_plan(run, node, &forking.plan, err);
    if (!code)
        code = choose_actors(&forking, stored->plan, lives, err);
    if (!code)
        code = act_stored_events(stored, 1, keep_started, &forking, err);
    act_run_destroy(run);
    if (code)
        act_forking_fini(&forking);
    else
        *ret = forking;
    return code;
}

void
act_forking_fini(struct act_forking *forking)
{
    act_fork_fini(&forking->plan);
    act_value_release(forking->started);
    act_vec_fini(&forking->actors);
    act_arena_fini(&forking->arena);
    *forking = (struct act_forking){0};
}

/* ---- files ---- */

struct bringing {
    const struct act_forking *forking;
    struct act_str to;
    enum act_err code;
    struct act_error *err;
};

static void
hint_artifact(const struct bringing *b)
{
    act_error_hint(b->err,
                   "`actant history verify %.*s` names what is damaged; fork from the node that "
                   "made it, or from one before it",
                   ACT_STR_ARG(b->forking->run));
}

/* Read once it is brought: then it is the one that stays. */
static enum act_err
bring_file(const struct bringing *b, const struct act_event_artifact *artifact)
{
    struct act_arena arena = {0};
    struct act_object_kept kept;
    const struct act_forking *forking = b->forking;
    struct act_str file = artifact->file;
    const char *own =
        act_arena_printf(&arena, "%.*s/%.*s", ACT_STR_ARG(b->to), ACT_STR_ARG(file)).ptr;
    enum act_err code = act_collect_bring(forking->folder, file, b->to, file, b->err);
    if (code == ACT_OK)
        code = act_object_hash(own, &kept, b->err);
    if (code == ACT_OK &&
        (kept.bytes != artifact->bytes || !act_str_is(artifact->sha256, kept.hash))) {
        code = act_error_set(b->err, ACT_ERR_CORRUPT,
                             "%.*s of run %.*s holds something else than was kept",
                             ACT_STR_ARG(file), ACT_STR_ARG(forking->run));
        act_error_place(b->err, "%.*s", ACT_STR_ARG(forking->folder));
    }
    if (code != ACT_OK && code != ACT_ERR_NO_SPACE)
        hint_artifact(b);
    act_arena_fini(&arena);
    return code;
}

static void
bring_artifact(void *self, const struct act_event_artifact *artifact)
{
    struct bringing *b = self;
    if (b->code == ACT_OK)
        b->code = bring_file(b, artifact);
}

/* They are read-only: the new run shares them. */
static enum act_err
bring_artifacts(const struct act_forking *forking, struct act_str to, bool durable,
                struct act_error *err)
{
    struct act_str rest = act_buf_str(&forking->plan.events);
    struct act_arena arena = {0};
    struct bringing b = {.forking = forking, .to = to, .err = err};
    while (b.code == ACT_OK && rest.len > 0) {
        struct act_event event;
        b.code = act_event_decode(&rest, &arena, &forking->blobs->loader, &event, err);
        if (b.code != ACT_OK)
            break;
        act_event_artifacts(&event, bring_artifact, &b);
        act_event_fini(&event);
    }
    const char *top = act_arena_printf(&arena, "%.*s/artifacts", ACT_STR_ARG(to)).ptr;
    int error =
        b.code == ACT_OK && durable ? act_tree_sync(top, 1 + ACT_ABOVE_RUN, ACT_TREE_ALL) : 0;
    if (error)
        b.code = act_error_set(err, ACT_ERR_SYSTEM, "%s: %s", top, strerror(error));
    act_arena_fini(&arena);
    return b.code;
}

enum act_err
act_forking_bring(const struct act_forking *forking, struct act_blob_port *to,
                  struct act_str to_folder, struct act_error *err)
{
    const struct act_buf *files = &forking->plan.files;
    enum act_err code = ACT_OK;
    for (size_t at = 0; code == ACT_OK && at < files->len;) {
        struct act_str file = act_str(files->ptr + at);
        code = to->ops->adopt(to, forking->blobs, file, err);
        at += file.len + 1;
    }
    return code == ACT_OK ? bring_artifacts(forking, to_folder, to->durable, err) : code;
}

enum act_err
act_forking_explain(const struct act_forking *forking, struct act_store *store, enum act_err code,
                    struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_run_row row = {0};
    if (store->ops->find_run(store, forking->run, &arena, &row, NULL) == ACT_ERR_NOT_FOUND) {
        code = act_error_set(err, ACT_ERR_NOT_FOUND, "run %.*s was removed while it was forked",
                             ACT_STR_ARG(forking->run));
        act_error_hint(err, "`actant history list` shows the runs that are there");
    }
    act_value_release(row.spec);
    act_value_release(row.from);
    act_arena_fini(&arena);
    return code;
}

struct act_fork_states
act_forking_states(const struct act_forking *forking)
{
    return (struct act_fork_states){forking->run, forking->actors.ptr, forking->actors.len};
}
