/* The executor of `python`: functions of the user's own, called in warm worker processes of the user's
 * own interpreter ($ACTANT_PYTHON, else $VIRTUAL_ENV/bin/python, else python3 from PATH). One a run;
 * used from the loop's thread. A folder that tasks start in (`dir`) has a pool of its own, since
 * modules are found there. docs/python.md says what a function may count on. */
#ifndef ACT_EXECUTORS_PYTHON_PYTHON_H
#define ACT_EXECUTORS_PYTHON_PYTHON_H

#include "engine/port/blob.h"
#include "executors/actor/host.h"
#include "executors/shell/environ.h"
#include "executors/shell/output.h"
#include "executors/shell/secrets.h"
#include "executors/worker/pool.h"

#include "engine/run/executor.h"

/* What may be set; zeros are the defaults. */
struct act_python_settings {
    uint32_t workers_max;   /* processes a folder; 0: as many as -j lets run at once */
    uint64_t recycle_calls; /* a worker is replaced after so many; 0: never */
    uint64_t recycle_bytes; /* … when it holds so much memory; 0: never */
    uint64_t memory_bytes;  /* more than that a worker does not get; 0: no bound */
};
/* From ACTANT_PYTHON_WORKERS, _RECYCLE_CALLS, _RECYCLE_BYTES, _MEMORY_BYTES (k, M and G may follow the
 * number). ACT_ERR_USAGE names the one that cannot be read. */
enum act_err act_python_settings_read(struct act_python_settings *ret, struct act_error *err);

/* Everything is borrowed and must outlive the executor, but the texts, which are copied. */
struct act_python_options {
    struct act_loop *loop;
    struct actant_system *system; /* whose loop it is */
    struct act_process_port *processes;
    struct act_link_port *links;
    struct act_blob_port *blobs;       /* the run's */
    const struct act_environ *environ; /* what tasks start with */
    struct act_secrets *secrets;       /* NULL: none */
    const char *run_id;
    const char *dir; /* the folder of the run's top file, absolute */
    struct act_output_limits limits;
    struct act_python_settings settings;
    bool cold; /* no worker is started before one is needed */
};
/* Starts a worker at once, unless cold. close drops what is under way without telling anybody. */
struct act_executor *act_python_executor_create(const struct act_python_options *options);

/* One that was created before all of options was known (secrets, limits, where outputs lie) goes on with them.
 * False: it is for another folder or environment, or has other settings, and is as it was. */
bool act_python_executor_take_up(struct act_executor *executor,
                                 const struct act_python_options *options);

/* For executors/actor: actors that are Python classes. Lives as long as the executor. */
struct act_actor_host *act_python_actor_host(struct act_executor *executor);

#endif
