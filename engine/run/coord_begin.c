/* How a run begins in this process: anew, or taken up where an earlier one left it. */
#include "engine/run/coord_internal.h"

static void
keep_row(struct act_coord *coord, const struct act_run_row *row)
{
    coord->row = (struct act_run_row){
        .run = act_arena_str(&coord->arena, row->run),
        .workflow = act_arena_str(&coord->arena, row->workflow),
        .status = act_arena_str(&coord->arena, row->status),
        .path = act_arena_str(&coord->arena, row->path),
        .plan_hash = act_arena_str(&coord->arena, row->plan_hash),
        .started_ms = row->started_ms,
        .ended_ms = row->ended_ms,
        .duration_ms = row->duration_ms,
    };
}

/* The run's first batch goes into the store together with its row and its plan. */
static enum act_err
create(struct act_coord *coord, const struct act_run_row *row, struct act_str plan_bytes,
       struct act_error *err)
{
    struct act_store *store = coord->options.store;
    struct act_arena arena = {0};
    act_inbox_rows posts = {0};
    struct act_batch first = act_coord_batch_of_turn(coord, &arena, &posts);
    struct act_run_row whole = *row; /* a run of values alone may have ended already */
    if (act_coord_changed_row(coord)) {
        whole.status = coord->row.status;
        whole.ended_ms = coord->row.ended_ms;
        whole.duration_ms = coord->row.duration_ms;
    }
    enum act_err code = store->ops->create_run(store, &whole, plan_bytes, &first, err);
    if (code == ACT_OK)
        act_coord_report_posts(coord, &posts);
    act_vec_fini(&posts);
    act_arena_fini(&arena);
    if (code != ACT_OK)
        return code;
    coord->owned = true;
    act_coord_observe_batch(coord, first.body);
    act_buf_clear(&coord->effects.log);
    coord->effects.event_count = 0;
    coord->effects.first_seq = act_run_next_seq(coord->run);
    return ACT_OK;
}

enum act_err
act_coord_start(struct act_coord *coord, const struct act_run_row *row,
                const struct act_value *started, struct act_str plan_bytes, struct act_error *err)
{
    keep_row(coord, row);
    coord->callees.run = coord->row.run;
    coord->callees.store = coord->options.store;
    struct act_loop *loop = coord->options.loop;
    coord->ns_offset = -loop->ops->now_ns(loop);
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_RUN_STARTED, ACT_INST_NONE);
    struct act_value *value = act_value_retain(started);
    fact.event.value = value;
    fact.event.at_ms = row->started_ms;
    enum act_err code = act_run_apply(coord->run, &fact, &coord->effects, err);
    act_value_release(value);
    if (code != ACT_OK)
        return code;
    coord->callees.closed = true;
    act_coord_give_slots(coord);
    if (coord->options.store)
        code = create(coord, row, plan_bytes, err);
    if (code != ACT_OK)
        return code;
    coord->callees.closed = false;
    coord->started = true;
    act_coord_poll_inbox(coord);
    loop->ops->request_turn(loop);
    return ACT_OK;
}

static enum act_err
replay_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    return act_run_replay(((struct act_coord *)self)->run, batch->body, err);
}

/* What was dispatched and has no end: its process died with the engine or lives on without it. It is
 * ended before anything else happens, and recorded as lost; the machine decides whether it may run
 * again. */
struct leftovers {
    struct act_coord *coord;
    ACT_VEC(act_inst) insts;
};

static void
end_leftover(void *self, act_inst inst, const struct act_task *task)
{
    struct leftovers *left = self;
    const struct act_coord_options *options = &left->coord->options;
    if (options->end_leftovers)
        options->end_leftovers(options->end_leftovers_self, task->attempt_id);
    act_vec_push(&left->insts, inst);
}

static void
record_leftovers(struct act_coord *coord)
{
    struct leftovers left = {.coord = coord};
    act_run_inflight(coord->run, end_leftover, &left);
    for (uint32_t i = 0; i < left.insts.len; i++) {
        struct act_fact fact = act_coord_fact(coord, ACT_EVENT_ENDED, left.insts.ptr[i]);
        fact.event.cause = ACT_CAUSE_LOST;
        fact.event.message = ACT_STR("the engine ended before the attempt did");
        act_coord_apply(coord, &fact);
    }
    act_vec_fini(&left.insts);
}

static void
take_up(struct act_coord *coord, enum act_resume_mode mode)
{
    record_leftovers(coord);
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_RESUME, ACT_INST_NONE);
    act_coord_apply(coord, &fact);
    act_run_reissue(coord->run, &coord->effects);
    if (mode == ACT_RESUME_CANCEL)
        act_coord_cancel(coord, ACT_STR("actant cancel"));
}

/* An ended run has nothing left over and nothing to resume. A retry that is refused (there is no node
 * `from`) leaves it as it was: nothing has been logged. */
static enum act_err
take_up_ended(struct act_coord *coord, struct act_str from, struct act_error *err)
{
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_RETRY, ACT_INST_NONE);
    fact.event.name = from;
    act_run_reissue(coord->run, &coord->effects);
    return act_run_apply(coord->run, &fact, &coord->effects, err);
}

/* May the replayed run go on in this way? */
static enum act_err
check_mode(const struct act_coord *coord, enum act_resume_mode mode, struct act_str from,
           struct act_error *err)
{
    enum act_status status = act_run_status(coord->run);
    bool over = act_coord_is_end(status) && status != ACT_STATUS_SUSPENDED;
    if (mode != ACT_RESUME_RETRY)
        return !over ? ACT_OK
                     : act_error_set(err, ACT_ERR_EXISTS, "run %.*s has ended: %s",
                                     ACT_STR_ARG(coord->row.run), act_status_text(status));
    if (over && (status != ACT_STATUS_SUCCEEDED || from.len > 0))
        return ACT_OK;
    act_error_set(err, ACT_ERR_USAGE, "run %.*s %s%s: there is nothing to retry",
                  ACT_STR_ARG(coord->row.run), over ? "" : "is ", act_status_text(status));
    act_error_hint(err, over ? "`actant rerun` starts it anew" : "`actant resume` goes on with it");
    return ACT_ERR_USAGE;
}

enum act_err
act_coord_resume(struct act_coord *coord, const struct act_run_row *row, enum act_resume_mode mode,
                 struct act_str from, struct act_error *err)
{
    struct act_store *store = coord->options.store;
    keep_row(coord, row);
    coord->callees.run = coord->row.run;
    coord->callees.store = store;
    enum act_err code = store->ops->own(store, coord->row.run, err);
    if (code != ACT_OK)
        return code;
    coord->owned = true;
    code = store->ops->read_batches(store, coord->row.run, 1, replay_batch, coord, err);
    if (code != ACT_OK)
        return code;
    code = check_mode(coord, mode, from, err);
    if (code != ACT_OK)
        return code;
    struct act_loop *loop = coord->options.loop;
    coord->ns_offset = act_run_last_ns(coord->run) + 1 - loop->ops->now_ns(loop);
    if (mode != ACT_RESUME_RETRY)
        take_up(coord, mode);
    else
        code = take_up_ended(coord, from, err);
    if (code != ACT_OK)
        return code;
    coord->started = true;
    act_coord_read_inbox(coord);
    act_coord_poll_inbox(coord);
    loop->ops->request_turn(loop);
    return ACT_OK;
}
