#include "engine/io/uv/process_internal.h"

#include "base/alloc.h"
#include "engine/io/uv/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READS_PER_EVENT 16       /* so that one talker does not keep the others waiting */
#define PIPE_BYTES (1024 * 1024) /* for those that have filled the default 64 KiB */
#define TICK_MS 500              /* zombies of orphans; what could not be watched */

void
act_process_watch(struct act_process *process, struct act_watch *watch, int fd,
                  void (*ready)(struct act_watch *watch))
{
    *watch = (struct act_watch){.fd = fd, .ready = ready, .owner = process};
    if (fd >= 0)
        act_watch_add(process->port->watches, watch); /* fails: the tick looks after it */
}

/* ---- output ---- */

void
act_process_close_pipe(struct act_process *process, struct act_watch *watch)
{
    if (watch->fd < 0)
        return;
    act_watch_remove(process->port->watches, watch);
    close(watch->fd);
    watch->fd = -1;
}

static void
tell_output(struct act_process *process, const struct act_watch *watch, size_t len)
{
    enum act_stream stream = watch == &process->out ? ACT_STREAM_OUT : ACT_STREAM_ERR;
    if (process->watcher.on_output)
        process->watcher.on_output(process->watcher_self, stream,
                                   act_str_n(process->port->buffer, len));
}

/* Reads once, at most max bytes. How many; 0: nothing now (the pipe is closed if it is at its end). */
static size_t
read_pipe(struct act_process *process, struct act_watch *watch, size_t max)
{
    ssize_t got;
    if (process->watcher.on_readable)
        process->watcher.on_readable(process->watcher_self);
    do
        got = read(watch->fd, process->port->buffer,
                   max < PROCESS_READ_BYTES ? max : PROCESS_READ_BYTES);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        tell_output(process, watch, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        act_process_close_pipe(process, watch);
    return got > 0 ? (size_t)got : 0;
}

void
act_process_pipe_ready(struct act_watch *watch)
{
    struct act_process *process = watch->owner;
    for (int i = 0; i < READS_PER_EVENT && watch->fd >= 0; i++) {
        if (read_pipe(process, watch, PROCESS_READ_BYTES) < PROCESS_READ_BYTES)
            return;
#ifdef F_SETPIPE_SZ
        if (i == 0)
            fcntl(watch->fd, F_SETPIPE_SZ, PIPE_BYTES); /* may be refused: a matter of speed only */
#endif
    }
}

/* What is in the pipe now, and no more: a grandchild that goes on writing does not hold us up. */
static void
drain_pipe(struct act_process *process, struct act_watch *watch)
{
    int left = 0;
    if (watch->fd >= 0 && ioctl(watch->fd, FIONREAD, &left) != 0)
        left = 0;
    while (left > 0 && watch->fd >= 0) {
        size_t got = read_pipe(process, watch, (size_t)left);
        if (!got)
            break;
        left -= (int)got;
    }
    act_process_close_pipe(process, watch);
}

/* ---- what is left behind ---- */

bool
act_process_known_has(void *self, int pid)
{
    const struct process_port *port = self;
    for (const struct act_process *p = port->running.first; p; p = p->next) {
        if (p->job.spawn.pid == pid)
            return true;
    }
    return false;
}

void
act_process_known_list(void *self, struct act_pids *ret)
{
    const struct process_port *port = self;
    for (const struct act_process *p = port->running.first; p; p = p->next)
        act_vec_push(ret, p->job.spawn.pid);
}

uint32_t
act_process_end_left_behind(struct act_process *process)
{
    struct process_port *port = process->port;
    struct act_left left = {.pid = process->job.spawn.pid,
                            .cookie = act_str(process->job.spawn.cookie),
                            .last = port->in_flight == 0};
    return act_left_end(&port->orphans, &port->known, &left);
}

/* ---- ends ---- */

void
act_process_free(struct act_process *process)
{
    act_spawn_fini(&process->job.spawn);
    act_free(process);
}

void
act_process_tell_exit(struct act_process *process, const struct act_process_exit *end)
{
    process->state = STATE_ENDED;
    if (process->watcher.on_exit)
        process->watcher.on_exit(process->watcher_self, end);
    act_process_free(process);
}

void
act_process_forget_leader(struct act_process *process)
{
    struct process_port *port = process->port;
    act_watch_remove(port->watches, &process->leader);
    if (process->job.spawn.pidfd >= 0)
        close(process->job.spawn.pidfd);
    process->job.spawn.pidfd = process->leader.fd = -1;
    act_process_list_remove(&port->running, process);
    port->in_flight--;
}

void
act_process_leader_ready(struct act_watch *watch)
{
    struct act_process *process = watch->owner;
    struct act_process_exit end = {0};
#if ACT_PORTABLE
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)process->job.spawn.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        if (info.si_pid == 0)
            return;
        kill(-process->job.spawn.pid, SIGKILL); /* its number is not free yet: its own group */
    }
#endif
    if (!act_reap_leader(process->job.spawn.pid, process->job.spawn.pidfd, &end))
        return;
    drain_pipe(process, &process->out);
    drain_pipe(process, &process->err);
    act_process_forget_leader(process);
    end.left_count = act_process_end_left_behind(process);
    if (process->port->backing_off) /* there is room again */
        uv_timer_start(&process->port->handles->backoff, process->port->handles->backoff.timer_cb,
                       0, 0);
    act_process_tell_exit(process, &end);
}

/* ---- tick ---- */

/* What found no place in the epoll set or got no pidfd. */
static void
look_after(struct act_process *process)
{
    if (process->out.fd >= 0 && !process->out.active)
        act_process_pipe_ready(&process->out);
    if (process->err.fd >= 0 && !process->err.active)
        act_process_pipe_ready(&process->err);
    if (process->leader.active)
        return;
    if (process->job.spawn.pidfd < 0)
        act_spawn_open_pidfd(&process->job.spawn);
    act_process_watch(process, &process->leader, process->job.spawn.pidfd,
                      act_process_leader_ready);
    act_process_leader_ready(&process->leader);
}

static void
tick_due(uv_timer_t *handle)
{
    struct process_port *port = handle->data;
    act_uv_loop_stir(handle->loop);
    for (struct act_process *p = port->running.first, *next; p; p = next) {
        next = p->next;
        look_after(p);
    }
    struct act_pids pids = {0};
    act_orphans_list(&port->orphans, act_process_known_has, port, &pids); /* reaps */
    act_vec_fini(&pids);
    if (port->in_flight == 0) {
        uv_timer_stop(handle);
        port->ticking = false;
    }
}

void
act_process_tick_start(struct process_port *port)
{
    if (port->ticking)
        return;
    port->ticking = true;
    uv_timer_start(&port->handles->tick, tick_due, TICK_MS, TICK_MS);
}

#if ACT_PORTABLE
void
act_process_child_ended(uv_signal_t *handle, int signum)
{
    (void)signum;
    struct process_port *port = handle->data;
    for (struct act_process *p = port->running.first, *next; p; p = next) {
        next = p->next;
        act_process_leader_ready(&p->leader);
    }
}
#endif
