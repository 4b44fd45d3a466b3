/* One worker process: its state, the calls that it has, what it says. The pool (pool.h) decides what
 * it gets; both live on the loop. */
#ifndef ACT_EXECUTORS_WORKER_WORKER_H
#define ACT_EXECUTORS_WORKER_WORKER_H

#include "base/map.h"
#include "executors/worker/frame.h"
#include "executors/worker/pool.h"

/* worker_states.def */
enum act_worker_state {
#define ACT_WORKER_STATE(name) ACT_WORKER_##name,
#include "executors/worker/worker_states.def"
#undef ACT_WORKER_STATE
};

enum act_call_state { ACT_CALL_QUEUED, ACT_CALL_SENT, ACT_CALL_BEGUN };

/* What is known of a function from its calls so far. */
struct act_function {
    char *name;
    bool known, beside; /* beside: it runs beside others */
    int64_t usual_ns;   /* a moving average of its calls; -1: it has not ended yet */
};
void act_function_took(struct act_function *function, int64_t ns);
/* So short that a worker may have the next call before it has ended this one. */
bool act_function_is_quick(const struct act_function *function);

struct act_worker_call {
    struct act_worker_pool *pool;
    struct act_worker *worker;           /* NULL: queued */
    struct act_worker_call *prev, *next; /* in the pool's queue or its worker's list */
    uint32_t id;                         /* within its worker */
    enum act_call_state state;
    struct act_function *function;
    char *context;
    struct act_buf request;
    bool alone, beside;
    bool revoking; /* it is asked back */
    bool stopping, has_kill_time;
    int64_t kill_ns;  /* when stopping: not before then */
    int64_t since_ns; /* since when in its state */
    const struct act_worker_call_watcher *watcher;
    void *watcher_self;
};

struct act_call_list {
    struct act_worker_call *first, *last;
    uint32_t count;
};
void act_call_list_add(struct act_call_list *list, struct act_worker_call *call);
void act_call_list_add_first(struct act_call_list *list, struct act_worker_call *call);
void act_call_list_remove(struct act_call_list *list, struct act_worker_call *call);

struct act_worker {
    struct act_worker_pool *pool;
    struct act_worker *next;
    uint32_t number;
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
    uint64_t done;          /* calls that ended here */
    uint64_t bytes;         /* memory, as it last said */
    bool was_ready;
    bool said_bye;
    bool mute;                       /* its descriptor is closed */
    int64_t heard_ns;                /* when it said something last */
    bool blamed, has_culprit;        /* it was killed, because of one call: */
    struct act_worker_call *culprit; /* this one, if it still has it */
    char why[256];                   /* what for; "" if it died by itself */
    struct act_buf tail;             /* what it printed last without having a call, for messages */
};

/* Launches one; its life is told to the pool by the functions below. */
struct act_worker *act_worker_create(struct act_worker_pool *pool, uint32_t number);
void act_worker_destroy(struct act_worker *worker);
void act_worker_send_call(struct act_worker *worker, struct act_worker_call *call);
/* A frame CANCEL or REVOKE about one of its calls. */
void act_worker_tell(struct act_worker *worker, enum act_frame_type type,
                     const struct act_worker_call *call);
/* BYE, once it has no calls. */
void act_worker_leave(struct act_worker *worker);
/* culprit may be NULL. */
void act_worker_kill(struct act_worker *worker, struct act_worker_call *culprit, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

/* ---- what the pool is told (pool.c) ---- */

const struct act_worker_pool_options *act_pool_options(const struct act_worker_pool *pool);
int64_t act_pool_now(const struct act_worker_pool *pool);
/* Around everything that comes from outside: what is to be done next is done at the last leave. */
void act_pool_enter(struct act_worker_pool *pool);
void act_pool_leave(struct act_worker_pool *pool);
void act_pool_call_ended(struct act_worker_call *call, const struct act_worker_end *end);
/* It had not begun: back to the front of the queue, or ended if it is stopping. */
void act_pool_call_back(struct act_worker_call *call);
void act_pool_worker_ready(struct act_worker *worker);
/* Its process is gone, its calls have been seen to; frees it. */
void act_pool_worker_gone(struct act_worker *worker, const struct act_process_exit *end);

#endif
