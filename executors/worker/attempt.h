/* An attempt of a function task (python, plugin, call): what its worker says of it becomes output, a
 * result and an end, as the coordinator wants them. Common to all executors that call functions; which
 * pool a call goes to and what its request says is theirs. Used from the loop's thread. */
#ifndef ACT_EXECUTORS_WORKER_ATTEMPT_H
#define ACT_EXECUTORS_WORKER_ATTEMPT_H

#include "base/arena.h"
#include "engine/run/executor.h"
#include "executors/shell/output.h"
#include "executors/shell/secrets.h"
#include "executors/worker/pool.h"

/* What all attempts of an executor share; borrowed by each. */
struct act_attempts {
    struct act_loop *loop;
    struct act_blob_port *blobs;
    struct act_process_port *processes;
    struct act_secrets *secrets; /* NULL: none */
    struct act_output_limits limits;
    const char *what; /* what runs the function, in messages: "Python worker" */
    struct act_attempt *first;
    ACT_VEC(char *) suspects; /* idempotency keys of those to be run alone */
};
void act_attempts_fini(struct act_attempts *attempts); /* drops what is under way */

/* Made before its call; fail or call exactly once after that. */
struct act_attempt *act_attempt_create(struct act_attempts *attempts, const struct act_task *task,
                                       const struct act_attempt_watcher *watcher,
                                       void *watcher_self);
/* For texts that live as long as the attempt. */
struct act_arena *act_attempt_arena(struct act_attempt *attempt);
/* The file of $ACTANT_OUTPUT, read at the end; lent until then. */
void act_attempt_output_file(struct act_attempt *attempt, const char *path);
/* Ends it, from the loop, with cause start. */
void act_attempt_fail(struct act_attempt *attempt, const struct act_error *error);
/* function, request and context are borrowed for the call. */
void act_attempt_call(struct act_attempt *attempt, struct act_worker_pool *pool,
                      struct act_str function, struct act_str request, struct act_str context);
void act_attempt_stop(struct act_attempt *attempt, int64_t grace_ms);

/* What the executor of actors adds; static. */
struct act_attempt_extra {
    void (*on_state)(void *self, struct act_str bytes); /* a piece of the actor's state */
    /* FAIL came with this cause. True: act_attempt_call was called again instead of the end. */
    bool (*on_failed)(void *self, struct act_str cause);
    /* The last thing before the end is told. What is put into event (message: in the attempt's arena)
     * is released with it. */
    void (*on_end)(void *self, struct act_event *event, bool stopping);
};
void act_attempt_extra(struct act_attempt *attempt, const struct act_attempt_extra *extra,
                       void *self);

/* Appends value as JSON with secrets put in; large values by reference are loaded. */
enum act_err act_attempt_json(const struct act_attempts *attempts, const char *nonce,
                              const struct act_value *value, struct act_buf *out,
                              struct act_error *err);

#endif
