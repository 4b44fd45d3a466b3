/* The database that the options name. */
#ifndef ACT_CLI_STORE_H
#define ACT_CLI_STORE_H

#include "cli/cli.h"
#include "engine/port/store.h"

/* The database of --db, $ACTANT_DB, the config files or the default place. Its warnings go to standard
 * error. */
enum act_err act_cli_store(struct act_cli *cli, bool read_only, struct act_store **ret,
                           struct act_error *err);

#endif
