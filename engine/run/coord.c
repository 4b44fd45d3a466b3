#include "engine/run/coord.h"

#include "engine/run/coord_internal.h"

#include <signal.h>

/* After a second signal attempts are killed; what cannot be killed (a process in an uninterruptible
 * sleep) is not waited for longer than this. */
#define LEAVE_MS 5000
#define GRACE_MS 10000

struct act_fact
act_coord_fact(struct act_coord *coord, enum act_event_type type, act_inst inst)
{
    struct act_loop *loop = coord->options.loop;
    return (struct act_fact){
        .inst = inst,
        .event =
            {
                .type = type,
                .at_ms = loop->ops->now_ms(loop),
                .at_ns = loop->ops->now_ns(loop) + coord->ns_offset,
                .exit_code = -1,
            },
    };
}

enum act_err
act_coord_apply(struct act_coord *coord, const struct act_fact *fact)
{
    if (coord->failed)
        return ACT_ERR_SYSTEM;
    enum act_err code = act_run_apply(coord->run, fact, &coord->effects, NULL);
    if (code == ACT_OK && act_event_class(fact->event.type) != ACT_CLASS_LAZY)
        coord->options.loop->ops->request_turn(coord->options.loop);
    return code;
}

bool
act_coord_over(const struct act_coord *coord)
{
    return coord->ended || coord->leaving;
}

static void
leave(void *self)
{
    struct act_coord *coord = self;
    struct act_loop *loop = coord->options.loop;
    coord->leave = NULL;
    coord->leaving = true;
    loop->ops->stop(loop);
}

/* The store or the machine failed: nothing more can be promised, so nothing more is started; what runs
 * is ended in order and the caller told. */
void
act_coord_fail(struct act_coord *coord, enum act_err code, const struct act_error *error)
{
    if (coord->failed)
        return;
    coord->failed = code;
    coord->error = *error;
    act_coord_stop_all(coord, GRACE_MS);
    act_coord_maybe_leave(coord);
}

void
act_coord_maybe_leave(struct act_coord *coord)
{
    if (coord->failed && coord->slots_used == 0 && !coord->leaving)
        leave(coord);
}

/* Effects that need no commit: who wants a slot. */
static uint32_t
gather_ready(struct act_coord *coord, uint32_t from)
{
    for (; from < coord->effects.list.len; from++) {
        const struct act_effect *effect = &coord->effects.list.ptr[from];
        if (effect->type == ACT_EFFECT_READY)
            act_ready_push(&coord->ready, effect->inst, effect->priority);
    }
    return from;
}

static bool
has_start(const struct act_effects *effects, uint32_t from)
{
    for (uint32_t i = from; i < effects->list.len; i++) {
        if (effects->list.ptr[i].type == ACT_EFFECT_START)
            return true;
    }
    return false;
}

/* One slot for inst. The machine refuses what no longer wants one, and a task whose expressions fail
 * ends without starting. */
static void
give_slot(struct act_coord *coord, act_inst inst)
{
    uint32_t before = coord->effects.list.len;
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_DISPATCHED, inst);
    if (act_run_apply(coord->run, &fact, &coord->effects, NULL) == ACT_OK &&
        has_start(&coord->effects, before))
        coord->slots_used++;
    else
        act_callees_refused(&coord->callees, inst);
}

/* A call whose actor is busy waits for it, without a slot. */
static bool
may_go(struct act_coord *coord, const struct act_ready_entry *entry)
{
    const struct act_task *task = NULL;
    struct act_error error = {0};
    char nonce[33];
    bool go = true;
    if (act_run_task(coord->run, entry->inst, &task, NULL) != ACT_OK) {
        act_callees_refused(&coord->callees, entry->inst);
        return true;
    }
    act_run_secret_nonce(coord->run, nonce);
    enum act_err code =
        act_callees_enter(&coord->callees, task, nonce, entry->inst, entry->priority, &go, &error);
    if (code != ACT_OK)
        act_coord_fail(coord, code, &error);
    return go && code == ACT_OK;
}

static void
callee_tick(void *self)
{
    struct act_coord *coord = self;
    coord->callee_timer = NULL;
    act_callees_retry(&coord->callees);
    coord->options.loop->ops->request_turn(coord->options.loop);
}

void
act_coord_give_slots(struct act_coord *coord)
{
    struct act_loop *loop = coord->options.loop;
    uint32_t seen = gather_ready(coord, 0);
    while (coord->slots_used < coord->options.slots && !coord->suspending && !coord->failed) {
        act_callees_call(&coord->callees, &coord->ready);
        struct act_ready_entry entry = act_ready_take(&coord->ready);
        if (entry.inst == ACT_INST_NONE)
            break;
        if (may_go(coord, &entry))
            give_slot(coord, entry.inst);
        seen = gather_ready(coord, seen);
    }
    if (coord->callees.retry_ms > 0 && !coord->callee_timer)
        coord->callee_timer =
            loop->ops->start_timer(loop, coord->callees.retry_ms, callee_tick, coord);
}

bool
act_coord_is_end(enum act_status status)
{
    return status >= ACT_STATUS_SUCCEEDED && status <= ACT_STATUS_SUSPENDED;
}

/* The run's row in the list changes with the batch that changes its status. */
const struct act_run_row *
act_coord_changed_row(struct act_coord *coord)
{
    enum act_status status = act_run_status(coord->run);
    struct act_str text =
        act_coord_is_end(status) ? act_str(act_status_text(status)) : ACT_STR("running");
    if (act_str_eq(text, coord->row.status))
        return NULL;
    coord->row.status = text;
    coord->row.ended_ms = 0;
    if (act_coord_is_end(status)) {
        coord->row.ended_ms = coord->options.loop->ops->now_ms(coord->options.loop);
        coord->row.duration_ms = coord->row.ended_ms - coord->row.started_ms;
    }
    return &coord->row;
}

static enum act_err
append(struct act_coord *coord, const struct act_batch *batch, const struct act_run_row *row,
       struct act_error *error)
{
    struct act_store *store = coord->options.store;
    return store->ops->append(store, coord->row.run, batch, row, coord->inbox_done.ptr,
                              coord->inbox_done.len, coord->effects.sync, error);
}

/* The turn's events and the signals to other runs that go with them. */
struct act_batch
act_coord_batch_of_turn(struct act_coord *coord, struct act_arena *arena, act_inbox_rows *posts)
{
    act_coord_gather_posts(coord, arena, posts);
    return (struct act_batch){
        .first_seq = coord->effects.first_seq,
        .count = coord->effects.event_count,
        .body = act_buf_str(&coord->effects.log),
        .posts = posts->ptr,
        .post_count = posts->len,
    };
}

static enum act_err
append_turn(struct act_coord *coord, const struct act_batch *batch, struct act_error *error)
{
    const struct act_run_row *row = act_coord_changed_row(coord);
    enum act_err code = append(coord, batch, row, error);
    if (code == ACT_ERR_NO_SPACE && !coord->full) {
        /* The store has given its reserve free: what has happened fits now, and the run is suspended
         * in order after this turn. */
        coord->full = true;
        coord->error = *error;
        code = append(coord, batch, row, error);
    }
    return code;
}

static enum act_err
commit(struct act_coord *coord, struct act_error *error)
{
    if (coord->effects.event_count == 0 && coord->inbox_done.len == 0)
        return ACT_OK;
    struct act_arena arena = {0};
    act_inbox_rows posts = {0};
    struct act_batch batch = act_coord_batch_of_turn(coord, &arena, &posts);
    enum act_err code = ACT_OK;
    act_callees_gather(&coord->callees, act_coord_is_end(act_run_status(coord->run)),
                       coord->options.loop->ops->now_ms(coord->options.loop), &coord->saves);
    batch.actors = coord->saves.ptr;
    batch.actor_count = coord->saves.len;
    if (coord->options.store)
        code = append_turn(coord, &batch, error);
    if (code == ACT_OK) {
        act_coord_report_posts(coord, &posts);
        act_vec_clear(&coord->inbox_done);
        act_callees_committed(&coord->callees, coord->saves.ptr, coord->saves.len);
    }
    if (coord->saves.len > 0)
        coord->options.loop->ops->request_turn(coord->options.loop);
    act_vec_clear(&coord->saves);
    act_vec_fini(&posts);
    act_arena_fini(&arena);
    return code;
}

void
act_coord_observe_batch(struct act_coord *coord, struct act_str log)
{
    const struct act_coord_observer *observer = &coord->options.observer;
    if (observer->batch && log.len > 0)
        observer->batch(observer->self, coord->run, log);
}

static void
do_effect(struct act_coord *coord, const struct act_effect *effect)
{
    switch (effect->type) {
    case ACT_EFFECT_READY:
    case ACT_EFFECT_UNREADY: /* the machine refuses its slot */ break;
    case ACT_EFFECT_START: act_coord_start_attempt(coord, effect->inst); break;
    case ACT_EFFECT_STOP: act_coord_stop_attempt(coord, effect->inst, effect->delay_ms); break;
    case ACT_EFFECT_TIMER: act_coord_set_timer(coord, effect); break;
    case ACT_EFFECT_CLEAR_TIMER: act_coord_clear_timer(coord, effect->inst, effect->number); break;
    case ACT_EFFECT_ACQUIRE: act_coord_acquire(coord, effect); break;
    case ACT_EFFECT_RELEASE: act_coord_release(coord, effect->inst); break;
    case ACT_EFFECT_QUESTION: act_coord_question(coord, effect); break;
    case ACT_EFFECT_SIGNAL_OUT: /* went with the batch */
    case ACT_EFFECT_RUN_ENDED: break;
    }
}

static void
finish(struct act_coord *coord)
{
    coord->ended = true;
    if (coord->full)
        coord->failed = ACT_ERR_NO_SPACE;
    const struct act_coord_observer *observer = &coord->options.observer;
    if (observer->ended)
        observer->ended(observer->self, coord->run);
    coord->options.loop->ops->stop(coord->options.loop);
}

/* Once a turn of the loop: everything that came in has been applied; let the machine settle, give
 * slots, commit, and only then act. */
static void
turn(void *self)
{
    struct act_coord *coord = self;
    struct act_loop *loop = coord->options.loop;
    if (!coord->started || coord->failed || coord->ended)
        return;
    if (act_run_more(coord->run)) {
        act_run_continue(coord->run, loop->ops->now_ms(loop),
                         loop->ops->now_ns(loop) + coord->ns_offset, &coord->effects);
    }
    act_coord_give_slots(coord);
    struct act_error error = {0};
    enum act_err code = commit(coord, &error);
    if (code != ACT_OK) {
        act_coord_fail(coord, code, &error);
        return;
    }
    /* Doing an effect may bring in facts at once; they belong to the next turn. */
    struct act_effects doing = coord->effects;
    coord->effects = coord->doing;
    coord->doing = doing;
    act_coord_observe_batch(coord, act_buf_str(&coord->doing.log));
    for (uint32_t i = 0; i < coord->doing.list.len && !coord->failed; i++)
        do_effect(coord, &coord->doing.list.ptr[i]);
    act_effects_clear(&coord->doing);
    if (coord->full && !coord->suspending)
        act_coord_suspend(coord);
    bool over = act_coord_is_end(act_run_status(coord->run)) && coord->slots_used == 0;
    if (over && !coord->failed && coord->effects.event_count == 0)
        finish(coord);
    else if (over || act_run_more(coord->run) || coord->effects.gating)
        loop->ops->request_turn(loop);
}

static void
on_signal(void *self, int number)
{
    struct act_coord *coord = self;
    if (coord->suspending || coord->signal) {
        act_coord_stop_now(coord);
        return;
    }
    coord->signal = number;
    if (coord->options.on_interrupt == ACT_INTERRUPT_CANCEL)
        act_coord_cancel(coord, ACT_STR("signal"));
    else
        act_coord_suspend(coord);
}

struct act_coord *
act_coord_create(const struct act_coord_options *options)
{
    struct act_coord *coord = act_zalloc(1, sizeof(*coord));
    coord->options = *options;
    if (coord->options.slots == 0)
        coord->options.slots = 1;
    coord->run = act_run_create(options->plan, options->blobs ? &options->blobs->loader : NULL);
    options->loop->ops->on_turn(options->loop, turn, coord);
    options->loop->ops->on_signal(options->loop, on_signal, coord);
    return coord;
}

static void
stop_timer(struct act_coord *coord, act_timer *timer)
{
    if (timer)
        coord->options.loop->ops->stop_timer(timer);
}

void
act_coord_destroy(struct act_coord *coord)
{
    if (!coord)
        return;
    coord->options.loop->ops->on_turn(coord->options.loop, NULL, NULL);
    coord->options.loop->ops->on_signal(coord->options.loop, NULL, NULL);
    stop_timer(coord, coord->poll);
    stop_timer(coord, coord->lazy);
    stop_timer(coord, coord->limit_poll);
    stop_timer(coord, coord->leave);
    stop_timer(coord, coord->callee_timer);
    act_callees_fini(&coord->callees);
    act_vec_fini(&coord->saves);
    act_coord_timers_fini(coord);
    act_coord_slots_fini(coord);
    for (uint32_t i = 0; i < coord->waiters.len; i++)
        act_value_release(coord->waiters.ptr[i].limits);
    act_vec_fini(&coord->waiters);
    act_limits_fini(&coord->limits);
    act_vec_fini(&coord->inbox_done);
    act_ready_fini(&coord->ready);
    act_effects_fini(&coord->effects);
    act_effects_fini(&coord->doing);
    act_run_destroy(coord->run);
    if (coord->owned)
        coord->options.store->ops->disown(coord->options.store, coord->row.run);
    act_arena_fini(&coord->arena);
    act_free(coord);
}

void
act_coord_suspend(struct act_coord *coord)
{
    coord->suspending = true;
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_SUSPEND, ACT_INST_NONE);
    act_coord_apply(coord, &fact);
}

void
act_coord_cancel(struct act_coord *coord, struct act_str who)
{
    coord->cancelling = true;
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_CANCEL, ACT_INST_NONE);
    fact.event.message = who;
    act_coord_apply(coord, &fact);
}

/* Kills what runs. A run that is being cancelled is suspended instead, so that its `finally` parts do
 * not start after the user has said twice that it should stop. */
void
act_coord_stop_now(struct act_coord *coord)
{
    struct act_loop *loop = coord->options.loop;
    coord->stop_now = true;
    if (!coord->suspending)
        act_coord_suspend(coord);
    act_coord_stop_all(coord, 0);
    if (!coord->leave)
        coord->leave = loop->ops->start_timer(loop, LEAVE_MS, leave, coord);
}

const struct act_run *
act_coord_run(const struct act_coord *coord)
{
    return coord->run;
}

enum act_err
act_coord_result(const struct act_coord *coord, struct act_error *err)
{
    if (coord->failed && err)
        *err = coord->error;
    return coord->failed;
}

int
act_coord_signal(const struct act_coord *coord)
{
    return coord->signal;
}
