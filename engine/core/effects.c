/* Effects: what the host is asked to do. */
#include "engine/core/machine.h"

void
act_effects_clear(struct act_effects *effects)
{
    for (uint32_t i = 0; i < effects->list.len; i++) {
        act_value_release(effects->list.ptr[i].value);
        act_value_release(effects->list.ptr[i].name);
        act_value_release(effects->list.ptr[i].to);
    }
    act_vec_clear(&effects->list);
    act_buf_clear(&effects->log);
    effects->first_seq = 0;
    effects->event_count = 0;
    effects->gating = effects->sync = false;
}

void
act_effects_fini(struct act_effects *effects)
{
    act_effects_clear(effects);
    act_vec_fini(&effects->list);
    act_buf_fini(&effects->log);
}

/* Muted: since a replay or a suspension; what is owed then comes from act_run_reissue. */
static bool
is_muted(const struct act_run *run, enum act_effect_type type)
{
    if (run->replaying || (run->replayed && type == ACT_EFFECT_RELEASE))
        return true; /* who has just begun holds nothing */
    if (!run->muted)
        return false;
    return type == ACT_EFFECT_READY || type == ACT_EFFECT_UNREADY || type == ACT_EFFECT_TIMER ||
           type == ACT_EFFECT_CLEAR_TIMER || type == ACT_EFFECT_ACQUIRE ||
           type == ACT_EFFECT_QUESTION;
}

struct act_effect *
act_emit(struct act_run *run, enum act_effect_type type, const struct act_instance *inst)
{
    if (is_muted(run, type))
        return NULL;
    struct act_effect effect = {.type = type, .due_ms = -1};
    if (inst != NULL) {
        effect.inst = act_handle(inst);
        effect.priority = inst->priority;
    }
    act_vec_push(&run->effects->list, effect);
    return act_vec_last(&run->effects->list);
}

void
act_emit_timer(struct act_run *run, const struct act_instance *inst, uint32_t number,
               int64_t due_ms, int64_t delay_ms)
{
    struct act_effect *effect = act_emit(run, ACT_EFFECT_TIMER, inst);
    if (effect == NULL)
        return;
    effect->number = number;
    effect->due_ms = due_ms;
    effect->delay_ms = delay_ms;
}

void
act_emit_park_timer(struct act_run *run, const struct act_instance *inst, int64_t now_ns)
{
    int64_t left_ns = inst->latest_ns - now_ns;
    int64_t left_ms = left_ns > 0 ? (left_ns + 999999) / 1000000 : 0;
    act_emit_timer(run, inst, inst->park_timer, inst->due_ms, inst->latest_ns > 0 ? left_ms : -1);
}

void
act_emit_limits(struct act_run *run, const struct act_instance *inst, uint32_t held)
{
    struct act_effect *effect = act_emit(run, ACT_EFFECT_ACQUIRE, inst);
    if (effect == NULL)
        return;
    effect->number = held;
    effect->value = act_value_retain(act_plan_literal(run->plan, inst->node, ACT_ATTR_LIMITS));
}

static struct act_value *
attempt_name(struct act_run *run, const struct act_instance *inst)
{
    char hash[ACT_KEY_HASH_LEN + 1];
    struct act_buf text = {0};
    act_key_hash(act_key_of(run, inst), &run->scratch, hash);
    act_buf_printf(&text, "%s-%u", hash, (unsigned)inst->attempt);
    struct act_value *v = act_value_string(act_buf_str(&text));
    act_buf_fini(&text);
    return v;
}

void
act_emit_question(struct act_run *run, const struct act_instance *inst)
{
    struct act_effect *effect = act_emit(run, ACT_EFFECT_QUESTION, inst);
    if (effect == NULL)
        return;
    effect->value = act_cache_is_question(inst->question) ? act_cache_question(run, inst)
                                                          : act_value_retain(inst->question);
    effect->to = inst->dir != NULL ? act_value_retain(inst->dir) : act_value_cstring("");
    effect->name = attempt_name(run, inst);
    effect->number = inst->attempt;
}

const struct act_value *
act_run_question(const struct act_run *run, act_inst handle, uint32_t *ret_attempt)
{
    const struct act_instance *inst = act_slab_get(&run->slab, handle);
    if (inst == NULL || inst->asking == ACT_STEP_NONE)
        return NULL;
    *ret_attempt = inst->attempt;
    return inst->question;
}

bool
act_run_question_same(const struct act_value *a, const struct act_value *b)
{
    struct act_buf x = {0}, y = {0};
    if (act_cache_is_question(a) && act_cache_is_question(b))
        return true; /* an attempt asks once; what it says of it is made when it is emitted */
    act_json_write(&x, a, 0);
    act_json_write(&y, b, 0);
    bool same = act_str_eq(act_buf_str(&x), act_buf_str(&y));
    act_buf_fini(&x);
    act_buf_fini(&y);
    return same;
}
