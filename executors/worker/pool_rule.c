/* What the runtime's pool is told by ours: which worker may have a call, and when another one is started. All
 * in the steps of the runtime's pool; pure but for what is said at its end. */
#include "executors/worker/pool_internal.h"

/* ---- who may have it ---- */

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
            const struct act_worker_call *call)
{
    return act_function_is_quick(call->function) &&
           act_function_is_quick(worker->calls.last->function) &&
           worker->calls.count < pool->options.ahead_max &&
           !is_stuck(pool, worker, act_pool_now(pool));
}

static bool
has_room(const struct act_worker_pool *pool, const struct act_worker *worker, uint32_t load,
         const struct act_worker_call *call)
{
    if (worker->state != ACT_WORKER_SERVING || worker->mute)
        return false;
    if (load > worker->calls.count) /* one is on its way to it: what it is for is not known yet */
        return false;
    if (!worker->calls.count)
        return true;
    if (call->alone || worker->calls.first->alone)
        return false;
    if (call->function->known && call->function->beside)
        return fits_beside(pool, worker, call);
    return fits_behind(pool, worker, call);
}

static enum actant_fit
fits(void *self, const void *state, uint32_t load, const struct actant_message *message)
{
    const struct act_worker_pool *pool = self;
    const struct act_worker_call *call = message->data;
    if (pool->closed || call->state != ACT_CALL_QUEUED)
        return ACTANT_FITS_NOBODY;
    return has_room(pool, state, load, call) ? ACTANT_FITS : ACTANT_FITS_NOT;
}

/* ---- more workers ---- */

struct census {
    uint32_t starting, serving, moving, active;
};

static struct census
count_workers(const struct act_worker_pool *pool, int64_t now)
{
    struct census census = {0};
    for (const struct act_worker *worker = pool->workers; worker; worker = worker->next) {
        bool serving = worker->state == ACT_WORKER_SERVING;
        census.starting += worker->state == ACT_WORKER_STARTING;
        census.serving += serving;
        census.moving += serving && !is_stuck(pool, worker, now);
        census.active += !worker->said_bye && worker->state != ACT_WORKER_KILLED;
    }
    return census;
}

/* When call has waited for so long that another worker is to be started; INT64_MAX: it is not, since its turn
 * comes sooner than a worker starts. */
static int64_t
grow_ns(const struct act_worker_pool *pool, const struct act_worker_call *call,
        const struct census *census)
{
    int64_t from = call->since_ns > pool->ready_ns ? call->since_ns : pool->ready_ns;
    int64_t usual = call->function->usual_ns;
    if (census->moving && usual >= 0 &&
        usual * pool->queue.count / census->moving < pool->start_cost_ns)
        return INT64_MAX;
    return from + pool->options.times.grow * MS_NS;
}

/* Calls that have waited too long: in the order of their arrival, behind one that is not late none is. The
 * first that is not late says when to look again; if its turn comes sooner, they may all get stuck. */
static uint32_t
count_late(const struct act_worker_pool *pool, const struct actant_message *waiting, uint32_t count,
           const struct census *census, int64_t now, int64_t *again_ms)
{
    uint32_t late = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct act_worker_call *call = waiting[i].data;
        if (call->state != ACT_CALL_QUEUED)
            continue;
        int64_t due = grow_ns(pool, call, census);
        if (now < due) {
            int64_t wait = due == INT64_MAX ? pool->options.times.grow * MS_NS : due - now;
            *again_ms = (wait + MS_NS - 1) / MS_NS;
            break;
        }
        late++;
    }
    return late;
}

/* As many as serve may be starting, and at least one: the pool doubles, and learns meanwhile. */
static uint32_t
grow(void *self, const struct actant_message *waiting, uint32_t count, int64_t *again_ms)
{
    const struct act_worker_pool *pool = self;
    int64_t now = act_pool_now(pool);
    struct census census = count_workers(pool, now);
    uint32_t most = census.serving ? census.serving : 1;
    if (pool->closed || census.starting >= most)
        return 0;
    uint32_t wanted = count_late(pool, waiting, count, &census, now, again_ms);
    if (!wanted && pool->queue.first && census.active == 0)
        wanted = 1;
    wanted = wanted < most ? wanted : most;
    return wanted > census.starting ? wanted - census.starting : 0;
}

/* ---- quarantine ---- */

static void
refused(void *self, const struct actant_message *message, const char *why)
{
    struct act_worker_pool *pool = self;
    struct act_worker_call *call;
    (void)why; /* it is cut short there */
    memcpy(&call, &message->data, sizeof call);
    if (call->state != ACT_CALL_QUEUED || pool->closed)
        return;
    struct act_worker_end end = {.type = ACT_WORKER_REFUSED, .message = act_str(pool->refusal)};
    act_call_list_remove(&pool->queue, call);
    act_pool_end_call(call, &end);
}

const struct actant_pool_rule act_worker_rule = {.fits = fits, .grow = grow, .refused = refused};
