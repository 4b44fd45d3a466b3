/* Calls of a pool of workers, and what is known of the functions that they call. */
#ifndef ACT_EXECUTORS_WORKER_CALL_H
#define ACT_EXECUTORS_WORKER_CALL_H

#include "base/map.h"
#include "base/vec.h"
#include "executors/worker/pool.h"

/* QUEUED: in the pool's queue, and in the line of the runtime's pool, its mailbox, or on its way to a worker.
 * OVER: it ended, or will from the loop; a message may still name it. */
enum act_call_state { ACT_CALL_QUEUED, ACT_CALL_SENT, ACT_CALL_BEGUN, ACT_CALL_OVER };

/* What is known of a function from its calls so far. */
struct act_function {
    char *name;
    bool known, beside; /* beside: it runs beside others */
    int64_t usual_ns;   /* a moving average of its calls; -1: it has not ended yet */
};
void act_function_took(struct act_function *function, int64_t ns);
/* So short that a worker may have the next call before it has ended this one. */
bool act_function_is_quick(const struct act_function *function);

struct act_functions {
    ACT_VEC(struct act_function *) all;
    struct act_map by_name;
};
struct act_function *act_functions_get(struct act_functions *functions, struct act_str name);
void act_functions_fini(struct act_functions *functions);

struct act_worker;
struct act_worker_call {
    struct act_worker_pool *pool;        /* NULL: it was closed */
    struct act_worker *worker;           /* SENT, BEGUN */
    struct act_worker_call *prev, *next; /* in one of the pool's lists or its worker's */
    uint32_t messages;                   /* that name it */
    uint32_t id;                         /* within its worker */
    enum act_call_state state;
    struct act_function *function;
    char *context;
    struct act_buf request;
    bool alone, beside;
    bool revoking;             /* it is asked back */
    bool untold;               /* OVER: its end is told from the loop */
    bool stopping;             /* its caller wants it ended */
    bool asked, has_kill_time; /* its worker knows; what it does not do in time is done to it */
    int64_t kill_ns;           /* not before then */
    int64_t since_ns;          /* since when in its state */
    const struct act_worker_call_watcher *watcher;
    void *watcher_self;
};
/* Frees it, once no message names it. */
void act_call_release(struct act_worker_call *call);

struct act_call_list {
    struct act_worker_call *first, *last;
    uint32_t count;
};
void act_call_list_add(struct act_call_list *list, struct act_worker_call *call);
void act_call_list_remove(struct act_call_list *list, struct act_worker_call *call);

#endif
