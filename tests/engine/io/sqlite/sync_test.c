/* When the disk is waited for, and how large the WAL becomes. */
#include "tests/engine/io/sqlite/store_support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct act_store *
open_counted(struct fixture *f, enum act_durability level)
{
    struct act_store_options options = fixture_options(f);
    struct act_store *store = NULL;
    options.vfs = counting_vfs();
    options.durability = level;
    assert_int_equal(act_store_open(&options, &store, &f->err), ACT_OK);
    return store;
}

static void
hello(struct fixture *f, enum act_durability level, const char *run)
{
    struct act_store *store = open_counted(f, level);
    assert_int_equal(make_run(store, run, &f->err), ACT_OK);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(add(store, run, 2 + i, 1, "x", &f->err), ACT_OK);
    assert_int_equal(set_status(store, run, "succeeded"), ACT_OK);
    store->ops->maintain(store);
    store->ops->close(store);
}

static void
test_a_hello_at_process_makes_no_fsync(void **state)
{
    struct fixture *f = *state;
    hello(f, ACT_DURABLE_PROCESS, "fresh");
    assert_int_equal(vfs_syncs, 0);
    hello(f, ACT_DURABLE_PROCESS, "warm");
    assert_int_equal(vfs_syncs, 0);
    hello(f, ACT_DURABLE_OFF, "off");
    assert_int_equal(vfs_syncs, 0);
}

static void
test_a_batch_that_must_not_be_lost_is_synced_at_every_level(void **state)
{
    struct fixture *f = *state;
    static const enum act_durability levels[] = {ACT_DURABLE_OFF, ACT_DURABLE_PROCESS};
    for (int i = 0; i < 2; i++) {
        const char *run = i ? "two" : "one";
        struct act_store *store = open_counted(f, levels[i]);
        struct act_batch batch = {.first_seq = 2, .count = 1, .body = ACT_STR("dispatch")};
        make_run(store, run, &f->err);
        vfs_syncs = 0;
        assert_int_equal(
            store->ops->append(store, act_str(run), &batch, NULL, NULL, 0, true, &f->err), ACT_OK);
        assert_true(vfs_syncs >= 2); /* the database's file once, and the WAL */
        vfs_syncs = 0;
        batch.first_seq = 3;
        assert_int_equal(
            store->ops->append(store, act_str(run), &batch, NULL, NULL, 0, true, &f->err), ACT_OK);
        assert_int_equal(vfs_syncs, 1);
        vfs_syncs = 0;
        assert_int_equal(add(store, run, 4, 1, "usual", &f->err), ACT_OK);
        assert_int_equal(vfs_syncs, 0);
        store->ops->close(store);
    }
}

static void
test_at_power_every_commit_is_synced(void **state)
{
    struct fixture *f = *state;
    f->store = open_counted(f, ACT_DURABLE_POWER);
    make_run(f->store, "r1", &f->err);
    assert_true(vfs_syncs > 0);
    for (uint64_t i = 0; i < 5; i++) {
        vfs_syncs = 0;
        assert_int_equal(add(f->store, "r1", 2 + i, 1, "x", &f->err), ACT_OK);
        assert_int_equal(vfs_syncs, 1);
    }
}

/* 60 MB of batches, with and without a quiet moment in between. */
static void
test_the_wal_stays_bounded(void **state)
{
    struct fixture *f = *state;
    static char body[20001];
    char path[400];
    struct stat st;
    memset(body, 'x', sizeof(body) - 1);
    snprintf(path, sizeof(path), "%s-wal", f->db);
    for (int quiet = 0; quiet < 2; quiet++) {
        const char *run = quiet ? "quiet" : "busy";
        f->store = fixture_open(f, ACT_DURABLE_PROCESS);
        make_run(f->store, run, &f->err);
        for (uint64_t i = 0; i < 3000; i++) {
            assert_int_equal(add(f->store, run, 2 + i, 1, body, &f->err), ACT_OK);
            if (quiet)
                f->store->ops->maintain(f->store);
        }
        f->store->ops->close(f->store);
        f->store = NULL;
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size < (48 << 20));
    }
}

/* Each hello adds to the WAL, and each reads all of it when it opens. */
static void
test_many_small_runs_do_not_pile_up(void **state)
{
    struct fixture *f = *state;
    char path[400], run[32];
    struct stat st;
    snprintf(path, sizeof(path), "%s-wal", f->db);
    for (int i = 0; i < 100; i++) {
        snprintf(run, sizeof(run), "run-%d", i);
        hello(f, ACT_DURABLE_PROCESS, run);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < (2 << 20));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_hello_at_process_makes_no_fsync),
        T(test_a_batch_that_must_not_be_lost_is_synced_at_every_level),
        T(test_at_power_every_commit_is_synced),
        T(test_the_wal_stays_bounded),
        T(test_many_small_runs_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
