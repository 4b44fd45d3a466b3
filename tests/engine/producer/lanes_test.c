/* In which order records leave their lanes. */
#include "engine/producer/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void
push(struct act_lanes *lanes, enum actant_lane lane, size_t size)
{
    static const char bytes[64];
    act_lanes_push(lanes, act_node_create(lane, bytes, size, NULL));
}

static void
drain(struct act_lanes *lanes)
{
    for (struct act_node *node; (node = act_lanes_take(lanes, SIZE_MAX));)
        act_node_destroy(node);
    assert_int_equal(lanes->records, 0);
    assert_int_equal(lanes->bytes, 0);
}

static const struct actant_lane_options plain[ACTANT_LANE_COUNT];

static void
test_a_lane_keeps_its_order(void **state)
{
    struct act_lanes lanes;
    (void)state;
    act_lanes_init(&lanes, plain);
    for (int i = 0; i < 10; i++)
        push(&lanes, ACTANT_LANE_NORMAL, 1);
    for (uint64_t i = 1; i <= 10; i++) {
        struct act_node *node = act_lanes_take(&lanes, SIZE_MAX);
        assert_int_equal(node->record.number, i);
        act_node_destroy(node);
    }
    assert_null(act_lanes_take(&lanes, SIZE_MAX));
}

static void
test_higher_lanes_go_first(void **state)
{
    struct act_lanes lanes;
    (void)state;
    act_lanes_init(&lanes, plain);
    push(&lanes, ACTANT_LANE_LAZY, 1);
    push(&lanes, ACTANT_LANE_NORMAL, 1);
    push(&lanes, ACTANT_LANE_URGENT, 1);
    for (int lane = 0; lane < ACTANT_LANE_COUNT; lane++) {
        struct act_node *node = act_lanes_take(&lanes, SIZE_MAX);
        assert_int_equal(node->record.lane, lane);
        act_node_destroy(node);
    }
}

/* Between two of a lane's records at most ACT_LANE_PASSES + 1 of others, however many there are. */
static void
test_no_lane_starves(void **state)
{
    struct act_lanes lanes;
    int since[ACTANT_LANE_COUNT] = {0}, taken[ACTANT_LANE_COUNT] = {0};
    (void)state;
    act_lanes_init(&lanes, plain);
    for (int lane = 0; lane < ACTANT_LANE_COUNT; lane++) {
        for (int i = 0; i < 50; i++)
            push(&lanes, (enum actant_lane)lane, 1);
    }
    for (int turn = 0; turn < 2000; turn++) {
        struct act_node *node = act_lanes_take(&lanes, SIZE_MAX);
        enum actant_lane took = node->record.lane;
        act_node_destroy(node);
        push(&lanes, took, 1); /* there is always more of it */
        for (int lane = 0; lane < ACTANT_LANE_COUNT; lane++) {
            since[lane] = lane == (int)took ? 0 : since[lane] + 1;
            assert_true(since[lane] <= ACT_LANE_PASSES + 1);
        }
        taken[took]++;
    }
    assert_true(taken[ACTANT_LANE_URGENT] > 10 * taken[ACTANT_LANE_NORMAL]);
    assert_true(taken[ACTANT_LANE_LAZY] > 0);
    drain(&lanes);
}

static void
test_room_is_counted_by_records_and_bytes(void **state)
{
    struct actant_lane_options options[ACTANT_LANE_COUNT] = {{.records_max = 2, .bytes_max = 10}};
    struct act_lanes lanes;
    (void)state;
    act_lanes_init(&lanes, options);
    const struct act_lane *lane = &lanes.lanes[ACTANT_LANE_URGENT];
    assert_true(act_lane_has_room(lane, 10));
    assert_false(act_lane_has_room(lane, 11));
    push(&lanes, ACTANT_LANE_URGENT, 6);
    assert_true(act_lane_has_room(lane, 4));
    assert_false(act_lane_has_room(lane, 5));
    push(&lanes, ACTANT_LANE_URGENT, 1);
    assert_false(act_lane_has_room(lane, 0));
    assert_true(act_lane_has_room(&lanes.lanes[ACTANT_LANE_LAZY], 1000));
    assert_null(act_lanes_take(&lanes, 5)); /* it does not fit: nothing smaller overtakes it */
    drain(&lanes);
    assert_true(act_lane_has_room(lane, 10));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lane_keeps_its_order),
        cmocka_unit_test(test_higher_lanes_go_first),
        cmocka_unit_test(test_no_lane_starves),
        cmocka_unit_test(test_room_is_counted_by_records_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
