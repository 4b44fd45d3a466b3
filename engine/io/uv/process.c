#include "engine/io/uv/process.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/io/uv/loop.h"
#include "engine/io/uv/process_internal.h"

#include <signal.h>

#define PROCESS_MAGIC UINT32_C(0x50726f63)
#define INLINE_MAX 1

static struct process_port *
port_of(struct act_process_port *self)
{
    struct process_port *port = (struct process_port *)(void *)self;
    ACT_ASSERT(port->magic == PROCESS_MAGIC);
    return port;
}

/* ---- the port ---- */

static struct act_process *
process_start(struct act_process_port *self, const struct act_process_spec *spec,
              const struct act_process_watcher *watcher, void *watcher_self)
{
    struct process_port *port = port_of(self);
    struct act_process *process = act_zalloc(1, sizeof *process);
    process->port = port;
    process->watcher = *watcher;
    process->watcher_self = watcher_self;
    process->out.fd = process->err.fd = process->leader.fd = -1;
    act_spawn_init(&process->job.spawn, spec);
    process->state = STATE_QUEUED;
    act_process_list_add(&port->queue, process);
    port->queued++;
    return process;
}

static void
process_signal(struct act_process *process, int signum)
{
    if (process->state == STATE_RUNNING)
        act_process_send_signal(process, signum);
    else if (process->pending_signal != SIGKILL)
        process->pending_signal = signum;
}

static void
process_abandon(struct act_process *process)
{
    process->watcher = (struct act_process_watcher){0};
    process_signal(process, SIGKILL);
}

static uint32_t
process_kill_cookie(struct act_process_port *self, const char *name, struct act_str value)
{
    struct process_port *port = port_of(self);
    struct act_buf cookie = {0};
    act_buf_printf(&cookie, "%s=%.*s", name, ACT_STR_ARG(value));
    uint32_t total = act_left_kill(&port->known, act_buf_str(&cookie));
    act_buf_fini(&cookie);
    return total;
}

/* ---- life ---- */

static void
handle_closed(uv_handle_t *handle)
{
    struct process_port *port = handle->data;
    struct process_handles *handles = port->handles;
    if (--handles->open > 0)
        return;
    act_free(handles);
    act_free(port);
}

static void
kill_running(struct process_port *port)
{
    while (port->running.first) {
        struct act_process *process = port->running.first;
        kill(-process->job.spawn.pid, SIGKILL);
        struct act_pids pid = {0};
        struct act_process_exit end;
        int wait_ms = ACT_COOKIE_WAIT_MS;
        act_vec_push(&pid, process->job.spawn.pid);
        act_cookie_kill(&pid, (struct act_str){0}, &pid, &wait_ms);
        act_reap_leader(process->job.spawn.pid, process->job.spawn.pidfd, &end);
        act_vec_fini(&pid);
        act_process_close_pipe(process, &process->out);
        act_process_close_pipe(process, &process->err);
        act_process_forget_leader(process);
        act_process_end_left_behind(process);
        act_process_free(process);
    }
}

/* Without callbacks from here on. */
static void
end_all(struct process_port *port)
{
    for (struct act_process *p = port->running.first; p; p = p->next)
        p->watcher = (struct act_process_watcher){0};
    while (port->queue.first) {
        struct act_process *process = port->queue.first;
        act_process_list_remove(&port->queue, process);
        act_process_free(process);
    }
    act_spawner_drain(port->spawner);
    for (struct act_spawn_job *job = act_spawner_take(port->spawner), *next; job; job = next) {
        struct act_process *process = (struct act_process *)(void *)job;
        next = job->next;
        process->watcher = (struct act_process_watcher){0};
        process->pending_signal = SIGKILL;
        act_process_start_ended(process);
    }
    kill_running(port);
}

static void
process_close(struct act_process_port *self)
{
    if (!self)
        return;
    struct process_port *port = port_of(self);
    struct process_handles *handles = port->handles;
    end_all(port);
    act_watch_remove(port->watches, &port->spawned);
    act_spawner_destroy(port->spawner);
    act_watch_set_destroy(port->watches);
    act_orphans_fini(&port->orphans);
    act_spawn_shared_fini(&port->shared);
    act_free(port->buffer);
    port->magic = 0;
    uv_close((uv_handle_t *)&handles->prepare, handle_closed);
    uv_close((uv_handle_t *)&handles->idle, handle_closed);
    uv_close((uv_handle_t *)&handles->tick, handle_closed);
    uv_close((uv_handle_t *)&handles->backoff, handle_closed);
#if ACT_PORTABLE
    uv_close((uv_handle_t *)&handles->child, handle_closed);
#endif
}

static void
handles_init(struct process_port *port, uv_loop_t *loop)
{
    struct process_handles *handles = act_zalloc(1, sizeof *handles);
    port->handles = handles;
    handles->prepare.data = handles->idle.data = handles->tick.data = handles->backoff.data = port;
    handles->open = 4;
    uv_prepare_init(loop, &handles->prepare);
    uv_prepare_start(&handles->prepare, act_process_prepare_ready);
    uv_unref((uv_handle_t *)&handles->prepare);
    uv_idle_init(loop, &handles->idle);
    uv_timer_init(loop, &handles->tick);
    uv_timer_init(loop, &handles->backoff);
#if ACT_PORTABLE
    handles->child.data = port;
    handles->open++;
    uv_signal_init(loop, &handles->child);
    uv_signal_start(&handles->child, act_process_child_ended, SIGCHLD);
    uv_unref((uv_handle_t *)&handles->child);
#endif
}

static const struct act_process_port_ops process_ops = {
    .start = process_start,
    .signal = process_signal,
    .abandon = process_abandon,
    .kill_cookie = process_kill_cookie,
    .close = process_close,
};

enum act_err
act_uv_process_port_create(struct act_loop *loop, const struct act_uv_process_options *options,
                           struct act_process_port **ret, struct act_error *err)
{
    struct process_port *port = act_zalloc(1, sizeof *port);
    enum act_err failed = act_spawn_shared_init(&port->shared, err);
    if (failed) {
        act_free(port);
        return failed;
    }
    uv_loop_t *uv = act_uv_loop_of(loop);
    failed = act_watch_set_create(uv, &port->watches, err);
    if (failed) {
        act_spawn_shared_fini(&port->shared);
        act_free(port);
        return failed;
    }
    port->port.ops = &process_ops;
    port->magic = PROCESS_MAGIC;
    port->inline_max =
        options && options->inline_max >= 0 ? (uint32_t)options->inline_max : INLINE_MAX;
    port->buffer = act_alloc(PROCESS_READ_BYTES);
    act_process_list_init(&port->queue);
    act_process_list_init(&port->running);
    port->known = (struct act_known){port, act_process_known_has, act_process_known_list};
    port->spawned.fd = -1;
    port->spawner = act_spawner_create(&port->shared);
    act_orphans_init(&port->orphans, !options || !options->leave_orphans);
    handles_init(port, uv);
    *ret = &port->port;
    return ACT_OK;
}
