/* One worker process, an actor: its state, the calls that it has, what it says. The runtime's pool hands it
 * calls, by the rule of ours (pool_rule.c); its process and its link only tell it what came (messages.def).
 * It stops when its process is gone: normally if that was wanted, else with an error, and is started again
 * with another process. What it has to see to in time it does by one timer (worker_watch.c). */
#ifndef ACT_EXECUTORS_WORKER_WORKER_H
#define ACT_EXECUTORS_WORKER_WORKER_H

#include "executors/worker/call.h"
#include "executors/worker/frame.h"

/* worker_states.def */
enum act_worker_state {
#define ACT_WORKER_STATE(name) ACT_WORKER_##name,
#include "executors/worker/worker_states.def"
#undef ACT_WORKER_STATE
};
enum act_worker_event {
#define ACT_WORKER_EVENT(name) ACT_WORKER_ON_##name,
#include "executors/worker/worker_states.def"
#undef ACT_WORKER_EVENT
};

/* ---- what it is told ---- */

enum act_worker_message {
#define ACT_WORKER_MESSAGE(name, number, take, from, payload) ACT_WORKER_MESSAGE_##name = number,
#include "executors/worker/messages.def"
#undef ACT_WORKER_MESSAGE
};
struct act_worker_note {
    uint32_t life;                /* of the worker whose process or link it is */
    int32_t is;                   /* PID: it; OUTPUT: enum act_stream */
    struct act_process_exit exit; /* EXIT */
    size_t len;                   /* BYTES, OUTPUT */
    char bytes[];
};
struct act_worker_stop {
    uint32_t call;
    int64_t grace_ms;
};

extern const struct actant_class act_worker_class; /* args: a pointer to the pool */

/* ---- its state ---- */

struct act_worker {
    struct act_worker_pool *pool;
    struct act_worker *next;
    struct actant_context *context; /* of the step */
    struct actant_ref self;
    int64_t now_ns;  /* of the step */
    uint32_t number; /* of its process, in the pool */
    enum act_worker_state state;
    int64_t launched_ns;
    int64_t since_ns; /* since when in its state, or without a call */
    struct act_process *process;
    struct act_link *link, *control;
    struct act_frame_decoder decoder;
    int pid;
    uint32_t next_id;
    struct act_call_list calls;
    uint32_t begun, beside; /* of calls; beside: those of begun that run beside others */
    uint32_t stopping;      /* calls with a kill time */
    uint64_t done;          /* calls that ended here */
    uint64_t bytes;         /* memory, as it last said */
    bool gone;              /* its process is, and the pool knows */
    bool was_ready;
    bool said_bye;
    bool mute;                       /* its descriptor is closed */
    int64_t heard_ns;                /* when it said something last */
    bool blamed, has_culprit;        /* it was killed, because of one call: */
    struct act_worker_call *culprit; /* this one, if it still has it */
    char why[400];                   /* what for; "" if it died by itself */
    struct act_buf tail;             /* what it printed last without having a call, for messages */
    bool has_timer;
    int64_t timer_ns;
    uint64_t timer;
};
/* False if the event means nothing now. */
bool act_worker_move(struct act_worker *worker, enum act_worker_event event);
/* A frame CANCEL or REVOKE about one of its calls. */
void act_worker_tell(struct act_worker *worker, enum act_frame_type type,
                     const struct act_worker_call *call);
/* It gets no more calls; BYE, once it has none. */
void act_worker_leave(struct act_worker *worker);
/* culprit may be NULL. */
void act_worker_kill(struct act_worker *worker, struct act_worker_call *culprit, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));
/* Its process is over, or nothing is to be expected of it any more. A callback, outside its steps. */
void act_worker_ended(void *self, const struct act_process_exit *exit);
/* Kills its process, closes its links: nothing comes from them any more. Outside its steps, too. */
void act_worker_abandon(struct act_worker *worker);

/* ---- worker_says.c ---- */

struct act_worker_call *act_worker_call_of(const struct act_worker *worker, uint32_t id);
void act_worker_take_bytes(struct act_worker *worker, struct act_str bytes);

/* ---- worker_watch.c ---- */

/* After each step: sees to what is due, sets the timer for what will be. */
void act_worker_look(struct act_worker *worker);

/* ---- what the pool is told (pool.c) ---- */

const struct act_worker_pool_options *act_pool_options(const struct act_worker_pool *pool);
int64_t act_pool_now(const struct act_worker_pool *pool);
bool act_pool_is_closed(const struct act_worker_pool *pool);
struct actant_ref act_pool_line(const struct act_worker_pool *pool); /* the runtime's pool */
/* A worker may take what it could not before. */
void act_pool_look_again(struct act_worker_pool *pool);
void act_pool_take_on(struct act_worker *worker, struct act_worker_call *call);
void act_pool_call_ended(struct act_worker_call *call, const struct act_worker_end *end);
/* It had not begun: back to the front of the line, or ended if it is stopping. */
void act_pool_call_back(struct act_worker_call *call);
/* Its number. */
uint32_t act_pool_worker_new(struct act_worker *worker);
void act_pool_worker_ready(struct act_worker *worker);
void act_pool_worker_recycled(struct act_worker *worker);
/* Its process is gone, its calls have been seen to. What its step returns. */
int act_pool_worker_gone(struct act_worker *worker, const struct act_process_exit *end);
/* Its actor was stopped while its process lived. */
void act_pool_worker_lost(struct act_worker *worker);

#endif
