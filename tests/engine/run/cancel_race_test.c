/* Fault 51: a cancel that races with the end. Whatever the order in which the crew hears of the two, and
 * whoever of it dies in between, there is one end of each attempt, one verdict, and the run's row says
 * the same as its log. */
#include "tests/engine/run/world_support.h"

#include "dsl/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct act_plan *
compile(int took_ms)
{
    struct act_compiled compiled;
    struct act_compile_options options = {.name = ACT_STR("race")};
    char text[512];
    snprintf(text, sizeof(text),
             "try:\n"
             "  group:\n"
             "    - {run: ok %d}\n"
             "    - {chain: [{run: ok %d}, {run: ok 1, idempotent: false}]}\n"
             "finally: {run: ok 1}\n",
             took_ms, took_ms - 1);
    act_compile(ACT_STR("race.yaml"), act_str(text), &options, &compiled);
    struct act_plan *plan = compiled.plan;
    assert_non_null(plan);
    compiled.plan = NULL;
    act_compiled_fini(&compiled);
    return plan;
}

struct tally {
    uint32_t run_ends, node_ends, double_ends, cancels;
    struct act_map ended;
    struct act_arena arena;
    enum act_status status;
};

static void
count(struct tally *t, const struct act_plan *plan, const struct act_event *event)
{
    struct act_buf name = {0};
    t->cancels += event->type == ACT_EVENT_CANCEL;
    if (event->type == ACT_EVENT_RUN_ENDED) {
        t->run_ends++;
        t->status = event->status;
    }
    if (event->type != ACT_EVENT_NODE_ENDED && event->type != ACT_EVENT_ENDED)
        return;
    act_key_path(&name, plan, event->key);
    act_buf_printf(&name, " %d %u", (int)event->type, event->attempt);
    t->double_ends += !act_map_put(&t->ended, act_arena_str(&t->arena, act_buf_str(&name)), 1);
    t->node_ends += event->type == ACT_EVENT_NODE_ENDED;
    act_buf_fini(&name);
}

/* *cancelled: which of the two was first. */
static void
race(struct world_options options, bool *cancelled)
{
    struct world w;
    struct tally t = {0};
    struct act_event event;
    if (!world_run(&w, &options))
        fail_msg("seed %d: %s", (int)options.seed, w.problem);
    struct act_str bytes = act_buf_str(&w.observed);
    while (bytes.len > 0 && act_event_decode(&bytes, &t.arena, NULL, &event, NULL) == ACT_OK) {
        count(&t, options.plan, &event);
        act_event_fini(&event);
    }
    assert_int_equal(t.run_ends, 1);
    assert_int_equal(t.double_ends, 0);
    assert_true(t.cancels <= 1);
    assert_true(t.node_ends >= 4);
    /* The first that was logged decides. */
    assert_int_equal(t.status, t.cancels ? ACT_STATUS_CANCELLED : ACT_STATUS_SUCCEEDED);
    assert_string_equal(w.status, act_status_text(t.status));
    *cancelled = t.cancels > 0;
    act_map_fini(&t.ended);
    act_arena_fini(&t.arena);
    world_fini(&w);
}

/* The inbox is looked at every 250 ms; the tasks end around one of these moments. */
static void
races(uint32_t often, bool power, uint64_t seeds)
{
    uint32_t cancelled = 0, ended = 0;
    for (int took_ms = 240; took_ms <= 254; took_ms++) {
        struct act_plan *plan = compile(took_ms);
        for (uint64_t seed = 0; seed < seeds; seed++) {
            bool first = false;
            struct world_options options = {.plan = plan,
                                            .seed = seed,
                                            .cancel_ms = 200,
                                            .often = often,
                                            .power = power,
                                            .snapshot_bytes = seed % 2};
            race(options, &first);
            cancelled += first;
            ended += !first;
        }
        act_plan_destroy(plan);
    }
    /* Both happened. */
    assert_true(cancelled > 10);
    assert_true(ended > 10);
}

static void
test_one_end_whichever_came_first(void **state)
{
    (void)state;
    races(0, false, 60);
}

static void
test_at_power(void **state)
{
    (void)state;
    races(0, true, 10);
}

static void
test_while_actors_die(void **state)
{
    (void)state;
    races(15, false, 40);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_end_whichever_came_first),
        cmocka_unit_test(test_at_power),
        cmocka_unit_test(test_while_actors_die),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
