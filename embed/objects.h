/* Content kept once: the files of a run's artifacts are hard links to objects/<sha256>, beside the folders of
 * the runs, where links can be made; else files of their own. Nothing counts who uses an object: the file
 * system does. What one run has does not depend on the objects' folder: whoever removes an object that a run
 * is about to share takes nothing away from it. Any thread. */
#ifndef ACT_EMBED_OBJECTS_H
#define ACT_EMBED_OBJECTS_H

#include "base/error.h"
#include "base/sha256.h"

#include <stdatomic.h>

struct act_object_kept {
    char hash[2 * ACT_SHA256_BYTES + 1];
    uint64_t bytes;
    bool executable;
};
struct act_object_place {
    const char *objects;       /* the folder, made when needed; NULL: nothing is shared */
    bool durable;              /* what is kept is on the disk when the call returns */
    const _Atomic(bool) *stop; /* looked at now and then: ACT_ERR_SYSTEM */
};

/* Copies what fd reads, from its beginning, to the file `to` (which is not there yet), hashing it on the way,
 * read-only; holes stay holes. ACT_ERR_EXISTS: it changes while it is read. ACT_ERR_NO_SPACE, _SYSTEM. On
 * failure nothing is left at `to`. */
enum act_err act_object_keep(const struct act_object_place *place, int fd, const char *to,
                             struct act_object_kept *ret, struct act_error *err);
/* The file at path, which holds what kept says, becomes the object, or a link to it: to one that was read
 * first; what holds something else is an object no more. That it fails changes nothing for the file. */
void act_object_share(const struct act_object_place *place, const char *path,
                      const struct act_object_kept *kept);
/* What a file holds by now. */
enum act_err act_object_hash(const char *path, struct act_object_kept *ret, struct act_error *err);
/* The object of this hash (hex) was seen to hold something else: nobody shares it any more. */
void act_object_forget(const char *objects, struct act_str hash);
/* Removes objects that no run has any more; dry: none is. Gives the bytes. */
uint64_t act_objects_sweep(const char *objects, bool dry);

#endif
