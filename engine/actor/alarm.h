/* Alarms: which ref is to get which serial when. A heap in order of time, then of setting; each alarm knows
 * its place, so that taking one out costs no search. The loop has one set, without a lock; the pool's
 * threads share one, under the pool's. */
#ifndef ACT_ENGINE_ACTOR_ALARM_H
#define ACT_ENGINE_ACTOR_ALARM_H

#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct act_alarm {
    uint64_t owner, serial; /* owner 0: free */
    struct act_alarm *next_free;
    uint32_t at; /* place in the heap */
};

struct act_alarm_key {
    int64_t due_ns;
    uint64_t order;
    struct act_alarm *alarm;
};

/* Invariants: 1. heap[i] is not after heap[2i+1] and heap[2i+2]. 2. heap[i].alarm->at is i. */
struct act_alarms {
    ACT_VEC(struct act_alarm_key) heap;
    struct act_alarm *free;
    uint64_t order;
};

void act_alarms_fini(struct act_alarms *alarms);
struct act_alarm *act_alarms_set(struct act_alarms *alarms, int64_t due_ns, uint64_t owner,
                                 uint64_t serial);
/* Nothing if the alarm has gone off, and may be another's by now. */
void act_alarms_cancel(struct act_alarms *alarms, struct act_alarm *alarm, uint64_t owner,
                       uint64_t serial);
int64_t act_alarms_next(const struct act_alarms *alarms); /* -1: none */
/* Takes out the first one that is due; false: there is none. The alarm is free then. */
bool act_alarms_take(struct act_alarms *alarms, int64_t now_ns, uint64_t *ret_owner,
                     uint64_t *ret_serial);

#endif
