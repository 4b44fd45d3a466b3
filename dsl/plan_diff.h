/* What one plan says that another does not: node by node and attribute by attribute, in the words of the
 * language. Called boxes (`tasks`, workflows) are compared by their names. Nothing of a secret but its name
 * stands in a plan. Pure; one thread. */
#ifndef ACT_DSL_PLAN_DIFF_H
#define ACT_DSL_PLAN_DIFF_H

#include "dsl/plan.h"

enum act_plan_change { ACT_PLAN_CHANGED, ACT_PLAN_ADDED, ACT_PLAN_REMOVED };

struct act_plan_diff_attr {
    struct act_str name; /* "timeout", "env.CC", "needs", "kind", "id", "place" */
    struct act_str a, b; /* ptr is NULL where it is not given */
};
struct act_plan_diff_node {
    enum act_plan_change change;
    struct act_str box;  /* "" the file itself; "tasks.build", "sub/child.yaml" */
    struct act_str path; /* in its box, b's if it is there; "" the box's root */
    struct act_str id;   /* "" none */
    uint8_t kind;
    uint32_t first, count; /* into attrs */
};
struct act_plan_diff {
    struct act_arena arena;
    ACT_VEC(struct act_plan_diff_node) nodes; /* in the order written; only those that differ */
    ACT_VEC(struct act_plan_diff_attr) attrs;
};
void act_plan_diff_make(const struct act_plan *a, const struct act_plan *b,
                        struct act_plan_diff *ret);
void act_plan_diff_fini(struct act_plan_diff *diff);

#endif
