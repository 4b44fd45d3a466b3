/* Finding and ending processes by what stands in their environment. Linux has /proc for that; where
 * there is none, nothing is found. Blocking, bounded by ACT_COOKIE_WAIT_MS. */
#ifndef ACT_ENGINE_IO_UV_COOKIE_H
#define ACT_ENGINE_IO_UV_COOKIE_H

#include "base/str.h"
#include "base/vec.h"

/* How long to wait for what was killed; something stuck in the kernel (a dead NFS) stays. What was waited is counted,
 * not read from a clock: while the machine stood still, what was killed could not end either. */
#define ACT_COOKIE_WAIT_MS 5000

ACT_VEC_TYPE(act_pids, int);

/* Does the process carry cookie ("NAME=value", or "NAME_<digits>=value")? False if it is gone or
 * another user's. */
bool act_cookie_has(int pid, struct act_str cookie);
/* Appends all that carry it, ourselves excepted. */
void act_cookie_scan(struct act_str cookie, struct act_pids *ret);
/* SIGKILL to all of pids that (if cookie has a length) still carry it, and waits until they are gone,
 * at most *wait_ms, from which what was waited is taken. Zombies that are our children are reaped, but for
 * those in spare. Returns how many were sent the signal. */
uint32_t act_cookie_kill(const struct act_pids *pids, struct act_str cookie,
                         const struct act_pids *spare, int *wait_ms);

#endif
