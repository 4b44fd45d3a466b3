/* The second way in: appends of many runs in one transaction, from another thread. */
#include "tests/engine/io/sqlite/store_support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct act_store *
open_counted(struct fixture *f)
{
    struct act_store_options options = fixture_options(f);
    struct act_store *store = NULL;
    options.vfs = counting_vfs();
    options.durability = ACT_DURABLE_POWER;
    assert_int_equal(act_store_open(&options, &store, &f->err), ACT_OK);
    return store;
}

static struct act_store_writer *
open_writer(struct act_store *store)
{
    struct act_store_writer *writer = NULL;
    struct act_error err;
    assert_int_equal(store->ops->open_writer(store, &writer, &err), ACT_OK);
    assert_non_null(writer);
    return writer;
}

struct one {
    struct act_store_job job;
    struct act_batch batch;
};

static struct act_store_job *
fill(struct one *one, const char *run, uint64_t first_seq, const char *body)
{
    memset(one, 0, sizeof(*one));
    one->batch = (struct act_batch){.first_seq = first_seq, .count = 1, .body = act_str(body)};
    one->job = (struct act_store_job){.run = act_str(run), .batch = &one->batch};
    return &one->job;
}

static void
assert_bodies(struct act_store *store, const char *run, const char *expected)
{
    char text[256];
    struct act_error err;
    assert_int_equal(bodies(store, run, 1, text, sizeof(text), &err), ACT_OK);
    assert_string_equal(text, expected);
}

static void
test_there_is_one_only_where_an_append_waits_for_the_disk(void **state)
{
    struct fixture *f = *state;
    static const enum act_durability levels[] = {ACT_DURABLE_OFF, ACT_DURABLE_PROCESS};
    for (int i = 0; i < 2; i++) {
        struct act_store *store = fixture_open(f, levels[i]);
        struct act_store_writer *writer = NULL;
        assert_int_equal(store->ops->open_writer(store, &writer, &f->err), ACT_OK);
        assert_null(writer);
        store->ops->close(store);
    }
}

static void
test_many_runs_cost_one_fsync(void **state)
{
    struct fixture *f = *state;
    enum { RUNS = 20 };
    struct one ones[RUNS];
    struct act_store_job *jobs[RUNS];
    char names[RUNS][8];
    f->store = open_counted(f);
    for (int i = 0; i < RUNS; i++) {
        snprintf(names[i], sizeof(names[i]), "r%d", i);
        assert_int_equal(make_run(f->store, names[i], &f->err), ACT_OK);
    }
    struct act_store_writer *writer = open_writer(f->store);
    for (uint64_t turn = 0; turn < 3; turn++) {
        for (int i = 0; i < RUNS; i++)
            jobs[i] = fill(&ones[i], names[i], 2 + turn, "x");
        vfs_syncs = 0;
        writer->ops->commit(writer, jobs, RUNS);
        if (turn > 0) /* the first also brings the file itself to the disk */
            assert_int_equal(vfs_syncs, 1);
        for (int i = 0; i < RUNS; i++)
            assert_int_equal(jobs[i]->code, ACT_OK);
    }
    writer->ops->close(writer);
    for (int i = 0; i < RUNS; i++)
        assert_bodies(f->store, names[i], "start x x x "); /* and the chain of hashes holds */
}

/* Several batches of one run in one transaction; a refused job changes nothing and harms nobody. */
static void
test_a_refused_job_stays_alone(void **state)
{
    struct fixture *f = *state;
    struct one ones[6];
    f->store = fixture_open(f, ACT_DURABLE_POWER);
    make_run(f->store, "a", &f->err);
    make_run(f->store, "b", &f->err);
    struct act_store_writer *writer = open_writer(f->store);
    struct act_str run_a = ACT_STR("a");
    struct act_actor_save save = {
        .id = {.name = ACT_STR("counter"), .definition = ACT_STR("d")},
        .version = 1,
        .state = ACT_STR("state"),
    };
    struct act_actor_save conflict = save;
    conflict.version = 7;
    conflict.base = 6; /* it is 1 */
    struct act_run_row row = {.run = run_a, .status = ACT_STR("failed"), .ended_ms = 5};
    struct act_store_job *jobs[] = {
        fill(&ones[0], "a", 2, "one"),      fill(&ones[1], "b", 9, "gap"),
        fill(&ones[2], "a", 3, "two"),      fill(&ones[3], "nobody", 2, "x"),
        fill(&ones[4], "a", 4, "conflict"), fill(&ones[5], "b", 2, "one"),
    };
    ones[0].batch.actors = &save;
    ones[0].batch.actor_count = 1;
    ones[4].batch.actors = &conflict;
    ones[4].batch.actor_count = 1;
    ones[4].job.row = &row;
    writer->ops->commit(writer, jobs, 6);
    static const enum act_err codes[] = {ACT_OK,        ACT_ERR_INVALID, ACT_OK, ACT_ERR_NOT_FOUND,
                                         ACT_ERR_OWNED, ACT_OK};
    for (int i = 0; i < 6; i++)
        assert_int_equal(jobs[i]->code, codes[i]);
    assert_non_null(strstr(jobs[1]->error.message, "the next event is 2"));
    assert_bodies(f->store, "a", "start one two ");
    assert_bodies(f->store, "b", "start one ");
    /* What was taken back is not in the way of what comes next. */
    jobs[0] = fill(&ones[0], "a", 4, "three");
    writer->ops->commit(writer, jobs, 1);
    assert_int_equal(jobs[0]->code, ACT_OK);
    assert_bodies(f->store, "a", "start one two three ");
    writer->ops->close(writer);
}

static void
test_a_full_disk_fails_all_and_all_can_come_again(void **state)
{
    struct fixture *f = *state;
    struct one ones[2];
    f->store = open_counted(f);
    make_run(f->store, "a", &f->err);
    make_run(f->store, "b", &f->err);
    struct act_store_writer *writer = open_writer(f->store);
    struct act_store_job *jobs[] = {fill(&ones[0], "a", 2, "x"), fill(&ones[1], "b", 2, "x")};
    long writes = 0;
    for (;; writes++) { /* the same call again, and a little more room each time */
        vfs_writes_left = writes;
        writer->ops->commit(writer, jobs, 2);
        vfs_writes_left = -1;
        if (jobs[0]->code == ACT_OK)
            break;
        for (int i = 0; i < 2; i++) {
            assert_int_equal(jobs[i]->code, ACT_ERR_NO_SPACE);
            assert_non_null(strstr(jobs[i]->error.message, "no space"));
        }
    }
    assert_true(writes > 0);
    assert_int_equal(jobs[1]->code, ACT_OK);
    writer->ops->close(writer);
    assert_bodies(f->store, "a", "start x ");
    assert_bodies(f->store, "b", "start x ");
}

/* The run went on elsewhere meanwhile: who begins anew says so, and is believed by the database alone. */
static void
test_another_owner_begins_where_the_log_ends(void **state)
{
    struct fixture *f = *state;
    struct one one;
    f->store = fixture_open(f, ACT_DURABLE_POWER);
    make_run(f->store, "a", &f->err);
    struct act_store_writer *writer = open_writer(f->store);
    struct act_store_job *job = fill(&one, "a", 2, "here");
    writer->ops->commit(writer, &job, 1);
    assert_int_equal(job->code, ACT_OK);
    f->store->ops->disown(f->store, ACT_STR("a"));
    struct act_store *other = fixture_open(f, ACT_DURABLE_POWER);
    assert_int_equal(other->ops->own(other, ACT_STR("a"), &f->err), ACT_OK);
    assert_int_equal(add(other, "a", 3, 1, "there", &f->err), ACT_OK);
    other->ops->close(other);
    job = fill(&one, "a", 4, "again");
    job->first = true;
    writer->ops->commit(writer, &job, 1);
    assert_int_equal(job->code, ACT_OK);
    assert_bodies(f->store, "a", "start here there again ");
    writer->ops->close(writer);
}

/* What the store knows of a run that it owns is not what it knew before the writer went on with it. */
static void
test_recoveries_and_snapshots_go_by_the_database(void **state)
{
    struct fixture *f = *state;
    struct one one;
    struct act_buf body = {0};
    uint64_t seq = 0;
    f->store = fixture_open(f, ACT_DURABLE_POWER);
    make_run(f->store, "a", &f->err);
    f->store->ops->close(f->store);
    for (uint32_t died = 0; died < 2; died++) {
        char sql[96];
        snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO recoveries VALUES (1, %u, 5)", died);
        raw_sql(f->db, sql);
        f->store = fixture_open(f, ACT_DURABLE_POWER);
        struct act_store_writer *writer = open_writer(f->store);
        struct act_str run = ACT_STR("a");
        assert_int_equal(f->store->ops->own(f->store, run, &f->err), ACT_OK);
        assert_int_equal(f->store->ops->begin_recovery(f->store, run, false, &f->err), ACT_OK);
        struct act_store_job *job = fill(&one, "a", 2 + died, "x");
        job->first = true;
        writer->ops->commit(writer, &job, 1);
        assert_int_equal(job->code, ACT_OK);
        struct act_snapshot snapshot = {2 + died, ACT_STR("state")};
        assert_int_equal(f->store->ops->save_snapshot(f->store, run, &snapshot, &f->err), ACT_OK);
        assert_int_equal(f->store->ops->read_snapshot(f->store, run, &body, &seq, &f->err), ACT_OK);
        assert_int_equal(seq, 2 + died);
        f->store->ops->disown(f->store, run);
        writer->ops->close(writer);
        f->store->ops->close(f->store);
        f->store = NULL;
        /* Nothing is left of the count: with what died, this insertion would meet a row. */
        raw_sql(f->db, "INSERT INTO recoveries VALUES (1, 1, 5)");
    }
    act_buf_fini(&body);
}

/* ---- on its thread ---- */

enum { APPENDS = 300 };

struct worker {
    struct act_store_writer *writer;
    int failed;
};

static void *
work(void *self)
{
    struct worker *worker = self;
    struct one ones[2];
    for (uint64_t i = 0; i < APPENDS; i++) {
        struct act_store_job *jobs[] = {fill(&ones[0], "a", 2 + i, "x"),
                                        fill(&ones[1], "b", 2 + i, "x")};
        worker->writer->ops->commit(worker->writer, jobs, 2);
        worker->failed += jobs[0]->code != ACT_OK || jobs[1]->code != ACT_OK;
        worker->writer->ops->maintain(worker->writer);
    }
    return NULL;
}

/* The store goes on with everything else meanwhile: limits, inbox, reading. */
static void
test_beside_the_store(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    f->store = fixture_open(f, ACT_DURABLE_POWER);
    make_run(f->store, "a", &f->err);
    make_run(f->store, "b", &f->err);
    struct worker worker = {.writer = open_writer(f->store)};
    pthread_create(&thread, NULL, work, &worker);
    struct act_arena arena = {0};
    for (int i = 0; i < 50; i++) {
        struct act_inbox_row row = {
            .run = ACT_STR("a"), .kind = ACT_STR("signal"), .name = ACT_STR("s")};
        act_inbox_rows rows = {0};
        char text[2 * APPENDS + 64];
        assert_int_equal(f->store->ops->post(f->store, &row, &f->err), ACT_OK);
        assert_true(f->store->ops->changed(f->store, ACT_STR("a")));
        assert_int_equal(f->store->ops->inbox(f->store, ACT_STR("a"), &arena, &rows, &f->err),
                         ACT_OK);
        assert_int_equal(rows.len, i + 1);
        act_vec_fini(&rows);
        assert_int_equal(bodies(f->store, "b", 1, text, sizeof(text), &f->err), ACT_OK);
        f->store->ops->maintain(f->store);
    }
    pthread_join(thread, NULL);
    assert_int_equal(worker.failed, 0);
    worker.writer->ops->close(worker.writer);
    char text[2 * APPENDS + 64];
    assert_int_equal(bodies(f->store, "a", 1, text, sizeof(text), &f->err), ACT_OK);
    assert_int_equal(strlen(text), 6 + 2 * APPENDS);
    act_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_is_one_only_where_an_append_waits_for_the_disk,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_many_runs_cost_one_fsync, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_refused_job_stays_alone, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_full_disk_fails_all_and_all_can_come_again,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_another_owner_begins_where_the_log_ends, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_recoveries_and_snapshots_go_by_the_database,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_beside_the_store, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
