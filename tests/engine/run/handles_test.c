#include "engine/run/handles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t
next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Against a plain array: what was put and not taken is there, nothing else is. */
static void
agrees_with_an_array(void **state)
{
    (void)state;
    enum { INSTS = 200, NUMBERS = 3, ROUNDS = 20000 };
    static char marks[INSTS][NUMBERS];
    bool in[INSTS][NUMBERS] = {{false}};
    struct act_handles handles = {0};
    uint64_t seed = 7;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t i = (uint32_t)(next(&seed) % INSTS), n = (uint32_t)(next(&seed) % NUMBERS);
        act_inst inst = ((act_inst)(i % 5) << 32) | (i + 1);
        if (next(&seed) % 2) {
            act_handles_put(&handles, inst, n, &marks[i][n]);
            in[i][n] = true;
        } else {
            assert_ptr_equal(act_handles_take(&handles, inst, n), in[i][n] ? &marks[i][n] : NULL);
            in[i][n] = false;
        }
    }
    for (uint32_t i = 0; i < INSTS; i++) {
        for (uint32_t n = 0; n < NUMBERS; n++) {
            act_inst inst = ((act_inst)(i % 5) << 32) | (i + 1);
            assert_ptr_equal(act_handles_get(&handles, inst, n), in[i][n] ? &marks[i][n] : NULL);
        }
    }
    act_handles_fini(&handles);
}

static void
empty_has_nothing(void **state)
{
    (void)state;
    struct act_handles handles = {0};
    assert_null(act_handles_get(&handles, 1, 0));
    assert_null(act_handles_take(&handles, 1, 0));
    act_handles_fini(&handles);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(empty_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
