#include "engine/actor/threads.h"

#include "base/alloc.h"
#include "base/assert.h"

#define SHARED_EVERY 31 /* so often the shared queue goes before the own one */
#define STEAL_MAX 32    /* actors at once */
#define WATCH_NS 500000 /* the sentinel's first look at running threads */
#define WATCH_MAX_NS 8000000

/* ---- run queues -------------------------------------------------------------------------------- */

static uint32_t
runq_count(struct act_runq *queue)
{
    return atomic_load_explicit(&queue->count, memory_order_seq_cst);
}

/* How many it holds now. */
static uint32_t
runq_push(struct act_runq *queue, struct act_cell *cell)
{
    cell->ready_next = NULL;
    act_mutex_lock(&queue->lock);
    if (queue->tail) {
        queue->tail->ready_next = cell;
    } else {
        queue->head = cell;
    }
    queue->tail = cell;
    uint32_t count = atomic_fetch_add_explicit(&queue->count, 1, memory_order_seq_cst) + 1;
    act_mutex_unlock(&queue->lock);
    return count;
}

/* Takes up to max from the front, as a chain. */
static struct act_cell *
runq_take(struct act_runq *queue, uint32_t max, bool half)
{
    struct act_cell *first = NULL, *last = NULL;

    if (atomic_load_explicit(&queue->count, memory_order_relaxed) == 0) {
        return NULL;
    }
    act_mutex_lock(&queue->lock);
    uint32_t count = atomic_load_explicit(&queue->count, memory_order_relaxed);
    uint32_t want = half ? (count + 1) / 2 : count;
    want = want < max ? want : max;
    first = queue->head;
    for (uint32_t i = 0; i < want; i++) {
        last = queue->head;
        queue->head = last->ready_next;
    }
    if (!queue->head) {
        queue->tail = NULL;
    }
    if (last) {
        last->ready_next = NULL;
    }
    atomic_fetch_sub_explicit(&queue->count, want, memory_order_seq_cst);
    act_mutex_unlock(&queue->lock);
    return want > 0 ? first : NULL;
}

/* ---- waking ------------------------------------------------------------------------------------ */

static void
wake_one(struct act_threads *threads)
{
    act_mutex_lock(&threads->lock);
    uint32_t parked = atomic_load_explicit(&threads->parked, memory_order_relaxed);
    if (parked > threads->tokens) {
        threads->tokens++;
        atomic_fetch_add_explicit(&threads->wakes, 1, memory_order_relaxed);
        /* The sentinel is the last to be taken. */
        bool others =
            parked - threads->tokens + 1 >
            (atomic_load_explicit(&threads->has_sentinel, memory_order_relaxed) ? 1u : 0u);
        act_cond_signal(others ? &threads->wake : &threads->wake_sentinel);
    }
    act_mutex_unlock(&threads->lock);
}

static bool
somebody_sleeps(struct act_threads *threads)
{
    return atomic_load_explicit(&threads->parked, memory_order_seq_cst) > 0 &&
           atomic_load_explicit(&threads->searching, memory_order_seq_cst) == 0;
}

static struct act_pool_worker *
own(struct act_threads *threads, struct act_worker *worker)
{
    return worker && worker != &threads->system->loop ? (struct act_pool_worker *)worker : NULL;
}

static void
schedule(struct act_threads *threads, struct act_worker *worker, struct act_cell *cell)
{
    struct act_pool_worker *mine = own(threads, worker);
    uint32_t count = runq_push(mine ? &mine->queue : &threads->shared, cell);

    if (mine && count == 1 && atomic_load_explicit(&threads->has_sentinel, memory_order_relaxed)) {
        return; /* this thread takes it next; if its step is long, the sentinel sees it */
    }
    if (somebody_sleeps(threads)) {
        wake_one(threads);
    }
}

void
act_threads_post(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                 struct act_node *node)
{
    struct act_node *head = atomic_load_explicit(&cell->inbox, memory_order_relaxed);
    bool alert = act_node_alerts(node);

    do {
        node->next = head == ACT_IDLE ? NULL : head;
    } while (!atomic_compare_exchange_weak_explicit(&cell->inbox, &head, node, memory_order_acq_rel,
                                                    memory_order_relaxed));
    /* So that a slice under way sees it before its next message. */
    if (alert) {
        atomic_store_explicit(&cell->alert, 1, memory_order_relaxed);
    }
    if (head == ACT_IDLE) {
        schedule(system->threads, worker, cell);
    }
}

/* ---- alarms ------------------------------------------------------------------------------------ */

static void
note_next_alarm(struct act_threads *threads)
{
    atomic_store_explicit(&threads->next_alarm, act_alarms_next(&threads->alarms),
                          memory_order_relaxed);
}

struct act_alarm *
act_threads_set_alarm(struct actant_system *system, int64_t due_ns, uint64_t owner, uint64_t serial)
{
    struct act_threads *threads = system->threads;

    act_mutex_lock(&threads->lock);
    struct act_alarm *alarm = act_alarms_set(&threads->alarms, due_ns, owner, serial);
    note_next_alarm(threads);
    if (threads->sentinel_until < 0 || due_ns < threads->sentinel_until) {
        threads->sentinel_until = due_ns;
        act_cond_signal(&threads->wake_sentinel);
    }
    act_mutex_unlock(&threads->lock);
    return alarm;
}

void
act_threads_cancel_alarm(struct actant_system *system, struct act_alarm *alarm, uint64_t owner,
                         uint64_t serial)
{
    struct act_threads *threads = system->threads;

    act_mutex_lock(&threads->lock);
    act_alarms_cancel(&threads->alarms, alarm, owner, serial);
    note_next_alarm(threads);
    act_mutex_unlock(&threads->lock);
}

/* Notices for all alarms that are due. */
static void
ring(struct act_threads *threads, struct act_worker *worker)
{
    int64_t next = atomic_load_explicit(&threads->next_alarm, memory_order_relaxed);
    uint64_t owner, serial;

    if (next < 0) {
        return;
    }
    int64_t now = actant_system_now_ns(threads->system);
    while (next >= 0 && next <= now) {
        act_mutex_lock(&threads->lock);
        bool due = act_alarms_take(&threads->alarms, now, &owner, &serial);
        note_next_alarm(threads);
        act_mutex_unlock(&threads->lock);
        if (!due) {
            return;
        }
        act_mail_timer(threads->system, worker, owner, serial);
        next = atomic_load_explicit(&threads->next_alarm, memory_order_relaxed);
    }
}

/* ---- running ----------------------------------------------------------------------------------- */

void
act_threads_take_inbox(struct act_worker *worker, struct act_cell *cell)
{
    struct act_node *node = atomic_exchange_explicit(&cell->inbox, NULL, memory_order_acquire);

    ACT_ASSERT(node != ACT_IDLE);
    node = act_node_reverse(node);
    while (node) {
        struct act_node *next = node->next;
        act_mail_take_in(worker, cell, node);
        node = next;
    }
}

static void
run(struct act_pool_worker *mine, struct act_cell *cell)
{
    struct act_worker *worker = &mine->worker;
    struct act_node *none = NULL;

    act_threads_take_inbox(worker, cell);
    act_step_slice(worker, cell);
    /* Release: the next thread sees what this one did. After it the cell is not ours. */
    if (act_step_has_more(cell) ||
        !atomic_compare_exchange_strong_explicit(&cell->inbox, &none, ACT_IDLE,
                                                 memory_order_release, memory_order_relaxed)) {
        schedule(worker->system->threads, worker, cell);
    }
}

/* With stuck, what waits alone behind a step is taken, too. */
static struct act_cell *
steal(struct act_threads *threads, struct act_pool_worker *mine, bool stuck)
{
    unsigned self = (unsigned)(mine - threads->workers);

    for (unsigned i = 1; i < threads->count; i++) {
        struct act_pool_worker *victim = &threads->workers[(self + i) % threads->count];
        if (atomic_load_explicit(&victim->queue.count, memory_order_relaxed) < (stuck ? 1 : 2)) {
            continue;
        }
        struct act_cell *chain = runq_take(&victim->queue, STEAL_MAX, true);
        if (!chain) {
            continue;
        }
        atomic_fetch_add_explicit(&threads->steals, 1, memory_order_relaxed);
        while (chain->ready_next) {
            struct act_cell *cell = chain->ready_next;
            chain->ready_next = cell->ready_next;
            runq_push(&mine->queue, cell);
        }
        return chain;
    }
    return NULL;
}

static struct act_cell *
find_work(struct act_threads *threads, struct act_pool_worker *mine)
{
    uint32_t tick = atomic_load_explicit(&mine->tick, memory_order_relaxed) + 1;
    struct act_cell *cell = NULL;

    atomic_store_explicit(&mine->tick, tick, memory_order_relaxed);
    if (tick % SHARED_EVERY == 0) {
        ring(threads, &mine->worker);
        cell = runq_take(&threads->shared, 1, false);
    }
    if (!cell) {
        cell = runq_take(&mine->queue, 1, false);
    }
    return cell ? cell : runq_take(&threads->shared, 1, false);
}

/* ---- sleeping ---------------------------------------------------------------------------------- */

/* Is there work for a thread that has none? alone: what waits alone behind a step counts, too. */
static bool
has_work(struct act_threads *threads, bool alone)
{
    if (runq_count(&threads->shared) > 0) {
        return true;
    }
    for (unsigned i = 0; i < threads->count; i++) {
        if (runq_count(&threads->workers[i].queue) >= (alone ? 1 : 2)) {
            return true;
        }
    }
    return false;
}

/* Does something wait behind a step that has not ended since the last look? Under the lock. */
static bool
sees_stuck(struct act_threads *threads)
{
    bool stuck = false;

    for (unsigned i = 0; i < threads->count; i++) {
        struct act_pool_worker *other = &threads->workers[i];
        uint32_t tick = atomic_load_explicit(&other->tick, memory_order_relaxed);
        stuck |= tick == other->seen_tick && runq_count(&other->queue) > 0;
        other->seen_tick = tick;
    }
    return stuck;
}

/* Sleeps as the sentinel. Under the lock. */
static void
watch(struct act_threads *threads, int64_t *watch_ns)
{
    struct actant_system *system = threads->system;
    bool others_run = atomic_load_explicit(&threads->parked, memory_order_relaxed) < threads->count;
    int64_t now = actant_system_now_ns(system);
    int64_t next = act_alarms_next(&threads->alarms);
    int64_t until = others_run ? now + *watch_ns : -1;

    if (next >= 0 && (until < 0 || next < until)) {
        until = next;
    }
    threads->sentinel_until = until;
    act_cond_wait(&threads->wake_sentinel, &threads->lock,
                  until < 0 ? -1 : act_thread_now_ns() + (until > now ? until - now : 0));
    threads->sentinel_until = -1;
    *watch_ns = *watch_ns * 2 < WATCH_MAX_NS ? *watch_ns * 2 : WATCH_MAX_NS;
}

static bool
alarm_is_due(struct act_threads *threads)
{
    int64_t next = act_alarms_next(&threads->alarms);

    return next >= 0 && next <= actant_system_now_ns(threads->system);
}

/* The last one to park may be what the loop's thread waits for (actant_system_run until idle). */
static void
park_begins(struct act_threads *threads)
{
    if (atomic_fetch_add_explicit(&threads->parked, 1, memory_order_seq_cst) + 1 ==
        threads->count) {
        act_mutex_unlock(&threads->lock);
        act_system_poke(threads->system);
        act_mutex_lock(&threads->lock);
    }
}

/* Until there may be something to do; false: the system ends. */
static bool
park(struct act_threads *threads, bool *ret_stuck)
{
    int64_t watch_ns = WATCH_NS;
    bool sentinel = false, stuck = false;

    act_mutex_lock(&threads->lock);
    park_begins(threads);
    while (!threads->stop && threads->tokens == 0 && !stuck && !has_work(threads, false) &&
           !alarm_is_due(threads)) {
        if (!sentinel && !atomic_load_explicit(&threads->has_sentinel, memory_order_relaxed)) {
            sentinel = true;
            atomic_store_explicit(&threads->has_sentinel, true, memory_order_relaxed);
        }
        if (sentinel) {
            watch(threads, &watch_ns);
            stuck = sees_stuck(threads);
        } else {
            act_cond_wait(&threads->wake, &threads->lock, -1);
        }
    }
    if (sentinel) {
        atomic_store_explicit(&threads->has_sentinel, false, memory_order_relaxed);
        act_cond_signal(&threads->wake); /* another one is to be it */
    }
    if (threads->tokens > 0) {
        threads->tokens--;
    }
    atomic_fetch_sub_explicit(&threads->parked, 1, memory_order_seq_cst);
    bool goes_on = !threads->stop;
    *ret_stuck = stuck;
    act_mutex_unlock(&threads->lock);
    return goes_on;
}

static struct act_cell *
search(struct act_threads *threads, struct act_pool_worker *mine, bool stuck)
{
    atomic_fetch_add_explicit(&threads->searching, 1, memory_order_seq_cst);
    struct act_cell *cell = steal(threads, mine, stuck);
    if (!cell) {
        cell = runq_take(&threads->shared, 1, false);
    }
    atomic_fetch_sub_explicit(&threads->searching, 1, memory_order_seq_cst);
    /* Whoever scheduled while this one searched has woken nobody. */
    if (cell && has_work(threads, false) && somebody_sleeps(threads)) {
        wake_one(threads);
    }
    return cell;
}

static void *
work(void *self)
{
    struct act_pool_worker *mine = self;
    struct act_threads *threads = mine->worker.system->threads;

    bool stuck = false;

    act_worker_enter(&mine->worker);
    do {
        struct act_cell *cell;
        while ((cell = find_work(threads, mine)) || (cell = search(threads, mine, stuck))) {
            stuck = false;
            run(mine, cell);
        }
        ring(threads, &mine->worker);
        /* An alarm's actor waits in the own queue, alone: park would not count it. */
    } while (runq_count(&mine->queue) > 0 || park(threads, &stuck));
    return NULL;
}

/* ---- the pool ---------------------------------------------------------------------------------- */

bool
act_threads_idle(struct act_threads *threads)
{
    act_mutex_lock(&threads->lock);
    bool idle = atomic_load_explicit(&threads->parked, memory_order_seq_cst) == threads->count &&
                threads->tokens == 0 && !has_work(threads, true) &&
                act_alarms_next(&threads->alarms) < 0;
    act_mutex_unlock(&threads->lock);
    return idle;
}

struct act_threads *
act_threads_create(struct actant_system *system, unsigned count)
{
    struct act_threads *threads = act_zalloc(1, sizeof(*threads));

    threads->system = system;
    threads->sentinel_until = -1;
    threads->count = count;
    atomic_store_explicit(&threads->next_alarm, -1, memory_order_relaxed);
    act_mutex_init(&threads->lock);
    act_cond_init(&threads->wake);
    act_cond_init(&threads->wake_sentinel);
    act_mutex_init(&threads->shared.lock);
    threads->workers = act_zalloc(count, sizeof(*threads->workers));
    for (unsigned i = 0; i < count; i++) {
        act_worker_init(&threads->workers[i].worker, system);
        act_mutex_init(&threads->workers[i].queue.lock);
    }
    system->threads = threads;
    while (threads->started < count &&
           act_thread_start(&threads->workers[threads->started].thread, work,
                            &threads->workers[threads->started])) {
        threads->started++;
    }
    if (threads->started < count) {
        act_threads_destroy(threads);
        system->threads = NULL;
        return NULL;
    }
    return threads;
}

void
act_threads_destroy(struct act_threads *threads)
{
    if (!threads) {
        return;
    }
    act_mutex_lock(&threads->lock);
    threads->stop = true;
    act_cond_broadcast(&threads->wake);
    act_cond_broadcast(&threads->wake_sentinel);
    act_mutex_unlock(&threads->lock);
    for (unsigned i = 0; i < threads->started; i++) {
        act_thread_join(&threads->workers[i].thread);
    }
    for (unsigned i = 0; i < threads->count; i++) {
        act_worker_fini(&threads->workers[i].worker);
        act_mutex_fini(&threads->workers[i].queue.lock);
    }
    act_alarms_fini(&threads->alarms);
    act_mutex_fini(&threads->shared.lock);
    act_cond_fini(&threads->wake);
    act_cond_fini(&threads->wake_sentinel);
    act_mutex_fini(&threads->lock);
    act_free(threads->workers);
    act_free(threads);
}
