/* Limits: all or none, over all runs of the database. Who waits asks again when something of ours is
 * given back, and now and then because other processes give back too. What the store has granted is
 * noted down in the crew: it outlives the coordinator. */
#include "engine/run/desk.h"

#include <stdio.h>

#define POLL_MAX_MS 250
#define POLL_MIN_MS 20

static struct act_str
holder(char buf[32], act_inst inst)
{
    int n = snprintf(buf, 32, "%llx", (unsigned long long)inst);
    return act_str_n(buf, (size_t)n);
}

static bool
take_limits(struct act_desk *desk, const struct act_waiter *waiter, int64_t *retry_ms)
{
    struct act_coord *crew = desk->crew;
    struct act_store *store = crew->options.store;
    int64_t now_ms = act_crew_now_ms(crew);
    if (!store)
        return act_limits_acquire(&desk->limits, waiter->inst, waiter->limits,
                                  act_crew_now_ns(crew) / 1000000, retry_ms);
    if (act_handles_get(&crew->granted, waiter->inst, 0))
        return true;
    bool granted = false;
    char buf[32];
    struct act_error error = {0};
    enum act_err code = store->ops->acquire(store, crew->row.run, holder(buf, waiter->inst),
                                            waiter->limits, now_ms, &granted, retry_ms, &error);
    if (code != ACT_OK && !act_err_retryable(code))
        act_desk_fail(desk, code, &error);
    if (granted)
        act_handles_put(&crew->granted, waiter->inst, 0, crew);
    return granted;
}

static void
give_limits(struct act_desk *desk, act_inst inst)
{
    struct act_coord *crew = desk->crew;
    struct act_store *store = crew->options.store;
    char buf[32];
    struct act_error error = {0};
    enum act_err code = ACT_OK;
    if (store)
        code = store->ops->release(store, crew->row.run, holder(buf, inst), &error);
    else
        act_limits_release(&desk->limits, inst);
    if (code != ACT_OK)
        act_desk_fail(desk, code, &error);
    act_handles_take(&crew->granted, inst, 0);
}

static bool
try_acquire(struct act_desk *desk, const struct act_waiter *waiter, int64_t *retry_ms)
{
    if (!take_limits(desk, waiter, retry_ms))
        return false;
    struct act_fact fact = act_desk_fact(desk, ACT_EVENT_LIMITS, waiter->inst);
    if (!waiter->held && act_desk_apply(desk, &fact) != ACT_OK)
        give_limits(desk, waiter->inst);
    return true;
}

void
act_desk_serve_waiters(struct act_desk *desk)
{
    int64_t soonest_ms = POLL_MAX_MS;
    uint32_t kept = 0;
    uint32_t count = desk->waiters.len;
    for (uint32_t i = 0; i < count; i++) {
        struct act_waiter waiter = desk->waiters.ptr[i];
        int64_t retry_ms = POLL_MAX_MS;
        if (!desk->crew->failed && try_acquire(desk, &waiter, &retry_ms)) {
            act_value_release(waiter.limits);
            continue;
        }
        desk->waiters.ptr[kept++] = waiter;
        soonest_ms = retry_ms < soonest_ms ? retry_ms : soonest_ms;
    }
    desk->waiters.len = kept;
    if (kept == 0 || desk->limits_ticking || desk->crew->failed)
        return;
    desk->limits_ticking = true;
    actant_timer_start(desk->context, soonest_ms < POLL_MIN_MS ? POLL_MIN_MS : soonest_ms, 0,
                       ACT_DESK_LIMITS);
}

void
act_desk_acquire(struct act_desk *desk, const struct act_effect *effect)
{
    struct act_waiter waiter = {effect->inst, act_value_retain(effect->value), effect->number == 1};
    act_vec_push(&desk->waiters, waiter);
    act_desk_serve_waiters(desk);
}

void
act_desk_release(struct act_desk *desk, act_inst inst)
{
    for (uint32_t i = 0; i < desk->waiters.len; i++) {
        if (desk->waiters.ptr[i].inst == inst) {
            act_value_release(desk->waiters.ptr[i].limits);
            memmove(&desk->waiters.ptr[i], &desk->waiters.ptr[i + 1],
                    (desk->waiters.len - i - 1) * sizeof(*desk->waiters.ptr));
            desk->waiters.len--;
            break;
        }
    }
    give_limits(desk, inst);
    act_desk_serve_waiters(desk);
}

/* A grant whose LIMITS was lost is given back and asked for again; one whose RELEASE was lost is given
 * back at last. */
void
act_desk_sweep_grants(struct act_desk *desk)
{
    struct act_handles *granted = &desk->crew->granted;
    ACT_VEC(act_inst) orphans = {0};
    for (uint32_t i = 0; i < granted->cap; i++) {
        if (!granted->entries[i].value)
            continue;
        bool held = false;
        for (uint32_t k = 0; k < desk->effects.list.len && !held; k++) {
            const struct act_effect *effect = &desk->effects.list.ptr[k];
            held = effect->type == ACT_EFFECT_ACQUIRE && effect->number == 1 &&
                   effect->inst == granted->entries[i].inst;
        }
        if (!held)
            act_vec_push(&orphans, granted->entries[i].inst);
    }
    for (uint32_t i = 0; i < orphans.len; i++)
        give_limits(desk, orphans.ptr[i]);
    act_vec_fini(&orphans);
}

void
act_desk_limits_fini(struct act_desk *desk)
{
    for (uint32_t i = 0; i < desk->waiters.len; i++)
        act_value_release(desk->waiters.ptr[i].limits);
    act_vec_fini(&desk->waiters);
    act_limits_fini(&desk->limits);
}
