#include "engine/io/uv/loop.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/vec.h"
#include "engine/io/uv/work.h"
#include "engine/port/clock.h"

#include <uv.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define LOOP_MAGIC UINT32_C(0x4c6f6f70)
#define SIGNAL_COUNT 3

struct post {
    void (*fn)(void *self);
    void *self;
};
typedef ACT_VEC(struct post) posts;

struct uv_port {
    struct act_loop port;
    uint32_t magic;
    uv_loop_t loop;
    uv_check_t check; /* comes after all callbacks of a turn */
    uv_idle_t idle;   /* active while a turn is wanted: the poll does not block */
    uv_async_t async; /* keeps the loop alive, too */
    uv_signal_t signals[SIGNAL_COUNT];
    bool signals_open;

    bool stirred;       /* something was called back; the uv_loop_t's data */
    uv_thread_t thread; /* that made it and runs it */
    bool turn_wanted;
    void (*turn_fn)(void *self);
    void *turn_self;
    void (*signal_fn)(void *self, int signal);
    void *signal_self;

    struct act_uv_work work;
    uv_mutex_t mutex; /* guards posted */
    posts posted;
};

struct act_timer {
    uv_timer_t handle;
    void (*fn)(void *self);
    void *self;
};

static struct uv_port *
port_of(struct act_loop *self)
{
    struct uv_port *port = (struct uv_port *)(void *)self;
    ACT_ASSERT(port->magic == LOOP_MAGIC);
    return port;
}

uv_loop_t *
act_uv_loop_of(struct act_loop *loop)
{
    return &port_of(loop)->loop;
}

int
act_uv_loop_fd(struct act_loop *loop)
{
    return uv_backend_fd(&port_of(loop)->loop);
}

void
act_uv_loop_stir(struct uv_loop_s *loop)
{
    if (loop->data)
        *(bool *)loop->data = true;
}

/* What a turn leads to at once belongs to it, up to a bound: another loop has its own to do. */
#define TURNS_AT_ONCE 16

/* Whoever sleeps in our place must not do so before the handlers have run that libuv calls before it sleeps:
 * they start what the last callbacks left. So the last round is one in which nothing was called. */
int64_t
act_uv_loop_turn(struct act_loop *loop)
{
    struct uv_port *port = port_of(loop);
    port->loop.data = &port->stirred;
    port->stirred = true;
    int64_t due_ms = 0;
    for (int i = 0; i < TURNS_AT_ONCE && (due_ms == 0 || port->stirred); i++) {
        port->stirred = false;
        uv_run(&port->loop, UV_RUN_NOWAIT);
        due_ms = uv_backend_timeout(&port->loop);
    }
    return port->stirred ? 0 : due_ms;
}

static int64_t
loop_now_ms(struct act_loop *self)
{
    (void)self;
    return act_clock_wall_ms();
}

static int64_t
loop_now_ns(struct act_loop *self)
{
    (void)self;
    return (int64_t)uv_hrtime();
}

/* ---- timers ---- */

static void
timer_closed(uv_handle_t *handle)
{
    act_free(handle->data);
}

static void
loop_stop_timer(struct act_timer *timer)
{
    if (timer && !uv_is_closing((uv_handle_t *)&timer->handle))
        uv_close((uv_handle_t *)&timer->handle, timer_closed);
}

static void
timer_due(uv_timer_t *handle)
{
    struct act_timer *timer = handle->data;
    act_uv_loop_stir(handle->loop);
    loop_stop_timer(timer); /* freed once this turn is over */
    timer->fn(timer->self);
}

static struct act_timer *
loop_start_timer(struct act_loop *self, int64_t delay_ms, void (*fn)(void *self), void *fn_self)
{
    struct uv_port *port = port_of(self);
    struct act_timer *timer = act_zalloc(1, sizeof *timer);
    timer->fn = fn;
    timer->self = fn_self;
    ACT_ASSERT(uv_timer_init(&port->loop, &timer->handle) == 0);
    timer->handle.data = timer;
    uv_update_time(&port->loop); /* the cached time may be from before a long callback */
    /* libuv counts whole milliseconds, cut off: one more, so that no timer is early. */
    uv_timer_start(&timer->handle, timer_due, delay_ms > 0 ? (uint64_t)delay_ms + 1 : 0, 0);
    return timer;
}

/* ---- turns ---- */

static void
idle_noop(uv_idle_t *handle)
{
    (void)handle;
}

static void
check_ready(uv_check_t *handle)
{
    struct uv_port *port = handle->data;
    if (!port->turn_wanted)
        return;
    port->turn_wanted = false;
    act_uv_loop_stir(&port->loop);
    uv_idle_stop(&port->idle);
    if (port->turn_fn)
        port->turn_fn(port->turn_self);
}

static void
loop_on_turn(struct act_loop *self, void (*fn)(void *self), void *fn_self)
{
    struct uv_port *port = port_of(self);
    port->turn_fn = fn;
    port->turn_self = fn_self;
}

static void loop_post(struct act_loop *self, void (*fn)(void *self), void *fn_self);

static void
turn_posted(void *self)
{
    struct uv_port *port = self;
    port->port.ops->request_turn(&port->port);
}

static void
loop_request_turn(struct act_loop *self)
{
    struct uv_port *port = port_of(self);
    uv_thread_t thread = uv_thread_self();
    if (!uv_thread_equal(&thread, &port->thread)) {
        loop_post(self, turn_posted, port);
        return;
    }
    if (port->turn_wanted)
        return;
    port->turn_wanted = true;
    uv_idle_start(&port->idle, idle_noop);
}

/* ---- signals ---- */

static void
signal_came(uv_signal_t *handle, int signum)
{
    struct uv_port *port = handle->data;
    if (port->signal_fn)
        port->signal_fn(port->signal_self, signum);
}

static void
loop_on_signal(struct act_loop *self, void (*fn)(void *self, int signal), void *fn_self)
{
    static const int signums[SIGNAL_COUNT] = {SIGINT, SIGTERM, SIGHUP};
    struct uv_port *port = port_of(self);
    port->signal_fn = fn;
    port->signal_self = fn_self;
    if (port->signals_open)
        return;
    port->signals_open = true;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction before;
        bool known = sigaction(signums[i], NULL, &before) == 0;
        ACT_ASSERT(uv_signal_init(&port->loop, &port->signals[i]) == 0);
        port->signals[i].data = port;
        /* nohup means what it says: who ignores hang-ups goes on ignoring them. */
        if (signums[i] != SIGHUP || !known || before.sa_handler != SIG_IGN)
            uv_signal_start(&port->signals[i], signal_came, signums[i]);
    }
}

/* ---- from other threads ---- */

static void
posted_ready(uv_async_t *handle)
{
    struct uv_port *port = handle->data;
    act_uv_loop_stir(&port->loop);
    uv_mutex_lock(&port->mutex);
    posts due = port->posted;
    port->posted = (posts){0};
    uv_mutex_unlock(&port->mutex);
    for (uint32_t i = 0; i < due.len; i++)
        due.ptr[i].fn(due.ptr[i].self);
    act_vec_fini(&due);
}

static void
loop_post(struct act_loop *self, void (*fn)(void *self), void *fn_self)
{
    struct uv_port *port = port_of(self);
    struct post post = {fn, fn_self};
    uv_mutex_lock(&port->mutex);
    act_vec_push(&port->posted, post);
    uv_mutex_unlock(&port->mutex);
    uv_async_send(&port->async);
}

static void
loop_work(struct act_loop *self, void (*fn)(void *self), void (*done)(void *self), void *fn_self)
{
    act_uv_work_put(&port_of(self)->work, fn, done, fn_self);
}

/* ---- life ---- */

static enum act_err
loop_run(struct act_loop *self, struct act_error *err)
{
    (void)err;
    uv_run(&port_of(self)->loop, UV_RUN_DEFAULT);
    return ACT_OK;
}

static void
loop_stop(struct act_loop *self)
{
    uv_stop(&port_of(self)->loop);
}

static void
close_timer(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (handle->type == UV_TIMER && !uv_is_closing(handle))
        uv_close(handle, timer_closed);
}

static void
loop_close(struct act_loop *self)
{
    if (!self)
        return;
    struct uv_port *port = port_of(self);
    act_uv_work_close(&port->work);
    uv_close((uv_handle_t *)&port->check, NULL);
    uv_close((uv_handle_t *)&port->idle, NULL);
    uv_close((uv_handle_t *)&port->async, NULL);
    for (int i = 0; port->signals_open && i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&port->signals[i], NULL);
    uv_walk(&port->loop, close_timer, NULL);
    uv_run(&port->loop, UV_RUN_DEFAULT);
    ACT_ASSERT(uv_loop_close(&port->loop) == 0); /* else an adapter was not closed before us */
    uv_mutex_destroy(&port->mutex);
    act_vec_fini(&port->posted);
    port->magic = 0;
    act_free(port);
}

static const struct act_loop_ops loop_ops = {
    .now_ms = loop_now_ms,
    .now_ns = loop_now_ns,
    .start_timer = loop_start_timer,
    .stop_timer = loop_stop_timer,
    .on_turn = loop_on_turn,
    .request_turn = loop_request_turn,
    .on_signal = loop_on_signal,
    .post = loop_post,
    .work = loop_work,
    .run = loop_run,
    .stop = loop_stop,
    .close = loop_close,
};

/* libuv ends the process where there are none left for its first pipes. */
static int
check_descriptors(void)
{
    int ends[4] = {-1, -1, -1, -1};
    int failed = pipe(ends) != 0 || pipe(ends + 2) != 0 ? -errno : 0;
    for (int i = 0; i < 4; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    return failed;
}

enum act_err
act_uv_loop_create_guest(struct act_loop **ret, struct act_error *err)
{
    struct uv_port *port = act_zalloc(1, sizeof *port);
    int failed = check_descriptors();
    if (!failed)
        failed = uv_loop_init(&port->loop);
    if (failed) {
        act_free(port);
        return act_error_set(err, ACT_ERR_SYSTEM, "the event loop cannot be made: %s",
                             uv_strerror(failed));
    }
    port->thread = uv_thread_self();
    port->port.ops = &loop_ops;
    port->work.loop = &port->port;
    port->magic = LOOP_MAGIC;
    ACT_ASSERT(uv_mutex_init(&port->mutex) == 0);
    failed = uv_async_init(&port->loop, &port->async, posted_ready);
    if (failed) {
        uv_loop_close(&port->loop);
        uv_mutex_destroy(&port->mutex);
        act_free(port);
        return act_error_set(err, ACT_ERR_SYSTEM, "the event loop cannot be made: %s",
                             uv_strerror(failed));
    }
    port->async.data = port;
    uv_check_init(&port->loop, &port->check);
    port->check.data = port;
    uv_check_start(&port->check, check_ready);
    uv_unref((uv_handle_t *)&port->check);
    uv_idle_init(&port->loop, &port->idle);
    *ret = &port->port;
    return ACT_OK;
}

/* Where memory ends, libuv calls abort, in the middle of what it does. As everywhere else the program is to say
 * so and end with its code. */
static void *
resize(void *ptr, size_t size)
{
    return act_realloc(ptr, size, 1);
}

enum act_err
act_uv_loop_create(struct act_loop **ret, struct act_error *err)
{
    uv_replace_allocator(act_alloc, resize, act_zalloc, act_free);
    enum act_err code = act_uv_loop_create_guest(ret, err);
    if (!code)
        signal(SIGPIPE, SIG_IGN);
    return code;
}
