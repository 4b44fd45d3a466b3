/* What a task wrote to $ACTANT_OUTPUT: lines `NAME=value`, or GitHub's form for several lines
 *   NAME<<WORD
 *   …
 *   WORD
 * Blank lines are passed over, the last value of a name counts, names are ids. */
#ifndef ACT_EXECUTORS_SHELL_OUTPUTS_H
#define ACT_EXECUTORS_SHELL_OUTPUTS_H

#include "base/value.h"
#include "executors/shell/mask.h"

#define ACT_OUTPUTS_BYTES_MAX (1024 * 1024)

/* A map name → text; a value that holds a secret is null, and *held_secret is set. ACT_ERR_INVALID
 * names the line. mask may be NULL. */
enum act_err act_outputs_parse(struct act_str bytes, const struct act_mask_table *mask,
                               struct act_value **ret, bool *held_secret, struct act_error *err);
/* Reads and removes the file; *ret NULL if the task made none. */
enum act_err act_outputs_read(const char *path, const struct act_mask_table *mask,
                              struct act_value **ret, bool *held_secret, struct act_error *err);

#endif
