/* What is said of a run beside its plan and parameters: it outlives the process. */
#include "embed/live.h"

static const struct act_value *
get(const struct act_value *map, const char *key)
{
    return map ? act_value_get(map, act_str(key)) : NULL;
}

static struct act_str
name_of(struct act_str given)
{
    size_t len = 0;
    while (len < given.len && given.ptr[len] != '=')
        len++;
    return act_str_n(given.ptr, len);
}

static struct act_value *
merged_list(const struct act_str *given, uint32_t count, const struct act_value *before, bool named)
{
    struct act_value *list = act_value_list();
    for (uint32_t i = 0; before && i < act_value_len(before); i++) {
        struct act_str old = act_value_as_str(act_value_at(before, i));
        bool replaced = false;
        for (uint32_t k = 0; k < count; k++)
            replaced = replaced ||
                       act_str_eq(named ? name_of(given[k]) : given[k], named ? name_of(old) : old);
        if (!replaced)
            act_value_list_add(list, act_value_string(old));
    }
    for (uint32_t k = 0; k < count; k++)
        act_value_list_add(list, act_value_string(given[k]));
    return list;
}

struct act_value *
act_live_options(struct act_str folder, const struct act_live_given *given,
                 const struct act_value *before)
{
    struct act_value *map = act_value_map();
    const struct act_value *was = get(before, "clean_env");
    bool clean = was && act_value_type(was) == ACT_BOOL && act_value_as_bool(was);
    if (given->clean_env != ACT_CLEAN_ENV_UNSAID)
        clean = given->clean_env == ACT_CLEAN_ENV_YES;
    act_value_map_put(map, ACT_STR("folder"), act_value_string(folder));
    act_value_map_put(map, ACT_STR("clean_env"), act_value_bool(clean));
    if (given->no_cache)
        act_value_map_put(map, ACT_STR("no_cache"), act_value_bool(true));
    act_value_map_put(map, ACT_STR("env"),
                      merged_list(given->env, given->env_count, get(before, "env"), true));
    act_value_map_put(
        map, ACT_STR("secrets"),
        merged_list(given->secrets, given->secret_count, get(before, "secrets"), true));
    act_value_map_put(map, ACT_STR("events"),
                      merged_list(given->events, given->event_count, get(before, "events"), false));
    act_value_map_put(map, ACT_STR("event_headers"),
                      merged_list(given->event_headers, given->event_header_count,
                                  get(before, "event_headers"), false));
    act_value_map_put(map, ACT_STR("event_signs"),
                      merged_list(given->event_signs, given->event_sign_count,
                                  get(before, "event_signs"), false));
    return map;
}
