/* Attributes with a type: durations, counts, switches; and what is inherited from around. */
#include "engine/core/machine.h"

void
act_duration_text(struct act_buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    if (ms <= 0)
        act_buf_add_cstr(out, "0s");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms >= units[i].ms)
            act_buf_printf(out, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
        ms %= units[i].ms;
    }
}

const char *
act_attr_key(enum act_attr attr)
{
    static const char *const keys[] = {
        [ACT_ATTR_GUARD] = "if",
        [ACT_ATTR_ARGS] = "args",
        [ACT_ATTR_WITH] = "with",
        [ACT_ATTR_ENV] = "env",
        [ACT_ATTR_DIR] = "dir",
        [ACT_ATTR_STDIN] = "stdin",
        [ACT_ATTR_ARTIFACTS] = "artifacts",
        [ACT_ATTR_OUTPUTS] = "outputs",
        [ACT_ATTR_TIMEOUT] = "timeout",
        [ACT_ATTR_GRACE] = "grace",
        [ACT_ATTR_RETRY_MAX] = "retry",
        [ACT_ATTR_RETRY_DELAY] = "retry.delay",
        [ACT_ATTR_RETRY_BACKOFF] = "retry.backoff",
        [ACT_ATTR_RETRY_MAX_DELAY] = "retry.max_delay",
        [ACT_ATTR_RETRY_JITTER] = "retry.jitter",
        [ACT_ATTR_FAIL_FAST] = "fail_fast",
        [ACT_ATTR_COLLECT] = "collect",
        [ACT_ATTR_QUORUM] = "quorum",
        [ACT_ATTR_PARALLEL] = "parallel",
        [ACT_ATTR_PRIORITY] = "priority",
        [ACT_ATTR_DELAY] = "delay",
        [ACT_ATTR_AT] = "at",
        [ACT_ATTR_MAX] = "max",
        [ACT_ATTR_MATRIX_AXES] = "matrix",
        [ACT_ATTR_MATRIX_INCLUDE] = "include",
        [ACT_ATTR_MATRIX_EXCLUDE] = "exclude",
        [ACT_ATTR_FRESH] = "fresh",
        [ACT_ATTR_TO] = "to",
        [ACT_ATTR_CACHE] = "cache",
    };
    bool known = (size_t)attr < sizeof(keys) / sizeof(keys[0]) && keys[attr] != NULL;
    return known ? keys[attr] : "";
}

void
act_fail_at(struct act_run *run, struct act_instance *inst, enum act_attr attr,
            const struct act_error *err)
{
    const char *key = act_attr_key(attr), *tick = key[0] != '\0' ? "`" : "";
    act_fail(run, inst, ACT_CAUSE_EXPRESSION, "%s%s%s%s%s%s", tick, key, key[0] ? "`: " : "",
             err->message[0] ? err->message : act_err_text(err->code), err->hint[0] ? "; " : "",
             err->hint);
}

bool
act_eval_duration(struct act_run *run, struct act_instance *inst, enum act_attr attr,
                  int64_t absent, int64_t *ret_ms)
{
    struct act_value *v = NULL;
    struct act_error err = {0};
    if (!act_eval(run, inst, attr, &v))
        return false;
    if (v == NULL || act_value_type(v) == ACT_NULL) {
        act_value_release(v);
        *ret_ms = absent;
        return true;
    }
    enum act_err code = act_duration_from_value(v, ret_ms, &err);
    act_value_release(v);
    if (code != ACT_OK)
        act_fail_at(run, inst, attr, &err);
    return code == ACT_OK;
}

bool
act_eval_count(struct act_run *run, struct act_instance *inst, enum act_attr attr, int64_t least,
               int64_t absent, int64_t *ret)
{
    struct act_value *v = NULL;
    int64_t n = absent;
    if (!act_eval(run, inst, attr, &v))
        return false;
    bool given = v != NULL && act_value_type(v) != ACT_NULL;
    bool ok = !given || (act_value_is_number(v) && act_value_to_int(v, &n) && n >= least);
    act_value_release(v);
    if (!ok) {
        struct act_error err = {0};
        act_error_set(&err, ACT_ERR_EVAL, "must be a whole number of at least %lld",
                      (long long)least);
        act_fail_at(run, inst, attr, &err);
        return false;
    }
    *ret = given ? n : absent;
    return true;
}

bool
act_eval_bool(struct act_run *run, struct act_instance *inst, enum act_attr attr, bool *ret)
{
    struct act_value *v = NULL;
    if (!act_eval(run, inst, attr, &v))
        return false;
    *ret = v != NULL && act_expr_truthy(v);
    act_value_release(v);
    return true;
}

static struct act_value *
as_text(const struct act_value *v)
{
    enum act_type type = act_value_type(v);
    return type == ACT_NULL || type == ACT_REF ? act_value_retain(v) : act_value_as_text(v);
}

static struct act_value *
lay_over(const struct act_value *base, const struct act_value *named, bool keep_nulls)
{
    struct act_value *all = act_value_map();
    for (uint32_t i = 0; i < act_value_len(base); i++) {
        struct act_str key = act_value_key(base, i);
        const struct act_value *own = act_value_get(named, key);
        if (own == NULL)
            act_value_map_put(all, key, act_value_retain(act_value_at(base, i)));
    }
    for (uint32_t i = 0; i < act_value_len(named); i++) {
        const struct act_value *v = act_value_at(named, i);
        if (keep_nulls || act_value_type(v) != ACT_NULL)
            act_value_map_put(all, act_value_key(named, i), as_text(v));
    }
    return all;
}

static bool
inherit_env(struct act_run *run, struct act_instance *inst)
{
    struct act_value *named = NULL;
    const struct act_instance *up = act_parent(run, inst);
    bool closed = act_node(run, inst->node)->flags & ACT_NODE_CLOSED;
    const struct act_value *base = up == NULL || closed ? run->env : up->env;
    act_value_set(&inst->env, act_value_retain(base));
    if (!act_has(run, inst->node, ACT_ATTR_ENV))
        return true;
    if (!act_eval(run, inst, ACT_ATTR_ENV, &named))
        return false;
    if (act_value_type(named) != ACT_MAP) {
        act_value_release(named);
        act_fail(run, inst, ACT_CAUSE_EXPRESSION, "`env` must be a mapping of names to texts");
        return false;
    }
    struct act_value *pair = act_value_list();
    act_value_list_add(pair, lay_over(act_value_at(inst->env, 0), named, true));
    act_value_list_add(pair, lay_over(act_value_at(inst->env, 1), named, false));
    act_value_release(named);
    act_value_set(&inst->env, pair);
    return true;
}

static struct act_str
folder_of(const struct act_run *run, const struct act_instance *inst)
{
    for (const struct act_instance *at = inst; at != NULL; at = act_parent(run, at)) {
        const struct act_value *folder = NULL;
        if (act_has(run, at->node, ACT_ATTR_FOLDER))
            folder = act_plan_literal(run->plan, at->node, ACT_ATTR_FOLDER);
        if (folder != NULL && act_value_type(folder) == ACT_STRING)
            return act_value_as_str(folder);
    }
    return ACT_STR("");
}

static bool
inherit_dir(struct act_run *run, struct act_instance *inst)
{
    struct act_value *dir = NULL;
    if (!act_has(run, inst->node, ACT_ATTR_DIR))
        return true;
    if (!act_eval(run, inst, ACT_ATTR_DIR, &dir))
        return false;
    struct act_buf text = {0};
    act_value_text(&text, dir);
    act_value_release(dir);
    struct act_str folder = folder_of(run, inst);
    bool absolute = text.len > 0 && text.ptr[0] == '/';
    struct act_buf path = {0};
    if (!absolute && folder.len > 0) {
        act_buf_add_str(&path, folder);
        if (text.len > 0)
            act_buf_add_byte(&path, '/');
    }
    act_buf_add_str(&path, act_buf_str(&text));
    act_value_set(&inst->dir, act_value_string(act_buf_str(&path)));
    act_buf_fini(&text);
    act_buf_fini(&path);
    return true;
}

bool
act_inherit(struct act_run *run, struct act_instance *inst)
{
    const struct act_instance *up = act_parent(run, inst);
    int64_t priority = up != NULL ? up->priority : 0;
    if (!inherit_env(run, inst) || !inherit_dir(run, inst) ||
        !act_eval_count(run, inst, ACT_ATTR_PRIORITY, INT32_MIN, priority, &priority))
        return false;
    inst->priority = priority > INT32_MAX ? INT32_MAX : (int32_t)priority;
    return true;
}
