/* Following a run that another process drives, from its log; nothing of it is owned here. */
#include "cli/cmd.h"

#include "cli/finish.h"
#include "cli/session.h"
#include "cli/store.h"
#include "embed/live.h"
#include "engine/view/view_log.h"

#include <poll.h>

#define POLL_MS 100
#define LEAVE_MS                                                                                   \
    10000 /* its processes are waited for so long, so that the next command finds it free */

/* How far an attempt's output has been shown. */
struct shown {
    struct act_str key; /* encoded; owned by the arena */
    uint32_t attempt;
    uint64_t bytes;
};

struct attach {
    struct act_cli *cli;
    struct act_engine engine;
    struct act_live live;
    struct act_report report;
    struct act_coord_observer observer;
    struct act_run *run;   /* what the log says so far */
    struct act_view view;  /* the same, for what tasks wrote */
    uint64_t last_seq;     /* of it */
    struct act_str status; /* of the run's row */
    ACT_VEC(struct shown) shown;
    const struct act_event *event; /* whose output is being shown */
    bool silent;                   /* it has ended: its document says all */
    int suspended_by;              /* the signal that did, the last time */
    int signal;                    /* of ours */
    struct act_error error;
};

/* ---- what tasks wrote ----------------------------------------------------------------------- */

static struct shown *
shown_of(struct attach *a, const struct act_event *event)
{
    struct act_buf key = {0};
    act_key_encode(&key, event->key);
    uint32_t at = 0;
    while (at < a->shown.len && (a->shown.ptr[at].attempt != event->attempt ||
                                 !act_str_eq(a->shown.ptr[at].key, act_buf_str(&key))))
        at++;
    if (at == a->shown.len) {
        struct shown fresh = {.key = act_arena_str(&a->cli->arena, act_buf_str(&key)),
                              .attempt = event->attempt};
        act_vec_push(&a->shown, fresh);
    }
    act_buf_fini(&key);
    return &a->shown.ptr[at];
}

static enum act_err
show_part(void *self, int stream, struct act_str bytes, struct act_error *err)
{
    struct attach *a = self;
    (void)err;
    act_report_output(&a->report, a->event->key, stream == 2, bytes);
    return ACT_OK;
}

static const struct act_view_attempt *
attempt_of(const struct attach *a, const struct act_event *event)
{
    const struct act_view_entry *entry = act_view_at(&a->view, event->key);
    const struct act_view_attempt *last = entry ? act_view_last(entry) : NULL;
    return last && last->number == event->attempt ? last : NULL;
}

/* What has come since the last time; an output that is gone shows nothing. */
static void
show_output(struct attach *a, const struct act_event *event)
{
    struct act_view_log_sink sink = {.self = a, .part = show_part};
    const struct act_view_attempt *attempt = attempt_of(a, event);
    struct shown *shown = shown_of(a, event);
    uint64_t bytes = shown->bytes;
    if (!attempt)
        return;
    a->event = event;
    if (act_view_log(a->live.site.blobs, attempt, shown->bytes, &sink, &bytes, NULL) == ACT_OK)
        shown->bytes = bytes;
    if (event->type == ACT_EVENT_ENDED) {
        *shown = *act_vec_last(&a->shown);
        a->shown.len--;
    }
}

/* ---- the log -------------------------------------------------------------------------------- */

/* One event: its output before what is said of its end. */
static void
show_event(struct attach *a, const struct act_event *event, struct act_str bytes)
{
    bool writes = event->type == ACT_EVENT_OUTPUT || event->type == ACT_EVENT_ENDED;
    if (a->observer.output && act_view_feed(&a->view, bytes, NULL) == ACT_OK && writes)
        show_output(a, event);
    a->observer.batch(a->observer.self, a->run, bytes);
}

static enum act_err
take_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct attach *a = self;
    struct act_str rest = batch->body;
    struct act_arena arena = {0};
    enum act_err code = act_run_replay(a->run, batch->body, err);
    while (code == ACT_OK && rest.len > 0) {
        struct act_event event = {0};
        const char *from = rest.ptr;
        code = act_event_decode(&rest, &arena, &a->live.site.blobs->loader, &event, err);
        if (code != ACT_OK)
            break;
        if (event.type == ACT_EVENT_SUSPEND)
            a->suspended_by = event.signal;
        if (!a->silent)
            show_event(a, &event, act_str_n(from, (size_t)(rest.ptr - from)));
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
    if (batch->count > 0)
        a->last_seq = batch->first_seq + batch->count - 1;
    return code;
}

/* The status first, then what had been written by then: nothing is missed at the end. */
static enum act_err
read_log(struct attach *a)
{
    struct act_store *store = a->engine.store;
    struct act_arena arena = {0};
    struct act_run_row row = {0};
    enum act_err code = store->ops->find_run(store, a->live.row.run, &arena, &row, &a->error);
    if (code == ACT_OK && !act_str_eq(row.status, a->status))
        a->status = act_arena_str(&a->cli->arena, row.status);
    act_value_release(row.spec);
    act_value_release(row.from);
    act_arena_fini(&arena);
    if (code == ACT_OK)
        code = store->ops->read_batches(store, a->live.row.run, a->last_seq + 1, take_batch, a,
                                        &a->error);
    return code;
}

/* Ended, or suspended: nobody goes on with it by himself. */
static bool
is_over(const struct attach *a)
{
    return act_stored_ended(a->status) || act_str_is(a->status, "suspended");
}

/* ---- waiting -------------------------------------------------------------------------------- */

static void
poll_due(void *self)
{
    struct attach *a = self;
    struct act_loop *loop = a->engine.loop;
    if (read_log(a) == ACT_OK && act_str_is(a->status, "running"))
        loop->ops->start_timer(loop, POLL_MS, poll_due, a);
    else
        loop->ops->stop(loop);
}

static void
on_signal(void *self, int number)
{
    struct attach *a = self;
    a->signal = number;
    a->engine.loop->ops->stop(a->engine.loop);
}

static void
wait_for_keeper(struct attach *a)
{
    for (int64_t waited_ms = 0; waited_ms < LEAVE_MS && !a->signal && act_live_is_kept(&a->live);
         waited_ms += POLL_MS)
        poll(NULL, 0, POLL_MS);
}

static enum act_err
follow(struct attach *a)
{
    struct act_loop *loop = a->engine.loop;
    loop->ops->on_signal(loop, on_signal, a);
    if (!act_cli_flag(a->cli, ACT_OPT_QUIET))
        act_finish_announce(&a->report, &a->live.row);
    poll_due(a);
    enum act_err code = loop->ops->run(loop, &a->error);
    if (code == ACT_OK)
        code = a->error.code;
    if (code == ACT_OK && a->observer.ended)
        a->observer.ended(a->observer.self, a->run);
    wait_for_keeper(a);
    return code;
}

/* ---- the end -------------------------------------------------------------------------------- */

static int
left_alone(struct attach *a)
{
    struct act_str run = a->live.row.run, again = a->report.again;
    act_cli_warn(a->cli,
                 "run %.*s goes on without being watched: actant attach %.*s%.*s follows it "
                 "again, actant cancel %.*s%.*s ends it",
                 ACT_STR_ARG(run), ACT_STR_ARG(run), ACT_STR_ARG(again), ACT_STR_ARG(run),
                 ACT_STR_ARG(again));
    return ACT_EXIT_SIGNAL + a->signal;
}

static int
nobody_drives(struct attach *a)
{
    struct act_str run = a->live.row.run, again = a->report.again;
    struct act_error err = {0};
    act_error_set(&err, ACT_ERR_SYSTEM, "run %.*s is %.*s: no process drives it", ACT_STR_ARG(run),
                  ACT_STR_ARG(a->status));
    act_error_hint(&err, "`actant resume %.*s%.*s%s` goes on with it", ACT_STR_ARG(run),
                   ACT_STR_ARG(again),
                   act_str_is(a->status, "quarantined") ? " --quarantined" : "");
    return act_cli_fail(a->cli, &err);
}

static int
finish(struct attach *a)
{
    struct act_finish finish = {
        .cli = a->cli, .report = &a->report, .live = &a->live, .suspended_by = a->suspended_by};
    if (a->signal && act_str_is(a->status, "running"))
        return left_alone(a);
    if (!is_over(a))
        return nobody_drives(a);
    a->live.followed = a->run;
    return act_finish(&finish);
}

/* ---- the command ---------------------------------------------------------------------------- */

static enum act_err
open_attach(struct attach *a)
{
    struct act_cli *cli = a->cli;
    struct act_engine_wish wish = {.leave_orphans = true};
    struct act_live_given nothing = {0};
    enum act_err code = act_cli_store(cli, true, &wish.store, &a->error);
    if (code == ACT_OK &&
        (code = act_live_load(&a->live, wish.store, act_cli_word(cli, 0), &nothing, &a->error)))
        wish.store->ops->close(wish.store);
    if (code == ACT_OK)
        code = act_engine_open(&wish, &a->engine, &a->error);
    if (code != ACT_OK)
        return code;
    a->live.far = true;
    code = act_live_equip(&a->live, &a->engine, a->engine.loop, &a->error);
    if (code != ACT_OK)
        return code;
    const struct act_plan *plan = a->live.plan;
    struct act_value_loader *loader = &a->live.site.blobs->loader;
    act_report_init(&a->report, act_session_report_mode(cli), plan, a->live.site.blobs,
                    a->engine.loop, a->live.row.run, act_finish_again(cli), cli->color);
    a->report.verbose = act_cli_flag(cli, ACT_OPT_VERBOSE);
    a->observer = act_report_observer(&a->report);
    a->run = act_run_create(plan, loader);
    act_view_init(&a->view, plan, loader);
    a->status = a->live.row.status;
    return ACT_OK;
}

static void
close_attach(struct attach *a)
{
    if (a->run) {
        act_view_fini(&a->view);
        act_run_destroy(a->run);
        act_report_fini(&a->report);
    }
    act_vec_fini(&a->shown);
    a->live.followed = NULL;
    act_live_close(&a->live);
    act_engine_close(&a->engine);
}

int
act_cmd_attach(struct act_cli *cli)
{
    struct attach a = {.cli = cli};
    enum act_err code = open_attach(&a);
    if (code == ACT_OK && act_str_is(a.status, "running")) {
        code = follow(&a);
    } else if (code == ACT_OK) {
        a.silent = true;
        code = read_log(&a);
        if (is_over(&a)) /* just now, perhaps */
            wait_for_keeper(&a);
    }
    int exit_code = code == ACT_OK ? finish(&a) : act_cli_fail(cli, &a.error);
    close_attach(&a);
    return exit_code;
}
