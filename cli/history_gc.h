/* `history gc`: removes whole ended runs. */
#ifndef ACT_CLI_HISTORY_GC_H
#define ACT_CLI_HISTORY_GC_H

#include "cli/cli.h"

int act_history_gc(struct act_cli *cli);

#endif
