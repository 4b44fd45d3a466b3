/* What is kept for `cache`: rows of their run, forgotten by who has done the work. */
#include "tests/engine/io/sqlite/store_support.h"

#define KEY ACT_STR("k")

/* An entry of node in run, which r1's node `a` has done at the time at_ms. */
static enum act_err
keep(struct fixture *f, const char *run, const char *node, int64_t at_ms, bool again)
{
    struct act_cache_entry entry = {
        .key = KEY,
        .scope = ACT_STR("flow:x"),
        .run = act_str(run),
        .node = act_str(node),
        .parts = ACT_STR("{}"),
        .body = ACT_STR("body"),
        .origin_run = ACT_STR("r1"),
        .origin_node = ACT_STR("a"),
        .at_ms = at_ms,
        .again = again,
    };
    return f->store->ops->keep_entry(f->store, &entry, &f->err);
}

static uint32_t
count(struct fixture *f)
{
    struct act_arena arena = {0};
    act_cache_entries list = {0};
    assert_int_equal(
        f->store->ops->find_entries(f->store, KEY, ACT_STR(""), &arena, &list, &f->err), ACT_OK);
    for (uint32_t i = 0; i < list.len; i++) {
        assert_true(act_str_is(list.ptr[i].origin_run, "r1"));
        assert_true(act_str_is(list.ptr[i].origin_node, "a"));
    }
    uint32_t found = list.len;
    act_vec_fini(&list);
    act_arena_fini(&arena);
    return found;
}

static enum act_err
forget(struct fixture *f, const char *run, const char *node)
{
    return f->store->ops->forget_entries(f->store, act_str(run), act_str(node), &f->err);
}

static void
open_with_runs(struct fixture *f)
{
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_OK);
    assert_int_equal(make_run(f->store, "r2", &f->err), ACT_OK);
}

static void
test_all_that_came_of_a_node_is_forgotten(void **state)
{
    struct fixture *f = *state;
    open_with_runs(f);
    assert_int_equal(keep(f, "r1", "a", 1, false), ACT_OK);
    assert_int_equal(keep(f, "r1", "b", 1, true), ACT_OK); /* in place of a's */
    assert_int_equal(keep(f, "r2", "c", 1, true), ACT_OK);
    assert_int_equal(count(f), 2);
    assert_int_equal(forget(f, "r1", "b"), ACT_OK);
    assert_int_equal(forget(f, "r2", "c"), ACT_OK);
    assert_int_equal(count(f), 2);
    assert_int_equal(forget(f, "r1", "a"), ACT_OK);
    assert_int_equal(count(f), 0);
}

/* Who had reused it before it was forgotten comes too late to keep it. */
static void
test_what_was_forgotten_is_not_kept_again(void **state)
{
    struct fixture *f = *state;
    open_with_runs(f);
    assert_int_equal(keep(f, "r1", "a", 1, false), ACT_OK);
    assert_int_equal(forget(f, "r1", "a"), ACT_OK);
    assert_int_equal(keep(f, "r2", "c", 1, true), ACT_OK);
    assert_int_equal(count(f), 0);
    assert_int_equal(keep(f, "r1", "a", 2, false), ACT_OK); /* done once more */
    assert_int_equal(keep(f, "r2", "c", 1, true), ACT_OK);
    assert_int_equal(count(f), 1);
    assert_int_equal(keep(f, "r2", "c", 2, true), ACT_OK);
    assert_int_equal(count(f), 2);
}

/* Of rows that were written before they had an origin nobody could forget all: they are not there. */
static void
test_a_row_without_an_origin_is_none(void **state)
{
    struct fixture *f = *state;
    open_with_runs(f);
    assert_int_equal(keep(f, "r1", "a", 1, false), ACT_OK);
    raw_sql(f->db, "UPDATE cache SET origin_run = NULL, origin_node = NULL");
    assert_int_equal(count(f), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_that_came_of_a_node_is_forgotten),
        TEST(test_what_was_forgotten_is_not_kept_again),
        TEST(test_a_row_without_an_origin_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
