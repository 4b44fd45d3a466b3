/* The history writer: one batch after the other into the store. Where an append waits for the disk (level
 * `power`) a group has it committed on a thread of its own, together with those of other runs; else the loop
 * commits inline, once a turn. */
#include "engine/run/crew.h"
#include "engine/run/group.h"

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

static void
answer(struct act_coord *crew, struct act_append *append)
{
    const struct act_batch *batch = &append->batch;
    if (append->code == ACT_OK) {
        crew->settled = true;
        if (batch->count > 0 && batch->first_seq > crew->committed_seq)
            crew->committed_seq = batch->first_seq + batch->count - 1;
    }
    act_crew_hand_over(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_COMMITTED, act_append_retain(append),
                       sizeof(*append), act_append_release);
}

static void
answer_sync(struct act_coord *crew)
{
    uint64_t number = crew->sync_asked;
    if (number == 0 || crew->under_way > 0)
        return;
    crew->sync_asked = 0;
    act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_WRITER_SYNCED, &number, sizeof(number));
}

/* ---- by the group ---- */

struct errand {
    struct act_group_job job;
    struct act_coord *crew;
    struct act_append *append;
};

/* On the loop, whatever has become of the actors meanwhile. */
static void
errand_done(struct act_group_job *job)
{
    struct errand *errand = (struct errand *)(void *)job;
    struct act_coord *crew = errand->crew;
    struct act_append *append = errand->append;
    append->under_way = false;
    append->code = job->store.code;
    if (append->code != ACT_OK)
        append->error = job->store.error;
    crew->under_way--;
    answer(crew, append);
    answer_sync(crew);
    act_append_release(append);
    act_free(errand);
}

static void
send(struct act_coord *crew, struct act_append *append)
{
    struct errand *errand = act_zalloc(1, sizeof(*errand));
    errand->crew = crew;
    errand->append = act_append_retain(append);
    errand->job.done = errand_done;
    errand->job.urgent = append->has_row;
    errand->job.store = (struct act_store_job){
        .run = crew->row.run,
        .batch = &append->batch,
        .row = append->has_row ? &append->row : NULL,
        .inbox_done = append->inbox_done.ptr,
        .inbox_done_count = append->inbox_done.len,
        .sync = append->sync,
        .first = !crew->lent,
    };
    crew->lent = true;
    crew->under_way++;
    append->under_way = true;
    act_group_put(crew->options.group, &errand->job);
}

void
act_crew_settle(struct act_coord *crew)
{
    if (crew->under_way > 0)
        act_group_flush(crew->options.group);
    ACT_ASSERT(crew->under_way == 0);
}

/* ---- messages ---- */

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

/* A batch that comes again because its COMMITTED was lost is in the store already, or on its way. */
static void
take_append(struct writer *writer, struct act_append *append, size_t count)
{
    struct act_coord *crew = writer->crew;
    const struct act_batch *batch = &append->batch;
    (void)count;
    if (append->under_way)
        return;
    bool known = batch->count > 0 && batch->first_seq <= crew->committed_seq;
    struct act_blob_port *blobs = crew->options.blobs;
    if (!known && blobs && blobs->durable) {
        append->code = blobs->ops->sync(blobs, &append->error);
        if (append->code != ACT_OK) {
            answer(crew, append);
            return;
        }
    }
    if (!known && crew->options.group && !ACT_CANARY_ACKNOWLEDGE_FIRST) {
        send(crew, append);
        return;
    }
#if ACT_CANARY_ACKNOWLEDGE_FIRST
    append->code = write_late(writer, append);
#else
    append->code = known ? ACT_OK : write_batch(crew, append);
#endif
    answer(crew, append);
}

static void
take_sync(struct writer *writer, const uint64_t *number, size_t count)
{
    (void)count;
    writer->crew->sync_asked = *number;
    answer_sync(writer->crew);
}

/* That the disk is full is no reason to lose what follows: as with a batch, the run is suspended. */
static void
take_snapshot(struct writer *writer, struct act_kept *kept, size_t count)
{
    struct act_coord *crew = writer->crew;
    struct act_store *store = crew->options.store;
    struct act_snapshot snapshot = {kept->seq, act_buf_str(&kept->body)};
    struct act_error error = {0};
    (void)count;
    enum act_err code = store->ops->save_snapshot(store, crew->row.run, &snapshot, &error);
    if (code == ACT_ERR_NO_SPACE && !crew->full) {
        crew->full = true;
        crew->error = error;
    }
    act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_SNAPSHOT_KEPT, NULL, 0);
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
