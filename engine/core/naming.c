#include "engine/core/naming.h"

void
act_naming_init(struct act_naming *naming, const struct act_plan *plan, struct act_str name)
{
    *naming = (struct act_naming){.plan = plan, .name = name};
}

/* From a step of the path on. */
static bool
is_ending(struct act_str path, struct act_str name)
{
    return name.len > 0 && path.len > name.len && act_str_ends(path, name) &&
           (name.ptr[0] == '[' || path.ptr[path.len - name.len - 1] == '.');
}

static bool
has_id(const struct act_plan *plan, uint32_t node, struct act_str name)
{
    uint32_t id = node < plan->nodes.len ? plan->nodes.ptr[node].id : ACT_NODE_NONE;
    return name.len > 0 && id != ACT_NODE_NONE && act_str_eq(act_plan_text(plan, id), name);
}

bool
act_naming_fits(const struct act_naming *naming, struct act_key key, struct act_str path,
                enum act_fit how)
{
    switch (how) {
    case ACT_FIT_ID: return has_id(naming->plan, key.node, naming->name);
    case ACT_FIT_PATH: return act_str_eq(path, naming->name);
    case ACT_FIT_WORKFLOW:
        return key.node == 0 && key.count == 0 &&
               act_str_eq(act_plan_text(naming->plan, naming->plan->name), naming->name);
    case ACT_FIT_ENDING: return is_ending(path, naming->name);
    case ACT_FIT_NONE: break;
    }
    return false;
}

void
act_naming_look(struct act_naming *naming, struct act_key key, struct act_str path, uint32_t index)
{
    for (enum act_fit how = ACT_FIT_ID; how < ACT_FIT_NONE; how++) {
        if (!act_naming_fits(naming, key, path, how))
            continue;
        naming->found[how] = index;
        naming->count[how]++;
    }
}

static bool
is_planned(const struct act_plan *plan, struct act_str name)
{
    bool found = false;
    for (uint32_t i = 0; i < plan->nodes.len && !found; i++) {
        struct act_buf path = {0};
        act_plan_path(&path, plan, i);
        found = act_str_eq(act_buf_str(&path), name) || has_id(plan, i, name);
        act_buf_fini(&path);
    }
    return found;
}

enum act_fit
act_naming_meant(const struct act_naming *naming)
{
    if (naming->count[ACT_FIT_PATH] > 0 && naming->count[ACT_FIT_ID] != 1)
        return ACT_FIT_PATH; /* of several with that id, the one that is reached by it */
    if (naming->count[ACT_FIT_ID] > 0)
        return ACT_FIT_ID;
    bool loosely = naming->count[ACT_FIT_WORKFLOW] + naming->count[ACT_FIT_ENDING] > 0;
    if (!loosely || is_planned(naming->plan, naming->name))
        return ACT_FIT_NONE;
    return naming->count[ACT_FIT_WORKFLOW] > 0 ? ACT_FIT_WORKFLOW : ACT_FIT_ENDING;
}
