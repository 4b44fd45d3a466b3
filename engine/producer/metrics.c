#include "engine/producer/producer_internal.h"

void
act_histogram_add(uint64_t histogram[ACTANT_HISTOGRAM_SIZE], uint64_t value)
{
    unsigned bits = 0;
    for (; value > 0 && bits < ACTANT_HISTOGRAM_SIZE - 1; value >>= 1)
        bits++;
    histogram[bits]++;
}

uint64_t
actant_histogram_bound(const uint64_t histogram[ACTANT_HISTOGRAM_SIZE], unsigned per_mille)
{
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < ACTANT_HISTOGRAM_SIZE; i++)
        total += histogram[i];
    if (total == 0)
        return 0;
    for (unsigned i = 0; i < ACTANT_HISTOGRAM_SIZE; i++) {
        seen += histogram[i];
        if ((double)seen * 1000 >= (double)total * per_mille && seen > 0)
            return UINT64_C(1) << i;
    }
    return UINT64_C(1) << (ACTANT_HISTOGRAM_SIZE - 1);
}

void
actant_producer_metrics(struct actant_producer *p, struct actant_producer_metrics *ret)
{
    pthread_mutex_lock(&p->mutex);
    *ret = p->metrics;
    for (int i = 0; i < ACTANT_LANE_COUNT; i++) {
        const struct act_lane *lane = &p->queue.lanes[i];
        ret->lanes[i].records = lane->records;
        ret->lanes[i].bytes = lane->bytes;
        ret->lanes[i].put = lane->next_number - 1;
    }
    ret->in_flight = p->flight.count - p->flight.done;
    ret->stopped = p->state == ACT_PRODUCER_STOPPED;
    pthread_mutex_unlock(&p->mutex);
}
