#include "engine/run/desk.h"

#define GRACE_MS 10000

/* ---- facts ---- */

struct act_fact
act_desk_fact(const struct act_desk *desk, enum act_event_type type, act_inst inst)
{
    return (struct act_fact){
        .inst = inst,
        .event =
            {
                .type = type,
                .at_ms = act_crew_now_ms(desk->crew),
                .at_ns = act_crew_now_ns(desk->crew),
                .exit_code = -1,
            },
    };
}

enum act_err
act_desk_apply(struct act_desk *desk, const struct act_fact *fact)
{
    if (desk->crew->failed)
        return ACT_ERR_SYSTEM;
    enum act_err code = act_run_apply(desk->run, fact, &desk->effects, NULL);
    if (code == ACT_OK)
        act_crew_want_turn(desk->crew);
    return code;
}

/* The store or the machine failed: nothing more can be promised, so nothing more is started; what runs
 * is ended in order and the caller told. */
void
act_desk_fail(struct act_desk *desk, enum act_err code, const struct act_error *error)
{
    if (desk->crew->failed)
        return;
    desk->crew->failed = code;
    desk->crew->error = *error;
    act_desk_stop_all(desk, GRACE_MS);
    if (!desk->open) /* what the host has is not known here */
        act_crew_tell(desk->crew, ACT_CREW_HOST, ACT_MESSAGE_SYNC, NULL, 0);
    act_desk_maybe_leave(desk);
}

void
act_desk_maybe_leave(struct act_desk *desk)
{
    if (desk->crew->failed && desk->open && !desk->slots && !desk->crew->leaving)
        act_crew_leave(desk->crew);
}

void
act_desk_warn(struct act_desk *desk, const char *text)
{
    const struct act_coord_observer *observer = &desk->crew->options.observer;
    if (observer->warning)
        observer->warning(observer->self, text);
}

/* ---- slots ---- */

/* Effects that need no commit: who wants a slot. */
static uint32_t
gather_ready(struct act_desk *desk, uint32_t from)
{
    for (; from < desk->effects.list.len; from++) {
        const struct act_effect *effect = &desk->effects.list.ptr[from];
        if (effect->type == ACT_EFFECT_READY)
            act_ready_heap_push(&desk->ready, effect->inst, effect->priority);
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
give_slot(struct act_desk *desk, act_inst inst)
{
    uint32_t before = desk->effects.list.len;
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_DISPATCHED, inst);
    if (act_run_apply(desk->run, &fact, &desk->effects, NULL) == ACT_OK &&
        has_start(&desk->effects, before))
        desk->slots_used++;
    else
        act_callees_refused(&desk->callees, inst);
}

/* A call whose actor is busy waits for it, without a slot. */
static bool
may_go(struct act_desk *desk, const struct act_ready_entry *entry)
{
    const struct act_task *task = NULL;
    struct act_error error = {0};
    char nonce[33];
    bool go = true;
    if (act_run_task(desk->run, entry->inst, &task, NULL) != ACT_OK) {
        act_callees_refused(&desk->callees, entry->inst);
        return true;
    }
    act_run_secret_nonce(desk->run, nonce);
    enum act_err code =
        act_callees_enter(&desk->callees, task, nonce, entry->inst, entry->priority, &go, &error);
    if (code != ACT_OK)
        act_desk_fail(desk, code, &error);
    return go && code == ACT_OK;
}

/* Another run has an actor that a call of ours waits for. (Outside a step, before the coordinator lives,
 * the first turn does it.) */
static void
want_callees_tick(struct act_desk *desk)
{
    if (desk->callees.retry_ms == 0 || desk->callees_ticking || !desk->context)
        return;
    desk->callees_ticking = true;
    actant_timer_start(desk->context, desk->callees.retry_ms, 0, ACT_DESK_CALLEES);
}

void
act_desk_retry_callees(struct act_desk *desk)
{
    desk->callees_ticking = false;
    act_callees_retry(&desk->callees);
    act_crew_want_turn(desk->crew);
}

void
act_desk_give_slots(struct act_desk *desk)
{
    uint32_t seen = gather_ready(desk, 0);
    while (desk->slots_used < desk->crew->options.slots && !desk->suspending &&
           !desk->crew->failed) {
        act_callees_call(&desk->callees, &desk->ready);
        struct act_ready_entry entry = act_ready_heap_take(&desk->ready);
        if (entry.inst == ACT_INST_NONE)
            break;
        if (may_go(desk, &entry))
            give_slot(desk, entry.inst);
        seen = gather_ready(desk, seen);
    }
    want_callees_tick(desk);
}

/* ---- the commit ---- */

bool
act_desk_is_end(enum act_status status)
{
    return status >= ACT_STATUS_SUCCEEDED && status <= ACT_STATUS_SUSPENDED;
}

/* By the clock, because no other one counts while nobody has the run; where it never was interrupted, and
 * where the clock was set back, by the run's own scale. */
static int64_t
duration_ms(const struct act_coord *crew, int64_t ended_ms)
{
    int64_t clock_ms = ended_ms - crew->row.started_ms;
    int64_t lived_ms = act_crew_now_ns(crew) / 1000000;
    return crew->anew || clock_ms < lived_ms ? lived_ms : clock_ms;
}

/* The run's row in the list changes with the batch that changes its status. */
static void
add_row(struct act_desk *desk, struct act_append *append)
{
    enum act_status status = act_run_status(desk->run);
    struct act_str text =
        act_desk_is_end(status) ? act_str(act_status_text(status)) : ACT_STR("running");
    if (act_str_eq(text, desk->status))
        return;
    desk->status = text;
    append->has_row = true;
    append->row = desk->crew->row;
    append->row.status = text;
    append->row.ended_ms = 0;
    if (act_desk_is_end(status)) {
        append->row.ended_ms = act_crew_now_ms(desk->crew);
        append->row.duration_ms = duration_ms(desk->crew, append->row.ended_ms);
    }
}

/* What calls have made of their actors: copied, because the batch may outlive the coordinator. */
static void
add_saves(struct act_desk *desk, struct act_append *append)
{
    bool over = act_desk_is_end(act_run_status(desk->run));
    act_callees_gather(&desk->callees, over, act_crew_now_ms(desk->crew), &append->saves);
    for (uint32_t i = 0; i < append->saves.len; i++) {
        struct act_actor_save *save = &append->saves.ptr[i];
        save->id.name = act_arena_str(&append->arena, save->id.name);
        save->id.definition = act_arena_str(&append->arena, save->id.definition);
        save->state = act_arena_str(&append->arena, save->state);
    }
}

struct act_append *
act_desk_gather(struct act_desk *desk)
{
    struct act_append *append = act_append_create();
    act_desk_gather_posts(desk, append);
    add_row(desk, append);
    if (desk->open && desk->effects.event_count > 0) /* else it is not written */
        add_saves(desk, append);
    append->body = desk->effects.log;
    append->sync = desk->effects.sync;
    append->inbox_done.ptr = desk->inbox_done.ptr;
    append->inbox_done.len = desk->inbox_done.len;
    append->inbox_done.cap = desk->inbox_done.cap;
    append->batch = (struct act_batch){
        .first_seq = desk->effects.first_seq,
        .count = desk->effects.event_count,
        .body = act_buf_str(&append->body),
        .posts = append->posts.ptr,
        .post_count = append->posts.len,
        .actors = append->saves.ptr,
        .actor_count = append->saves.len,
    };
    act_desk_take_snapshot(desk, &append->batch);
    desk->effects.log = (struct act_buf){0};
    memset(&desk->inbox_done, 0, sizeof(desk->inbox_done));
    struct act_effects doing = desk->effects;
    desk->effects = desk->doing;
    desk->doing = doing;
    struct act_attempt_ids acking = desk->acks;
    desk->acks = desk->acking;
    desk->acking = acking;
    return append;
}

static void
send_append(struct act_desk *desk)
{
    struct act_append *append = act_append_retain(desk->appending);
    act_crew_hand_over(desk->crew, ACT_CREW_WRITER, ACT_MESSAGE_APPEND, append, sizeof(*append),
                       act_append_release);
}

void
act_desk_send_again(struct act_desk *desk)
{
    if (desk->appending)
        send_append(desk);
}

/* Once a turn of the loop: everything that came in has been applied; let the machine settle, give
 * slots, commit, and only then act. */
void
act_desk_turn(struct act_desk *desk)
{
    struct act_coord *crew = desk->crew;
    if (!desk->open || crew->failed || crew->ended)
        return;
    if (desk->appending) {
        desk->turn_missed = true;
        return;
    }
    if (act_run_more(desk->run))
        act_run_continue(desk->run, act_crew_now_ms(crew), act_crew_now_ns(crew), &desk->effects);
    act_desk_give_slots(desk);
    bool empty = desk->effects.event_count == 0 && desk->inbox_done.len == 0;
    desk->appending = act_desk_gather(desk);
    empty = empty && desk->appending->saves.len == 0;
    if (empty || !crew->options.store)
        act_desk_committed(desk, desk->appending);
    else
        send_append(desk);
}

/* ---- the effects ---- */

static void
set_timer(struct act_desk *desk, const struct act_effect *effect)
{
    struct act_deadline deadline = {
        .id = {effect->inst, effect->number},
        .due_ms = effect->due_ms,
        .delay_ms = effect->delay_ms,
    };
    act_crew_tell(desk->crew, ACT_CREW_TIMERS, ACT_MESSAGE_TIMER_SET, &deadline, sizeof(deadline));
}

static void
clear_timer(struct act_desk *desk, const struct act_effect *effect)
{
    struct act_timer_id id = {effect->inst, effect->number};
    act_crew_tell(desk->crew, ACT_CREW_TIMERS, ACT_MESSAGE_TIMER_CLEAR, &id, sizeof(id));
}

/* What it asked for may not be wanted any more: its instance has ended, or is at another attempt. */
static bool
still_asks(const struct act_desk *desk, const struct act_inquiry *inquiry)
{
    uint32_t attempt = 0;
    const struct act_value *question = act_run_question(desk->run, inquiry->inst, &attempt);
    return question && attempt == inquiry->attempt &&
           act_run_question_same(question, inquiry->question);
}

void
act_desk_answered(struct act_desk *desk, uint64_t number)
{
    struct act_inquiry *inquiry = act_inquiry_find(desk->crew, number);
    bool over = act_run_status(desk->run) == ACT_STATUS_SUSPENDED; /* who resumes asks again */
    if (!inquiry || !desk->open || desk->crew->failed || desk->crew->ended || over)
        return;
    if (still_asks(desk, inquiry)) {
        struct act_fact fact = act_desk_fact(desk, ACT_EVENT_ANSWER, inquiry->inst);
        if (inquiry->code != ACT_OK) {
            fact.event.cause = ACT_CAUSE_EXPRESSION;
            fact.event.message = act_str(inquiry->error.message);
        }
        fact.event.value = inquiry->found;
        act_desk_apply(desk, &fact);
    }
    act_inquiry_drop(desk->crew, inquiry);
}

static void
keep(struct act_desk *desk, const struct act_effect *effect)
{
    const struct act_coord_options *options = &desk->crew->options;
    if (options->keep)
        options->keep(options->keep_self, effect);
}

static void
do_effect(struct act_desk *desk, const struct act_effect *effect)
{
    switch (effect->type) {
    case ACT_EFFECT_READY:
    case ACT_EFFECT_UNREADY: /* the machine refuses its slot */ break;
    case ACT_EFFECT_START: act_desk_start_attempt(desk, effect->inst); break;
    case ACT_EFFECT_STOP: act_desk_stop_attempt(desk, effect->inst, effect->delay_ms); break;
    case ACT_EFFECT_TIMER: set_timer(desk, effect); break;
    case ACT_EFFECT_CLEAR_TIMER: clear_timer(desk, effect); break;
    case ACT_EFFECT_ACQUIRE: act_desk_acquire(desk, effect); break;
    case ACT_EFFECT_RELEASE: act_desk_release(desk, effect->inst); break;
    case ACT_EFFECT_QUESTION: act_inquiry_make(desk->crew, effect); break;
    case ACT_EFFECT_KEEP:
    case ACT_EFFECT_FORGET: keep(desk, effect); break;
    case ACT_EFFECT_SIGNAL_OUT: /* went with the batch */
    case ACT_EFFECT_RUN_ENDED: break;
    }
}

/* The store has given its reserve free: what has happened fits now, and the run is suspended in order
 * after this turn. */
static bool
try_again(struct act_desk *desk, const struct act_append *append)
{
    if (append->code != ACT_ERR_NO_SPACE || desk->crew->full)
        return false;
    desk->crew->full = true;
    desk->crew->error = append->error;
    send_append(desk);
    return true;
}

static void
after_effects(struct act_desk *desk)
{
    struct act_coord *crew = desk->crew;
    if (crew->full && !desk->suspending)
        act_desk_suspend(desk);
    bool over = act_desk_is_end(act_run_status(desk->run)) && desk->slots_used == 0;
    bool again = over || desk->turn_missed || act_run_more(desk->run) || desk->effects.gating;
    desk->turn_missed = false;
    if (over && !crew->failed && desk->effects.event_count == 0 && !desk->keeping)
        act_crew_finish(crew);
    else if (again && !(over && desk->keeping))
        act_crew_want_turn(crew);
}

/* The batch is in the store, or never will be; one of an earlier coordinator says nothing here. */
void
act_desk_committed(struct act_desk *desk, struct act_append *append)
{
    if (!desk->appending || append != desk->appending)
        return;
    if (append->code != ACT_OK && try_again(desk, append))
        return;
    desk->appending = NULL;
    if (append->code != ACT_OK) {
        act_desk_keep_snapshot(desk, false);
        act_desk_fail(desk, append->code, &append->error);
        act_append_release(append);
        return;
    }
    if (append->has_row) {
        desk->crew->row.ended_ms = append->row.ended_ms;
        desk->crew->row.duration_ms = append->row.duration_ms;
    }
    act_desk_report_posts(desk, append);
    act_callees_committed(&desk->callees, append->saves.ptr, append->saves.len);
    desk->turn_missed = desk->turn_missed || append->saves.len > 0; /* calls may wait for them */
    act_crew_observe(desk->crew, append->batch.first_seq + append->batch.count - 1,
                     append->batch.body);
    act_append_release(append);
    act_desk_send_acks(desk);
    /* Doing an effect may bring in facts at once; they belong to the next turn. */
    for (uint32_t i = 0; i < desk->doing.list.len && !desk->crew->failed; i++)
        do_effect(desk, &desk->doing.list.ptr[i]);
    act_effects_clear(&desk->doing);
    act_desk_keep_snapshot(desk, true);
    after_effects(desk);
}

/* ---- wishes ---- */

void
act_desk_suspend(struct act_desk *desk)
{
    desk->suspending = true;
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_SUSPEND, ACT_INST_NONE);
    fact.event.signal = desk->crew->wishes.signal; /* who only follows the run ends by it, too */
    act_desk_apply(desk, &fact);
}

void
act_desk_cancel(struct act_desk *desk, struct act_str who)
{
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_CANCEL, ACT_INST_NONE);
    fact.event.message = who;
    act_desk_apply(desk, &fact);
}

/* Kills what runs. A run that is being cancelled is suspended instead, so that its `finally` parts do
 * not start after the user has said twice that it should stop. */
static void
stop_now(struct act_desk *desk)
{
    desk->stop_now = true;
    if (!desk->suspending)
        act_desk_suspend(desk);
    act_desk_stop_all(desk, 0);
}

void
act_desk_take_wishes(struct act_desk *desk)
{
    const struct act_wishes *wishes = &desk->crew->wishes;
    if (!desk->open)
        return;
    if (wishes->cancel)
        act_desk_cancel(desk, wishes->who);
    if (wishes->suspend && !desk->suspending)
        act_desk_suspend(desk);
    if (wishes->stop_now && !desk->stop_now)
        stop_now(desk);
}

/* ---- life ---- */

struct act_desk *
act_desk_create(struct act_coord *crew)
{
    struct act_desk *desk = act_zalloc(1, sizeof(*desk));
    desk->crew = crew;
    desk->run = crew->run;
    desk->status = crew->row.status;
    desk->callees.run = crew->row.run;
    desk->callees.store = crew->options.store;
    return desk;
}

void
act_desk_destroy(struct act_desk *desk)
{
    if (!desk)
        return;
    act_append_release(desk->appending);
    act_callees_fini(&desk->callees);
    act_vec_fini(&desk->acks);
    act_vec_fini(&desk->acking);
    act_desk_slots_fini(desk);
    act_desk_limits_fini(desk);
    act_vec_fini(&desk->inbox_done);
    act_ready_heap_fini(&desk->ready);
    act_buf_fini(&desk->snapshot);
    act_effects_fini(&desk->effects);
    act_effects_fini(&desk->doing);
    act_free(desk);
}
