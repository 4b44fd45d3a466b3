#include "engine/actor/alarm.h"

void
act_alarms_fini(struct act_alarms *alarms)
{
    for (uint32_t i = 0; i < alarms->heap.len; i++) {
        act_free(alarms->heap.ptr[i].alarm);
    }
    while (alarms->free) {
        struct act_alarm *alarm = alarms->free;
        alarms->free = alarm->next_free;
        act_free(alarm);
    }
    act_vec_fini(&alarms->heap);
}

static bool
before(struct act_alarm_key a, struct act_alarm_key b)
{
    return a.due_ns != b.due_ns ? a.due_ns < b.due_ns : a.order < b.order;
}

static void
put(struct act_alarms *alarms, uint32_t at, struct act_alarm_key key)
{
    alarms->heap.ptr[at] = key;
    key.alarm->at = at;
}

static void
sift_up(struct act_alarms *alarms, uint32_t at, struct act_alarm_key key)
{
    while (at > 0 && before(key, alarms->heap.ptr[(at - 1) / 2])) {
        put(alarms, at, alarms->heap.ptr[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(alarms, at, key);
}

static void
sift_down(struct act_alarms *alarms, uint32_t at, struct act_alarm_key key)
{
    uint32_t len = alarms->heap.len;

    for (uint32_t child = 2 * at + 1; child < len; child = 2 * at + 1) {
        if (child + 1 < len && before(alarms->heap.ptr[child + 1], alarms->heap.ptr[child])) {
            child++;
        }
        if (!before(alarms->heap.ptr[child], key)) {
            break;
        }
        put(alarms, at, alarms->heap.ptr[child]);
        at = child;
    }
    put(alarms, at, key);
}

struct act_alarm *
act_alarms_set(struct act_alarms *alarms, int64_t due_ns, uint64_t owner, uint64_t serial)
{
    struct act_alarm *alarm = alarms->free;

    if (alarm) {
        alarms->free = alarm->next_free;
    } else {
        alarm = act_alloc(sizeof(*alarm));
    }
    alarm->owner = owner;
    alarm->serial = serial;
    struct act_alarm_key key = {due_ns, alarms->order++, alarm};
    act_vec_push(&alarms->heap, key);
    sift_up(alarms, alarms->heap.len - 1, key);
    return alarm;
}

static void
take_out(struct act_alarms *alarms, struct act_alarm *alarm)
{
    uint32_t at = alarm->at;
    struct act_alarm_key last = act_vec_pop(&alarms->heap);

    if (last.alarm != alarm) {
        if (at > 0 && before(last, alarms->heap.ptr[(at - 1) / 2])) {
            sift_up(alarms, at, last);
        } else {
            sift_down(alarms, at, last);
        }
    }
    alarm->owner = 0;
    alarm->next_free = alarms->free;
    alarms->free = alarm;
}

void
act_alarms_cancel(struct act_alarms *alarms, struct act_alarm *alarm, uint64_t owner,
                  uint64_t serial)
{
    if (alarm->owner == owner && alarm->serial == serial) {
        take_out(alarms, alarm);
    }
}

int64_t
act_alarms_next(const struct act_alarms *alarms)
{
    return alarms->heap.len > 0 ? alarms->heap.ptr[0].due_ns : -1;
}

bool
act_alarms_take(struct act_alarms *alarms, int64_t now_ns, uint64_t *ret_owner,
                uint64_t *ret_serial)
{
    if (alarms->heap.len == 0 || alarms->heap.ptr[0].due_ns > now_ns) {
        return false;
    }
    struct act_alarm *alarm = alarms->heap.ptr[0].alarm;
    *ret_owner = alarm->owner;
    *ret_serial = alarm->serial;
    take_out(alarms, alarm);
    return true;
}
