/* What the files of the process port share: process.c (the port), process_start.c (queue, threads,
 * back-off), process_end.c (output, ends, what is left over). */
#ifndef ACT_ENGINE_IO_UV_PROCESS_INTERNAL_H
#define ACT_ENGINE_IO_UV_PROCESS_INTERNAL_H

#include "engine/io/uv/left.h"
#include "engine/io/uv/process.h"
#include "engine/io/uv/spawner.h"
#include "engine/io/uv/watch.h"

#include <uv.h>

#define PROCESS_READ_BYTES 65536

enum process_state { STATE_QUEUED, STATE_STARTING, STATE_RUNNING, STATE_ENDED };

/* Invariants:
 * 1. QUEUED: in port->queue; STARTING: in the spawner's hands, nothing in `job` may be touched;
 *    RUNNING: in port->running, its pid is not reaped, so signals reach it and its group only.
 * 2. on_exit is called exactly once, and the process is freed after it. */
struct act_process {
    struct act_spawn_job job; /* first: the spawner gives it back */
    struct process_port *port;
    enum process_state state;
    int pending_signal; /* sent before it ran */
    struct act_watch leader, out, err;
    struct act_process_watcher watcher;
    void *watcher_self;
    struct act_process *next, **back; /* of queue or running */
};

struct process_list {
    struct act_process *first, **end;
};

/* libuv frees handles a turn later than we would; they are kept apart for that. */
struct process_handles {
    uv_prepare_t prepare; /* starts what was queued in this turn, before the loop sleeps */
    uv_idle_t idle;       /* active while there is more to start: the poll does not block */
    uv_timer_t tick, backoff;
    uv_signal_t child; /* portable form only */
    int open;
};

struct process_port {
    struct act_process_port port;
    uint32_t magic;
    struct process_handles *handles;
    struct act_watch_set *watches;
    struct act_spawn_shared shared;
    struct act_spawner *spawner;
    struct act_watch spawned;
    struct act_orphans orphans;
    struct act_known known;
    struct process_list queue, running;
    uint32_t queued, in_flight; /* in_flight: STARTING and RUNNING */
    uint32_t inline_max;
    uint32_t backoff_ms; /* 0: none */
    bool backing_off, ticking;
    char *buffer; /* READ_BYTES */
};

/* ---- lists ---- */

static inline void
act_process_list_init(struct process_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static inline void
act_process_list_add(struct process_list *list, struct act_process *process)
{
    process->next = NULL;
    process->back = list->end;
    *list->end = process;
    list->end = &process->next;
}

static inline void
act_process_list_add_first(struct process_list *list, struct act_process *process)
{
    process->next = list->first;
    process->back = &list->first;
    if (list->first)
        list->first->back = &process->next;
    else
        list->end = &process->next;
    list->first = process;
}

static inline void
act_process_list_remove(struct process_list *list, struct act_process *process)
{
    *process->back = process->next;
    if (process->next)
        process->next->back = process->back;
    else
        list->end = process->back;
}

/* ---- process_start.c ---- */

/* Before the loop sleeps: starts what was queued. */
void act_process_prepare_ready(uv_prepare_t *handle);
/* Its start is over: it runs, has failed, or is queued again. */
void act_process_start_ended(struct act_process *process);
/* To the whole group of one that runs. */
void act_process_send_signal(const struct act_process *process, int signum);

/* ---- process_end.c ---- */

void act_process_watch(struct act_process *process, struct act_watch *watch, int fd,
                       void (*ready)(struct act_watch *watch));
void act_process_pipe_ready(struct act_watch *watch);
void act_process_close_pipe(struct act_process *process, struct act_watch *watch);
void act_process_leader_ready(struct act_watch *watch);
/* No longer running: out of the lists and the poll set. */
void act_process_forget_leader(struct act_process *process);
uint32_t act_process_end_left_behind(struct act_process *process);
/* Tells and frees. */
void act_process_tell_exit(struct act_process *process, const struct act_process_exit *end);
void act_process_free(struct act_process *process);
bool act_process_known_has(void *self, int pid);
void act_process_known_list(void *self, struct act_pids *ret);
void act_process_tick_start(struct process_port *port);
#if ACT_PORTABLE
void act_process_child_ended(uv_signal_t *handle, int signum);
#endif

#endif
