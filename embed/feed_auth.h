/* What a webhook is told beside the events: headers, and a signature. Both name secrets of the run (embed/secrets.h),
 * never their values, and so does what is kept with it.
 *   [URL ]NAME: TEXT     TEXT holds ${{ secrets.X }} at least once
 *   [URL ]SECRET         signs the body with it
 * With URL: for that webhook alone; else for all of them. */
#ifndef ACT_EMBED_FEED_AUTH_H
#define ACT_EMBED_FEED_AUTH_H

#include "base/value.h"
#include "executors/shell/secrets.h"

/* ACT_ERR_INVALID: what is wrong with it, and how it is written. */
enum act_err act_feed_header_check(struct act_str header, struct act_error *err);
enum act_err act_feed_sign_check(struct act_str sign, struct act_error *err);

/* Lists of such texts, or NULL. */
struct act_feed_auth {
    const struct act_value *headers, *signs;
    const struct act_secrets *secrets; /* or NULL: none is known */
};
/* Adds the names of the secrets that they need to a list, each once. */
void act_feed_auth_needs(const struct act_feed_auth *auth, struct act_value *names);
/* Is it one of those? */
bool act_feed_auth_has(const struct act_feed_auth *auth, struct act_str secret);
/* What the helper is to know for the webhook (node/stream.h): lines "header NAME: VALUE" and "key HEX". Wipe it.
 * ACT_ERR_NOT_FOUND: a secret is not known; ACT_ERR_INVALID: one that cannot stand in a header. */
enum act_err act_feed_auth_lines(const struct act_feed_auth *auth, struct act_str url,
                                 struct act_buf *out, struct act_error *err);

#endif
