/* What a new run takes over from a stored one: its facts, its files, the states of its actors. */
#ifndef ACT_EMBED_FORKING_H
#define ACT_EMBED_FORKING_H

#include "embed/stored.h"
#include "engine/core/fork.h"

struct act_forking {
    struct act_fork plan;
    struct act_arena arena;
    struct act_str run;             /* the old one's id */
    struct act_str folder;          /* of its files */
    struct act_value *started;      /* its RUN_STARTED's value */
    struct act_blob_port *blobs;    /* its files; borrowed from stored */
    ACT_VEC(struct act_str) actors; /* whose calls are all reused: their states are copied */
};
/* Reads the log of stored, which outlives ret (its store may be closed). node: an id or path.
 * ACT_ERR_UNSUPPORTED: an actor's state as it was at that node is not known. */
enum act_err act_forking_read(struct act_stored *stored, struct act_str node,
                              struct act_forking *ret, struct act_error *err);
void act_forking_fini(struct act_forking *forking); /* a zeroed one is fine */
/* Into the new run's folder, before its first event names them. */
enum act_err act_forking_bring(const struct act_forking *forking, struct act_blob_port *to,
                               struct act_str to_folder, struct act_error *err);
/* After a failure, code: a run that is gone by now is the reason for it. Gives the code that err has then. */
enum act_err act_forking_explain(const struct act_forking *forking, struct act_store *store,
                                 enum act_err code, struct act_error *err);
struct act_fork_states act_forking_states(const struct act_forking *forking);

#endif
