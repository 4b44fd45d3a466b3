/* What a person calls a node of a run: an id, the path of an instance, the workflow's name for the run
 * itself, or the last steps of a path. The first of those that anything fits is what is meant: whoever
 * looks for a node shows all of its candidates, then asks which. Pure; one thread. */
#ifndef ACT_ENGINE_CORE_NAMING_H
#define ACT_ENGINE_CORE_NAMING_H

#include "engine/core/event.h"

enum act_fit {
    ACT_FIT_ID,
    ACT_FIT_PATH,
    ACT_FIT_WORKFLOW, /* the root, unless a node has that name itself */
    ACT_FIT_ENDING,   /* "do[1]" and "[1]" of "chain[2].do[1]" */
    ACT_FIT_NONE,
};

struct act_naming {
    const struct act_plan *plan; /* borrowed, as is name */
    struct act_str name;
    uint32_t found[ACT_FIT_NONE]; /* the last one that fits in that way; */
    uint32_t count[ACT_FIT_NONE]; /* how many do */
};

void act_naming_init(struct act_naming *naming, const struct act_plan *plan, struct act_str name);
bool act_naming_fits(const struct act_naming *naming, struct act_key key, struct act_str path,
                     enum act_fit how);
/* index: the caller's word for the instance with that key, whose path that is. */
void act_naming_look(struct act_naming *naming, struct act_key key, struct act_str path,
                     uint32_t index);
/* How what is meant fits; several may, by its count. A node of the plan with that name that is none of
 * the candidates hides what would fit loosely. */
enum act_fit act_naming_meant(const struct act_naming *naming);

#endif
