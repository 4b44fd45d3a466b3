/* States of actors: with the batch or not at all; one owner at a time of a global one; gone with their
 * run. */
#include "tests/engine/io/sqlite/store_support.h"

#include <stdio.h>
#include <string.h>

/* Appends one event together with a state. */
static enum act_err
call(struct act_store *store, const char *run, uint64_t seq, struct act_actor_save *save,
     struct act_error *err)
{
    struct act_batch batch = {
        .first_seq = seq, .count = 1, .body = ACT_STR("ended "), .actors = save, .actor_count = 1};
    return store->ops->append(store, act_str(run), &batch, NULL, NULL, 0, false, err);
}

static struct act_actor_save
state_of(bool global, const char *name, uint64_t version, const char *state)
{
    return (struct act_actor_save){.id = {global, act_str(name), ACT_STR("d1")},
                                   .version = version,
                                   .base = version ? version - 1 : 0,
                                   .state = act_str(state),
                                   .at_ms = 7};
}

/* "version:state", or "none". */
static const char *
stored(struct act_store *store, const char *run, bool global, const char *name,
       const char *definition)
{
    static char text[64];
    struct act_buf state = {0};
    struct act_error err = {0};
    uint64_t version = 99;
    struct act_actor_id id = {global, act_str(name), act_str(definition)};
    if (store->ops->read_actor(store, act_str(run), &id, &state, &version, &err) != ACT_OK)
        fail_msg("%s", err.message);
    snprintf(text, sizeof(text), version ? "%u:%.*s" : "none", (unsigned)version,
             ACT_STR_ARG(act_buf_str(&state)));
    act_buf_fini(&state);
    return text;
}

static bool
take(struct act_store *store, const char *run, const char *name)
{
    bool granted = false;
    int64_t retry = -1;
    struct act_error err = {0};
    struct act_actor_id id = {true, act_str(name), ACT_STR("d1")};
    if (store->ops->take_actor(store, act_str(run), &id, &granted, &retry, &err) != ACT_OK)
        fail_msg("%s", err.message);
    assert_true(granted ? retry == 0 : retry > 0 && retry <= 1000);
    return granted;
}

static void
test_a_state_comes_with_its_batch(void **state)
{
    struct fixture *f = *state;
    char text[64];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "none");
    struct act_actor_save one = state_of(false, "a", 1, "1"), two = state_of(false, "a", 2, "");
    assert_int_equal(call(f->store, "r1", 2, &one, &f->err), ACT_OK);
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "1:1");
    assert_string_equal(stored(f->store, "r1", false, "a", "d2"), "none");
    assert_string_equal(stored(f->store, "r1", false, "b", "d1"), "none");
    assert_string_equal(stored(f->store, "r1", true, "a", "d1"), "none");
    /* A batch that does not follow changes no state. */
    assert_int_equal(call(f->store, "r1", 9, &two, &f->err), ACT_ERR_INVALID);
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "1:1");
    assert_int_equal(call(f->store, "r1", 3, &two, &f->err), ACT_OK);
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "2:");
    /* Versions may be left out: several calls were saved at once. */
    struct act_actor_save five = state_of(false, "b", 5, "five"),
                          nine = state_of(false, "b", 9, "nine");
    five.base = 0;
    nine.base = 5;
    assert_int_equal(call(f->store, "r1", 4, &five, &f->err), ACT_OK);
    assert_int_equal(call(f->store, "r1", 5, &nine, &f->err), ACT_OK);
    assert_string_equal(stored(f->store, "r1", false, "b", "d1"), "9:nine");
    /* And a state that does not follow writes no batch. */
    struct act_actor_save late = state_of(false, "a", 2, "late");
    assert_int_equal(call(f->store, "r1", 6, &late, &f->err), ACT_ERR_OWNED);
    assert_non_null(strstr(f->err.message, "actor a"));
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "2:");
    assert_int_equal(bodies(f->store, "r1", 2, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "ended  ended  ended  ended  ");
    assert_int_equal(add(f->store, "r1", 6, 1, "fine", &f->err), ACT_OK);
}

static void
test_a_first_state_meets_none(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    struct act_actor_save one = state_of(true, "a", 1, "1"), again = one;
    assert_int_equal(call(f->store, "r1", 2, &one, &f->err), ACT_OK);
    assert_int_equal(call(f->store, "r1", 3, &again, &f->err), ACT_ERR_OWNED);
}

static void
test_states_of_runs_are_apart_and_go_with_them(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    make_run(f->store, "r2", &f->err);
    struct act_actor_save one = state_of(false, "a", 1, "one"),
                          two = state_of(false, "a", 1, "two"), all = state_of(true, "a", 1, "all");
    assert_int_equal(call(f->store, "r1", 2, &one, &f->err), ACT_OK);
    assert_int_equal(call(f->store, "r2", 2, &two, &f->err), ACT_OK);
    assert_int_equal(call(f->store, "r1", 3, &all, &f->err), ACT_OK);
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "1:one");
    assert_string_equal(stored(f->store, "r2", false, "a", "d1"), "1:two");
    assert_string_equal(stored(f->store, "r2", true, "a", "d1"), "1:all");
    assert_int_equal(set_status(f->store, "r1", "succeeded"), ACT_OK);
    assert_int_equal(f->store->ops->remove_run(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    assert_string_equal(stored(f->store, "r2", false, "a", "d1"), "1:two");
    assert_string_equal(stored(f->store, "r2", true, "a", "d1"), "1:all");
    raw_sql(f->db,
            "CREATE TEMP TABLE t (n CHECK (n = 2)); INSERT INTO t SELECT count(*) FROM actors");
}

static void
test_a_fork_of_a_run_that_is_gone_is_none(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    struct act_str name = ACT_STR("a");
    struct act_fork_states states = {.run = ACT_STR("gone"), .names = &name, .count = 1};
    struct act_run_row row = {.run = ACT_STR("r2"),
                              .workflow = ACT_STR("build"),
                              .status = ACT_STR("running"),
                              .path = ACT_STR("/somewhere/build.yaml"),
                              .plan_hash = ACT_STR("abcd"),
                              .states = &states};
    struct act_batch first = {.first_seq = 1, .count = 1, .body = ACT_STR("start")};
    assert_int_equal(
        f->store->ops->create_run(f->store, &row, ACT_STR("the plan"), &first, &f->err),
        ACT_ERR_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "gone"));
    assert_int_equal(f->store->ops->own(f->store, row.run, &f->err), ACT_ERR_NOT_FOUND);
}

static void
test_one_run_has_a_global_actor(void **state)
{
    struct fixture *f = *state;
    need_description_locks();
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    struct act_store *other = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    make_run(other, "r2", &f->err);
    assert_true(take(f->store, "r1", "a"));
    assert_true(take(f->store, "r1", "a"));
    struct act_actor_save one = state_of(true, "a", 1, "1"), two = state_of(true, "a", 2, "2");
    assert_int_equal(call(f->store, "r1", 2, &one, &f->err), ACT_OK);
    assert_false(one.released); /* nobody else wants it */
    assert_false(take(other, "r2", "a"));
    assert_true(take(other, "r2", "b"));
    struct act_actor_save kept = state_of(true, "a", 0, "");
    kept.keep = kept.release = true; /* what it did is not saved yet */
    assert_int_equal(call(f->store, "r1", 3, &kept, &f->err), ACT_OK);
    assert_true(kept.wanted && !kept.released);
    assert_int_equal(call(f->store, "r1", 4, &two, &f->err), ACT_OK);
    assert_true(two.released); /* now somebody does */
    assert_true(take(other, "r2", "a"));
    assert_false(take(f->store, "r1", "a"));
    assert_string_equal(stored(other, "r2", true, "a", "d1"), "2:2");
    /* A call that fails saves nothing and gives it back as well. */
    struct act_actor_save none = state_of(true, "a", 0, "");
    none.release = true;
    assert_int_equal(call(other, "r2", 2, &none, &f->err), ACT_OK);
    assert_true(none.released);
    assert_string_equal(stored(other, "r2", true, "a", "d1"), "2:2");
    assert_true(take(f->store, "r1", "a"));
    other->ops->close(other);
}

static void
test_what_the_dead_had_is_free(void **state)
{
    struct fixture *f = *state;
    need_description_locks();
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    struct act_store *other = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    make_run(other, "r2", &f->err);
    assert_true(take(other, "r2", "a"));
    assert_false(take(f->store, "r1", "a"));
    other->ops->close(other);
    assert_true(take(f->store, "r1", "a"));
}

static void
test_global_actors_are_listed_and_reset(void **state)
{
    struct fixture *f = *state;
    struct act_arena arena = {0};
    act_actor_rows rows = {0};
    uint32_t removed = 9;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    const struct act_store_ops *ops = f->store->ops;
    make_run(f->store, "r1", &f->err);
    struct act_actor_save own = state_of(false, "a", 1, "x"), b = state_of(true, "b", 1, "12345"),
                          a = state_of(true, "a", 1, "");
    assert_int_equal(call(f->store, "r1", 2, &own, &f->err), ACT_OK);
    assert_int_equal(call(f->store, "r1", 3, &b, &f->err), ACT_OK);
    assert_int_equal(call(f->store, "r1", 4, &a, &f->err), ACT_OK);
    assert_int_equal(ops->list_actors(f->store, &arena, &rows, &f->err), ACT_OK);
    assert_int_equal(rows.len, 2);
    assert_true(act_str_is(rows.ptr[0].name, "a"));
    assert_true(act_str_is(rows.ptr[1].name, "b"));
    assert_int_equal(rows.ptr[1].bytes, 5);
    assert_int_equal(rows.ptr[1].version, 1);
    assert_int_equal(rows.ptr[1].at_ms, 7);
    assert_true(take(f->store, "r1", "b"));
    assert_int_equal(ops->remove_actor(f->store, ACT_STR("b"), &removed, &f->err), ACT_ERR_OWNED);
    assert_int_equal(ops->remove_actor(f->store, ACT_STR("a"), &removed, &f->err), ACT_OK);
    assert_int_equal(removed, 1);
    assert_int_equal(ops->remove_actor(f->store, ACT_STR("a"), &removed, &f->err), ACT_OK);
    assert_int_equal(removed, 0);
    assert_string_equal(stored(f->store, "r1", true, "a", "d1"), "none");
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "1:x");
    ops->disown(f->store, ACT_STR("r1"));
    assert_int_equal(ops->remove_actor(f->store, ACT_STR("b"), &removed, &f->err), ACT_OK);
    assert_int_equal(removed, 1);
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

/* A database of the first version gets the tables when it is opened, and keeps what it holds. */
static void
test_an_older_database_learns_of_actors(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    f->store->ops->close(f->store);
    raw_sql(f->db, "DROP TABLE actors; DROP TABLE actor_owners; DROP TABLE recoveries;"
                   "DROP TABLE snapshots; DROP TABLE cache; PRAGMA user_version=65537;");
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    struct act_actor_save one = state_of(false, "a", 1, "1");
    assert_int_equal(call(f->store, "r1", 2, &one, &f->err), ACT_OK);
    assert_string_equal(stored(f->store, "r1", false, "a", "d1"), "1:1");
    raw_sql(f->db, "CREATE TEMP TABLE t (n CHECK (n >= 65538));"
                   "INSERT INTO t SELECT user_version FROM pragma_user_version;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_state_comes_with_its_batch),
        TEST(test_a_first_state_meets_none),
        TEST(test_states_of_runs_are_apart_and_go_with_them),
        TEST(test_a_fork_of_a_run_that_is_gone_is_none),
        TEST(test_one_run_has_a_global_actor),
        TEST(test_what_the_dead_had_is_free),
        TEST(test_global_actors_are_listed_and_reset),
        TEST(test_an_older_database_learns_of_actors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
