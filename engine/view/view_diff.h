/* What two runs did differently: spec, parameters, and node by node status, attempts, result, time. */
#ifndef ACT_ENGINE_VIEW_DIFF_H
#define ACT_ENGINE_VIEW_DIFF_H

#include "engine/view/view_text.h"

/* One side. blobs: of that run's folder. */
struct act_view_side {
    const struct act_view_document *doc;
    const struct act_view *view; /* finished */
    struct act_blob_port *blobs;
};

/* {"a", "b": {run, workflow, status, started_at, duration_ms}, "spec": {"same", "a", "b"},
 *  "params": [{name, a, b}], "nodes": [{node, path, changes, a, b}]}; a side of a node is null or
 *  {status, cause, attempt, duration_ms, result}. Only what differs is listed; a duration differs
 *  from a factor of 1.5 and 100 ms on, and alone makes no difference between runs: *same (may be
 *  NULL) says whether there is another one. */
void act_view_diff_json(struct act_view_out *out, const struct act_view_side *a,
                        const struct act_view_side *b, bool *same);
void act_view_diff_text(struct act_view_out *out, const struct act_view_side *a,
                        const struct act_view_side *b, struct act_view_style style, bool *same);

#endif
