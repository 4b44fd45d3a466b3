/* Does a plan keep its invariants (plan.h)? For bytes that came from a store or a wire; a plan from
 * the compiler always does. */
#include "dsl/plan_actor.h"

#define EXPR_DEPTH_MAX 1024
#define NODE_DEPTH_MAX 1024

struct verifier {
    const struct act_plan *plan;
    struct act_error *err;
    enum act_err code;
    uint32_t at; /* the node or expression looked at */
};

static void
broken(struct verifier *v, const char *what)
{
    if (v->code == ACT_OK)
        v->code =
            act_error_set(v->err, ACT_ERR_CORRUPT, "the plan is damaged: %s (at %u)", what, v->at);
}

static void
need(struct verifier *v, bool holds, const char *what)
{
    if (!holds)
        broken(v, what);
}

static bool
literal_is(const struct act_plan *plan, uint32_t literal, enum act_type type)
{
    return literal < plan->exprs.literals.len &&
           act_value_type(plan->exprs.literals.ptr[literal]) == type;
}

static bool
all_are(const struct act_value *list, enum act_type type)
{
    for (uint32_t i = 0; i < act_value_len(list); i++)
        if (act_value_type(act_value_at(list, i)) != type)
            return false;
    return true;
}

/* Which roles the children of a kind have: those that must be there once, those that may be there
 * once, and whether items stand before them. */
#define ROLE(name) (1u << ACT_ROLE_##name)
static const struct {
    uint16_t must, may;
    bool items;
} roles[] = {
    [ACT_KIND_CHAIN] = {0, 0, true},
    [ACT_KIND_GROUP] = {0, 0, true},
    [ACT_KIND_CHORD] = {ROLE(MEMBERS) | ROLE(THEN), 0, false},
    [ACT_KIND_RACE] = {0, ROLE(MEMBERS), true},
    [ACT_KIND_DAG] = {0, 0, true},
    [ACT_KIND_IF] = {ROLE(THEN), ROLE(ELSE), false},
    [ACT_KIND_SWITCH] = {0, ROLE(DEFAULT), true},
    [ACT_KIND_FOR] = {ROLE(DO), 0, false},
    [ACT_KIND_MATRIX] = {ROLE(DO), 0, false},
    [ACT_KIND_WHILE] = {ROLE(DO), 0, false},
    [ACT_KIND_UNTIL] = {ROLE(DO), 0, false},
    [ACT_KIND_TRY] = {ROLE(BODY), ROLE(CATCH) | ROLE(FINALLY), false},
};
#define KIND_COUNT (sizeof(roles) / sizeof(roles[0]))

static void
verify_children(struct verifier *v, const struct act_plan_node *n)
{
    uint32_t seen = 0, last = 0, items = 0;
    for (uint32_t k = 0; k < n->child_count && v->code == ACT_OK; k++) {
        uint32_t child = v->plan->children.ptr[n->first_child + k];
        const struct act_plan_node *c = &v->plan->nodes.ptr[child];
        uint32_t bit = c->role <= ACT_ROLE_UNDO ? 1u << c->role : 0;
        need(v, c->parent == v->at && c->index == k && child > v->at, "a child of another node");
        need(v, c->role >= last && c->role != ACT_ROLE_ROOT, "children out of order");
        need(v, bit == ROLE(ITEM) || !(seen & bit), "two children of one role");
        need(v, n->kind != ACT_KIND_DAG || bit != ROLE(ITEM) || c->id != ACT_NODE_NONE,
             "a dag's node without an id");
        items += bit == ROLE(ITEM);
        seen |= bit;
        last = c->role;
    }
    uint32_t others = seen & ~(ROLE(UNDO) | ROLE(ITEM));
    need(v, items == 0 || roles[n->kind].items, "items where there are none");
    need(v, (others & roles[n->kind].must) == roles[n->kind].must, "a missing child");
    need(v, (others & (uint32_t) ~(roles[n->kind].must | roles[n->kind].may)) == 0,
         "a strange child");
    if (n->kind == ACT_KIND_RACE)
        need(v, (items > 0) != (others != 0), "a race over nothing or over two things");
    if (n->kind == ACT_KIND_SWITCH) {
        const struct act_value *cases = act_plan_literal(v->plan, v->at, ACT_ATTR_CASES);
        need(v, cases && act_value_len(cases) == items, "cases that are not its children");
    }
}

/* What a literal attribute must be; what is not listed may be anything. */
static bool
literal_fits(const struct verifier *v, uint32_t key, uint32_t literal)
{
    const struct act_plan *plan = v->plan;
    const struct act_value *value = plan->exprs.literals.ptr[literal];
    switch (key) {
    case ACT_ATTR_SCRIPT:
    case ACT_ATTR_FOLDER:
    case ACT_ATTR_DESCRIPTION:
    case ACT_ATTR_UNSUPPORTED:
    case ACT_ATTR_AS:
    case ACT_ATTR_TARGET_NAME: return act_value_type(value) == ACT_STRING;
    case ACT_ATTR_SHELL:
        return act_value_type(value) == ACT_LIST && act_value_len(value) > 0 &&
               all_are(value, ACT_STRING);
    case ACT_ATTR_CASES: return act_value_type(value) == ACT_LIST && all_are(value, ACT_STRING);
    case ACT_ATTR_RETRY_WHEN: return act_value_type(value) == ACT_LIST;
    case ACT_ATTR_LIMITS: return act_value_type(value) == ACT_MAP;
    case ACT_ATTR_RETENTION: return act_value_type(value) == ACT_MAP && all_are(value, ACT_INT);
    case ACT_ATTR_PARAMS: return act_value_type(value) == ACT_MAP && all_are(value, ACT_MAP);
    case ACT_ATTR_ACTOR: return act_plan_actor_read(value, &(struct act_plan_actor){0});
    case ACT_ATTR_CANCEL_TARGETS:
        if (act_value_type(value) != ACT_LIST || !all_are(value, ACT_INT))
            return false;
        for (uint32_t i = 0; i < act_value_len(value); i++) {
            int64_t target = act_value_as_int(act_value_at(value, i));
            if (target < 0 || target >= plan->nodes.len)
                return false;
        }
        return true;
    default: return true;
    }
}

static bool
number_fits(uint32_t key, uint32_t value)
{
    return value <= (key == ACT_ATTR_OUTPUT ? (uint32_t)ACT_OUTPUT_NONE : 1u);
}

static void
verify_attrs(struct verifier *v, const struct act_plan_node *n)
{
    const struct act_plan *plan = v->plan;
    uint32_t last = 0;
    for (uint32_t k = 0; k < n->attr_count && v->code == ACT_OK; k++) {
        const struct act_plan_attr *attr = &plan->attrs.ptr[n->first_attr + k];
        const struct act_attr_info *info = act_attr_info(attr->key);
        need(v, attr->key > last, "attributes out of order");
        last = attr->key;
        if (!info) {
            broken(v, "an unknown attribute");
            return;
        }
        switch (info->type) {
        case ACT_ATTR_TYPE_EXPR:
            need(v, attr->value < plan->exprs.nodes.len, "an attribute without its expression");
            break;
        case ACT_ATTR_TYPE_LIT:
            need(v,
                 attr->value < plan->exprs.literals.len && literal_fits(v, attr->key, attr->value),
                 "an attribute of a wrong type");
            break;
        case ACT_ATTR_TYPE_NUM:
            need(v, number_fits(attr->key, attr->value), "an attribute out of range");
            break;
        case ACT_ATTR_TYPE_NODE:
            need(v,
                 attr->value < plan->nodes.len &&
                     plan->nodes.ptr[attr->value].parent == ACT_NODE_NONE,
                 "a target that is no root");
            break;
        }
    }
}

/* The attributes without which a kind means nothing. */
static void
verify_kind(struct verifier *v, const struct act_plan_node *n)
{
    static const uint8_t musts[] = {
        [ACT_KIND_RUN] = ACT_ATTR_SCRIPT,
        [ACT_KIND_EXEC] = ACT_ATTR_SUBJECT,
        [ACT_KIND_TASK] = ACT_ATTR_TARGET,
        [ACT_KIND_WORKFLOW] = ACT_ATTR_TARGET,
        [ACT_KIND_SLEEP] = ACT_ATTR_SUBJECT,
        [ACT_KIND_WAIT] = ACT_ATTR_SIGNAL_NAME,
        [ACT_KIND_SIGNAL] = ACT_ATTR_SIGNAL_NAME,
        [ACT_KIND_VALUE] = ACT_ATTR_SUBJECT,
        [ACT_KIND_FAIL] = ACT_ATTR_SUBJECT,
        [ACT_KIND_RETURN] = ACT_ATTR_SUBJECT,
        [ACT_KIND_CANCEL] = ACT_ATTR_CANCEL_TARGETS,
        [ACT_KIND_IF] = ACT_ATTR_SUBJECT,
        [ACT_KIND_SWITCH] = ACT_ATTR_SUBJECT,
        [ACT_KIND_FOR] = ACT_ATTR_SUBJECT,
        [ACT_KIND_MATRIX] = ACT_ATTR_MATRIX_AXES,
        [ACT_KIND_WHILE] = ACT_ATTR_SUBJECT,
        [ACT_KIND_UNTIL] = ACT_ATTR_SUBJECT,
        [ACT_KIND_TRY] = 0,
    };
    uint8_t must = musts[n->kind];
    need(v, must == 0 || act_plan_attr(v->plan, v->at, (enum act_attr)must),
         "a node without what it does");
    need(v, n->id == ACT_NODE_NONE || literal_is(v->plan, n->id, ACT_STRING),
         "an id that is no text");
    need(v, (n->parent == ACT_NODE_NONE) == (n->role == ACT_ROLE_ROOT),
         "a root with a parent, or a node without one");
    if (n->need_count > 0 && v->code == ACT_OK)
        need(v, n->role == ACT_ROLE_ITEM && v->plan->nodes.ptr[n->parent].kind == ACT_KIND_DAG,
             "needs outside of a dag");
}

static void
verify_needs(struct verifier *v, const struct act_plan_node *n)
{
    for (uint32_t k = 0; k < n->need_count && v->code == ACT_OK; k++) {
        const struct act_plan_need *d = &v->plan->needs.ptr[n->first_need + k];
        bool sibling = d->node < v->plan->nodes.len && d->node != v->at &&
                       v->plan->nodes.ptr[d->node].parent == n->parent &&
                       v->plan->nodes.ptr[d->node].role == ACT_ROLE_ITEM;
        need(v, sibling, "a need that is no sibling");
        need(v, d->ends >= 1 && d->ends <= ACT_END_ANY && d->plain <= 1, "a need out of range");
    }
}

/* A dag's members, taken one after another as what they need has been taken (Kahn). */
static void
verify_dag(struct verifier *v, const struct act_plan_node *n)
{
    const struct act_plan *plan = v->plan;
    uint32_t taken = 0, members = 0, edges = 0;
    for (uint32_t k = 0; k < n->child_count; k++)
        edges += plan->nodes.ptr[plan->children.ptr[n->first_child + k]].need_count;
    if (edges == 0)
        return;
    /* left[k]: needs of member k not yet taken. users: edges grouped by the member needed. */
    uint32_t *left = act_zalloc(n->child_count, sizeof(*left));
    uint32_t *first = act_zalloc((size_t)n->child_count + 1, sizeof(*first));
    uint32_t *users = act_zalloc(edges, sizeof(*users));
    uint32_t *queue = act_zalloc(n->child_count, sizeof(*queue));
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t k = 0; k < n->child_count; k++) {
            const struct act_plan_node *c =
                &plan->nodes.ptr[plan->children.ptr[n->first_child + k]];
            for (uint32_t e = 0; e < c->need_count; e++) {
                uint32_t on = plan->nodes.ptr[plan->needs.ptr[c->first_need + e].node].index;
                if (pass == 0)
                    first[on + 1]++;
                else
                    users[first[on] + left[on]++] = k;
            }
        }
        for (uint32_t k = 0; pass == 0 && k < n->child_count; k++)
            first[k + 1] += first[k];
    }
    for (uint32_t k = 0; k < n->child_count; k++) {
        left[k] = plan->nodes.ptr[plan->children.ptr[n->first_child + k]].need_count;
        if (left[k] == 0)
            queue[members++] = k;
    }
    for (; taken < members; taken++)
        for (uint32_t e = first[queue[taken]]; e < first[queue[taken] + 1]; e++)
            if (--left[users[e]] == 0)
                queue[members++] = users[e];
    need(v, members == n->child_count, "needs in a circle");
    act_free(left);
    act_free(first);
    act_free(users);
    act_free(queue);
}

static void
verify_nodes(struct verifier *v)
{
    const struct act_plan *plan = v->plan;
    uint16_t *depth = act_zalloc(plan->nodes.len, sizeof(*depth));
    for (v->at = 0; v->at < plan->nodes.len && v->code == ACT_OK; v->at++) {
        const struct act_plan_node *n = &plan->nodes.ptr[v->at];
        if (n->kind >= KIND_COUNT || n->kind == 0) {
            broken(v, "an unknown kind");
            break;
        }
        if (n->parent != ACT_NODE_NONE)
            depth[v->at] = (uint16_t)(depth[n->parent] + 1);
        need(v, depth[v->at] <= NODE_DEPTH_MAX, "nodes nested too deep");
        verify_attrs(v, n);
        if (v->code == ACT_OK)
            verify_children(v, n);
        if (v->code == ACT_OK)
            verify_kind(v, n);
        if (v->code == ACT_OK)
            verify_needs(v, n);
    }
    for (v->at = 0; v->at < plan->nodes.len && v->code == ACT_OK; v->at++)
        if (plan->nodes.ptr[v->at].kind == ACT_KIND_DAG)
            verify_dag(v, &plan->nodes.ptr[v->at]);
    act_free(depth);
}

/* How many operands an operation takes. */
static const struct {
    uint32_t min, max;
} arity[] = {
    [ACT_OP_LITERAL] = {0, 0},
    [ACT_OP_NAME] = {0, 0},
    [ACT_OP_CONTEXT] = {0, 0},
    [ACT_OP_MEMBER] = {1, 1},
    [ACT_OP_INDEX] = {2, 2},
    [ACT_OP_FILTER] = {1, 1},
    [ACT_OP_NOT] = {1, 1},
    [ACT_OP_NEGATE] = {1, 1},
    [ACT_OP_AND] = {2, UINT32_MAX},
    [ACT_OP_OR] = {2, UINT32_MAX},
    [ACT_OP_EQ] = {2, 2},
    [ACT_OP_NE] = {2, 2},
    [ACT_OP_LT] = {2, 2},
    [ACT_OP_LE] = {2, 2},
    [ACT_OP_GT] = {2, 2},
    [ACT_OP_GE] = {2, 2},
    [ACT_OP_ADD] = {2, 2},
    [ACT_OP_SUB] = {2, 2},
    [ACT_OP_MUL] = {2, 2},
    [ACT_OP_DIV] = {2, 2},
    [ACT_OP_MOD] = {2, 2},
    [ACT_OP_CALL] = {0, UINT8_MAX},
    [ACT_OP_CONCAT] = {0, UINT32_MAX},
    [ACT_OP_LIST] = {0, UINT32_MAX},
    [ACT_OP_SPREAD] = {1, 1},
    [ACT_OP_MAP] = {0, UINT32_MAX},
    [ACT_OP_CALLER] = {1, 1},
    [ACT_OP_INTEGER] = {1, 1},
};
#define OP_COUNT (sizeof(arity) / sizeof(arity[0]))

static void
verify_context(struct verifier *v, const struct act_expr_node *e)
{
    const struct act_plan *plan = v->plan;
    switch ((enum act_ctx)e->aux) {
    case ACT_CTX_SECRET:
        need(v, literal_is(plan, e->a, ACT_STRING), "a secret without a name");
        return;
    case ACT_CTX_NODE:
    case ACT_CTX_NODE_STATUS:
    case ACT_CTX_NODE_RESULT:
    case ACT_CTX_NODE_OUTPUTS:
    case ACT_CTX_NODE_ERROR:
    case ACT_CTX_NODE_ARTIFACTS: need(v, e->a < plan->nodes.len, "a reference to no node"); return;
    case ACT_CTX_ITEM:
        need(v, e->a < plan->nodes.len && plan->nodes.ptr[e->a].kind == ACT_KIND_FOR,
             "an item of no loop");
        return;
    case ACT_CTX_PARAMS:
    case ACT_CTX_ENV:
    case ACT_CTX_PREV:
    case ACT_CTX_LOOP:
    case ACT_CTX_LOOP_INDEX:
    case ACT_CTX_MATRIX:
    case ACT_CTX_RUN:
    case ACT_CTX_GIT:
    case ACT_CTX_EVENT:
    case ACT_CTX_ERROR: return;
    }
    broken(v, "an unknown context");
}

static void
verify_op(struct verifier *v, const struct act_expr_node *e)
{
    const struct act_expr_pool *pool = &v->plan->exprs;
    switch ((enum act_op)e->op) {
    case ACT_OP_LITERAL: need(v, e->a < pool->literals.len, "a literal out of range"); return;
    case ACT_OP_NAME:
    case ACT_OP_MEMBER:
        need(v, literal_is(v->plan, e->a, ACT_STRING), "a name that is no text");
        return;
    case ACT_OP_CONTEXT: verify_context(v, e); return;
    case ACT_OP_CALL: {
        bool known = e->aux < act_expr_function_count();
        const struct act_function_info *f = known ? act_expr_function(e->aux) : NULL;
        need(v, f && e->argc >= f->argc_min && e->argc <= f->argc_max, "a call of no function");
        return;
    }
    case ACT_OP_MAP:
        need(v, e->argc % 2 == 0, "a key without a value");
        for (uint32_t k = 0; k < e->argc && v->code == ACT_OK; k += 2) {
            const struct act_expr_node *key = &pool->nodes.ptr[pool->args.ptr[e->first + k]];
            need(v, key->op == ACT_OP_LITERAL && literal_is(v->plan, key->a, ACT_STRING),
                 "a key that is no text");
        }
        return;
    case ACT_OP_INDEX:
    case ACT_OP_FILTER:
    case ACT_OP_NOT:
    case ACT_OP_NEGATE:
    case ACT_OP_AND:
    case ACT_OP_OR:
    ACT_CASES_COMPARE:
    ACT_CASES_ARITHMETIC:
    case ACT_OP_CONCAT:
    case ACT_OP_LIST:
    case ACT_OP_SPREAD:
    case ACT_OP_CALLER:
    case ACT_OP_INTEGER: return;
    }
}

static void
verify_exprs(struct verifier *v)
{
    const struct act_expr_pool *pool = &v->plan->exprs;
    uint16_t *depth = act_zalloc(pool->nodes.len, sizeof(*depth));
    for (v->at = 0; v->at < pool->nodes.len && v->code == ACT_OK; v->at++) {
        const struct act_expr_node *e = &pool->nodes.ptr[v->at];
        if (e->op == 0 || e->op >= OP_COUNT || e->argc < arity[e->op].min ||
            e->argc > arity[e->op].max || e->first > pool->args.len ||
            e->argc > pool->args.len - e->first) {
            broken(v, "an operation that makes no sense");
            break;
        }
        for (uint32_t k = 0; k < e->argc && v->code == ACT_OK; k++) {
            uint32_t operand = pool->args.ptr[e->first + k];
            if (operand >= v->at) {
                broken(v, "an operand after its operation");
                break;
            }
            need(v, pool->nodes.ptr[operand].op != ACT_OP_SPREAD || e->op == ACT_OP_LIST,
                 "a spread outside of a list");
            if (depth[operand] >= depth[v->at])
                depth[v->at] = (uint16_t)(depth[operand] + 1);
        }
        need(v, depth[v->at] <= EXPR_DEPTH_MAX, "an expression nested too deep");
        if (v->code == ACT_OK)
            verify_op(v, e);
    }
    act_free(depth);
}

static void
verify_top(struct verifier *v)
{
    const struct act_plan *plan = v->plan;
    v->at = 0;
    need(v, literal_is(plan, plan->name, ACT_STRING), "a name that is no text");
    need(v, literal_is(plan, plan->params, ACT_MAP), "params that are no mapping");
    need(v, literal_is(plan, plan->secrets, ACT_LIST), "secrets that are no list");
    need(v, literal_is(plan, plan->labels, ACT_MAP), "labels that are no mapping");
    need(v, literal_is(plan, plan->unsupported, ACT_LIST), "unsupported that is no list");
    need(v, literal_is(plan, plan->env_names, ACT_LIST), "env_names that are no list");
    if (v->code != ACT_OK)
        return;
    need(v, all_are(plan->exprs.literals.ptr[plan->params], ACT_MAP),
         "a declaration that is no mapping");
    need(v, all_are(plan->exprs.literals.ptr[plan->secrets], ACT_STRING),
         "a secret that is no text");
    need(v, all_are(plan->exprs.literals.ptr[plan->unsupported], ACT_STRING),
         "unsupported that is no text");
    need(v, all_are(plan->exprs.literals.ptr[plan->env_names], ACT_STRING),
         "an env name that is no text");
    need(v, plan->nodes.len > 0 && plan->nodes.len < ACT_NODE_NONE, "no nodes");
    if (v->code == ACT_OK)
        need(v, plan->nodes.ptr[0].parent == ACT_NODE_NONE, "a first node that is no root");
    need(v, plan->spans.len == 0 || plan->spans.len == plan->nodes.len, "spans of other nodes");
    for (uint32_t i = 0; i < plan->spans.len && v->code == ACT_OK; i++)
        need(v, plan->spans.ptr[i].source < plan->sources.len, "a span in no source");
    need(v, plan->exprs.offsets.len == 0 || plan->exprs.offsets.len == plan->exprs.nodes.len,
         "offsets of other expressions");
}

enum act_err
act_plan_verify(const struct act_plan *plan, struct act_error *err)
{
    struct verifier v = {plan, err, ACT_OK, 0};
    verify_top(&v);
    if (v.code == ACT_OK)
        verify_exprs(&v);
    if (v.code == ACT_OK)
        verify_nodes(&v);
    return v.code;
}
