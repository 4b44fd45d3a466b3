/* What two runs did differently: spec, inputs, and node by node status, attempts, result, outputs, time. */
#ifndef ACT_ENGINE_VIEW_DIFF_H
#define ACT_ENGINE_VIEW_DIFF_H

#include "engine/view/view_text.h"

/* One side. blobs: of that run's folder. */
struct act_view_side {
    const struct act_view_document *doc;
    const struct act_view *view; /* finished */
    struct act_blob_port *blobs;
};

/* {"a", "b": {run, workflow, status, started_at, duration_ms}, "spec": {"same", "a", "b", "changes"},
 *  "params", "env": [{name, a, b}], "nodes": [{node, path, changes, a, b}]}; changes of the spec are
 *  view_spec.h's; env: the variables that expressions read; a side of a node is null or {status, cause,
 *  attempt, duration_ms, result, outputs}. Only what differs is listed; a duration differs
 *  from a factor of 1.5 and 100 ms on, and alone makes no difference between runs: *same (may be
 *  NULL) says whether there is another one. */
void act_view_diff_json(struct act_view_out *out, const struct act_view_side *a,
                        const struct act_view_side *b, bool *same);
void act_view_diff_text(struct act_view_out *out, const struct act_view_side *a,
                        const struct act_view_side *b, struct act_view_style style, bool *same);

#endif
