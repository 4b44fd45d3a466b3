/* The secrets of a run, gathered before it starts: from --secret NAME[=@FILE|=!COMMAND] (and `secrets`
 * in config files), $CREDENTIALS_DIRECTORY/NAME, ACTANT_SECRET_NAME. */
#ifndef ACT_EMBED_SECRETS_H
#define ACT_EMBED_SECRETS_H

#include "base/value.h"
#include "executors/shell/secrets.h"

/* wanted: list of the names that the plan uses; specs: what was given. All that is missing is said in
 * one message (ACT_ERR_USAGE), with what to add. */
enum act_err act_secrets_gather(const struct act_value *wanted, const struct act_str *specs,
                                uint32_t count, struct act_secrets **ret, struct act_error *err);

#endif
