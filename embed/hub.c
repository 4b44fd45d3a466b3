#include "embed/hub.h"

#include "base/alloc.h"
#include "base/assert.h"

#define SEAT_MAGIC UINT32_C(0x53656174)

/* Invariant: a seat that is closed while the hub walks the list stays in it, closed, until the walk is
 * over. */
struct seat {
    struct act_loop port;
    uint32_t magic;
    struct act_loop_ops ops; /* stop_timer has no self: it is the inner loop's */
    struct act_hub *hub;
    bool turn_wanted, stop_wanted, closed;
    void (*turn)(void *self);
    void *turn_self;
    void (*stopped)(void *self);
    void *stopped_self;
    struct seat *next;
};

struct act_hub {
    struct act_loop *loop;
    struct seat *seats;
    bool walking;
};

static struct seat *
seat_of(struct act_loop *self)
{
    struct seat *seat = (struct seat *)(void *)self;
    ACT_ASSERT(seat->magic == SEAT_MAGIC);
    return seat;
}

/* ---- what every run has for itself ---- */

static void
seat_on_turn(struct act_loop *self, void (*fn)(void *self), void *fn_self)
{
    struct seat *seat = seat_of(self);
    seat->turn = fn;
    seat->turn_self = fn_self;
}

static void
seat_request_turn(struct act_loop *self)
{
    struct seat *seat = seat_of(self);
    seat->turn_wanted = true;
    seat->hub->loop->ops->request_turn(seat->hub->loop);
}

static void
seat_on_signal(struct act_loop *self, void (*fn)(void *self, int signal), void *fn_self)
{
    (void)self;
    (void)fn;
    (void)fn_self;
}

static enum act_err
seat_run(struct act_loop *self, struct act_error *err)
{
    (void)self;
    return act_error_set(err, ACT_ERR_UNSUPPORTED, "a run's seat does not run the loop");
}

static void
seat_stop(struct act_loop *self)
{
    struct seat *seat = seat_of(self);
    seat->stop_wanted = true;
    seat->hub->loop->ops->request_turn(seat->hub->loop);
}

static void
sweep(struct act_hub *hub)
{
    for (struct seat **at = &hub->seats; *at;) {
        struct seat *seat = *at;
        if (!seat->closed) {
            at = &seat->next;
            continue;
        }
        *at = seat->next;
        seat->magic = 0;
        act_free(seat);
    }
}

static void
seat_close(struct act_loop *self)
{
    if (!self)
        return;
    struct seat *seat = seat_of(self);
    seat->closed = true;
    if (!seat->hub->walking)
        sweep(seat->hub);
}

/* ---- what is the loop's ---- */

static int64_t
seat_now_ms(struct act_loop *self)
{
    struct act_loop *loop = seat_of(self)->hub->loop;
    return loop->ops->now_ms(loop);
}

static int64_t
seat_now_ns(struct act_loop *self)
{
    struct act_loop *loop = seat_of(self)->hub->loop;
    return loop->ops->now_ns(loop);
}

static act_timer *
seat_start_timer(struct act_loop *self, int64_t delay_ms, void (*fn)(void *self), void *fn_self)
{
    struct act_loop *loop = seat_of(self)->hub->loop;
    return loop->ops->start_timer(loop, delay_ms, fn, fn_self);
}

static void
seat_post(struct act_loop *self, void (*fn)(void *self), void *fn_self)
{
    struct act_loop *loop = seat_of(self)->hub->loop;
    loop->ops->post(loop, fn, fn_self);
}

static void
seat_work(struct act_loop *self, void (*fn)(void *self), void (*done)(void *self), void *fn_self)
{
    struct act_loop *loop = seat_of(self)->hub->loop;
    loop->ops->work(loop, fn, done, fn_self);
}

static const struct act_loop_ops seat_ops = {
    .now_ms = seat_now_ms,
    .now_ns = seat_now_ns,
    .start_timer = seat_start_timer,
    .on_turn = seat_on_turn,
    .request_turn = seat_request_turn,
    .on_signal = seat_on_signal,
    .post = seat_post,
    .work = seat_work,
    .run = seat_run,
    .stop = seat_stop,
    .close = seat_close,
};

/* ---- the hub ---- */

static void
turn(void *self)
{
    struct act_hub *hub = self;
    hub->walking = true;
    for (struct seat *seat = hub->seats; seat; seat = seat->next) {
        bool wanted = seat->turn_wanted && !seat->closed && seat->turn;
        seat->turn_wanted = false;
        if (wanted)
            seat->turn(seat->turn_self);
    }
    for (struct seat *seat = hub->seats; seat; seat = seat->next) {
        if (!seat->stop_wanted || seat->closed)
            continue;
        seat->stop_wanted = false;
        seat->stopped(seat->stopped_self);
    }
    hub->walking = false;
    sweep(hub);
}

struct act_hub *
act_hub_create(struct act_loop *loop)
{
    struct act_hub *hub = act_zalloc(1, sizeof(*hub));
    hub->loop = loop;
    loop->ops->on_turn(loop, turn, hub);
    return hub;
}

void
act_hub_destroy(struct act_hub *hub)
{
    if (!hub)
        return;
    ACT_ASSERT(!hub->seats);
    hub->loop->ops->on_turn(hub->loop, NULL, NULL);
    act_free(hub);
}

struct act_loop *
act_hub_seat(struct act_hub *hub, void (*stopped)(void *self), void *self)
{
    struct seat *seat = act_zalloc(1, sizeof(*seat));
    seat->ops = seat_ops;
    seat->ops.stop_timer = hub->loop->ops->stop_timer;
    seat->port.ops = &seat->ops;
    seat->magic = SEAT_MAGIC;
    seat->hub = hub;
    seat->stopped = stopped;
    seat->stopped_self = self;
    seat->next = hub->seats;
    hub->seats = seat;
    return &seat->port;
}
