/* What runs the attempts of leaf tasks. One executor a family of kinds (shell: run and exec). Used
 * from the loop's thread. The engine knows executors only through this table. */
#ifndef ACT_ENGINE_RUN_EXECUTOR_H
#define ACT_ENGINE_RUN_EXECUTOR_H

#include "engine/core/run.h"

struct act_attempt; /* one attempt under way, owned by the executor until on_ended has returned */

/* What happened, told to the coordinator. Texts are borrowed for the call. */
struct act_attempt_watcher {
    void (*on_started)(void *self, struct act_attempt *attempt, int pid);
    /* Bytes of output so far, for the live tail; masked. */
    void (*on_output)(void *self, struct act_attempt *attempt, int stream, struct act_str bytes);
    /* Once, last. event has cause, exit_code, signal, out, err, order, outputs, message, flag, and of
     * functions value (the result) and error ({type, traceback, …}) filled in; output the whole standard output if it is at most 64 KiB (have_output). */
    void (*on_ended)(void *self, struct act_attempt *attempt, const struct act_event *event,
                     bool have_output, struct act_str output);
};

struct act_executor;
struct act_executor_ops {
    struct act_attempt *(*start)(struct act_executor *self, const struct act_task *task,
                                 const char *secret_nonce,
                                 const struct act_attempt_watcher *watcher, void *watcher_self);
    /* TERM to all of it, KILL after grace_ms; called again: KILL now. on_ended follows. */
    void (*stop)(struct act_attempt *attempt, int64_t grace_ms);
    void (*close)(struct act_executor *self);
};
struct act_executor {
    const struct act_executor_ops *ops;
};

#endif
