/* Where a crate is made or unpacked: a folder of its own, removed at the end, with a database in it. */
#ifndef ACT_EMBED_CRATE_BOX_H
#define ACT_EMBED_CRATE_BOX_H

#include "base/str.h"
#include "engine/port/store.h"

struct act_crate_box {
    struct act_buf folder, db;
    struct act_store *store;
};

/* beside: a file in whose folder it is made; empty: where temporary files are. */
enum act_err act_crate_box_make(struct act_crate_box *box, struct act_str beside,
                                struct act_error *err);
enum act_err act_crate_box_open(struct act_crate_box *box, bool read_only, struct act_error *err);
void act_crate_box_fini(struct act_crate_box *box); /* a zeroed one is fine */

/* All bytes from one place to the other; "-" is standard input or output. to is synced, if it is a file. */
enum act_err act_crate_copy(const char *from, const char *to, struct act_error *err);

/* What is the sender's own is left out, by who packs and by who unpacks: how secrets are found, and who is
 * told of events. The caller's. */
struct act_value *act_crate_spec(const struct act_value *spec);

#endif
