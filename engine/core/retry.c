/* When another attempt follows, and after how long: delay · backoff^n up to max_delay, shortened by
 * a jitter that is a hash of the run's seed, the instance and the attempt. */
#include "engine/core/machine.h"

#define DELAY_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

static bool
is_pattern(struct act_str s)
{
    return s.len >= 2 && s.ptr[0] == '/' && s.ptr[s.len - 1] == '/';
}

static bool
matches_one(struct act_run *run, const struct act_instance *inst, const struct act_value *when)
{
    int64_t code;
    if (act_value_is_number(when))
        return act_value_to_int(when, &code) && inst->exit_code >= 0 && code == inst->exit_code;
    if (act_value_type(when) != ACT_STRING)
        return false;
    struct act_str text = act_value_as_str(when);
    const struct act_value *field =
        act_member(inst->error, is_pattern(text) ? ACT_STR("message") : ACT_STR("cause"));
    if (field == NULL)
        return false;
    struct act_buf have = {0};
    bool match = false;
    act_value_text(&have, field);
    if (!is_pattern(text))
        match = act_str_eq(text, act_buf_str(&have));
    else if (act_pattern_matches(run->patterns, act_str_n(text.ptr + 1, text.len - 2),
                                 act_buf_str(&have), &match, NULL) != ACT_OK)
        match = false;
    act_buf_fini(&have);
    return match;
}

static bool
is_meant(struct act_run *run, const struct act_instance *inst)
{
    if (!act_has(run, inst->node, ACT_ATTR_RETRY_WHEN))
        return inst->cause != ACT_CAUSE_LOST; /* it may still have had its effect */
    const struct act_value *when = act_plan_literal(run->plan, inst->node, ACT_ATTR_RETRY_WHEN);
    for (uint32_t i = 0; i < act_value_len(when); i++) {
        if (matches_one(run, inst, act_value_at(when, i)))
            return true;
    }
    return act_value_len(when) == 0;
}

/* In [0, 1), the same in every replay. */
static double
chance(struct act_run *run, const struct act_instance *inst)
{
    struct act_buf bytes = {0};
    act_key_encode(&bytes, act_key_of(run, inst));
    uint64_t h = act_str_hash(act_buf_str(&bytes)) ^ run->seed;
    act_buf_fini(&bytes);
    h += (uint64_t)inst->attempt * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((h ^ (h >> 31)) >> 11) / 9007199254740992.0;
}

static double
number_of(struct act_value *v, double absent)
{
    double d = absent;
    if (v != NULL && act_value_is_number(v))
        d = act_value_as_real(v);
    else if (v != NULL && act_value_type(v) == ACT_BOOL)
        d = act_value_as_bool(v) ? 1 : 0;
    act_value_release(v);
    return d;
}

/* The attributes are evaluated while the verdict is put aside; a mistake in them is the new verdict
 * and ends the retries. */
static bool
delay_of(struct act_run *run, struct act_instance *inst, int64_t *ret_ms)
{
    int64_t first, most;
    struct act_value *backoff = NULL, *jitter = NULL;
    if (!act_eval_duration(run, inst, ACT_ATTR_RETRY_DELAY, 0, &first) ||
        !act_eval_duration(run, inst, ACT_ATTR_RETRY_MAX_DELAY, DELAY_MAX_MS, &most) ||
        !act_eval(run, inst, ACT_ATTR_RETRY_BACKOFF, &backoff))
        return false;
    double factor = number_of(backoff, 1), delay = (double)first;
    if (!act_eval(run, inst, ACT_ATTR_RETRY_JITTER, &jitter))
        return false;
    double share = number_of(jitter, 0);
    for (uint32_t i = 0; i < inst->tries && delay < (double)most && factor > 1; i++)
        delay *= factor;
    if (delay > (double)most)
        delay = (double)most;
    if (share > 0)
        delay *= 1 - (share < 1 ? share : 1) * chance(run, inst);
    *ret_ms = delay > (double)DELAY_MAX_MS ? DELAY_MAX_MS : (int64_t)delay;
    return true;
}

bool
act_retry_wanted(struct act_run *run, struct act_instance *inst, int64_t *ret_delay_ms)
{
    int64_t most = 0;
    if (!act_has(run, inst->node, ACT_ATTR_RETRY_MAX) || !is_meant(run, inst))
        return false;
    inst->decided = false;
    bool ok = act_eval_count(run, inst, ACT_ATTR_RETRY_MAX, 0, 0, &most) &&
              (int64_t)inst->tries < most && delay_of(run, inst, ret_delay_ms);
    inst->decided = true;
    inst->asking = ACT_STEP_NONE;
    return ok;
}
