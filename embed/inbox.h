/* What other processes want of a run: rows in the database's inbox. */
#ifndef ACT_EMBED_INBOX_H
#define ACT_EMBED_INBOX_H

#include "base/arena.h"
#include "engine/port/store.h"

/* kind: "signal" or "cancel". Signed with this user's name and the present time. */
enum act_err act_inbox_post(struct act_store *store, struct act_str run, const char *kind,
                            struct act_str name, struct act_str body, struct act_error *err);
struct act_str act_user_name(struct act_arena *arena);

#endif
