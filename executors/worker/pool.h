/* A pool of worker processes of one kind, and the calls that they run. Used from the loop's thread;
 * nothing in it blocks.
 *
 * Each worker process is an actor (worker.h), a member of a pool of the actors' runtime, and a call is a
 * message to that pool: it goes to the least loaded worker that may take it, the pool grows and shrinks
 * between bounds and replaces a worker that died. What the runtime cannot know is said to it by a rule
 * (pool_rule.c): workers are started as calls wait, one call a worker unless its function is known to be quick (then a few are sent ahead, and taken back from a
 * worker that gets stuck) or to run beside others (asynchronous functions, if their context is the
 * same). A worker that had enough calls or memory is replaced. A worker that dies takes with it what it
 * had begun and nothing else: what it had not begun goes to another one. Workers that die before they
 * are ready, or crashes_max times in a row, are quarantined: calls are refused for a while.
 *
 * Invariants:
 * 1. A call is QUEUED (in the pool's queue; one message, at most, is on its way with it), SENT or BEGUN (in
 *    its worker's list, in the order sent).
 * 2. on_ended comes once, last, never from inside act_worker_call_start or _stop; the call is freed then.
 * 3. No call is sent twice unless the worker that had it said that it had not begun, or died so. */
#ifndef ACT_EXECUTORS_WORKER_POOL_H
#define ACT_EXECUTORS_WORKER_POOL_H

#include "engine/port/link.h"
#include "engine/port/loop.h"
#include "engine/port/process.h"
#include "executors/shell/environ.h"
#include "include/actant/actor.h"

/* Milliseconds; 0: what stands beside it. */
struct act_worker_times {
    int64_t start;       /* 60 s: from launch to READY */
    int64_t hang;        /* 60 s: it has a call to begin, runs none, and does not begin */
    int64_t leave;       /* 10 s: from BYE to its end */
    int64_t idle;        /* 60 s without a call: it is let go */
    int64_t grow;        /* 10: a call waited for this long, so another worker is started */
    int64_t backoff;     /* 50: before a worker is started after one that died; doubled each time */
    int64_t backoff_max; /* 5 s */
    int64_t quarantine;  /* 30 s */
};

/* Everything is borrowed and must outlive the pool, but texts and lists, which are copied. */
struct act_worker_pool_options {
    struct act_loop *loop;
    struct actant_system *system; /* whose loop it is; outlives the pool's actors, see close */
    struct act_process_port *processes;
    struct act_link_port *links;
    const char *name;               /* of a worker, in messages: "Python worker" */
    const char *const *argv;        /* NULL-terminated */
    const struct act_environ *base; /* the environment, and what is laid over it */
    const struct act_environ_item *env;
    size_t env_count;
    const char *cookie; /* with a number after it: the ACTANT_ATTEMPT_ID of a worker */
    const char *dir;
    /* A descriptor for standard input, handed over with each start; NULL or -1: /dev/null. */
    int (*open_stdin)(void *self);
    void *open_stdin_self;
    struct act_str hello; /* the body of HELLO */
    bool control;         /* it has a second descriptor, for frames of direction CONTROL */
    uint32_t warm;        /* workers that are started at once; at most workers_max */
    uint32_t workers_max; /* 0: 1 */
    uint32_t ahead_max;   /* quick calls that one worker may have; 0: 1, none are sent ahead */
    uint32_t beside_max;  /* calls that may go on beside each other in one worker; 0: 1 */
    uint64_t recycle_calls, recycle_bytes; /* 0: never */
    uint32_t crashes_max;                  /* 0: crashes during calls do not quarantine */
    struct act_worker_times times;
};
struct act_worker_pool;
struct act_worker_pool *act_worker_pool_create(const struct act_worker_pool_options *options);
/* Calls under way are dropped without telling anybody, workers are killed. Inside a step, too. Its actors end in
 * the system's next turn, or with the system; they touch nothing that was borrowed any more. */
void act_worker_pool_close(struct act_worker_pool *pool);

enum act_worker_end_type {
    ACT_WORKER_RESULT,  /* body: the rest of the result's JSON, after the PARTs */
    ACT_WORKER_FAIL,    /* body: a JSON object, see FAIL in frames.def */
    ACT_WORKER_DIED,    /* the worker died, or had to be killed, because of this call */
    ACT_WORKER_LOST,    /* the worker died while this and others were under way in it, or because of
                           another one */
    ACT_WORKER_STOPPED, /* stopped before it had begun */
    ACT_WORKER_REFUSED, /* no worker could be had: message */
};
/* Texts are lent for the call. */
struct act_worker_end {
    enum act_worker_end_type type;
    struct act_str body;
    const struct act_process_exit *exit; /* DIED, LOST: of the worker */
    struct act_str message;              /* REFUSED; DIED: why it was killed, or "" */
    bool suspect; /* LOST: it may have been this call's doing: run it alone next time */
};
struct act_worker_call;
struct act_worker_call_watcher {
    void (*on_begun)(void *self, int pid);
    void (*on_log)(void *self, enum act_stream stream, struct act_str bytes);
    void (*on_progress)(void *self, struct act_str json);
    void (*on_outputs)(void *self, struct act_str json);
    void (*on_state)(void *self, struct act_str bytes);
    /* A piece of the result. False: no more of it is wanted, the worker is killed. */
    bool (*on_part)(void *self, struct act_str bytes);
    void (*on_ended)(void *self, const struct act_worker_end *end);
};
/* Borrowed until start has returned. */
struct act_worker_call_spec {
    struct act_str function; /* what was learned of it is remembered under this name */
    struct act_str request;  /* the body of CALL after the number */
    struct act_str context;  /* calls that go on beside each other have the same one */
    bool alone;              /* never beside or behind another call */
    const struct act_worker_call_watcher
        *watcher; /* static; each function may be NULL but on_ended */
    void *watcher_self;
};
struct act_worker_call *act_worker_call_start(struct act_worker_pool *pool,
                                              const struct act_worker_call_spec *spec);
/* Asks it to stop; after grace_ms its worker is killed. Called again: now. on_ended follows. */
void act_worker_call_stop(struct act_worker_call *call, int64_t grace_ms);

struct act_worker_pool_counts {
    uint32_t workers, ready, queued, under_way;
    uint64_t started, died, recycled, ended; /* workers, workers, workers, calls */
};
void act_worker_pool_counts(const struct act_worker_pool *pool, struct act_worker_pool_counts *ret);

#endif
