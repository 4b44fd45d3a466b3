#include "executors/worker/pool.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "executors/worker/pool_internal.h"

#include <stdio.h>

#define START_COST_NS (50 * MS_NS)  /* until it has been measured */
#define WINDOW_MS INT64_C(86400000) /* restarts in a row are counted, however long they take */
/* The runtime's pool itself has no reason to stop. */
#define HEAD_RESTARTS_MAX 100
#define HEAD_WINDOW_MS 10000

/* ---- calls ---- */

void
act_pool_end_call(struct act_worker_call *call, const struct act_worker_end *end)
{
    call->state = ACT_CALL_OVER;
    call->pool->counts.ended++;
    call->watcher->on_ended(call->watcher_self, end);
    act_call_release(call);
}

static void over_due(void *self);

/* From the loop: neither its caller nor the runtime is to meet it inside what it does now. */
static void
tell_later(struct act_worker_pool *pool, struct act_worker_call *call)
{
    struct act_loop *loop = pool->options.loop;
    act_call_list_remove(&pool->queue, call);
    act_call_list_add(&pool->over, call);
    call->untold = true;
    if (!pool->over_timer)
        pool->over_timer = loop->ops->start_timer(loop, 0, over_due, pool);
}

/* Its message is gone. One that nobody had taken (it waited for a worker that stopped) is sent once more. */
static void
message_gone(void *self)
{
    struct act_worker_call *call = self;
    call->messages--;
    if (call->state == ACT_CALL_OVER && !call->untold)
        act_call_release(call);
    else if (call->state == ACT_CALL_QUEUED && !call->untold && !call->messages)
        tell_later(call->pool, call);
}

static void
send_to_line(struct act_worker_pool *pool, struct act_worker_call *call,
             enum actant_priority priority)
{
    bool known = pool->line.v != 0;
    call->messages++;
    actant_tell_owned(pool->options.system, known ? pool->line : pool->actor,
                      ACT_WORKER_MESSAGE_CALL, call, sizeof *call, message_gone, priority);
}

static void
over_due(void *self)
{
    struct act_worker_pool *pool = self;
    pool->over_timer = NULL;
    for (uint32_t left = pool->over.count; left > 0; left--) {
        struct act_worker_call *call = pool->over.first;
        struct act_worker_end end = {
            .type = call->stopping ? ACT_WORKER_STOPPED : ACT_WORKER_REFUSED,
            .message = act_str(pool->refusal),
        };
        act_call_list_remove(&pool->over, call);
        call->untold = false;
        if (call->state == ACT_CALL_QUEUED && !call->stopping && pool->manned) {
            act_call_list_add(&pool->queue, call);
            send_to_line(pool, call, ACTANT_URGENT);
        } else {
            act_pool_end_call(call, &end);
        }
    }
}

void
act_pool_take_on(struct act_worker *worker, struct act_worker_call *call)
{
    struct act_worker_pool *pool = call->pool;
    act_call_list_remove(&pool->queue, call);
    act_call_list_add(&worker->calls, call);
    call->worker = worker;
    pool->under_way++;
    actant_pool_begin(worker->context);
}

/* Off its worker. */
static void
take_off(struct act_worker_call *call)
{
    struct act_worker *worker = call->worker;
    act_call_list_remove(&worker->calls, call);
    worker->begun -= call->state == ACT_CALL_BEGUN;
    worker->beside -= call->state == ACT_CALL_BEGUN && call->beside;
    worker->stopping -= call->has_kill_time;
    if (worker->culprit == call)
        worker->culprit = NULL;
    if (!worker->calls.count && worker->state == ACT_WORKER_SERVING)
        worker->since_ns = worker->now_ns;
    call->worker = NULL;
    call->has_kill_time = call->asked = false;
    call->pool->under_way--;
    actant_pool_done(worker->context);
}

void
act_pool_call_ended(struct act_worker_call *call, const struct act_worker_end *end)
{
    struct act_worker_pool *pool = call->pool;
    struct act_worker *worker = call->worker;
    take_off(call);
    if (pool->crashed && (end->type == ACT_WORKER_RESULT || end->type == ACT_WORKER_FAIL)) {
        pool->crashed = false;
        actant_well(worker->context);
    }
    act_pool_end_call(call, end);
}

void
act_pool_call_back(struct act_worker_call *call)
{
    struct act_worker_pool *pool = call->pool;
    take_off(call);
    if (call->stopping) {
        struct act_worker_end end = {.type = ACT_WORKER_STOPPED};
        act_pool_end_call(call, &end);
        return;
    }
    call->state = ACT_CALL_QUEUED;
    act_call_list_add(&pool->queue, call);
    send_to_line(pool, call, ACTANT_URGENT);
}

struct act_worker_call *
act_worker_call_start(struct act_worker_pool *pool, const struct act_worker_call_spec *spec)
{
    struct act_worker_call *call = act_zalloc(1, sizeof *call);
    call->pool = pool;
    call->function = act_functions_get(&pool->functions, spec->function);
    call->context = act_strndup(spec->context.ptr ? spec->context.ptr : "", spec->context.len);
    call->alone = spec->alone;
    call->watcher = spec->watcher;
    call->watcher_self = spec->watcher_self;
    call->since_ns = act_pool_now(pool);
    act_buf_add_str(&call->request, spec->request);
    act_call_list_add(&pool->queue, call);
    if (pool->manned)
        send_to_line(pool, call, ACTANT_NORMAL);
    else
        tell_later(pool, call);
    return call;
}

void
act_worker_call_stop(struct act_worker_call *call, int64_t grace_ms)
{
    struct act_worker_pool *pool = call->pool;
    struct act_worker_stop stop = {call->id, call->stopping || grace_ms < 0 ? 0 : grace_ms};
    call->stopping = true;
    if (call->worker) {
        actant_tell(pool->options.system, call->worker->self, ACT_WORKER_MESSAGE_STOP, &stop,
                    sizeof stop);
    } else if (!call->untold) {
        call->state = ACT_CALL_OVER;
        tell_later(pool, call);
        actant_pool_look(pool->options.system, pool->line); /* its place in the line is free */
    }
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

bool
act_pool_is_closed(const struct act_worker_pool *pool)
{
    return pool->closed;
}

struct actant_ref
act_pool_line(const struct act_worker_pool *pool)
{
    return pool->line;
}

void
act_pool_look_again(struct act_worker_pool *pool)
{
    if (pool->queue.first)
        actant_pool_look(pool->options.system, pool->line);
}

uint32_t
act_pool_worker_new(struct act_worker *worker)
{
    struct act_worker_pool *pool = worker->pool;
    struct act_worker **end = &pool->workers;
    while (*end)
        end = &(*end)->next;
    *end = worker;
    pool->counts.started++;
    return ++pool->numbers;
}

void
act_pool_worker_ready(struct act_worker *worker)
{
    struct act_worker_pool *pool = worker->pool;
    pool->start_deaths = 0;
    pool->ready_ns = worker->now_ns;
    pool->start_cost_ns += (pool->ready_ns - worker->launched_ns - pool->start_cost_ns) / 2;
    act_pool_look_again(pool);
}

void
act_pool_worker_recycled(struct act_worker *worker)
{
    worker->pool->counts.recycled++;
}

static void
strike_off(struct act_worker *worker)
{
    struct act_worker **at = &worker->pool->workers;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
}

int
act_pool_worker_gone(struct act_worker *worker, const struct act_process_exit *end)
{
    struct act_worker_pool *pool = worker->pool;
    bool hopeless;
    strike_off(worker);
    if (!act_pool_note_death(pool, worker, end, &hopeless)) {
        actant_exit(worker->context);
        return 0;
    }
    if (hopeless)
        actant_hopeless(worker->context);
    return actant_raise(worker->context, 1, NULL, "%s", pool->refusal);
}

void
act_pool_worker_lost(struct act_worker *worker)
{
    strike_off(worker);
    worker->pool->counts.died++;
}

/* ---- its actor ---- */

struct state {
    struct act_worker_pool *pool;
};

/* Pauses before restarts: none, none, backoff, twice that, … backoff_max; with crashes_max one time too many is
 * the quarantine. */
static struct actant_pool
line_of(struct act_worker_pool *const *pool)
{
    const struct act_worker_pool_options *options = &(*pool)->options;
    bool counted = options->crashes_max > 0;
    return (struct actant_pool){
        .member = {.actor = &act_worker_class,
                   .args = pool,
                   .args_size = sizeof *pool,
                   .home = ACTANT_LOOP,
                   .keep_mailbox = true},
        .members_min = options->warm,
        .members_max = options->workers_max,
        .may_be_empty = true,
        .restarts_max = counted ? options->crashes_max - 1 : 0,
        .window_ms = counted ? WINDOW_MS : 0,
        .restarts_at_once = 1,
        .backoff_ms = options->times.backoff,
        .backoff_max_ms = options->times.backoff_max,
        .quarantine_ms = options->times.quarantine,
        .rule = &act_worker_rule,
        .rule_self = *pool,
    };
}

static int
actor_start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct act_worker_pool *pool;
    struct actant_ref supervisor;
    (void)args_size;
    memcpy(&pool, args, sizeof pool);
    ((struct state *)state)->pool = pool;
    struct actant_pool line = line_of(&pool);
    struct actant_child child = {.pool = &line, .restart = ACTANT_PERMANENT};
    struct actant_supervisor how = {.strategy = ACTANT_ONE_FOR_ONE,
                                    .restarts_max = HEAD_RESTARTS_MAX,
                                    .window_ms = HEAD_WINDOW_MS,
                                    .children = &child,
                                    .child_count = 1,
                                    .home = ACTANT_LOOP};
    enum actant_code code = actant_supervise_child(context, &how, &supervisor);
    if (code == ACTANT_OK)
        code = actant_supervised(actant_context_system(context), supervisor, 0, &pool->line);
    ACT_ASSERT(code == ACTANT_OK); /* what it is asked for is fixed above */
    actant_link(context, supervisor);
    return 0;
}

/* Calls that came before it had started. */
static int
actor_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    const struct act_worker_pool *pool = ((struct state *)state)->pool;
    if (message->type == ACT_WORKER_MESSAGE_CALL)
        actant_forward(context, pool->line);
    return 0;
}

static void
destroy(struct act_worker_pool *pool)
{
    act_functions_fini(&pool->functions);
    act_arena_fini(&pool->arena);
    act_free(pool);
}

static void
actor_stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    struct act_worker_pool *pool = ((struct state *)state)->pool;
    (void)context;
    (void)reason;
    pool->manned = false;
    if (pool->closed)
        destroy(pool);
}

static const struct actant_class pool_class = {.name = "worker pool",
                                               .state_size = sizeof(struct state),
                                               .start = actor_start,
                                               .handle = actor_handle,
                                               .stop = actor_stop};

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
    if (options->warm > options->workers_max)
        options->warm = options->workers_max;
    copy_times(&options->times);
}

struct act_worker_pool *
act_worker_pool_create(const struct act_worker_pool_options *options)
{
    struct act_worker_pool *pool = act_zalloc(1, sizeof *pool);
    pool->options = *options;
    pool->start_cost_ns = START_COST_NS;
    copy_options(pool);
    snprintf(pool->refusal, sizeof pool->refusal, "the pool of the %s has ended",
             pool->options.name);
    struct actant_spawn spawn = {.actor = &pool_class, .args = &pool, .args_size = sizeof pool};
    enum actant_code code = actant_spawn(options->system, &spawn, &pool->actor);
    ACT_ASSERT(code == ACTANT_OK); /* pools are made while runs are */
    pool->manned = true;
    return pool;
}

static void
drop_calls(struct act_call_list *list)
{
    while (list->first) {
        struct act_worker_call *call = list->first;
        act_call_list_remove(list, call);
        call->state = ACT_CALL_OVER;
        call->untold = false;
        call->pool = NULL;
        act_call_release(call);
    }
}

void
act_worker_pool_close(struct act_worker_pool *pool)
{
    if (!pool)
        return;
    struct act_loop *loop = pool->options.loop;
    pool->closed = true;
    for (struct act_worker *worker = pool->workers; worker; worker = worker->next) {
        drop_calls(&worker->calls);
        act_worker_abandon(worker);
    }
    drop_calls(&pool->queue);
    drop_calls(&pool->over);
    if (pool->over_timer)
        loop->ops->stop_timer(pool->over_timer);
    if (pool->manned)
        actant_kill(pool->options.system, pool->actor);
    else
        destroy(pool);
}

void
act_worker_pool_counts(const struct act_worker_pool *pool, struct act_worker_pool_counts *ret)
{
    *ret = pool->counts;
    ret->queued = pool->queue.count;
    ret->under_way = pool->under_way;
    ret->workers = ret->ready = 0;
    for (const struct act_worker *worker = pool->workers; worker; worker = worker->next) {
        ret->workers++;
        ret->ready += worker->state == ACT_WORKER_SERVING;
    }
}
