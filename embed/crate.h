/* A crate: one run as one file, which is a database with that run alone: its row, plan, log, states of
 * actors, and its files as rows. It holds what the run's history holds: parameters, results, outputs, what
 * was captured of the environment; never a secret, nor how secrets are found. */
#ifndef ACT_EMBED_CRATE_H
#define ACT_EMBED_CRATE_H

#include "embed/stored.h"

struct act_crate {
    struct act_str run;            /* id; arena's */
    uint64_t events, files, bytes; /* of files */
    bool already;                  /* import: it is there, nothing was done */
    bool moved; /* import: the folder it ran in is not here; tasks will run in the current one */
};

/* Writes it beside path under another name, then renames it. ACT_ERR_EXISTS: something stands at path and
 * replace is false, or it is a database that is no exported run. ACT_ERR_BUSY: it is one that somebody has open.
 * ACT_ERR_OWNED: the run is under way. path "-": standard output. */
enum act_err act_crate_export(struct act_stored *stored, struct act_str path, bool replace,
                              struct act_crate *ret, struct act_error *err);
/* Looks through all of it (is it one of ours, are plan, log and files whole, does the log replay to what
 * the list says) before anything of it is in store; then it is there, or not. path "-": standard input.
 * ACT_ERR_EXISTS: a run with this id is there and is another one. */
enum act_err act_crate_import(struct act_store *store, struct act_str path, struct act_arena *arena,
                              struct act_crate *ret, struct act_error *err);

#endif
