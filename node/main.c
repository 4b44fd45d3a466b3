/* actant-node: the part of actant that needs libraries of the network. `actant` starts it where it is wanted
 * (embed/feed_node.c):
 *   actant-node post URL
 *   actant-node publish listen|dial ADDRESS SUBSCRIBERS|- WORKFLOW */
#include "node/jobs.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "post") == 0)
        return act_node_post(argv[2]);
    if (argc == 6 && strcmp(argv[1], "publish") == 0)
        return act_node_publish(argv[2], argv[3], argv[4], argv[5]);
    fprintf(stderr, "actant-node is started by actant: actant run FILE --events URL\n");
    return 2;
}
