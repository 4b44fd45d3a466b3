/* Batches, lanes, what a full queue does, flush, metrics. */
#include "tests/engine/producer/producer_support.h"

static void
test_what_comes_while_the_sink_is_busy_is_one_batch(void **state)
{
    struct probe probe;
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, NULL);
    probe_occupy(&probe, producer);
    for (char c = 'a'; c <= 'e'; c++)
        assert_int_equal(probe_put(producer, ACTANT_LANE_NORMAL, c), ACTANT_PRODUCER_OK);
    probe_open_gate(&probe);
    probe_close(&probe, producer);
    assert_string_equal(probe.text, "0|abcde|");
    assert_int_equal(probe.fates[ACTANT_FATE_WRITTEN], 6);
    probe_fini(&probe);
}

static void
test_a_batch_has_at_most_so_many_records_and_bytes(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.batch_max = 3, .batch_bytes_max = 100};
    char large[200] = "L", middle[60] = "M";
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, &options);
    probe_occupy(&probe, producer);
    for (char c = 'a'; c <= 'd'; c++)
        probe_put(producer, ACTANT_LANE_NORMAL, c);
    actant_producer_put(producer, ACTANT_LANE_NORMAL, large, sizeof(large), NULL);
    actant_producer_put(producer, ACTANT_LANE_NORMAL, middle, sizeof(middle), NULL);
    actant_producer_put(producer, ACTANT_LANE_NORMAL, middle, sizeof(middle), NULL);
    actant_producer_put(producer, ACTANT_LANE_NORMAL, NULL, 0, NULL);
    probe_open_gate(&probe);
    probe_close(&probe, producer);
    assert_string_equal(probe.text, "0|abc|d|L|M|M.|");
    probe_fini(&probe);
}

static void
test_priorities(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.batch_max = 2};
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, &options);
    probe_occupy(&probe, producer);
    probe_put(producer, ACTANT_LANE_LAZY, 'l');
    probe_put(producer, ACTANT_LANE_NORMAL, 'n');
    probe_put(producer, ACTANT_LANE_URGENT, 'u');
    probe_open_gate(&probe);
    probe_close(&probe, producer);
    assert_string_equal(probe.text, "0|un|l|");
    probe_fini(&probe);
}

/* ---- a full queue ---- */

struct putter {
    struct actant_producer *producer;
    enum actant_producer_code said;
};

static void *
put_one(void *self)
{
    struct putter *putter = self;
    putter->said = probe_put(putter->producer, ACTANT_LANE_NORMAL, 'z');
    return NULL;
}

static void
wait_blocked(struct actant_producer *producer, uint64_t count)
{
    struct actant_producer_metrics metrics;
    do
        actant_producer_metrics(producer, &metrics);
    while (metrics.lanes[ACTANT_LANE_NORMAL].blocked < count);
}

static struct actant_producer *
full_producer(struct probe *probe, enum actant_full full, int64_t block_ms)
{
    struct actant_producer_options options = {
        .lanes = {{0}, {.records_max = 2, .full = full, .block_ms = block_ms}, {0}}};
    probe_init(probe);
    struct actant_producer *producer = probe_producer(probe, &options);
    probe_occupy(probe, producer);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    probe_put(producer, ACTANT_LANE_NORMAL, 'b');
    return producer;
}

static void
test_block(void **state)
{
    struct probe probe;
    struct actant_producer_metrics metrics;
    pthread_t thread;
    (void)state;
    struct actant_producer *producer = full_producer(&probe, ACTANT_BLOCK_PUT, 0);
    struct putter putter = {.producer = producer, .said = ACTANT_PRODUCER_INVALID};
    pthread_create(&thread, NULL, put_one, &putter);
    wait_blocked(producer, 1);
    /* Other lanes are not held up. */
    assert_int_equal(probe_put(producer, ACTANT_LANE_URGENT, 'u'), ACTANT_PRODUCER_OK);
    actant_producer_metrics(producer, &metrics);
    assert_int_equal(metrics.lanes[ACTANT_LANE_NORMAL].records, 2);
    assert_int_equal(metrics.in_flight, 1);
    probe_open_gate(&probe);
    pthread_join(thread, NULL);
    assert_int_equal(putter.said, ACTANT_PRODUCER_OK);
    probe_close(&probe, producer);
    assert_int_equal(probe.fates[ACTANT_FATE_WRITTEN], 5);
    assert_string_equal(probe.text, "0|uab|z|");
    probe_fini(&probe);
}

static void
test_block_with_a_limit(void **state)
{
    struct probe probe;
    struct actant_producer_metrics metrics;
    (void)state;
    struct actant_producer *producer = full_producer(&probe, ACTANT_BLOCK_PUT, 30);
    assert_int_equal(probe_put(producer, ACTANT_LANE_NORMAL, 'c'), ACTANT_PRODUCER_TIMEOUT);
    actant_producer_metrics(producer, &metrics);
    assert_int_equal(metrics.lanes[ACTANT_LANE_NORMAL].refused, 1);
    assert_true(actant_histogram_bound(metrics.blocked_us, 1000) >= 30000);
    probe_open_gate(&probe);
    probe_close(&probe, producer);
    assert_string_equal(probe.text, "0|ab|");
    probe_fini(&probe);
}

static void
test_fail_and_drop(void **state)
{
    static const struct {
        enum actant_full full;
        enum actant_producer_code says;
        const char *written;
        size_t dropped, settled_dropped;
    } rows[] = {
        {ACTANT_FAIL_PUT, ACTANT_PRODUCER_FULL, "0|ab|", 0, 0},
        {ACTANT_DROP_NEWEST_RECORD, ACTANT_PRODUCER_DROPPED, "0|ab|", 1, 0},
        {ACTANT_DROP_OLDEST_RECORD, ACTANT_PRODUCER_OK, "0|bc|", 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct probe probe;
        struct actant_producer_metrics metrics;
        struct actant_producer *producer = full_producer(&probe, rows[i].full, 0);
        assert_int_equal(probe_put(producer, ACTANT_LANE_NORMAL, 'c'), rows[i].says);
        assert_int_equal(probe.fates[ACTANT_FATE_DROPPED], rows[i].settled_dropped);
        actant_producer_metrics(producer, &metrics);
        assert_int_equal(metrics.lanes[ACTANT_LANE_NORMAL].dropped, rows[i].dropped);
        assert_int_equal(metrics.lanes[ACTANT_LANE_NORMAL].refused,
                         rows[i].says == ACTANT_PRODUCER_FULL);
        probe_open_gate(&probe);
        probe_close(&probe, producer);
        assert_string_equal(probe.text, rows[i].written);
        probe_fini(&probe);
    }
}

/* ---- flush and linger ---- */

static void
test_flush(void **state)
{
    struct probe probe;
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, NULL);
    assert_int_equal(actant_producer_flush(producer, 0), ACTANT_PRODUCER_OK); /* nothing is there */
    probe_occupy(&probe, producer);
    probe_put(producer, ACTANT_LANE_LAZY, 'a');
    assert_int_equal(actant_producer_flush(producer, 20), ACTANT_PRODUCER_TIMEOUT);
    probe_open_gate(&probe);
    assert_int_equal(actant_producer_flush(producer, PATIENCE_MS), ACTANT_PRODUCER_OK);
    assert_int_equal(probe.fates[ACTANT_FATE_WRITTEN], 2);
    probe_close(&probe, producer);
    probe_fini(&probe);
}

static void
test_linger_waits_for_company_but_flush_does_not(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.linger_ms = 24 * 3600 * 1000, .batch_max = 3};
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, &options);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    assert_int_equal(actant_producer_flush(producer, PATIENCE_MS), ACTANT_PRODUCER_OK);
    for (char c = 'b'; c <= 'd'; c++) /* a full batch does not linger */
        probe_put(producer, ACTANT_LANE_NORMAL, c);
    probe_wait_entered(&probe, 2);
    probe_put(producer, ACTANT_LANE_NORMAL, 'e');
    probe_close(&probe, producer);
    assert_string_equal(probe.text, "a|bcd|e|");
    probe_fini(&probe);
}

static void
test_linger_ends(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.linger_ms = 1};
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, &options);
    probe_put(producer, ACTANT_LANE_NORMAL, 'a');
    probe_wait_entered(&probe, 1);
    probe_close(&probe, producer);
    probe_fini(&probe);
}

/* ---- the rest ---- */

static void
test_owned_data_is_let_go_once(void **state)
{
    struct probe probe;
    struct actant_producer_options options = {.lanes = {{0}, {.bytes_max = 8}, {0}}};
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, &options);
    /* A leak or a double free is the sanitizer's to find. */
    assert_int_equal(
        actant_producer_put_owned(producer, ACTANT_LANE_NORMAL, strdup("own"), 3, free, NULL),
        ACTANT_PRODUCER_OK);
    assert_int_equal(
        actant_producer_put_owned(producer, ACTANT_LANE_NORMAL, strdup("too large"), 9, free, NULL),
        ACTANT_PRODUCER_INVALID);
    assert_int_equal(
        actant_producer_put_owned(producer, (enum actant_lane)3, strdup("x"), 1, free, NULL),
        ACTANT_PRODUCER_INVALID);
    uint64_t left = 99;
    assert_int_equal(actant_producer_close(producer, PATIENCE_MS, &left), ACTANT_PRODUCER_OK);
    assert_int_equal(
        actant_producer_put_owned(producer, ACTANT_LANE_NORMAL, strdup("late"), 4, free, NULL),
        ACTANT_PRODUCER_CLOSED);
    actant_producer_destroy(producer);
    assert_string_equal(probe.text, "o|");
    probe_fini(&probe);
}

static void
test_metrics(void **state)
{
    struct probe probe;
    struct actant_producer_metrics metrics;
    (void)state;
    probe_init(&probe);
    struct actant_producer *producer = probe_producer(&probe, NULL);
    probe_occupy(&probe, producer);
    for (int i = 0; i < 40; i++)
        actant_producer_put(producer, ACTANT_LANE_LAZY, "0123456789", 10, NULL);
    probe_open_gate(&probe);
    assert_int_equal(actant_producer_flush(producer, PATIENCE_MS), ACTANT_PRODUCER_OK);
    actant_producer_metrics(producer, &metrics);
    const struct actant_lane_metrics *lazy = &metrics.lanes[ACTANT_LANE_LAZY];
    assert_int_equal(lazy->put, 40);
    assert_int_equal(lazy->records, 0);
    assert_int_equal(lazy->records_most, 40);
    assert_int_equal(lazy->bytes_most, 400);
    assert_int_equal(metrics.batches, 2);
    assert_int_equal(metrics.written, 41);
    assert_int_equal(metrics.written_bytes, 401);
    assert_int_equal(metrics.in_flight, 0);
    assert_int_equal(metrics.batch_size[1], 1); /* of one */
    assert_int_equal(metrics.batch_size[6], 1); /* of 40: under 64, not under 32 */
    assert_int_equal(actant_histogram_bound(metrics.batch_size, 500), 2);
    assert_int_equal(actant_histogram_bound(metrics.batch_size, 501), 64);
    uint64_t commits = 0;
    for (int i = 0; i < ACTANT_HISTOGRAM_SIZE; i++)
        commits += metrics.commit_us[i];
    assert_int_equal(commits, 41);
    probe_close(&probe, producer);
    probe_fini(&probe);
}

static void
test_what_makes_no_sense(void **state)
{
    struct actant_producer *producer = NULL;
    struct actant_producer_options options = {0};
    (void)state;
    assert_int_equal(actant_producer_create(&options, &producer), ACTANT_PRODUCER_INVALID);
    assert_null(producer);
    actant_producer_destroy(NULL);
    for (int code = ACTANT_PRODUCER_OK; code <= ACTANT_PRODUCER_INVALID; code++)
        assert_true(strlen(actant_producer_code_text((enum actant_producer_code)code)) > 1);
    uint64_t none[ACTANT_HISTOGRAM_SIZE] = {0};
    assert_int_equal(actant_histogram_bound(none, 500), 0);
}

/* Whether the thread naps, sleeps or works when a record comes: it is written, and in order. */
static void
test_naps(void **state)
{
    const int64_t naps[] = {-1, 0, 1, 1000000};
    const struct timespec pauses[] = {
        {0}, {.tv_nsec = 20000}, {.tv_nsec = 300000}, {.tv_nsec = 3000000}};
    (void)state;
    for (size_t i = 0; i < sizeof(naps) / sizeof(*naps); i++) {
        struct probe probe;
        struct actant_producer_options options = {.nap_us = naps[i], .batch_max = 1};
        options.lanes[ACTANT_LANE_NORMAL].records_max = 3;
        probe_init(&probe);
        probe_open_gate(&probe);
        struct actant_producer *producer = probe_producer(&probe, &options);
        for (int k = 0; k < 20; k++) {
            assert_int_equal(probe_put(producer, ACTANT_LANE_NORMAL, (char)('a' + k)),
                             ACTANT_PRODUCER_OK);
            nanosleep(&pauses[k % 4], NULL);
            if (k % 5 == 4)
                assert_int_equal(actant_producer_flush(producer, -1), ACTANT_PRODUCER_OK);
        }
        probe_close(&probe, producer);
        assert_string_equal(probe.text, "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|");
        probe_fini(&probe);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_while_the_sink_is_busy_is_one_batch),
        cmocka_unit_test(test_a_batch_has_at_most_so_many_records_and_bytes),
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_block_with_a_limit),
        cmocka_unit_test(test_fail_and_drop),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_linger_waits_for_company_but_flush_does_not),
        cmocka_unit_test(test_linger_ends),
        cmocka_unit_test(test_owned_data_is_let_go_once),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_what_makes_no_sense),
        cmocka_unit_test(test_naps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
