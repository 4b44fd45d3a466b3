/* Which children of two nodes are the same ones: by id, by role or case, by what they say, at last by where
 * they stand. */
#ifndef ACT_DSL_PLAN_ALIGN_H
#define ACT_DSL_PLAN_ALIGN_H

#include "dsl/plan.h"

struct act_plan_digest {
    uint8_t bytes[ACT_SHA256_BYTES];
};
struct act_plan_side {
    const struct act_plan *plan;
    struct act_plan_digest
        *whole; /* of each node: all that it and what is in it say, its id but for it */
};
/* Reads all of the plan. */
void act_plan_side_init(struct act_plan_side *side, const struct act_plan *plan);
void act_plan_side_fini(struct act_plan_side *side);

/* ret[i]: the position of b's child that child i of a is, or ACT_NODE_NONE. */
void act_plan_align(const struct act_plan_side *a, uint32_t one, const struct act_plan_side *b,
                    uint32_t other, uint32_t *ret);

#endif
