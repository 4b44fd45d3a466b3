/* What two specs say differently: which nodes are the same ones, and what of them changed. */
#include "dsl/plan_diff.h"

#include "dsl/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char *child = "chain: [{run: one}, {task: t}]\ntasks: {t: {run: inner}}\n";

static enum act_err
find(void *self, struct act_str path, struct act_arena *arena, struct act_str *ret_text,
     struct act_error *err)
{
    (void)self;
    if (!act_str_is(path, "sub/child.yaml"))
        return act_error_set(err, ACT_ERR_NOT_FOUND, "there is no such file");
    *ret_text = act_arena_str(arena, act_str(child));
    return ACT_OK;
}

static void
compile(const char *text, struct act_compiled *ret)
{
    const struct act_compile_options options = {.find = find, .name = ACT_STR("test")};
    act_compile(ACT_STR("test.yaml"), act_str(text), &options, ret);
    if (ret->plan)
        return;
    struct act_buf found = {0};
    act_diags_print(&found, &ret->diags, &ret->sources, ACT_DIAG_PRETTY, false);
    fail_msg("%s\n%s", text, found.ptr);
}

/* "change box|path kind id: name=a>b; …", a line a node; ~ stands for what is not given. */
static void
print(struct act_buf *out, const struct act_plan_diff *diff)
{
    for (uint32_t i = 0; i < diff->nodes.len; i++) {
        const struct act_plan_diff_node *n = &diff->nodes.ptr[i];
        act_buf_printf(out, "%c %.*s%s%.*s %s:", "*+-"[n->change], ACT_STR_ARG(n->box),
                       n -> box.len > 0 ? "|" : "", ACT_STR_ARG(n->path),
                       act_kind_key((enum act_kind)n->kind));
        for (uint32_t k = 0; k < n->count; k++) {
            const struct act_plan_diff_attr *attr = &diff->attrs.ptr[n->first + k];
            act_buf_printf(out, " %.*s=%.*s>%.*s;", ACT_STR_ARG(attr->name),
                           attr->a.ptr ? (int)attr->a.len : 1, attr->a.ptr ? attr->a.ptr : "~",
                           attr->b.ptr ? (int)attr->b.len : 1, attr->b.ptr ? attr->b.ptr : "~");
        }
        act_buf_add_byte(out, '\n');
    }
}

static void
check(const char *a, const char *b, const char *wanted)
{
    struct act_compiled one, other;
    struct act_plan_diff diff;
    struct act_buf found = {0};
    compile(a, &one);
    compile(b, &other);
    act_plan_diff_make(one.plan, other.plan, &diff);
    print(&found, &diff);
    if (!act_str_is(act_buf_str(&found), wanted))
        fail_msg("%s\n%s\n--- wanted:\n%s--- got:\n%.*s", a, b, wanted,
                 ACT_STR_ARG(act_buf_str(&found)));
    act_buf_fini(&found);
    act_plan_diff_fini(&diff);
    act_plan_diff_make(one.plan, one.plan, &diff);
    assert_int_equal(diff.nodes.len, 0);
    act_plan_diff_fini(&diff);
    act_compiled_fini(&one);
    act_compiled_fini(&other);
}

static void
test_attributes(void **state)
{
    (void)state;
    check("{run: a, timeout: 90s, env: {A: 1, B: 2}, retry: 1}",
          "{run: b, timeout: 2h, env: {B: 3, C: 4}, retry: {max: 1, delay: 1500ms}}",
          "*  run: run=a>b; env.A=1>~; env.B=2>3; timeout=1m30s>2h; env.C=~>4; "
          "retry.delay=~>1s500ms;\n");
    check("{run: a, output: json, on_error: continue}", "{run: a, idempotent: false}",
          "*  run: output=json>~; on_error=continue>~; idempotent=~>false;\n");
    check("{if: '${{ env.A }}', run: a}", "{if: '${{ env.B }}', run: a}",
          "*  run: if=${{ env.A }}>${{ env.B }};\n");
    check("{sleep: 1s}", "{sleep: 1d}", "*  sleep: sleep=1s>1d;\n");
    check("{value: {a: 1}}", "{value: {a: 2}}", "*  value: value={\"a\":1}>{\"a\":2};\n");
}

static void
test_scripts_have_their_expressions_again(void **state)
{
    (void)state;
    check(
        "{params: {x: {type: string}}, run: 'echo ${{ params.x }}-$ACTANT_V1x'}",
        "{params: {x: {type: string}}, run: 'echo ${{ params.x }}+$ACTANT_V1x'}",
        "*  run: run=echo \"${{ params.x }}\"-$ACTANT_V1x>echo \"${{ params.x }}\"+$ACTANT_V1x;\n");
}

static void
test_the_top(void **state)
{
    (void)state;
    check("{name: a, params: {x: {type: string}}, labels: {k: v}, run: a}",
          "{name: b, secrets: [S], labels: {k: w}, run: a}",
          "*  run: workflow=a>b; params.x={\"type\":\"string\"}>~; labels.k=v>w; "
          "secrets=~>[\"S\"];\n");
}

static void
test_chains_are_aligned(void **state)
{
    (void)state;
    check("chain: [{run: a}, {run: b}, {run: c}]",
          "chain: [{run: a}, {run: x}, {run: b}, {run: c}]", "+ chain[1] run: run=~>x;\n");
    check("chain: [{run: a}, {run: b}, {run: c}]", "chain: [{run: b}, {run: d}]",
          "- chain[0] run: run=a>~;\n* chain[1] run: run=c>d;\n");
    check("chain: [{run: a}, {run: b}]", "chain: [{run: a}, {exec: [b]}]",
          "* chain[1] exec: kind=run>exec; run=b>~; exec=~>[\"b\"];\n");
    check("chain: [{id: a, run: x}, {id: b, run: y}, {id: c, run: z}]",
          "chain: [{id: b, run: y}, {id: c, run: z2}, {id: a, run: x}]",
          "* chain[1] run: run=z>z2;\n* chain[2] run: place=chain[0]>chain[2];\n");
    check("chain: [{id: a, run: x}, {run: y}]", "chain: [{run: x}, {id: b, run: y}]",
          "* chain[0] run: id=a>~;\n* chain[1] run: id=~>b;\n");
}

static void
test_members_of_a_dag_go_by_their_ids(void **state)
{
    (void)state;
    check("dag: {a: {run: x}, b: {run: y}}", "dag: {b: {run: y, needs: a}, a: {run: x}}",
          "* dag.b run: needs=~>a;\n");
    check(
        "dag: {a: {run: x}, b: {run: y, needs: {a: failed}}}",
        "dag: {a: {run: x}, b: {run: y, needs: {a: [failed, skipped]}}, c: {run: z, timeout: 1s}}",
        "* dag.b run: needs=a: failed>a: failed or skipped;\n"
        "+ dag.c run: run=~>z; timeout=~>1s;\n");
    check("dag: {a: {run: x}}", "dag: {b: {run: x}}", "* dag.b run: id=a>b;\n");
}

static void
test_what_is_inside(void **state)
{
    (void)state;
    check("{try: {run: a}, catch: {run: b}}", "{try: {run: a}, catch: {chain: [{run: b}]}}",
          "* catch chain: kind=run>chain; run=b>~;\n+ catch.chain[0] run: run=~>b;\n");
    check("{if: '${{ 1 }}', then: {run: a}, else: {run: b}}", "{if: '${{ 1 }}', then: {run: a}}",
          "- else run: run=b>~;\n");
    check("{switch: '${{ 1 }}', cases: {x: {run: a}, y: {run: b}}}",
          "{switch: '${{ 1 }}', cases: {y: {run: b}, x: {run: c}}, default: {run: d}}",
          "* cases.x run: run=a>c;\n+ default run: run=~>d;\n");
}

static void
test_boxes_go_by_their_names(void **state)
{
    (void)state;
    check("{tasks: {t: {run: a}, u: {run: u}}, chain: [{task: t}, {task: u}, {task: t}]}",
          "{tasks: {t: {run: b}, v: {run: u}}, chain: [{task: t}, {task: v}, {task: t}]}",
          "* chain[1] task: task=u>v;\n* tasks.t| run: run=a>b;\n+ tasks.v| run: run=~>u;\n"
          "- tasks.u| run: run=u>~;\n");
}

static void
test_files_that_are_called(void **state)
{
    static const char *const texts[] = {
        "chain: [{run: one}, {task: t}]\ntasks: {t: {run: inner}}\n",
        "chain: [{run: one}, {run: new}, {task: t}]\ntasks: {t: {run: changed}}\n",
    };
    struct act_compiled sides[2];
    struct act_plan_diff diff;
    struct act_buf found = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        child = texts[i];
        compile("{tasks: {t: {run: mine}}, chain: [{workflow: sub/child.yaml}, {task: t}]}",
                &sides[i]);
    }
    child = texts[0];
    act_plan_diff_make(sides[0].plan, sides[1].plan, &diff);
    print(&found, &diff);
    assert_string_equal(found.ptr, "+ sub/child.yaml|chain[1] run: run=~>new;\n"
                                   "* sub/child.yaml tasks.t| run: run=inner>changed;\n");
    act_buf_fini(&found);
    act_plan_diff_fini(&diff);
    act_compiled_fini(&sides[0]);
    act_compiled_fini(&sides[1]);
}

/* 5,000 children on both sides, none of which says what another does: no table of all pairs. */
static void
test_wide_ones(void **state)
{
    struct act_compiled sides[2];
    struct act_plan_diff diff;
    (void)state;
    for (int s = 0; s < 2; s++) {
        struct act_buf text = {0};
        act_buf_add_cstr(&text, "group:\n");
        for (int i = 0; i < 5000; i++)
            act_buf_printf(&text, "- {run: 'echo %d'}\n", s * 2500 + i);
        compile(text.ptr, &sides[s]);
        act_buf_fini(&text);
    }
    act_plan_diff_make(sides[0].plan, sides[1].plan, &diff);
    assert_int_equal(diff.nodes.len, 5000);
    for (uint32_t i = 0; i < diff.nodes.len; i++)
        assert_int_equal(diff.nodes.ptr[i].change, i < 2500 ? ACT_PLAN_REMOVED : ACT_PLAN_ADDED);
    act_plan_diff_fini(&diff);
    act_compiled_fini(&sides[0]);
    act_compiled_fini(&sides[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_scripts_have_their_expressions_again),
        cmocka_unit_test(test_the_top),
        cmocka_unit_test(test_chains_are_aligned),
        cmocka_unit_test(test_members_of_a_dag_go_by_their_ids),
        cmocka_unit_test(test_what_is_inside),
        cmocka_unit_test(test_boxes_go_by_their_names),
        cmocka_unit_test(test_files_that_are_called),
        cmocka_unit_test(test_wide_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
