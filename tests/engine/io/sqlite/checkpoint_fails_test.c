/* Fault 5 where nobody waits for the disk: an fsync that fails in a checkpoint. What the kernel dropped
 * it would report as written the next time, so this process writes nothing more, and says so. */
#include "engine/io/sqlite/store.h"
#include "tests/engine/io/sqlite/store_support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int syncs_left = -1; /* so many go well, the next fails; -1: all go well */
static atomic_int failures;

static int
synced(long call, int fd)
{
    if (atomic_load(&syncs_left) >= 0 && atomic_fetch_sub(&syncs_left, 1) == 0) {
        atomic_fetch_add(&failures, 1);
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

/* In libc's place, for SQLite, too. SQLite does so with the folder of a WAL that it has opened, and never
 * looks at what comes of it: the store itself has seen to the folder, with fsync. */
int
fdatasync(int fd)
{
    struct stat st;
    bool folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    return folder ? (int)syscall(SYS_fdatasync, fd) : synced(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
    return synced(SYS_fsync, fd);
}

#define BODY_BYTES 100000
static char body[BODY_BYTES + 1];

static struct act_store *
with_a_large_wal(struct fixture *f)
{
    struct act_store *store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(make_run(store, "r", &f->err), ACT_OK);
    for (uint64_t i = 0; i < 60; i++) /* 6 MB: past what a quiet moment asks for */
        assert_int_equal(add(store, "r", 2 + i, 1, body, &f->err), ACT_OK);
    return store;
}

/* However long it takes: not as many as would ask for another one behind it. */
#define APPENDS_BESIDE 30

/* A checkpoint in its thread, with appends beside it and after it. */
static bool
checkpoint_refuses(struct fixture *f, struct act_store *store)
{
    const struct act_checkpointer *c = &act_sqlite_of(store)->checkpointer;
    enum act_err code = ACT_OK;
    uint64_t seq = 62, beside_until = seq + APPENDS_BESIDE;
    store->ops->maintain(store);
    assert_true(c->started);
    while (c->started && code == ACT_OK) {
        if (seq < beside_until)
            code = add(store, "r", seq++, 1, "x", &f->err);
        usleep(1000);
        store->ops->maintain(store);
    }
    for (int i = 0; i < 3 && code == ACT_OK; i++) /* the first begins the WAL anew */
        code = add(store, "r", seq++, 1, "x", &f->err);
    if (code == ACT_OK)
        return false;
    assert_int_equal(code, ACT_ERR_SYSTEM);
    assert_string_equal(f->err.place, f->db);
    assert_non_null(strstr(f->err.message, "disk"));
    return true;
}

static void
expect_nothing_lost(struct fixture *f)
{
    static char text[7000000];
    struct act_store *store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(bodies(store, "r", 1, text, sizeof(text), &f->err), ACT_OK);
    assert_true(strlen(text) >= 60 * (size_t)BODY_BYTES);
    store->ops->close(store);
}

/* The WAL, the new database, its folder, the WAL again, the database, the WAL's new beginning: in turn. */
static void
test_no_commit_follows_one_that_failed(void **state)
{
    struct fixture *f = *state;
    int nth = 0;
    for (bool refused = true; refused; nth++) {
        snprintf(f->db, sizeof(f->db), "%s/%d.db", f->dir, nth);
        struct act_store *store = with_a_large_wal(f);
        f->warning[0] = f->err.message[0] = '\0';
        atomic_store(&failures, 0);
        atomic_store(&syncs_left, nth);
        refused = checkpoint_refuses(f, store);
        atomic_store(&syncs_left, -1);
        assert_int_equal(atomic_load(&failures), refused);
        /* Said by the checkpoint, or by the commit that found it. */
        assert_true((f->warning[0] != '\0' || strstr(f->err.message, "fsync")) == refused);
        if (refused) { /* not later, either */
            assert_int_equal(add(store, "r", 100000, 1, "x", &f->err), ACT_ERR_SYSTEM);
            assert_int_equal(make_run(store, "another", &f->err), ACT_ERR_SYSTEM);
        }
        store->ops->close(store);
        expect_nothing_lost(f);
    }
    assert_int_equal(nth, 7);
}

static void
test_one_at_the_end_is_said(void **state)
{
    struct fixture *f = *state;
    struct act_store *store = with_a_large_wal(f);
    atomic_store(&syncs_left, 0);
    store->ops->close(store);
    atomic_store(&syncs_left, -1);
    assert_non_null(strstr(f->warning, "failed to keep"));
    assert_non_null(strstr(f->warning, f->db));
}

/* At `power`, on the writer's own connection. */
static void
test_the_writer_stops_too(void **state)
{
    struct fixture *f = *state;
    struct act_store_writer *writer = NULL;
    f->store = fixture_open(f, ACT_DURABLE_POWER);
    make_run(f->store, "r1", &f->err);
    assert_int_equal(f->store->ops->open_writer(f->store, &writer, &f->err), ACT_OK);
    enum act_err code = ACT_OK;
    for (uint64_t seq = 2; seq < 100 && code == ACT_OK; seq++) {
        struct act_batch batch = {.first_seq = seq, .count = 1, .body = act_str(body)};
        struct act_store_job job = {.run = ACT_STR("r1"), .batch = &batch};
        struct act_store_job *jobs[] = {&job};
        if (seq == 80)
            atomic_store(&syncs_left, 0);
        if (seq == 80)
            writer->ops->maintain(writer);
        atomic_store(&syncs_left, -1);
        writer->ops->commit(writer, jobs, 1);
        code = job.code;
        assert_true(code == ACT_OK || seq == 80);
        if (code != ACT_OK)
            assert_non_null(strstr(job.error.message, "disk has failed"));
    }
    assert_int_equal(code, ACT_ERR_SYSTEM);
    writer->ops->close(writer);
}

int
main(void)
{
    memset(body, 'x', BODY_BYTES);
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_no_commit_follows_one_that_failed),
        T(test_one_at_the_end_is_said),
        T(test_the_writer_stops_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
