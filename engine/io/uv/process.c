#include "engine/io/uv/process.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/io/uv/left.h"
#include "engine/io/uv/loop.h"
#include "engine/io/uv/spawner.h"
#include "engine/io/uv/watch.h"

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_MAGIC UINT32_C(0x50726f63)
#define INLINE_MAX 1
#define READ_BYTES 65536
#define READS_PER_EVENT 16       /* so that one talker does not keep the others waiting */
#define PIPE_BYTES (1024 * 1024) /* for those that have filled the default 64 KiB */
#define TICK_MS 500              /* zombies of orphans; what could not be watched */
#define BACKOFF_MIN_MS 5
#define BACKOFF_MAX_MS 1000

enum state { STATE_QUEUED, STATE_STARTING, STATE_RUNNING, STATE_ENDED };

/* Invariants:
 * 1. QUEUED: in port->queue; STARTING: in the spawner's hands, nothing in `job` may be touched;
 *    RUNNING: in port->running, its pid is not reaped, so signals reach it and its group only.
 * 2. on_exit is called exactly once, and the process is freed after it. */
struct act_process {
    struct act_spawn_job job; /* first: the spawner gives it back */
    struct process_port *port;
    enum state state;
    int pending_signal; /* sent before it ran */
    struct act_watch leader, out, err;
    struct act_process_watcher watcher;
    void *watcher_self;
    struct act_process *next, **back; /* of queue or running */
};

struct list {
    struct act_process *first, **end;
};

/* libuv frees handles a turn later than we would; they are kept apart for that. */
struct handles {
    uv_prepare_t prepare; /* starts what was queued in this turn, before the loop sleeps */
    uv_idle_t idle;       /* active while there is more to start: the poll does not block */
    uv_timer_t tick, backoff;
    uv_signal_t child; /* portable form only */
    int open;
};

struct process_port {
    struct act_process_port port;
    uint32_t magic;
    struct handles *handles;
    struct act_watch_set *watches;
    struct act_spawn_shared shared;
    struct act_spawner *spawner;
    struct act_watch spawned;
    struct act_orphans orphans;
    struct act_known known;
    struct list queue, running;
    uint32_t queued, in_flight; /* in_flight: STARTING and RUNNING */
    uint32_t inline_max;
    uint32_t backoff_ms; /* 0: none */
    bool backing_off, ticking;
    char *buffer; /* READ_BYTES */
};

static struct process_port *
port_of(struct act_process_port *self)
{
    struct process_port *port = (struct process_port *)(void *)self;
    ACT_ASSERT(port->magic == PROCESS_MAGIC);
    return port;
}

/* ---- lists ---- */

static void
list_init(struct list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void
list_add(struct list *list, struct act_process *process)
{
    process->next = NULL;
    process->back = list->end;
    *list->end = process;
    list->end = &process->next;
}

static void
list_add_first(struct list *list, struct act_process *process)
{
    process->next = list->first;
    process->back = &list->first;
    if (list->first)
        list->first->back = &process->next;
    else
        list->end = &process->next;
    list->first = process;
}

static void
list_remove(struct list *list, struct act_process *process)
{
    *process->back = process->next;
    if (process->next)
        process->next->back = process->back;
    else
        list->end = process->back;
}

/* ---- output ---- */

static void
close_pipe(struct act_process *process, struct act_watch *watch)
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
    do
        got = read(watch->fd, process->port->buffer, max < READ_BYTES ? max : READ_BYTES);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        tell_output(process, watch, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        close_pipe(process, watch);
    return got > 0 ? (size_t)got : 0;
}

static void
pipe_ready(struct act_watch *watch)
{
    struct act_process *process = watch->owner;
    for (int i = 0; i < READS_PER_EVENT && watch->fd >= 0; i++) {
        if (read_pipe(process, watch, READ_BYTES) < READ_BYTES)
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
    close_pipe(process, watch);
}

/* ---- what is left behind ---- */

static bool
known_has(void *self, int pid)
{
    const struct process_port *port = self;
    for (const struct act_process *p = port->running.first; p; p = p->next) {
        if (p->job.spawn.pid == pid)
            return true;
    }
    return false;
}

static void
known_list(void *self, struct act_pids *ret)
{
    const struct process_port *port = self;
    for (const struct act_process *p = port->running.first; p; p = p->next)
        act_vec_push(ret, p->job.spawn.pid);
}

static uint32_t
end_left_behind(struct act_process *process)
{
    struct process_port *port = process->port;
    struct act_left left = {.pid = process->job.spawn.pid,
                            .cookie = act_str(process->job.spawn.cookie),
                            .last = port->in_flight == 0};
    return act_left_end(&port->orphans, &port->known, &left);
}

/* ---- ends ---- */

static void
process_free(struct act_process *process)
{
    act_spawn_fini(&process->job.spawn);
    act_free(process);
}

static void
tell_exit(struct act_process *process, const struct act_process_exit *end)
{
    process->state = STATE_ENDED;
    if (process->watcher.on_exit)
        process->watcher.on_exit(process->watcher_self, end);
    process_free(process);
}

static void
forget_leader(struct act_process *process)
{
    struct process_port *port = process->port;
    act_watch_remove(port->watches, &process->leader);
    if (process->job.spawn.pidfd >= 0)
        close(process->job.spawn.pidfd);
    process->job.spawn.pidfd = process->leader.fd = -1;
    list_remove(&port->running, process);
    port->in_flight--;
}

static void
leader_ready(struct act_watch *watch)
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
    forget_leader(process);
    end.left_count = end_left_behind(process);
    if (process->port->backing_off) /* there is room again */
        uv_timer_start(&process->port->handles->backoff, process->port->handles->backoff.timer_cb,
                       0, 0);
    tell_exit(process, &end);
}

/* ---- starts ---- */

static void
watch_fd(struct act_process *process, struct act_watch *watch, int fd,
         void (*ready)(struct act_watch *watch))
{
    *watch = (struct act_watch){.fd = fd, .ready = ready, .owner = process};
    if (fd >= 0)
        act_watch_add(process->port->watches, watch); /* fails: the tick looks after it */
}

static void
send_signal(const struct act_process *process, int signum)
{
    kill(-process->job.spawn.pid, signum);
    if (signum != SIGKILL && signum != SIGSTOP && signum != SIGTSTP)
        kill(-process->job.spawn.pid, SIGCONT); /* one that was stopped is to hear it, too */
}

static void tick_start(struct process_port *port);

static void
set_running(struct act_process *process)
{
    struct process_port *port = process->port;
    struct act_spawn *spawn = &process->job.spawn;
    process->state = STATE_RUNNING;
    list_add(&port->running, process);
    port->backoff_ms = 0;
    watch_fd(process, &process->out, spawn->out_fd, pipe_ready);
    watch_fd(process, &process->err, spawn->err_fd, pipe_ready);
    watch_fd(process, &process->leader, spawn->pidfd, leader_ready);
    spawn->out_fd = spawn->err_fd = -1; /* the watches close them */
    tick_start(port);
    if (process->pending_signal)
        send_signal(process, process->pending_signal);
    if (process->watcher.on_start)
        process->watcher.on_start(process->watcher_self, spawn->pid);
}

static void
backoff_due(uv_timer_t *handle)
{
    struct process_port *port = handle->data;
    port->backing_off = false; /* prepare comes next and starts the queue */
}

static void
requeue(struct act_process *process)
{
    struct process_port *port = process->port;
    process->state = STATE_QUEUED;
    list_add_first(&port->queue, process);
    port->queued++;
    if (port->backing_off)
        return;
    port->backoff_ms = port->backoff_ms ? port->backoff_ms * 2 : BACKOFF_MIN_MS;
    if (port->backoff_ms > BACKOFF_MAX_MS)
        port->backoff_ms = BACKOFF_MAX_MS;
    port->backing_off = true;
    uv_timer_start(&port->handles->backoff, backoff_due, port->backoff_ms, 0);
}

static void
start_ended(struct act_process *process)
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
    tell_exit(process, &end);
}

static void
spawned_ready(struct act_watch *watch)
{
    struct process_port *port = watch->owner;
    for (struct act_spawn_job *job = act_spawner_take(port->spawner), *next; job; job = next) {
        next = job->next;
        start_ended((struct act_process *)(void *)job);
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
    list_remove(&port->queue, process);
    port->queued--;
    if (process->pending_signal) {
        struct act_process_exit end = {.exit_code = -1, .signal = process->pending_signal};
        tell_exit(process, &end);
        return;
    }
    port->in_flight++;
    process->state = STATE_STARTING;
    if (by_threads && hand_over(port, process))
        return;
    act_spawn_start(&process->job.spawn, &port->shared);
    start_ended(process);
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

static void
prepare_ready(uv_prepare_t *handle)
{
    struct process_port *port = handle->data;
    if (port->queue.first)
        start_all(port);
    if (port->queue.first && !port->backing_off)
        uv_idle_start(&port->handles->idle, idle_noop);
    else
        uv_idle_stop(&port->handles->idle);
}

/* ---- tick ---- */

/* What found no place in the epoll set or got no pidfd. */
static void
look_after(struct act_process *process)
{
    if (process->out.fd >= 0 && !process->out.active)
        pipe_ready(&process->out);
    if (process->err.fd >= 0 && !process->err.active)
        pipe_ready(&process->err);
    if (process->leader.active)
        return;
    if (process->job.spawn.pidfd < 0)
        act_spawn_open_pidfd(&process->job.spawn);
    watch_fd(process, &process->leader, process->job.spawn.pidfd, leader_ready);
    leader_ready(&process->leader);
}

static void
tick_due(uv_timer_t *handle)
{
    struct process_port *port = handle->data;
    for (struct act_process *p = port->running.first, *next; p; p = next) {
        next = p->next;
        look_after(p);
    }
    struct act_pids pids = {0};
    act_orphans_list(&port->orphans, known_has, port, &pids); /* reaps */
    act_vec_fini(&pids);
    if (port->in_flight == 0) {
        uv_timer_stop(handle);
        port->ticking = false;
    }
}

static void
tick_start(struct process_port *port)
{
    if (port->ticking)
        return;
    port->ticking = true;
    uv_timer_start(&port->handles->tick, tick_due, TICK_MS, TICK_MS);
}

#if ACT_PORTABLE
static void
child_ended(uv_signal_t *handle, int signum)
{
    (void)signum;
    struct process_port *port = handle->data;
    for (struct act_process *p = port->running.first, *next; p; p = next) {
        next = p->next;
        leader_ready(&p->leader);
    }
}
#endif

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
    list_add(&port->queue, process);
    port->queued++;
    return process;
}

static void
process_signal(struct act_process *process, int signum)
{
    if (process->state == STATE_RUNNING)
        send_signal(process, signum);
    else if (process->pending_signal != SIGKILL)
        process->pending_signal = signum;
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
    struct handles *handles = port->handles;
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
        act_vec_push(&pid, process->job.spawn.pid);
        act_cookie_kill(&pid, (struct act_str){0}, &pid, ACT_COOKIE_WAIT_MS);
        act_reap_leader(process->job.spawn.pid, process->job.spawn.pidfd, &end);
        act_vec_fini(&pid);
        close_pipe(process, &process->out);
        close_pipe(process, &process->err);
        forget_leader(process);
        end_left_behind(process);
        process_free(process);
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
        list_remove(&port->queue, process);
        process_free(process);
    }
    act_spawner_drain(port->spawner);
    for (struct act_spawn_job *job = act_spawner_take(port->spawner), *next; job; job = next) {
        struct act_process *process = (struct act_process *)(void *)job;
        next = job->next;
        process->watcher = (struct act_process_watcher){0};
        process->pending_signal = SIGKILL;
        start_ended(process);
    }
    kill_running(port);
}

static void
process_close(struct act_process_port *self)
{
    if (!self)
        return;
    struct process_port *port = port_of(self);
    struct handles *handles = port->handles;
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
    struct handles *handles = act_zalloc(1, sizeof *handles);
    port->handles = handles;
    handles->prepare.data = handles->idle.data = handles->tick.data = handles->backoff.data = port;
    handles->open = 4;
    uv_prepare_init(loop, &handles->prepare);
    uv_prepare_start(&handles->prepare, prepare_ready);
    uv_unref((uv_handle_t *)&handles->prepare);
    uv_idle_init(loop, &handles->idle);
    uv_timer_init(loop, &handles->tick);
    uv_timer_init(loop, &handles->backoff);
#if ACT_PORTABLE
    handles->child.data = port;
    handles->open++;
    uv_signal_init(loop, &handles->child);
    uv_signal_start(&handles->child, child_ended, SIGCHLD);
    uv_unref((uv_handle_t *)&handles->child);
#endif
}

static const struct act_process_port_ops process_ops = {
    .start = process_start,
    .signal = process_signal,
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
    port->buffer = act_alloc(READ_BYTES);
    list_init(&port->queue);
    list_init(&port->running);
    port->known = (struct act_known){port, known_has, known_list};
    port->spawned.fd = -1;
    port->spawner = act_spawner_create(&port->shared);
    act_orphans_init(&port->orphans);
    handles_init(port, uv);
    *ret = &port->port;
    return ACT_OK;
}
