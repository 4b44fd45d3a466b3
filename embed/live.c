#include "embed/live.h"

#include "embed/ahead.h"
#include "embed/inbox.h"
#include "embed/let_go.h"
#include "embed/processors.h"
#include "embed/retention.h"
#include "embed/run_id.h"
#include "engine/io/sqlite/keeper.h"
#include "engine/port/clock.h"
#include "engine/view/view_json.h"

/* ---- options --------------------------------------------------------------------------------- */

static const struct act_value *
get(const struct act_value *map, const char *key)
{
    return map ? act_value_get(map, act_str(key)) : NULL;
}

struct texts {
    const struct act_str *ptr;
    uint32_t len;
};

static struct texts
texts_of(struct act_live *live, const char *key)
{
    const struct act_value *list = get(live->options, key);
    uint32_t count = list ? act_value_len(list) : 0;
    struct act_str *texts = act_arena_alloc(&live->arena, sizeof(*texts) * (count + 1));
    for (uint32_t i = 0; i < count; i++)
        texts[i] = act_value_as_str(act_value_at(list, i));
    return (struct texts){texts, count};
}

/* ---- what it is ----------------------------------------------------------------------------- */

static struct act_str
plan_hash(struct act_live *live)
{
    char hex[2 * ACT_SHA256_BYTES + 1];
    uint8_t hash[ACT_SHA256_BYTES];
    act_plan_hash(live->plan, hash);
    act_hex(hex, hash, sizeof(hash));
    return act_arena_str(&live->arena, act_str(hex));
}

void
act_live_new(struct act_live *live, const struct act_live_new *new)
{
    char id[ACT_RUN_ID_LEN + 1];
    int64_t now = act_clock_wall_ms();
    if (new->run)
        memcpy(id, new->run, sizeof(id));
    else
        act_run_id(now, id);
    live->plan = new->plan;
    live->options = new->options;
    live->folder = act_arena_str(&live->arena, new->folder);
    struct act_value *spec = act_value_map();
    act_value_map_put(spec, ACT_STR("params"), act_value_retain(new->params));
    act_value_map_put(spec, ACT_STR("options"), act_value_retain(live->options));
    const struct act_value *retention = act_plan_literal(live->plan, 0, ACT_ATTR_RETENTION);
    if (retention) /* where the list has it without reading plans */
        act_value_map_put(spec, ACT_STR("retention"), act_value_retain(retention));
    live->row = (struct act_run_row){
        .run = act_arena_str(&live->arena, act_str(id)),
        .workflow = act_plan_text(live->plan, live->plan->name),
        .status = ACT_STR("running"),
        .started_ms = now,
        .path = act_arena_str(&live->arena, new->path),
        .plan_hash = plan_hash(live),
        .spec = spec,
        .from = new->from ? act_value_retain(new->from) : NULL,
    };
    if (new->fork)
        act_live_fork(live, new->fork);
}

void
act_live_fork(struct act_live *live, const struct act_forking *fork)
{
    live->fork = fork;
    live->states = act_forking_states(fork);
    live->row.states = &live->states;
}

enum act_err
act_live_load(struct act_live *live, struct act_store *store, struct act_str run,
              const struct act_live_given *given, struct act_error *err)
{
    struct act_str bytes;
    enum act_err code = store->ops->find_run(store, run, &live->arena, &live->row, err);
    if (!code)
        code = store->ops->read_plan(store, live->row.run, &live->arena, &bytes, err);
    if (!code)
        code = act_plan_decode(bytes, &live->stored_plan, err);
    if (code)
        return code;
    live->plan = live->stored_plan;
    const struct act_value *before = get(live->row.spec, "options");
    const struct act_value *folder = get(before, "folder");
    live->folder = folder ? act_arena_str(&live->arena, act_value_as_str(folder)) : ACT_STR("/");
    live->options = act_live_options(live->folder, given, before);
    return ACT_OK;
}

/* ---- what is proven ------------------------------------------------------------------------ */

static const struct act_end *
proven(void *self, struct act_str attempt_id)
{
    const struct act_live *live = self;
    return act_proven_find(&live->proven, attempt_id);
}

static const char *
folder_of_ends(struct act_live *live)
{
    struct act_store *store = live->engine ? live->engine->store : NULL;
    struct act_str folder;
    if (!store || !live->stored_plan ||
        store->ops->folder(store, live->row.run, false, &live->arena, &folder, NULL) != ACT_OK)
        return NULL;
    return folder.ptr;
}

/* Once everything that was proven stands in the log. */
static void
drop_ends(struct act_live *live)
{
    const char *folder = live->proven.list.len > 0 && !live->far ? folder_of_ends(live) : NULL;
    if (!folder || !live->coord || act_coord_result(live->coord, NULL) != ACT_OK)
        return;
    enum act_status status = act_run_status(act_coord_run(live->coord));
    if (status >= ACT_STATUS_SUCCEEDED && status <= ACT_STATUS_SUSPENDED)
        act_ends_remove(folder);
}

void
act_live_close(struct act_live *live)
{
    drop_ends(live);
    act_coord_destroy(live->coord);
    act_answers_close(live->answers);
    act_caching_destroy(live->caching);
    act_feeds_close(&live->feeds);
    act_proven_fini(&live->proven);
    act_site_close(&live->site);
    act_drive_destroy(live->drive);
    act_secrets_destroy(live->secrets);
    act_plan_destroy(live->stored_plan);
    act_value_release(live->row.spec);
    act_value_release(live->row.from);
    act_value_release(live->options);
    act_arena_fini(&live->arena);
    *live = (struct act_live){0};
}

/* ---- what it has ---------------------------------------------------------------------------- */

struct act_feed_auth
act_live_auth(const struct act_live *live)
{
    return (struct act_feed_auth){.headers = get(live->options, "event_headers"),
                                  .signs = get(live->options, "event_signs"),
                                  .secrets = live->secrets};
}

enum act_err
act_live_gather(struct act_live *live, const struct act_secret_source *source,
                struct act_error *err)
{
    struct texts specs = texts_of(live, "secrets");
    const struct act_value *plan = live->plan->exprs.literals.ptr[live->plan->secrets];
    struct act_feed_auth auth = act_live_auth(live);
    struct act_value *wanted = act_value_list();
    for (uint32_t i = 0; i < act_value_len(plan); i++)
        act_value_list_add(wanted, act_value_retain(act_value_at(plan, i)));
    act_feed_auth_needs(&auth, wanted);
    enum act_err code =
        act_secrets_gather(wanted, specs.ptr, specs.len, source, &live->secrets, err);
    act_value_release(wanted);
    return code;
}

enum act_err
act_live_equip(struct act_live *live, const struct act_engine *engine, struct act_loop *loop,
               struct act_error *err)
{
    struct act_drive_options drive = {.loop = loop};
    struct texts names = texts_of(live, "env");
    struct act_surroundings around = {
        .run = live->row.run,
        .plan = live->plan,
        .folder = live->folder,
        .clean_env = act_value_as_bool(get(live->options, "clean_env")),
        .env_names = names.ptr,
        .env_name_count = names.len,
        .secrets = live->secrets,
        .outputs = live->outputs,
        .far = live->far,
    };
    live->engine = engine;
    live->loop = loop;
    if (live->ahead && live->ahead->drive) {
        live->drive = live->ahead->drive;
        live->ahead->drive = NULL;
        around.python = &live->ahead->python;
    } else {
        live->drive = act_drive_create(&drive);
    }
    around.system = act_drive_system(live->drive);
    enum act_err code = act_site_open(engine, &around, &live->site, err);
    if (live->ahead)
        act_ahead_settle(live->ahead);
    return code;
}

static void
open_feeds(struct act_live *live, const struct act_coord_observer *observer)
{
    struct act_feed_options common = {.run = live->row.run,
                                      .plan = live->plan,
                                      .loop = live->loop,
                                      .store = live->engine->store,
                                      .loader = &live->site.blobs->loader,
                                      .hosting = live->engine->hosting,
                                      .auth = act_live_auth(live)};
    act_feeds_open(&live->feeds, get(live->options, "events"), &common, observer);
}

/* Where the run keeps its files, and where content is shared: beside the folders of all runs. */
static void
own_folder(struct act_live *live, struct act_str *ret, struct act_str *ret_objects)
{
    struct act_store *store = live->engine->store;
    struct act_buf path = {0};
    *ret_objects = ACT_STR("");
    if (!store || store->ops->folder(store, live->row.run, false, &live->arena, ret, NULL)) {
        act_compose_scratch(&path, live->row.run);
        *ret = act_arena_str(&live->arena, act_buf_str(&path));
    } else {
        size_t up = ret->len;
        while (ret->ptr[up - 1] != '/')
            up--;
        *ret_objects = act_arena_printf(&live->arena, "%.*sobjects", (int)up, ret->ptr);
    }
    act_buf_fini(&path);
}

static bool
keeps_artifacts(const struct act_plan *plan)
{
    for (uint32_t i = 0; i < plan->attrs.len; i++)
        if (plan->attrs.ptr[i].key == ACT_ATTR_ARTIFACTS)
            return true;
    return false;
}

void
act_live_ready(struct act_live *live, const struct act_live_how *how)
{
    struct act_caching_options caching = {
        .store = live->engine->store,
        .loop = live->loop,
        .blobs = live->site.blobs,
        .run = live->row.run,
        .folder = live->folder,
        .file = live->row.path,
        .never = get(live->options, "no_cache") != NULL,
    };
    live->caching = act_caching_create(&caching);
    struct act_answers_options answers = {.loop = live->loop,
                                          .folder = live->folder,
                                          .durable = live->site.blobs->durable,
                                          .caching = live->caching};
    own_folder(live, &answers.run_folder, &answers.objects);
    open_feeds(live, &how->observer);
    live->answers = act_answers_create(&answers);
    struct act_coord_options options = {
        .loop = live->loop,
        .drive = live->drive,
        .store = live->engine->store,
        .group = live->engine->group,
        .blobs = live->site.blobs,
        .router = live->site.executors.router,
        .end_leftovers = act_site_end_leftovers,
        .end_leftovers_self = &live->site,
        .proven = proven,
        .proven_self = live,
        .plan = live->plan,
        .reused = live->fork ? act_buf_str(&live->fork->plan.events) : (struct act_str){0},
        .slots = how->slots > 0 ? how->slots : act_processors(),
        .on_interrupt = how->on_interrupt,
        .take_quarantined = how->take_quarantined,
        .observer = act_feeds_observer(&live->feeds),
        .hook = how->hook,
        .far = how->far,
        .ns_offset = how->ns_offset,
        .sync_first = how->sync_first,
        .ask = act_answers_ask,
        .ask_self = live->answers,
        .keep = act_caching_keep,
        .keep_self = live->caching,
        .take_up = how->take_up,
    };
    const char *folder = !live->far || how->take_up ? folder_of_ends(live) : NULL;
    if (folder)
        act_proven_read(&live->proven, folder, &live->site.blobs->loader);
    live->coord = act_coord_create(&options);
}

/* ---- how it goes ---------------------------------------------------------------------------- */

static struct act_value *
started_value(struct act_live *live)
{
    struct act_value *value = act_value_map(), *run = act_value_map();
    struct act_buf text = {0};
    act_instant_text(&text, live->row.started_ms);
    act_value_map_put(run, ACT_STR("id"), act_value_string(live->row.run));
    act_value_map_put(run, ACT_STR("name"), act_value_string(live->row.workflow));
    act_value_map_put(run, ACT_STR("started_at"), act_value_string(act_buf_str(&text)));
    act_value_map_put(run, ACT_STR("path"), act_value_string(live->row.path));
    act_buf_fini(&text);
    const struct act_value *names = live->plan->exprs.literals.ptr[live->plan->env_names];
    act_value_map_put(value, ACT_STR("params"), act_value_retain(get(live->row.spec, "params")));
    const struct act_value *env = live->fork ? get(live->fork->started, "env") : NULL;
    const struct act_value *event = live->fork ? get(live->fork->started, "event") : NULL;
    act_value_map_put(value, ACT_STR("env"),
                      env ? act_value_retain(env) : act_site_capture(&live->site, names));
    act_value_map_put(value, ACT_STR("run"), run);
    act_value_map_put(value, ACT_STR("event"), event ? act_value_retain(event) : act_value_null());
    if (live->fork)
        act_value_map_put(value, ACT_STR("fork"), act_value_retain(live->row.from));
    if (keeps_artifacts(live->plan)) {
        struct act_str folder, objects;
        own_folder(live, &folder, &objects);
        act_value_map_put(value, ACT_STR("folder"), act_value_string(folder));
    }
    act_value_map_put(value, ACT_STR("seed"), act_value_int(act_random_seed()));
    return value;
}

/* On the disk before the run's first batch names it. */
static enum act_err
bring(struct act_live *live, struct act_error *err)
{
    struct act_blob_port *blobs = live->site.blobs;
    struct act_str folder, objects;
    own_folder(live, &folder, &objects);
    enum act_err code = act_forking_bring(live->fork, blobs, folder, err);
    if (!code)
        code = blobs->ops->sync(blobs, err);
    return code;
}

static enum act_err
begin(struct act_live *live, struct act_error *err)
{
    struct act_buf plan_bytes = {0};
    struct act_value *started = started_value(live);
    act_plan_encode(&plan_bytes, live->plan, true);
    enum act_err code =
        act_coord_start(live->coord, &live->row, started, act_buf_str(&plan_bytes), err);
    act_value_release(started);
    act_buf_fini(&plan_bytes);
    return code;
}

enum act_err
act_live_start(struct act_live *live, struct act_error *err)
{
    struct act_store *store = live->fork ? live->engine->store : NULL;
    int mark = -1;
    enum act_err code = store ? store->ops->fill(store, live->row.run, &mark, err) : ACT_OK;
    if (!code && live->fork)
        code = bring(live, err);
    if (!code)
        code = begin(live, err);
    if (code && store)
        code = act_forking_explain(live->fork, store, code, err);
    if (mark >= 0)
        store->ops->filled(store, live->row.run, mark, code == ACT_OK);
    return code;
}

enum act_err
act_live_resume(struct act_live *live, enum act_resume_mode mode, struct act_str from,
                struct act_error *err)
{
    enum act_err code = act_coord_resume(live->coord, &live->row, mode, from, err);
    if (code == ACT_ERR_NOT_FOUND && from.len > 0)
        act_let_go_tell(live->engine->store, act_live_run(live), live->row.run, from, err);
    if (code == ACT_OK || code == ACT_ERR_EXISTS)
        act_feeds_catch_up(&live->feeds);
    return code;
}

enum act_err
act_live_signal(struct act_live *live, struct act_str name, struct act_str body,
                struct act_error *err)
{
    struct act_store *store = live->engine->store;
    if (!store)
        return act_error_set(err, ACT_ERR_UNSUPPORTED, "a run without history cannot be signalled");
    return act_inbox_post(store, live->row.run, "signal", name, body, err);
}

/* ---- what became of it ---------------------------------------------------------------------- */

const struct act_run *
act_live_run(const struct act_live *live)
{
    return live->coord ? act_coord_run(live->coord) : live->followed;
}

bool
act_live_is_kept(struct act_live *live)
{
    struct act_store *store = live->engine->store;
    struct act_arena arena = {0};
    struct act_str folder;
    bool kept = store->ops->folder(store, live->row.run, false, &arena, &folder, NULL) == ACT_OK &&
                act_keeper_lives(folder.ptr, NULL);
    act_arena_fini(&arena);
    return kept;
}

/* Of a run that only is followed: what the store has of its end. */
static void
refresh_from_store(struct act_live *live)
{
    struct act_run_row *row = &live->row, stored = {0};
    struct act_store *store = live->engine->store;
    if (!store || store->ops->find_run(store, row->run, &live->arena, &stored, NULL) != ACT_OK)
        return;
    row->ended_ms = stored.ended_ms;
    row->duration_ms = stored.ended_ms > 0 ? stored.duration_ms : row->duration_ms;
    act_value_release(stored.spec);
    act_value_release(stored.from);
}

void
act_live_refresh(struct act_live *live)
{
    struct act_run_row *row = &live->row;
    const struct act_run_row *committed = live->coord ? act_coord_row(live->coord) : NULL;
    int64_t now = act_clock_wall_ms();
    row->duration_ms = now > row->started_ms ? now - row->started_ms : 0;
    if (!committed) {
        refresh_from_store(live);
    } else if (committed->ended_ms > 0) {
        row->ended_ms = committed->ended_ms;
        row->duration_ms = committed->duration_ms;
    }
}

void
act_live_tidy(struct act_live *live)
{
    struct act_store *store = live->engine ? live->engine->store : NULL;
    if (!store || !live->coord || act_coord_result(live->coord, NULL) != ACT_OK)
        return;
    enum act_status status = act_run_status(act_coord_run(live->coord));
    if (status >= ACT_STATUS_SUCCEEDED && status < ACT_STATUS_SUSPENDED)
        act_retention_after(store, &live->row, act_clock_wall_ms());
}

void
act_live_document(struct act_live *live, struct act_view_out *out)
{
    struct act_view_document doc;
    struct act_outcome outcome;
    act_run_outcome(act_live_run(live), &outcome);
    act_view_document_fill(&doc, &live->row, NULL);
    doc.status = act_str(act_status_text(outcome.status));
    doc.result = outcome.result;
    doc.outputs = outcome.outputs;
    doc.error = outcome.error;
    doc.tolerated = outcome.tolerated;
    act_view_document_json(out, &doc, NULL);
}
