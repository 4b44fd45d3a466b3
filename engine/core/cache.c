/* `cache`: when an attempt begins the world is asked whether its end is there already. What is asked
 * is no part of the state; that something is asked, and what came of it, are. */
#include "engine/core/machine.h"

#define QUESTION ACT_STR("cache")

bool
act_cache_is_question(const struct act_value *question)
{
    return question != NULL && act_value_type(question) == ACT_MAP &&
           act_value_get(question, QUESTION) != NULL;
}

/* ---- what `cache` says ---- */

static bool
are_globs(const struct act_value *v)
{
    if (act_value_type(v) == ACT_STRING)
        return act_value_as_str(v).len > 0;
    if (act_value_type(v) != ACT_LIST || act_value_len(v) == 0)
        return false;
    for (uint32_t i = 0; i < act_value_len(v); i++) {
        if (act_value_type(act_value_at(v, i)) != ACT_STRING)
            return false;
    }
    return true;
}

static bool
refuse(struct act_run *run, struct act_instance *inst, const char *message, const char *hint)
{
    struct act_error err = {0};
    act_error_set(&err, ACT_ERR_EVAL, "%s", message);
    if (hint != NULL)
        act_error_hint(&err, "%s", hint);
    act_fail_at(run, inst, ACT_ATTR_CACHE, &err);
    return false;
}

static bool
is_known(struct act_run *run, struct act_instance *inst, const struct act_value *map)
{
    for (uint32_t i = 0; i < act_value_len(map); i++) {
        struct act_str key = act_value_key(map, i);
        const struct act_value *v = act_value_at(map, i);
        struct act_error err = {0};
        int64_t ms;
        if (act_str_is(key, "files") && !are_globs(v))
            return refuse(run, inst, "`files` must be a list of paths or globs, and not empty",
                          NULL);
        if (act_str_is(key, "max_age") && act_duration_from_value(v, &ms, &err) != ACT_OK)
            return refuse(run, inst, err.message, err.hint);
        if (!act_str_is(key, "files") && !act_str_is(key, "max_age") && !act_str_is(key, "key"))
            return refuse(run, inst, "it has `key`, `files` and `max_age`, nothing else", NULL);
    }
    return true;
}

/* False: inst has failed. */
static bool
is_wanted(struct act_run *run, struct act_instance *inst, const struct act_value *v, bool *ret)
{
    enum act_type type = v != NULL ? act_value_type(v) : ACT_NULL;
    *ret = type == ACT_MAP || (type == ACT_BOOL && act_value_as_bool(v));
    if (type == ACT_MAP)
        return is_known(run, inst, v);
    return type == ACT_BOOL || type == ACT_NULL ||
           refuse(run, inst, "it must be true, false or a mapping", NULL);
}

/* What a workflow is called with counts as it came out, as of a task: its expressions may ask, too. False: not
 * yet, or inst has failed. */
static bool
note_arguments(struct act_run *run, struct act_instance *inst, struct act_value *question)
{
    struct act_value *with = NULL;
    if (act_kind_of(run, inst) != ACT_KIND_WORKFLOW || !act_has(run, inst->node, ACT_ATTR_WITH))
        return true;
    if (!act_eval(run, inst, ACT_ATTR_WITH, &with))
        return false;
    act_value_map_put(question, ACT_STR("with"), with);
    return true;
}

bool
act_cache_passes(struct act_run *run, struct act_instance *inst)
{
    struct act_value *v = NULL;
    bool wanted = false;
    if (inst->cache_read || !act_has(run, inst->node, ACT_ATTR_CACHE))
        return true;
    if (!act_eval(run, inst, ACT_ATTR_CACHE, &v))
        return false;
    if (!is_wanted(run, inst, v, &wanted)) {
        act_value_release(v);
        return false;
    }
    if (!wanted) {
        inst->cache_read = true;
        act_value_release(v);
        return true;
    }
    struct act_value *question = act_value_map();
    act_value_map_put(question, QUESTION, v);
    if (!note_arguments(run, inst, question)) {
        act_value_release(question);
        return false;
    }
    act_value_set(&inst->question, question);
    inst->asking = (uint8_t)run->step;
    act_emit_question(run, inst);
    return false;
}

/* ---- the answer: {"hit": {"run", "node", "at"}, "result", "outputs", "found"}, or {"miss": why, "keep"};
 * found: artifacts, which are this run's own by now, as the answer about those has them (artifacts.c) ---- */

static void
reuse(struct act_run *run, struct act_instance *inst, const struct act_value *answer)
{
    const struct act_value *result = act_member(answer, ACT_STR("result"));
    const struct act_value *outputs = act_member(answer, ACT_STR("outputs"));
    const struct act_value *found = act_member(answer, ACT_STR("found"));
    bool left = found != NULL && act_value_type(found) == ACT_MAP;
    if (outputs != NULL && act_value_type(outputs) == ACT_MAP)
        act_value_set(&inst->outputs, act_value_retain(outputs));
    act_value_set(&inst->artifacts, left ? act_value_retain(found) : NULL);
    inst->outputs_read = true;
    act_value_set(&inst->origin, act_value_retain(act_member(answer, ACT_STR("hit"))));
    act_decide(run, inst, ACT_STATUS_SUCCEEDED, ACT_CAUSE_CACHE,
               result != NULL ? act_value_retain(result) : act_value_null(), NULL);
}

static bool
is_true(const struct act_value *v)
{
    return v != NULL && act_value_type(v) == ACT_BOOL && act_value_as_bool(v);
}

/* A host that cannot answer has nothing to reuse, and nothing is kept. */
void
act_cache_answered(struct act_run *run, struct act_instance *inst, const struct act_event *event)
{
    const struct act_value *answer = event->message.len == 0 ? event->value : NULL;
    const struct act_value *hit = act_member(answer, ACT_STR("hit"));
    act_value_set(&inst->question, NULL);
    inst->cache_read = true;
    inst->caches = is_true(act_member(answer, ACT_STR("keep")));
    inst->uncached = false;
    if (hit != NULL && act_value_type(hit) == ACT_MAP)
        reuse(run, inst, answer);
    else
        act_push(run, inst, ACT_STEP_START);
}

/* ---- what is kept ---- */

static struct act_value *
path_of(struct act_run *run, const struct act_instance *inst)
{
    struct act_buf path = {0};
    act_key_path(&path, run->plan, act_key_of(run, inst));
    struct act_value *v = act_value_string(act_buf_str(&path));
    act_buf_fini(&path);
    return v;
}

void
act_cache_keep(struct act_run *run, const struct act_instance *inst)
{
    struct act_effect *effect = inst->secretive ? NULL : act_emit(run, ACT_EFFECT_KEEP, inst);
    if (effect == NULL)
        return;
    struct act_value *end = act_value_map();
    act_value_map_put(end, ACT_STR("node"), path_of(run, inst));
    if (inst->result != NULL)
        act_value_map_put(end, ACT_STR("result"), act_value_retain(inst->result));
    if (inst->outputs != NULL)
        act_value_map_put(end, ACT_STR("outputs"), act_value_retain(inst->outputs));
    if (inst->artifacts != NULL)
        act_value_map_put(end, ACT_STR("found"), act_value_retain(inst->artifacts));
    effect->value = end;
}

void
act_cache_forget(struct act_run *run, const struct act_instance *inst,
                 const struct act_instance *owner)
{
    for (; inst != NULL && inst != owner; inst = act_parent(run, inst)) {
        /* A fork has not kept itself what it undoes of another run's. */
        bool kept = act_has(run, inst->node, ACT_ATTR_CACHE);
        struct act_effect *effect = kept ? act_emit(run, ACT_EFFECT_FORGET, inst) : NULL;
        if (effect != NULL)
            effect->name = path_of(run, inst);
    }
}

void
act_cache_taint(struct act_run *run, struct act_instance *inst)
{
    for (; inst != NULL; inst = act_parent(run, inst))
        inst->secretive = true;
}
