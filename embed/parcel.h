/* A run on its way to the background: all that a keeper, and each coordinator that it starts, needs to
 * know. Goes over a socket between processes of one program, never to disk. Values of secrets are in
 * it only on the way to the keeper. */
#ifndef ACT_EMBED_PARCEL_H
#define ACT_EMBED_PARCEL_H

#include "embed/live.h"

/* The words behind which the program finds these two of its kinds; people do not start them. */
#define ACT_KEEPER_COMMAND "keeper"
#define ACT_COORDINATOR_COMMAND "coordinator"

struct act_parcel_how {
    struct act_str db;     /* the database's absolute path */
    struct act_str folder; /* absolute: of the run's outputs */
    enum act_durability durability;
    uint32_t slots;
    enum act_on_interrupt on_interrupt;
    bool fork;    /* a new run that takes over what row.from names */
    bool take_up; /* a stored run, which the first coordinator takes up in this way: */
    enum act_resume_mode mode;
    struct act_str from; /* see act_live_resume */
    bool take_quarantined;
    int64_t
        ns_offset; /* of the run's monotonic scale, from its first coordinator; 0: it has none */
};
/* live: new or loaded, gathered, not equipped. Without secrets: but for those that its events need, which are told by whoever
 * drives the run. Wipe it. */
void act_parcel_pack(struct act_buf *out, const struct act_live *live,
                     const struct act_parcel_how *how, bool with_secrets);
/* live is zeroed before and becomes a new run, with the secrets that are in it; how's texts live in its
 * arena. ACT_ERR_UNSUPPORTED: another version of actant has packed it. */
enum act_err act_parcel_unpack(struct act_str bytes, struct act_live *live,
                               struct act_parcel_how *how, struct act_error *err);

/* An error as the body of a FAIL frame. */
void act_parcel_error(struct act_buf *out, const struct act_error *err);
void act_parcel_read_error(struct act_str bytes, struct act_error *ret);

#endif
