/* The secrets of a run, gathered before it starts: from the program that embeds us, --secret NAME[=@FILE|=!COMMAND] (and `secrets`
 * in config files), $CREDENTIALS_DIRECTORY/NAME, ACTANT_SECRET_NAME. */
#ifndef ACT_EMBED_SECRETS_H
#define ACT_EMBED_SECRETS_H

#include "base/value.h"
#include "executors/shell/secrets.h"

/* Who has secrets of its own, and is asked first. */
struct act_secret_source {
    /* False: not known here. *ret is copied at once. */
    bool (*value)(void *self, const char *name, struct act_str *ret);
    void *self;
};
/* wanted: list of the names that the plan uses; specs: what was given; source may be NULL. All that is missing is said in
 * one message (ACT_ERR_USAGE), with what to add. */
enum act_err act_secrets_gather(const struct act_value *wanted, const struct act_str *specs,
                                uint32_t count, const struct act_secret_source *source,
                                struct act_secrets **ret, struct act_error *err);

#endif
