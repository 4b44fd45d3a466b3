#include "dsl/plan_attr_text.h"

#include <ctype.h>

struct naming {
    enum act_attr attr;
    const char *name; /* NULL: the key of the node's kind; "": not told */
    bool duration;
};
static const struct naming namings[] = {
    {ACT_ATTR_SUBJECT, NULL, false},
    {ACT_ATTR_GUARD, "if", false},
    {ACT_ATTR_SCRIPT, "run", false},
    {ACT_ATTR_BINDINGS, "", false}, /* stand in the script */
    {ACT_ATTR_TIMEOUT, "timeout", true},
    {ACT_ATTR_GRACE, "grace", true},
    {ACT_ATTR_DELAY, "delay", true},
    {ACT_ATTR_RETRY_MAX, "retry.max", false},
    {ACT_ATTR_RETRY_DELAY, "retry.delay", true},
    {ACT_ATTR_RETRY_BACKOFF, "retry.backoff", false},
    {ACT_ATTR_RETRY_MAX_DELAY, "retry.max_delay", true},
    {ACT_ATTR_RETRY_JITTER, "retry.jitter", false},
    {ACT_ATTR_RETRY_WHEN, "retry.when", false},
    {ACT_ATTR_MATRIX_AXES, "matrix", false},
    {ACT_ATTR_MATRIX_INCLUDE, "matrix.include", false},
    {ACT_ATTR_MATRIX_EXCLUDE, "matrix.exclude", false},
    {ACT_ATTR_SIGNAL_NAME, NULL, false},
    {ACT_ATTR_TARGET, "", false}, /* an index; its name says which */
    {ACT_ATTR_TARGET_NAME, NULL, false},
    {ACT_ATTR_CASES, "", false}, /* what the children are called */
    {ACT_ATTR_UNSUPPORTED, "", false},
    {ACT_ATTR_ACTOR_WITH, "actor.with", false},
};

struct teller {
    const struct act_plan *plan;
    uint32_t node;
    struct act_arena *arena;
    struct act_attr_texts *ret;
};

static void
tell(struct teller *t, struct act_str name, struct act_str member, const struct act_buf *value)
{
    struct act_attr_text one = {
        .name = member.ptr ? act_arena_printf(t->arena, "%.*s.%.*s", ACT_STR_ARG(name),
                                              ACT_STR_ARG(member))
                           : name,
        .value = act_arena_str(t->arena, act_buf_str(value)),
    };
    act_vec_push(t->ret, one);
}

/* The largest units first, as one writes them. */
static void
add_duration(struct act_buf *out, int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    if (ms == 0)
        act_buf_add_cstr(out, "0s");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms >= units[i].ms)
            act_buf_printf(out, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
        ms %= units[i].ms;
    }
}

static void
add_value(struct act_buf *out, const struct act_value *v, bool duration)
{
    if (act_value_type(v) == ACT_STRING)
        act_buf_add_str(out, act_value_as_str(v));
    else if (duration && act_value_type(v) == ACT_INT && act_value_as_int(v) >= 0)
        add_duration(out, act_value_as_int(v));
    else
        act_json_write(out, v, 0);
}

/* A text in quotes as YAML has it, without them. */
static void
add_unquoted(struct act_buf *out, struct act_str yaml)
{
    struct act_value *v = NULL;
    if (yaml.len > 0 && yaml.ptr[0] == '"' && act_json_parse(yaml, 1, &v, NULL) == ACT_OK &&
        act_value_type(v) == ACT_STRING)
        act_buf_add_str(out, act_value_as_str(v));
    else
        act_buf_add_str(out, yaml);
    act_value_release(v);
}

static void
add_expr(struct act_buf *out, const struct act_plan *plan, uint32_t id, bool duration)
{
    const struct act_expr_node *e = &plan->exprs.nodes.ptr[id];
    struct act_buf yaml = {0};
    if (e->op == ACT_OP_LITERAL) {
        add_value(out, plan->exprs.literals.ptr[e->a], duration);
        return;
    }
    act_expr_print_yaml(&yaml, &plan->exprs, (struct act_expr_id){id}, act_plan_expr_name, plan);
    add_unquoted(out, act_buf_str(&yaml));
    act_buf_fini(&yaml);
}

/* ---- the script ---- */

/* Is this the variable `name`, as `$name` or `${name}`? How long is it? */
static size_t
reference(struct act_str at, struct act_str name)
{
    bool braced = at.len > 1 && at.ptr[1] == '{';
    size_t head = braced ? 2 : 1, whole = head + name.len;
    if (at.len < whole || at.ptr[0] != '$' || memcmp(at.ptr + head, name.ptr, name.len) != 0)
        return 0;
    char after = at.len > whole ? at.ptr[whole] : '\0';
    if (braced)
        return after == '}' ? whole + 1 : 0;
    return isalnum((unsigned char)after) || after == '_' ? 0 : whole;
}

/* The `${{ }}` that a variable at this place stands for; 0: there is none. */
static size_t
add_binding(struct act_buf *out, const struct act_plan *plan, struct act_str at,
            struct act_expr_id bindings)
{
    const struct act_expr_pool *pool = &plan->exprs;
    const struct act_expr_node *map = &pool->nodes.ptr[bindings.v];
    for (uint32_t i = 0; map->op == ACT_OP_MAP && i + 1 < map->argc; i += 2) {
        const struct act_expr_node *key = &pool->nodes.ptr[pool->args.ptr[map->first + i]];
        size_t len = reference(at, act_value_as_str(pool->literals.ptr[key->a]));
        if (len == 0)
            continue;
        act_buf_add_cstr(out, "${{ ");
        act_expr_print(out, pool, (struct act_expr_id){pool->args.ptr[map->first + i + 1]},
                       act_plan_expr_name, plan);
        act_buf_add_cstr(out, " }}");
        return len;
    }
    return 0;
}

static void
add_script(struct act_buf *out, const struct act_plan *plan, uint32_t node, struct act_str script)
{
    struct act_expr_id bindings = act_plan_expr(plan, node, ACT_ATTR_BINDINGS);
    for (size_t i = 0; i < script.len;) {
        struct act_str rest = {script.ptr + i, script.len - i};
        size_t len = script.ptr[i] == '$' && bindings.v != ACT_EXPR_NONE
                         ? add_binding(out, plan, rest, bindings)
                         : 0;
        if (len == 0)
            act_buf_add_byte(out, script.ptr[i]);
        i += len > 0 ? len : 1;
    }
}

/* ---- one attribute ---- */

static void
add_number(struct act_buf *out, const struct act_plan_attr *attr)
{
    static const char *const outputs[] = {"text", "json", "lines", "none"};
    if (attr->key == ACT_ATTR_OUTPUT)
        act_buf_add_cstr(out, outputs[attr->value & 3]);
    else if (attr->key == ACT_ATTR_ISOLATION)
        act_buf_add_cstr(out, attr->value ? "thread" : "process");
    else if (attr->key == ACT_ATTR_ON_ERROR)
        act_buf_add_cstr(out, attr->value ? "continue" : "fail");
    else
        act_buf_add_cstr(out, attr->value ? "true" : "false");
}

static void
tell_map(struct teller *t, struct act_str name, const struct act_value *map)
{
    struct act_buf text = {0};
    for (uint32_t i = 0; i < act_value_len(map); i++) {
        act_buf_clear(&text);
        add_value(&text, act_value_at(map, i), false);
        tell(t, name, act_value_key(map, i), &text);
    }
    act_buf_fini(&text);
}

static void
tell_expr(struct teller *t, struct act_str name, uint32_t id, bool duration)
{
    const struct act_expr_pool *pool = &t->plan->exprs;
    const struct act_expr_node *e = &pool->nodes.ptr[id];
    struct act_buf text = {0};
    bool members = !act_str_is(name, act_kind_key((enum act_kind)t->plan->nodes.ptr[t->node].kind));
    if (members && e->op == ACT_OP_LITERAL && act_value_type(pool->literals.ptr[e->a]) == ACT_MAP) {
        tell_map(t, name, pool->literals.ptr[e->a]);
        return;
    }
    for (uint32_t i = 0; members && e->op == ACT_OP_MAP && i + 1 < e->argc; i += 2) {
        const struct act_expr_node *key = &pool->nodes.ptr[pool->args.ptr[e->first + i]];
        act_buf_clear(&text);
        add_expr(&text, t->plan, pool->args.ptr[e->first + i + 1], false);
        tell(t, name, act_value_as_str(pool->literals.ptr[key->a]), &text);
    }
    if (!members || e->op != ACT_OP_MAP) {
        add_expr(&text, t->plan, id, duration);
        tell(t, name, (struct act_str){0}, &text);
    }
    act_buf_fini(&text);
}

static void
tell_literal(struct teller *t, struct act_str name, const struct act_plan_attr *attr)
{
    const struct act_value *v = t->plan->exprs.literals.ptr[attr->value];
    struct act_buf text = {0};
    if (act_value_type(v) == ACT_MAP && act_value_len(v) > 0) {
        tell_map(t, name, v);
        return;
    }
    if (attr->key == ACT_ATTR_SCRIPT) {
        add_script(&text, t->plan, t->node, act_value_as_str(v));
    } else if (attr->key == ACT_ATTR_CANCEL_TARGETS) {
        for (uint32_t i = 0; i < act_value_len(v); i++) {
            act_buf_add_cstr(&text, i ? ", " : "");
            act_buf_add_str(&text,
                            act_plan_expr_name(t->plan, ACT_CTX_NODE,
                                               (uint32_t)act_value_as_int(act_value_at(v, i))));
        }
    } else {
        add_value(&text, v, false);
    }
    tell(t, name, (struct act_str){0}, &text);
    act_buf_fini(&text);
}

/* The name in lower case, where no row says else. */
static struct act_str
default_name(struct act_arena *arena, uint32_t key)
{
    struct act_buf name = {0};
    for (const char *c = act_attr_info(key)->name; *c; c++)
        act_buf_add_byte(&name, (char)tolower((unsigned char)*c));
    struct act_str kept = act_arena_str(arena, act_buf_str(&name));
    act_buf_fini(&name);
    return kept;
}

static void
tell_attr(struct teller *t, const struct act_plan_attr *attr)
{
    const struct act_plan_node *n = &t->plan->nodes.ptr[t->node];
    const struct naming *naming = NULL;
    for (size_t i = 0; !naming && i < sizeof(namings) / sizeof(namings[0]); i++)
        naming = (uint32_t)namings[i].attr == attr->key ? &namings[i] : NULL;
    if (naming && naming->name && !*naming->name)
        return;
    const char *kind = act_kind_key((enum act_kind)n->kind);
    struct act_str name =
        !naming ? default_name(t->arena, attr->key) : act_str(naming->name ? naming->name : kind);
    bool duration = naming && (naming->duration ||
                               (n->kind == ACT_KIND_SLEEP && attr->key == ACT_ATTR_SUBJECT));
    struct act_buf text = {0};
    switch (act_attr_info(attr->key)->type) {
    case ACT_ATTR_TYPE_EXPR: tell_expr(t, name, attr->value, duration); break;
    case ACT_ATTR_TYPE_LIT: tell_literal(t, name, attr); break;
    case ACT_ATTR_TYPE_NUM:
        add_number(&text, attr);
        tell(t, name, (struct act_str){0}, &text);
        break;
    case ACT_ATTR_TYPE_NODE: break;
    }
    act_buf_fini(&text);
}

static void
tell_needs(struct teller *t)
{
    static const char *const ends[] = {"succeeded", "failed", "skipped", "cancelled"};
    const struct act_plan_node *n = &t->plan->nodes.ptr[t->node];
    struct act_buf text = {0};
    for (uint32_t k = 0; k < n->need_count; k++) {
        const struct act_plan_need *need = &t->plan->needs.ptr[n->first_need + k];
        act_buf_add_cstr(&text, k ? ", " : "");
        act_buf_add_str(&text, act_plan_expr_name(t->plan, ACT_CTX_NODE, need->node));
        if (need->plain)
            continue;
        const char *before = ": ";
        for (unsigned i = 0; i < 4; i++) {
            if (need->ends & (1u << i)) {
                act_buf_printf(&text, "%s%s", before, ends[i]);
                before = " or ";
            }
        }
    }
    if (n->need_count > 0)
        tell(t, ACT_STR("needs"), (struct act_str){0}, &text);
    act_buf_fini(&text);
}

void
act_plan_attr_texts(const struct act_plan *plan, uint32_t node, struct act_arena *arena,
                    struct act_attr_texts *ret)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    struct teller t = {plan, node, arena, ret};
    tell_needs(&t);
    for (uint32_t k = 0; k < n->attr_count; k++)
        tell_attr(&t, &plan->attrs.ptr[n->first_attr + k]);
}

void
act_plan_top_texts(const struct act_plan *plan, struct act_arena *arena, struct act_attr_texts *ret)
{
    struct teller t = {plan, 0, arena, ret};
    struct act_value *const *literals = plan->exprs.literals.ptr;
    struct act_buf text = {0};
    act_buf_add_str(&text, act_plan_text(plan, plan->name));
    tell(&t, ACT_STR("workflow"), (struct act_str){0}, &text);
    act_buf_clear(&text);
    tell_map(&t, ACT_STR("params"), literals[plan->params]);
    if (act_value_len(literals[plan->secrets]) > 0) {
        add_value(&text, literals[plan->secrets], false);
        tell(&t, ACT_STR("secrets"), (struct act_str){0}, &text);
    }
    tell_map(&t, ACT_STR("labels"), literals[plan->labels]);
    act_buf_fini(&text);
}
