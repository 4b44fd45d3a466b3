/* Collecting artifacts: what a node's paths mean is copied from its folder into the run's. Any thread. */
#ifndef ACT_EMBED_COLLECT_H
#define ACT_EMBED_COLLECT_H

#include "base/value.h"
#include "embed/objects.h"

struct act_collecting {
    struct act_str from;           /* the folder that the paths are relative to */
    const struct act_value *paths; /* NAME → path or glob */
    struct act_str run_folder;     /* made if need be */
    struct act_str attempt;        /* names the folder within it: artifacts/<attempt> */
    struct act_object_place place;
};
/* What act_artifacts_collect of engine/core/artifacts.c reads. Whatever an earlier call left for the same
 * attempt is gone then. What cannot be kept stands in `missing`; an error means that nothing was done. */
enum act_err act_collect(const struct act_collecting *what, struct act_value **ret,
                         struct act_error *err);
/* A file of a run's folder, under the name `as` in another one's: a link, or a copy of it. */
enum act_err act_collect_bring(struct act_str from, struct act_str file, struct act_str to,
                               struct act_str as, struct act_error *err);
/* Makes the folders that file, within folder, lies in. errno, or 0. */
int act_collect_folders(struct act_str folder, struct act_str file);

#endif
