/* What nodes with a `cache` ended with: found for those that begin, kept for those that come later. The run
 * machine asks {"cache": {scope, parts, keyed, files, max_age, anew}} (engine/core/cache_parts.c); what
 * the disk says of it may be read on any thread, the answer is made on the loop's:
 *   {"hit": {"run", "node", "at_ms"}, "result", "outputs", "found", "keep": true}
 *   {"miss": why, "differs": [names of parts], "keep": may the end be kept?}
 * found: artifacts, as act_artifacts_collect of engine/core/artifacts.c reads them.
 * An entry that cannot be used, for whatever reason, is as if it were not there. */
#ifndef ACT_EMBED_CACHING_H
#define ACT_EMBED_CACHING_H

#include "engine/core/run.h"
#include "engine/port/blob.h"
#include "engine/port/loop.h"
#include "engine/port/store.h"

#include <stdatomic.h>

struct act_caching_options {
    struct act_store *store;     /* NULL: without history nothing is kept */
    struct act_loop *loop;       /* outlives the caching */
    struct act_blob_port *blobs; /* the run's */
    struct act_str run;          /* its id, and */
    struct act_str folder;       /* where the top file stands (absolute), and */
    struct act_str
        file;   /* which it is (what is no path came from no file); all outlive the caching */
    bool never; /* nothing is reused; what ends well is kept all the same */
};
struct act_caching;
struct act_caching *act_caching_create(const struct act_caching_options *options);
/* Keeps what is still to be kept. NULL is nothing. */
void act_caching_destroy(struct act_caching *caching);

/* On any thread: {"files": {path: hash}, "values": {part: hash}}, the files found from folder (absolute),
 * large values in outputs, the run's folder. */
enum act_err act_caching_read(const struct act_value *question, struct act_str folder,
                              const char *outputs, struct act_value **ret, struct act_error *err);
/* Nothing of it stands on the disk: then read may be NULL without an error. */
bool act_caching_is_quick(const struct act_value *question);
/* read NULL: it could not be read, err says why; folder: as act_caching_read had it. New reference; the answer is good at once, or, if
 * act_caching_from gives a folder, once the artifacts that it names are this run's own. */
struct act_value *act_caching_answer(struct act_caching *caching, act_inst inst,
                                     const struct act_value *question, struct act_str folder,
                                     const struct act_value *read, const struct act_error *err);
struct act_str act_caching_from(const struct act_caching *caching, act_inst inst);

/* Links (copies, where there can be none) what found names from a run's folder into another one, under the name of
 * the attempt that reuses it, and reads it all: what is not what it says is an error, and then nothing is
 * left there. On any thread; found is nobody else's meanwhile. ret: found with the new paths. */
struct act_caching_files {
    struct act_str from, to, attempt; /* the runs' folders, absolute */
    struct act_str objects;           /* as act_answers_options has it */
    bool durable;
    const _Atomic(bool) *stop; /* nobody waits any more; may be NULL */
};
enum act_err act_caching_bring(const struct act_caching_files *what, const struct act_value *found,
                               struct act_value **ret, struct act_error *err);
/* The answer (taken over) whose artifacts were brought; err: they were not, and another entry may do. As
 * act_caching_answer. */
struct act_value *act_caching_brought(struct act_caching *caching, act_inst inst,
                                      const struct act_value *question, struct act_value *answer,
                                      const struct act_value *brought, const struct act_error *err);
/* For act_coord_options.keep; self: the caching. */
void act_caching_keep(void *self, const struct act_effect *effect);

#endif
