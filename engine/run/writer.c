/* The history writer: one batch after the other into the store. It stands on the loop, at every level
 * of durability: a store is used by one thread, and the coordinator and the inbox use the same one. */
#include "engine/run/crew.h"

#include "base/assert.h"

/* A build that says of a batch that it is committed, and writes it when the next one comes: the proof
 * that kills must catch it. */
#ifndef ACT_CANARY_ACKNOWLEDGE_FIRST
#define ACT_CANARY_ACKNOWLEDGE_FIRST 0
#endif

struct writer {
    struct act_coord *crew;
#if ACT_CANARY_ACKNOWLEDGE_FIRST
    struct act_append *late;
#endif
};

static enum act_err
write_batch(struct act_coord *crew, struct act_append *append)
{
    struct act_store *store = crew->options.store;
    return store->ops->append(store, crew->row.run, &append->batch,
                              append->has_row ? &append->row : NULL, append->inbox_done.ptr,
                              append->inbox_done.len, append->sync, &append->error);
}

#if ACT_CANARY_ACKNOWLEDGE_FIRST
static enum act_err
write_late(struct writer *writer, struct act_append *append)
{
    enum act_err code = ACT_OK;
    if (writer->late)
        code = write_batch(writer->crew, writer->late);
    act_append_release(writer->late);
    writer->late = act_append_retain(append);
    if (append->has_row) { /* nothing may follow */
        code = write_batch(writer->crew, append);
        act_append_release(writer->late);
        writer->late = NULL;
    }
    return code;
}
#endif

/* A batch that comes again because its COMMITTED was lost is in the store already. */
static void
take_append(struct writer *writer, struct act_append *append, size_t count)
{
    struct act_coord *crew = writer->crew;
    const struct act_batch *batch = &append->batch;
    (void)count;
    bool known = batch->count > 0 && batch->first_seq <= crew->committed_seq;
#if ACT_CANARY_ACKNOWLEDGE_FIRST
    append->code = write_late(writer, append);
#else
    append->code = known ? ACT_OK : write_batch(crew, append);
#endif
    if (append->code == ACT_OK) {
        crew->settled = true;
        if (batch->count > 0 && !known)
            crew->committed_seq = batch->first_seq + batch->count - 1;
    }
    act_crew_hand_over(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_COMMITTED, act_append_retain(append),
                       sizeof(*append), act_append_release);
}

static void
take_sync(struct writer *writer, const uint64_t *number, size_t count)
{
    (void)count;
    act_crew_tell(writer->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_WRITER_SYNCED, number,
                  sizeof(*number));
}

/* ---- the actor ---- */

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct writer *writer = state;
    (void)context;
    (void)args_size;
    memcpy(&writer->crew, args, sizeof(writer->crew));
    if (writer->crew->starts[ACT_CREW_WRITER]++ > 0)
        act_crew_tell(writer->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_WRITER_UP, NULL, 0);
    return 0;
}

static void
dispatch(struct writer *writer, const struct actant_message *message)
{
    switch ((enum act_message_type)message->type) {
#define ACT_TO_WRITER(name, number, take, from, payload, durable)                                  \
    ACT_MESSAGE_CASE(writer, name, take, payload)
#define ACT_MESSAGE(name, number, take, from, payload, durable) ACT_MESSAGE_OF_OTHERS(name)
#include "engine/run/messages.def"
    }
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct writer *writer = state;
    (void)context;
    if (!act_crew_step_begin(writer->crew, ACT_CREW_WRITER, message))
        return 0;
    if (message->type >= ACTANT_TYPE_USER)
        dispatch(writer, message);
    act_crew_step_end(writer->crew, ACT_CREW_WRITER);
    return 0;
}

const struct actant_class act_writer_class = {
    .name = "history writer",
    .state_size = sizeof(struct writer),
    .start = start,
    .handle = handle,
};
