#include "executors/worker/pool_internal.h"

#include <stdio.h>
#include <string.h>

#define MUTE_MS 5000 /* from the end of its descriptor to that of the process */
#define START_DEATHS_MAX 3
#define FREE_DEATHS 2 /* in a row, before there is a pause */

/* ---- what is late ---- */

/* When worker is to be looked at again, and why; INT64_MAX: never. */
struct due {
    int64_t at_ns;
    enum { DUE_NOTHING, DUE_START, DUE_MUTE, DUE_HANG, DUE_LEAVE, DUE_IDLE } why;
};

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct due
worker_due(const struct act_worker_pool *pool, const struct act_worker *worker)
{
    const struct act_worker_times *times = &pool->options.times;
    const struct act_worker_call *first = worker->calls.first;
    switch (worker->state) {
    case ACT_WORKER_STARTING:
        return (struct due){worker->since_ns + times->start * MS_NS, DUE_START};
    case ACT_WORKER_SERVING:
    case ACT_WORKER_LEAVING:
        if (worker->mute)
            return (struct due){worker->heard_ns + MUTE_MS * MS_NS, DUE_MUTE};
        if (first && !worker->begun)
            return (struct due){later(first->since_ns, worker->heard_ns) + times->hang * MS_NS,
                                DUE_HANG};
        if (first)
            break;
        if (worker->state == ACT_WORKER_LEAVING)
            return (struct due){later(worker->since_ns, worker->heard_ns) + times->leave * MS_NS,
                                DUE_LEAVE};
        return (struct due){worker->since_ns + times->idle * MS_NS, DUE_IDLE};
    case ACT_WORKER_KILLED:
    case ACT_WORKER_GONE: break;
    }
    return (struct due){INT64_MAX, DUE_NOTHING};
}

static void
worker_late(struct act_worker_pool *pool, struct act_worker *worker, struct due due)
{
    const struct act_worker_times *times = &pool->options.times;
    switch (due.why) {
    case DUE_NOTHING: return;
    case DUE_START:
        act_worker_kill(worker, NULL, "it was not ready within %lld s",
                        (long long)(times->start / 1000));
        return;
    case DUE_MUTE: act_worker_kill(worker, NULL, "it closed its descriptor"); return;
    case DUE_HANG:
        act_worker_kill(worker, NULL, "it did not begin a call within %lld s",
                        (long long)(times->hang / 1000));
        return;
    case DUE_LEAVE: act_worker_kill(worker, NULL, "it did not end when it was told to"); return;
    case DUE_IDLE: act_worker_leave(worker); return;
    }
}

/* ---- stuck, and stopped by force ---- */

/* When what is behind the call that it runs is to be taken back. */
static int64_t
revoke_ns(const struct act_worker_pool *pool, const struct act_worker *worker)
{
    const struct act_worker_call *first = worker->calls.first, *last = worker->calls.last;
    if (!first || first == last || first->state != ACT_CALL_BEGUN || last->state != ACT_CALL_SENT ||
        last->revoking)
        return INT64_MAX;
    return first->since_ns + pool->options.times.grow * MS_NS;
}

static void
revoke(struct act_worker *worker)
{
    for (struct act_worker_call *call = worker->calls.first; call; call = call->next) {
        if (call->state != ACT_CALL_SENT || call->revoking)
            continue;
        call->revoking = true;
        act_worker_tell(worker, ACT_FRAME_REVOKE, call);
    }
}

static void
kill_stopped(struct act_worker *worker, int64_t now)
{
    for (struct act_worker_call *call = worker->calls.first; call; call = call->next) {
        if (!call->has_kill_time || now < call->kill_ns)
            continue;
        act_worker_kill(worker, call, "it was stopped");
        return;
    }
}

void
act_pool_look(struct act_worker_pool *pool)
{
    int64_t now = act_pool_now(pool);
    for (struct act_worker *worker = pool->workers; worker; worker = worker->next) {
        struct due due = worker_due(pool, worker);
        if (pool->stopping)
            kill_stopped(worker, now);
        if (now >= due.at_ns)
            worker_late(pool, worker, due);
        if (now >= revoke_ns(pool, worker))
            revoke(worker);
        if (worker->state == ACT_WORKER_LEAVING && !worker->calls.count && !worker->said_bye)
            act_worker_leave(worker);
    }
}

/* ---- the timer ---- */

static void
earlier(int64_t *due, int64_t at)
{
    if (at < *due)
        *due = at;
}

/* When another worker is to be started, for the first call that none is being started for. */
static int64_t
grow_ns(const struct act_worker_pool *pool)
{
    const struct act_worker_call *call = pool->queue.first;
    for (uint32_t i = 0; call && i < pool->starting; i++)
        call = call->next;
    if (!call || !act_pool_may_start(pool))
        return INT64_MAX;
    int64_t due = act_pool_grow_ns(pool, call);
    if (due == INT64_MAX) /* its turn comes: unless they all get stuck */
        due = act_pool_now(pool) + pool->options.times.grow * MS_NS;
    return later(due, pool->resume_ns);
}

static int64_t
next_due(const struct act_worker_pool *pool)
{
    int64_t due = INT64_MAX;
    for (const struct act_worker *worker = pool->workers; worker; worker = worker->next) {
        earlier(&due, worker_due(pool, worker).at_ns);
        earlier(&due, revoke_ns(pool, worker));
        for (const struct act_worker_call *call = pool->stopping ? worker->calls.first : NULL; call;
             call = call->next) {
            if (call->has_kill_time && worker->state != ACT_WORKER_KILLED)
                earlier(&due, call->kill_ns);
        }
    }
    earlier(&due, grow_ns(pool));
    return due;
}

static void
timer_due(void *self)
{
    struct act_worker_pool *pool = self;
    pool->timer = NULL;
    act_pool_enter(pool);
    act_pool_leave(pool);
}

void
act_pool_set_timer(struct act_worker_pool *pool)
{
    struct act_loop *loop = pool->options.loop;
    int64_t due = next_due(pool);
    if (due == INT64_MAX || (pool->timer && pool->timer_ns <= due))
        return; /* one that comes too early only looks */
    if (pool->timer)
        loop->ops->stop_timer(pool->timer);
    int64_t wait = due - act_pool_now(pool);
    pool->timer_ns = due;
    pool->timer =
        loop->ops->start_timer(loop, wait > 0 ? (wait + MS_NS - 1) / MS_NS : 1, timer_due, pool);
}

/* ---- deaths ---- */

static void
say_why(struct act_worker_pool *pool, const struct act_worker *worker,
        const struct act_process_exit *end)
{
    const char *name = pool->options.name, *program = pool->options.argv[0];
    struct act_str tail = act_str_trim(act_buf_str(&worker->tail));
    char what[400];
    if (end->start_errno)
        snprintf(what, sizeof what, "%s: %s", program,
                 end->dir_failed ? "its folder cannot be entered" : strerror(end->start_errno));
    else if (worker->why[0])
        snprintf(what, sizeof what, "%s: %s", program, worker->why);
    else if (end->signal)
        snprintf(what, sizeof what, "%s was ended by SIG%s", program, sigabbrev_np(end->signal));
    else
        snprintf(what, sizeof what, "%s ended with code %d", program, end->exit_code);
    snprintf(pool->refusal, sizeof pool->refusal, "the %s %s: %s%s%.*s", name,
             worker->was_ready ? "crashes again and again" : "cannot start", what,
             tail.len ? "; it said: " : "", tail.len < 600 ? (int)tail.len : 600,
             tail.len < 600 ? tail.ptr : tail.ptr + tail.len - 600);
}

static void
quarantine(struct act_worker_pool *pool)
{
    pool->refuse_ns = act_pool_now(pool) + pool->options.times.quarantine * MS_NS;
    pool->start_deaths = pool->crashes = 0;
    pool->resume_ns = 0;
}

static void
pause_starts(struct act_worker_pool *pool, uint32_t deaths)
{
    const struct act_worker_times *times = &pool->options.times;
    int64_t wait = times->backoff;
    for (uint32_t i = FREE_DEATHS; i < deaths && wait < times->backoff_max; i++)
        wait *= 2;
    if (wait > times->backoff_max)
        wait = times->backoff_max;
    if (deaths >= FREE_DEATHS)
        pool->resume_ns = act_pool_now(pool) + wait * MS_NS;
}

void
act_pool_note_death(struct act_worker_pool *pool, const struct act_worker *worker,
                    const struct act_process_exit *end)
{
    bool wanted = worker->said_bye || worker->has_culprit;
    if (wanted)
        return;
    pool->counts.died++;
    if (!worker->was_ready)
        pool->start_deaths++;
    else
        pool->crashes++;
    uint32_t deaths = worker->was_ready ? pool->crashes : pool->start_deaths;
    uint32_t max = worker->was_ready ? pool->options.crashes_max : START_DEATHS_MAX;
    say_why(pool, worker, end);
    if (end->start_errno || (max && deaths >= max))
        quarantine(pool);
    else
        pause_starts(pool, deaths);
}
