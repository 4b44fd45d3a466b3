/* The coordinator's side of the attempts: it says START, STOP and ACK, and hears STARTED, OUTPUT and
 * ENDED. */
#include "engine/run/desk.h"

#include "base/assert.h"

static struct act_slot *
slot_of(const struct act_desk *desk, struct act_attempt_id id)
{
    struct act_slot *slot = act_handles_get(&desk->slot_of, id.inst, 0);
    return slot && slot->id.number == id.number ? slot : NULL;
}

void
act_desk_add_slot(struct act_desk *desk, struct act_attempt_id id)
{
    struct act_slot *slot = act_zalloc(1, sizeof(*slot));
    slot->id = id;
    slot->next = desk->slots;
    if (slot->next)
        slot->next->prev = slot;
    desk->slots = slot;
    act_handles_put(&desk->slot_of, id.inst, 0, slot);
}

static void
drop_slot(struct act_desk *desk, struct act_slot *slot)
{
    if (slot->prev)
        slot->prev->next = slot->next;
    else
        desk->slots = slot->next;
    if (slot->next)
        slot->next->prev = slot->prev;
    act_handles_take(&desk->slot_of, slot->id.inst, 0);
    desk->slots_used--;
    act_free(slot);
}

/* ---- to the host ---- */

/* Also what was sent already: the host starts an attempt once. */
void
act_desk_start_attempt(struct act_desk *desk, act_inst inst)
{
    const struct act_task *task = NULL;
    struct act_error error = {0};
    enum act_err code = act_run_task(desk->run, inst, &task, &error);
    if (code != ACT_OK) {
        act_desk_fail(desk, code, &error);
        return;
    }
    struct act_task lent = *task;
    act_callees_lend(&desk->callees, inst, &lent);
    struct act_order *order = act_order_create(desk->run, inst, &lent);
    if (!slot_of(desk, order->id))
        act_desk_add_slot(desk, order->id);
    act_crew_hand_over(desk->crew, ACT_CREW_HOST, ACT_MESSAGE_START, order, sizeof(*order),
                       act_order_destroy);
}

static void
stop_slot(struct act_desk *desk, struct act_slot *slot, int64_t grace_ms)
{
    slot->stopped = true;
    slot->grace_ms = desk->stop_now ? 0 : grace_ms;
    struct act_stop stop = {slot->id, slot->grace_ms};
    act_crew_tell(desk->crew, ACT_CREW_HOST, ACT_MESSAGE_STOP, &stop, sizeof(stop));
}

void
act_desk_stop_attempt(struct act_desk *desk, act_inst inst, int64_t grace_ms)
{
    struct act_slot *slot = act_handles_get(&desk->slot_of, inst, 0);
    if (slot)
        stop_slot(desk, slot, grace_ms);
}

void
act_desk_stop_all(struct act_desk *desk, int64_t grace_ms)
{
    for (struct act_slot *slot = desk->slots; slot; slot = slot->next)
        stop_slot(desk, slot, grace_ms);
}

static void
send_ack(struct act_desk *desk, const struct act_attempt_id *ids, uint32_t count)
{
    act_crew_tell(desk->crew, ACT_CREW_HOST, ACT_MESSAGE_ACK, ids, count * sizeof(*ids));
}

void
act_desk_send_acks(struct act_desk *desk)
{
    if (desk->acking.len > 0)
        send_ack(desk, desk->acking.ptr, desk->acking.len);
    act_vec_clear(&desk->acking);
}

/* ---- from the host ---- */

void
act_desk_attempt_started(struct act_desk *desk, const struct act_started *started)
{
    if (!desk->open || !slot_of(desk, started->id))
        return;
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_STARTED, started->id.inst);
    fact.event.attempt = started->id.number;
    fact.event.number = (uint32_t)started->pid;
    act_desk_apply(desk, &fact);
}

void
act_desk_attempt_output(struct act_desk *desk, const struct act_followed *followed)
{
    if (!desk->open || !slot_of(desk, followed->id))
        return;
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_OUTPUT, followed->id.inst);
    fact.event.attempt = followed->id.number;
    fact.event.out = followed->out;
    fact.event.order = followed->order;
    act_desk_apply(desk, &fact);
}

static bool
is_among(const struct act_attempt_ids *ids, struct act_attempt_id id)
{
    for (uint32_t i = 0; i < ids->len; i++) {
        if (ids->ptr[i].inst == id.inst && ids->ptr[i].number == id.number)
            return true;
    }
    return false;
}

static void
apply_end(struct act_desk *desk, const struct act_slot *slot, const struct act_end *end)
{
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_ENDED, slot->id.inst);
    struct act_event *ended = &fact.event;
    int64_t at_ms = ended->at_ms, at_ns = ended->at_ns;
    *ended = end->event;
    ended->type = ACT_EVENT_ENDED;
    ended->at_ms = at_ms;
    ended->at_ns = at_ns;
    ended->attempt = slot->id.number;
    fact.have_output = end->have_output;
    fact.output = end->output;
    /* An attempt that we stopped to suspend the run has not failed; one that ended well all the same
     * has. */
    if (slot->stopped && desk->suspending && ended->cause != ACT_CAUSE_NONE)
        ended->cause = ACT_CAUSE_INTERRUPTED;
    bool counts = ended->cause == ACT_CAUSE_NONE && !act_run_is_stopping(desk->run, slot->id.inst);
    act_callees_ended(&desk->callees, slot->id.inst, counts ? ended->actor_state : NULL);
    act_desk_apply(desk, &fact);
}

/* One that comes again was lost on the way to the host or is on its way to the log. */
void
act_desk_attempt_ended(struct act_desk *desk, const struct act_end *end)
{
    struct act_slot *slot = slot_of(desk, end->id);
    if (!slot) {
        if (!is_among(&desk->acks, end->id) && !is_among(&desk->acking, end->id))
            send_ack(desk, &end->id, 1);
        return;
    }
    apply_end(desk, slot, end);
    act_vec_push(&desk->acks, end->id);
    drop_slot(desk, slot);
    act_crew_want_turn(desk->crew);
    act_desk_maybe_leave(desk);
}

void
act_desk_slots_fini(struct act_desk *desk)
{
    for (struct act_slot *slot = desk->slots, *next; slot; slot = next) {
        next = slot->next;
        act_free(slot);
    }
    desk->slots = NULL;
    act_handles_fini(&desk->slot_of);
}
