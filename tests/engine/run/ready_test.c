#include "engine/run/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
highest_priority_first_then_arrival(void **state)
{
    (void)state;
    struct act_ready ready = {0};
    act_ready_heap_push(&ready, 1, 0);
    act_ready_heap_push(&ready, 2, 5);
    act_ready_heap_push(&ready, 3, 0);
    act_ready_heap_push(&ready, 4, -1);
    act_ready_heap_push(&ready, 5, 5);
    const act_inst want[] = {2, 5, 1, 3, 4, ACT_INST_NONE};
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
        assert_int_equal(act_ready_heap_pop(&ready), want[i]);
    act_ready_heap_fini(&ready);
}

static void
stays_ordered_when_large(void **state)
{
    (void)state;
    struct act_ready ready = {0};
    for (uint32_t i = 0; i < 5000; i++)
        act_ready_heap_push(&ready, i + 1, (int32_t)((i * 7919) % 13));
    int32_t priority = 13;
    act_inst last = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        act_inst inst = act_ready_heap_pop(&ready);
        int32_t its = (int32_t)((((uint32_t)inst - 1) * 7919) % 13);
        assert_true(its < priority || (its == priority && inst > last));
        priority = its;
        last = inst;
    }
    assert_int_equal(act_ready_heap_pop(&ready), ACT_INST_NONE);
    act_ready_heap_fini(&ready);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(highest_priority_first_then_arrival),
        cmocka_unit_test(stays_ordered_when_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
