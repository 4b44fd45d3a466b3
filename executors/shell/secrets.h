/* The secrets of a run: where they come from, where they are put in, what is masked. Values live here
 * and in the tasks that are given them, nowhere else.
 *
 * A name is looked for in the --secret options, in $CREDENTIALS_DIRECTORY/NAME, in
 * ACTANT_SECRET_NAME. A file's last line end is not part of the value. */
#ifndef ACT_EXECUTORS_SHELL_SECRETS_H
#define ACT_EXECUTORS_SHELL_SECRETS_H

#include "base/error.h"
#include "base/str.h"
#include "executors/shell/mask.h"

#define ACT_SECRET_BYTES_MAX 65536

struct act_secrets;
/* env is copied from. */
struct act_secrets *act_secrets_create(char *const *env);
void act_secrets_destroy(struct act_secrets *secrets); /* wipes */
/* An option's text: "NAME" (the environment variable NAME) or "NAME=@FILE". ACT_ERR_USAGE,
 * ACT_ERR_NOT_FOUND. */
enum act_err act_secrets_option(struct act_secrets *secrets, const char *option,
                                struct act_error *err);
/* A value from elsewhere; copied. ACT_ERR_LIMIT if it is too long. */
enum act_err act_secrets_put(struct act_secrets *secrets, struct act_str name, struct act_str value,
                             struct act_error *err);
/* Makes the secret known, so that it can be put in and is masked: for each name that a workflow
 * declares, before the first task starts. ACT_ERR_NOT_FOUND says where it was looked for. */
enum act_err act_secrets_need(struct act_secrets *secrets, struct act_str name,
                              struct act_error *err);
/* The i-th of those that are known, lent; false: there are no more. */
bool act_secrets_at(const struct act_secrets *secrets, uint32_t i, struct act_str *name,
                    struct act_str *value);
/* Names that are too short to be masked, separated by ", "; filled in by act_secrets_mask. */
struct act_str act_secrets_unmasked(const struct act_secrets *secrets);
/* Environment variables that --secret NAME took values from: not for tasks. NULL-terminated. */
const char *const *act_secrets_variables(const struct act_secrets *secrets);
/* What to mask; NULL while no secret is known. Made when first asked for after a new one. Streams
 * must not outlive the next act_secrets_need. */
const struct act_mask_table *act_secrets_mask(struct act_secrets *secrets);

/* Does text hold a place for a secret ("\x01ACTSECRET:<nonce>:NAME\x01")? */
bool act_secrets_in(struct act_str text, const char *nonce);
/* Appends text with the values put in. ACT_ERR_NOT_FOUND for one that is not known. */
enum act_err act_secrets_expand(const struct act_secrets *secrets, const char *nonce,
                                struct act_str text, struct act_buf *out, struct act_error *err);

#endif
