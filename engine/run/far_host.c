/* An executor host in another process (keep.h), as the coordinator's crew sees it: what is told to it
 * becomes a letter, and the letters that come are told to the coordinator. It holds nothing: after a
 * restart the coordinator asks for all of it again. */
#include "engine/run/crew.h"

#include "base/assert.h"
#include "engine/run/letter.h"

struct far_host {
    struct act_coord *crew;
    struct act_buf letter;
};

static void
post(struct far_host *host, enum act_message_type type)
{
    const struct act_far *far = &host->crew->options.far;
    far->send(far->self, (uint32_t)type - ACTANT_TYPE_USER, act_buf_str(&host->letter));
    act_buf_clear(&host->letter);
}

/* ---- to the host ---- */

static void
take_start(struct far_host *host, const struct act_order *order, size_t count)
{
    (void)count;
    act_letter_order(&host->letter, order);
    post(host, ACT_MESSAGE_START);
}

static void
take_stop(struct far_host *host, const struct act_stop *stop, size_t count)
{
    (void)count;
    act_letter_stop(&host->letter, stop);
    post(host, ACT_MESSAGE_STOP);
}

static void
take_ack(struct far_host *host, const struct act_attempt_id *ids, size_t count)
{
    act_letter_ids(&host->letter, ids, count);
    post(host, ACT_MESSAGE_ACK);
}

static void
take_sync(struct far_host *host, const struct act_nothing *nothing, size_t count)
{
    (void)nothing;
    (void)count;
    post(host, ACT_MESSAGE_SYNC);
}

/* ---- what executors say, over there ---- */

static void
take_attempt_started(struct far_host *host, const struct act_attempt_id *id, size_t count)
{
    (void)host, (void)id, (void)count;
    ACT_UNREACHABLE();
}

static void
take_attempt_output(struct far_host *host, const struct act_output_part *part, size_t count)
{
    (void)host, (void)part, (void)count;
    ACT_UNREACHABLE();
}

static void
take_attempt_ended(struct far_host *host, const struct act_attempt_id *id, size_t count)
{
    (void)host, (void)id, (void)count;
    ACT_UNREACHABLE();
}

/* ---- the actor ---- */

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct far_host *host = state;
    (void)context;
    (void)args_size;
    memcpy(&host->crew, args, sizeof(host->crew));
    if (host->crew->starts[ACT_CREW_HOST]++ > 0)
        act_crew_tell(host->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_HOST_UP, NULL, 0);
    return 0;
}

static void
dispatch(struct far_host *host, const struct actant_message *message)
{
    switch ((enum act_message_type)message->type) {
#define ACT_TO_HOST(name, number, take, from, payload, durable)                                    \
    ACT_MESSAGE_CASE(host, name, take, payload)
#define ACT_MESSAGE(name, number, take, from, payload, durable) ACT_MESSAGE_OF_OTHERS(name)
#include "engine/run/messages.def"
    }
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct far_host *host = state;
    (void)context;
    if (!act_crew_step_begin(host->crew, ACT_CREW_HOST, message))
        return 0;
    if (message->type >= ACTANT_TYPE_USER)
        dispatch(host, message);
    act_crew_step_end(host->crew, ACT_CREW_HOST);
    return 0;
}

static void
stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    struct far_host *host = state;
    (void)context;
    (void)reason;
    act_buf_fini(&host->letter);
}

const struct actant_class act_far_host_class = {
    .name = "far executor host",
    .state_size = sizeof(struct far_host),
    .start = start,
    .handle = handle,
    .stop = stop,
};

/* ---- from the host ---- */

static enum act_err
hear_known(struct act_coord *crew, struct act_str letter, struct act_error *err)
{
    struct act_letter_known known = {0};
    enum act_err code = act_letter_read_known(letter, &known, err);
    if (code == ACT_OK)
        act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_KNOWN, known.ptr,
                      known.len * sizeof(*known.ptr));
    act_vec_fini(&known);
    return code;
}

static enum act_err
hear_started(struct act_coord *crew, struct act_str letter, struct act_error *err)
{
    struct act_started started;
    enum act_err code = act_letter_read_started(letter, &started, err);
    if (code == ACT_OK)
        act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_STARTED, &started, sizeof(started));
    return code;
}

static enum act_err
hear_output(struct act_coord *crew, struct act_str letter, struct act_error *err)
{
    struct act_followed *followed;
    enum act_err code = act_letter_read_followed(letter, &followed, err);
    if (code == ACT_OK)
        act_crew_hand_over(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_OUTPUT, followed,
                           sizeof(*followed), act_free);
    return code;
}

static enum act_err
hear_ended(struct act_coord *crew, struct act_str letter, struct act_error *err)
{
    struct act_blob_port *blobs = crew->options.blobs;
    struct act_end *end;
    enum act_err code = act_letter_read_end(letter, blobs ? &blobs->loader : NULL, &end, err);
    if (code == ACT_OK)
        act_crew_hand_over(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_ENDED, end, sizeof(*end),
                           act_end_release);
    return code;
}

enum act_err
act_coord_hear(struct act_coord *crew, uint32_t number, struct act_str letter,
               struct act_error *err)
{
    static const struct {
        enum act_message_type type;
        enum act_err (*hear)(struct act_coord *crew, struct act_str letter, struct act_error *err);
    } table[] = {
        {ACT_MESSAGE_KNOWN, hear_known},
        {ACT_MESSAGE_STARTED, hear_started},
        {ACT_MESSAGE_OUTPUT, hear_output},
        {ACT_MESSAGE_ENDED, hear_ended},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].type == number + ACTANT_TYPE_USER)
            return crew->manned ? table[i].hear(crew, letter, err) : ACT_OK;
    }
    return act_error_set(err, ACT_ERR_CORRUPT, "the keeper says something unknown: message %u",
                         number);
}

void
act_coord_forsaken(struct act_coord *crew)
{
    if (crew->failed || crew->ended || crew->leaving)
        return;
    crew->failed =
        act_error_set(&crew->error, ACT_ERR_SYSTEM, "the run's keeper ended before the run did");
    act_crew_leave(crew);
}
