/* Where events are told: what `--events` may be given.
 *   PATH                     a file
 *   http://…, https://…      a webhook
 *   nng+tcp://HOST:PORT      a publisher over nng; HOST may be *: every interface
 *   nng+ipc:///PATH          the same on a Unix socket
 *     ?dial                  the subscriber listens there; else we do
 *     ?subscribers=N         nothing is published to fewer */
#ifndef ACT_EMBED_FEED_TARGET_H
#define ACT_EMBED_FEED_TARGET_H

#include "base/arena.h"
#include "base/error.h"

enum act_feed_kind { ACT_FEED_FILE, ACT_FEED_WEBHOOK, ACT_FEED_PUBLISHER };
struct act_feed_target {
    enum act_feed_kind kind;
    /* Of a publisher: */
    const char *address; /* tcp://HOST:PORT, ipc:///PATH; of arena */
    bool dial;
    int subscribers; /* -1: not said */
    bool any_port;   /* which one it became is to be told */
};
/* ACT_ERR_INVALID: what is wrong with it, and how it is written. */
enum act_err act_feed_target_parse(struct act_str text, struct act_arena *arena,
                                   struct act_feed_target *ret, struct act_error *err);
bool act_feed_target_is_file(struct act_str text); /* of what can be parsed */
/* A relative path from the working folder on; else text itself. */
struct act_str act_feed_target_absolute(struct act_str text, struct act_arena *arena);

#endif
