/* Inside of the lowering of one expression: lower_expr.c and lower_names.c. */
#ifndef ACT_DSL_LOWER_EXPR_H
#define ACT_DSL_LOWER_EXPR_H

#include "dsl/lower.h"

/* Contexts that only a member makes whole. */
enum { ACT_OPEN_NONE, ACT_OPEN_NODES, ACT_OPEN_SECRETS, ACT_OPEN_ENV };

struct act_expr_work {
    struct act_lower *l;
    const struct act_place *place;
    const struct act_tree *tree;
    struct act_expr_pool *pool;
    uint32_t nodes, args, literals, refs; /* what there was before */
    bool secret, failed;
};

static inline struct act_expr_note *
act_note_of(struct act_expr_work *w, uint32_t node)
{
    return &w->l->notes.ptr[node - w->nodes];
}

static inline struct act_str
act_literal_text(const struct act_expr_work *w, uint32_t literal)
{
    return act_value_as_str(w->pool->literals.ptr[literal]);
}

static inline uint32_t
act_operand(const struct act_expr_work *w, const struct act_expr_node *e, uint32_t k)
{
    return w->pool->args.ptr[e->first + k];
}

struct act_span act_expr_span(struct act_expr_work *w, uint32_t node, size_t length);
/* A name → its context, or open until its member is seen. */
void act_resolve_name(struct act_expr_work *w, uint32_t node);
/* node is a member, called name, of from. */
void act_resolve_member(struct act_expr_work *w, uint32_t node, uint32_t from, struct act_str name);

#endif
