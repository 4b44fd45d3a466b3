#include "cli/explain_trace.h"

#include "cli/label.h"
#include "cli/term.h"

#define PARTS_MAX 20u

static struct act_str
expr_text(struct act_explain_trace *t, struct act_expr_id expr)
{
    struct act_buf text = {0};
    act_expr_print(&text, &t->plan->exprs, expr, act_plan_expr_name, t->plan);
    struct act_str kept = act_arena_str(&t->arena, act_buf_str(&text));
    act_buf_fini(&text);
    return kept;
}

static struct act_str
label_of(struct act_explain_trace *t, struct act_key key)
{
    struct act_buf text = {0};
    act_label_add(&text, t->plan, key);
    struct act_str kept = act_arena_str(&t->arena, act_buf_str(&text));
    act_buf_fini(&text);
    return kept;
}

/* Is this instance the target, or around it? */
static bool
is_about(const struct act_explain_trace *t, struct act_key key)
{
    if (key.count > t->target.count)
        return false;
    for (uint32_t i = 0; i < key.count; i++)
        if (key.numbers[i] != t->target.numbers[i])
            return false;
    uint32_t node = t->target.node, calls = t->target.count;
    while (node != key.node) {
        uint32_t up = t->plan->nodes.ptr[node].parent;
        if (up == ACT_NODE_NONE) { /* the box was called: the caller's node is one of the numbers */
            if (calls == 0)
                return false;
            up = t->target.numbers[--calls];
            if (up >= t->plan->nodes.len)
                return false;
        }
        node = up;
    }
    return true;
}

/* A context with its members: what stands for one value that came from somewhere. */
static bool
is_path(const struct act_plan *plan, uint32_t id, uint32_t *ret_context)
{
    const struct act_expr_pool *pool = &plan->exprs;
    while (pool->nodes.ptr[id].op == ACT_OP_MEMBER || pool->nodes.ptr[id].op == ACT_OP_INDEX ||
           pool->nodes.ptr[id].op == ACT_OP_FILTER)
        id = pool->args.ptr[pool->nodes.ptr[id].first];
    *ret_context = id;
    return pool->nodes.ptr[id].op == ACT_OP_CONTEXT || pool->nodes.ptr[id].op == ACT_OP_CALLER;
}

static struct act_str
context_node(struct act_explain_trace *t, uint32_t id)
{
    const struct act_expr_node *e = &t->plan->exprs.nodes.ptr[id];
    bool node =
        e->op == ACT_OP_CONTEXT && ((e->aux >= ACT_CTX_NODE && e->aux <= ACT_CTX_NODE_ERROR) ||
                                    e->aux == ACT_CTX_NODE_ARTIFACTS);
    return node ? act_plan_expr_name(t->plan, (enum act_ctx)e->aux, e->a) : ACT_STR("");
}

static void
add_part(struct act_explain_trace *t, uint32_t id, uint32_t context, const struct act_expr_env *env)
{
    const struct act_expr_node *e = &t->plan->exprs.nodes.ptr[context];
    struct act_value *value = NULL;
    bool secret = e->op == ACT_OP_CONTEXT && e->aux == ACT_CTX_SECRET;
    if (secret || act_expr_eval(&t->plan->exprs, (struct act_expr_id){id}, env, &value, NULL))
        return;
    struct act_because part = {
        .expr = expr_text(t, (struct act_expr_id){id}),
        .value = value,
        .node = context_node(t, context),
    };
    act_vec_push(&t->list, part);
}

/* The values that an expression is made of. */
static void
add_parts(struct act_explain_trace *t, struct act_expr_id expr, const struct act_expr_env *env)
{
    const struct act_expr_pool *pool = &t->plan->exprs;
    ACT_VEC(uint32_t) left = {0};
    uint32_t parts = 0, context;
    act_vec_push(&left, expr.v);
    while (left.len > 0 && parts < PARTS_MAX) {
        uint32_t id = act_vec_pop(&left);
        if (is_path(t->plan, id, &context)) {
            parts++;
            if (id != expr.v) /* the whole expression has its line already */
                add_part(t, id, context, env);
            continue;
        }
        const struct act_expr_node *e = &pool->nodes.ptr[id];
        for (uint32_t i = e->argc; i-- > 0;)
            act_vec_push(&left, pool->args.ptr[e->first + i]);
    }
    act_vec_fini(&left);
}

/* The last decision of a node about an attribute counts: a condition is tested every turn. */
static void
forget(struct act_explain_trace *t, uint32_t node, enum act_attr attr)
{
    uint32_t kept = 0;
    bool dropping = false;
    for (uint32_t i = 0; i < t->list.len; i++) {
        struct act_because *one = &t->list.ptr[i];
        if (one->attr != 0)
            dropping = one->attr == attr && one->about == node;
        if (dropping)
            act_value_release(one->value);
        else
            t->list.ptr[kept++] = *one;
    }
    t->list.len = kept;
}

/* What else a node evaluates (environment, arguments) decides nothing, and may be private. */
static bool
decides(const struct act_explain_trace *t, uint32_t node, enum act_attr attr)
{
    uint8_t kind = t->plan->nodes.ptr[node].kind;
    bool target = node == t->target.node;
    if (attr == ACT_ATTR_SUBJECT)
        return kind == ACT_KIND_IF || kind == ACT_KIND_SWITCH || kind == ACT_KIND_WHILE ||
               kind == ACT_KIND_UNTIL || (target && kind == ACT_KIND_FOR);
    return attr == ACT_ATTR_GUARD || (target && (attr == ACT_ATTR_DELAY || attr == ACT_ATTR_AT ||
                                                 attr == ACT_ATTR_QUORUM || attr == ACT_ATTR_MAX));
}

static void
decided(void *self, struct act_key key, uint32_t attempt, enum act_attr attr,
        struct act_expr_id expr, const struct act_value *value, const struct act_expr_env *env)
{
    struct act_explain_trace *t = self;
    (void)attempt;
    if (!is_about(t, key) || !decides(t, key.node, attr))
        return;
    forget(t, key.node, attr);
    struct act_because decision = {
        .expr = expr.v == ACT_EXPR_NONE ? ACT_STR("") : expr_text(t, expr),
        .value = value ? act_value_retain(value) : act_value_null(),
        .node = label_of(t, key),
        .attr = attr,
        .about = key.node,
    };
    act_vec_push(&t->list, decision);
    if (expr.v != ACT_EXPR_NONE && env)
        add_parts(t, expr, env);
}

static void
moved(void *self, const struct act_move_seen *seen)
{
    struct act_explain_trace *t = self;
    uint32_t around = t->plan->nodes.ptr[t->target.node].parent;
    act_explain_waits_move(&t->waits, seen, seen->key.node == around && is_about(t, seen->key));
}

void
act_explain_trace_init(struct act_explain_trace *t, const struct act_plan *plan,
                       struct act_key target)
{
    *t = (struct act_explain_trace){.plan = plan};
    t->trace = (struct act_trace){.self = t, .decided = decided, .moved = moved};
    t->target = target;
    t->target.numbers =
        act_arena_copy(&t->arena, target.numbers, sizeof(*target.numbers) * target.count);
    act_explain_waits_init(&t->waits, plan, t->target);
}

void
act_explain_trace_fini(struct act_explain_trace *t)
{
    act_explain_waits_fini(&t->waits);
    for (uint32_t i = 0; i < t->list.len; i++)
        act_value_release(t->list.ptr[i].value);
    act_vec_fini(&t->list);
    act_arena_fini(&t->arena);
}

void
act_explain_add(struct act_explain_trace *t, struct act_str expr, struct act_value *value,
                struct act_str node)
{
    struct act_because fact = {
        .expr = act_arena_str(&t->arena, expr),
        .value = value,
        .node = act_arena_str(&t->arena, node),
    };
    act_vec_push(&t->list, fact);
}

static void
add_text(struct act_buf *out, const struct act_value *map, const char *name)
{
    const struct act_value *v = act_value_get(map, act_str(name));
    if (v && act_value_type(v) == ACT_STRING)
        act_safe_add(out, act_value_as_str(v));
}

static void
cache_text(struct act_buf *out, const struct act_value *cache)
{
    const struct act_value *hit = act_value_get(cache, ACT_STR("hit"));
    const struct act_value *at = hit ? act_value_get(hit, ACT_STR("at_ms")) : NULL;
    if (!hit) {
        act_buf_add_cstr(out, "the cache had nothing for it: ");
        add_text(out, cache, "miss");
        return;
    }
    act_buf_add_cstr(out, "the cache had its end: of node ");
    add_text(out, hit, "node");
    act_buf_add_cstr(out, " in run ");
    add_text(out, hit, "run");
    if (at && act_value_type(at) == ACT_INT) {
        act_buf_add_cstr(out, ", ");
        act_instant_text(out, act_value_as_int(at));
    }
}

void
act_explain_add_cache(struct act_explain_trace *t, const struct act_value *cache,
                      struct act_str node)
{
    struct act_buf text = {0};
    act_explain_add(t, ACT_STR("cache"), act_value_retain(cache), node);
    cache_text(&text, cache);
    t->list.ptr[t->list.len - 1].sentence = act_arena_str(&t->arena, act_buf_str(&text));
    act_buf_fini(&text);
}

void
act_explain_add_waits(struct act_explain_trace *t, struct act_str node, int64_t now_ms)
{
    act_explain_waits_finish(&t->waits, now_ms);
    for (uint32_t i = 0; i < t->waits.list.len; i++) {
        const struct act_wait *wait = &t->waits.list.ptr[i];
        struct act_buf text = {0};
        act_buf_printf(&text, "waited for %s", act_explain_wait_name(wait->what));
        act_explain_add(t, act_buf_str(&text), act_explain_wait_value(wait), node);
        act_buf_clear(&text);
        act_explain_wait_text(&text, wait);
        t->list.ptr[t->list.len - 1].sentence = act_arena_str(&t->arena, act_buf_str(&text));
        act_buf_fini(&text);
    }
}
