/* Is a stored run what it was? */
#ifndef ACT_EMBED_VERIFY_H
#define ACT_EMBED_VERIFY_H

#include "embed/stored.h"

struct act_verified {
    uint64_t events; /* that are whole */
    uint64_t seq;    /* of the first that is not */
    bool over;       /* the run has ended: nothing can be missing behind the last event */
};
/* The plan against its hash; the hash chain; every record against what the machine makes of the facts today;
 * the list's status against the log's end; that each file that an event names is there, and long enough.
 * ACT_ERR_CORRUPT: what is wrong, at event ret->seq. */
enum act_err act_verify(struct act_stored *stored, struct act_verified *ret, struct act_error *err);

#endif
