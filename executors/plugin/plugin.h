/* The executor of `plugin`: tasks of shared libraries, in host processes or, with `isolation: thread`, in
 * threads of this one. One a run; used from the loop's thread. */
#ifndef ACT_EXECUTORS_PLUGIN_PLUGIN_H
#define ACT_EXECUTORS_PLUGIN_PLUGIN_H

#include "engine/port/blob.h"
#include "engine/port/link.h"
#include "engine/port/loop.h"
#include "engine/port/process.h"
#include "engine/run/executor.h"
#include "executors/actor/host.h"
#include "executors/plugin/find.h"
#include "executors/shell/environ.h"
#include "executors/shell/output.h"
#include "executors/shell/secrets.h"

/* Everything is borrowed and must outlive the executor, but the texts, which are copied. */
struct act_plugin_options {
    struct act_loop *loop;
    struct actant_system *system; /* whose loop it is */
    struct act_process_port *processes;
    struct act_link_port *links;
    struct act_blob_port *blobs;       /* the run's */
    const struct act_environ *environ; /* what tasks start with */
    struct act_secrets *secrets; /* NULL: none. Those of the run are known before the first start */
    const char *run_id;
    const char *dir;     /* the folder of the run's top file, absolute */
    const char *program; /* the actant that can be a host process; without '/': in PATH */
    struct act_plugin_places places;
    struct act_output_limits limits;
    uint32_t hosts_max;   /* of one library; 0: 64 */
    uint32_t threads_max; /* 0: 64 */
};
/* close drops attempts that are under way without telling anybody; host processes are killed. A thread
 * that does not come back within a second is left to itself with what it uses. */
struct act_executor *act_plugin_executor_create(const struct act_plugin_options *options);

/* For executors/actor: actors that are of plugins. Lives as long as the executor. */
struct act_actor_host *act_plugin_actor_host(struct act_executor *executor);

#endif
