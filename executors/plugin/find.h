/* Where plugin libraries are: NAME is NAME.so in a folder of $ACTANT_PLUGIN_PATH (separated by ':'), then
 * in plugins/ beside the workflow, then among those that ship with actant. The first one counts. */
#ifndef ACT_EXECUTORS_PLUGIN_FIND_H
#define ACT_EXECUTORS_PLUGIN_FIND_H

#include "base/arena.h"
#include "base/error.h"

struct act_plugin_places {
    struct act_str path;    /* $ACTANT_PLUGIN_PATH; may be empty */
    struct act_str folder;  /* the top workflow's, absolute */
    struct act_str shipped; /* folder of the shipped ones, absolute; may be empty */
};

struct act_plugin_found {
    struct act_str path;       /* absolute, NUL-terminated */
    struct act_str shadows[8]; /* other files of that name in the user's own folders */
    uint32_t shadow_count;
};

/* The folder of the plugins that ship with the program at `program` (absolute): plugins/ beside it, or
 * ../lib/actant/plugins. Empty if there is none. */
struct act_str act_plugin_shipped(struct act_str program, struct act_arena *arena);

/* "libvips2", "my-tools": letters, digits, '_', '-', beginning with a letter or '_'. */
bool act_plugin_is_name(struct act_str name);
/* "library:task" → its parts; false if it is none. */
bool act_plugin_split(struct act_str target, struct act_str *ret_library, struct act_str *ret_task);
/* ACT_ERR_NOT_FOUND: the hint has the places. Texts live in arena. */
enum act_err act_plugin_find(const struct act_plugin_places *places, struct act_str name,
                             struct act_arena *arena, struct act_plugin_found *ret,
                             struct act_error *err);

#endif
