/* Where plugins are looked for, and which program hosts them: this process's surroundings, read here. */
#ifndef ACT_EMBED_PLUGINS_H
#define ACT_EMBED_PLUGINS_H

#include "dsl/plan_catalog.h"
#include "executors/plugin/find.h"

/* What a program that embeds the engine says of it. NULL, and NULL fields: nothing. */
struct act_hosting {
    const char
        *program; /* the actant that can be a host; else $ACTANT_PROGRAM, else this program if it is
                            actant, else the one in $PATH */
    const char *path; /* else $ACTANT_PLUGIN_PATH */
};
bool act_plugins_is_actant(void); /* this program is; else it embeds the engine */
/* Texts live in arena, in hosting or in the environment. */
struct act_str act_plugins_program(const struct act_hosting *hosting, struct act_arena *arena);
/* folder: the top workflow's, absolute. */
struct act_plugin_places act_plugins_places(const struct act_hosting *hosting,
                                            struct act_str folder, struct act_arena *arena);
/* For one compile; act_plugin_catalog_destroy. */
struct act_catalog *act_plugins_catalog(const struct act_hosting *hosting, struct act_str folder);

#endif
