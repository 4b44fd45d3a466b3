/* The pool that holds the nodes of all expressions of a plan. */
#include "dsl/expr_internal.h"

void
act_expr_pool_fini(struct act_expr_pool *pool)
{
    for (uint32_t i = 0; i < pool->literals.len; i++)
        act_value_release(pool->literals.ptr[i]);
    act_vec_fini(&pool->literals);
    act_vec_fini(&pool->nodes);
    act_vec_fini(&pool->args);
    act_vec_fini(&pool->offsets);
}

uint32_t
act_expr_literal(struct act_expr_pool *pool, struct act_value *v)
{
    act_vec_push(&pool->literals, v);
    return pool->literals.len - 1;
}

struct act_expr_id
act_expr_add(struct act_expr_pool *pool, enum act_op op, uint8_t aux, uint32_t a,
             const struct act_expr_id *operands, uint32_t argc, uint32_t offset)
{
    struct act_expr_node node = {
        .op = (uint8_t)op, .aux = aux, .a = a, .first = pool->args.len, .argc = argc};
    for (uint32_t i = 0; i < argc; i++)
        act_vec_push(&pool->args, operands[i].v);
    act_vec_push(&pool->nodes, node);
    act_vec_push(&pool->offsets, offset);
    return (struct act_expr_id){pool->nodes.len - 1};
}
