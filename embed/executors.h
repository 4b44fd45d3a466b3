/* Which executor runs the tasks of which kind: the table to which a new family of executors adds a row
 * (executors.c), and what is made of it for one run. */
#ifndef ACT_EMBED_EXECUTORS_H
#define ACT_EMBED_EXECUTORS_H

#include "dsl/plan.h"
#include "engine/port/blob.h"
#include "engine/port/link.h"
#include "engine/port/loop.h"
#include "engine/port/process.h"
#include "engine/run/router.h"
#include "executors/shell/environ.h"
#include "executors/shell/secrets.h"

struct act_hosting;

/* What an executor may be made with. All of it is borrowed and outlives the executor. */
struct act_executor_place {
    struct act_loop *loop;
    struct actant_system *system; /* whose loop it is; outlives them */
    struct act_executor *
        *python; /* one that was started ahead, or NULL; NULL there when it is taken */
    struct act_process_port *processes;
    struct act_link_port *links;
    struct act_blob_port *blobs; /* the run's */
    const struct act_environ *environ;
    struct act_secrets *secrets;
    const struct act_plan *plan;
    const struct act_hosting *hosting; /* or NULL */
    const char *run_id;
    const char *folder;              /* the top file's, absolute */
    const struct act_router *others; /* those made so far; set by act_executors_open */
};

#define ACT_EXECUTORS_MAX ACT_ROUTER_SIZE

/* A run's executors and who runs what. */
struct act_executors {
    struct act_executor *owned[ACT_EXECUTORS_MAX];
    uint32_t count;
    struct act_router router;
};
/* Makes those that have a kind of the plan. One that cannot be made fails it all. */
enum act_err act_executors_open(const struct act_executor_place *place, struct act_executors *ret,
                                struct act_error *err);
void act_executors_close(struct act_executors *executors); /* a zeroed one is fine */

#endif
