/* A run in the database, for who looks at it. */
#ifndef ACT_EMBED_STORED_H
#define ACT_EMBED_STORED_H

#include "dsl/plan.h"
#include "engine/port/blob.h"
#include "engine/port/store.h"
#include "engine/view/view.h"

struct act_view_out;

struct act_stored {
    struct act_store *store; /* borrowed */
    struct act_arena arena;  /* row's texts */
    struct act_run_row row;
    struct act_plan *plan;
    struct act_blob_port *blobs;
    struct act_view view;
    bool viewed;
};
/* Finds run (an id, a unique beginning of it, `last`) and reads its plan. store outlives stored. */
enum act_err act_stored_open(struct act_store *store, struct act_str run, struct act_stored *ret,
                             struct act_error *err);
/* Reads its records, from the beginning; again to bring them up to date. */
enum act_err act_stored_view(struct act_stored *stored, struct act_error *err);
/* Its records as they stood after event `seq`, and the row's status and times with them. Before any other
 * view of it. ACT_ERR_USAGE: there is no such event. */
enum act_err act_stored_view_at(struct act_stored *stored, uint64_t seq, struct act_error *err);
/* For a view: where its large values lie. NULL: nowhere, it is an exported run that is looked into, whose files are
 * rows. */
struct act_blob_port *act_stored_outputs(const struct act_stored *stored);
/* What `history show --json` prints. After act_stored_view. */
void act_stored_json(const struct act_stored *stored, struct act_view_out *out);
/* Calls fn for each event from sequence number `from` on, in order; lent for the call. */
enum act_err act_stored_events(struct act_stored *stored, uint64_t from,
                               void (*fn)(void *self, const struct act_event *event), void *self,
                               struct act_error *err);
void act_stored_close(struct act_stored *stored);
bool act_stored_ended(struct act_str status); /* succeeded, failed, cancelled */

#endif
