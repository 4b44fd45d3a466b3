/* What nodes with a `cache` ended with: found for those that begin, kept for those that come later. The run
 * machine asks {"cache": {scope, parts, keyed, files, max_age, anew}} (engine/core/cache_parts.c); what
 * the disk says of it may be read on any thread, the answer is made on the loop's:
 *   {"hit": {"run", "node", "at_ms"}, "result", "outputs", "keep": true}
 *   {"miss": why, "differs": [names of parts], "keep": may the end be kept?}
 * An entry that cannot be used, for whatever reason, is as if it were not there. */
#ifndef ACT_EMBED_CACHING_H
#define ACT_EMBED_CACHING_H

#include "engine/core/run.h"
#include "engine/port/blob.h"
#include "engine/port/store.h"

struct act_caching_options {
    struct act_store *store;     /* NULL: without history nothing is kept */
    struct act_blob_port *blobs; /* the run's */
    struct act_str run;          /* its id, and */
    struct act_str folder; /* where the top file stands (absolute); both outlive the caching */
    bool never;            /* nothing is reused; what ends well is kept all the same */
};
struct act_caching;
struct act_caching *act_caching_create(const struct act_caching_options *options);
void act_caching_destroy(struct act_caching *caching); /* NULL is nothing */

/* On any thread: {"files": {path: hash}, "values": {part: hash}}, the files found from folder (absolute),
 * large values in outputs, the run's folder. */
enum act_err act_caching_read(const struct act_value *question, struct act_str folder,
                              const char *outputs, struct act_value **ret, struct act_error *err);
/* Nothing of it stands on the disk: then read may be NULL without an error. */
bool act_caching_is_quick(const struct act_value *question);
/* read NULL: it could not be read, err says why. New reference. */
struct act_value *act_caching_answer(struct act_caching *caching, act_inst inst,
                                     const struct act_value *question, const struct act_value *read,
                                     const struct act_error *err);
/* For act_coord_options.keep; self: the caching. */
void act_caching_keep(void *self, const struct act_effect *effect);

#endif
