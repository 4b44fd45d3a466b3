#include "cli/session.h"

#include "cli/finish.h"
#include "cli/github.h"
#include "cli/store.h"
#include "cli/term.h"
#include "embed/detach.h"
#include "embed/feed_target.h"
#include "embed/live.h"
#include "executors/shell/mask.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

struct session {
    struct act_cli *cli;
    struct act_engine engine;
    struct act_live live;
    struct act_report report;
    enum act_resume_mode mode;
};

static void
close_session(struct session *s)
{
    act_live_tidy(&s->live);
    act_live_close(&s->live);
    if (s->report.ops)
        act_report_fini(&s->report);
    act_engine_close(&s->engine);
}

/* A later process takes the run up from another folder. */
static struct act_strs
absolute(struct act_cli *cli, struct act_strs targets)
{
    struct act_strs all = {.len = targets.len};
    all.ptr = act_arena_alloc(&cli->arena, sizeof(*all.ptr) * (targets.len + 1));
    for (uint32_t i = 0; i < targets.len; i++)
        all.ptr[i] = act_feed_target_absolute(targets.ptr[i], &cli->arena);
    return all;
}

static struct act_live_given
given(struct act_cli *cli)
{
    struct act_strs env = act_cli_list(cli, ACT_OPT_ENV);
    struct act_strs secrets = act_cli_list(cli, ACT_OPT_SECRET);
    struct act_strs events = absolute(cli, act_cli_list(cli, ACT_OPT_EVENTS));
    struct act_strs headers = act_cli_list(cli, ACT_OPT_EVENTS_HEADER);
    struct act_strs signs = act_cli_list(cli, ACT_OPT_EVENTS_SIGN);
    struct act_live_given all = {
        .env = env.ptr,
        .env_count = env.len,
        .secrets = secrets.ptr,
        .secret_count = secrets.len,
        .events = events.ptr,
        .event_count = events.len,
        .event_headers = headers.ptr,
        .event_header_count = headers.len,
        .event_signs = signs.ptr,
        .event_sign_count = signs.len,
    };
    all.no_cache = act_cli_text(cli, ACT_OPT_CACHE).len > 0 && !act_cli_flag(cli, ACT_OPT_CACHE);
    if (act_cli_text(cli, ACT_OPT_CLEAN_ENV).len > 0)
        all.clean_env = act_cli_flag(cli, ACT_OPT_CLEAN_ENV) ? ACT_CLEAN_ENV_YES : ACT_CLEAN_ENV_NO;
    return all;
}

/* ---- opening -------------------------------------------------------------------------------- */
enum act_report_mode
act_session_report_mode(const struct act_cli *cli)
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
        if (act_secrets_expand(s->live.secrets, nonce, act_buf_str(&place), &value, NULL) == ACT_OK)
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
        s->live.secrets); /* built by now, at the latest: what is unmasked is known after it */
    struct act_str names = act_secrets_unmasked(s->live.secrets);
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
open_engine(struct session *s, struct act_store *store, struct act_error *err)
{
    struct act_engine_wish wish = {.store = store};
    struct act_ahead *ahead = s->live.ahead;
    if (!ahead || !ahead->engine.loop)
        return act_engine_open(&wish, &s->engine, err);
    s->engine = ahead->engine;
    ahead->engine = (struct act_engine){0};
    return act_engine_attach(&s->engine, store, err);
}

static bool
has_threads(const struct act_plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        const uint32_t *isolation = act_plan_attr(plan, i, ACT_ATTR_ISOLATION);
        if (isolation && *isolation == ACT_ISOLATION_THREAD)
            return true;
    }
    return false;
}

/* What the run writes, before it begins: not when its report or its first event is to be written. */
static enum act_err
check_written(struct act_cli *cli, const struct act_store *store, struct act_error *err)
{
    struct act_str junit = act_cli_text(cli, ACT_OPT_JUNIT);
    struct act_strs events = act_cli_list(cli, ACT_OPT_EVENTS);
    enum act_err code = junit.len > 0 ? act_compose_may_write(store, junit, err) : ACT_OK;
    for (uint32_t i = 0; !code && i < events.len; i++)
        if (act_feed_target_is_file(events.ptr[i]))
            code = act_compose_may_write(store, events.ptr[i], err);
    return code;
}

/* Everything but the run itself. store is taken over. */
static enum act_err
open_session(struct session *s, struct act_store *store, struct act_error *err)
{
    struct act_cli *cli = s->cli;
    struct act_live *live = &s->live;
    enum act_err code = act_live_gather(live, NULL, err);
    if (code) {
        if (store)
            store->ops->close(store);
        return code;
    }
    warn_unmasked(s);
    if (has_threads(live->plan))
        act_cli_keep_out(cli);
    code = open_engine(s, store, err);
    if (!code)
        code = check_written(s->cli, s->engine.store, err);
    if (!code)
        code = act_live_equip(live, &s->engine, s->engine.loop, err);
    if (code)
        return code;
    if (act_github_is_on())
        mask_secrets(s, live->plan->exprs.literals.ptr[live->plan->secrets]);
    act_report_init(&s->report, act_session_report_mode(cli), live->plan, live->site.blobs,
                    s->engine.loop, live->row.run, act_finish_again(cli), cli->color);
    s->report.verbose = act_cli_flag(cli, ACT_OPT_VERBOSE);
    s->engine.processes->warn = act_report_observer(&s->report).warning;
    s->engine.processes->warn_self = &s->report;
    struct act_live_how how = {
        .slots = act_cli_number(cli, ACT_OPT_JOBS, 0),
        .on_interrupt = on_interrupt(cli),
        .take_quarantined = act_cli_flag(cli, ACT_OPT_QUARANTINED),
        .observer = act_report_observer(&s->report),
    };
    act_live_ready(live, &how);
    return ACT_OK;
}

static int
finish(struct session *s)
{
    struct act_finish finish = {
        .cli = s->cli,
        .report = &s->report,
        .live = &s->live,
        .cancel_wanted = s->mode == ACT_RESUME_CANCEL,
    };
    return act_finish(&finish);
}

/* The loop, then what there is to say. */
static int
wait_for_end(struct session *s)
{
    struct act_error err = {0};
    enum act_err code = s->engine.loop->ops->run(s->engine.loop, &err);
    if (!code)
        code = act_coord_result(s->live.coord, &err);
    if (!code)
        return finish(s);
    struct act_finish broken = {.cli = s->cli, .report = &s->report, .live = &s->live};
    return act_finish_broken(&broken, &err);
}

static void
new_run(struct session *s, const struct act_start *start)
{
    struct act_live_given options = given(s->cli);
    bool named = start->ahead && start->ahead->run[0];
    struct act_live_new new = {
        .run = named ? start->ahead->run : NULL,
        .plan = start->plan,
        .path = start->path,
        .folder = start->folder,
        .params = start->params,
        .from = start->from,
        .fork = start->fork,
        .options = act_live_options(start->folder, &options, start->options),
    };
    s->live.ahead = start->ahead;
    act_live_new(&s->live, &new);
}

void
act_session_ahead(struct act_cli *cli, struct act_str folder, struct act_str text,
                  struct act_ahead *ahead)
{
    struct act_live_given options = given(cli);
    struct act_ahead_wish wish = {
        .folder = folder,
        .clean_env = options.clean_env == ACT_CLEAN_ENV_YES,
        .env_names = options.env,
        .env_name_count = options.env_count,
    };
    bool here = !act_cli_flag(cli, ACT_OPT_DRY_RUN) && !act_cli_flag(cli, ACT_OPT_DETACH);
    if (here && act_ahead_guess(text))
        act_ahead_start(ahead, &wish);
}

int
act_session_start(struct act_cli *cli, const struct act_start *start)
{
    struct session s = {.cli = cli};
    struct act_error err = {0};
    struct act_store *store = NULL;
    bool history = !act_str_is(act_cli_text(cli, ACT_OPT_HISTORY), "false");
    enum act_err code = history ? act_cli_store(cli, false, &store, &err) : ACT_OK;
    if (!code) {
        new_run(&s, start);
        code = open_session(&s, store, &err);
    }
    if (!code && !act_cli_flag(cli, ACT_OPT_QUIET))
        act_finish_announce(&s.report, &s.live.row);
    if (!code)
        code = act_live_start(&s.live, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : wait_for_end(&s);
    close_session(&s);
    return exit_code;
}

/* ---- in the background ---------------------------------------------------------------------- */

static int
say_detached(struct act_cli *cli, struct act_str run)
{
    struct act_buf out = {0};
    struct act_str again = act_finish_again(cli);
    if (cli->json)
        act_buf_printf(&out, "{\"run\":\"%.*s\"}\n", ACT_STR_ARG(run));
    else
        act_buf_printf(&out,
                       "run %.*s goes on in the background\n"
                       "  actant attach %.*s%.*s   # follow it to its end\n"
                       "  actant cancel %.*s%.*s   # end it: its finally and undo run\n",
                       ACT_STR_ARG(run), ACT_STR_ARG(run), ACT_STR_ARG(again), ACT_STR_ARG(run),
                       ACT_STR_ARG(again));
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static struct act_detach_how
detach_how(struct act_cli *cli)
{
    return (struct act_detach_how){
        .durability = act_cli_durability(cli),
        .slots = act_cli_number(cli, ACT_OPT_JOBS, 0),
        .on_interrupt = on_interrupt(cli),
        .take_quarantined = act_cli_flag(cli, ACT_OPT_QUARANTINED),
    };
}

/* What is said at a run's end cannot be said before it. */
int
act_session_check_detach(struct act_cli *cli)
{
    const char *other = cli->args.given[ACT_OPT_JUNIT].len > 0                    ? "--junit"
                        : act_str_is(act_cli_text(cli, ACT_OPT_HISTORY), "false") ? "--no-history"
                                                                                  : NULL;
    if (!act_cli_flag(cli, ACT_OPT_DETACH) || !other)
        return 0;
    return act_cli_usage(cli, "`actant attach` follows a run in the background to its end",
                         "--detach and %s do not go together", other);
}

/* A setting is for all runs, so for those here it does not stand in the way. */
static void
warn_left_out(const struct act_cli *cli)
{
    if (act_cli_text(cli, ACT_OPT_JUNIT).len > 0)
        act_cli_warn(cli, "a run in the background writes no JUnit report (the setting `junit`); "
                          "`actant attach` does when it has ended");
}

/* The run is there, new or loaded, and goes to the background. code: whether it is. */
static int
send_away(struct session *s, enum act_err code, const struct act_detach_how *how,
          struct act_store *store, struct act_error *err)
{
    if (!code)
        code = act_live_gather(&s->live, NULL, err);
    if (!code)
        code = check_written(s->cli, store, err);
    if (!code) {
        warn_unmasked(s);
        warn_left_out(s->cli);
        code = act_detach(&s->live, how, store, err);
    }
    int exit_code = code ? act_cli_fail(s->cli, err) : say_detached(s->cli, s->live.row.run);
    act_live_close(&s->live);
    if (store)
        store->ops->close(store);
    return exit_code;
}

int
act_session_detach(struct act_cli *cli, const struct act_start *start)
{
    struct session s = {.cli = cli};
    struct act_error err = {0};
    struct act_store *store = NULL;
    struct act_detach_how how = detach_how(cli);
    enum act_err code = act_cli_store(cli, false, &store, &err);
    if (!code)
        new_run(&s, start);
    return send_away(&s, code, &how, store, &err);
}

/* ---- a stored run --------------------------------------------------------------------------- */

static int
resume_opened(struct session *s, struct act_str from)
{
    struct act_error err = {0};
    enum act_err code = act_live_resume(&s->live, s->mode, from, &err);
    if (!code)
        return wait_for_end(s);
    if (code != ACT_ERR_EXISTS)
        return act_cli_fail(s->cli, &err);
    if (s->mode == ACT_RESUME_CANCEL)
        return act_cli_usage(s->cli, "`actant history show` has what became of it",
                             "run %.*s has ended already: %.*s", ACT_STR_ARG(s->live.row.run),
                             ACT_STR_ARG(s->live.row.status));
    return finish(s);
}

/* What has ended is told, and what has not is not retried, here and now. */
static bool
goes_away(const struct session *s)
{
    bool ended = act_stored_ended(s->live.row.status);
    return act_cli_flag(s->cli, ACT_OPT_DETACH) && ended == (s->mode == ACT_RESUME_RETRY);
}

int
act_session_resume(struct act_cli *cli, struct act_str run, enum act_resume_mode mode,
                   struct act_str from)
{
    struct session s = {.cli = cli, .mode = mode};
    struct act_error err = {0};
    struct act_store *store = NULL;
    struct act_live_given options = given(cli);
    int refused = act_session_check_detach(cli);
    if (refused)
        return refused;
    enum act_err code = act_cli_store(cli, false, &store, &err);
    if (!code && (code = act_live_load(&s.live, store, run, &options, &err)) != ACT_OK)
        store->ops->close(store);
    if (!code && goes_away(&s)) {
        struct act_detach_how how = detach_how(cli);
        how.take_up = true;
        how.mode = mode;
        how.from = from;
        return send_away(&s, code, &how, store, &err);
    }
    if (!code)
        code = open_session(&s, store, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : resume_opened(&s, from);
    close_session(&s);
    return exit_code;
}
