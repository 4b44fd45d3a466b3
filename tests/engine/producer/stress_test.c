/* Many producers before one sink that is slow, fails and is closed under way: each record that was taken is
 * settled exactly once, what was written is each lane's records in each putter's order. */
#include "tests/engine/producer/producer_support.h"

#include <sched.h>
#include <stdatomic.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { PUTS = 2000 };
#else
enum { PUTS = 20000 };
#endif
enum { PUTTERS = 8, ROUNDS = 6 };

struct item {
    uint32_t putter, serial;
};

struct crowd {
    struct actant_producer *producer;
    uint64_t random; /* of the sink */
    bool fails;
    _Atomic uint32_t settled[PUTTERS][PUTS + 1]; /* how often, by serial */
    uint32_t last[ACTANT_LANE_COUNT][PUTTERS];   /* that the sink has written */
    bool disorder;
    size_t written;
};

struct putter {
    struct crowd *crowd;
    uint32_t index;
    uint32_t taken; /* how many */
    bool taken_serial[PUTS + 1];
    bool wrong; /* a code that must not come */
};

static uint64_t
draw(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static int
crowd_write(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct crowd *crowd = self;
    size_t count = batch->count;
    uint64_t luck = draw(&crowd->random);
    if (luck % 7 == 0)
        sched_yield();
    bool fails = crowd->fails && luck % 3 == 0;
    if (fails)
        count = error->accepted = (size_t)(luck / 3 % (batch->count + 1));
    for (size_t i = 0; i < count; i++) {
        struct item item;
        memcpy(&item, batch->records[i].data, sizeof(item));
        uint32_t *last = &crowd->last[batch->records[i].lane][item.putter];
        crowd->disorder = crowd->disorder || item.serial <= *last;
        *last = item.serial;
    }
    crowd->written += count;
    return fails ? 1 : 0;
}

static enum actant_sink_answer
crowd_failed(void *self, const struct actant_failure *failure, int64_t *retry_ms)
{
    struct crowd *crowd = self;
    *retry_ms = 0;
    return failure->attempts > 2 && draw(&crowd->random) % 2 ? ACTANT_SINK_DROP : ACTANT_SINK_RETRY;
}

static void
crowd_settled(void *self, const struct actant_record *records, size_t count, enum actant_fate fate)
{
    struct crowd *crowd = self;
    (void)fate;
    for (size_t i = 0; i < count; i++) {
        struct item item;
        memcpy(&item, records[i].data, sizeof(item));
        atomic_fetch_add(&crowd->settled[item.putter][item.serial], 1);
    }
}

static void *
put_many(void *self)
{
    struct putter *putter = self;
    uint64_t random = putter->index + 1;
    for (uint32_t serial = 1; serial <= PUTS; serial++) {
        struct item item = {putter->index, serial};
        enum actant_lane lane = (enum actant_lane)(draw(&random) % ACTANT_LANE_COUNT);
        enum actant_producer_code code =
            actant_producer_put(putter->crowd->producer, lane, &item, sizeof(item), NULL);
        if (code == ACTANT_PRODUCER_CLOSED || code == ACTANT_PRODUCER_STOPPED)
            break;
        putter->taken_serial[serial] = code == ACTANT_PRODUCER_OK;
        putter->taken += code == ACTANT_PRODUCER_OK;
        putter->wrong = putter->wrong || code == ACTANT_PRODUCER_INVALID;
        if (draw(&random) % 997 == 0 &&
            actant_producer_flush(putter->crowd->producer, -1) == ACTANT_PRODUCER_OK) {
            /* What this thread has put is settled. */
            if (code == ACTANT_PRODUCER_OK &&
                atomic_load(&putter->crowd->settled[putter->index][serial]) != 1)
                putter->wrong = true;
        }
    }
    return NULL;
}

/* when: the producer is closed after all have put; while they put; is stopped while they put. */
enum when { AFTER, WHILE, STOPPED };

static void
check(struct crowd *crowd, struct putter *putters)
{
    uint64_t taken = 0;
    for (uint32_t i = 0; i < PUTTERS; i++) {
        assert_false(putters[i].wrong);
        taken += putters[i].taken;
        for (uint32_t serial = 1; serial <= PUTS; serial++)
            assert_int_equal(atomic_load(&crowd->settled[i][serial]),
                             putters[i].taken_serial[serial]);
    }
    struct actant_producer_metrics metrics;
    actant_producer_metrics(crowd->producer, &metrics);
    uint64_t put = 0, pushed_out = 0;
    for (int lane = 0; lane < ACTANT_LANE_COUNT; lane++)
        put += metrics.lanes[lane].put;
    pushed_out = metrics.lanes[ACTANT_LANE_LAZY].dropped;
    assert_int_equal(put, taken);
    assert_int_equal(metrics.written + metrics.dropped + metrics.left + pushed_out, taken);
    assert_int_equal(metrics.written, crowd->written);
    assert_false(crowd->disorder);
}

static void
storm(enum when when, bool fails, size_t records_max)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    struct putter *putters = calloc(PUTTERS, sizeof(*putters));
    struct actant_producer_options options = {
        .sink = {.self = crowd,
                 .write = crowd_write,
                 .failed = crowd_failed,
                 .settled = crowd_settled},
        .batch_max = 1 + records_max / 3,
        .lanes = {{.records_max = records_max},
                  {.records_max = records_max, .full = ACTANT_FAIL_PUT},
                  {.records_max = records_max, .full = ACTANT_DROP_OLDEST_RECORD}},
    };
    pthread_t threads[PUTTERS];
    crowd->fails = fails;
    crowd->random = records_max;
    assert_int_equal(actant_producer_create(&options, &crowd->producer), ACTANT_PRODUCER_OK);
    for (uint32_t i = 0; i < PUTTERS; i++) {
        putters[i].crowd = crowd;
        putters[i].index = i;
        pthread_create(&threads[i], NULL, put_many, &putters[i]);
    }
    if (when != AFTER) {
        struct actant_producer_metrics metrics;
        do
            actant_producer_metrics(crowd->producer, &metrics);
        while (metrics.written < PUTS / 4);
    }
    if (when == STOPPED)
        actant_producer_stop(crowd->producer);
    if (when == WHILE)
        assert_int_equal(actant_producer_close(crowd->producer, -1, NULL), ACTANT_PRODUCER_OK);
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(threads[i], NULL);
    actant_producer_close(crowd->producer, -1, NULL);
    check(crowd, putters);
    actant_producer_destroy(crowd->producer);
    free(putters);
    free(crowd);
}

static void
test_storm(void **state)
{
    (void)state;
    storm(AFTER, false, 64);
    storm(AFTER, true, 3);
}

static void
test_closed_under_way(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        storm(WHILE, round % 2, 1 + (size_t)round * 7);
}

static void
test_stopped_under_way(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        storm(STOPPED, round % 2, 1 + (size_t)round * 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_closed_under_way),
        cmocka_unit_test(test_stopped_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
