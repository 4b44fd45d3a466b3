#include "tests/engine/producer/producer_support.h"

static void
note_batch(struct probe *probe, const struct actant_batch *batch, size_t count)
{
    for (size_t i = 0; i < count && probe->text_len + 2 < sizeof(probe->text); i++)
        probe->text[probe->text_len++] =
            batch->records[i].size ? *(const char *)batch->records[i].data : '.';
    probe->text[probe->text_len++] = '|';
}

static int
probe_write(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct probe *probe = self;
    int code = 0;
    pthread_mutex_lock(&probe->lock);
    probe->entered++;
    pthread_cond_broadcast(&probe->changed);
    while (probe->gate && !probe->cancelled)
        pthread_cond_wait(&probe->changed, &probe->lock);
    if (probe->failures > 0 || probe->cancelled) {
        probe->failures -= probe->failures > 0;
        code = 7;
        snprintf(error->message, sizeof(error->message), "no");
        error->accepted = probe->accepted;
        note_batch(probe, batch, probe->accepted);
    } else {
        note_batch(probe, batch, batch->count);
    }
    pthread_mutex_unlock(&probe->lock);
    if (probe->inside)
        probe->inside_said = probe->inside(probe);
    return code;
}

static enum actant_sink_answer
probe_failed(void *self, const struct actant_failure *failure, int64_t *retry_ms)
{
    struct probe *probe = self;
    pthread_mutex_lock(&probe->lock);
    snprintf(probe->message, sizeof(probe->message), "%d %s", failure->code, failure->message);
    probe->attempts = failure->attempts;
    probe->closing_seen = failure->closing;
    if (probe->asked < sizeof(probe->proposed) / sizeof(probe->proposed[0]))
        probe->proposed[probe->asked] = *retry_ms;
    probe->asked++;
    if (probe->retry_ms >= 0)
        *retry_ms = probe->retry_ms;
    enum actant_sink_answer answer = probe->answer;
    pthread_cond_broadcast(&probe->changed);
    pthread_mutex_unlock(&probe->lock);
    return answer;
}

static void
probe_settled(void *self, const struct actant_record *records, size_t count, enum actant_fate fate)
{
    struct probe *probe = self;
    (void)records;
    pthread_mutex_lock(&probe->lock);
    probe->fates[fate] += count;
    for (size_t i = 0; i < count && probe->last_fates_len + 1 < sizeof(probe->last_fates); i++)
        probe->last_fates[probe->last_fates_len++] = "WDL"[fate];
    pthread_mutex_unlock(&probe->lock);
}

static void
probe_cancel(void *self)
{
    struct probe *probe = self;
    pthread_mutex_lock(&probe->lock);
    probe->cancelled = true;
    pthread_cond_broadcast(&probe->changed);
    pthread_mutex_unlock(&probe->lock);
}

void
probe_init(struct probe *probe)
{
    memset(probe, 0, sizeof(*probe));
    pthread_mutex_init(&probe->lock, NULL);
    pthread_cond_init(&probe->changed, NULL);
}

void
probe_fini(struct probe *probe)
{
    pthread_mutex_destroy(&probe->lock);
    pthread_cond_destroy(&probe->changed);
}

struct actant_producer *
probe_producer(struct probe *probe, struct actant_producer_options *options)
{
    struct actant_producer_options plain = {0};
    options = options ? options : &plain;
    options->sink = (struct actant_sink){.self = probe,
                                         .write = probe_write,
                                         .failed = probe_failed,
                                         .settled = probe_settled,
                                         .cancel = probe_cancel};
    assert_int_equal(actant_producer_create(options, &probe->producer), ACTANT_PRODUCER_OK);
    return probe->producer;
}

void
probe_open_gate(struct probe *probe)
{
    pthread_mutex_lock(&probe->lock);
    probe->gate = false;
    pthread_cond_broadcast(&probe->changed);
    pthread_mutex_unlock(&probe->lock);
}

void
probe_wait_entered(struct probe *probe, size_t count)
{
    pthread_mutex_lock(&probe->lock);
    while (probe->entered < count)
        pthread_cond_wait(&probe->changed, &probe->lock);
    pthread_mutex_unlock(&probe->lock);
}

enum actant_producer_code
probe_put(struct actant_producer *producer, enum actant_lane lane, char letter)
{
    return actant_producer_put(producer, lane, &letter, 1, NULL);
}

void
probe_occupy(struct probe *probe, struct actant_producer *producer)
{
    pthread_mutex_lock(&probe->lock);
    probe->gate = true;
    size_t before = probe->entered;
    pthread_mutex_unlock(&probe->lock);
    assert_int_equal(probe_put(producer, ACTANT_LANE_NORMAL, '0'), ACTANT_PRODUCER_OK);
    probe_wait_entered(probe, before + 1);
}

void
probe_close(struct probe *probe, struct actant_producer *producer)
{
    uint64_t left = 99;
    (void)probe;
    assert_int_equal(actant_producer_close(producer, PATIENCE_MS, &left), ACTANT_PRODUCER_OK);
    assert_int_equal(left, 0);
    actant_producer_destroy(producer);
}
