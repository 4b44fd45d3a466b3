/* The coordinator of one run: feeds the run machine with facts, gives slots, has each turn's batch
 * written and then does the effects. Its state is its desk; what it needs to go on after it was killed
 * is the log. */
#include "engine/run/desk.h"

#include "base/assert.h"

struct coordinator {
    struct act_coord *crew;
    struct act_desk *desk;
};

static void
take_turn(struct act_desk *desk, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    act_desk_turn(desk);
}

static void
take_wish(struct act_desk *desk, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    act_desk_take_wishes(desk);
}

static void
take_host_up(struct act_desk *desk, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    act_crew_tell(desk->crew, ACT_CREW_HOST, ACT_MESSAGE_SYNC, NULL, 0);
}

static void
take_known(struct act_desk *desk, const struct act_known *known, size_t count)
{
    act_desk_reconcile(desk, known, count);
}

static void
take_started(struct act_desk *desk, const struct act_started *started, size_t count)
{
    (void)count;
    act_desk_attempt_started(desk, started);
}

static void
take_output(struct act_desk *desk, const struct act_followed *followed, size_t count)
{
    (void)count;
    act_desk_attempt_output(desk, followed);
}

static void
take_ended(struct act_desk *desk, const struct act_end *end, size_t count)
{
    (void)count;
    if (desk->open) /* else the host is asked for it when the log has been read */
        act_desk_attempt_ended(desk, end);
}

static void
take_timers_up(struct act_desk *desk, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    act_desk_set_timers_again(desk);
}

static void
take_due(struct act_desk *desk, const struct act_timer_id *id, size_t count)
{
    (void)count;
    if (!desk->open)
        return; /* set again when the log has been read */
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_TIMER, id->inst);
    fact.event.number = id->number;
    act_desk_apply(desk, &fact);
}

/* The log is read when everything that an earlier coordinator had sent to it stands in it. */
static void
ask_writer(struct act_desk *desk)
{
    uint64_t number = desk->crew->starts[ACT_CREW_COORDINATOR];
    act_crew_tell(desk->crew, ACT_CREW_WRITER, ACT_MESSAGE_WRITER_SYNC, &number, sizeof(number));
}

static void
take_writer_up(struct act_desk *desk, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    if (desk->crew->failed)
        return;
    if (!desk->open)
        ask_writer(desk);
    else
        act_desk_send_again(desk);
    act_desk_snapshot_kept(desk);
}

static void
take_writer_synced(struct act_desk *desk, const uint64_t *number, size_t count)
{
    (void)count;
    if (!desk->open && !desk->crew->failed && *number == desk->crew->starts[ACT_CREW_COORDINATOR])
        act_desk_adopt(desk);
}

static void
take_committed(struct act_desk *desk, struct act_append *append, size_t count)
{
    (void)count;
    act_desk_committed(desk, append);
}

static void
take_snapshot_kept(struct act_desk *desk, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    act_desk_snapshot_kept(desk);
}

static void
take_answered(struct act_desk *desk, const uint64_t *number, size_t count)
{
    (void)count;
    act_desk_answered(desk, *number);
}

static void
take_posted(struct act_desk *desk, const struct act_posted *posted, size_t count)
{
    (void)count;
    act_desk_take_row(desk, &posted->row);
}

static void
take_inbox_failed(struct act_desk *desk, const struct act_error *error, size_t count)
{
    (void)count;
    act_desk_fail(desk, error->code, error);
}

/* ---- the actor ---- */

static void
begin_without_history(struct act_desk *desk)
{
    struct act_error error = {0};
    act_error_set(&error, ACT_ERR_SYSTEM,
                  "the run's coordinator was lost, and a run that keeps no "
                  "history cannot be taken up again");
    act_desk_fail(desk, error.code, &error);
}

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct coordinator *self = state;
    (void)args_size;
    memcpy(&self->crew, args, sizeof(self->crew));
    struct act_coord *crew = self->crew;
    crew->starts[ACT_CREW_COORDINATOR]++;
    if (crew->prepared) {
        self->desk = crew->prepared;
        crew->prepared = NULL;
        return 0;
    }
    self->desk = act_desk_create(crew);
    self->desk->context = context;
    if (crew->ended || crew->leaving)
        return 0;
    if (crew->failed)
        act_crew_tell(crew, ACT_CREW_HOST, ACT_MESSAGE_SYNC, NULL, 0);
    else if (crew->options.store)
        ask_writer(self->desk);
    else
        begin_without_history(self->desk);
    return 0;
}

static void
dispatch(struct act_desk *desk, const struct actant_message *message)
{
    switch ((enum act_message_type)message->type) {
#define ACT_TO_COORDINATOR(name, number, take, from, payload, durable)                             \
    ACT_MESSAGE_CASE(desk, name, take, payload)
#define ACT_MESSAGE(name, number, take, from, payload, durable) ACT_MESSAGE_OF_OTHERS(name)
#include "engine/run/messages.def"
    }
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct coordinator *self = state;
    if (!act_crew_step_begin(self->crew, ACT_CREW_COORDINATOR, message))
        return 0;
    self->desk->context = context;
    if (message->type == ACTANT_TYPE_TIMER && message->tag == ACT_DESK_CALLEES) {
        act_desk_retry_callees(self->desk);
    } else if (message->type == ACTANT_TYPE_TIMER) {
        self->desk->limits_ticking = false;
        act_desk_serve_waiters(self->desk);
    } else if (message->type >= ACTANT_TYPE_USER) {
        dispatch(self->desk, message);
    }
    act_crew_step_end(self->crew, ACT_CREW_COORDINATOR);
    return 0;
}

static void
stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    struct coordinator *self = state;
    (void)context;
    (void)reason;
    act_desk_destroy(self->desk);
}

const struct actant_class act_coordinator_class = {
    .name = "coordinator",
    .state_size = sizeof(struct coordinator),
    .start = start,
    .handle = handle,
    .stop = stop,
};
