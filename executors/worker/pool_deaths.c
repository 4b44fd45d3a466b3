#include "executors/worker/pool_internal.h"

#include <stdio.h>
#include <string.h>

#define START_DEATHS_MAX 3

static void
say_why(struct act_worker_pool *pool, const struct act_worker *worker,
        const struct act_process_exit *end)
{
    const char *name = pool->options.name, *program = pool->options.argv[0];
    struct act_str tail = act_str_trim(act_buf_str(&worker->tail));
    char what[700];
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

bool
act_pool_note_death(struct act_worker_pool *pool, const struct act_worker *worker,
                    const struct act_process_exit *end, bool *ret_hopeless)
{
    *ret_hopeless = false;
    if (worker->said_bye || worker->has_culprit)
        return false;
    pool->counts.died++;
    pool->crashed = true;
    if (!worker->was_ready)
        pool->start_deaths++;
    say_why(pool, worker, end);
    *ret_hopeless = end->start_errno || pool->start_deaths >= START_DEATHS_MAX;
    if (*ret_hopeless)
        pool->start_deaths = 0;
    return true;
}
