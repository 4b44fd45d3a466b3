/* What a `call` node says of its actor: the literal of ACT_ATTR_ACTOR, read. */
#ifndef ACT_DSL_PLAN_ACTOR_H
#define ACT_DSL_PLAN_ACTOR_H

#include "dsl/plan.h"

/* Texts are lent by the literal. */
struct act_plan_actor {
    struct act_str name;   /* as written under `actors` */
    struct act_str file;   /* that declares it, if it is not the top one: its path */
    struct act_str folder; /* of that file, relative to the top one's; "" is that folder */
    struct act_str target; /* "module:Class" or "library:actor" */
    bool python;           /* else a plugin */
    bool global;           /* one for all runs of the database; else one a run */
    uint32_t checkpoint;   /* the state is saved after so many calls; at least 1 */
    int64_t idle_ms;       /* without a call for so long it is put to sleep */
};

/* False: this is no declaration. */
bool act_plan_actor_read(const struct act_value *literal, struct act_plan_actor *ret);
/* Of a node; false: it calls none. */
bool act_plan_actor(const struct act_plan *plan, uint32_t node, struct act_plan_actor *ret);

#endif
