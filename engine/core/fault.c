/* Error mappings: {node, cause, message, type, exit_code, attempt, causes} and what `fail` gave. */
#include "engine/core/machine.h"

static void
put(struct act_value *map, const char *key, struct act_value *v)
{
    act_value_map_put(map, act_str(key), v);
}

struct act_str
act_name_of(struct act_run *run, const struct act_instance *inst, struct act_buf *out)
{
    uint32_t id = act_node(run, inst->node)->id;
    if (id != ACT_NODE_NONE)
        return act_plan_text(run->plan, id);
    act_buf_clear(out);
    act_key_path(out, run->plan, act_key_of(run, inst));
    return out->len > 0 ? act_buf_str(out) : act_plan_text(run->plan, run->plan->name);
}

/* How LANGUAGE spells a cause; what could not be started ended like a shell's 127 or 126. */
static const char *
spell(enum act_cause cause)
{
    if (cause == ACT_CAUSE_START)
        return act_cause_text(ACT_CAUSE_EXIT);
    if (cause == ACT_CAUSE_RACE || cause == ACT_CAUSE_RETURN)
        return act_cause_text(ACT_CAUSE_CANCELLED);
    return act_cause_text(cause);
}

static struct act_value *
fault(struct act_run *run, const struct act_instance *inst, enum act_cause cause,
      struct act_value *message, struct act_value *causes)
{
    struct act_value *map = act_value_map();
    put(map, "node", act_value_string(act_name_of(run, inst, &run->scratch)));
    put(map, "cause", act_value_cstring(spell(cause)));
    put(map, "message", message);
    put(map, "type", act_value_null());
    bool exited = inst->exit_code >= 0 && cause != ACT_CAUSE_MEMBERS;
    put(map, "exit_code", exited ? act_value_int(inst->exit_code) : act_value_null());
    put(map, "attempt", act_value_int(inst->attempt));
    put(map, "causes", causes);
    return map;
}

struct act_value *
act_fault(struct act_run *run, const struct act_instance *inst, enum act_cause cause,
          struct act_str message)
{
    return fault(run, inst, cause, act_value_string(message), act_value_list());
}

/* The error names every failed member that is not tolerated, in the order written. */
struct act_value *
act_fault_members(struct act_run *run, const struct act_instance *inst)
{
    struct act_value *causes = act_value_list();
    struct act_buf text = {0};
    uint32_t total = inst->inside->total, failed = 0;
    for (uint32_t i = 0; i < total; i++) {
        enum act_status status;
        const struct act_value *error;
        act_value_release(act_member_result(run, inst, i, &status, &error));
        const struct act_instance *child = act_child(run, inst, i);
        if (status != ACT_STATUS_FAILED || child == NULL || child->tolerated)
            continue; /* what failed for good is not freed */
        const struct act_value *node = act_member(error, ACT_STR("node"));
        if (failed++ > 0)
            act_buf_add_cstr(&text, ", ");
        if (node != NULL)
            act_value_text(&text, node);
        act_value_list_add(causes, error != NULL ? act_value_retain(error) : act_value_null());
    }
    struct act_buf message = {0};
    if (failed == 0)
        act_buf_printf(&message, "too few of %u members succeeded", total);
    else
        act_buf_printf(&message, "%u of %u member%s failed: %.*s", failed, total,
                       total == 1 ? "" : "s", ACT_STR_ARG(act_buf_str(&text)));
    struct act_value *v =
        fault(run, inst, ACT_CAUSE_MEMBERS, act_value_string(act_buf_str(&message)), causes);
    act_buf_fini(&text);
    act_buf_fini(&message);
    return v;
}

static bool
is_own(struct act_str key)
{
    return act_str_is(key, "node") || act_str_is(key, "cause") || act_str_is(key, "attempt") ||
           act_str_is(key, "causes");
}

struct act_value *
act_fault_detailed(struct act_run *run, const struct act_instance *inst, enum act_cause cause,
                   struct act_str message, const struct act_value *details)
{
    struct act_value *v = act_fault(run, inst, cause, message);
    for (uint32_t i = 0; act_value_type(details) == ACT_MAP && i < act_value_len(details); i++) {
        struct act_str key = act_value_key(details, i);
        if (!is_own(key) && !act_str_is(key, "message") && !act_str_is(key, "exit_code"))
            act_value_map_put(v, key, act_value_retain(act_value_at(details, i)));
    }
    return v;
}

struct act_value *
act_fault_given(struct act_run *run, const struct act_instance *inst, const struct act_value *given)
{
    if (act_value_type(given) != ACT_MAP)
        return fault(run, inst, ACT_CAUSE_FAIL, act_value_as_text(given), act_value_list());
    struct act_value *v = act_fault(run, inst, ACT_CAUSE_FAIL, ACT_STR(""));
    for (uint32_t i = 0; i < act_value_len(given); i++) {
        struct act_str key = act_value_key(given, i);
        if (act_str_is(key, "message"))
            put(v, "message", act_value_as_text(act_value_at(given, i)));
        else if (!is_own(key))
            act_value_map_put(v, key, act_value_retain(act_value_at(given, i)));
    }
    return v;
}
