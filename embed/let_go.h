/* Why a node that ran cannot be retried by itself: the run machine keeps no items and turns that have
 * ended, the log does. */
#ifndef ACT_EMBED_LET_GO_H
#define ACT_EMBED_LET_GO_H

#include "engine/core/run.h"
#include "engine/port/store.h"

/* err says that run, which has been replayed, has no node of that name. If its log has one, err says what to
 * retry instead; else it stays as it is. */
void act_let_go_tell(struct act_store *store, const struct act_run *run, struct act_str id,
                     struct act_str name, struct act_error *err);

#endif
