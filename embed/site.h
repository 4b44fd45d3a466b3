/* Where ports meet their adapters, second half: what one run has for itself: the files of its outputs,
 * its tasks' environment, its executors. Lives on the loop's thread. */
#ifndef ACT_EMBED_SITE_H
#define ACT_EMBED_SITE_H

#include "base/value.h"
#include "dsl/plan.h"
#include "embed/compose.h"
#include "embed/executors.h"

/* What tasks start with; borrowed while act_site_open runs, but for secrets and plan, which outlive the
 * site. */
struct act_surroundings {
    struct act_str run;
    const struct act_plan *plan; /* says which executors are wanted */
    struct act_str folder;       /* absolute: the top file's; `dir` is relative to it */
    bool clean_env;
    const struct act_str *env_names; /* let through in spite of it */
    uint32_t env_name_count;
    struct act_secrets *secrets; /* or NULL */
    const char
        *outputs; /* the folder of its outputs; NULL: the store's, else one that goes with it */
    bool far;     /* its attempts run in another process: no executors */
    struct actant_system *system; /* of the run's actors; outlives the site */
    struct act_executor **python; /* see embed/executors.h */
};

struct act_site {
    const struct act_engine *engine; /* borrowed */
    struct act_arena arena;          /* the texts */
    struct act_blob_port *blobs;
    struct act_environ *environment;
    struct act_executors executors; /* of the kinds that the plan has */
    const char *scratch;            /* removed at the end; NULL: none */
};
/* engine outlives the site. */
enum act_err act_site_open(const struct act_engine *engine, const struct act_surroundings *around,
                           struct act_site *ret, struct act_error *err);
/* Before the engine; a zeroed one is fine. */
void act_site_close(struct act_site *site);

/* {NAME: text} for those of names that tasks' environment has. */
struct act_value *act_site_capture(const struct act_site *site, const struct act_value *names);
/* For the coordinator: ends what is left of an attempt of an earlier life. self: the site. */
uint32_t act_site_end_leftovers(void *self, struct act_str attempt_id);

#endif
