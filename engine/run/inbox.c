/* The inbox poller: what other processes want of the run stands in the store; it is told to the
 * coordinator, which takes it off with the batch that holds it. What is told and lost is still there. */
#include "engine/run/crew.h"
#include "engine/run/group.h"

#include "base/assert.h"

#define POLL_MS 250

struct inbox {
    struct act_coord *crew;
    struct actant_context *context; /* of the step */
};

static void
destroy_posted(void *self)
{
    struct act_posted *posted = self;
    act_arena_fini(&posted->arena);
    act_free(posted);
}

static void
tell_row(struct inbox *inbox, const struct act_inbox_row *row)
{
    struct act_posted *posted = act_zalloc(1, sizeof(*posted));
    posted->row = (struct act_inbox_row){
        .id = row->id,
        .kind = act_arena_str(&posted->arena, row->kind),
        .name = act_arena_str(&posted->arena, row->name),
        .body = act_arena_str(&posted->arena, row->body),
        .who = act_arena_str(&posted->arena, row->who),
        .at_ms = row->at_ms,
    };
    act_crew_hand_over(inbox->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_POSTED, posted,
                       sizeof(*posted), destroy_posted);
}

static void
take_poll(struct inbox *inbox, const struct act_nothing *nothing, size_t count)
{
    struct act_coord *crew = inbox->crew;
    struct act_store *store = crew->options.store;
    struct act_arena arena = {0};
    act_inbox_rows rows = {0};
    struct act_error error = {0};
    (void)nothing;
    (void)count;
    enum act_err code = store->ops->inbox(store, crew->row.run, &arena, &rows, &error);
    for (uint32_t i = 0; code == ACT_OK && i < rows.len; i++)
        tell_row(inbox, &rows.ptr[i]);
    if (code != ACT_OK && !act_err_retryable(code))
        act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_INBOX_FAILED, &error, sizeof(error));
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

static void
tick(struct inbox *inbox)
{
    struct act_coord *crew = inbox->crew;
    struct act_store *store = crew->options.store;
    if (crew->ended || crew->leaving || crew->failed)
        return;
    if (store->ops->changed(store, crew->row.run))
        take_poll(inbox, NULL, 0);
    if (crew->options.group)
        act_group_maintain(crew->options.group);
    store->ops->maintain(store);
    actant_timer_start(inbox->context, POLL_MS, 0, 0);
}

/* ---- the actor ---- */

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct inbox *inbox = state;
    (void)args_size;
    memcpy(&inbox->crew, args, sizeof(inbox->crew));
    inbox->context = context;
    if (inbox->crew->starts[ACT_CREW_INBOX]++ > 0)
        take_poll(inbox, NULL, 0);
    actant_timer_start(context, POLL_MS, 0, 0);
    return 0;
}

static void
dispatch(struct inbox *inbox, const struct actant_message *message)
{
    switch ((enum act_message_type)message->type) {
#define ACT_TO_INBOX(name, number, take, from, payload, durable)                                   \
    ACT_MESSAGE_CASE(inbox, name, take, payload)
#define ACT_MESSAGE(name, number, take, from, payload, durable) ACT_MESSAGE_OF_OTHERS(name)
#include "engine/run/messages.def"
    }
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct inbox *inbox = state;
    if (!act_crew_step_begin(inbox->crew, ACT_CREW_INBOX, message))
        return 0;
    inbox->context = context;
    if (message->type == ACTANT_TYPE_TIMER)
        tick(inbox);
    else if (message->type >= ACTANT_TYPE_USER)
        dispatch(inbox, message);
    act_crew_step_end(inbox->crew, ACT_CREW_INBOX);
    return 0;
}

const struct actant_class act_inbox_class = {
    .name = "inbox",
    .state_size = sizeof(struct inbox),
    .start = start,
    .handle = handle,
};
