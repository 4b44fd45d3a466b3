#include "dsl/plan_actor.h"

static bool
text_of(const struct act_value *map, const char *key, struct act_str *ret)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    *ret = (struct act_str){0};
    if (!v || act_value_type(v) != ACT_STRING)
        return false;
    *ret = act_value_as_str(v);
    return true;
}

static bool
number_of(const struct act_value *map, const char *key, int64_t least, int64_t *ret)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    if (!v || act_value_type(v) != ACT_INT)
        return false;
    *ret = act_value_as_int(v);
    return *ret >= least;
}

bool
act_plan_actor_read(const struct act_value *literal, struct act_plan_actor *ret)
{
    struct act_str scope, plugin;
    int64_t checkpoint;
    if (!literal || act_value_type(literal) != ACT_MAP)
        return false;
    (void)text_of(literal, "file", &ret->file);
    (void)text_of(literal, "folder", &ret->folder);
    ret->python = text_of(literal, "python", &ret->target);
    bool other = text_of(literal, "plugin", &plugin);
    if (other)
        ret->target = plugin;
    bool ok = ret->python != other && text_of(literal, "name", &ret->name) &&
              text_of(literal, "scope", &scope) &&
              number_of(literal, "checkpoint", 1, &checkpoint) && checkpoint <= INT32_MAX &&
              number_of(literal, "idle_ms", 0, &ret->idle_ms);
    if (!ok)
        return false;
    ret->global = act_str_is(scope, "global");
    ret->checkpoint = (uint32_t)checkpoint;
    return ret->name.len > 0 && act_str_find(ret->target, ACT_STR(":")) > 0;
}

bool
act_plan_actor(const struct act_plan *plan, uint32_t node, struct act_plan_actor *ret)
{
    return act_plan_actor_read(act_plan_literal(plan, node, ACT_ATTR_ACTOR), ret);
}
