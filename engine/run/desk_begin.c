/* How a run begins in this process: anew, or taken up where an earlier one left it. */
#include "engine/run/desk.h"

/* The run's first batch goes into the store together with its row and its plan; its effects stay, to
 * be done by the first turn. */
static enum act_err
create(struct act_desk *desk, struct act_str plan_bytes, struct act_error *err)
{
    struct act_coord *crew = desk->crew;
    struct act_store *store = crew->options.store;
    struct act_append *append = act_desk_gather(desk);
    /* A run of values alone may have ended already. */
    struct act_run_row row = append->has_row ? append->row : crew->row;
    append->batch.sync = crew->options.sync_first;
    enum act_err code = store->ops->create_run(store, &row, plan_bytes, &append->batch, err);
    if (code == ACT_OK) {
        crew->owned = crew->settled = true;
        crew->row.ended_ms = row.ended_ms;
        crew->row.duration_ms = row.duration_ms;
        crew->committed_seq = append->batch.first_seq + append->batch.count - 1;
        act_desk_report_posts(desk, append);
        act_crew_observe(crew, crew->committed_seq, append->batch.body);
    }
    act_append_release(append);
    struct act_effects rest = desk->effects;
    desk->effects = desk->doing;
    desk->doing = rest;
    desk->effects.event_count = 0;
    desk->effects.gating = desk->effects.sync = false;
    return code;
}

/* What the run, a fork, has from another one. */
static enum act_err
tell_reused(struct act_desk *desk, struct act_error *err)
{
    const struct act_coord_options *options = &desk->crew->options;
    struct act_str rest = options->reused;
    struct act_arena arena = {0};
    enum act_err code = ACT_OK;
    while (code == ACT_OK && rest.len > 0) {
        struct act_fact fact = {0};
        code = act_event_decode(&rest, &arena, options->blobs ? &options->blobs->loader : NULL,
                                &fact.event, err);
        if (code != ACT_OK)
            break;
        fact.event.at_ms = desk->crew->row.started_ms;
        fact.event.at_ns = act_crew_now_ns(desk->crew);
        code = act_run_apply(desk->run, &fact, &desk->effects, err);
        act_event_fini(&fact.event);
    }
    act_arena_fini(&arena);
    return code;
}

enum act_err
act_desk_start(struct act_desk *desk, const struct act_value *started, struct act_str plan_bytes,
               struct act_error *err)
{
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_RUN_STARTED, ACT_INST_NONE);
    struct act_value *value = act_value_retain(started);
    fact.event.value = value;
    fact.event.at_ms = desk->crew->row.started_ms;
    enum act_err code = act_run_apply(desk->run, &fact, &desk->effects, err);
    act_value_release(value);
    if (code == ACT_OK)
        code = tell_reused(desk, err);
    if (code != ACT_OK)
        return code;
    desk->callees.closed = true;
    act_desk_give_slots(desk);
    if (desk->crew->options.store)
        code = create(desk, plan_bytes, err);
    desk->callees.closed = false;
    desk->open = code == ACT_OK;
    return code;
}

/* ---- a stored run ---- */

static enum act_err
replay_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct act_desk *desk = self;
    struct act_coord *crew = desk->crew;
    enum act_err code = act_run_replay(desk->run, batch->body, err);
    if (code != ACT_OK || batch->count == 0)
        return code;
    uint64_t last_seq = batch->first_seq + batch->count - 1;
    crew->log_bytes += batch->body.len;
    /* Committed by this process, but nobody who watches has been told. */
    if (crew->settled && last_seq > crew->observed_seq)
        act_crew_observe(crew, last_seq, batch->body);
    if (last_seq > crew->committed_seq)
        crew->committed_seq = last_seq;
    return ACT_OK;
}

enum act_err
act_desk_replay(struct act_desk *desk, struct act_error *err)
{
    struct act_store *store = desk->crew->options.store;
    struct act_str run = desk->crew->row.run;
    uint64_t from = act_desk_load_snapshot(desk);
    enum act_err code = store->ops->read_batches(store, run, from, replay_batch, desk, err);
    if (code == ACT_ERR_CORRUPT && from > 1) {
        act_desk_drop_snapshot(desk);
        code = store->ops->read_batches(store, run, 1, replay_batch, desk, err);
    }
    if (!desk->crew->settled)
        desk->crew->observed_seq = desk->crew->committed_seq;
    return code;
}

/* What was dispatched and has no end: its process died with the engine or lives on without it. It is
 * ended before anything else happens, and recorded as lost; the machine decides whether it may run
 * again. If its keeper has noted down how it ended, that is how. */
struct leftover {
    act_inst inst;
    const struct act_end *proven;
};
struct leftovers {
    struct act_desk *desk;
    ACT_VEC(struct leftover) list;
};

static void
end_leftover(void *self, act_inst inst, const struct act_task *task)
{
    struct leftovers *left = self;
    const struct act_coord_options *options = &left->desk->crew->options;
    struct leftover one = {inst, NULL};
    if (options->proven)
        one.proven = options->proven(options->proven_self, task->attempt_id);
    if (!one.proven && options->end_leftovers)
        options->end_leftovers(options->end_leftovers_self, task->attempt_id);
    act_vec_push(&left->list, one);
}

static void
record_lost(struct act_desk *desk, act_inst inst)
{
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_ENDED, inst);
    fact.event.cause = ACT_CAUSE_LOST;
    fact.event.message = ACT_STR("the engine ended before the attempt did");
    act_desk_apply(desk, &fact);
}

static void
record_leftovers(struct act_desk *desk)
{
    struct leftovers left = {.desk = desk};
    act_run_inflight(desk->run, end_leftover, &left);
    for (uint32_t i = 0; i < left.list.len; i++) {
        const struct leftover *one = &left.list.ptr[i];
        const struct act_task *task = NULL;
        if (one->proven && act_run_task(desk->run, one->inst, &task, NULL) == ACT_OK)
            act_desk_apply_proven(desk, one->inst, task, one->proven);
        else
            record_lost(desk, one->inst);
    }
    act_vec_fini(&left.list);
}

static void
go_on(struct act_desk *desk)
{
    record_leftovers(desk);
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_RESUME, ACT_INST_NONE);
    act_desk_apply(desk, &fact);
    act_run_reissue(desk->run, &desk->effects);
    if (desk->crew->beginning.mode == ACT_RESUME_CANCEL)
        act_desk_cancel(desk, ACT_STR("actant cancel"));
}

/* An ended run has nothing left over and nothing to resume. A retry that is refused (there is no node
 * `from`) leaves it as it was: nothing has been logged. */
static enum act_err
retry(struct act_desk *desk, struct act_error *err)
{
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_RETRY, ACT_INST_NONE);
    fact.event.name = desk->crew->beginning.from;
    act_run_reissue(desk->run, &desk->effects);
    return act_run_apply(desk->run, &fact, &desk->effects, err);
}

/* May the replayed run go on in this way? */
static enum act_err
check_mode(const struct act_desk *desk, struct act_error *err)
{
    const struct act_beginning *beginning = &desk->crew->beginning;
    enum act_status status = act_run_status(desk->run);
    bool over = act_desk_is_end(status) && status != ACT_STATUS_SUSPENDED;
    if (beginning->mode != ACT_RESUME_RETRY)
        return !over ? ACT_OK
                     : act_error_set(err, ACT_ERR_EXISTS, "run %.*s has ended: %s",
                                     ACT_STR_ARG(desk->crew->row.run), act_status_text(status));
    if (over && (status != ACT_STATUS_SUCCEEDED || beginning->from.len > 0))
        return ACT_OK;
    act_error_set(err, ACT_ERR_USAGE, "run %.*s %s%s: there is nothing to retry",
                  ACT_STR_ARG(desk->crew->row.run), over ? "" : "is ", act_status_text(status));
    act_error_hint(err, over ? "`actant rerun` starts it anew" : "`actant resume` goes on with it");
    return ACT_ERR_USAGE;
}

enum act_err
act_desk_take_up(struct act_desk *desk, struct act_error *err)
{
    struct act_coord *crew = desk->crew;
    enum act_err code = check_mode(desk, err);
    if (code != ACT_OK)
        return code;
    if (crew->beginning.mode == ACT_RESUME_RETRY)
        code = retry(desk, err);
    else
        go_on(desk);
    desk->open = code == ACT_OK;
    return code;
}

/* The log is this process's own from here on: its attempts never stopped. */
static enum act_err
adopt_stored(struct act_desk *desk, struct act_error *err)
{
    enum act_err code = check_mode(desk, err);
    if (code != ACT_OK || act_run_status(desk->run) == ACT_STATUS_SUSPENDED)
        return code != ACT_OK ? code : ACT_ERR_EXISTS;
    if (desk->crew->options.ns_offset > desk->crew->ns_offset)
        desk->crew->ns_offset = desk->crew->options.ns_offset;
    desk->crew->settled = true;
    act_desk_take_over(desk);
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_ADOPTED, ACT_INST_NONE);
    return act_run_apply(desk->run, &fact, &desk->effects, err);
}

/* A run and its first batch are written together. */
static enum act_err
no_beginning(const struct act_desk *desk, struct act_error *err)
{
    act_error_set(err, ACT_ERR_CORRUPT, "the log of run %.*s is empty: its beginning is gone",
                  ACT_STR_ARG(desk->crew->row.run));
    act_error_hint(err, "the database is damaged; `actant rerun` starts the run anew");
    return ACT_ERR_CORRUPT;
}

enum act_err
act_desk_resume(struct act_desk *desk, struct act_error *err)
{
    struct act_coord *crew = desk->crew;
    struct act_store *store = crew->options.store;
    enum act_err code = store->ops->own(store, crew->row.run, err);
    if (code != ACT_OK)
        return code;
    crew->owned = true;
    code = store->ops->begin_recovery(store, crew->row.run, crew->options.take_quarantined, err);
    if (code == ACT_OK)
        code = act_desk_replay(desk, err);
    if (code != ACT_OK)
        return code;
    if (act_run_status(desk->run) == ACT_STATUS_PENDING)
        return no_beginning(desk, err);
    crew->ns_offset =
        act_run_last_ns(desk->run) + 1 - crew->options.loop->ops->now_ns(crew->options.loop);
    bool adopted = crew->options.far.send && !crew->options.take_up;
    return adopted ? adopt_stored(desk, err) : act_desk_take_up(desk, err);
}
