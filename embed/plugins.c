#include "embed/plugins.h"

#include "executors/plugin/catalog.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* Defined by the program actant alone (cli/main.c). Another program that embeds the engine must not be
 * started as a host: it would run its own main. */
extern const char act_program_is_actant __attribute__((weak));

bool
act_plugins_is_actant(void)
{
    return &act_program_is_actant != NULL;
}

struct act_str
act_plugins_program(const struct act_hosting *hosting, struct act_arena *arena)
{
    char path[PATH_MAX];
    const char *given = getenv("ACTANT_PROGRAM");
    if (hosting && hosting->program)
        return act_str(hosting->program);
    if (given && *given)
        return act_arena_str(arena, act_str(given));
    if (!act_plugins_is_actant())
        return ACT_STR("actant");
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
    return act_arena_str(arena, len > 0 ? act_str_n(path, (size_t)len) : ACT_STR("actant"));
}

struct act_plugin_places
act_plugins_places(const struct act_hosting *hosting, struct act_str folder,
                   struct act_arena *arena)
{
    const char *path = hosting && hosting->path ? hosting->path : getenv("ACTANT_PLUGIN_PATH");
    return (struct act_plugin_places){
        .path = act_str(path),
        .folder = folder,
        .shipped = act_plugin_shipped(act_plugins_program(hosting, arena), arena),
    };
}

struct act_catalog *
act_plugins_catalog(const struct act_hosting *hosting, struct act_str folder)
{
    struct act_arena arena = {0};
    struct act_plugin_places places = act_plugins_places(hosting, folder, &arena);
    struct act_catalog *catalog =
        act_plugin_catalog_create(&places, act_plugins_program(hosting, &arena));
    act_arena_fini(&arena);
    return catalog;
}
