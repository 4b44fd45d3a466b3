/* Fault 13: a reader that stays. The WAL cannot start over under it; it is named, and the store itself
 * never is one. */
#include "tests/engine/io/sqlite/store_support.h"

#include "base/arena.h"
#include "engine/io/sqlite/store.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BODY_BYTES 100000

static char body[BODY_BYTES + 1];

/* Beyond what a checkpoint waits for anyhow: 16 MiB. */
#define ALARM_PAGES 5120
#define ALARM_BYTES (ALARM_PAGES * 4096)

static struct act_store *
open_store(struct fixture *f, enum act_durability level)
{
    struct act_store_options options = fixture_options(f);
    struct act_store *store = NULL;
    options.durability = level;
    options.wal_alarm_pages = ALARM_PAGES;
    assert_int_equal(act_store_open(&options, &store, &f->err), ACT_OK);
    return store;
}

/* A process that has begun to read and goes on for hours. */
static pid_t
start_reader(struct fixture *f)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *sql;
        bool reads =
            sqlite3_open(f->db, &sql) == SQLITE_OK &&
            sqlite3_exec(sql, "BEGIN; SELECT count(*) FROM batches", NULL, NULL, NULL) == SQLITE_OK;
        if (!reads || write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void
end_reader(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static off_t
wal_bytes(struct fixture *f)
{
    char path[400];
    struct stat st;
    snprintf(path, sizeof(path), "%s-wal", f->db);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

/* Appends until the WAL has so many bytes or something was said. */
static uint64_t
grow(struct fixture *f, uint64_t seq, off_t until, bool stop_at_warning)
{
    while (wal_bytes(f) < until && !(stop_at_warning && f->warning[0])) {
        assert_int_equal(add(f->store, "r1", seq++, 1, body, &f->err), ACT_OK);
        f->store->ops->maintain(f->store);
    }
    return seq;
}

static void
assert_named(const char *warning, pid_t pid)
{
    char who[32];
    snprintf(who, sizeof(who), "process %ld", (long)pid);
    assert_non_null(strstr(warning, "-wal has grown to "));
    if (access("/proc/locks", R_OK) == 0)
        assert_non_null(strstr(warning, who));
}

static void
test_who_stays_is_named_once(void **state)
{
    struct fixture *f = *state;
    f->store = open_store(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    pid_t reader = start_reader(f);
    uint64_t seq = grow(f, 2, 19 << 20, false);
    assert_string_equal(f->warning, "");
    seq = grow(f, seq, 60 << 20, true);
    assert_named(f->warning, reader);
    off_t said_at = wal_bytes(f);
    assert_true(said_at >= ALARM_BYTES && said_at < 2 * ALARM_BYTES - (8 << 20));
    f->warning[0] = '\0';
    seq = grow(f, seq, said_at + (6 << 20), false);
    assert_string_equal(f->warning, "");
    /* Nothing was lost by it, and when it goes the WAL starts over. */
    end_reader(reader);
    off_t left = wal_bytes(f);
    for (int i = 0; i < 400; i++) { /* 40 MB */
        assert_int_equal(add(f->store, "r1", seq++, 1, body, &f->err), ACT_OK);
        f->store->ops->maintain(f->store);
    }
    assert_true(wal_bytes(f) < left + (20 << 20));
    assert_string_equal(f->warning, "");
}

static void
test_nobody_is_named_who_is_not_in_the_way(void **state)
{
    struct fixture *f = *state;
    f->store = open_store(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    for (uint64_t i = 0; i < 500; i++) {
        assert_int_equal(add(f->store, "r1", 2 + i, 1, body, &f->err), ACT_OK);
        f->store->ops->maintain(f->store);
    }
    f->store->ops->close(f->store);
    f->store = NULL;
    assert_string_equal(f->warning, "");
}

/* At `power` another thread checkpoints; it is the store that says so. */
static void
test_the_writers_checkpoints_raise_it_too(void **state)
{
    struct fixture *f = *state;
    struct act_store_writer *writer = NULL;
    f->store = open_store(f, ACT_DURABLE_POWER);
    make_run(f->store, "r1", &f->err);
    assert_int_equal(f->store->ops->open_writer(f->store, &writer, &f->err), ACT_OK);
    pid_t reader = start_reader(f);
    for (uint64_t seq = 2; wal_bytes(f) < (60 << 20) && !f->warning[0]; seq++) {
        struct act_batch batch = {.first_seq = seq, .count = 1, .body = act_str(body)};
        struct act_store_job job = {.run = ACT_STR("r1"), .batch = &batch};
        struct act_store_job *jobs[] = {&job};
        writer->ops->commit(writer, jobs, 1);
        assert_int_equal(job.code, ACT_OK);
        f->store->ops->maintain(f->store);
    }
    assert_named(f->warning, reader);
    end_reader(reader);
    writer->ops->close(writer);
}

/* ---- the store reads without staying ---- */

static int
held(struct act_store *store)
{
    return sqlite3_txn_state(act_sqlite_of(store)->db.sql, NULL);
}

static enum act_err
look(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct act_store *store = self;
    (void)batch;
    (void)err;
    assert_int_equal(held(store), SQLITE_TXN_NONE);
    return ACT_OK;
}

static void
test_whoever_is_given_batches_may_take_hours(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    for (uint64_t i = 0; i < 600; i++)
        assert_int_equal(add(f->store, "r1", 2 + i, 1, i % 100 ? "short" : body, &f->err), ACT_OK);
    struct act_str run = ACT_STR("r1");
    assert_int_equal(f->store->ops->read_batches(f->store, run, 1, look, f->store, &f->err),
                     ACT_OK);
}

static enum act_err
count_events(void *self, const struct act_batch *batch, struct act_error *err)
{
    (void)err;
    *(uint64_t *)self += batch->count;
    return ACT_OK;
}

/* Pages of 256 batches, of 1 MiB: at every place around their edges. */
static void
test_pages_leave_nothing_out(void **state)
{
    struct fixture *f = *state;
    struct act_str run = ACT_STR("r1");
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    for (uint64_t n = 1; n < 800; n++) {
        assert_int_equal(add(f->store, "r1", n + 1, 1, n % 90 ? "s" : body, &f->err), ACT_OK);
        if (n % 254 > 5)
            continue;
        uint64_t events = 0, tail = 0;
        assert_int_equal(
            f->store->ops->read_batches(f->store, run, 1, count_events, &events, &f->err), ACT_OK);
        assert_int_equal(events, n + 1);
        assert_int_equal(
            f->store->ops->read_batches(f->store, run, n, count_events, &tail, &f->err), ACT_OK);
        assert_int_equal(tail, 2);
    }
}

struct remover {
    struct act_store *other;
    uint64_t events;
};

static enum act_err
remove_meanwhile(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct remover *r = self;
    if (r->events == 0 && r->other->ops->remove_run(r->other, ACT_STR("r1"), err) != ACT_OK)
        fail_msg("%s", err->message);
    r->events += batch->count;
    return ACT_OK;
}

static void
test_a_run_that_is_removed_while_it_is_read_has_no_early_end(void **state)
{
    struct fixture *f = *state;
    struct act_store *writer = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(writer, "r1", &f->err);
    for (uint64_t i = 0; i < 600; i++)
        assert_int_equal(add(writer, "r1", 2 + i, 1, "x", &f->err), ACT_OK);
    assert_int_equal(set_status(writer, "r1", "succeeded"), ACT_OK);
    writer->ops->disown(writer, ACT_STR("r1"));
    struct remover r = {.other = writer};
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(
        f->store->ops->read_batches(f->store, ACT_STR("r1"), 1, remove_meanwhile, &r, &f->err),
        ACT_ERR_NOT_FOUND);
    assert_true(r.events > 0 && r.events < 601);
    writer->ops->close(writer);
}

/* Every call of the port that reads leaves no transaction behind. */
static void
test_no_call_goes_on_reading(void **state)
{
    struct fixture *f = *state;
    struct act_arena arena = {0};
    struct act_buf buf = {0};
    struct act_run_row row;
    act_run_rows rows = {0};
    act_inbox_rows inbox = {0};
    act_actor_rows actors = {0};
    struct act_str run = ACT_STR("r1"), text;
    struct act_actor_id id = {.name = ACT_STR("a"), .definition = ACT_STR("d")};
    struct act_inbox_row post = {.run = run, .kind = ACT_STR("signal"), .name = ACT_STR("go")};
    struct act_store_links links = {0};
    uint64_t number;
    bool granted;
    int64_t retry_ms;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    const struct act_store_ops *ops = f->store->ops;
#define LOOK(call)                                                                                 \
    do {                                                                                           \
        (void)(call);                                                                              \
        assert_int_equal(held(f->store), SQLITE_TXN_NONE);                                         \
    } while (0)
    LOOK(make_run(f->store, "r1", &f->err));
    LOOK(add(f->store, "r1", 2, 1, "x", &f->err));
    LOOK(ops->begin_recovery(f->store, run, false, &f->err));
    LOOK(ops->find_run(f->store, ACT_STR("r"), &arena, &row, &f->err));
    LOOK(ops->find_run(f->store, ACT_STR("last"), &arena, &row, &f->err));
    LOOK(ops->find_run(f->store, ACT_STR("none"), &arena, &row, &f->err));
    LOOK(ops->list_runs(f->store, (struct act_str){0}, (struct act_str){0}, 1, &arena, &rows,
                        &f->err));
    LOOK(ops->read_plan(f->store, run, &arena, &text, &f->err));
    LOOK(ops->read_snapshot(f->store, run, &buf, &number, &f->err));
    LOOK(ops->save_snapshot(f->store, run, &(struct act_snapshot){.seq = 2, .body = ACT_STR("s")},
                            &f->err));
    LOOK(ops->read_snapshot(f->store, run, &buf, &number, &f->err));
    LOOK(ops->post(f->store, &post, &f->err));
    LOOK(ops->changed(f->store, run));
    LOOK(ops->inbox(f->store, run, &arena, &inbox, &f->err));
    LOOK(ops->acquire(f->store, run, ACT_STR("h"), NULL, 1, &granted, &retry_ms, &f->err));
    LOOK(ops->release(f->store, run, ACT_STR("h"), &f->err));
    LOOK(ops->read_actor(f->store, run, &id, &buf, &number, &f->err));
    id.global = true;
    LOOK(ops->take_actor(f->store, run, &id, &granted, &retry_ms, &f->err));
    LOOK(ops->list_actors(f->store, &arena, &actors, &f->err));
    LOOK(ops->run_bytes(f->store, run, &links, &number, &f->err));
    LOOK(ops->folder(f->store, run, false, &arena, &text, &f->err));
    LOOK(ops->remove_run(f->store, run, &f->err));
    LOOK(set_status(f->store, "r1", "succeeded"));
    LOOK(ops->disown(f->store, run));
    LOOK(ops->own(f->store, run, &f->err));
    LOOK(ops->remove_run(f->store, run, &f->err));
#undef LOOK
    act_vec_fini(&rows);
    act_vec_fini(&inbox);
    act_vec_fini(&actors);
    act_buf_fini(&buf);
    act_arena_fini(&arena);
}

int
main(void)
{
    memset(body, 'x', BODY_BYTES);
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_who_stays_is_named_once),
        T(test_nobody_is_named_who_is_not_in_the_way),
        T(test_the_writers_checkpoints_raise_it_too),
        T(test_whoever_is_given_batches_may_take_hours),
        T(test_pages_leave_nothing_out),
        T(test_a_run_that_is_removed_while_it_is_read_has_no_early_end),
        T(test_no_call_goes_on_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
