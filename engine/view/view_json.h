/* Views as JSON, in the shapes of DESIGN's "Command line". */
#ifndef ACT_ENGINE_VIEW_JSON_H
#define ACT_ENGINE_VIEW_JSON_H

#include "engine/port/store.h"
#include "engine/view/view.h"
#include "engine/view/view_out.h"

/* What `run --json`, `resume --json` … print when a run has ended or was suspended. What is not known
 * is empty, NULL or, for dirty, -1. Everything is borrowed. */
struct act_view_document {
    struct act_str run, workflow, status;
    const struct act_value *result, *outputs, *error, *from;
    const struct act_blob *result_blob; /* instead of result: the output that it stands in */
    enum act_output result_mode;
    uint32_t tolerated;
    int64_t started_ms, duration_ms;
    uint64_t
        at_seq; /* the run as it stood after this event, 0: as it is now; and that event's time */
    int64_t at_ms;
    struct act_str plan_hash, path, commit;
    int dirty;
};
/* What the store and the records know. view must be finished; NULL: only the row. row->spec may
 * carry "commit" and "dirty". */
void act_view_document_fill(struct act_view_document *doc, const struct act_run_row *row,
                            const struct act_view *view);
/* One document and a line feed; with "nodes" if view is given (`history show`). */
void act_view_document_json(struct act_view_out *out, const struct act_view_document *doc,
                            const struct act_view *view);
/* What an entry's artifacts are there: {NAME: {path, bytes, files: [{path, sha256, bytes, mode}]}}; path: in the
 * view's folder. found may be NULL. New reference. */
struct act_value *act_view_artifacts(const struct act_view *view, const struct act_value *found);
/* One node, as it stands in "nodes". */
void act_view_entry_json(struct act_view_out *out, const struct act_view *view,
                         const struct act_view_entry *entry);
/* {"runs": [{run, workflow, status, started_at}]} */
void act_view_list_json(struct act_view_out *out, const act_run_rows *rows);

#endif
