/* A run in the database, for the commands that look at it. */
#ifndef ACT_CLI_STORED_H
#define ACT_CLI_STORED_H

#include "cli/cli.h"
#include "dsl/plan.h"
#include "engine/port/blob.h"
#include "engine/port/store.h"
#include "engine/view/view.h"

struct act_stored {
    struct act_store *store;
    struct act_run_row row;
    struct act_plan *plan;
    struct act_blob_port *blobs;
    struct act_view view;
    bool viewed;
};
/* Finds run (an id, a unique beginning of it, `last`) and reads its plan. read_only: nothing will be
 * written. */
enum act_err act_stored_open(struct act_cli *cli, struct act_str run, bool read_only,
                             struct act_stored *ret, struct act_error *err);
/* Reads its records, from the beginning; again to bring them up to date. */
enum act_err act_stored_view(struct act_stored *stored, struct act_error *err);
void act_stored_close(struct act_stored *stored);
bool act_stored_ended(struct act_str status); /* succeeded, failed, cancelled */

#endif
