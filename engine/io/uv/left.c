#include "engine/io/uv/left.h"

#include <unistd.h>

#define ROUNDS_MAX 64

/* An orphan is the leader's if it is still in its session or group, or carries its cookie. One that
 * has shed all of these is ended together with the last task in flight. */
static bool
is_left_by(const struct act_left *left, int pid)
{
    if (left->last || getsid(pid) == left->pid || getpgid(pid) == left->pid)
        return true;
    return left->cookie.len && act_cookie_has(pid, left->cookie);
}

static uint32_t
kill_carriers(const struct act_known *known, struct act_str cookie, int *wait_ms)
{
    struct act_pids carriers = {0}, spare = {0};
    known->list(known->self, &spare);
    act_cookie_scan(cookie, &carriers);
    uint32_t count = act_cookie_kill(&carriers, cookie, &spare, wait_ms);
    act_vec_fini(&carriers);
    act_vec_fini(&spare);
    return count;
}

static uint32_t
kill_round(struct act_orphans *orphans, const struct act_known *known, const struct act_left *left,
           int *wait_ms)
{
    struct act_pids pids = {0};
    act_orphans_list(orphans, known->has, known->self, &pids);
    uint32_t len = 0, count = 0;
    for (uint32_t i = 0; i < pids.len; i++) {
        if (is_left_by(left, pids.ptr[i]))
            pids.ptr[len++] = pids.ptr[i];
    }
    pids.len = len;
    /* Their children, too, before they can move on; all we can do where orphans are not ours. */
    if (left->cookie.len && (len > 0 || orphans->children_fd < 0))
        count += kill_carriers(known, left->cookie, wait_ms);
    if (len > 0) /* children of ours that nobody else reaps: the numbers are theirs */
        count += act_cookie_kill(&pids, (struct act_str){0}, NULL, wait_ms);
    act_vec_fini(&pids);
    return count;
}

uint32_t
act_left_end(struct act_orphans *orphans, const struct act_known *known,
             const struct act_left *left)
{
    int wait_ms = ACT_COOKIE_WAIT_MS;
    uint32_t total = 0, count = 1;
    for (int round = 0; round < ROUNDS_MAX && count > 0 && wait_ms > 0; round++) {
        count = kill_round(orphans, known, left, &wait_ms);
        total += count;
    }
    return total;
}

uint32_t
act_left_kill(const struct act_known *known, struct act_str cookie)
{
    int wait_ms = ACT_COOKIE_WAIT_MS;
    uint32_t total = 0, count = 1;
    for (int round = 0; round < ROUNDS_MAX && count > 0 && wait_ms > 0; round++) {
        count = kill_carriers(known, cookie, &wait_ms);
        total += count;
    }
    return total;
}
