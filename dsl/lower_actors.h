/* `actors` at the top of a file, and the `call` nodes that use them. Part of lower.h. */
#ifndef ACT_DSL_LOWER_ACTORS_H
#define ACT_DSL_LOWER_ACTORS_H

#include "base/str.h"
#include "base/vec.h"

#include <stddef.h>

struct act_file;
struct act_lower;
struct act_making;
struct act_place;
struct act_tree;

struct act_actor { /* an entry of `actors` */
    struct act_str name;
    uint32_t declared; /* literal: what ACT_ATTR_ACTOR says; ACT_NODE_NONE after a mistake */
    uint32_t with;     /* expression, or ACT_NODE_NONE */
};
typedef ACT_VEC(struct act_actor) act_actor_list;

/* `actors` of a file; place is the file's top. */
void act_lower_actors(struct act_lower *l, struct act_file *file, const struct act_place *place,
                      const struct act_tree *tree);
/* tree is actor.method with its dot at `dot`; the node gets what was declared of the actor. */
void act_lower_call_target(struct act_lower *l, struct act_making *m, const struct act_tree *tree,
                           size_t dot);

/* The arguments of such a call, where they can be known: of an actor of a plugin. After the attributes. */
void act_check_call(struct act_lower *l, struct act_making *m);

#endif
