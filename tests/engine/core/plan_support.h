/* Plans made by hand, for tests of the machine without the compiler. Nodes are made from the outside
 * in, so that their order of creation is a plan's order. */
#ifndef ACT_TESTS_ENGINE_CORE_PLAN_SUPPORT_H
#define ACT_TESTS_ENGINE_CORE_PLAN_SUPPORT_H

#include "dsl/plan.h"

#define BUILD_CHILDREN_MAX 32
struct build_node {
    struct act_plan_node node;
    struct act_plan_attr attrs[24];
    struct act_plan_need needs[8];
    uint32_t children[BUILD_CHILDREN_MAX];
    uint32_t child_count;
};
struct build {
    struct act_plan *plan;
    ACT_VEC(struct build_node) nodes;
};

void build_init(struct build *b);
uint32_t build_root(struct build *b, enum act_kind kind);
uint32_t build_child(struct build *b, uint32_t parent, enum act_role role, enum act_kind kind);
void build_id(struct build *b, uint32_t node, const char *id);
void build_flag(struct build *b, uint32_t node, enum act_node_flags flag);
void build_need(struct build *b, uint32_t node, uint32_t on, uint8_t ends, bool plain);
void build_num(struct build *b, uint32_t node, enum act_attr attr, uint32_t value);
void build_lit(struct build *b, uint32_t node, enum act_attr attr,
               struct act_value *v); /* takes v */
void build_expr(struct build *b, uint32_t node, enum act_attr attr, struct act_expr_id id);
void build_const(struct build *b, uint32_t node, enum act_attr attr,
                 struct act_value *v); /* takes v */
void build_json(struct build *b, uint32_t node, enum act_attr attr, const char *json);
struct act_expr_id build_value(struct build *b, struct act_value *v); /* takes v */
struct act_expr_id build_context(struct build *b, enum act_ctx ctx, uint32_t arg);
struct act_expr_id build_op(struct build *b, enum act_op op, struct act_expr_id x,
                            struct act_expr_id y);
struct act_plan *build_finish(struct build *b); /* verified; the caller destroys it */

#endif
