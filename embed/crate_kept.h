/* The artifacts of a run on their way into a crate and out of one: files below "artifacts/", each with the hash
 * that the log has of it. */
#ifndef ACT_EMBED_CRATE_KEPT_H
#define ACT_EMBED_CRATE_KEPT_H

#include "base/map.h"
#include "base/sha256.h"
#include "base/vec.h"
#include "embed/stored.h"

struct act_crate_file {
    struct act_event_artifact is; /* texts are arena's */
    bool there;
};
struct act_crate_kept {
    struct act_arena arena;
    struct act_map by_name;
    ACT_VEC(struct act_crate_file) list;
    struct act_str folder;       /* of the run's files */
    const char *objects;         /* unpacking: where content is shared */
    bool bad;                    /* the log lists what is no such file */
    struct act_crate_file *file; /* unpacking: which, or NULL */
    int fd;                      /* its */
    uint64_t at;
    struct act_sha256 hash;
    uint64_t bytes; /* of all */
};

void act_crate_kept_fini(struct act_crate_kept *kept); /* a zeroed one is fine */
bool act_crate_kept_is(struct act_str name);
/* What the event names. For act_stored_events: self is the kept. */
void act_crate_kept_event(void *self, const struct act_event *event);

/* All of them, from stored's folder, into `to`. */
enum act_err act_crate_kept_pack(struct act_crate_kept *kept, struct act_stored *stored,
                                 struct act_store *to, struct act_error *err);
/* A part of one, in order. ACT_ERR_CORRUPT: it is not as the log says. */
enum act_err act_crate_kept_part(struct act_crate_kept *kept, struct act_str name, uint64_t offset,
                                 struct act_str bytes, struct act_error *err);
/* After all parts: is each of them there? */
enum act_err act_crate_kept_finish(struct act_crate_kept *kept, struct act_error *err);

#endif
