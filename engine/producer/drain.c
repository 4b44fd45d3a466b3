/* The producer's thread: take a batch, write it, settle it. */
#include "engine/producer/producer_internal.h"

#include "base/alloc.h"

#include <limits.h>

#define FIRST_NAP_NS (50 * ACT_NS_PER_US)

/* ---- taking ---- */

bool
act_producer_batch_full(const struct actant_producer *p)
{
    return p->queue.records >= p->options.batch_max || p->queue.bytes >= p->options.batch_bytes_max;
}

/* When the batch that is gathering closes: its oldest record has lingered long enough. */
static int64_t
due_ns(const struct actant_producer *p)
{
    bool at_once = p->options.linger_ms == 0 || p->state != ACT_PRODUCER_OPEN || p->flushers > 0 ||
                   act_producer_batch_full(p);
    int64_t oldest = ACT_NEVER_NS;
    if (p->queue.records == 0)
        return ACT_NEVER_NS;
    for (int i = 0; i < ACTANT_LANE_COUNT; i++) {
        const struct act_node *head = p->queue.lanes[i].head;
        if (head && head->put_ns < oldest)
            oldest = head->put_ns;
    }
    return at_once ? 0 : oldest + p->options.linger_ms * ACT_NS_PER_MS;
}

static void
take(struct actant_producer *p)
{
    struct act_flight *flight = &p->flight;
    size_t bytes = 0;
    *flight =
        (struct act_flight){.nodes = flight->nodes, .records = flight->records, .cap = flight->cap};
    while (flight->count < flight->cap) {
        size_t left = p->options.batch_bytes_max - bytes;
        struct act_node *node = act_lanes_take(&p->queue, flight->count == 0 ? SIZE_MAX : left);
        if (!node)
            break;
        bytes += node->record.size;
        flight->records[flight->count] = node->record;
        flight->nodes[flight->count++] = node;
        if (bytes >= p->options.batch_bytes_max)
            break;
    }
    for (int i = 0; i < ACTANT_LANE_COUNT; i++) {
        if (p->putters[i] > 0)
            pthread_cond_broadcast(&p->room[i]);
    }
}

/* Until there may be something to do: who has just had a batch looks again by himself after ever longer naps, who had
 * none for so long sleeps. */
static void
rest(struct actant_producer *p, int64_t due)
{
    bool nap = due == ACT_NEVER_NS && p->options.linger_ms == 0 &&
               p->nap_ns <= p->options.nap_us * ACT_NS_PER_US;
    int64_t until = nap ? act_clock_ns() + p->nap_ns : due;
    p->rest = nap ? ACT_PRODUCER_NAPS : ACT_PRODUCER_SLEEPS;
    act_clock_wait(&p->work, &p->mutex, until);
    p->rest = ACT_PRODUCER_AWAKE;
    p->nap_ns = nap ? 2 * p->nap_ns : p->nap_ns;
}

/* False: there is nothing more to do, ever. */
static bool
next_batch(struct actant_producer *p)
{
    for (;;) {
        if (p->state == ACT_PRODUCER_STOPPED ||
            (p->state == ACT_PRODUCER_CLOSING && p->queue.records == 0))
            return false;
        int64_t due = due_ns(p);
        if (due == 0 || due <= act_clock_ns())
            break;
        rest(p, due);
    }
    take(p);
    p->nap_ns = FIRST_NAP_NS;
    return true;
}

/* ---- settling ---- */

static void
count_settled(struct actant_producer *p, size_t from, size_t to, enum actant_fate fate)
{
    struct actant_producer_metrics *metrics = &p->metrics;
    int64_t now = act_clock_ns();
    if (fate == ACTANT_FATE_DROPPED)
        metrics->dropped += to - from;
    if (fate == ACTANT_FATE_LEFT)
        metrics->left += to - from;
    if (fate != ACTANT_FATE_WRITTEN)
        return;
    metrics->written += to - from;
    metrics->batches++;
    act_histogram_add(metrics->batch_size, to - from);
    for (size_t i = from; i < to; i++) {
        metrics->written_bytes += p->flight.records[i].size;
        act_histogram_add(metrics->commit_us,
                          (uint64_t)(now - p->flight.nodes[i]->put_ns) / ACT_NS_PER_US);
    }
}

/* The next count records of the batch. Without the mutex, which it takes. */
static void
settle(struct actant_producer *p, size_t count, enum actant_fate fate)
{
    struct act_flight *flight = &p->flight;
    size_t from = flight->done, to = from + count;
    if (count == 0)
        return;
    if (p->options.sink.settled)
        p->options.sink.settled(p->options.sink.self, &flight->records[from], count, fate);
    pthread_mutex_lock(&p->mutex);
    count_settled(p, from, to, fate);
    pthread_mutex_unlock(&p->mutex);
    for (size_t i = from; i < to; i++)
        act_node_destroy(flight->nodes[i]);
    pthread_mutex_lock(&p->mutex);
    flight->done = to;
    if (p->flushers > 0)
        pthread_cond_broadcast(&p->settled);
    pthread_mutex_unlock(&p->mutex);
}

static void
settle_rest(struct actant_producer *p, enum actant_fate fate)
{
    settle(p, p->flight.count - p->flight.done, fate);
}

/* ---- writing ---- */

static struct actant_batch
rest_of(const struct act_flight *flight)
{
    struct actant_batch batch = {.records = &flight->records[flight->done],
                                 .count = flight->count - flight->done,
                                 .attempt = flight->attempts};
    for (size_t i = 0; i < batch.count; i++)
        batch.bytes += batch.records[i].size;
    return batch;
}

/* The proposed wait: doubled each time, and spread so that many who failed together do not come together. */
static int64_t
backoff_ms(const struct actant_producer *p)
{
    int64_t wait = p->options.retry_first_ms, max = p->options.retry_max_ms;
    for (unsigned i = 1; i < p->flight.attempts && wait < max; i++)
        wait = wait > max / 2 ? max : wait * 2;
    uint64_t h = (uint64_t)p->flight.since_ns ^ p->flight.attempts;
    h = (h ^ h >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    int64_t spread = wait / 4;
    wait = wait < max ? wait : max;
    return spread > 0 ? wait - (int64_t)((h >> 33) % (uint64_t)(spread + 1)) : wait;
}

static enum actant_sink_answer
ask(struct actant_producer *p, int code, const struct actant_sink_error *error, int64_t *wait_ms)
{
    const struct actant_sink *sink = &p->options.sink;
    struct actant_batch batch = rest_of(&p->flight);
    pthread_mutex_lock(&p->mutex);
    p->flight.asked_in = p->state;
    bool stopped = p->state == ACT_PRODUCER_STOPPED, closing = p->state != ACT_PRODUCER_OPEN;
    pthread_mutex_unlock(&p->mutex);
    struct actant_failure failure = {
        .code = code,
        .message = error->message,
        .batch = &batch,
        .attempts = p->flight.attempts,
        .since_ms = (act_clock_ns() - p->flight.since_ns) / ACT_NS_PER_MS,
        .closing = closing,
    };
    *wait_ms = backoff_ms(p);
    if (stopped || !sink->failed)
        return ACTANT_SINK_STOP;
    return sink->failed(sink->self, &failure, wait_ms);
}

/* Before the next attempt, which comes at once when somebody begins to wait for the end. False: stopped meanwhile. */
static bool
pause_ms(struct actant_producer *p, int64_t wait_ms)
{
    int64_t until = act_clock_after(wait_ms > 0 ? wait_ms : 0);
    pthread_mutex_lock(&p->mutex);
    while (p->state == p->flight.asked_in && act_clock_wait(&p->work, &p->mutex, until))
        ;
    bool go_on = p->state != ACT_PRODUCER_STOPPED;
    pthread_mutex_unlock(&p->mutex);
    return go_on;
}

/* One attempt at what is left of the batch; what was accepted is settled. */
static int
attempt(struct actant_producer *p, struct actant_sink_error *error)
{
    struct act_flight *flight = &p->flight;
    *error = (struct actant_sink_error){0};
    flight->attempts++;
    struct actant_batch batch = rest_of(flight);
    int64_t began = act_clock_ns();
    if (flight->attempts == 1)
        flight->since_ns = began;
    int code = p->options.sink.write(p->options.sink.self, &batch, error);
    error->message[sizeof(error->message) - 1] = '\0';
    int64_t took = act_clock_ns() - began;
    pthread_mutex_lock(&p->mutex);
    act_histogram_add(p->metrics.write_us, (uint64_t)took / ACT_NS_PER_US);
    if (code != 0)
        p->metrics.failures++;
    pthread_mutex_unlock(&p->mutex);
    bool some = code != 0 && error->accepted < batch.count;
    settle(p, some ? error->accepted : batch.count, ACTANT_FATE_WRITTEN);
    return code;
}

static void
stop(struct actant_producer *p)
{
    pthread_mutex_lock(&p->mutex);
    act_producer_set_state(p, ACT_PRODUCER_STOPPED);
    pthread_mutex_unlock(&p->mutex);
}

/* Until every record of the batch is settled. */
static void
write_batch(struct actant_producer *p)
{
    struct actant_sink_error error;
    int64_t wait_ms = 0;
    for (;;) {
        int code = attempt(p, &error);
        if (p->flight.done == p->flight.count)
            return;
        switch (ask(p, code, &error, &wait_ms)) {
        case ACTANT_SINK_RETRY:
            if (pause_ms(p, wait_ms))
                continue;
            break;
        case ACTANT_SINK_DROP: settle_rest(p, ACTANT_FATE_DROPPED); return;
        case ACTANT_SINK_STOP: stop(p); break;
        }
        settle_rest(p, ACTANT_FATE_LEFT);
        return;
    }
}

void *
act_producer_main(void *self)
{
    struct actant_producer *p = self;
    pthread_mutex_lock(&p->mutex);
    while (next_batch(p)) {
        p->writing = true;
        pthread_mutex_unlock(&p->mutex);
        write_batch(p);
        pthread_mutex_lock(&p->mutex);
        p->writing = false;
    }
    while (p->queue.records > 0) {
        take(p);
        pthread_mutex_unlock(&p->mutex);
        settle_rest(p, ACTANT_FATE_LEFT);
        pthread_mutex_lock(&p->mutex);
    }
    p->ended = true;
    pthread_cond_broadcast(&p->settled);
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}
