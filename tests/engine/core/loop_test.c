/* A loop over values: constant memory, one record whatever the count. */
#include "engine/core/machine.h"
#include "tests/engine/core/plan_support.h"

#include <setjmp.h>

#include <cmocka.h>

static struct act_plan *
counting(int64_t turns)
{
    struct build b;
    build_init(&b);
    uint32_t loop = build_root(&b, ACT_KIND_WHILE);
    uint32_t turn = build_child(&b, loop, ACT_ROLE_DO, ACT_KIND_VALUE);
    build_flag(&b, loop, ACT_NODE_PURE);
    build_flag(&b, turn, ACT_NODE_PURE);
    build_json(&b, loop, ACT_ATTR_MAX, "null");
    build_expr(&b, loop, ACT_ATTR_SUBJECT,
               build_op(&b, ACT_OP_LT, build_context(&b, ACT_CTX_PREV, 0),
                        build_value(&b, act_value_int(turns))));
    build_expr(&b, turn, ACT_ATTR_SUBJECT,
               build_op(&b, ACT_OP_ADD, build_context(&b, ACT_CTX_PREV, 0),
                        build_value(&b, act_value_int(1))));
    return build_finish(&b);
}

static void
a_hundred_thousand_turns(void **state)
{
    struct act_plan *plan = counting(100000);
    struct act_run *run = act_run_create(plan, NULL);
    struct act_effects effects = {0};
    struct act_value *start = act_value_map();
    struct act_fact fact = {.event = {.type = ACT_EVENT_RUN_STARTED, .value = start}};
    struct act_outcome outcome;
    (void)state;
    assert_int_equal(act_run_apply(run, &fact, &effects, NULL), ACT_OK);
    assert_true(act_run_more(run));
    while (act_run_more(run)) {
        assert_true(run->slab.used <= 8);
        act_run_continue(run, 0, 0, &effects);
    }
    act_run_outcome(run, &outcome);
    assert_int_equal(outcome.status, ACT_STATUS_SUCCEEDED);
    assert_int_equal(act_value_as_int(outcome.result), 100000);
    assert_int_equal(effects.event_count, 4); /* started, node started, node ended, run ended */
    /* and the log replays, though it says so little */
    struct act_run *again = act_run_create(plan, NULL);
    struct act_error err = {0};
    assert_int_equal(act_run_replay(again, act_buf_str(&effects.log), &err), ACT_OK);
    assert_int_equal(act_run_state_hash(again), act_run_state_hash(run));
    act_run_destroy(again);
    act_run_destroy(run);
    act_effects_fini(&effects);
    act_value_release(start);
    act_plan_destroy(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hundred_thousand_turns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
