/* Inside of the plugin executor: libraries as they are used, and attempts, whatever home they have. */
#ifndef ACT_EXECUTORS_PLUGIN_ATTEMPT_H
#define ACT_EXECUTORS_PLUGIN_ATTEMPT_H

#include "base/map.h"
#include "executors/actor/host.h"
#include "executors/plugin/library.h"
#include "executors/plugin/plugin.h"
#include "executors/plugin/result.h"
#include "executors/plugin/threads.h"
#include "executors/worker/pool.h"

/* A library that a task was asked of. */
struct act_plugin_use {
    char *name;
    enum act_err code; /* of the search; error says why */
    struct act_error error;
    char *path;
    struct act_worker_pool *pool;      /* made for the first isolated call */
    struct act_plugin_library *loaded; /* into this process, for the first call in a thread */
    bool load_failed;                  /* error says why */
};

struct act_thread_call;
struct act_plugin_executor {
    struct act_executor executor; /* first */
    uint32_t magic;
    struct act_plugin_options options;
    uint64_t result_max;
    struct act_arena arena; /* texts of options */
    struct act_map names;   /* → index in uses */
    ACT_VEC(struct act_plugin_use *) uses;
    struct act_attempt *attempts;       /* under way */
    struct act_attempt *spare_attempts; /* to be used again, through next */
    struct act_plugin_threads *threads; /* made for the first call in a thread */
    struct act_thread_call *spare;      /* to be used again */
    struct act_actor_host actors;
    uint32_t actor_count;              /* pools made for actors */
    struct act_thread_call *under_way; /* in threads, given up ones too */
    const char *const *environ; /* what tasks start with, for calls in threads; NULL: not yet */
};

/* Invariant: until on_ended exactly one of worker, thread and due is set. */
struct act_attempt {
    struct act_plugin_executor *executor;
    struct act_attempt_watcher watcher;
    void *watcher_self;
    struct act_attempt *next, **back;
    char *attempt_id;
    struct act_str target;      /* "library:task", in the plan */
    struct act_plugin_use *use; /* NULL: there is none */
    int64_t grace_ms;
    bool stopping;

    struct act_worker_call *worker;
    struct act_thread_call *thread;
    struct act_timer *due;        /* its end is told from the loop */
    struct act_timer *give_up_at; /* of a thread that is to stop */

    struct act_output_capture capture;
    struct act_plugin_result result; /* of a host process */
    bool has_result;
    struct act_event event; /* how it ends; its message lives in message, its error is owned */
    struct act_buf message;
};

/* The library of that name; its code says whether it is there. */
struct act_plugin_use *act_plugin_find_use(struct act_plugin_executor *executor,
                                           struct act_str name);
/* Sets how it ends; the first one counts. type may be "". */
void act_plugin_attempt_fail(struct act_attempt *attempt, enum act_cause cause, const char *type,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));
/* An error as a failure: message and hint. */
void act_plugin_attempt_fail_error(struct act_attempt *attempt, enum act_cause cause,
                                   const char *type, const struct act_error *error);
/* last: what is left of its result. What is no result is a failure. */
void act_plugin_attempt_end_well(struct act_attempt *attempt, struct act_str last);
bool act_plugin_attempt_failed(const struct act_attempt *attempt);
/* What it wrote, or said of its progress. */
void act_plugin_attempt_log(struct act_attempt *attempt, enum act_stream stream,
                            struct act_str bytes);
void act_plugin_attempt_progress(struct act_attempt *attempt, double done, struct act_str what);
/* Named outputs: takes map. What holds a secret is null. */
void act_plugin_attempt_outputs(struct act_attempt *attempt, struct act_value *map);
/* Tells the watcher and frees it. Not from inside start. */
void act_plugin_attempt_end(struct act_attempt *attempt);
void act_plugin_attempt_free(struct act_attempt *attempt);
const struct act_mask_table *act_plugin_mask(const struct act_plugin_executor *executor);

/* Both start functions: ACT_ERR_EVAL for arguments that do not fit; others: it cannot be started. */

/* ---- isolated.c: in a host process ---- */
/* actor: NULL, or the actor for which it is: then it has one process. */
struct act_worker_pool *act_plugin_pool(struct act_plugin_executor *executor,
                                        const struct act_plugin_use *use,
                                        const struct act_plan_actor *actor);
/* Appends what a host process is asked. */
enum act_err act_plugin_request(const struct act_plugin_executor *executor,
                                const struct act_task *task, struct act_str name, const char *nonce,
                                struct act_buf *out, struct act_error *err);
enum act_err act_plugin_isolated_start(struct act_attempt *attempt, const struct act_task *task,
                                       struct act_str name, const char *nonce,
                                       struct act_error *err);
void act_plugin_isolated_stop(struct act_attempt *attempt, int64_t grace_ms);

/* ---- actors.c: actors in host processes of their own ---- */
extern const struct act_actor_host_ops act_plugin_actor_ops;

/* ---- thread.c: in a thread of this process ---- */
enum act_err act_plugin_thread_start(struct act_attempt *attempt, const struct act_task *task,
                                     struct act_str name, const char *nonce, struct act_error *err);
void act_plugin_thread_stop(struct act_attempt *attempt, int64_t grace_ms);
/* Ends the threads; false: some did not come back, and libraries must stay loaded. */
bool act_plugin_thread_close(struct act_plugin_executor *executor);

#endif
