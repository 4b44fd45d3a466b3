/* -p name=value: typed and checked against what the file declares. */
#ifndef ACT_CLI_PARAMS_H
#define ACT_CLI_PARAMS_H

#include "cli/cli.h"
#include "dsl/plan.h"

/* The checked parameters (a new reference). ACT_ERR_USAGE or INVALID names every one that does not
 * fit; a missing one with the exact flag to add. */
enum act_err act_params_gather(struct act_cli *cli, const struct act_plan *plan,
                               struct act_value **ret, struct act_error *err);

#endif
