#include "engine/io/uv/process_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define BACKOFF_MIN_MS 5
#define BACKOFF_MAX_MS 1000

void
act_process_send_signal(const struct act_process *process, int signum)
{
    kill(-process->job.spawn.pid, signum);
    if (signum != SIGKILL && signum != SIGSTOP && signum != SIGTSTP)
        kill(-process->job.spawn.pid, SIGCONT); /* one that was stopped is to hear it, too */
}

static void
set_running(struct act_process *process)
{
    struct process_port *port = process->port;
    struct act_spawn *spawn = &process->job.spawn;
    process->state = STATE_RUNNING;
    act_process_list_add(&port->running, process);
    port->backoff_ms = 0;
    act_process_watch(process, &process->out, spawn->out_fd, act_process_pipe_ready);
    act_process_watch(process, &process->err, spawn->err_fd, act_process_pipe_ready);
    act_process_watch(process, &process->leader, spawn->pidfd, act_process_leader_ready);
    spawn->out_fd = spawn->err_fd = -1; /* the watches close them */
    act_process_tick_start(port);
    if (process->pending_signal)
        act_process_send_signal(process, process->pending_signal);
    if (process->watcher.on_start)
        process->watcher.on_start(process->watcher_self, spawn->pid);
}

static void
backoff_due(uv_timer_t *handle)
{
    struct process_port *port = handle->data;
    port->backing_off = false; /* prepare comes next and starts the queue */
}

static const char *
limit_of(int failed)
{
    switch (failed) {
    case EMFILE: return "; `ulimit -n` is the limit of this process";
    case ENFILE: return "; fs.file-max is the machine's limit";
    case EAGAIN: return "; `ulimit -u`, or the pids limit of the container, is too low";
    default: return "";
    }
}

/* Else a run would seem to do nothing for no reason. */
static void
warn(const struct process_port *port, int failed)
{
    struct act_buf text = {0};
    if (!port->port.warn)
        return;
    act_buf_printf(&text, "no process can be started: %s (it is tried again%s)", strerror(failed),
                   limit_of(failed));
    port->port.warn(port->port.warn_self, text.ptr);
    act_buf_fini(&text);
}

static void
back_off(struct process_port *port, int failed)
{
    uint32_t next = port->backoff_ms ? port->backoff_ms * 2 : BACKOFF_MIN_MS;
    if (port->backoff_ms < BACKOFF_MAX_MS && next >= BACKOFF_MAX_MS)
        warn(port, failed);
    port->backoff_ms = next < BACKOFF_MAX_MS ? next : BACKOFF_MAX_MS;
    port->backing_off = true;
    uv_timer_start(&port->handles->backoff, backoff_due, port->backoff_ms, 0);
}

static void
requeue(struct act_process *process)
{
    struct process_port *port = process->port;
    process->state = STATE_QUEUED;
    act_process_list_add_first(&port->queue, process);
    port->queued++;
    if (!port->backing_off)
        back_off(port, process->job.spawn.failed);
}

void
act_process_start_ended(struct act_process *process)
{
    struct process_port *port = process->port;
    const struct act_spawn *spawn = &process->job.spawn;
    if (!spawn->failed) {
        set_running(process);
        return;
    }
    port->in_flight--;
    if (act_spawn_retryable(spawn->failed) && !spawn->stdin_failed && !process->pending_signal) {
        requeue(process);
        return;
    }
    struct act_process_exit end = {.exit_code = -1, .signal = process->pending_signal};
    if (!end.signal) {
        end.start_errno = spawn->failed;
        end.dir_failed = spawn->dir_failed;
        end.exit_code = act_spawn_exit_code(spawn->failed);
    }
    act_process_tell_exit(process, &end);
}

static void
spawned_ready(struct act_watch *watch)
{
    struct process_port *port = watch->owner;
    for (struct act_spawn_job *job = act_spawner_take(port->spawner), *next; job; job = next) {
        next = job->next;
        act_process_start_ended((struct act_process *)(void *)job);
    }
}

static bool
hand_over(struct process_port *port, struct act_process *process)
{
    if (act_spawner_put(port->spawner, &process->job) != 0)
        return false;
    if (!port->spawned.active) {
        port->spawned = (struct act_watch){
            .fd = act_spawner_fd(port->spawner), .ready = spawned_ready, .owner = port};
        act_watch_add(port->watches, &port->spawned);
    }
    return true;
}

static void
start_queued(struct process_port *port, bool by_threads)
{
    struct act_process *process = port->queue.first;
    act_process_list_remove(&port->queue, process);
    port->queued--;
    if (process->pending_signal) {
        struct act_process_exit end = {.exit_code = -1, .signal = process->pending_signal};
        act_process_tell_exit(process, &end);
        return;
    }
    port->in_flight++;
    process->state = STATE_STARTING;
    if (by_threads && hand_over(port, process))
        return;
    act_spawn_start(&process->job.spawn, &port->shared);
    act_process_start_ended(process);
}

static void
idle_noop(uv_idle_t *handle)
{
    (void)handle;
}

static void
start_all(struct process_port *port)
{
    bool by_threads = port->queued + port->in_flight > port->inline_max;
    /* What callbacks queue now is started in the next turn. */
    for (uint32_t left = port->queued; left > 0 && port->queue.first; left--) {
        if (port->backing_off && !port->queue.first->pending_signal)
            break;
        start_queued(port, by_threads);
    }
}

void
act_process_prepare_ready(uv_prepare_t *handle)
{
    struct process_port *port = handle->data;
    if (port->queue.first)
        start_all(port);
    if (port->queue.first && !port->backing_off)
        uv_idle_start(&port->handles->idle, idle_noop);
    else
        uv_idle_stop(&port->handles->idle);
}
