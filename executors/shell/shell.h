/* The executor of `run` and `exec`. One a run; used from the loop's thread. */
#ifndef ACT_EXECUTORS_SHELL_SHELL_H
#define ACT_EXECUTORS_SHELL_SHELL_H

#include "engine/port/blob.h"
#include "engine/port/loop.h"
#include "engine/port/process.h"
#include "engine/run/executor.h"
#include "executors/shell/environ.h"
#include "executors/shell/output.h"
#include "executors/shell/secrets.h"

/* Everything is borrowed and must outlive the executor, but the texts, which are copied. */
struct act_shell_options {
    struct act_loop *loop;
    struct act_process_port *processes;
    struct act_blob_port *blobs;       /* the run's */
    const struct act_environ *environ; /* what tasks start with */
    struct act_secrets *secrets; /* NULL: none. Those of the run are known before the first start */
    const char *run_id;
    const char
        *dir; /* the folder of the run's top file, absolute: what a task's dir is relative to */
    const char *scratch; /* where a folder for $ACTANT_OUTPUT and script files is made; NULL:
                            $XDG_RUNTIME_DIR, $TMPDIR or /tmp */
    struct act_output_limits limits;
    bool always_shell; /* never skip the shell: for comparisons */
};
/* close drops attempts that are under way without telling anybody; their processes are killed when
 * the process port is closed, and until then the loop must not run again. */
struct act_executor *act_shell_executor_create(const struct act_shell_options *options);

/* Ends what is left of an attempt of an earlier life of the run; how many processes there were. */
uint32_t act_shell_kill_attempt(struct act_process_port *processes, struct act_str attempt_id);

#endif
