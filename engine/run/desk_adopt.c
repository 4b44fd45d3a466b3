/* How the next coordinator takes over from one that was lost: as `resume` does, from the log, but the
 * attempts live on and are adopted. Everything that the lost one had not committed is asked for again:
 * of the host (its ends), of the timers, of the inbox, of the crew's wishes. */
#include "engine/run/desk.h"

/* Rounds of ACT_STEPS_PER_TURN; an endless loop goes on in the turns that follow. */
#define SETTLE_MAX 1000

static void
adopt_attempt(void *self, act_inst inst, const struct act_task *task)
{
    struct act_desk *desk = self;
    struct act_attempt_id id = {inst, task->attempt};
    struct act_error error = {0};
    char nonce[33];
    act_run_secret_nonce(desk->run, nonce);
    enum act_err code = act_callees_hold(&desk->callees, task, nonce, inst, &error);
    if (code != ACT_OK)
        act_desk_fail(desk, code, &error);
    act_desk_add_slot(desk, id);
    desk->slots_used++;
}

void
act_desk_apply_proven(struct act_desk *desk, act_inst inst, const struct act_task *task,
                      const struct act_end *end)
{
    struct act_end now = *end;
    now.id = (struct act_attempt_id){inst, task->attempt};
    adopt_attempt(desk, inst, task);
    act_desk_attempt_ended(desk, &now);
}

/* A STOP that is owed holds for ends that come in before it is done. */
static void
mark_stopped(struct act_desk *desk)
{
    for (uint32_t i = 0; i < desk->effects.list.len; i++) {
        const struct act_effect *effect = &desk->effects.list.ptr[i];
        struct act_slot *slot = act_handles_get(&desk->slot_of, effect->inst, 0);
        if (effect->type != ACT_EFFECT_STOP || !slot)
            continue;
        slot->stopped = true;
        slot->grace_ms = effect->delay_ms;
    }
}

/* The log ends with what was derived from its last fact; steps that derived nothing may follow (the
 * loser of a race is to be stopped), and the lost coordinator had made them before it heard of any
 * other fact. */
static void
settle(struct act_desk *desk)
{
    for (int rounds = 0; rounds < SETTLE_MAX && act_run_more(desk->run); rounds++)
        act_run_continue(desk->run, act_crew_now_ms(desk->crew), act_crew_now_ns(desk->crew),
                         &desk->effects);
}

void
act_desk_take_over(struct act_desk *desk)
{
    enum act_status status = act_run_status(desk->run);
    desk->status = act_desk_is_end(status) ? act_str(act_status_text(status)) : ACT_STR("running");
    desk->suspending = act_run_is_suspending(desk->run);
    act_run_inflight(desk->run, adopt_attempt, desk);
    act_run_owed(desk->run, act_crew_now_ns(desk->crew), &desk->effects);
    settle(desk);
    mark_stopped(desk);
    desk->open = true;
}

/* Whoever watches gets to know the new run before the old one goes. */
static enum act_err
read_log(struct act_desk *desk, struct act_error *err)
{
    struct act_coord *crew = desk->crew;
    const struct act_coord_observer *observer = &crew->options.observer;
    struct act_run *old = crew->run;
    crew->run = desk->run = act_run_create(
        crew->options.plan, crew->options.blobs ? &crew->options.blobs->loader : NULL);
    enum act_err code = act_desk_replay(desk, err);
    if (observer->batch)
        observer->batch(observer->self, crew->run, ACT_STR(""));
    act_run_destroy(old);
    return code;
}

void
act_desk_adopt(struct act_desk *desk)
{
    struct act_coord *crew = desk->crew;
    struct act_error error = {0};
    enum act_err code = read_log(desk, &error);
    if (code == ACT_OK && !crew->settled)
        code = act_desk_take_up(desk, &error);
    else if (code == ACT_OK)
        act_desk_take_over(desk);
    if (code != ACT_OK) {
        act_desk_fail(desk, code, &error);
        return;
    }
    act_desk_sweep_grants(desk);
    act_desk_take_wishes(desk);
    act_crew_tell(crew, ACT_CREW_TIMERS, ACT_MESSAGE_TIMERS_RESET, NULL, 0);
    act_crew_tell(crew, ACT_CREW_HOST, ACT_MESSAGE_SYNC, NULL, 0);
    act_crew_tell(crew, ACT_CREW_INBOX, ACT_MESSAGE_POLL, NULL, 0);
    act_crew_want_turn(crew);
}

void
act_desk_greet(struct act_coord *crew)
{
    act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_TIMERS_UP, NULL, 0);
    act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_HOST_UP, NULL, 0);
}

/* Those of the effects not yet done are set once more then, which changes nothing. */
void
act_desk_set_timers_again(struct act_desk *desk)
{
    struct act_effects owed = {0};
    if (!desk->open || desk->crew->failed)
        return;
    act_run_owed(desk->run, act_crew_now_ns(desk->crew), &owed);
    for (uint32_t i = 0; i < owed.list.len; i++) {
        const struct act_effect *effect = &owed.list.ptr[i];
        struct act_deadline deadline = {
            .id = {effect->inst, effect->number},
            .due_ms = effect->due_ms,
            .delay_ms = effect->delay_ms,
        };
        if (effect->type == ACT_EFFECT_TIMER)
            act_crew_tell(desk->crew, ACT_CREW_TIMERS, ACT_MESSAGE_TIMER_SET, &deadline,
                          sizeof(deadline));
    }
    act_effects_fini(&owed);
}

/* Without a log there is nothing to go on from: what the host still has is ended. */
static void
end_orphans(struct act_desk *desk, const struct act_known *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (known[i].ended || act_handles_get(&desk->slot_of, known[i].id.inst, 0))
            continue;
        act_desk_add_slot(desk, known[i].id);
        desk->slots_used++;
    }
    desk->open = true;
    act_desk_stop_all(desk, 0);
    act_desk_maybe_leave(desk);
}

/* What the log has dispatched and the host does not know was never started. (What was sent to the host
 * after it had answered is sent twice, and the second one is ignored.) */
void
act_desk_reconcile(struct act_desk *desk, const struct act_known *known, size_t count)
{
    if (desk->crew->failed) {
        end_orphans(desk, known, count);
        return;
    }
    if (!desk->open)
        return;
    desk->known_count++;
    for (size_t i = 0; i < count; i++) {
        struct act_slot *slot = act_handles_get(&desk->slot_of, known[i].id.inst, 0);
        if (slot && slot->id.number == known[i].id.number)
            slot->seen = desk->known_count;
    }
    for (struct act_slot *slot = desk->slots; slot; slot = slot->next) {
        bool unknown = slot->seen != desk->known_count;
        if (unknown)
            act_desk_start_attempt(desk, slot->id.inst);
        if (slot->stopped)
            act_desk_stop_attempt(desk, slot->id.inst, slot->grace_ms);
    }
}
