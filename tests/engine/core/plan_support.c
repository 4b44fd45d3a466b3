#include "tests/engine/core/plan_support.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void
build_init(struct build *b)
{
    memset(b, 0, sizeof(*b));
    b->plan = act_plan_create();
}

static uint32_t
add(struct build *b, enum act_kind kind, enum act_role role, uint32_t parent)
{
    struct build_node n = {0};
    n.node.kind = (uint8_t)kind;
    n.node.role = (uint8_t)role;
    n.node.parent = parent;
    n.node.id = ACT_NODE_NONE;
    act_vec_push(&b->nodes, n);
    return b->nodes.len - 1;
}

uint32_t
build_root(struct build *b, enum act_kind kind)
{
    return add(b, kind, ACT_ROLE_ROOT, ACT_NODE_NONE);
}

uint32_t
build_child(struct build *b, uint32_t parent, enum act_role role, enum act_kind kind)
{
    uint32_t child = add(b, kind, role, parent);
    struct build_node *p = &b->nodes.ptr[parent];
    ACT_ASSERT(p->child_count < BUILD_CHILDREN_MAX);
    p->children[p->child_count++] = child;
    if (role == ACT_ROLE_UNDO) {
        for (uint32_t at = parent; at != ACT_NODE_NONE; at = b->nodes.ptr[at].node.parent)
            b->nodes.ptr[at].node.flags |= ACT_NODE_UNDO_INSIDE;
    }
    return child;
}

void
build_id(struct build *b, uint32_t node, const char *id)
{
    b->nodes.ptr[node].node.id = act_expr_literal(&b->plan->exprs, act_value_cstring(id));
}

void
build_flag(struct build *b, uint32_t node, enum act_node_flags flag)
{
    b->nodes.ptr[node].node.flags = (uint16_t)(b->nodes.ptr[node].node.flags | flag);
}

void
build_need(struct build *b, uint32_t node, uint32_t on, uint8_t ends, bool plain)
{
    struct build_node *n = &b->nodes.ptr[node];
    ACT_ASSERT(n->node.need_count < 8);
    n->needs[n->node.need_count++] =
        (struct act_plan_need){.node = on, .ends = ends, .plain = plain};
}

void
build_num(struct build *b, uint32_t node, enum act_attr attr, uint32_t value)
{
    struct build_node *n = &b->nodes.ptr[node];
    ACT_ASSERT(n->node.attr_count < 24);
    n->attrs[n->node.attr_count++] = (struct act_plan_attr){(uint32_t)attr, value};
}

void
build_lit(struct build *b, uint32_t node, enum act_attr attr, struct act_value *v)
{
    build_num(b, node, attr, act_expr_literal(&b->plan->exprs, v));
}

void
build_expr(struct build *b, uint32_t node, enum act_attr attr, struct act_expr_id id)
{
    build_num(b, node, attr, id.v);
}

struct act_expr_id
build_value(struct build *b, struct act_value *v)
{
    uint32_t literal = act_expr_literal(&b->plan->exprs, v);
    return act_expr_add(&b->plan->exprs, ACT_OP_LITERAL, 0, literal, NULL, 0, 0);
}

void
build_const(struct build *b, uint32_t node, enum act_attr attr, struct act_value *v)
{
    build_expr(b, node, attr, build_value(b, v));
}

static struct act_value *
json(const char *text)
{
    struct act_value *v = NULL;
    struct act_error err = {0};
    if (act_json_parse(act_str(text), 0, &v, &err) != ACT_OK) {
        fprintf(stderr, "%s: %s\n", text, err.message);
        abort();
    }
    return v;
}

void
build_json(struct build *b, uint32_t node, enum act_attr attr, const char *text)
{
    bool literal = attr == ACT_ATTR_LIMITS || attr == ACT_ATTR_CASES || attr == ACT_ATTR_PARAMS ||
                   attr == ACT_ATTR_RETRY_WHEN || attr == ACT_ATTR_SCRIPT ||
                   attr == ACT_ATTR_CANCEL_TARGETS || attr == ACT_ATTR_TARGET_NAME;
    if (literal)
        build_lit(b, node, attr, json(text));
    else
        build_const(b, node, attr, json(text));
}

struct act_expr_id
build_context(struct build *b, enum act_ctx ctx, uint32_t arg)
{
    return act_expr_add(&b->plan->exprs, ACT_OP_CONTEXT, (uint8_t)ctx, arg, NULL, 0, 0);
}

struct act_expr_id
build_op(struct build *b, enum act_op op, struct act_expr_id x, struct act_expr_id y)
{
    struct act_expr_id both[2] = {x, y};
    return act_expr_add(&b->plan->exprs, op, 0, 0, both, 2, 0);
}

static int
by_key(const void *a, const void *b)
{
    const struct act_plan_attr *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void
flatten(struct act_plan *plan, struct build_node *n, struct build *b)
{
    n->node.first_child = plan->children.len;
    n->node.child_count = n->child_count;
    for (uint32_t i = 0; i < n->child_count; i++) {
        b->nodes.ptr[n->children[i]].node.index = i;
        act_vec_push(&plan->children, n->children[i]);
    }
    qsort(n->attrs, n->node.attr_count, sizeof(n->attrs[0]), by_key);
    n->node.first_attr = plan->attrs.len;
    for (uint32_t i = 0; i < n->node.attr_count; i++)
        act_vec_push(&plan->attrs, n->attrs[i]);
    n->node.first_need = plan->needs.len;
    for (uint32_t i = 0; i < n->node.need_count; i++)
        act_vec_push(&plan->needs, n->needs[i]);
}

struct act_plan *
build_finish(struct build *b)
{
    struct act_plan *plan = b->plan;
    struct act_error err = {0};
    for (uint32_t i = 0; i < b->nodes.len; i++)
        flatten(plan, &b->nodes.ptr[i], b);
    for (uint32_t i = 0; i < b->nodes.len; i++)
        act_vec_push(&plan->nodes, b->nodes.ptr[i].node);
    plan->version = ACT_PLAN_VERSION;
    plan->name = act_expr_literal(&plan->exprs, act_value_cstring("test"));
    plan->params = act_expr_literal(&plan->exprs, act_value_map());
    plan->labels = act_expr_literal(&plan->exprs, act_value_map());
    plan->secrets = act_expr_literal(&plan->exprs, act_value_list());
    plan->unsupported = act_expr_literal(&plan->exprs, act_value_list());
    act_vec_fini(&b->nodes);
    if (act_plan_verify(plan, &err) != ACT_OK) {
        fprintf(stderr, "plan: %s\n", err.message);
        abort();
    }
    return plan;
}
