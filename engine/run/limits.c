#include "engine/run/limits.h"

#define ASK_AGAIN_MS 50

struct want {
    uint32_t limit;
    int64_t count, per_ms; /* per_ms 0: at once */
};

void
act_limits_fini(struct act_limits *limits)
{
    act_map_fini(&limits->names);
    act_vec_fini(&limits->grants);
}

static struct want
read_want(struct act_limits *limits, const struct act_value *wanted, uint32_t i)
{
    const struct act_value *v = act_value_at(wanted, i);
    struct act_str name = act_value_key(wanted, i);
    struct want want = {.count = 1};
    if (act_value_type(v) == ACT_MAP) {
        const struct act_value *per = act_value_get(v, ACT_STR("per_ms"));
        const struct act_value *count = act_value_get(v, ACT_STR("count"));
        if (count)
            act_value_to_int(count, &want.count);
        if (per)
            act_value_to_int(per, &want.per_ms);
    } else {
        act_value_to_int(v, &want.count);
    }
    const uint64_t *known = act_map_get(&limits->names, name);
    want.limit = known ? (uint32_t)*known : limits->names.len;
    if (!known)
        act_map_put(&limits->names, name, want.limit);
    return want;
}

/* Rates whose time is over count no more, nor do those of a clock that was set back since. */
static void
sweep(struct act_limits *limits, int64_t now_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < limits->grants.len; i++) {
        const struct act_grant *grant = &limits->grants.ptr[i];
        if (grant->until_ms == 0 || (grant->from_ms <= now_ms && grant->until_ms > now_ms))
            limits->grants.ptr[kept++] = *grant;
    }
    limits->grants.len = kept;
}

static bool
has_room(const struct act_limits *limits, const struct want *want, int64_t now_ms,
         int64_t *retry_ms)
{
    int64_t used = 0, soonest_ms = INT64_MAX;
    for (uint32_t i = 0; i < limits->grants.len; i++) {
        const struct act_grant *grant = &limits->grants.ptr[i];
        if (grant->limit != want->limit)
            continue;
        used++;
        if (grant->until_ms != 0 && grant->until_ms < soonest_ms)
            soonest_ms = grant->until_ms;
    }
    if (used < want->count)
        return true;
    *retry_ms = soonest_ms == INT64_MAX ? ASK_AGAIN_MS : soonest_ms - now_ms;
    return false;
}

bool
act_limits_acquire(struct act_limits *limits, act_inst holder, const struct act_value *wanted,
                   int64_t now_ms, int64_t *retry_ms)
{
    sweep(limits, now_ms);
    for (uint32_t i = 0; i < act_value_len(wanted); i++) {
        struct want want = read_want(limits, wanted, i);
        if (!has_room(limits, &want, now_ms, retry_ms))
            return false;
    }
    for (uint32_t i = 0; i < act_value_len(wanted); i++) {
        struct want want = read_want(limits, wanted, i);
        struct act_grant grant = {
            .limit = want.limit,
            .holder = holder,
            .from_ms = now_ms,
            .until_ms = want.per_ms > 0 ? now_ms + want.per_ms : 0,
        };
        act_vec_push(&limits->grants, grant);
    }
    return true;
}

void
act_limits_release(struct act_limits *limits, act_inst holder)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < limits->grants.len; i++) {
        const struct act_grant *grant = &limits->grants.ptr[i];
        if (grant->holder != holder || grant->until_ms != 0)
            limits->grants.ptr[kept++] = *grant;
    }
    limits->grants.len = kept;
}
