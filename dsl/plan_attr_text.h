/* Attributes of plans in the words of the language: what `script` holds is `run` there, with its
 * `${{ }}` where they stood; a time is `1m30s`. For people and for comparing; not to be compiled again. */
#ifndef ACT_DSL_PLAN_ATTR_TEXT_H
#define ACT_DSL_PLAN_ATTR_TEXT_H

#include "dsl/plan.h"

/* One attribute, or one entry of one that is a mapping: "timeout" is "1m30s", "env.CC" is "gcc". */
struct act_attr_text {
    struct act_str name, value;
};
ACT_VEC_TYPE(act_attr_texts, struct act_attr_text);

/* Adds what a node says, its needs among it, in the order of the plan; its kind, id and children are not
 * told. The texts are the arena's. */
void act_plan_attr_texts(const struct act_plan *plan, uint32_t node, struct act_arena *arena,
                         struct act_attr_texts *ret);
/* The same of what stands only at the top: name, params, secrets, labels. */
void act_plan_top_texts(const struct act_plan *plan, struct act_arena *arena,
                        struct act_attr_texts *ret);

#endif
