/* Where plugins are looked for, and which program hosts them: this process's surroundings, read here. */
#ifndef ACT_EMBED_PLUGINS_H
#define ACT_EMBED_PLUGINS_H

#include "dsl/plan_catalog.h"
#include "executors/plugin/find.h"

/* The actant that can be a host: $ACTANT_PROGRAM, else this program if it is actant, else the one in $PATH. */
struct act_str act_plugins_program(struct act_arena *arena);
/* folder: the top workflow's, absolute. Texts live in arena, or in the environment. */
struct act_plugin_places act_plugins_places(struct act_str folder, struct act_arena *arena);
/* For one compile; act_plugin_catalog_destroy. */
struct act_catalog *act_plugins_catalog(struct act_str folder);

#endif
