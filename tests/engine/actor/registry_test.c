#include "engine/actor/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
a_name_has_one_holder(void **state)
{
    (void)state;
    struct act_registry registry;
    act_registry_init(&registry);
    assert_true(act_registry_add(&registry, "clock", 1));
    assert_false(act_registry_add(&registry, "clock", 2));
    assert_true(act_registry_add(&registry, "clocks", 2));
    assert_int_equal(act_registry_find(&registry, "clock"), 1);
    assert_int_equal(act_registry_find(&registry, "clocks"), 2);
    assert_int_equal(act_registry_find(&registry, "cloc"), 0);
    act_registry_remove(&registry, 1);
    act_registry_remove(&registry, 1);
    assert_int_equal(act_registry_find(&registry, "clock"), 0);
    assert_true(act_registry_add(&registry, "clock", 3));
    assert_int_equal(act_registry_find(&registry, "clock"), 3);
    act_registry_fini(&registry);
}

static void
a_holder_knows_its_name(void **state)
{
    (void)state;
    char name[ACT_NAME_MAX + 1] = "?";
    struct act_registry registry;
    act_registry_init(&registry);
    act_registry_add(&registry, "left", 8);
    act_registry_name_of(&registry, 8, name);
    assert_string_equal(name, "left");
    act_registry_name_of(&registry, 9, name);
    assert_string_equal(name, "");
    act_registry_fini(&registry);
}

static void
many_come_and_go(void **state)
{
    (void)state;
    enum { NAMES = 5000 };
    char text[ACT_NAME_MAX + 1];
    struct act_registry registry;
    act_registry_init(&registry);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t i = 1; i <= NAMES; i++) {
            snprintf(text, sizeof(text), "actor-%d", (int)i);
            assert_true(act_registry_add(&registry, text, round * NAMES + i));
        }
        for (uint64_t i = 1; i <= NAMES; i++) {
            snprintf(text, sizeof(text), "actor-%d", (int)i);
            assert_int_equal(act_registry_find(&registry, text), round * NAMES + i);
        }
        for (uint64_t i = 1; i <= NAMES; i++) {
            act_registry_remove(&registry, round * NAMES + i);
        }
        assert_int_equal(act_registry_find(&registry, "actor-77"), 0);
    }
    act_registry_fini(&registry);
}

static void
names_have_bounds(void **state)
{
    (void)state;
    char text[ACT_NAME_MAX + 2];
    memset(text, 'n', sizeof(text));
    text[ACT_NAME_MAX + 1] = '\0';
    assert_false(act_registry_name_ok(text));
    assert_true(act_registry_name_ok(text + 1));
    assert_false(act_registry_name_ok(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_holder),
        cmocka_unit_test(a_holder_knows_its_name),
        cmocka_unit_test(many_come_and_go),
        cmocka_unit_test(names_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
