/* The run's JSON document (`run --json`, `resume --json`, …). */
#ifndef ACT_CLI_DOCUMENT_H
#define ACT_CLI_DOCUMENT_H

#include "engine/core/run.h"
#include "engine/port/store.h"
#include "engine/view/view_out.h"

/* One JSON object and a line feed: {"run", "workflow", "status", "result", "outputs", "tolerated",
 * "started_at", "duration_ms", "spec": {"hash", "path", "commit", "dirty"}, "from", "error"}. Large
 * results are streamed from where they lie. */
void act_document_write(struct act_view_out *out, const struct act_run_row *row,
                        const struct act_outcome *outcome);
/* Its `error` member, from the machine's error mapping (NULL: null); a new reference. */
struct act_value *act_document_error(const struct act_value *error);

#endif
