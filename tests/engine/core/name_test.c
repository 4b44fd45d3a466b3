/* A node's `name`: what the terminal asks for while it runs, and what the log keeps of it. */
#include "engine/core/machine.h"
#include "tests/engine/core/plan_support.h"

#include <setjmp.h>

#include <cmocka.h>

/* for: [1, 2, 'é' · 200], do: {sleep, name: 'compile ${{ item }}'}, name: all */
static struct act_plan *
named(void)
{
    struct build b;
    struct act_buf items = {0};
    build_init(&b);
    uint32_t loop = build_root(&b, ACT_KIND_FOR);
    uint32_t item = build_child(&b, loop, ACT_ROLE_DO, ACT_KIND_SLEEP);
    act_buf_add_cstr(&items, "[1, 2, \"");
    for (int i = 0; i < 200; i++)
        act_buf_add_cstr(&items, "é");
    act_buf_add_cstr(&items, "\"]");
    build_json(&b, loop, ACT_ATTR_SUBJECT, items.ptr);
    build_json(&b, loop, ACT_ATTR_NAME, "\"all\"");
    build_json(&b, item, ACT_ATTR_SUBJECT, "1000");
    build_expr(&b, item, ACT_ATTR_NAME,
               build_op(&b, ACT_OP_CONCAT, build_value(&b, act_value_cstring("compile ")),
                        build_context(&b, ACT_CTX_ITEM, loop)));
    act_buf_fini(&items);
    return build_finish(&b);
}

static void
expect_name(const struct act_run *run, uint32_t node, uint32_t number, const char *name)
{
    struct act_buf out = {0};
    struct act_key key = {node, node, &number}; /* the top has no number, an item one */
    uint64_t hash = act_run_state_hash(run);
    assert_true(act_run_name(run, act_run_find(run, key), &out));
    assert_string_equal(out.ptr, name);
    assert_int_equal(act_run_state_hash(run), hash);
    act_buf_fini(&out);
}

static void
apply(struct act_run *run, struct act_effects *effects, act_inst inst, struct act_event event)
{
    struct act_fact fact = {.inst = inst, .event = event};
    assert_int_equal(act_run_apply(run, &fact, effects, NULL), ACT_OK);
}

static void
expect_labels(const struct act_plan *plan, struct act_str log)
{
    const char *const labels[] = {"compile 1", "compile 2", NULL, "all"};
    struct act_arena arena = {0};
    uint32_t at = 0;
    while (log.len > 0) {
        struct act_event event;
        assert_int_equal(act_event_decode(&log, &arena, NULL, &event, NULL), ACT_OK);
        if (event.type == ACT_EVENT_NODE_ENDED) {
            struct act_str label = act_event_label(plan, &event);
            if (labels[at] != NULL)
                assert_true(act_str_is(label, labels[at]));
            else
                assert_int_equal(label.len, ACT_NAME_MAX_BYTES);
            assert_int_equal(event.label.len == 0, at == 3); /* a constant stands in the plan */
            at++;
        }
        act_event_fini(&event);
    }
    assert_int_equal(at, 4);
    act_arena_fini(&arena);
}

static void
names_of_items(void **state)
{
    struct act_plan *plan = named();
    struct act_run *run = act_run_create(plan, NULL);
    struct act_effects effects = {0};
    struct act_buf out = {0}, log = {0};
    struct act_value *start = act_value_map();
    (void)state;
    apply(run, &effects, 0, (struct act_event){.type = ACT_EVENT_RUN_STARTED, .value = start});
    expect_name(run, 0, 0, "all");
    expect_name(run, 1, 0, "compile 1");
    expect_name(run, 1, 1, "compile 2");
    uint32_t number = 2;
    struct act_key last = {1, 1, &number};
    assert_true(act_run_name(run, act_run_find(run, last), &out));
    assert_int_equal(out.len, ACT_NAME_MAX_BYTES); /* "compile " and 124 whole characters */
    assert_false(act_run_name(run, ACT_INST_NONE, &out));
    for (uint32_t i = 0; i < effects.list.len; i++) {
        struct act_effect e = effects.list.ptr[i];
        if (e.type == ACT_EFFECT_TIMER)
            apply(run, &effects, e.inst,
                  (struct act_event){.type = ACT_EVENT_TIMER, .at_ms = 1000, .number = e.number});
    }
    assert_int_equal(act_run_status(run), ACT_STATUS_SUCCEEDED);
    act_buf_add_str(&log, act_buf_str(&effects.log));
    expect_labels(plan, act_buf_str(&log));
    struct act_run *again = act_run_create(plan, NULL);
    assert_int_equal(act_run_replay(again, act_buf_str(&log), NULL), ACT_OK);
    act_run_destroy(again);
    act_run_destroy(run);
    act_effects_fini(&effects);
    act_buf_fini(&out);
    act_buf_fini(&log);
    act_value_release(start);
    act_plan_destroy(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_items)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
