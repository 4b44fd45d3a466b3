/* What a store keeps and gives back, in one process. */
#include "engine/io/sqlite/store.h"
#include "tests/engine/io/sqlite/store_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_batches_come_back_in_order(void **state)
{
    struct fixture *f = *state;
    char text[256];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_OK);
    assert_int_equal(make_run(f->store, "r2", &f->err), ACT_OK);
    assert_int_equal(add(f->store, "r1", 2, 3, "a", &f->err), ACT_OK);
    assert_int_equal(add(f->store, "r2", 2, 1, "other", &f->err), ACT_OK);
    assert_int_equal(add(f->store, "r1", 5, 1, "b", &f->err), ACT_OK);
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "start a b ");
    assert_int_equal(bodies(f->store, "r1", 4, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "a b "); /* from the batch that holds event 4 */
    assert_int_equal(bodies(f->store, "r1", 5, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "b ");
    assert_int_equal(bodies(f->store, "r2", 0, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "start other ");
}

static void
test_an_event_cannot_be_left_out_or_doubled(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_OK);
    assert_int_equal(add(f->store, "r1", 3, 1, "gap", &f->err), ACT_ERR_INVALID);
    assert_int_equal(add(f->store, "r1", 1, 1, "again", &f->err), ACT_ERR_INVALID);
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_ERR_EXISTS);
    assert_int_equal(make_run(f->store, "../r1", &f->err), ACT_ERR_INVALID);
    assert_int_equal(make_run(f->store, ".r", &f->err), ACT_ERR_INVALID);
    assert_int_equal(add(f->store, "r1", 2, 1, "fine", &f->err), ACT_OK);
}

static void
test_a_run_goes_on_in_another_store(void **state)
{
    struct fixture *f = *state;
    need_description_locks();
    char text[256];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_OK);
    struct act_store *other = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(other->ops->own(other, ACT_STR("r1"), &f->err), ACT_ERR_OWNED);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    assert_non_null(strstr(f->err.message, pid));
    assert_int_equal(add(other, "r1", 2, 1, "no", &f->err), ACT_ERR_OWNED);

    f->store->ops->disown(f->store, ACT_STR("r1"));
    assert_int_equal(add(f->store, "r1", 2, 1, "no", &f->err), ACT_ERR_OWNED);
    assert_int_equal(other->ops->own(other, ACT_STR("r1"), &f->err), ACT_OK);
    assert_int_equal(other->ops->own(other, ACT_STR("r1"), &f->err), ACT_OK);
    assert_int_equal(other->ops->own(other, ACT_STR("r9"), &f->err), ACT_ERR_NOT_FOUND);
    assert_int_equal(add(other, "r1", 2, 1, "yes", &f->err), ACT_OK);
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "start yes ");
    other->ops->close(other);
}

static void
test_runs_are_found(void **state)
{
    struct fixture *f = *state;
    struct act_arena arena = {0};
    struct act_run_row row;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    const struct act_store_ops *ops = f->store->ops;
    assert_int_equal(ops->find_run(f->store, ACT_STR("last"), &arena, &row, &f->err),
                     ACT_ERR_NOT_FOUND);
    make_run(f->store, "abc", &f->err);
    make_run(f->store, "abcd", &f->err);
    make_run(f->store, "abd", &f->err);
    assert_int_equal(ops->find_run(f->store, ACT_STR("last"), &arena, &row, &f->err), ACT_OK);
    assert_true(act_str_is(row.run, "abd"));
    assert_int_equal(ops->find_run(f->store, ACT_STR("abc"), &arena, &row, &f->err), ACT_OK);
    assert_true(act_str_is(row.run, "abc"));
    assert_int_equal(ops->find_run(f->store, ACT_STR("abcd"), &arena, &row, &f->err), ACT_OK);
    assert_int_equal(ops->find_run(f->store, ACT_STR("ab"), &arena, &row, &f->err),
                     ACT_ERR_INVALID);
    assert_non_null(strstr(f->err.message, "abc abcd abd"));
    assert_int_equal(ops->find_run(f->store, ACT_STR("abx"), &arena, &row, &f->err),
                     ACT_ERR_NOT_FOUND);
    assert_int_equal(ops->find_run(f->store, ACT_STR("a%"), &arena, &row, &f->err),
                     ACT_ERR_INVALID);
    act_arena_fini(&arena);
}

static void
release_rows(act_run_rows *rows)
{
    for (uint32_t i = 0; i < rows->len; i++) {
        act_value_release(rows->ptr[i].spec);
        act_value_release(rows->ptr[i].from);
    }
    act_vec_clear(rows);
}

static void
test_runs_are_listed_newest_first(void **state)
{
    struct fixture *f = *state;
    struct act_arena arena = {0};
    act_run_rows rows = {0};
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    const struct act_store_ops *ops = f->store->ops;
    struct act_value *spec = act_value_map(), *from = act_value_map();
    act_value_map_put(spec, ACT_STR("params"), act_value_int(7));
    act_value_map_put(from, ACT_STR("run"), act_value_cstring("one"));
    struct act_run_row made = {.run = ACT_STR("two"),
                               .workflow = ACT_STR("deploy"),
                               .status = ACT_STR("running"),
                               .plan_hash = ACT_STR("ff"),
                               .spec = spec,
                               .from = from};
    make_run(f->store, "one", &f->err);
    assert_int_equal(ops->create_run(f->store, &made, ACT_STR("another plan"), NULL, &f->err),
                     ACT_OK);
    act_value_release(spec);
    act_value_release(from);
    make_run(f->store, "three", &f->err);
    assert_int_equal(set_status(f->store, "one", "failed"), ACT_OK);
    ops->disown(f->store, ACT_STR("three"));

    assert_int_equal(ops->list_runs(f->store, ACT_STR(""), ACT_STR(""), 0, &arena, &rows, &f->err),
                     ACT_OK);
    assert_int_equal(rows.len, 3);
    assert_true(act_str_is(rows.ptr[0].run, "three"));
    assert_true(act_str_is(rows.ptr[0].status, "interrupted"));
    assert_true(act_str_is(rows.ptr[1].status, "running"));
    assert_int_equal(act_value_as_int(act_value_get(rows.ptr[1].spec, ACT_STR("params"))), 7);
    assert_non_null(rows.ptr[1].from);
    assert_true(act_str_is(rows.ptr[2].status, "failed"));
    assert_int_equal(rows.ptr[2].duration_ms, 1000);
    release_rows(&rows);

    ops->list_runs(f->store, ACT_STR("build"), ACT_STR(""), 1, &arena, &rows, &f->err);
    assert_int_equal(rows.len, 1);
    assert_true(act_str_is(rows.ptr[0].run, "three"));
    release_rows(&rows);
    ops->list_runs(f->store, ACT_STR(""), ACT_STR("failed"), 0, &arena, &rows, &f->err);
    assert_int_equal(rows.len, 1);
    release_rows(&rows);
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

/* Somebody died between the removal of a run's rows and that of its folder. The folder of a run that is not
 * there yet stays. */
static void
check_sweep(struct fixture *f, struct act_arena *arena)
{
    const struct act_store_ops *ops = f->store->ops;
    struct act_str one, two;
    assert_int_equal(ops->folder(f->store, ACT_STR("one"), true, arena, &one, &f->err), ACT_OK);
    assert_int_equal(ops->folder(f->store, ACT_STR("two"), true, arena, &two, &f->err), ACT_OK);
    act_litter_mark(act_sqlite_of(f->store), ACT_STR("one"));
    act_litter_mark(act_sqlite_of(f->store), ACT_STR("two"));
    assert_int_equal(ops->folder(f->store, ACT_STR("two"), true, arena, &two, &f->err), ACT_OK);
    make_run(f->store, "three", &f->err);
    act_litter_mark(act_sqlite_of(f->store), ACT_STR("three"));
    struct act_str three;
    assert_int_equal(ops->folder(f->store, ACT_STR("three"), false, arena, &three, &f->err),
                     ACT_OK);
    mkdir(three.ptr, 0700);
    assert_int_equal(ops->sweep(f->store, &f->err), ACT_OK);
    assert_int_not_equal(access(one.ptr, F_OK), 0);
    assert_int_equal(access(two.ptr, F_OK), 0);
    assert_int_equal(access(three.ptr, F_OK), 0);
    set_status(f->store, "three", "succeeded");
    assert_int_equal(ops->remove_run(f->store, ACT_STR("three"), &f->err), ACT_OK);
}

/* The folder of a run that is not there yet: it stays while somebody fills it, and goes with whoever fails or dies. */
static void
check_filling(struct fixture *f, struct act_arena *arena)
{
    const struct act_store_ops *ops = f->store->ops;
    struct act_str folder, run = ACT_STR("filled");
    int mark = -1;
    for (int how = 0; how < 3; how++) {
        assert_int_equal(ops->fill(f->store, run, &mark, &f->err), ACT_OK);
        assert_int_equal(ops->folder(f->store, run, true, arena, &folder, &f->err), ACT_OK);
        assert_int_equal(ops->sweep(f->store, &f->err), ACT_OK);
        assert_int_equal(access(folder.ptr, F_OK), 0);
        if (how == 0)
            close(mark); /* as the kernel does for the dead */
        if (how == 2)
            make_run(f->store, "filled", &f->err);
        if (how > 0)
            ops->filled(f->store, run, mark, how == 2);
        assert_int_equal(access(folder.ptr, F_OK), how == 1 ? -1 : 0);
        assert_int_equal(ops->sweep(f->store, &f->err), ACT_OK);
        assert_int_equal(access(folder.ptr, F_OK), how == 2 ? 0 : -1);
    }
    const char *left = act_arena_printf(arena, "%.*s/../.new-filled", ACT_STR_ARG(folder)).ptr;
    assert_int_not_equal(access(left, F_OK), 0);
    set_status(f->store, "filled", "succeeded");
    assert_int_equal(ops->remove_run(f->store, run, &f->err), ACT_OK);
}

/* Who died at it is followed by another who fills the same one: nothing of the first is left. */
static void
check_filling_anew(struct fixture *f, struct act_arena *arena)
{
    const struct act_store_ops *ops = f->store->ops;
    struct act_str folder, run = ACT_STR("filled");
    int mark = -1;
    assert_int_equal(ops->fill(f->store, run, &mark, &f->err), ACT_OK);
    assert_int_equal(ops->folder(f->store, run, true, arena, &folder, &f->err), ACT_OK);
    close(mark);
    assert_int_equal(ops->fill(f->store, run, &mark, &f->err), ACT_OK);
    assert_int_not_equal(access(folder.ptr, F_OK), 0);
    ops->filled(f->store, run, mark, false);
}

static void
test_plans_are_kept_once_and_go_with_their_last_run(void **state)
{
    struct fixture *f = *state;
    struct act_arena arena = {0};
    struct act_str plan;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    const struct act_store_ops *ops = f->store->ops;
    make_run(f->store, "one", &f->err);
    make_run(f->store, "two", &f->err);
    raw_sql(f->db,
            "CREATE TEMP TABLE t (n CHECK (n = 1)); INSERT INTO t SELECT count(*) FROM plans");
    assert_int_equal(ops->read_plan(f->store, ACT_STR("two"), &arena, &plan, &f->err), ACT_OK);
    assert_true(act_str_is(plan, "the plan"));

    assert_int_equal(ops->remove_run(f->store, ACT_STR("one"), &f->err), ACT_ERR_INVALID);
    struct act_str folder;
    assert_int_equal(ops->folder(f->store, ACT_STR("one"), true, &arena, &folder, &f->err), ACT_OK);
    char file[512];
    snprintf(file, sizeof(file), "%.*s/spool", ACT_STR_ARG(folder));
    close(open(file, O_CREAT | O_WRONLY, 0600));
    set_status(f->store, "one", "succeeded");
    assert_int_equal(ops->remove_run(f->store, ACT_STR("one"), &f->err), ACT_OK);
    assert_int_not_equal(access(file, F_OK), 0);
    assert_int_equal(ops->read_plan(f->store, ACT_STR("one"), &arena, &plan, &f->err),
                     ACT_ERR_NOT_FOUND);
    assert_int_equal(ops->read_plan(f->store, ACT_STR("two"), &arena, &plan, &f->err), ACT_OK);
    set_status(f->store, "two", "failed");
    assert_int_equal(ops->remove_run(f->store, ACT_STR("two"), &f->err), ACT_OK);
    check_sweep(f, &arena);
    check_filling(f, &arena);
    check_filling_anew(f, &arena);
    raw_sql(f->db, "CREATE TEMP TABLE t (n CHECK (n = 0)); INSERT INTO t "
                   "SELECT (SELECT count(*) FROM plans) + (SELECT count(*) FROM batches)");
    act_arena_fini(&arena);
}

static void
test_the_inbox_is_emptied_by_the_batch_that_holds_it(void **state)
{
    struct fixture *f = *state;
    struct act_arena arena = {0};
    act_inbox_rows rows = {0};
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    f->store->ops->changed(f->store, ACT_STR("r1"));
    assert_false(f->store->ops->changed(f->store, ACT_STR("r1")));

    struct act_store *other = fixture_open(f, ACT_DURABLE_PROCESS);
    struct act_inbox_row row = {.run = ACT_STR("r1"),
                                .kind = ACT_STR("signal"),
                                .name = ACT_STR("go"),
                                .body = ACT_STR("{\"a\":1}"),
                                .who = ACT_STR("me"),
                                .at_ms = 5};
    assert_int_equal(other->ops->post(other, &row, &f->err), ACT_OK);
    assert_int_equal(other->ops->post(other, &row, &f->err), ACT_OK);
    row.run = ACT_STR("r9");
    assert_int_equal(other->ops->post(other, &row, &f->err), ACT_ERR_NOT_FOUND);

    assert_true(f->store->ops->changed(f->store, ACT_STR("r1")));
    assert_false(f->store->ops->changed(f->store, ACT_STR("r1")));
    assert_int_equal(f->store->ops->inbox(f->store, ACT_STR("r1"), &arena, &rows, &f->err), ACT_OK);
    assert_int_equal(rows.len, 2);
    assert_true(act_str_is(rows.ptr[0].name, "go"));
    assert_true(act_str_is(rows.ptr[0].body, "{\"a\":1}"));
    assert_true(act_str_is(rows.ptr[0].who, "me"));
    assert_true(rows.ptr[0].id < rows.ptr[1].id);

    uint64_t done[] = {rows.ptr[0].id, rows.ptr[1].id}, last = rows.ptr[1].id;
    struct act_batch batch = {.first_seq = 2, .count = 1, .body = ACT_STR("signal")};
    assert_int_equal(
        f->store->ops->append(f->store, ACT_STR("r1"), &batch, NULL, done, 2, false, &f->err),
        ACT_OK);
    act_vec_clear(&rows);
    f->store->ops->inbox(f->store, ACT_STR("r1"), &arena, &rows, &f->err);
    assert_int_equal(rows.len, 0);

    row.run = ACT_STR("r1");
    other->ops->post(other, &row, &f->err);
    f->store->ops->inbox(f->store, ACT_STR("r1"), &arena, &rows, &f->err);
    assert_int_equal(rows.len, 1);
    assert_true(rows.ptr[0].id > last); /* never used twice */
    set_status(f->store, "r1", "cancelled");
    assert_int_equal(other->ops->post(other, &row, &f->err), ACT_ERR_INVALID);
    assert_string_equal(f->err.message, "run r1 has ended (it was cancelled)");
    other->ops->close(other);
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

static bool
looks(struct fixture *f, const char *run)
{
    return f->store->ops->changed(f->store, act_str(run));
}

/* Two runs in one store: each is told for itself, also of what the store has posted on its own. */
static void
test_each_run_of_a_store_is_told_of_its_inbox(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    make_run(f->store, "r2", &f->err);
    looks(f, "r1");
    looks(f, "r2");
    assert_false(looks(f, "r1"));
    assert_false(looks(f, "r2"));

    struct act_inbox_row row = {
        .run = ACT_STR("r1"), .kind = ACT_STR("signal"), .name = ACT_STR("go")};
    struct act_store *other = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(other->ops->post(other, &row, &f->err), ACT_OK);
    other->ops->close(other);
    assert_true(looks(f, "r2"));
    assert_true(looks(f, "r1"));
    assert_false(looks(f, "r2"));

    assert_int_equal(f->store->ops->post(f->store, &row, &f->err), ACT_OK);
    assert_true(looks(f, "r1"));
    assert_false(looks(f, "r1"));
}

static void
test_a_changed_byte_is_found_with_its_event(void **state)
{
    struct fixture *f = *state;
    char text[256];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(add(f->store, "r1", 2 + 10 * i, 10, "body", &f->err), ACT_OK);
    raw_sql(f->db, "UPDATE batches SET body = 'bodY' WHERE position & 0xfffffffff = 22");
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_ERR_CORRUPT);
    assert_string_equal(text, "start body body ");
    assert_string_equal(f->err.message, "the log of run r1 is damaged at event 22");

    raw_sql(f->db, "UPDATE batches SET body = 'body' WHERE position & 0xfffffffff = 22");
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_OK);
    raw_sql(f->db, "DELETE FROM batches WHERE position & 0xfffffffff = 32");
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_ERR_CORRUPT);
    assert_string_equal(f->err.message, "the log of run r1 is damaged at event 32");
    raw_sql(f->db, "UPDATE plans SET bytes = 'another'");
    struct act_arena arena = {0};
    struct act_str plan;
    assert_int_equal(f->store->ops->read_plan(f->store, ACT_STR("r1"), &arena, &plan, &f->err),
                     ACT_ERR_CORRUPT);
    act_arena_fini(&arena);
}

static void
test_large_batches(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    size_t size = 3u << 20;
    char *body = test_malloc(size + 1), *back = test_malloc(size + 64);
    memset(body, 'x', size);
    body[size] = '\0';
    assert_int_equal(add(f->store, "r1", 2, 256, body, &f->err), ACT_OK);
    assert_int_equal(bodies(f->store, "r1", 2, back, size + 64, &f->err), ACT_OK);
    assert_int_equal(strlen(back), size + 1);
    test_free(body);
    test_free(back);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_batches_come_back_in_order),
        T(test_an_event_cannot_be_left_out_or_doubled),
        T(test_a_run_goes_on_in_another_store),
        T(test_runs_are_found),
        T(test_runs_are_listed_newest_first),
        T(test_plans_are_kept_once_and_go_with_their_last_run),
        T(test_the_inbox_is_emptied_by_the_batch_that_holds_it),
        T(test_each_run_of_a_store_is_told_of_its_inbox),
        T(test_a_changed_byte_is_found_with_its_event),
        T(test_large_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
