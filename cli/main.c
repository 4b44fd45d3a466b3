#include "cli/cli.h"

/* embed/plugins.c asks whether it stands in the program or in one that embeds the engine. */
extern const char act_program_is_actant;
const char act_program_is_actant = 1;

int
main(int argc, char **argv)
{
    return act_cli_main(argc, argv);
}
