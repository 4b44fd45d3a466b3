#include "executors/worker/pool.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "executors/worker/pool_internal.h"

#define QUICK_NS (2 * MS_NS)
#define AVERAGE_OVER 8
#define START_COST_NS (50 * MS_NS) /* until it has been measured */

/* ---- functions ---- */

void
act_function_took(struct act_function *function, int64_t ns)
{
    if (function->usual_ns < 0)
        function->usual_ns = ns;
    else
        function->usual_ns += (ns - function->usual_ns) / AVERAGE_OVER;
}

bool
act_function_is_quick(const struct act_function *function)
{
    return function->known && !function->beside && function->usual_ns >= 0 &&
           function->usual_ns < QUICK_NS;
}

static struct act_function *
function_of(struct act_worker_pool *pool, struct act_str name)
{
    uint64_t *at = act_map_get(&pool->by_name, name);
    if (at)
        return pool->functions.ptr[*at];
    struct act_function *function = act_zalloc(1, sizeof *function);
    function->name = act_strndup(name.ptr, name.len);
    function->usual_ns = -1;
    act_map_put(&pool->by_name, act_str_n(function->name, name.len), pool->functions.len);
    act_vec_push(&pool->functions, function);
    return function;
}

/* ---- lists ---- */

void
act_call_list_add(struct act_call_list *list, struct act_worker_call *call)
{
    call->prev = list->last;
    call->next = NULL;
    *(list->last ? &list->last->next : &list->first) = call;
    list->last = call;
    list->count++;
}

void
act_call_list_add_first(struct act_call_list *list, struct act_worker_call *call)
{
    call->next = list->first;
    call->prev = NULL;
    *(list->first ? &list->first->prev : &list->last) = call;
    list->first = call;
    list->count++;
}

void
act_call_list_remove(struct act_call_list *list, struct act_worker_call *call)
{
    *(call->prev ? &call->prev->next : &list->first) = call->next;
    *(call->next ? &call->next->prev : &list->last) = call->prev;
    call->prev = call->next = NULL;
    list->count--;
}

/* ---- calls ---- */

static void
call_free(struct act_worker_call *call)
{
    act_buf_fini(&call->request);
    act_free(call->context);
    act_free(call);
}

/* Tells and frees. */
static void
end_call(struct act_worker_call *call, const struct act_worker_end *end)
{
    call->pool->counts.ended++;
    call->pool->stopping -= call->has_kill_time;
    call->watcher->on_ended(call->watcher_self, end);
    call_free(call);
}

static void
over_due(void *self)
{
    struct act_worker_pool *pool = self;
    pool->over_timer = NULL;
    act_pool_enter(pool);
    while (pool->over.first) {
        struct act_worker_call *call = pool->over.first;
        struct act_worker_end end = {.type =
                                         call->stopping ? ACT_WORKER_STOPPED : ACT_WORKER_REFUSED,
                                     .message = act_str(pool->refusal)};
        act_call_list_remove(&pool->over, call);
        end_call(call, &end);
    }
    act_pool_leave(pool);
}

void
act_pool_end_queued(struct act_worker_call *call, enum act_worker_end_type type)
{
    struct act_worker_pool *pool = call->pool;
    struct act_loop *loop = pool->options.loop;
    ACT_ASSERT(!call->worker && (type == ACT_WORKER_STOPPED) == call->stopping);
    act_call_list_remove(&pool->queue, call);
    act_call_list_add(&pool->over, call);
    if (!pool->over_timer)
        pool->over_timer = loop->ops->start_timer(loop, 0, over_due, pool);
}

/* Off its worker. */
static void
take_off(struct act_worker_call *call)
{
    struct act_worker *worker = call->worker;
    act_call_list_remove(&worker->calls, call);
    worker->begun -= call->state == ACT_CALL_BEGUN;
    worker->beside -= call->state == ACT_CALL_BEGUN && call->beside;
    if (worker->culprit == call)
        worker->culprit = NULL;
    if (!worker->calls.count && worker->state == ACT_WORKER_SERVING)
        worker->since_ns = act_pool_now(call->pool);
    call->worker = NULL;
    call->pool->under_way--;
}

void
act_pool_call_ended(struct act_worker_call *call, const struct act_worker_end *end)
{
    struct act_worker_pool *pool = call->pool;
    take_off(call);
    if (end->type == ACT_WORKER_RESULT || end->type == ACT_WORKER_FAIL)
        pool->crashes = 0;
    end_call(call, end);
}

void
act_pool_call_back(struct act_worker_call *call)
{
    take_off(call);
    if (call->stopping) {
        struct act_worker_end end = {.type = ACT_WORKER_STOPPED};
        end_call(call, &end);
        return;
    }
    call->state = ACT_CALL_QUEUED;
    act_call_list_add_first(&call->pool->queue, call);
}

struct act_worker_call *
act_worker_call_start(struct act_worker_pool *pool, const struct act_worker_call_spec *spec)
{
    struct act_worker_call *call = act_zalloc(1, sizeof *call);
    call->pool = pool;
    call->function = function_of(pool, spec->function);
    call->context = act_strndup(spec->context.ptr ? spec->context.ptr : "", spec->context.len);
    call->alone = spec->alone;
    call->watcher = spec->watcher;
    call->watcher_self = spec->watcher_self;
    call->since_ns = act_pool_now(pool);
    act_buf_add_str(&call->request, spec->request);
    act_pool_enter(pool);
    act_call_list_add(&pool->queue, call);
    act_pool_leave(pool);
    return call;
}

void
act_worker_call_stop(struct act_worker_call *call, int64_t grace_ms)
{
    struct act_worker_pool *pool = call->pool;
    bool again = call->stopping;
    act_pool_enter(pool);
    call->stopping = true;
    if (!again && call->state == ACT_CALL_QUEUED)
        act_pool_end_queued(call, ACT_WORKER_STOPPED);
    if (call->worker) {
        if (!again)
            act_worker_tell(call->worker, ACT_FRAME_CANCEL, call);
        pool->stopping += !call->has_kill_time;
        call->has_kill_time = true;
        call->kill_ns = act_pool_now(pool) + (again || grace_ms < 0 ? 0 : grace_ms * MS_NS);
    }
    act_pool_leave(pool);
}

/* ---- what workers tell ---- */

const struct act_worker_pool_options *
act_pool_options(const struct act_worker_pool *pool)
{
    return &pool->options;
}

int64_t
act_pool_now(const struct act_worker_pool *pool)
{
    return pool->options.loop->ops->now_ns(pool->options.loop);
}

void
act_pool_enter(struct act_worker_pool *pool)
{
    pool->entered++;
}

void
act_pool_leave(struct act_worker_pool *pool)
{
    if (pool->entered == 1) {
        act_pool_look(pool);
        act_pool_place(pool);
        act_pool_set_timer(pool);
    }
    pool->entered--;
}

void
act_pool_worker_ready(struct act_worker *worker)
{
    struct act_worker_pool *pool = worker->pool;
    pool->starting--;
    pool->start_deaths = 0;
    pool->ready_ns = act_pool_now(pool);
    pool->start_cost_ns += (pool->ready_ns - worker->launched_ns - pool->start_cost_ns) / 2;
}

void
act_pool_worker_gone(struct act_worker *worker, const struct act_process_exit *end)
{
    struct act_worker_pool *pool = worker->pool;
    struct act_worker **at = &pool->workers;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
    pool->count--;
    pool->starting -= !worker->was_ready;
    act_pool_note_death(pool, worker, end);
    act_worker_destroy(worker);
}

/* ---- life ---- */

static int64_t
or_default(int64_t v, int64_t otherwise)
{
    return v > 0 ? v : otherwise;
}

static void
copy_times(struct act_worker_times *to)
{
    to->start = or_default(to->start, 60000);
    to->hang = or_default(to->hang, 60000);
    to->leave = or_default(to->leave, 10000);
    to->idle = or_default(to->idle, 60000);
    to->grow = or_default(to->grow, 10);
    to->backoff = or_default(to->backoff, 50);
    to->backoff_max = or_default(to->backoff_max, 5000);
    to->quarantine = or_default(to->quarantine, 30000);
}

static const char *
copy_text(struct act_arena *arena, const char *text)
{
    return text ? act_arena_str(arena, act_str(text)).ptr : NULL;
}

static void
copy_options(struct act_worker_pool *pool)
{
    struct act_worker_pool_options *options = &pool->options;
    size_t argc = 0;
    while (options->argv[argc])
        argc++;
    const char **argv = act_arena_alloc(&pool->arena, (argc + 1) * sizeof *argv);
    for (size_t i = 0; i < argc; i++)
        argv[i] = copy_text(&pool->arena, options->argv[i]);
    options->argv = argv;
    struct act_environ_item *env =
        act_arena_alloc(&pool->arena, (options->env_count + 1) * sizeof *env);
    for (size_t i = 0; i < options->env_count; i++) {
        env[i].name = act_arena_str(&pool->arena, options->env[i].name);
        env[i].entry = copy_text(&pool->arena, options->env[i].entry);
    }
    options->env = env;
    options->name = copy_text(&pool->arena, options->name);
    options->cookie = copy_text(&pool->arena, options->cookie);
    options->dir = copy_text(&pool->arena, options->dir);
    options->hello = act_arena_str(&pool->arena, options->hello);
    options->workers_max = options->workers_max ? options->workers_max : 1;
    options->ahead_max = options->ahead_max ? options->ahead_max : 1;
    options->beside_max = options->beside_max ? options->beside_max : 1;
    copy_times(&options->times);
}

struct act_worker_pool *
act_worker_pool_create(const struct act_worker_pool_options *options)
{
    struct act_worker_pool *pool = act_zalloc(1, sizeof *pool);
    pool->options = *options;
    pool->start_cost_ns = START_COST_NS;
    copy_options(pool);
    return pool;
}

void
act_worker_pool_warm(struct act_worker_pool *pool, uint32_t count)
{
    act_pool_enter(pool);
    while (act_pool_active(pool) < count && act_pool_start_worker(pool))
        continue;
    act_pool_leave(pool);
}

static void
drop_calls(struct act_call_list *list)
{
    while (list->first) {
        struct act_worker_call *call = list->first;
        act_call_list_remove(list, call);
        call_free(call);
    }
}

static void
drop_workers(struct act_worker_pool *pool)
{
    while (pool->workers) {
        struct act_worker *worker = pool->workers;
        pool->workers = worker->next;
        drop_calls(&worker->calls);
        if (worker->process)
            pool->options.processes->ops->abandon(worker->process);
        act_worker_destroy(worker);
    }
}

void
act_worker_pool_close(struct act_worker_pool *pool)
{
    if (!pool)
        return;
    struct act_loop *loop = pool->options.loop;
    drop_workers(pool);
    drop_calls(&pool->queue);
    drop_calls(&pool->over);
    if (pool->timer)
        loop->ops->stop_timer(pool->timer);
    if (pool->over_timer)
        loop->ops->stop_timer(pool->over_timer);
    for (uint32_t i = 0; i < pool->functions.len; i++) {
        act_free(pool->functions.ptr[i]->name);
        act_free(pool->functions.ptr[i]);
    }
    act_vec_fini(&pool->functions);
    act_map_fini(&pool->by_name);
    act_arena_fini(&pool->arena);
    act_free(pool);
}

void
act_worker_pool_counts(const struct act_worker_pool *pool, struct act_worker_pool_counts *ret)
{
    *ret = pool->counts;
    ret->workers = pool->count;
    ret->queued = pool->queue.count;
    ret->under_way = pool->under_way;
    ret->ready = 0;
    for (const struct act_worker *worker = pool->workers; worker; worker = worker->next)
        ret->ready += worker->state == ACT_WORKER_SERVING;
}
