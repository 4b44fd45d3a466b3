#include "cli/cli.h"

int
main(int argc, char **argv)
{
    return act_cli_main(argc, argv);
}
