/* The timers of a run: deadlines that the run machine asked for. Those that are durable are UTC; the
 * clock may be set while we wait, so they are looked at again now and then, and those that have a
 * length wait no longer than that. Whoever holds the run's
 * state knows them all: a timers actor that is made anew has none and says so. */
#include "engine/run/crew.h"

#include "base/assert.h"

#define RECHECK_MS 60000

struct due {
    struct act_deadline deadline;
    int64_t latest_ns;   /* on the run's monotonic scale; INT64_MAX: never */
    uint64_t timer;      /* the runtime's */
    uint32_t generation; /* of this place; odd: taken */
    uint32_t next;       /* free place, plus 1 */
};

struct timers {
    struct act_coord *crew;
    struct actant_context *context; /* of the step */
    ACT_VEC(struct due) dues;
    uint32_t free;            /* first free place, plus 1; 0: none */
    struct act_handles by_id; /* → place + 1, as a pointer */
};

static uint32_t
place_of(const void *value)
{
    return (uint32_t)(uintptr_t)value - 1;
}

static uint32_t
take_place(struct timers *timers)
{
    if (timers->free == 0) {
        struct due fresh = {0};
        act_vec_push(&timers->dues, fresh);
        timers->free = timers->dues.len;
    }
    uint32_t place = timers->free - 1;
    timers->free = timers->dues.ptr[place].next;
    timers->dues.ptr[place].generation++;
    return place;
}

static void
give_place(struct timers *timers, uint32_t place)
{
    struct due *due = &timers->dues.ptr[place];
    due->generation++;
    due->next = timers->free;
    timers->free = place + 1;
}

/* How long it is until it is due; 0 or less: it is. */
static int64_t
left_ms(const struct timers *timers, const struct due *due)
{
    int64_t now_ns = act_crew_now_ns(timers->crew);
    int64_t latest_ms = due->latest_ns == INT64_MAX ? INT64_MAX
                        : due->latest_ns <= now_ns  ? 0
                                                    : (due->latest_ns - now_ns + 999999) / 1000000;
    if (due->deadline.due_ms < 0)
        return latest_ms;
    int64_t clock_ms = due->deadline.due_ms - act_crew_now_ms(timers->crew);
    return clock_ms < latest_ms ? clock_ms : latest_ms;
}

static void
arm(struct timers *timers, uint32_t place)
{
    struct due *due = &timers->dues.ptr[place];
    int64_t delay_ms = left_ms(timers, due);
    if (due->deadline.due_ms >= 0 && delay_ms > RECHECK_MS)
        delay_ms = RECHECK_MS;
    uint64_t tag = (uint64_t)due->generation << 32 | place;
    due->timer = actant_timer_start(timers->context, delay_ms < 0 ? 0 : delay_ms, 0, tag);
}

static void
drop(struct timers *timers, struct act_timer_id id)
{
    void *value = act_handles_take(&timers->by_id, id.inst, id.number);
    if (!value)
        return;
    actant_timer_stop(timers->context, timers->dues.ptr[place_of(value)].timer);
    give_place(timers, place_of(value));
}

static int64_t
latest_of(const struct timers *timers, const struct act_deadline *deadline)
{
    int64_t now_ns = act_crew_now_ns(timers->crew);
    bool some = deadline->delay_ms >= 0 && deadline->delay_ms < (INT64_MAX - now_ns) / 1000000;
    return some ? now_ns + deadline->delay_ms * 1000000 : INT64_MAX;
}

static void
take_set(struct timers *timers, const struct act_deadline *deadline, size_t count)
{
    (void)count;
    drop(timers, deadline->id);
    uint32_t place = take_place(timers);
    struct due *due = &timers->dues.ptr[place];
    due->deadline = *deadline;
    due->latest_ns = latest_of(timers, deadline);
    act_handles_put(&timers->by_id, deadline->id.inst, deadline->id.number,
                    (void *)(uintptr_t)(place + 1));
    arm(timers, place);
}

static void
take_clear(struct timers *timers, const struct act_timer_id *id, size_t count)
{
    (void)count;
    drop(timers, *id);
}

static void
take_reset(struct timers *timers, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    for (uint32_t i = 0; i < timers->dues.len; i++) {
        if (timers->dues.ptr[i].generation & 1)
            drop(timers, timers->dues.ptr[i].deadline.id);
    }
}

/* A timer that was cleared while its message was on the way has another generation. */
static void
fire(struct timers *timers, uint64_t tag)
{
    uint32_t place = (uint32_t)tag;
    if (place >= timers->dues.len || timers->dues.ptr[place].generation != (uint32_t)(tag >> 32))
        return;
    struct act_deadline deadline = timers->dues.ptr[place].deadline;
    if (left_ms(timers, &timers->dues.ptr[place]) > 0) {
        arm(timers, place);
        return;
    }
    act_handles_take(&timers->by_id, deadline.id.inst, deadline.id.number);
    give_place(timers, place);
    act_crew_tell(timers->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_DUE, &deadline.id,
                  sizeof(deadline.id));
}

/* ---- the actor ---- */

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct timers *timers = state;
    (void)args_size;
    memcpy(&timers->crew, args, sizeof(timers->crew));
    timers->context = context;
    if (timers->crew->starts[ACT_CREW_TIMERS]++ > 0)
        act_crew_tell(timers->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_TIMERS_UP, NULL, 0);
    return 0;
}

static void
dispatch(struct timers *timers, const struct actant_message *message)
{
    switch ((enum act_message_type)message->type) {
#define ACT_TO_TIMERS(name, number, take, from, payload, durable)                                  \
    ACT_MESSAGE_CASE(timers, name, take, payload)
#define ACT_MESSAGE(name, number, take, from, payload, durable) ACT_MESSAGE_OF_OTHERS(name)
#include "engine/run/messages.def"
    }
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct timers *timers = state;
    if (!act_crew_step_begin(timers->crew, ACT_CREW_TIMERS, message))
        return 0;
    timers->context = context;
    if (message->type == ACTANT_TYPE_TIMER)
        fire(timers, message->tag);
    else if (message->type >= ACTANT_TYPE_USER)
        dispatch(timers, message);
    act_crew_step_end(timers->crew, ACT_CREW_TIMERS);
    return 0;
}

static void
stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    struct timers *timers = state;
    (void)context; /* the runtime's timers end with the actor */
    (void)reason;
    act_vec_fini(&timers->dues);
    act_handles_fini(&timers->by_id);
}

const struct actant_class act_timers_class = {
    .name = "timers",
    .state_size = sizeof(struct timers),
    .start = start,
    .handle = handle,
    .stop = stop,
};
