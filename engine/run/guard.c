/* The guard of a crew: sees that its supervisor is gone, when an actor was lost more often than a restart
 * can cure. Nobody else would say so: the loop would wait for ever. Not under that supervisor itself. */
#include "engine/run/crew.h"

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct act_coord *const *crew = args;
    struct act_coord **self = state;
    (void)args_size;
    *self = *crew;
    actant_monitor(context, (*crew)->supervisor);
    return 0;
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct act_coord **crew = state;
    (void)context;
    if (message->type == ACTANT_TYPE_DOWN)
        act_crew_give_up(*crew);
    return 0;
}

const struct actant_class act_guard_class = {
    .name = "guard", .state_size = sizeof(struct act_coord *), .start = start, .handle = handle};
