#include "engine/run/coord_internal.h"

#include "base/wire.h"

#include <signal.h>
#include <stdio.h>

/* Lazy facts (pid, output so far) ride along within this time. */
#define LAZY_MS 100
/* What is kept of one attempt for those who follow it live; the rest they see when it has ended. */
#define FOLLOW_MAX_BYTES (1024u * 1024)

static void
unlink_slot(struct act_coord *coord, struct act_slot *slot)
{
    if (slot->prev)
        slot->prev->next = slot->next;
    else
        coord->slots = slot->next;
    if (slot->next)
        slot->next->prev = slot->prev;
    act_handles_take(&coord->attempts, slot->inst, 0);
    coord->slots_used--;
}

static void
free_slot(struct act_slot *slot)
{
    act_buf_fini(&slot->followed);
    act_buf_fini(&slot->order);
    act_free(slot);
}

static void
end_part(struct act_slot *slot)
{
    act_wire_u64(&slot->order, slot->followed_part_bytes);
    slot->followed_part_bytes = 0;
    slot->followed_stream = !slot->followed_stream;
}

/* Writes what a running attempt has put out so far to the spool and names it in a lazy event, so that
 * `logs -f` in another process sees it. */
static void
log_output(struct act_coord *coord, struct act_slot *slot)
{
    struct act_blob_port *blobs = coord->options.blobs;
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_OUTPUT, slot->inst);
    fact.event.attempt = slot->number;
    fact.event.out.length = slot->followed.len;
    struct act_error error;
    if (blobs->ops->spool(blobs, act_buf_str(&slot->followed), &fact.event.out.file,
                          &fact.event.out.offset, &error) == ACT_OK) {
        end_part(slot);
        fact.event.order = act_buf_str(&slot->order);
        act_coord_apply(coord, &fact);
    }
    act_buf_clear(&slot->followed);
    act_buf_clear(&slot->order);
    slot->followed_stream = 0;
    slot->followed_part_bytes = 0;
}

static void
log_start(struct act_coord *coord, struct act_slot *slot)
{
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_STARTED, slot->inst);
    fact.event.attempt = slot->number;
    fact.event.number = (uint32_t)slot->pid;
    slot->announced = true;
    act_coord_apply(coord, &fact);
}

static void
lazy_tick(void *self)
{
    struct act_coord *coord = self;
    coord->lazy = NULL;
    for (struct act_slot *slot = coord->slots; slot; slot = slot->next) {
        if (!slot->announced && slot->pid > 0)
            log_start(coord, slot);
        if (slot->followed.len > 0)
            log_output(coord, slot);
    }
    coord->options.loop->ops->request_turn(coord->options.loop);
}

static void
want_lazy_tick(struct act_coord *coord)
{
    struct act_loop *loop = coord->options.loop;
    if (!coord->lazy && coord->options.store && !coord->failed)
        coord->lazy = loop->ops->start_timer(loop, LAZY_MS, lazy_tick, coord);
}

static void
on_started(void *self, struct act_attempt *attempt, int pid)
{
    struct act_slot *slot = self;
    (void)attempt;
    slot->pid = pid;
    want_lazy_tick(slot->coord);
}

static void
on_output(void *self, struct act_attempt *attempt, int stream, struct act_str bytes)
{
    struct act_slot *slot = self;
    struct act_coord *coord = slot->coord;
    (void)attempt;
    if (coord->options.observer.output)
        coord->options.observer.output(coord->options.observer.self, coord->run, slot->inst, stream,
                                       bytes);
    if (slot->followed_total_bytes + bytes.len > FOLLOW_MAX_BYTES)
        return;
    if (slot->followed_stream != stream)
        end_part(slot);
    slot->followed_part_bytes += bytes.len;
    slot->followed_total_bytes += bytes.len;
    act_buf_add_str(&slot->followed, bytes);
    want_lazy_tick(coord);
}

static void
on_ended(void *self, struct act_attempt *attempt, const struct act_event *event, bool have_output,
         struct act_str output)
{
    struct act_slot *slot = self;
    struct act_coord *coord = slot->coord;
    (void)attempt;
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_ENDED, slot->inst);
    struct act_event *ended = &fact.event;
    int64_t at_ms = ended->at_ms, at_ns = ended->at_ns;
    *ended = *event;
    ended->type = ACT_EVENT_ENDED;
    ended->at_ms = at_ms;
    ended->at_ns = at_ns;
    ended->attempt = slot->number;
    fact.have_output = have_output;
    fact.output = output;
    /* An attempt that we stopped to suspend the run has not failed; one that ended well all the same
     * has. */
    if (slot->stopped && coord->suspending && ended->cause != ACT_CAUSE_NONE)
        ended->cause = ACT_CAUSE_INTERRUPTED;
    unlink_slot(coord, slot);
    bool counts = ended->cause == ACT_CAUSE_NONE && !act_run_is_stopping(coord->run, slot->inst);
    act_callees_ended(&coord->callees, slot->inst, counts ? ended->actor_state : NULL);
    act_coord_apply(coord, &fact);
    free_slot(slot);
    act_coord_maybe_leave(coord);
}

static const struct act_attempt_watcher watcher = {on_started, on_output, on_ended};

/* A kind that nobody runs in this process: the task fails, the run goes on. */
static void
end_unrouted(struct act_slot *slot, enum act_kind kind)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "nothing here can run `%s`", act_kind_key(kind));
    struct act_event event = {
        .exit_code = -1, .cause = ACT_CAUSE_START, .message = act_str_n(text, (size_t)n)};
    on_ended(slot, NULL, &event, false, ACT_STR(""));
}

void
act_coord_start_attempt(struct act_coord *coord, act_inst inst)
{
    const struct act_task *task = NULL;
    struct act_error error = {0};
    enum act_err code = act_run_task(coord->run, inst, &task, &error);
    if (code != ACT_OK) {
        act_coord_fail(coord, code, &error);
        return;
    }
    struct act_slot *slot = act_zalloc(1, sizeof(*slot));
    *slot = (struct act_slot){.coord = coord, .inst = inst, .number = task->attempt};
    slot->next = coord->slots;
    if (slot->next)
        slot->next->prev = slot;
    coord->slots = slot;
    act_handles_put(&coord->attempts, inst, 0, slot);
    char nonce[33];
    struct act_task lent = *task;
    act_run_secret_nonce(coord->run, nonce);
    act_callees_lend(&coord->callees, inst, &lent);
    slot->executor = act_router_get(&coord->options.router, task->kind);
    if (slot->executor)
        slot->attempt = slot->executor->ops->start(slot->executor, &lent, nonce, &watcher, slot);
    else
        end_unrouted(slot, task->kind);
}

void
act_coord_stop_attempt(struct act_coord *coord, act_inst inst, int64_t grace_ms)
{
    struct act_slot *slot = act_handles_get(&coord->attempts, inst, 0);
    if (!slot)
        return;
    slot->stopped = true;
    slot->executor->ops->stop(slot->attempt, coord->stop_now ? 0 : grace_ms);
}

void
act_coord_stop_all(struct act_coord *coord, int64_t grace_ms)
{
    for (struct act_slot *slot = coord->slots, *next; slot; slot = next) {
        next = slot->next;
        slot->stopped = true;
        slot->executor->ops->stop(slot->attempt, grace_ms);
    }
}

void
act_coord_slots_fini(struct act_coord *coord)
{
    for (struct act_slot *slot = coord->slots, *next; slot; slot = next) {
        next = slot->next;
        free_slot(slot);
    }
    coord->slots = NULL;
    act_handles_fini(&coord->attempts);
}
