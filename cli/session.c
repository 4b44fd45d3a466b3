#include "cli/session.h"

#include "cli/finish.h"
#include "cli/github.h"
#include "cli/store.h"
#include "cli/term.h"
#include "embed/hash_files.h"
#include "embed/processors.h"
#include "embed/run_id.h"
#include "embed/secrets.h"
#include "embed/site.h"
#include "executors/shell/mask.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct session {
    struct act_cli *cli;
    struct act_arena arena;
    struct act_secrets *secrets;
    struct act_engine engine;
    struct act_site site;
    struct act_report report;
    struct act_coord *coord;
    const struct act_plan *plan;
    struct act_plan *stored_plan; /* of a run that is taken up; owned */
    struct act_run_row row;
    struct act_value *options; /* owned */
    struct act_str folder;
    enum act_resume_mode mode;
};

static void
close_session(struct session *s)
{
    act_coord_destroy(s->coord);
    if (s->report.ops)
        act_report_fini(&s->report);
    act_site_close(&s->site);
    act_engine_close(&s->engine);
    act_secrets_destroy(s->secrets);
    act_plan_destroy(s->stored_plan);
    act_value_release(s->options);
    act_arena_fini(&s->arena);
}

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- options that outlive the process ------------------------------------------------------- */

static struct act_value *
merged_list(struct act_cli *cli, enum act_opt id, const struct act_value *before)
{
    struct act_value *list = act_value_list();
    struct act_strs given = act_cli_list(cli, id);
    for (uint32_t i = 0; before && i < act_value_len(before); i++) {
        struct act_str old = act_value_as_str(act_value_at(before, i));
        size_t name = 0;
        while (name < old.len && old.ptr[name] != '=')
            name++;
        bool replaced = false;
        for (uint32_t k = 0; k < given.len; k++)
            replaced = replaced || (act_str_starts(given.ptr[k], act_str_n(old.ptr, name)) &&
                                    (given.ptr[k].len == name || given.ptr[k].ptr[name] == '='));
        if (!replaced)
            act_value_list_add(list, act_value_string(old));
    }
    for (uint32_t k = 0; k < given.len; k++)
        act_value_list_add(list, act_value_string(given.ptr[k]));
    return list;
}

struct act_value *
act_session_options(struct act_cli *cli, struct act_str folder, const struct act_value *before)
{
    struct act_value *map = act_value_map();
    const struct act_value *clean = before ? act_value_get(before, ACT_STR("clean_env")) : NULL;
    bool given = act_cli_text(cli, ACT_OPT_CLEAN_ENV).len > 0;
    bool was = clean && act_value_type(clean) == ACT_BOOL && act_value_as_bool(clean);
    act_value_map_put(map, ACT_STR("folder"), act_value_string(folder));
    act_value_map_put(map, ACT_STR("clean_env"),
                      act_value_bool(given ? act_cli_flag(cli, ACT_OPT_CLEAN_ENV) : was));
    act_value_map_put(
        map, ACT_STR("env"),
        merged_list(cli, ACT_OPT_ENV, before ? act_value_get(before, ACT_STR("env")) : NULL));
    act_value_map_put(map, ACT_STR("secrets"),
                      merged_list(cli, ACT_OPT_SECRET,
                                  before ? act_value_get(before, ACT_STR("secrets")) : NULL));
    return map;
}

static struct act_strs
texts_of(struct session *s, const char *key)
{
    const struct act_value *list = act_value_get(s->options, act_str(key));
    struct act_strs texts = {0};
    uint32_t count = list ? act_value_len(list) : 0;
    texts.ptr = act_arena_alloc(&s->arena, sizeof(*texts.ptr) * (count + 1));
    for (uint32_t i = 0; i < count; i++)
        texts.ptr[texts.len++] = act_value_as_str(act_value_at(list, i));
    return texts;
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum act_report_mode
report_mode(const struct act_cli *cli)
{
    struct act_str color = act_cli_text(cli, ACT_OPT_COLOR);
    if (act_cli_flag(cli, ACT_OPT_QUIET))
        return ACT_REPORT_QUIET;
    if (act_github_is_on())
        return ACT_REPORT_GITHUB;
    return act_term_live(STDERR_FILENO) && !act_str_is(color, "never") ? ACT_REPORT_LIVE
                                                                       : ACT_REPORT_PLAIN;
}

/* GitHub's runner masks them, too: what we mask cannot reach it, what others print can. */
static void
mask_secrets(const struct session *s, const struct act_value *names)
{
    static const char nonce[] = "cli";
    struct act_buf place = {0}, value = {0}, out = {0};
    for (uint32_t i = 0; i < act_value_len(names); i++) {
        act_buf_clear(&place);
        act_buf_clear(&value);
        act_buf_printf(&place,
                       "\x01"
                       "ACTSECRET:%s:%.*s\x01",
                       nonce, ACT_STR_ARG(act_value_as_str(act_value_at(names, i))));
        if (act_secrets_expand(s->secrets, nonce, act_buf_str(&place), &value, NULL) == ACT_OK)
            act_github_mask(&out, act_buf_str(&value));
    }
    act_write_all(STDERR_FILENO, act_buf_str(&out));
    if (out.ptr)
        explicit_bzero(out.ptr, out.cap);
    if (value.ptr)
        explicit_bzero(value.ptr, value.cap);
    act_buf_fini(&place);
    act_buf_fini(&value);
    act_buf_fini(&out);
}

/* Found in every second word, such a secret would blacken all output: it is shown, so say so. */
static void
warn_unmasked(const struct session *s)
{
    act_secrets_mask(
        s->secrets); /* built by now, at the latest: what is unmasked is known after it */
    struct act_str names = act_secrets_unmasked(s->secrets);
    if (names.len > 0)
        act_cli_warn(s->cli, "not masked in output, shorter than %d characters: %.*s", ACT_MASK_MIN,
                     ACT_STR_ARG(names));
}

static enum act_on_interrupt
on_interrupt(const struct act_cli *cli)
{
    struct act_str what = act_cli_text(cli, ACT_OPT_ON_INTERRUPT);
    const char *ci = getenv("CI");
    bool in_ci = ci && *ci && strcmp(ci, "false") != 0 && strcmp(ci, "0") != 0;
    if (what.len > 0)
        in_ci = act_str_is(what, "cancel");
    return in_ci ? ACT_INTERRUPT_CANCEL : ACT_INTERRUPT_SUSPEND;
}

static enum act_err
hash_files(void *self, const struct act_value *patterns, struct act_str dir, struct act_value **ret,
           struct act_error *err)
{
    struct session *s = self;
    struct act_str folder =
        dir.len == 0 ? s->folder
        : dir.ptr[0] == '/'
            ? dir
            : act_arena_printf(&s->arena, "%.*s/%.*s", ACT_STR_ARG(s->folder), ACT_STR_ARG(dir));
    return act_hash_files(folder, patterns, ret, err);
}

/* Everything but the run itself. store is taken over. */
static enum act_err
open_session(struct session *s, struct act_store *store, struct act_error *err)
{
    struct act_cli *cli = s->cli;
    struct act_strs specs = texts_of(s, "secrets"), names = texts_of(s, "env");
    const struct act_value *clean = act_value_get(s->options, ACT_STR("clean_env"));
    struct act_surroundings around = {
        .run = s->row.run,
        .plan = s->plan,
        .folder = s->folder,
        .clean_env = act_value_as_bool(clean),
        .env_names = names.ptr,
        .env_name_count = names.len,
    };
    const struct act_value *wanted = s->plan->exprs.literals.ptr[s->plan->secrets];
    enum act_err code = act_secrets_gather(wanted, specs.ptr, specs.len, &s->secrets, err);
    if (code) {
        if (store)
            store->ops->close(store);
        return code;
    }
    around.secrets = s->secrets;
    warn_unmasked(s);
    code = act_engine_open(store, &s->engine, err);
    if (!code)
        code = act_site_open(&s->engine, &around, &s->site, err);
    if (code)
        return code;
    if (act_github_is_on())
        mask_secrets(s, wanted);
    uint32_t slots = act_cli_number(cli, ACT_OPT_JOBS, 0);
    act_report_init(&s->report, report_mode(cli), s->plan, s->site.blobs, s->engine.loop,
                    s->row.run, act_finish_again(cli), cli->color);
    s->report.verbose = act_cli_flag(cli, ACT_OPT_VERBOSE);
    struct act_coord_options options = {
        .loop = s->engine.loop,
        .store = s->engine.store,
        .blobs = s->site.blobs,
        .router = s->site.executors.router,
        .end_leftovers = act_site_end_leftovers,
        .end_leftovers_self = &s->site,
        .plan = s->plan,
        .slots = slots > 0 ? slots : act_processors(),
        .on_interrupt = on_interrupt(cli),
        .observer = act_report_observer(&s->report),
        .hash_files = hash_files,
        .hash_files_self = s,
    };
    s->coord = act_coord_create(&options);
    return ACT_OK;
}

/* The loop, then what there is to say. */
static int
wait_for_end(struct session *s)
{
    struct act_error err = {0};
    enum act_err code = s->engine.loop->ops->run(s->engine.loop, &err);
    if (!code)
        code = act_coord_result(s->coord, &err);
    struct act_finish finish = {
        .cli = s->cli,
        .report = &s->report,
        .store = s->engine.store,
        .blobs = s->site.blobs,
        .plan = s->plan,
        .row = &s->row,
        .run = act_coord_run(s->coord),
        .signal = act_coord_signal(s->coord),
        .cancel_wanted = s->mode == ACT_RESUME_CANCEL,
    };
    if (code)
        return act_finish_broken(&finish, &err);
    return act_finish(&finish);
}

/* ---- a new run ------------------------------------------------------------------------------ */

static struct act_value *
started_value(struct session *s, const struct act_start *start)
{
    struct act_value *value = act_value_map(), *run = act_value_map();
    struct act_buf text = {0};
    act_instant_text(&text, s->row.started_ms);
    act_value_map_put(run, ACT_STR("id"), act_value_string(s->row.run));
    act_value_map_put(run, ACT_STR("name"), act_value_string(s->row.workflow));
    act_value_map_put(run, ACT_STR("started_at"), act_value_string(act_buf_str(&text)));
    act_value_map_put(run, ACT_STR("path"), act_value_string(start->path));
    act_buf_fini(&text);
    const struct act_value *names = s->plan->exprs.literals.ptr[s->plan->env_names];
    act_value_map_put(value, ACT_STR("params"), act_value_retain(start->params));
    act_value_map_put(value, ACT_STR("env"), act_site_capture(&s->site, names));
    act_value_map_put(value, ACT_STR("run"), run);
    act_value_map_put(value, ACT_STR("event"), act_value_null());
    act_value_map_put(value, ACT_STR("seed"), act_value_int(act_random_seed()));
    return value;
}

static void
make_row(struct session *s, const struct act_start *start)
{
    char id[ACT_RUN_ID_LEN + 1], hex[2 * ACT_SHA256_BYTES + 1];
    uint8_t hash[ACT_SHA256_BYTES];
    int64_t now = now_ms();
    act_run_id(now, id);
    act_plan_hash(start->plan, hash);
    act_hex(hex, hash, sizeof(hash));
    struct act_value *spec = act_value_map();
    act_value_map_put(spec, ACT_STR("params"), act_value_retain(start->params));
    act_value_map_put(spec, ACT_STR("options"), act_value_retain(s->options));
    s->row = (struct act_run_row){
        .run = act_arena_str(&s->arena, act_str(id)),
        .workflow = act_plan_text(start->plan, start->plan->name),
        .status = ACT_STR("running"),
        .started_ms = now,
        .path = start->path,
        .plan_hash = act_arena_str(&s->arena, act_str(hex)),
        .spec = spec,
        .from = start->from,
    };
}

static enum act_err
begin_run(struct session *s, const struct act_start *start, struct act_error *err)
{
    struct act_buf plan_bytes = {0};
    struct act_value *started = started_value(s, start);
    act_plan_encode(&plan_bytes, start->plan, true);
    enum act_err code = act_coord_start(s->coord, &s->row, started, act_buf_str(&plan_bytes), err);
    act_value_release(started);
    act_buf_fini(&plan_bytes);
    return code;
}

int
act_session_start(struct act_cli *cli, const struct act_start *start)
{
    struct session s = {.cli = cli, .plan = start->plan, .folder = start->folder};
    struct act_error err = {0};
    struct act_store *store = NULL;
    bool history = !act_str_is(act_cli_text(cli, ACT_OPT_HISTORY), "false");
    enum act_err code = history ? act_cli_store(cli, false, &store, &err) : ACT_OK;
    if (!code) {
        s.options = act_session_options(cli, start->folder, start->options);
        make_row(&s, start);
        code = open_session(&s, store, &err);
    }
    if (!code && !act_cli_flag(cli, ACT_OPT_QUIET))
        act_finish_announce(&s.report, &s.row);
    if (!code)
        code = begin_run(&s, start, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : wait_for_end(&s);
    act_value_release(s.row.spec);
    close_session(&s);
    return exit_code;
}

/* ---- a stored run --------------------------------------------------------------------------- */

static enum act_err
load_run(struct session *s, struct act_store *store, struct act_str run, struct act_error *err)
{
    struct act_str bytes;
    enum act_err code = store->ops->find_run(store, run, &s->arena, &s->row, err);
    if (!code)
        code = store->ops->read_plan(store, s->row.run, &s->arena, &bytes, err);
    if (!code)
        code = act_plan_decode(bytes, &s->stored_plan, err);
    if (code)
        return code;
    s->plan = s->stored_plan;
    const struct act_value *before =
        s->row.spec ? act_value_get(s->row.spec, ACT_STR("options")) : NULL;
    const struct act_value *folder = before ? act_value_get(before, ACT_STR("folder")) : NULL;
    s->folder = folder ? act_arena_str(&s->arena, act_value_as_str(folder)) : ACT_STR("/");
    s->options = act_session_options(s->cli, s->folder, before);
    return ACT_OK;
}

static int
resume_opened(struct session *s, struct act_str from)
{
    struct act_error err = {0};
    enum act_err code = act_coord_resume(s->coord, &s->row, s->mode, from, &err);
    bool over = code == ACT_ERR_EXISTS;
    if (over && s->mode == ACT_RESUME_CANCEL)
        return act_cli_usage(s->cli, "`actant history show` has what became of it",
                             "run %.*s has ended already: %.*s", ACT_STR_ARG(s->row.run),
                             ACT_STR_ARG(s->row.status));
    if (code && !over)
        return act_cli_fail(s->cli, &err);
    if (!over)
        return wait_for_end(s);
    struct act_finish finish = {
        .cli = s->cli,
        .report = &s->report,
        .store = s->engine.store,
        .blobs = s->site.blobs,
        .plan = s->plan,
        .row = &s->row,
        .run = act_coord_run(s->coord),
    };
    return act_finish(&finish);
}

int
act_session_resume(struct act_cli *cli, struct act_str run, enum act_resume_mode mode,
                   struct act_str from)
{
    struct session s = {.cli = cli, .mode = mode};
    struct act_error err = {0};
    struct act_store *store = NULL;
    enum act_err code = act_cli_store(cli, false, &store, &err);
    if (!code && (code = load_run(&s, store, run, &err)) != ACT_OK)
        store->ops->close(store);
    if (!code)
        code = open_session(&s, store, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : resume_opened(&s, from);
    act_value_release(s.row.spec);
    act_value_release(s.row.from);
    close_session(&s);
    return exit_code;
}
