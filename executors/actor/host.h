/* What the executor of `call` needs of those who know a kind of worker process: Python's, plugins'. */
#ifndef ACT_EXECUTORS_ACTOR_HOST_H
#define ACT_EXECUTORS_ACTOR_HOST_H

#include "engine/core/run.h"
#include "executors/worker/pool.h"

struct act_actor_host;
struct act_actor_host_ops {
    /* A pool of one worker for the actor that task calls; the worker may go after idle_ms without a
     * call. */
    enum act_err (*open)(struct act_actor_host *self, const struct act_task *task,
                         struct act_worker_pool **ret, struct act_error *err);
    /* Appends the request of one call, as for a task of that kind: a JSON object that is not empty.
     * What is said of the actor is added by the caller. output: the file of $ACTANT_OUTPUT. */
    enum act_err (*request)(struct act_actor_host *self, const struct act_task *task,
                            const char *nonce, const char *output, struct act_buf *out,
                            struct act_error *err);
};
struct act_actor_host {
    const struct act_actor_host_ops *ops;
};

#endif
