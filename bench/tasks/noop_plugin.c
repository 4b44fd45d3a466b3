/* The plugin noop: one task, noop:noop, that does nothing. */
#include "include/actant/plugin.h"

static int
noop(struct actant_call *call, const char *args, size_t length)
{
    (void)call;
    (void)args;
    (void)length;
    return 0;
}

ACTANT_PLUGIN_EXPORT const struct actant_plugin *actant_plugin_v1(void);

const struct actant_plugin *
actant_plugin_v1(void)
{
    static const struct actant_plugin_task tasks[] = {{.name = "noop", .run = noop}};
    static const struct actant_plugin plugin = {.abi = ACTANT_PLUGIN_ABI,
                                                .size = sizeof(struct actant_plugin),
                                                .name = "noop",
                                                .version = "1",
                                                .tasks = tasks,
                                                .task_count = 1,
                                                .task_size = sizeof(tasks[0])};
    return &plugin;
}
