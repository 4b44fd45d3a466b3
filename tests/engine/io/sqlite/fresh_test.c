/* What a power cut leaves of a database that nobody has brought to the disk. */
#include "tests/engine/io/sqlite/store_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
beside(const struct fixture *f, const char *end, char path[400])
{
    snprintf(path, 400, "%s%s", f->db, end);
}

static bool
there(const struct fixture *f, const char *end)
{
    char path[400];
    beside(f, end, path);
    return access(path, F_OK) == 0;
}

static void
one_run(struct fixture *f, enum act_durability level)
{
    struct act_store *store = fixture_open(f, level);
    assert_int_equal(make_run(store, "r1", &f->err), ACT_OK);
    assert_int_equal(add(store, "r1", 2, 1, "more", &f->err), ACT_OK);
    store->ops->close(store);
}

static void
assert_whole(struct fixture *f)
{
    char text[100];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "start more ");
    f->store->ops->close(f->store);
    f->store = NULL;
    raw_sql(f->db, "CREATE TEMP TABLE t (n CHECK (n = 'ok'));"
                   "INSERT INTO t SELECT * FROM pragma_integrity_check;");
}

static void
zero(const struct fixture *f, off_t from, size_t size)
{
    static const char zeros[1 << 17];
    int fd = open(f->db, O_WRONLY);
    assert_true(fd >= 0 && pwrite(fd, zeros, size, from) == (ssize_t)size);
    close(fd);
}

static void
test_holes_are_mended(void **state)
{
    struct fixture *f = *state;
    one_run(f, ACT_DURABLE_PROCESS);
    assert_true(there(f, ".new"));
    zero(f, 0, 1024);
    zero(f, 3 * 4096, 2 * 4096);
    assert_whole(f);
}

static void
test_a_file_without_bytes_is_mended(void **state)
{
    struct fixture *f = *state;
    one_run(f, ACT_DURABLE_PROCESS);
    assert_int_equal(truncate(f->db, 0), 0);
    struct act_store_options options = fixture_options(f);
    options.read_only = true;
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_ERR_CORRUPT);
    assert_non_null(strstr(f->err.hint, "resume"));
    assert_whole(f);
}

/* SQLite's shell, say, has copied the WAL into the file. */
static void
test_what_is_no_image_with_holes_is_left_alone(void **state)
{
    struct fixture *f = *state;
    one_run(f, ACT_DURABLE_PROCESS);
    raw_sql(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_true(there(f, ".new"));
    assert_whole(f);
}

static void
test_a_commit_at_power_ends_it(void **state)
{
    struct fixture *f = *state;
    one_run(f, ACT_DURABLE_POWER);
    assert_false(there(f, ".new"));
    assert_int_equal(truncate(f->db, 0), 0);
    struct act_store_options options = fixture_options(f);
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_ERR_FOREIGN);
}

static void
test_a_wal_without_its_database_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[400], aside[410];
    one_run(f, ACT_DURABLE_POWER);
    assert_int_equal(unlink(f->db), 0);
    struct act_store_options options = fixture_options(f);
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_ERR_CORRUPT);
    assert_non_null(strstr(f->err.message, "-wal"));
    assert_false(there(f, "")); /* nothing was made */
    beside(f, "-wal", path);
    snprintf(aside, sizeof(aside), "%s.old", path);
    assert_int_equal(rename(path, aside), 0);
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_holes_are_mended),
        T(test_a_file_without_bytes_is_mended),
        T(test_what_is_no_image_with_holes_is_left_alone),
        T(test_a_commit_at_power_ends_it),
        T(test_a_wal_without_its_database_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
