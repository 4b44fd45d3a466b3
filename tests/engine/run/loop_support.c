/* The loop port with a clock that jumps from one timer to the next. */
#include "tests/engine/run/world_support.h"

#include <stdlib.h>

#define TURNS_MAX 2000000
#define CLOCK_MS ((int64_t)1700000000000)

struct act_timer {
    struct act_timer *next;
    struct world *world;
    int64_t due_ns;
    uint64_t order;
    void (*fn)(void *self);
    void *self;
};

static struct world *
world_of(struct act_loop *self)
{
    return (struct world *)((char *)self - offsetof(struct world, loop));
}

static int64_t
now_ms(struct act_loop *self)
{
    return world_of(self)->clock_ms + world_of(self)->now_ns / 1000000;
}

static int64_t
now_ns(struct act_loop *self)
{
    return world_of(self)->now_ns;
}

static struct act_timer *
start_timer(struct act_loop *self, int64_t delay_ms, void (*fn)(void *self), void *fn_self)
{
    struct world *w = world_of(self);
    struct act_timer *timer = calloc(1, sizeof(*timer));
    *timer = (struct act_timer){.world = w,
                                .due_ns = w->now_ns + (delay_ms > 0 ? delay_ms : 0) * 1000000,
                                .order = ++w->timer_count,
                                .fn = fn,
                                .self = fn_self};
    struct act_timer **at = &w->timers;
    while (*at && (*at)->due_ns <= timer->due_ns)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
    return timer;
}

static void
stop_timer(struct act_timer *timer)
{
    struct act_timer **at = &timer->world->timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    free(timer);
}

void
world_loop_stop_timer(struct act_timer *timer)
{
    stop_timer(timer);
}

static void
on_turn(struct act_loop *self, void (*fn)(void *self), void *fn_self)
{
    world_of(self)->turn = fn;
    world_of(self)->turn_self = fn_self;
}

static void
request_turn(struct act_loop *self)
{
    world_of(self)->turn_wanted = true;
}

/* What the group's thread posts is looked for in world_group_turn. */
static void
post(struct act_loop *self, void (*fn)(void *self), void *fn_self)
{
    (void)self;
    (void)fn;
    (void)fn_self;
}

static void
on_signal(struct act_loop *self, void (*fn)(void *self, int signal), void *fn_self)
{
    (void)self;
    (void)fn;
    (void)fn_self;
}

static bool
fire_due(struct world *w)
{
    struct act_timer *timer = w->timers;
    if (!timer || timer->due_ns > w->now_ns)
        return false;
    void (*fn)(void *self) = timer->fn;
    void *fn_self = timer->self;
    stop_timer(timer);
    fn(fn_self);
    return true;
}

#define DAY_MS ((int64_t)86400000)

/* Somebody, or a time server, sets the clock. */
static void
set_clock(struct world *w)
{
    uint64_t kind = w->random >> 7;
    int64_t far = kind % 3 == 0 ? 3 * DAY_MS : kind % 3 == 1 ? 3600000 : 700;
    w->clock_ms = CLOCK_MS + (int64_t)((w->random >> 11) % (uint64_t)(2 * far)) - far;
    w->clock_sets++;
}

/* Like libuv: what is due, then a turn; time goes on when nothing is wanted. */
static enum act_err
run(struct act_loop *self, struct act_error *err)
{
    struct world *w = world_of(self);
    (void)err;
    for (uint64_t turns = 0; !w->stopped && w->problem[0] == '\0'; turns++) {
        if (world_chance(w, w->options.clock_often))
            set_clock(w);
        while (fire_due(w))
            ;
        if (w->group)
            world_group_turn(w, !w->turn_wanted);
        if (w->turn_wanted && (w->turn || w->keeper)) {
            w->turn_wanted = false;
            world_keeper_turn(w);
            if (w->turn)
                w->turn(w->turn_self);
        } else if (!w->timers) {
            world_problem(w, "the run waits for nothing");
        } else {
            w->now_ns = w->timers->due_ns;
        }
        if (turns > (w->options.turns_max > 0 ? w->options.turns_max : TURNS_MAX))
            world_problem(w, "the run does not end");
    }
    return ACT_OK;
}

static void
stop(struct act_loop *self)
{
    world_of(self)->stopped = true;
}

static const struct act_loop_ops ops = {
    .now_ms = now_ms,
    .now_ns = now_ns,
    .start_timer = start_timer,
    .stop_timer = stop_timer,
    .on_turn = on_turn,
    .request_turn = request_turn,
    .on_signal = on_signal,
    .post = post,
    .run = run,
    .stop = stop,
};

void
world_loop_init(struct world *w)
{
    w->loop.ops = &ops;
    w->now_ns = 1000000000;
    w->clock_ms = CLOCK_MS;
}

void
world_loop_fini(struct world *w)
{
    while (w->timers)
        stop_timer(w->timers);
}
