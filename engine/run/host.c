/* The executor host: starts and stops attempts for the coordinator and tells it what became of them.
 * What it must not forget is in the table that the crew lends it (roster.h). */
#include "engine/run/crew.h"

#include "base/assert.h"
#include "base/wire.h"

/* Lazy facts (pid, output so far) ride along within this time. */
#define LAZY_MS 100
/* What is kept of one attempt for those who follow it live; the rest they see when it has ended. */
#define FOLLOW_MAX_BYTES (1024u * 1024)

struct host {
    struct act_coord *crew;
    struct act_roster *attempts;
    struct actant_context *context; /* of the step */
    bool ticking;
};

static void
want_tick(struct host *host)
{
    bool followed = host->crew->options.store || host->crew->lone;
    if (host->ticking || !followed)
        return;
    host->ticking = true;
    actant_timer_start(host->context, LAZY_MS, 0, 0);
}

static void
tell_ended(struct host *host, const struct act_record *record)
{
    struct act_end *end = act_end_retain(record->end);
    act_crew_hand_over(host->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_ENDED, end, sizeof(*end),
                       act_end_release);
}

/* ---- what the coordinator wants ---- */

static void
take_start(struct host *host, const struct act_order *order, size_t count)
{
    (void)count;
    if (!act_roster_find(host->attempts, order->id))
        act_roster_start(host->attempts, order);
}

static void
take_stop(struct host *host, const struct act_stop *stop, size_t count)
{
    (void)count;
    struct act_record *record = act_roster_find(host->attempts, stop->id);
    if (record)
        act_roster_stop(record, stop->grace_ms);
}

static void
take_ack(struct host *host, const struct act_attempt_id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct act_record *record = act_roster_find(host->attempts, ids[i]);
        if (record && record->end)
            act_roster_forget(record);
    }
}

static void
take_sync(struct host *host, const struct act_nothing *nothing, size_t count)
{
    ACT_VEC(struct act_known) known = {0};
    (void)nothing;
    (void)count;
    want_tick(host);
    for (const struct act_record *at = host->attempts->first; at; at = at->next) {
        struct act_known one = {at->id, at->end != NULL};
        act_vec_push(&known, one);
    }
    act_crew_tell(host->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_KNOWN, known.ptr,
                  known.len * sizeof(*known.ptr));
    for (const struct act_record *at = host->attempts->first; at; at = at->next) {
        if (at->end)
            tell_ended(host, at);
    }
    act_vec_fini(&known);
}

/* ---- what executors say ---- */

static void
take_attempt_started(struct host *host, const struct act_attempt_id *id, size_t count)
{
    (void)id; /* its record has the pid */
    (void)count;
    want_tick(host);
}

static void
end_part(struct act_record *record)
{
    act_wire_u64(&record->order, record->followed_part_bytes);
    record->followed_part_bytes = 0;
    record->followed_stream = !record->followed_stream;
}

static void
take_attempt_output(struct host *host, const struct act_output_part *part, size_t count)
{
    const struct act_coord_observer *observer = &host->crew->options.observer;
    struct act_record *record = act_roster_find(host->attempts, part->id);
    struct act_str bytes = act_str_n(part->bytes, part->length);
    (void)count;
    if (observer->output)
        observer->output(observer->self, host->crew->run, part->id.inst, part->stream, bytes);
    if (!record || record->followed_total_bytes + bytes.len > FOLLOW_MAX_BYTES)
        return;
    if (record->followed_stream != part->stream)
        end_part(record);
    record->followed_part_bytes += bytes.len;
    record->followed_total_bytes += bytes.len;
    act_buf_add_str(&record->followed, bytes);
    want_tick(host);
}

static void
take_attempt_ended(struct host *host, const struct act_attempt_id *id, size_t count)
{
    (void)count;
    const struct act_record *record = act_roster_find(host->attempts, *id);
    if (record)
        tell_ended(host, record);
}

/* ---- lazy facts ---- */

static void
tell_started(struct host *host, struct act_record *record)
{
    struct act_started started = {record->id, record->pid};
    record->announced = true;
    act_crew_tell(host->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_STARTED, &started, sizeof(started));
}

static void
hand_over_followed(struct host *host, const struct act_record *record, const struct act_blob *out)
{
    size_t size = sizeof(struct act_followed) + record->order.len + out->file.len;
    struct act_followed *followed = act_alloc(size);
    char *file = followed->bytes + record->order.len;
    memcpy(followed->bytes, record->order.ptr, record->order.len);
    memcpy(file, out->file.ptr, out->file.len);
    followed->id = record->id;
    followed->out = *out;
    followed->out.file = act_str_n(file, out->file.len);
    followed->order = act_str_n(followed->bytes, record->order.len);
    act_crew_hand_over(host->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_OUTPUT, followed,
                       sizeof(*followed), act_free);
}

/* Writes what a running attempt has put out so far to the spool and names it in a lazy event, so that
 * `logs -f` in another process sees it. */
static void
tell_output(struct host *host, struct act_record *record)
{
    struct act_blob_port *blobs = host->crew->options.blobs;
    struct act_blob out = {.length = record->followed.len};
    if (blobs->ops->spool(blobs, act_buf_str(&record->followed), &out.file, &out.offset, NULL) ==
        ACT_OK) {
        end_part(record);
        hand_over_followed(host, record, &out);
    }
    act_buf_clear(&record->followed);
    act_buf_clear(&record->order);
    record->followed_stream = 0;
    record->followed_part_bytes = 0;
}

static void
tick(struct host *host)
{
    host->ticking = false;
    if (host->crew->unheard)
        return; /* until SYNC */
    for (struct act_record *at = host->attempts->first; at; at = at->next) {
        if (at->end)
            continue;
        if (!at->announced && at->pid > 0)
            tell_started(host, at);
        if (at->followed.len > 0)
            tell_output(host, at);
    }
}

/* ---- the actor ---- */

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct host *host = state;
    (void)args_size;
    memcpy(&host->crew, args, sizeof(host->crew));
    host->context = context;
    host->attempts = &host->crew->attempts;
    if (host->crew->starts[ACT_CREW_HOST]++ == 0)
        return 0;
    act_crew_tell(host->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_HOST_UP, NULL, 0);
    want_tick(host);
    return 0;
}

static void
dispatch(struct host *host, const struct actant_message *message)
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
    struct host *host = state;
    if (!act_crew_step_begin(host->crew, ACT_CREW_HOST, message))
        return 0;
    host->context = context;
    if (message->type == ACTANT_TYPE_TIMER)
        tick(host);
    else if (message->type >= ACTANT_TYPE_USER)
        dispatch(host, message);
    act_crew_step_end(host->crew, ACT_CREW_HOST);
    return 0;
}

const struct actant_class act_host_class = {
    .name = "executor host",
    .state_size = sizeof(struct host),
    .start = start,
    .handle = handle,
};
