/* Secrets inside values: the arguments of functions. */
#ifndef ACT_EXECUTORS_SHELL_SECRETS_VALUE_H
#define ACT_EXECUTORS_SHELL_SECRETS_VALUE_H

#include "base/value.h"
#include "executors/shell/secrets.h"

/* v with the secrets put in wherever a text in it has a place for one; v itself if there is none. New
 * reference. v may be NULL. ACT_ERR_NOT_FOUND as act_secrets_expand; ACT_ERR_LIMIT if v is deeper than
 * any JSON text may be. */
enum act_err act_secrets_expand_value(const struct act_secrets *secrets, const char *nonce,
                                      const struct act_value *v, struct act_value **ret,
                                      struct act_error *err);

#endif
