/* Limits over runs and processes. Time is given, not read. */
#include "tests/engine/io/sqlite/store_support.h"

#include <string.h>

static bool
acquire(struct act_store *store, const char *run, const char *holder, const char *limits,
        int64_t now_ms, int64_t *retry_ms)
{
    struct act_value *v = NULL;
    struct act_error err;
    bool granted = false;
    assert_int_equal(act_json_parse(act_str(limits), 0, &v, NULL), ACT_OK);
    if (store->ops->acquire(store, act_str(run), act_str(holder), v, now_ms, &granted, retry_ms,
                            &err) != ACT_OK)
        fail_msg("%s", err.message);
    act_value_release(v);
    return granted;
}

static void
release(struct act_store *store, const char *run, const char *holder)
{
    assert_int_equal(store->ops->release(store, act_str(run), act_str(holder), NULL), ACT_OK);
}

static void
test_so_many_at_once(void **state)
{
    struct fixture *f = *state;
    int64_t retry;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    assert_true(acquire(f->store, "r1", "a", "{\"db\":2}", 0, &retry));
    assert_true(acquire(f->store, "r1", "a", "{\"db\":2}", 0, &retry)); /* has it */
    assert_true(acquire(f->store, "r1", "b", "{\"db\":2}", 0, &retry));
    assert_false(acquire(f->store, "r1", "c", "{\"db\":2}", 0, &retry));
    assert_true(retry > 0 && retry <= 1000);
    release(f->store, "r1", "a");
    assert_true(acquire(f->store, "r1", "c", "{\"db\":2}", 0, &retry));
    assert_true(acquire(f->store, "r1", "x", "{\"one\":null}", 0, &retry));
    assert_false(acquire(f->store, "r1", "y", "{\"one\":null}", 0, &retry));
}

static void
test_all_or_none(void **state)
{
    struct fixture *f = *state;
    int64_t retry;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    assert_true(acquire(f->store, "r1", "a", "{\"x\":1}", 0, &retry));
    assert_false(acquire(f->store, "r1", "b", "{\"y\":1,\"x\":1}", 0, &retry));
    assert_true(acquire(f->store, "r1", "c", "{\"y\":1}", 0, &retry)); /* b has not kept y */
    release(f->store, "r1", "a");
    release(f->store, "r1", "c");
    assert_true(acquire(f->store, "r1", "b", "{\"y\":1,\"x\":1}", 0, &retry));
}

static void
test_the_smaller_number_holds_across_runs(void **state)
{
    struct fixture *f = *state;
    need_description_locks();
    int64_t retry;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    struct act_store *other = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    make_run(other, "r2", &f->err);
    assert_true(acquire(f->store, "r1", "a", "{\"db\":5}", 0, &retry));
    assert_true(acquire(f->store, "r1", "b", "{\"db\":5}", 0, &retry));
    assert_false(acquire(other, "r2", "a", "{\"db\":2}", 0, &retry));
    assert_false(acquire(f->store, "r1", "c", "{\"db\":5}", 0, &retry)); /* r2 says two */
    release(f->store, "r1", "a");
    assert_true(acquire(other, "r2", "a", "{\"db\":2}", 0, &retry));
    /* r2's owner is gone: neither what it held nor what it said counts. */
    other->ops->close(other);
    assert_true(acquire(f->store, "r1", "c", "{\"db\":5}", 0, &retry));
    assert_true(acquire(f->store, "r1", "d", "{\"db\":5}", 0, &retry));
}

static void
test_what_an_earlier_life_held_is_forgotten(void **state)
{
    struct fixture *f = *state;
    int64_t retry;
    struct act_store *first = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(first, "r1", &f->err);
    assert_true(acquire(first, "r1", "a", "{\"db\":1}", 0, &retry));
    first->ops->close(first);
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    assert_true(acquire(f->store, "r1", "b", "{\"db\":1}", 0, &retry));
}

static void
test_so_many_per_time(void **state)
{
    struct fixture *f = *state;
    int64_t retry, t = 1000000;
    const char *rate = "{\"api\":{\"count\":3,\"per_ms\":1000}}";
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    assert_true(acquire(f->store, "r1", "a", rate, t, &retry));
    assert_true(acquire(f->store, "r1", "b", rate, t + 100, &retry));
    assert_true(acquire(f->store, "r1", "c", rate, t + 200, &retry));
    release(f->store, "r1", "a"); /* gives no token back */
    assert_false(acquire(f->store, "r1", "d", rate, t + 300, &retry));
    assert_int_equal(retry, 700);
    assert_true(acquire(f->store, "r1", "d", rate, t + 1000, &retry));
    assert_false(acquire(f->store, "r1", "e", rate, t + 1050, &retry));
    assert_int_equal(retry, 50);
    /* In no window of a second are there more than three. */
    int64_t last[64];
    int count = 0;
    for (int64_t now = t + 2000; count < 64; now += 7) {
        if (acquire(f->store, "r1", "z", rate, now, &retry)) {
            last[count] = now;
            if (count >= 3)
                assert_true(last[count] - last[count - 3] >= 1000);
            count++;
        }
    }
    /* A clock that was set back does not block for as long as it had gone ahead. */
    assert_true(acquire(f->store, "r1", "late", rate, t, &retry));
}

static void
test_nonsense_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {"{\"a\":0}",
                                        "{\"a\":-1}",
                                        "{\"a\":\"x\"}",
                                        "{\"a\":{\"count\":1}}",
                                        "{\"a\":{\"per_ms\":1}}",
                                        "[1]"};
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct act_value *v = NULL;
        bool granted = false;
        int64_t retry = 0;
        assert_int_equal(act_json_parse(act_str(wrong[i]), 0, &v, NULL), ACT_OK);
        assert_int_equal(f->store->ops->acquire(f->store, ACT_STR("r1"), ACT_STR("h"), v, 0,
                                                &granted, &retry, &f->err),
                         ACT_ERR_INVALID);
        act_value_release(v);
    }
    int64_t retry;
    assert_true(acquire(f->store, "r1", "h", "{}", 0, &retry));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_so_many_at_once),
        T(test_all_or_none),
        T(test_the_smaller_number_holds_across_runs),
        T(test_what_an_earlier_life_held_is_forgotten),
        T(test_so_many_per_time),
        T(test_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
