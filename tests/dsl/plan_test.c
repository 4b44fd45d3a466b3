/* The plan: accessors, canonical bytes, what verify refuses, and how it prints. */
#include "dsl/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* dag: {a: value 1, b: {needs: a, value: nodes.a.result}} with an undo on b, made by hand. */
static uint32_t
add_node(struct act_plan *plan, enum act_kind kind, enum act_role role, uint32_t parent,
         uint32_t index, const char *id)
{
    struct act_plan_node n = {.kind = (uint8_t)kind, .role = (uint8_t)role, .parent = parent};
    n.index = index;
    n.first_attr = plan->attrs.len;
    n.first_child = plan->children.len;
    n.first_need = plan->needs.len;
    n.id = id ? act_expr_literal(&plan->exprs, act_value_cstring(id)) : ACT_NODE_NONE;
    act_vec_push(&plan->nodes, n);
    return plan->nodes.len - 1;
}

static void
add_attr(struct act_plan *plan, uint32_t node, enum act_attr key, uint32_t value)
{
    struct act_plan_attr attr = {(uint32_t)key, value};
    assert_int_equal(plan->nodes.ptr[node].first_attr + plan->nodes.ptr[node].attr_count,
                     plan->attrs.len);
    act_vec_push(&plan->attrs, attr);
    plan->nodes.ptr[node].attr_count++;
}

static struct act_expr_id
literal(struct act_plan *plan, struct act_value *v)
{
    uint32_t index = act_expr_literal(&plan->exprs, v);
    return act_expr_add(&plan->exprs, ACT_OP_LITERAL, 0, index, NULL, 0, 0);
}

static struct act_plan *
sample(void)
{
    struct act_plan *plan = act_plan_create();
    struct act_expr_id one = literal(plan, act_value_int(1));
    struct act_expr_id two[2] = {literal(plan, act_value_cstring("x")), {0}};
    two[1] = act_expr_add(&plan->exprs, ACT_OP_CONTEXT, ACT_CTX_NODE_RESULT, 1, NULL, 0, 7);
    struct act_expr_id map = act_expr_add(&plan->exprs, ACT_OP_MAP, 0, 0, two, 2, 0);
    uint32_t dag = add_node(plan, ACT_KIND_DAG, ACT_ROLE_ROOT, ACT_NODE_NONE, 0, NULL);
    uint32_t a = add_node(plan, ACT_KIND_VALUE, ACT_ROLE_ITEM, dag, 0, "a");
    add_attr(plan, a, ACT_ATTR_SUBJECT, one.v);
    uint32_t b = add_node(plan, ACT_KIND_VALUE, ACT_ROLE_ITEM, dag, 1, "b");
    add_attr(plan, b, ACT_ATTR_SUBJECT, map.v);
    add_attr(plan, b, ACT_ATTR_ON_ERROR, 1);
    struct act_plan_need need = {.node = a, .ends = ACT_END_SUCCEEDED, .plain = 1};
    act_vec_push(&plan->needs, need);
    plan->nodes.ptr[b].need_count = 1;
    uint32_t undo = add_node(plan, ACT_KIND_RUN, ACT_ROLE_UNDO, b, 0, NULL);
    uint32_t script = act_expr_literal(&plan->exprs, act_value_cstring("echo \"undone\""));
    add_attr(plan, undo, ACT_ATTR_SCRIPT, script);
    plan->nodes.ptr[dag].first_child = plan->children.len;
    plan->nodes.ptr[dag].child_count = 2;
    act_vec_push(&plan->children, a);
    act_vec_push(&plan->children, b);
    plan->nodes.ptr[b].first_child = plan->children.len;
    plan->nodes.ptr[b].child_count = 1;
    act_vec_push(&plan->children, undo);
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        struct act_plan_span span = {0, i + 1, 1};
        act_vec_push(&plan->spans, span);
    }
    struct act_plan_source source = {ACT_STR("flow.yaml"), ACT_STR("dag: …")};
    act_vec_push(&plan->sources, source);
    return plan;
}

static void
reads(void **state)
{
    (void)state;
    struct act_plan *plan = sample();
    struct act_buf text = {0};
    assert_null(act_plan_attr(plan, 1, ACT_ATTR_GUARD));
    assert_int_equal(act_plan_expr(plan, 1, ACT_ATTR_SUBJECT).v, 0);
    assert_int_equal(act_plan_expr(plan, 1, ACT_ATTR_ENV).v, ACT_EXPR_NONE);
    assert_true(act_str_is(act_value_as_str(act_plan_literal(plan, 3, ACT_ATTR_SCRIPT)),
                           "echo \"undone\""));
    assert_int_equal(act_plan_child(plan, 0, ACT_ROLE_ITEM), 1);
    assert_int_equal(act_plan_child(plan, 0, ACT_ROLE_UNDO), ACT_NODE_NONE);
    assert_int_equal(act_plan_child(plan, 2, ACT_ROLE_UNDO), 3);
    act_plan_path(&text, plan, 3);
    assert_string_equal(text.ptr, "dag.b.undo");
    assert_string_equal(act_kind_key(ACT_KIND_UNTIL), "until");
    assert_true(act_kind_is_leaf(ACT_KIND_CANCEL));
    assert_false(act_kind_is_leaf(ACT_KIND_TRY));
    uint32_t depth = 0, order[8], n = 0;
    for (uint32_t i = 0; i != ACT_NODE_NONE; i = act_plan_next(plan, 0, i, &depth))
        order[n++] = i * 10 + depth;
    assert_int_equal(n, 4);
    assert_int_equal(order[3], 32);
    act_buf_fini(&text);
    act_plan_destroy(plan);
}

static void
encodes_and_decodes(void **state)
{
    (void)state;
    struct act_plan *plan = sample(), *again;
    struct act_buf bare = {0}, whole = {0}, second = {0};
    struct act_error err = {0};
    uint8_t hash[2][ACT_SHA256_BYTES];
    act_plan_encode(&bare, plan, false);
    act_plan_encode(&whole, plan, true);
    assert_true(whole.len > bare.len);
    assert_memory_equal(bare.ptr, whole.ptr, bare.len);
    assert_int_equal(act_plan_decode(act_buf_str(&whole), &again, &err), ACT_OK);
    act_plan_encode(&second, again, true);
    assert_int_equal(second.len, whole.len);
    assert_memory_equal(second.ptr, whole.ptr, whole.len);
    act_plan_hash(plan, hash[0]);
    again->spans.ptr[0].line = 99;
    act_plan_hash(again, hash[1]);
    assert_memory_equal(hash[0], hash[1], ACT_SHA256_BYTES);
    act_plan_destroy(again);
    assert_int_equal(act_plan_decode(act_buf_str(&bare), &again, &err), ACT_OK);
    assert_int_equal(again->spans.len, 0);
    act_plan_destroy(again);
    /* Every cut and every changed byte is refused or is another whole plan; never a crash. */
    for (size_t i = 0; i < whole.len; i++) {
        enum act_err code = act_plan_decode(act_str_n(whole.ptr, i), &again, &err);
        assert_true(code == ACT_ERR_CORRUPT || i == bare.len);
        if (code == ACT_OK)
            act_plan_destroy(again);
        for (int bit = 0; bit < 8; bit++) {
            whole.ptr[i] = (char)(whole.ptr[i] ^ (1 << bit));
            if (act_plan_decode(act_buf_str(&whole), &again, &err) == ACT_OK)
                act_plan_destroy(again);
            whole.ptr[i] = (char)(whole.ptr[i] ^ (1 << bit));
        }
    }
    bare.ptr[4] = 9;
    assert_int_equal(act_plan_decode(act_buf_str(&bare), &again, &err), ACT_ERR_NEWER);
    act_buf_fini(&bare);
    act_buf_fini(&whole);
    act_buf_fini(&second);
    act_plan_destroy(plan);
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct act_plan *plan = sample();                                                          \
        struct act_error err = {0};                                                                \
        assert_int_equal(act_plan_verify(plan, &err), ACT_OK);                                     \
        change;                                                                                    \
        assert_int_equal(act_plan_verify(plan, &err), ACT_ERR_CORRUPT);                            \
        assert_true(strncmp(err.message, "the plan is damaged: ", 21) == 0);                       \
        act_plan_destroy(plan);                                                                    \
    } while (0)

static void
verifies(void **state)
{
    (void)state;
    REFUSED(plan->nodes.ptr[1].kind = 99);
    REFUSED(plan->nodes.ptr[1].kind = 0);
    REFUSED(plan->nodes.ptr[1].kind = ACT_KIND_IF);
    REFUSED(plan->nodes.ptr[1].role = ACT_ROLE_THEN);
    REFUSED(plan->nodes.ptr[1].index = 1);
    REFUSED(plan->nodes.ptr[2].parent = 1);
    REFUSED(plan->nodes.ptr[2].attr_count = 0);
    REFUSED(plan->nodes.ptr[1].id = 9999);
    REFUSED(plan->nodes.ptr[1].id = ACT_NODE_NONE);
    REFUSED(plan->children.ptr[2] = 0);
    REFUSED(plan->needs.ptr[0].node = 2);
    REFUSED(plan->needs.ptr[0].node = 3);
    REFUSED(plan->needs.ptr[0].ends = 0);
    REFUSED(plan->attrs.ptr[0].key = 4000);
    REFUSED(plan->attrs.ptr[0].value = 4000);
    REFUSED(plan->attrs.ptr[3].value = plan->params);
    REFUSED(plan->exprs.nodes.ptr[0].op = 99);
    REFUSED(plan->exprs.nodes.ptr[0].a = 99);
    REFUSED(plan->exprs.nodes.ptr[2].a = 99);
    REFUSED(plan->exprs.args.ptr[1] = 3);
    REFUSED(plan->name = plan->params);
    REFUSED(plan->spans.len--);
    REFUSED(act_vec_clear(&plan->nodes));
}

static void
refuses_circles(void **state)
{
    (void)state;
    struct act_plan *plan = sample();
    struct act_error err = {0};
    struct act_plan_need need = {.node = 2, .ends = ACT_END_ANY};
    plan->nodes.ptr[1].first_need = plan->needs.len;
    plan->nodes.ptr[1].need_count = 1;
    act_vec_push(&plan->needs, need);
    assert_int_equal(act_plan_verify(plan, &err), ACT_ERR_CORRUPT);
    assert_non_null(strstr(err.message, "circle"));
    act_plan_destroy(plan);
}

static void
prints(void **state)
{
    (void)state;
    struct act_plan *plan = sample();
    struct act_value *json;
    struct act_error err = {0};
    struct act_buf out = {0};
    act_plan_print(&out, plan, ACT_PLAN_TEXT);
    assert_non_null(strstr(out.ptr, ": 4 nodes, plan "));
    assert_non_null(strstr(out.ptr, "\n  dag.b: value #b\n      needs: a\n"));
    assert_non_null(strstr(out.ptr, "\n      on_error: \"continue\"\n"));
    act_buf_clear(&out);
    act_plan_print(&out, plan, ACT_PLAN_JSON);
    assert_int_equal(act_json_parse(act_buf_str(&out), 0, &json, &err), ACT_OK);
    assert_int_equal(act_value_len(act_value_get(json, ACT_STR("nodes"))), 4);
    act_value_release(json);
    act_buf_clear(&out);
    act_plan_print(&out, plan, ACT_PLAN_DOT);
    assert_non_null(strstr(out.ptr, "n1 -> n3 [lhead=cluster_2];"));
    act_buf_clear(&out);
    act_plan_print(&out, plan, ACT_PLAN_MERMAID);
    assert_non_null(strstr(out.ptr, "n1 --> n2"));
    assert_non_null(strstr(out.ptr, "subgraph n2[\"b (value)\"]"));
    act_buf_fini(&out);
    act_plan_destroy(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),    cmocka_unit_test(encodes_and_decodes),
        cmocka_unit_test(verifies), cmocka_unit_test(refuses_circles),
        cmocka_unit_test(prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
