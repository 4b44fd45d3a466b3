#include "engine/actor/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t
next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Against a plain array: few keys in a small table, so that chains form, wrap and are cut. */
static void
agrees_with_an_array(void **state)
{
    (void)state;
    enum { KEYS = 300, ROUNDS = 200000 };
    static char marks[KEYS];
    static bool in[KEYS];
    struct act_table table = {0};
    uint64_t seed = 11;
    uint32_t count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        /* Rises and falls, so that growth and emptying both come. */
        uint64_t bias = (uint64_t)(round / 5000) % 2 ? 30 : 70, i = next(&seed) % KEYS;
        if (next(&seed) % 100 < bias) {
            act_table_put(&table, i + 1, &marks[i]);
            count += !in[i];
            in[i] = true;
        } else {
            assert_ptr_equal(act_table_take(&table, i + 1), in[i] ? &marks[i] : NULL);
            count -= in[i];
            in[i] = false;
        }
        assert_int_equal(table.count, count);
        uint64_t probe = next(&seed) % KEYS;
        assert_ptr_equal(act_table_get(&table, probe + 1), in[probe] ? &marks[probe] : NULL);
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(act_table_get(&table, i + 1), in[i] ? &marks[i] : NULL);
    }
    act_table_fini(&table);
}

static void
empty_has_nothing(void **state)
{
    (void)state;
    struct act_table table = {0};
    assert_null(act_table_get(&table, 1));
    assert_null(act_table_take(&table, 1));
    act_table_fini(&table);
}

static void
a_key_is_there_once(void **state)
{
    (void)state;
    char a, b;
    struct act_table table = {0};
    act_table_put(&table, 7, &a);
    act_table_put(&table, 7, &b);
    assert_ptr_equal(act_table_take(&table, 7), &b);
    assert_null(act_table_take(&table, 7));
    act_table_fini(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(empty_has_nothing),
        cmocka_unit_test(a_key_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
