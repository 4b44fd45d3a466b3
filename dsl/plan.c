#include "dsl/plan.h"

#include "base/assert.h"

static const struct {
    const char *key;
    bool leaf;
} kinds[] = {
#define ACT_KIND(name, number, key, leaf) [number] = {key, leaf},
#include "dsl/plan_kinds.def"
#undef ACT_KIND
};

const char *
act_kind_key(enum act_kind kind)
{
    size_t i = (size_t)kind;
    return i < sizeof(kinds) / sizeof(kinds[0]) && kinds[i].key ? kinds[i].key : "?";
}

bool
act_kind_is_leaf(enum act_kind kind)
{
    size_t i = (size_t)kind;
    return i < sizeof(kinds) / sizeof(kinds[0]) && kinds[i].leaf;
}

static const struct act_attr_info attr_infos[] = {
#define ACT_ATTR(name, number, type) [number] = {#name, ACT_ATTR_TYPE_##type},
#include "dsl/plan_attrs.def"
#undef ACT_ATTR
};

const struct act_attr_info *
act_attr_info(uint32_t key)
{
    size_t count = sizeof(attr_infos) / sizeof(attr_infos[0]);
    return key < count && attr_infos[key].name ? &attr_infos[key] : NULL;
}

struct act_plan *
act_plan_create(void)
{
    struct act_plan *plan = act_zalloc(1, sizeof(*plan));
    plan->version = ACT_PLAN_VERSION;
    plan->name = act_expr_literal(&plan->exprs, act_value_cstring(""));
    plan->params = act_expr_literal(&plan->exprs, act_value_map());
    plan->secrets = act_expr_literal(&plan->exprs, act_value_list());
    plan->labels = act_expr_literal(&plan->exprs, act_value_map());
    plan->unsupported = act_expr_literal(&plan->exprs, act_value_list());
    plan->env_names = act_expr_literal(&plan->exprs, act_value_list());
    return plan;
}

void
act_plan_destroy(struct act_plan *plan)
{
    if (!plan)
        return;
    act_vec_fini(&plan->nodes);
    act_vec_fini(&plan->children);
    act_vec_fini(&plan->attrs);
    act_vec_fini(&plan->needs);
    act_vec_fini(&plan->spans);
    act_vec_fini(&plan->sources);
    act_expr_pool_fini(&plan->exprs);
    act_arena_fini(&plan->arena);
    act_free(plan);
}

const uint32_t *
act_plan_attr(const struct act_plan *plan, uint32_t node, enum act_attr key)
{
    ACT_ASSERT(node < plan->nodes.len);
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    for (uint32_t i = 0; i < n->attr_count; i++) {
        const struct act_plan_attr *attr = &plan->attrs.ptr[n->first_attr + i];
        if (attr->key == (uint32_t)key)
            return &attr->value;
        if (attr->key > (uint32_t)key)
            break;
    }
    return NULL;
}

struct act_expr_id
act_plan_expr(const struct act_plan *plan, uint32_t node, enum act_attr key)
{
    const uint32_t *value = act_plan_attr(plan, node, key);
    return (struct act_expr_id){value ? *value : ACT_EXPR_NONE};
}

const struct act_value *
act_plan_literal(const struct act_plan *plan, uint32_t node, enum act_attr key)
{
    const uint32_t *value = act_plan_attr(plan, node, key);
    return value ? plan->exprs.literals.ptr[*value] : NULL;
}

struct act_str
act_plan_text(const struct act_plan *plan, uint32_t literal)
{
    ACT_ASSERT(literal < plan->exprs.literals.len);
    return act_value_as_str(plan->exprs.literals.ptr[literal]);
}

uint32_t
act_plan_child(const struct act_plan *plan, uint32_t node, enum act_role role)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    /* Items come first and may be many, the others last and few: look from the end. */
    for (uint32_t i = n->child_count; role != ACT_ROLE_ITEM && i-- > 0;) {
        uint32_t child = plan->children.ptr[n->first_child + i];
        enum act_role has = (enum act_role)plan->nodes.ptr[child].role;
        if (has == role)
            return child;
        if (has < role)
            return ACT_NODE_NONE;
    }
    if (role == ACT_ROLE_ITEM && n->child_count > 0) {
        uint32_t child = plan->children.ptr[n->first_child];
        if (plan->nodes.ptr[child].role == ACT_ROLE_ITEM)
            return child;
    }
    return ACT_NODE_NONE;
}

uint32_t
act_plan_next(const struct act_plan *plan, uint32_t root, uint32_t node, uint32_t *depth)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    if (n->child_count > 0) {
        if (depth)
            ++*depth;
        return plan->children.ptr[n->first_child];
    }
    while (node != root) {
        n = &plan->nodes.ptr[node];
        const struct act_plan_node *parent = &plan->nodes.ptr[n->parent];
        if (n->index + 1 < parent->child_count)
            return plan->children.ptr[parent->first_child + n->index + 1];
        node = n->parent;
        if (depth)
            --*depth;
    }
    return ACT_NODE_NONE;
}

uint32_t *
act_plan_users(const struct act_plan *plan)
{
    uint32_t *users = act_zalloc(plan->nodes.len, sizeof(*users));
    memset(users, 0xFF, plan->nodes.len * sizeof(*users));
    for (uint32_t i = plan->nodes.len; i-- > 0;) {
        const uint32_t *target = act_plan_attr(plan, i, ACT_ATTR_TARGET);
        if (target)
            users[*target] = i;
    }
    return users;
}

static void
case_step(struct act_buf *out, const struct act_plan *plan, const struct act_plan_node *n)
{
    const struct act_value *cases = act_plan_literal(plan, n->parent, ACT_ATTR_CASES);
    act_buf_add_cstr(out, "cases.");
    if (cases && n->index < act_value_len(cases))
        act_value_text(out, act_value_at(cases, n->index));
}

static void
item_step(struct act_buf *out, const struct act_plan *plan, const struct act_plan_node *n)
{
    enum act_kind kind = (enum act_kind)plan->nodes.ptr[n->parent].kind;
    if (kind == ACT_KIND_SWITCH) {
        case_step(out, plan, n);
    } else if (kind == ACT_KIND_DAG && n->id != ACT_NODE_NONE) {
        act_buf_add_cstr(out, "dag.");
        act_buf_add_str(out, act_plan_text(plan, n->id));
    } else {
        act_buf_add_cstr(out, act_kind_key(kind));
        act_buf_add_byte(out, '[');
        act_buf_add_u64(out, n->index);
        act_buf_add_byte(out, ']');
    }
}

void
act_plan_step(struct act_buf *out, const struct act_plan *plan, uint32_t node)
{
    static const char *const names[] = {
        [ACT_ROLE_DEFAULT] = "default", [ACT_ROLE_THEN] = "then", [ACT_ROLE_ELSE] = "else",
        [ACT_ROLE_DO] = "do",           [ACT_ROLE_BODY] = "try",  [ACT_ROLE_CATCH] = "catch",
        [ACT_ROLE_FINALLY] = "finally", [ACT_ROLE_UNDO] = "undo",
    };
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    switch ((enum act_role)n->role) {
    case ACT_ROLE_ROOT: return;
    case ACT_ROLE_ITEM: item_step(out, plan, n); return;
    case ACT_ROLE_MEMBERS:
        act_buf_add_cstr(out, act_kind_key((enum act_kind)plan->nodes.ptr[n->parent].kind));
        return;
    case ACT_ROLE_DEFAULT:
    case ACT_ROLE_THEN:
    case ACT_ROLE_ELSE:
    case ACT_ROLE_DO:
    case ACT_ROLE_BODY:
    case ACT_ROLE_CATCH:
    case ACT_ROLE_FINALLY:
    case ACT_ROLE_UNDO: act_buf_add_cstr(out, names[n->role]); return;
    }
}

void
act_plan_path(struct act_buf *out, const struct act_plan *plan, uint32_t node)
{
    ACT_VEC(uint32_t) up = {0};
    for (uint32_t at = node; at != ACT_NODE_NONE; at = plan->nodes.ptr[at].parent)
        act_vec_push(&up, at);
    for (uint32_t i = up.len; i-- > 0;) {
        if (i + 2 < up.len)
            act_buf_add_byte(out, '.');
        act_plan_step(out, plan, up.ptr[i]);
    }
    act_vec_fini(&up);
}
