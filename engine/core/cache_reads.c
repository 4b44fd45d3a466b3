/* What a node is, for the cache: a hash of its definition that is the same wherever it stands, in
 * whatever plan, and of a composite everything that the inside reads from outside, by name. */
#include "engine/core/machine.h"

#include "base/wire.h"

/* Expressions share operands in a plan that was made to hurt: past this the whole plan counts. */
#define OPERANDS_MAX (1u << 20)

struct operand {
    uint32_t expr;
    uint32_t callers; /* how many calls further out it is read */
    bool noted;       /* its member was noted in its place */
};

struct walk {
    struct act_run *run;
    const struct act_instance *inst;
    struct act_value *parts;
    struct act_buf bytes;
    uint32_t *places; /* by plan node: 1 and more inside, 0 outside */
    uint32_t place, budget;
    uint32_t box, node;      /* the box that is looked at, as its root, and the node in it, */
    uint32_t attr;           /* and of this the attribute */
    ACT_VEC(uint32_t) boxes; /* roots; the first is the node itself */
    ACT_VEC(struct operand) operands;
};

#define BIT(attr) (UINT64_C(1) << ACT_ATTR_##attr)

/* What never changes a result: of the node itself, of what is inside. Beside it stands what is
 * evaluated, and counts by its value. */
static const uint64_t around_it =
    BIT(CACHE) | BIT(GUARD) | BIT(TIMEOUT) | BIT(GRACE) | BIT(RETRY_MAX) | BIT(RETRY_DELAY) |
    BIT(RETRY_BACKOFF) | BIT(RETRY_MAX_DELAY) | BIT(RETRY_JITTER) | BIT(RETRY_WHEN) |
    BIT(ON_ERROR) | BIT(LIMITS) | BIT(PRIORITY) | BIT(DELAY) | BIT(AT) | BIT(NAME) |
    BIT(DESCRIPTION) | BIT(IDEMPOTENT) | BIT(ENV) | BIT(DIR) | BIT(SHELL) | BIT(FOLDER);
static const uint64_t of_task = BIT(SUBJECT) | BIT(BINDINGS) | BIT(ARGS) | BIT(WITH) | BIT(STDIN);
static const uint64_t of_workflow = BIT(WITH);
static const uint64_t inside_it = BIT(CACHE) | BIT(NAME) | BIT(DESCRIPTION) | BIT(PRIORITY);

static uint64_t
left_out_of(const struct walk *w)
{
    enum act_kind kind = act_kind_of(w->run, w->inst);
    if (w->node != w->inst->node)
        return inside_it;
    if (act_kind_is_task(kind))
        return around_it | of_task;
    return around_it | (kind == ACT_KIND_WORKFLOW ? of_workflow : 0);
}

static bool
counts(const struct walk *w, uint32_t key)
{
    uint64_t left_out = left_out_of(w);
    return key > 62 || ((left_out >> key) & 1) == 0;
}

/* ---- which nodes ---- */

static uint32_t
next_of(const struct walk *w, uint32_t node)
{
    const struct act_plan *plan = w->run->plan;
    uint32_t undo = act_plan_child(plan, w->inst->node, ACT_ROLE_UNDO);
    uint32_t next = act_plan_next(plan, w->box, node, NULL);
    return next == undo ? ACT_NODE_NONE : next; /* its own undo stands last */
}

static void
number(struct walk *w)
{
    const struct act_plan *plan = w->run->plan;
    act_vec_push(&w->boxes, w->inst->node);
    for (uint32_t i = 0; i < w->boxes.len; i++) {
        w->box = w->boxes.ptr[i];
        for (uint32_t at = w->box; at != ACT_NODE_NONE; at = next_of(w, at)) {
            const uint32_t *target = act_plan_attr(plan, at, ACT_ATTR_TARGET);
            bool met = target == NULL;
            w->places[at] = ++w->place;
            for (uint32_t k = 0; !met && k < w->boxes.len; k++)
                met = w->boxes.ptr[k] == *target;
            if (!met)
                act_vec_push(&w->boxes, *target);
        }
    }
}

/* ---- what is read from outside ---- */

static bool
is_turn(const struct walk *w, uint32_t node)
{
    const struct act_plan_node *n = act_node(w->run, node);
    bool tested = n->kind == ACT_KIND_WHILE || n->kind == ACT_KIND_UNTIL;
    if (tested && node == w->node && w->attr == ACT_ATTR_SUBJECT)
        return true; /* its condition is read in its turns */
    return node != w->inst->node && n->role == ACT_ROLE_DO &&
           act_kind_repeats((enum act_kind)act_node(w->run, n->parent)->kind);
}

static bool
is_combination(const struct walk *w, uint32_t node)
{
    const struct act_plan_node *n = act_node(w->run, node);
    return node != w->inst->node && n->role == ACT_ROLE_DO &&
           act_node(w->run, n->parent)->kind == ACT_KIND_MATRIX;
}

static bool
sees_error(const struct walk *w, uint32_t node)
{
    enum act_role role = (enum act_role)act_node(w->run, node)->role;
    return node != w->inst->node && (role == ACT_ROLE_CATCH || role == ACT_ROLE_FINALLY);
}

/* Is what is read the turn, combination or error of something inside? */
static bool
is_inner(const struct walk *w, bool (*is_it)(const struct walk *w, uint32_t node))
{
    const struct act_plan_node *nodes = w->run->plan->nodes.ptr;
    if (w->box != w->inst->node)
        return true; /* another box sees none of those around */
    for (uint32_t at = w->node;; at = nodes[at].parent) {
        if (is_it(w, at))
            return true;
        if (at == w->inst->node)
            return false;
    }
}

static bool
has_own_params(const struct walk *w)
{
    return (act_node(w->run, w->box)->flags & (ACT_NODE_OWN_PARAMS | ACT_NODE_CLOSED)) != 0;
}

static bool
is_outside(const struct walk *w, const struct act_expr_node *e, uint32_t callers)
{
    switch ((enum act_ctx)e->aux) {
    case ACT_CTX_NODE:
    case ACT_CTX_NODE_STATUS:
    case ACT_CTX_NODE_RESULT:
    case ACT_CTX_NODE_OUTPUTS:
    case ACT_CTX_NODE_ERROR:
    case ACT_CTX_NODE_ARTIFACTS:
    case ACT_CTX_ITEM: return w->places[e->a] == 0;
    case ACT_CTX_PARAMS: return callers > 0 || w->box == w->inst->node || !has_own_params(w);
    case ACT_CTX_ENV:
    case ACT_CTX_RUN:
    case ACT_CTX_GIT:
    case ACT_CTX_EVENT: return true;
    case ACT_CTX_LOOP:
    case ACT_CTX_LOOP_INDEX: return !is_inner(w, is_turn);
    case ACT_CTX_MATRIX: return !is_inner(w, is_combination);
    case ACT_CTX_ERROR: return !is_inner(w, sees_error);
    case ACT_CTX_PREV:
        return w->node == w->inst->node &&
               (act_kind_of(w->run, w->inst) == ACT_KIND_WORKFLOW || w->attr == ACT_ATTR_ARTIFACTS);
    case ACT_CTX_SECRET: return false; /* its name stands in the definition */
    }
    return false;
}

static void
put_read(struct walk *w, uint32_t expr, const struct act_expr_node *context,
         const struct act_value *name, uint32_t callers)
{
    struct act_buf text = {0};
    struct act_value *v =
        act_read_context(w->run, w->inst, callers, (enum act_ctx)context->aux, context->a);
    const struct act_value *part = v;
    if (name != NULL && act_value_type(v) == ACT_MAP)
        part = act_value_iget(v, act_value_as_str(name));
    act_expr_print(&text, &w->run->plan->exprs, (struct act_expr_id){expr}, act_plan_expr_name,
                   w->run->plan);
    for (uint32_t i = 0; i < callers; i++)
        act_buf_add_cstr(&text, " of the caller");
    act_value_map_put(w->parts, act_buf_str(&text), act_cache_hash(w->run, part));
    act_value_release(v);
    act_buf_fini(&text);
}

/* name: the member that alone is read, or NULL. What a box inside reads of its callers may stand at any
 * level between. */
static void
note_read(struct walk *w, uint32_t expr, const struct act_expr_node *context,
          const struct act_value *name, uint32_t callers)
{
    if (!is_outside(w, context, callers))
        return;
    for (uint32_t k = w->box == w->inst->node ? callers : 0; k <= callers; k++)
        put_read(w, expr, context, name, k);
}

/* ---- the definition ---- */

static void
add_text(struct walk *w, const struct act_value *v)
{
    struct act_buf bytes = {0};
    if (v != NULL)
        act_value_encode(&bytes, v);
    act_wire_bytes(&w->bytes, act_buf_str(&bytes));
    act_buf_fini(&bytes);
}

static const struct act_value *
literal(const struct walk *w, uint32_t at)
{
    return w->run->plan->exprs.literals.ptr[at];
}

static bool
names_node(enum act_ctx ctx)
{
    return (ctx >= ACT_CTX_NODE && ctx <= ACT_CTX_NODE_ERROR) || ctx == ACT_CTX_NODE_ARTIFACTS ||
           ctx == ACT_CTX_ITEM;
}

/* A node inside by its place, one outside by its id. */
static void
add_node_name(struct walk *w, uint32_t node)
{
    uint32_t id = act_node(w->run, node)->id;
    act_wire_u64(&w->bytes, w->places[node]);
    if (w->places[node] == 0)
        add_text(w, id != ACT_NODE_NONE ? literal(w, id) : NULL);
}

static void
add_operand(struct walk *w, struct operand o)
{
    const struct act_expr_pool *pool = &w->run->plan->exprs;
    const struct act_expr_node *e = &pool->nodes.ptr[o.expr];
    const uint32_t *args = e->argc > 0 ? pool->args.ptr + e->first : NULL;
    const struct act_expr_node *of = e->argc > 0 ? &pool->nodes.ptr[args[0]] : NULL;
    bool member = e->op == ACT_OP_MEMBER && of->op == ACT_OP_CONTEXT;
    act_buf_add_byte(&w->bytes, (char)e->op);
    act_buf_add_byte(&w->bytes, (char)e->aux);
    act_wire_u64(&w->bytes, e->argc);
    if (e->op == ACT_OP_CONTEXT && names_node((enum act_ctx)e->aux))
        add_node_name(w, e->a);
    else if (e->op == ACT_OP_LITERAL || e->op == ACT_OP_NAME || e->op == ACT_OP_MEMBER ||
             (e->op == ACT_OP_CONTEXT && e->aux == ACT_CTX_SECRET))
        add_text(w, literal(w, e->a));
    if (e->op == ACT_OP_CONTEXT && !o.noted)
        note_read(w, o.expr, e, NULL, o.callers);
    if (member)
        note_read(w, o.expr, of, literal(w, e->a), o.callers);
    for (uint32_t i = e->argc; i-- > 0;) {
        struct operand inner = {args[i], o.callers + (e->op == ACT_OP_CALLER), member && i == 0};
        act_vec_push(&w->operands, inner);
    }
}

static void
add_expr(struct walk *w, uint32_t expr)
{
    struct operand first = {expr, 0, false};
    act_vec_push(&w->operands, first);
    while (w->operands.len > 0 && w->budget > 0) {
        w->budget--;
        add_operand(w, act_vec_pop(&w->operands));
    }
    act_vec_clear(&w->operands);
}

static void
add_targets(struct walk *w, const struct act_value *list)
{
    int64_t node;
    for (uint32_t i = 0; i < act_value_len(list); i++) {
        if (act_value_to_int(act_value_at(list, i), &node))
            add_node_name(w, (uint32_t)node);
    }
}

static void
add_attr(struct walk *w, const struct act_plan_attr *attr)
{
    const struct act_attr_info *info = act_attr_info(attr->key);
    w->attr = attr->key;
    act_wire_u64(&w->bytes, attr->key);
    if (info == NULL)
        return;
    switch (info->type) {
    case ACT_ATTR_TYPE_EXPR: add_expr(w, attr->value); break;
    case ACT_ATTR_TYPE_NUM: act_wire_u64(&w->bytes, attr->value); break;
    case ACT_ATTR_TYPE_NODE: act_wire_u64(&w->bytes, w->places[attr->value]); break;
    case ACT_ATTR_TYPE_LIT:
        if (attr->key == ACT_ATTR_CANCEL_TARGETS)
            add_targets(w, literal(w, attr->value));
        else
            add_text(w, literal(w, attr->value));
        break;
    }
}

static void
add_node(struct walk *w)
{
    const struct act_plan *plan = w->run->plan;
    const struct act_plan_node *n = act_node(w->run, w->node);
    bool itself = w->node == w->inst->node;
    act_buf_add_byte(&w->bytes, (char)n->kind);
    act_buf_add_byte(&w->bytes, (char)(itself ? 0 : n->role));
    act_wire_u64(&w->bytes,
                 n->child_count -
                     (itself && act_plan_child(plan, w->node, ACT_ROLE_UNDO) != ACT_NODE_NONE));
    if (!itself)
        add_text(w, n->id != ACT_NODE_NONE ? literal(w, n->id) : NULL);
    for (uint32_t i = 0; !itself && i < n->need_count; i++) {
        const struct act_plan_need *need = &plan->needs.ptr[n->first_need + i];
        add_node_name(w, need->node);
        act_buf_add_byte(&w->bytes, (char)need->ends);
        act_buf_add_byte(&w->bytes, (char)need->plain);
    }
    for (uint32_t i = 0; i < n->attr_count; i++) {
        const struct act_plan_attr *attr = &plan->attrs.ptr[n->first_attr + i];
        if (counts(w, attr->key))
            add_attr(w, attr);
    }
    act_wire_u64(&w->bytes, 0); /* no attribute has this number */
}

static void
add_whole_plan(struct walk *w)
{
    uint8_t hash[ACT_SHA256_BYTES];
    act_plan_hash(w->run->plan, hash);
    act_buf_add(&w->bytes, hash, sizeof(hash));
    act_wire_u64(&w->bytes, w->inst->node);
}

void
act_cache_define(struct act_run *run, const struct act_instance *inst, struct act_value *parts)
{
    struct walk w = {.run = run, .inst = inst, .parts = parts, .budget = OPERANDS_MAX};
    w.places = act_zalloc((size_t)run->plan->nodes.len + 1, sizeof(*w.places));
    number(&w);
    add_text(&w, act_task_shell(run, inst));
    for (uint32_t i = 0; i < w.boxes.len; i++) {
        w.box = w.boxes.ptr[i];
        for (w.node = w.box; w.node != ACT_NODE_NONE; w.node = next_of(&w, w.node))
            add_node(&w);
    }
    if (w.budget == 0)
        add_whole_plan(&w);
    struct act_value *bytes = act_value_string(act_buf_str(&w.bytes));
    act_value_map_put(parts, ACT_STR("definition"), act_cache_hash(run, bytes));
    act_value_release(bytes);
    act_buf_fini(&w.bytes);
    act_free(w.places);
    act_vec_fini(&w.boxes);
    act_vec_fini(&w.operands);
}
