/* What the store keeps so that a run can be taken up again: the count of recoveries that died, and the
 * snapshot, which is there only for the log that it was folded from. */
#include "tests/engine/io/sqlite/store_support.h"

#include <stdio.h>
#include <string.h>

/* ---- recoveries ---- */

static enum act_err
begin(struct fixture *f, bool anyway)
{
    return f->store->ops->begin_recovery(f->store, ACT_STR("r1"), anyway, &f->err);
}

/* Nobody is left to take back what was counted. */
static void
forget_all_owners(struct fixture *f, uint32_t count)
{
    char sql[128];
    f->store->ops->close(f->store);
    snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO recoveries VALUES (1, %u, 5)", count);
    raw_sql(f->db, sql);
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
}

static const char *
status(struct fixture *f)
{
    static char text[32];
    struct act_arena arena = {0};
    struct act_run_row row;
    f->store->ops->disown(f->store, ACT_STR("r1"));
    assert_int_equal(f->store->ops->find_run(f->store, ACT_STR("r1"), &arena, &row, &f->err),
                     ACT_OK);
    snprintf(text, sizeof(text), "%.*s", ACT_STR_ARG(row.status));
    act_value_release(row.spec);
    act_value_release(row.from);
    act_arena_fini(&arena);
    assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    return text;
}

static void
test_the_third_recovery_is_refused(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    assert_string_equal(status(f), "interrupted");
    for (uint32_t before = 0; before < 4; before++) {
        forget_all_owners(f, before);
        assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_OK);
        assert_string_equal(status(f), before < 2 ? "interrupted" : "quarantined");
        assert_int_equal(begin(f, false), before < 2 ? ACT_OK : ACT_ERR_QUARANTINED);
        assert_string_equal(status(f), before < 2 ? "interrupted" : "quarantined");
        /* By the wish of a person; what it left behind is what was there. */
        assert_int_equal(begin(f, true), ACT_OK);
        assert_string_equal(status(f), before < 2 ? "interrupted" : "quarantined");
    }
    assert_int_equal(begin(f, true), ACT_OK);
    assert_int_equal(add(f->store, "r1", 2, 1, "b ", &f->err), ACT_OK);
    assert_string_equal(status(f), "interrupted");
    assert_int_equal(begin(f, false), ACT_OK);
}

static void
test_it_is_counted_before_it_begins(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    assert_int_equal(begin(f, false), ACT_OK);
    assert_int_equal(begin(f, false), ACT_OK); /* once */
    raw_sql(f->db, "CREATE TEMP TABLE t (x CHECK (x)); "
                   "INSERT INTO t SELECT count = 1 FROM recoveries WHERE run = 1; "
                   "INSERT INTO t SELECT count(*) = 1 FROM t");
    f->store->ops->disown(f->store, ACT_STR("r1"));
    raw_sql(f->db, "CREATE TEMP TABLE t (x CHECK (x)); "
                   "INSERT INTO t SELECT count(*) = 0 FROM recoveries");
}

static void
test_an_ended_run_is_not_counted(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    set_status(f->store, "r1", "failed");
    forget_all_owners(f, 7);
    assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    assert_int_equal(begin(f, false), ACT_OK);
    assert_string_equal(status(f), "failed");
}

static void
test_only_the_owner_begins(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    f->store->ops->disown(f->store, ACT_STR("r1"));
    assert_int_equal(begin(f, true), ACT_ERR_OWNED);
}

/* ---- snapshots ---- */

static enum act_err
save(struct fixture *f, uint64_t seq, const char *body)
{
    struct act_snapshot snapshot = {seq, act_str(body)};
    return f->store->ops->save_snapshot(f->store, ACT_STR("r1"), &snapshot, &f->err);
}

/* "seq:body", or "none". */
static const char *
stored(struct fixture *f)
{
    static char text[64];
    struct act_buf body = {0};
    uint64_t seq = 99;
    assert_int_equal(f->store->ops->read_snapshot(f->store, ACT_STR("r1"), &body, &seq, &f->err),
                     ACT_OK);
    snprintf(text, sizeof(text), seq ? "%u:%.*s" : "none", (unsigned)seq,
             ACT_STR_ARG(act_buf_str(&body)));
    act_buf_fini(&body);
    return text;
}

static void
test_the_newest_snapshot_is_kept(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    assert_string_equal(stored(f), "none");
    assert_int_equal(save(f, 2, "too new"), ACT_ERR_INVALID);
    assert_int_equal(save(f, 1, "one"), ACT_OK);
    assert_string_equal(stored(f), "1:one");
    assert_int_equal(add(f->store, "r1", 2, 3, "b ", &f->err), ACT_OK);
    assert_string_equal(stored(f), "1:one");
    assert_int_equal(save(f, 3, "within a batch"), ACT_ERR_INVALID);
    assert_int_equal(save(f, 4, "four"), ACT_OK);
    assert_string_equal(stored(f), "4:four");
    f->store->ops->disown(f->store, ACT_STR("r1"));
    assert_int_equal(save(f, 4, "not ours"), ACT_ERR_INVALID);
    assert_string_equal(stored(f), "4:four");
}

static void
test_a_snapshot_goes_when_the_run_ends(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    save(f, 1, "one");
    set_status(f->store, "r1", "suspended");
    assert_string_equal(stored(f), "1:one");
    set_status(f->store, "r1", "failed");
    assert_string_equal(stored(f), "none");
    save(f, 1, "after a retry");
    assert_int_equal(f->store->ops->remove_run(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    raw_sql(f->db, "CREATE TEMP TABLE t (x CHECK (x)); "
                   "INSERT INTO t SELECT count(*) = 0 FROM snapshots");
}

/* Each of these makes it the snapshot of another log. */
static void
test_a_snapshot_of_another_log_is_not_there(void **state)
{
    static const char *const damage[] = {
        "UPDATE snapshots SET body = x'6f6e65'",
        "UPDATE snapshots SET seq = 1",
        "UPDATE snapshots SET seq = 3",
        "UPDATE snapshots SET seq = -4",
        "UPDATE snapshots SET hash = x''",
        "DELETE FROM batches WHERE position = (SELECT max(position) FROM batches)",
        "UPDATE batches SET hash = zeroblob(32)",
        "UPDATE batches SET count = 2 WHERE position = (SELECT max(position) FROM batches)",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        f->store = fixture_open(f, ACT_DURABLE_PROCESS);
        make_run(f->store, "r1", &f->err);
        assert_int_equal(add(f->store, "r1", 2, 3, "b ", &f->err), ACT_OK);
        assert_int_equal(save(f, 4, "four"), ACT_OK);
        f->store->ops->close(f->store);
        raw_sql(f->db, damage[i]);
        f->store = fixture_open(f, ACT_DURABLE_PROCESS);
        assert_string_equal(stored(f), "none");
        assert_int_equal(set_status(f->store, "r1", "failed"), ACT_ERR_OWNED);
        f->store->ops->close(f->store);
        raw_sql(f->db, "DELETE FROM runs; DELETE FROM batches; DELETE FROM snapshots");
    }
    f->store = NULL;
}

/* A database of an older version that is opened for reading has no such tables. */
static void
test_an_older_database_has_none(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    f->store->ops->close(f->store);
    raw_sql(f->db, "DROP TABLE recoveries; DROP TABLE snapshots; PRAGMA user_version = 65538");
    struct act_store_options options = fixture_options(f);
    options.read_only = true;
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_OK);
    struct act_arena arena = {0};
    struct act_run_row row;
    assert_int_equal(f->store->ops->find_run(f->store, ACT_STR("r1"), &arena, &row, &f->err),
                     ACT_OK);
    assert_true(act_str_is(row.status, "interrupted"));
    act_value_release(row.spec);
    act_value_release(row.from);
    act_arena_fini(&arena);
    assert_string_equal(stored(f), "none");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_third_recovery_is_refused),
        TEST(test_it_is_counted_before_it_begins),
        TEST(test_an_ended_run_is_not_counted),
        TEST(test_only_the_owner_begins),
        TEST(test_the_newest_snapshot_is_kept),
        TEST(test_a_snapshot_goes_when_the_run_ends),
        TEST(test_a_snapshot_of_another_log_is_not_there),
        TEST(test_an_older_database_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
