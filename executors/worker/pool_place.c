#include "executors/worker/pool_internal.h"

#define MISSES_MAX 16 /* queued calls that find no place, before the rest are not tried */

/* ---- who may take it ---- */

/* The call that it runs has gone on for so long that nothing is put behind it. */
static bool
is_stuck(const struct act_worker_pool *pool, const struct act_worker *worker, int64_t now)
{
    const struct act_worker_call *first = worker->calls.first;
    return first && first->state == ACT_CALL_BEGUN &&
           now - first->since_ns > pool->options.times.grow * MS_NS;
}

static bool
fits_beside(const struct act_worker_pool *pool, const struct act_worker *worker,
            const struct act_worker_call *call)
{
    const struct act_worker_call *last = worker->calls.last;
    return last->function->known && last->function->beside &&
           worker->calls.count < pool->options.beside_max &&
           strcmp(last->context, call->context) == 0;
}

static bool
fits_behind(const struct act_worker_pool *pool, const struct act_worker *worker,
            const struct act_worker_call *call, int64_t now)
{
    return act_function_is_quick(call->function) &&
           act_function_is_quick(worker->calls.last->function) &&
           worker->calls.count < pool->options.ahead_max && !is_stuck(pool, worker, now);
}

static bool
has_room(const struct act_worker_pool *pool, const struct act_worker *worker,
         const struct act_worker_call *call, int64_t now)
{
    if (worker->state != ACT_WORKER_SERVING || worker->mute)
        return false;
    if (!worker->calls.count)
        return true;
    if (call->alone || worker->calls.first->alone)
        return false;
    if (call->function->known && call->function->beside)
        return fits_beside(pool, worker, call);
    return fits_behind(pool, worker, call, now);
}

/* The least loaded one; the oldest among equals. */
static struct act_worker *
choose(const struct act_worker_pool *pool, const struct act_worker_call *call, int64_t now)
{
    struct act_worker *best = NULL;
    for (struct act_worker *worker = pool->workers; worker; worker = worker->next) {
        if (has_room(pool, worker, call, now) && (!best || worker->calls.count < best->calls.count))
            best = worker;
    }
    return best;
}

static void
place_queued(struct act_worker_pool *pool, int64_t now)
{
    uint32_t misses = 0;
    for (struct act_worker_call *call = pool->queue.first, *next; call && misses < MISSES_MAX;
         call = next) {
        next = call->next;
        struct act_worker *worker = choose(pool, call, now);
        misses += worker == NULL;
        if (!worker)
            continue;
        act_call_list_remove(&pool->queue, call);
        pool->under_way++;
        act_worker_send_call(worker, call);
    }
}

/* ---- more workers ---- */

uint32_t
act_pool_active(const struct act_worker_pool *pool)
{
    uint32_t active = 0;
    for (const struct act_worker *worker = pool->workers; worker; worker = worker->next)
        active += !worker->said_bye && worker->state != ACT_WORKER_KILLED;
    return active;
}

struct act_worker *
act_pool_start_worker(struct act_worker_pool *pool)
{
    if (act_pool_active(pool) >= pool->options.workers_max || act_pool_now(pool) < pool->resume_ns)
        return NULL;
    struct act_worker *worker = act_worker_create(pool, ++pool->numbers);
    if (!worker) { /* no descriptors now */
        pool->resume_ns = act_pool_now(pool) + pool->options.times.backoff * MS_NS;
        return NULL;
    }
    struct act_worker **end = &pool->workers;
    while (*end)
        end = &(*end)->next;
    *end = worker;
    pool->count++;
    pool->starting++;
    pool->counts.started++;
    return worker;
}

bool
act_pool_may_start(const struct act_worker_pool *pool)
{
    uint32_t serving = 0;
    for (const struct act_worker *worker = pool->workers; worker; worker = worker->next)
        serving += worker->state == ACT_WORKER_SERVING;
    return pool->starting < (serving ? serving : 1) &&
           act_pool_active(pool) < pool->options.workers_max;
}

static uint32_t
count_moving(const struct act_worker_pool *pool, int64_t now)
{
    uint32_t moving = 0;
    for (const struct act_worker *worker = pool->workers; worker; worker = worker->next)
        moving += worker->state == ACT_WORKER_SERVING && !is_stuck(pool, worker, now);
    return moving;
}

int64_t
act_pool_grow_ns(const struct act_worker_pool *pool, const struct act_worker_call *call)
{
    int64_t from = call->since_ns > pool->ready_ns ? call->since_ns : pool->ready_ns;
    uint32_t moving = count_moving(pool, act_pool_now(pool));
    int64_t usual = call->function->usual_ns;
    if (moving && usual >= 0 && usual * pool->queue.count / moving < pool->start_cost_ns)
        return INT64_MAX;
    return from + pool->options.times.grow * MS_NS;
}

static void
grow(struct act_worker_pool *pool, int64_t now)
{
    uint32_t wanted = 0;
    if (!act_pool_may_start(pool))
        return;
    /* In order of their arrival: behind one that is not late none is. */
    for (const struct act_worker_call *call = pool->queue.first;
         call && now >= act_pool_grow_ns(pool, call); call = call->next)
        wanted++;
    if (!wanted && pool->queue.first && act_pool_active(pool) == 0)
        wanted = 1;
    while (pool->starting < wanted && act_pool_may_start(pool) && act_pool_start_worker(pool))
        continue;
}

/* The workers that have had enough leave; those that go on have room for what waits. */
static void
recycle(struct act_worker_pool *pool)
{
    const struct act_worker_pool_options *options = &pool->options;
    for (struct act_worker *worker = pool->workers; worker; worker = worker->next) {
        if (worker->state != ACT_WORKER_SERVING)
            continue;
        bool enough = (options->recycle_calls && worker->done >= options->recycle_calls) ||
                      (options->recycle_bytes && worker->bytes >= options->recycle_bytes);
        if (!enough)
            continue;
        act_worker_leave(worker);
        pool->counts.recycled++;
    }
}

static void
refuse_all(struct act_worker_pool *pool)
{
    while (pool->queue.first)
        act_pool_end_queued(pool->queue.first, ACT_WORKER_REFUSED);
}

void
act_pool_place(struct act_worker_pool *pool)
{
    int64_t now = act_pool_now(pool);
    if (now < pool->refuse_ns) {
        refuse_all(pool);
        return;
    }
    recycle(pool);
    if (!pool->queue.first)
        return;
    place_queued(pool, now);
    grow(pool, now);
}
