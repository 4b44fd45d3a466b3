/* Opening, putting, flushing, closing: the side of those who use a producer. */
#include "engine/producer/producer_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <signal.h>

#define BATCH_MAX 256
#define BATCH_BYTES_MAX ((size_t)1 << 20)
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 30000
#define NAP_US 400
#define NAP_MAX_US 1000000

const char *
actant_producer_code_text(enum actant_producer_code code)
{
    switch (code) {
    case ACTANT_PRODUCER_OK: return "ok";
    case ACTANT_PRODUCER_FULL: return "the queue is full";
    case ACTANT_PRODUCER_TIMEOUT: return "the time was over";
    case ACTANT_PRODUCER_DROPPED: return "the queue is full, the record was dropped";
    case ACTANT_PRODUCER_CLOSED: return "the producer is closed";
    case ACTANT_PRODUCER_STOPPED: return "the producer has stopped";
    case ACTANT_PRODUCER_INVALID: return "an argument means nothing";
    }
    return "no code of a producer";
}

/* ---- under the mutex ---- */

void
act_producer_wake(struct actant_producer *p)
{
    if (p->rest != ACT_PRODUCER_AWAKE)
        pthread_cond_signal(&p->work);
    p->rest = ACT_PRODUCER_AWAKE;
}

void
act_producer_set_state(struct actant_producer *p, enum act_producer_state state)
{
    if (state <= p->state)
        return;
    p->state = state;
    pthread_cond_signal(&p->work);
    pthread_cond_broadcast(&p->settled);
    for (int i = 0; i < ACTANT_LANE_COUNT; i++)
        pthread_cond_broadcast(&p->room[i]);
}

static bool
inside(const struct actant_producer *p)
{
    return pthread_equal(p->thread, pthread_self()) != 0;
}

/* ---- life ---- */

static bool
valid(const struct actant_producer_options *options)
{
    bool ok = options->sink.write && options->linger_ms >= 0 && options->retry_first_ms >= 0 &&
              options->retry_max_ms >= 0 && options->nap_us >= -1;
    for (int i = 0; i < ACTANT_LANE_COUNT; i++)
        ok = ok && options->lanes[i].block_ms >= 0 &&
             (unsigned)options->lanes[i].full <= ACTANT_DROP_OLDEST_RECORD;
    return ok;
}

static void
fill_in(struct actant_producer_options *options)
{
    if (options->batch_max == 0)
        options->batch_max = BATCH_MAX;
    if (options->batch_bytes_max == 0)
        options->batch_bytes_max = BATCH_BYTES_MAX;
    if (options->retry_first_ms == 0)
        options->retry_first_ms = RETRY_FIRST_MS;
    if (options->retry_max_ms == 0)
        options->retry_max_ms = RETRY_MAX_MS;
    if (options->nap_us == 0)
        options->nap_us = NAP_US;
    if (options->nap_us > NAP_MAX_US)
        options->nap_us = NAP_MAX_US;
}

static void
let_go(struct actant_producer *p)
{
    for (int i = 0; i < ACTANT_LANE_COUNT; i++)
        pthread_cond_destroy(&p->room[i]);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->settled);
    pthread_mutex_destroy(&p->mutex);
    act_free(p->flight.nodes);
    act_free(p->flight.records);
    act_free(p);
}

enum actant_producer_code
actant_producer_create(const struct actant_producer_options *options, struct actant_producer **ret)
{
    if (!options || !ret || !valid(options))
        return ACTANT_PRODUCER_INVALID;
    struct actant_producer *p = act_zalloc(1, sizeof(*p));
    p->options = *options;
    fill_in(&p->options);
    p->nap_ns = ACT_NEVER_NS; /* before the first batch it sleeps */
    act_lanes_init(&p->queue, p->options.lanes);
    p->flight.cap = p->options.batch_max;
    p->flight.nodes = act_zalloc(p->flight.cap, sizeof(struct act_node *));
    p->flight.records = act_zalloc(p->flight.cap, sizeof(*p->flight.records));
    ACT_ASSERT(pthread_mutex_init(&p->mutex, NULL) == 0);
    act_clock_cond_init(&p->work);
    act_clock_cond_init(&p->settled);
    for (int i = 0; i < ACTANT_LANE_COUNT; i++)
        act_clock_cond_init(&p->room[i]);
    sigset_t all, old; /* signals are the program's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&p->thread, NULL, act_producer_main, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed) {
        let_go(p);
        return ACTANT_PRODUCER_STOPPED;
    }
    *ret = p;
    return ACTANT_PRODUCER_OK;
}

void
actant_producer_destroy(struct actant_producer *p)
{
    if (!p)
        return;
    ACT_ASSERT(!inside(p));
    actant_producer_close(p, 0, NULL);
    ACT_ASSERT(pthread_join(p->thread, NULL) == 0);
    let_go(p);
}

/* ---- putting ---- */

static enum actant_producer_code
wait_for_room(struct actant_producer *p, enum actant_lane which, size_t size)
{
    const struct act_lane *lane = &p->queue.lanes[which];
    int64_t block_ms = p->options.lanes[which].block_ms;
    struct actant_lane_metrics *metrics = &p->metrics.lanes[which];
    if (inside(p))
        return ACTANT_PRODUCER_FULL;
    int64_t began = act_clock_ns(), until = act_clock_after(block_ms > 0 ? block_ms : -1);
    bool in_time = true;
    metrics->blocked++;
    p->putters[which]++;
    act_producer_wake(p);
    while (p->state == ACT_PRODUCER_OPEN && !act_lane_has_room(lane, size) && in_time)
        in_time = act_clock_wait(&p->room[which], &p->mutex, until);
    p->putters[which]--;
    act_histogram_add(p->metrics.blocked_us, (uint64_t)(act_clock_ns() - began) / ACT_NS_PER_US);
    return p->state != ACT_PRODUCER_OPEN || act_lane_has_room(lane, size) ? ACTANT_PRODUCER_OK
                                                                          : ACTANT_PRODUCER_TIMEOUT;
}

/* The oldest of the lane, until size bytes fit: a chain that the caller settles. */
static struct act_node *
evict(struct actant_producer *p, enum actant_lane which, size_t size)
{
    struct act_node *first = NULL, **end = &first;
    while (!act_lane_has_room(&p->queue.lanes[which], size)) {
        *end = act_lanes_pop(&p->queue, which);
        end = &(*end)->next;
        p->metrics.lanes[which].dropped++;
    }
    *end = NULL;
    p->evicting += first != NULL;
    return first;
}

static enum actant_producer_code
make_room(struct actant_producer *p, enum actant_lane which, size_t size, struct act_node **evicted)
{
    struct actant_lane_metrics *metrics = &p->metrics.lanes[which];
    enum actant_producer_code code = ACTANT_PRODUCER_OK;
    if (p->state != ACT_PRODUCER_OPEN || act_lane_has_room(&p->queue.lanes[which], size))
        return ACTANT_PRODUCER_OK;
    switch (p->options.lanes[which].full) {
    case ACTANT_BLOCK_PUT: code = wait_for_room(p, which, size); break;
    case ACTANT_FAIL_PUT: code = ACTANT_PRODUCER_FULL; break;
    case ACTANT_DROP_NEWEST_RECORD: code = ACTANT_PRODUCER_DROPPED; break;
    case ACTANT_DROP_OLDEST_RECORD: *evicted = evict(p, which, size); break;
    }
    if (code == ACTANT_PRODUCER_DROPPED)
        metrics->dropped++;
    else if (code != ACTANT_PRODUCER_OK)
        metrics->refused++;
    return code;
}

static void
settle_evicted(struct actant_producer *p, struct act_node *node)
{
    if (!node)
        return;
    while (node) {
        struct act_node *next = node->next;
        if (p->options.sink.settled)
            p->options.sink.settled(p->options.sink.self, &node->record, 1, ACTANT_FATE_DROPPED);
        act_node_destroy(node);
        node = next;
    }
    pthread_mutex_lock(&p->mutex);
    p->evicting--;
    if (p->flushers > 0)
        pthread_cond_broadcast(&p->settled);
    pthread_mutex_unlock(&p->mutex);
}

/* What comes next is not to be refused because somebody naps. */
static bool
half_full(const struct act_lane *lane)
{
    return lane->records >= lane->records_max / 2 || lane->bytes >= lane->bytes_max / 2;
}

/* Is the thread to be woken? By who has let the mutex go: it would only wait for it. */
static bool
push(struct actant_producer *p, struct act_node *node)
{
    const struct act_lane *lane = &p->queue.lanes[node->record.lane];
    struct actant_lane_metrics *metrics = &p->metrics.lanes[node->record.lane];
    node->put_ns = act_clock_ns();
    act_lanes_push(&p->queue, node);
    if (lane->records > metrics->records_most)
        metrics->records_most = lane->records;
    if (lane->bytes > metrics->bytes_most)
        metrics->bytes_most = lane->bytes;
    bool full = act_producer_batch_full(p), wake = false;
    switch (p->rest) {
    case ACT_PRODUCER_AWAKE: break;
    case ACT_PRODUCER_NAPS:
        wake = full || node->record.lane == ACTANT_LANE_URGENT || half_full(lane);
        break;
    case ACT_PRODUCER_SLEEPS:
        wake = full || p->options.linger_ms == 0 || p->queue.records == 1;
        break;
    }
    if (wake)
        p->rest = ACT_PRODUCER_AWAKE;
    return wake;
}

/* Takes node over, whatever is returned. */
static enum actant_producer_code
put_node(struct actant_producer *p, struct act_node *node)
{
    enum actant_lane lane = node->record.lane;
    struct act_node *evicted = NULL;
    bool wake = false;
    enum actant_producer_code code = ACTANT_PRODUCER_INVALID;
    pthread_mutex_lock(&p->mutex);
    if (node->record.size <= p->queue.lanes[lane].bytes_max)
        code = make_room(p, lane, node->record.size, &evicted);
    if (code == ACTANT_PRODUCER_OK && p->state != ACT_PRODUCER_OPEN)
        code = p->state == ACT_PRODUCER_CLOSING ? ACTANT_PRODUCER_CLOSED : ACTANT_PRODUCER_STOPPED;
    if (code == ACTANT_PRODUCER_OK)
        wake = push(p, node);
    pthread_mutex_unlock(&p->mutex);
    if (wake)
        pthread_cond_signal(&p->work);
    if (code != ACTANT_PRODUCER_OK)
        act_node_destroy(node);
    settle_evicted(p, evicted);
    return code;
}

enum actant_producer_code
actant_producer_put(struct actant_producer *p, enum actant_lane lane, const void *data, size_t size,
                    void *tag)
{
    if ((unsigned)lane >= ACTANT_LANE_COUNT || (size > 0 && !data) ||
        size > p->queue.lanes[lane].bytes_max)
        return ACTANT_PRODUCER_INVALID;
    return put_node(p, act_node_create(lane, data, size, tag));
}

enum actant_producer_code
actant_producer_put_owned(struct actant_producer *p, enum actant_lane lane, void *data, size_t size,
                          void (*destroy)(void *data), void *tag)
{
    if ((unsigned)lane < ACTANT_LANE_COUNT)
        return put_node(p, act_node_wrap(lane, data, size, destroy, tag));
    if (destroy)
        destroy(data);
    return ACTANT_PRODUCER_INVALID;
}

/* ---- flushing and closing ---- */

/* Is every record of the lane settled whose number is below? */
static bool
settled_below(const struct actant_producer *p, enum actant_lane which, uint64_t number)
{
    const struct act_node *head = p->queue.lanes[which].head;
    if (head && head->record.number < number)
        return false;
    for (size_t i = p->flight.done; i < p->flight.count; i++) {
        if (p->flight.records[i].lane == which && p->flight.records[i].number < number)
            return false;
    }
    return true;
}

static bool
all_settled_below(const struct actant_producer *p, const uint64_t numbers[ACTANT_LANE_COUNT])
{
    bool all = p->evicting == 0;
    for (int i = 0; i < ACTANT_LANE_COUNT && all; i++)
        all = settled_below(p, (enum actant_lane)i, numbers[i]);
    return all;
}

enum actant_producer_code
actant_producer_flush(struct actant_producer *p, int64_t timeout_ms)
{
    uint64_t numbers[ACTANT_LANE_COUNT];
    if (inside(p))
        return ACTANT_PRODUCER_INVALID;
    int64_t until = act_clock_after(timeout_ms);
    pthread_mutex_lock(&p->mutex);
    for (int i = 0; i < ACTANT_LANE_COUNT; i++)
        numbers[i] = p->queue.lanes[i].next_number;
    p->flushers++;
    act_producer_wake(p);
    bool done = false, in_time = true;
    while (!(done = all_settled_below(p, numbers)) && p->state != ACT_PRODUCER_STOPPED && in_time)
        in_time = act_clock_wait(&p->settled, &p->mutex, until);
    p->flushers--;
    bool stopped = p->state == ACT_PRODUCER_STOPPED;
    pthread_mutex_unlock(&p->mutex);
    return stopped ? ACTANT_PRODUCER_STOPPED : done ? ACTANT_PRODUCER_OK : ACTANT_PRODUCER_TIMEOUT;
}

static void
cancel_write(struct actant_producer *p, bool writing)
{
    if (writing && p->options.sink.cancel)
        p->options.sink.cancel(p->options.sink.self);
}

enum actant_producer_code
actant_producer_close(struct actant_producer *p, int64_t timeout_ms, uint64_t *ret_left)
{
    if (inside(p))
        return ACTANT_PRODUCER_INVALID;
    int64_t until = act_clock_after(timeout_ms);
    pthread_mutex_lock(&p->mutex);
    act_producer_set_state(p, ACT_PRODUCER_CLOSING);
    while (!p->ended && act_clock_wait(&p->settled, &p->mutex, until))
        ;
    if (!p->ended && p->state == ACT_PRODUCER_CLOSING) {
        p->timed_out = true;
        act_producer_set_state(p, ACT_PRODUCER_STOPPED);
        bool writing = p->writing;
        pthread_mutex_unlock(&p->mutex);
        cancel_write(p, writing);
        pthread_mutex_lock(&p->mutex);
    }
    while (!p->ended)
        act_clock_wait(&p->settled, &p->mutex, ACT_NEVER_NS);
    uint64_t left = p->metrics.left;
    bool stopped = p->state == ACT_PRODUCER_STOPPED && !p->timed_out, late = p->timed_out;
    pthread_mutex_unlock(&p->mutex);
    if (ret_left)
        *ret_left = left;
    return stopped            ? ACTANT_PRODUCER_STOPPED
           : late && left > 0 ? ACTANT_PRODUCER_TIMEOUT
                              : ACTANT_PRODUCER_OK;
}

void
actant_producer_stop(struct actant_producer *p)
{
    pthread_mutex_lock(&p->mutex);
    bool now = !p->ended && p->state != ACT_PRODUCER_STOPPED, writing = p->writing;
    if (now)
        act_producer_set_state(p, ACT_PRODUCER_STOPPED);
    pthread_mutex_unlock(&p->mutex);
    if (now && !inside(p))
        cancel_write(p, writing);
}
