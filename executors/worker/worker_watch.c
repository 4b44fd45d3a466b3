/* What is late in a worker: it is looked at after each of its steps, and when its timer fires. */
#include "executors/worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MS_NS INT64_C(1000000)
#define UNDEAD_MS 10000 /* from SIGKILL on */
#define MUTE_MS 5000    /* from the end of its descriptor to that of the process */

/* When it is to be looked at again, and why; INT64_MAX: never. */
struct due {
    int64_t at_ns;
    enum { DUE_NOTHING, DUE_START, DUE_MUTE, DUE_HANG, DUE_LEAVE, DUE_IDLE, DUE_UNDEAD } why;
};

static const struct act_worker_times *
times_of(const struct act_worker *worker)
{
    return &act_pool_options(worker->pool)->times;
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct due
due_of(const struct act_worker *worker)
{
    const struct act_worker_times *times = times_of(worker);
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
        if (!worker->process) /* its end has been told */
            break;
        return (struct due){worker->since_ns + UNDEAD_MS * MS_NS, DUE_UNDEAD};
    case ACT_WORKER_GONE: break;
    }
    return (struct due){INT64_MAX, DUE_NOTHING};
}

/* What not even SIGKILL ends (it hangs in a dead network file system, say) must not keep the run for ever. */
static void
give_up(struct act_worker *worker)
{
    static const struct act_process_exit unknown = {.exit_code = -1, .signal = SIGKILL};
    size_t len = strlen(worker->why);
    act_pool_options(worker->pool)->processes->ops->abandon(worker->process);
    snprintf(worker->why + len, sizeof worker->why - len,
             "; process %d is still there %d s after SIGKILL and is left to itself", worker->pid,
             UNDEAD_MS / 1000);
    act_worker_ended(worker, &unknown);
}

static void
is_late(struct act_worker *worker, struct due due)
{
    const struct act_worker_times *times = times_of(worker);
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
    case DUE_UNDEAD: give_up(worker); return;
    }
}

/* ---- stuck, and stopped by force ---- */

/* When what is behind the call that it runs is to be taken back. */
static int64_t
revoke_ns(const struct act_worker *worker)
{
    const struct act_worker_call *first = worker->calls.first, *last = worker->calls.last;
    if (!first || first == last || first->state != ACT_CALL_BEGUN || last->state != ACT_CALL_SENT ||
        last->revoking)
        return INT64_MAX;
    return first->since_ns + times_of(worker)->grow * MS_NS;
}

static void
take_back(struct act_worker *worker)
{
    for (struct act_worker_call *call = worker->calls.first; call; call = call->next) {
        if (call->state != ACT_CALL_SENT || call->revoking)
            continue;
        call->revoking = true;
        act_worker_tell(worker, ACT_FRAME_REVOKE, call);
    }
}

/* The first of those that are to be ended by force; *ret_ns: when. */
static struct act_worker_call *
doomed(const struct act_worker *worker, int64_t *ret_ns)
{
    struct act_worker_call *first = NULL;
    *ret_ns = INT64_MAX;
    for (struct act_worker_call *call = worker->stopping ? worker->calls.first : NULL; call;
         call = call->next) {
        if (!call->has_kill_time || call->kill_ns >= *ret_ns)
            continue;
        *ret_ns = call->kill_ns;
        first = call;
    }
    return first;
}

/* ---- each time ---- */

/* It has had enough calls or memory: those that go on have room for what waits. */
static void
recycle(struct act_worker *worker)
{
    const struct act_worker_pool_options *options = act_pool_options(worker->pool);
    bool enough = (options->recycle_calls && worker->done >= options->recycle_calls) ||
                  (options->recycle_bytes && worker->bytes >= options->recycle_bytes);
    if (!enough || worker->state != ACT_WORKER_SERVING)
        return;
    act_worker_leave(worker);
    act_pool_worker_recycled(worker);
}

static void
set_timer(struct act_worker *worker)
{
    int64_t due = due_of(worker).at_ns, other = revoke_ns(worker);
    due = other < due ? other : due;
    if (worker->state != ACT_WORKER_KILLED)
        doomed(worker, &other);
    due = other < due ? other : due;
    if (due == INT64_MAX || (worker->has_timer && worker->timer_ns <= due))
        return; /* one that comes too early only looks */
    if (worker->has_timer)
        actant_timer_stop(worker->context, worker->timer);
    int64_t wait = due - worker->now_ns;
    worker->has_timer = true;
    worker->timer_ns = due;
    worker->timer =
        actant_timer_start(worker->context, wait > 0 ? (wait + MS_NS - 1) / MS_NS : 1, 0, 0);
}

void
act_worker_look(struct act_worker *worker)
{
    struct due due = due_of(worker);
    int64_t kill_ns;
    struct act_worker_call *call = doomed(worker, &kill_ns);
    recycle(worker);
    if (worker->now_ns >= kill_ns)
        act_worker_kill(worker, call, "it was stopped");
    if (worker->now_ns >= due.at_ns)
        is_late(worker, due);
    if (worker->now_ns >= revoke_ns(worker))
        take_back(worker);
    if (worker->state == ACT_WORKER_LEAVING && !worker->calls.count && !worker->said_bye)
        act_worker_leave(worker);
    set_timer(worker);
}
