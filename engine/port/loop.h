/* Port: the loop that everything asynchronous hangs on: clock, timers, deferred calls, work for
 * other threads and wake-ups from them, signals to this process. One adapter: engine/io/uv; the simulator has its own. */
#ifndef ACT_ENGINE_PORT_LOOP_H
#define ACT_ENGINE_PORT_LOOP_H

#include "base/error.h"

#include <stdint.h>

typedef struct act_timer act_timer;
struct act_loop;
struct act_loop_ops {
    int64_t (*now_ms)(struct act_loop *self); /* UTC, not cached */
    int64_t (*now_ns)(struct act_loop *self); /* monotonic, not cached */
    /* One shot, after delay_ms of monotonic time. Freed by stop, or after it has fired. */
    act_timer *(*start_timer)(struct act_loop *self, int64_t delay_ms, void (*fn)(void *self),
                              void *fn_self);
    void (*stop_timer)(struct act_timer *timer);
    /* Calls fn once a turn, after all other callbacks of the turn, whenever request_turn was called
     * since: here the coordinator gathers facts into one batch. */
    void (*on_turn)(struct act_loop *self, void (*fn)(void *self), void *fn_self);
    void (*request_turn)(struct act_loop *self);
    /* fn comes on the loop for SIGINT, SIGTERM, SIGHUP. */
    void (*on_signal)(struct act_loop *self, void (*fn)(void *self, int signal), void *fn_self);
    /* From any thread: fn comes on the loop's thread soon, in the order posted; wake-ups coalesce. */
    void (*post)(struct act_loop *self, void (*fn)(void *self), void *fn_self);
    /* Calls fn on another thread, soon, a few at a time; then done on the loop's thread, exactly once. close
     * waits for what has begun, and calls done alone for what has not. No threads to be had: fn is called
     * at once. */
    void (*work)(struct act_loop *self, void (*fn)(void *self), void (*done)(void *self),
                 void *fn_self);
    enum act_err (*run)(struct act_loop *self, struct act_error *err); /* until stop */
    void (*stop)(struct act_loop *self);
    void (*close)(struct act_loop *self);
};
struct act_loop {
    const struct act_loop_ops *ops;
};

#endif
