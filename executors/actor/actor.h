/* The executor of `call`: methods of stateful actors. Each actor has a worker process of its own, made
 * when it is first called, and let go after it was idle for as long as it says; the object lives there
 * from call to call. A call brings the state that it begins with (engine/run/callees.h); it is handed to
 * the process only if that does not hold that very version. What the call made of it comes back with
 * its end. After a failure the process forgets the object, and the next call brings the state of before.
 *
 * The coordinator sees to it that an actor has one call at a time. One executor a run; the loop's
 * thread. */
#ifndef ACT_EXECUTORS_ACTOR_ACTOR_H
#define ACT_EXECUTORS_ACTOR_ACTOR_H

#include "engine/port/blob.h"
#include "engine/port/loop.h"
#include "engine/port/process.h"
#include "engine/run/executor.h"
#include "executors/actor/host.h"
#include "executors/shell/output.h"
#include "executors/shell/secrets.h"

#define ACT_ACTOR_STATE_MAX ((size_t)16 << 20)

/* Borrowed, outliving the executor. */
struct act_actor_options {
    struct act_loop *loop;
    struct act_process_port *processes;
    struct act_blob_port *blobs;
    struct act_secrets *secrets;            /* NULL: none */
    struct act_actor_host *python, *plugin; /* NULL: nobody hosts them */
    struct act_output_limits limits;
    uint32_t awake_max; /* so many actors have a process at once; 0: 32. The least recently called
                           one that is idle goes to sleep for another */
};
struct act_executor *act_actor_executor_create(const struct act_actor_options *options);

#endif
