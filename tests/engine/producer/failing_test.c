/* A sink that fails, hangs or calls back; stopping and closing. */
#include "tests/engine/producer/producer_support.h"

/* ---- failures ---- */

static void
test_again_until_it_works(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.retry_first_ms = 2, .retry_max_ms = 8};
    (void)state;
    probe_init(&probe);
    probe.answer = ACTANT_SINK_RETRY;
    probe.retry_ms = -1;
    probe.failures = 5;
    struct actant_producer *producer = probe_producer(&probe, &options);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    assert_int_equal(actant_producer_flush(producer, PATIENCE_MS), ACTANT_PRODUCER_OK);
    struct actant_producer_metrics metrics;
    actant_producer_metrics(producer, &metrics);
    assert_int_equal(metrics.failures, 5);
    assert_int_equal(metrics.written, 1);
    probe_close(&probe, producer);
    assert_string_equal(probe.message, "7 no");
    assert_int_equal(probe.attempts, 5);
    /* 2, 4, 8, 8, 8, less up to a quarter. */
    static const int64_t waits[] = {2, 4, 8, 8, 8};
    for (int i = 0; i < 5; i++) {
        assert_true(probe.proposed[i] <= waits[i]);
        assert_true(probe.proposed[i] >= waits[i] - waits[i] / 4);
    }
    probe_fini(&probe);
}

/* What was accepted does not come again. */
static void
test_a_batch_that_is_accepted_in_part(void **state)
{
    struct probe probe;
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, NULL);
    probe.answer = ACTANT_SINK_RETRY;
    probe_occupy(&probe, producer);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    probe_put(producer, ACTANT_LANE_NORMAL, 'b');
    probe_put(producer, ACTANT_LANE_NORMAL, 'c');
    probe_open_gate(&probe);
    assert_int_equal(actant_producer_flush(producer, PATIENCE_MS), ACTANT_PRODUCER_OK);
    probe_occupy(&probe, producer);
    pthread_mutex_lock(&probe.lock);
    probe.failures = 0;
    pthread_mutex_unlock(&probe.lock);
    probe_put(producer, ACTANT_LANE_NORMAL, 'd');
    probe_put(producer, ACTANT_LANE_NORMAL, 'e');
    probe_put(producer, ACTANT_LANE_NORMAL, 'f');
    pthread_mutex_lock(&probe.lock);
    probe.failures = 2; /* the one that hangs, and that of "def" once */
    probe.accepted = 1;
    pthread_mutex_unlock(&probe.lock);
    probe_open_gate(&probe);
    probe_close(&probe, producer);
    assert_string_equal(probe.text, "0|abc|0|d|ef|");
    assert_int_equal(probe.fates[ACTANT_FATE_WRITTEN], 8);
    probe_fini(&probe);
}

static void
test_drop_goes_on_with_the_next(void **state)
{
    struct probe probe;
    struct actant_producer_metrics metrics;
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, NULL);
    probe.answer = ACTANT_SINK_DROP;
    probe_occupy(&probe, producer);
    pthread_mutex_lock(&probe.lock);
    probe.failures = 1;
    pthread_mutex_unlock(&probe.lock);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    probe_open_gate(&probe);
    assert_int_equal(actant_producer_flush(producer, PATIENCE_MS), ACTANT_PRODUCER_OK);
    actant_producer_metrics(producer, &metrics);
    assert_int_equal(metrics.dropped, 1);
    probe_close(&probe, producer);
    assert_string_equal(probe.text, "|a|");
    assert_string_equal(probe.last_fates, "DW");
    probe_fini(&probe);
}

static void *
put_one(void *self)
{
    struct probe *probe = self;
    enum actant_producer_code said = probe_put(probe->producer, ACTANT_LANE_NORMAL, 'z');
    return (void *)(intptr_t)said;
}

static void *
flush_it(void *self)
{
    struct probe *probe = self;
    return (void *)(intptr_t)actant_producer_flush(probe->producer, -1);
}

static void
wait_blocked(struct actant_producer *producer)
{
    struct actant_producer_metrics metrics;
    do
        actant_producer_metrics(producer, &metrics);
    while (metrics.lanes[ACTANT_LANE_NORMAL].blocked == 0);
}

/* In order: who waits hears it, everything is settled, nothing more is written. */
static void
test_stop_as_the_answer(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.batch_max = 1,
                                              .lanes = {{0}, {.records_max = 1}, {0}}};
    struct actant_producer_metrics metrics;
    pthread_t putter, flusher;
    void *said = NULL;
    (void)state;
    probe_init(&probe);
    probe.answer = ACTANT_SINK_STOP;
    struct actant_producer *producer = probe_producer(&probe, &options);
    probe_occupy(&probe, producer);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    probe_put(producer, ACTANT_LANE_LAZY, 'b');
    pthread_create(&putter, NULL, put_one, &probe);
    pthread_create(&flusher, NULL, flush_it, &probe);
    wait_blocked(producer);
    pthread_mutex_lock(&probe.lock);
    probe.failures = 1;
    pthread_mutex_unlock(&probe.lock);
    probe_open_gate(&probe);
    pthread_join(putter, &said);
    assert_int_equal((intptr_t)said, ACTANT_PRODUCER_STOPPED);
    pthread_join(flusher, &said);
    assert_int_equal((intptr_t)said, ACTANT_PRODUCER_STOPPED);
    assert_int_equal(probe_put(producer, ACTANT_LANE_URGENT, 'c'), ACTANT_PRODUCER_STOPPED);
    uint64_t left = 0;
    assert_int_equal(actant_producer_close(producer, -1, &left), ACTANT_PRODUCER_STOPPED);
    assert_int_equal(left, 3);
    actant_producer_metrics(producer, &metrics);
    assert_true(metrics.stopped);
    assert_int_equal(probe.fates[ACTANT_FATE_LEFT], 3);
    assert_string_equal(probe.text, "|");
    actant_producer_destroy(producer);
    probe_fini(&probe);
}

/* ---- closing ---- */

static void *
close_it(void *self)
{
    struct probe *probe = self;
    return (void *)(intptr_t)actant_producer_close(probe->producer, PATIENCE_MS, NULL);
}

static void
test_close_while_somebody_waits_for_room(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.lanes = {{0}, {.records_max = 1}, {0}}};
    pthread_t putter, closer;
    void *said = NULL;
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, &options);
    probe_occupy(&probe, producer);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    pthread_create(&putter, NULL, put_one, &probe);
    wait_blocked(producer);
    pthread_create(&closer, NULL, close_it, &probe);
    pthread_join(putter, &said); /* the sink still hangs */
    assert_int_equal((intptr_t)said, ACTANT_PRODUCER_CLOSED);
    probe_open_gate(&probe);
    pthread_join(closer, &said);
    assert_int_equal((intptr_t)said, ACTANT_PRODUCER_OK);
    assert_string_equal(probe.text, "0|a|");
    actant_producer_destroy(producer);
    probe_fini(&probe);
}

static void
test_close_has_a_deadline(void **state)
{
    struct probe probe;
    uint64_t left = 0;
    (void)state;
    probe_init(&probe);
    probe.answer = ACTANT_SINK_RETRY;
    struct actant_producer *producer = probe_producer(&probe, NULL);
    probe_occupy(&probe, producer);
    for (char c = 'a'; c <= 'c'; c++)
        probe_put(producer, ACTANT_LANE_NORMAL, c);
    assert_int_equal(actant_producer_close(producer, 10, &left), ACTANT_PRODUCER_TIMEOUT);
    assert_true(probe.cancelled);
    assert_int_equal(left, 4); /* the one that hung, too: its write failed when it was cancelled */
    assert_int_equal(probe.fates[ACTANT_FATE_LEFT], 4);
    assert_int_equal(actant_producer_close(producer, 10, &left), ACTANT_PRODUCER_TIMEOUT);
    actant_producer_destroy(producer);
    probe_fini(&probe);
}

/* A sink that never works again, and a backoff of a day: neither holds up the end. */
static void
test_close_ends_a_backoff_in_time(void **state)
{
    struct probe probe;
    uint64_t left = 0;
    (void)state;
    probe_init(&probe);
    probe.answer = ACTANT_SINK_RETRY;
    probe.retry_ms = 24 * 3600 * 1000;
    probe.failures = 1000;
    struct actant_producer *producer = probe_producer(&probe, NULL);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    pthread_mutex_lock(&probe.lock);
    while (probe.asked == 0)
        pthread_cond_wait(&probe.changed, &probe.lock);
    pthread_mutex_unlock(&probe.lock);
    assert_int_equal(actant_producer_close(producer, 10, &left), ACTANT_PRODUCER_TIMEOUT);
    assert_int_equal(left, 1);
    actant_producer_destroy(producer);
    probe_fini(&probe);
}

static void
test_stop_leaves_what_waits(void **state)
{
    struct probe probe;
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, NULL);
    probe_occupy(&probe, producer);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    actant_producer_stop(producer);
    assert_int_equal(probe_put(producer, ACTANT_LANE_NORMAL, 'b'), ACTANT_PRODUCER_STOPPED);
    actant_producer_destroy(producer);
    assert_int_equal(probe.fates[ACTANT_FATE_LEFT], 2);
    probe_fini(&probe);
}

/* ---- calls from the sink's own callbacks ---- */

static enum actant_producer_code
put_inside(struct probe *probe)
{
    probe->inside = NULL;
    enum actant_producer_code said;
    int count = 0;
    do
        said = probe_put(probe->producer, ACTANT_LANE_NORMAL, 'i');
    while (said == ACTANT_PRODUCER_OK && ++count < 100);
    return count == 2 ? said : ACTANT_PRODUCER_INVALID;
}

static enum actant_producer_code
flush_inside(struct probe *probe)
{
    probe->inside = NULL;
    return actant_producer_flush(probe->producer, -1);
}

static enum actant_producer_code
close_inside(struct probe *probe)
{
    probe->inside = NULL;
    return actant_producer_close(probe->producer, -1, NULL);
}

static enum actant_producer_code
stop_inside(struct probe *probe)
{
    probe->inside = NULL;
    actant_producer_stop(probe->producer);
    return probe_put(probe->producer, ACTANT_LANE_NORMAL, 'i');
}

static void
test_calls_from_inside(void **state)
{
    static const struct {
        enum actant_producer_code (*call)(struct probe *probe);
        enum actant_producer_code says;
        const char *written;
    } rows[] = {
        {put_inside, ACTANT_PRODUCER_FULL, "a|ii|"},
        {flush_inside, ACTANT_PRODUCER_INVALID, "a|"},
        {close_inside, ACTANT_PRODUCER_INVALID, "a|"},
        {stop_inside, ACTANT_PRODUCER_STOPPED, "a|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct probe probe;
        struct actant_producer_options options = {.lanes = {{0}, {.records_max = 2}, {0}}};
        probe_init(&probe);
        probe.inside = rows[i].call;
        struct actant_producer *producer = probe_producer(&probe, &options);
        probe_put(producer, ACTANT_LANE_NORMAL, 'a');
        actant_producer_flush(producer, PATIENCE_MS); /* the call from inside has been made */
        uint64_t left = 9;
        actant_producer_close(producer, PATIENCE_MS, &left);
        assert_int_equal(left, 0);
        actant_producer_destroy(producer);
        assert_int_equal(probe.inside_said, rows[i].says);
        assert_string_equal(probe.text, rows[i].written);
        probe_fini(&probe);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again_until_it_works),
        cmocka_unit_test(test_a_batch_that_is_accepted_in_part),
        cmocka_unit_test(test_drop_goes_on_with_the_next),
        cmocka_unit_test(test_stop_as_the_answer),
        cmocka_unit_test(test_close_while_somebody_waits_for_room),
        cmocka_unit_test(test_close_has_a_deadline),
        cmocka_unit_test(test_close_ends_a_backoff_in_time),
        cmocka_unit_test(test_stop_leaves_what_waits),
        cmocka_unit_test(test_calls_from_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
