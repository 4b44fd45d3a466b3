/* A tree → a plan node: which kind it is, which keys it may have, its attributes and its children. */
#include "dsl/lower.h"

#include "base/assert.h"
#include "dsl/lower_arguments.h"
#include "dsl/lower_keys.h"

/* ---- nodes and attributes */

static uint32_t
node_create(struct act_lower *l, enum act_kind kind, enum act_role role, uint32_t parent,
            uint32_t index, struct act_span span)
{
    struct act_plan *plan = l->plan;
    struct act_plan_node n = {.kind = (uint8_t)kind, .role = (uint8_t)role, .parent = parent};
    uint32_t node = plan->nodes.len;
    bool root = parent == ACT_NODE_NONE;
    n.index = index;
    n.id = ACT_NODE_NONE;
    act_vec_push(&plan->nodes, n);
    act_vec_push(&l->spans, span);
    act_vec_push(&l->depths, root ? 0 : (uint16_t)(l->depths.ptr[parent] + 1));
    if (!root)
        plan->children.ptr[plan->nodes.ptr[parent].first_child + index] = node;
    return node;
}

void
act_attr_put(struct act_attrs *attrs, enum act_attr key, uint32_t value)
{
    uint32_t at = attrs->count;
    ACT_ASSERT(at < ACT_NODE_ATTRS_MAX);
    for (; at > 0 && attrs->list[at - 1].key > (uint32_t)key; at--)
        attrs->list[at] = attrs->list[at - 1];
    if (at > 0 && attrs->list[at - 1].key == (uint32_t)key) { /* only after a mistake */
        for (; at < attrs->count; at++)
            attrs->list[at] = attrs->list[at + 1];
        return;
    }
    attrs->list[at] = (struct act_plan_attr){(uint32_t)key, value};
    attrs->count++;
}

void
act_attr_put_cell(struct act_lower *l, struct act_making *m, enum act_attr key,
                  struct act_cell cell)
{
    act_attr_put(&m->attrs, key, act_cell_expr(l, cell));
}

void
act_attr_put_literal(struct act_lower *l, struct act_making *m, enum act_attr key,
                     struct act_value *v)
{
    act_attr_put(&m->attrs, key, act_expr_literal(&l->plan->exprs, v));
}

void
act_unsupported(struct act_making *m, const char *what)
{
    struct act_buf *text = &m->attrs.unsupported;
    if (text->len)
        act_buf_add_cstr(text, ", ");
    act_buf_add_cstr(text, what);
}

static void
attrs_write(struct act_lower *l, struct act_making *m)
{
    struct act_plan *plan = l->plan;
    if (m->attrs.unsupported.len)
        act_attr_put_literal(l, m, ACT_ATTR_UNSUPPORTED,
                             act_value_string(act_buf_str(&m->attrs.unsupported)));
    act_buf_fini(&m->attrs.unsupported);
    struct act_plan_node *n = &plan->nodes.ptr[m->node];
    n->first_attr = plan->attrs.len;
    n->attr_count = m->attrs.count;
    for (uint32_t i = 0; i < m->attrs.count; i++)
        act_vec_push(&plan->attrs, m->attrs.list[i]);
}

/* ---- making */

const struct act_tree_pair *
act_kind_pair(const struct act_making *m)
{
    static const uint8_t words[] = {
        [ACT_KIND_RUN] = ACT_WORD_RUN,           [ACT_KIND_EXEC] = ACT_WORD_EXEC,
        [ACT_KIND_PLUGIN] = ACT_WORD_PLUGIN,     [ACT_KIND_PYTHON] = ACT_WORD_PYTHON,
        [ACT_KIND_CALL] = ACT_WORD_CALL,         [ACT_KIND_TASK] = ACT_WORD_TASK,
        [ACT_KIND_WORKFLOW] = ACT_WORD_WORKFLOW, [ACT_KIND_SLEEP] = ACT_WORD_SLEEP,
        [ACT_KIND_WAIT] = ACT_WORD_WAIT,         [ACT_KIND_SIGNAL] = ACT_WORD_SIGNAL,
        [ACT_KIND_VALUE] = ACT_WORD_VALUE,       [ACT_KIND_FAIL] = ACT_WORD_FAIL,
        [ACT_KIND_RETURN] = ACT_WORD_RETURN,     [ACT_KIND_CANCEL] = ACT_WORD_CANCEL,
        [ACT_KIND_CHAIN] = ACT_WORD_CHAIN,       [ACT_KIND_GROUP] = ACT_WORD_GROUP,
        [ACT_KIND_CHORD] = ACT_WORD_CHORD,       [ACT_KIND_RACE] = ACT_WORD_RACE,
        [ACT_KIND_DAG] = ACT_WORD_DAG,           [ACT_KIND_IF] = ACT_WORD_IF,
        [ACT_KIND_SWITCH] = ACT_WORD_SWITCH,     [ACT_KIND_FOR] = ACT_WORD_FOR,
        [ACT_KIND_MATRIX] = ACT_WORD_MATRIX,     [ACT_KIND_WHILE] = ACT_WORD_WHILE,
        [ACT_KIND_UNTIL] = ACT_WORD_UNTIL,       [ACT_KIND_TRY] = ACT_WORD_TRY,
    };
    return m->keys.at[words[m->kind]];
}

const struct act_tree *
act_kind_tree(const struct act_making *m)
{
    const struct act_tree_pair *pair = act_kind_pair(m);
    return pair ? pair->value : m->tree; /* a list or a scalar that is a node */
}

static void
register_id(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *pair = m->dag ? m->dag : m->keys.at[ACT_WORD_ID];
    if (!pair)
        return;
    struct act_str id = m->dag ? pair->key : pair->value->text;
    struct act_span span = m->dag ? pair->key_span : pair->value->span;
    if (!m->dag && pair->value->type != ACT_TREE_SCALAR) {
        act_wrong_type(l, pair->value, "id", "a name");
        return;
    }
    if (!act_is_id(id)) {
        struct act_diag *d = ACT_ERROR(l, "bad-id", span, "'%.*s' is no id",
                                       (int)(id.len > 80 ? 80 : id.len), id.ptr);
        ACT_HELP(l, d, "an id begins with a letter or _ and holds letters, digits, _ and -");
        if (!m->dag)
            return;
    }
    l->plan->nodes.ptr[m->node].id = act_expr_literal(&l->plan->exprs, act_value_string(id));
    l->spans.ptr[m->node] = span;
    act_box_add(l, m->outside->box, id, m->node, span);
}

static void
lower_guard(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *pair = m->keys.at[ACT_WORD_IF];
    if (!pair || m->kind == ACT_KIND_IF)
        return;
    struct act_place place = {.around = m->outside, .node = m->node};
    struct act_cell cell = act_lower_condition(l, &place, pair->value, "if");
    uint32_t expr = act_cell_expr(l, cell);
    act_attr_put(&m->attrs, ACT_ATTR_GUARD, expr);
    m->own.facts = act_expr_facts(l, expr, true, m->own.facts);
}

/* What a box says of itself. */
static void
lower_box_attrs(struct act_lower *l, struct act_making *m)
{
    const struct act_job *job = m->job;
    if (!job || m->implicit)
        return;
    if (job->task && job->task->params)
        act_attr_put_literal(l, m, ACT_ATTR_PARAMS, act_value_retain(job->task->params));
    if (!job->task && job->file == l->files.ptr[0] && job->file->retention)
        act_attr_put_literal(l, m, ACT_ATTR_RETENTION, act_value_retain(job->file->retention));
    if (job->task || job->file == l->files.ptr[0])
        return;
    act_attr_put_literal(l, m, ACT_ATTR_PARAMS, act_value_retain(job->file->params));
    act_attr_put_literal(l, m, ACT_ATTR_FOLDER, act_value_string(job->file->folder));
}

/* All but what makes it a node among others: for a chord's members, too. */
static void
make(struct act_lower *l, struct act_making *m)
{
    lower_guard(l, m);
    m->inside = m->own;
    m->place = (struct act_place){.around = &m->own, .node = m->node};
    if (m->kind == ACT_KIND_TASK || m->kind == ACT_KIND_WORKFLOW) {
        act_lower_call(l, m);
    } else {
        act_lower_env_and_shell(l, m);
        act_lower_subject(l, m);
        act_lower_attrs(l, m);
        if (m->kind == ACT_KIND_PLUGIN)
            act_check_plugin(l, m);
        else if (m->kind == ACT_KIND_CALL)
            act_check_call(l, m);
    }
    lower_box_attrs(l, m);
    attrs_write(l, m);
    act_lower_children(l, m);
}

void
act_making_begin(struct act_making *m, const struct act_around *outside,
                 const struct act_tree *tree)
{
    memset(&m->keys, 0, sizeof(m->keys));
    m->attrs.count = 0;
    m->attrs.unsupported = (struct act_buf){0};
    m->outside = outside;
    m->own = *outside;
    m->tree = tree;
    m->job = NULL;
    m->dag = NULL;
    m->if_true = m->if_false = NULL;
    m->implicit = false;
}

static enum act_kind
kind_of_tree(struct act_lower *l, struct act_making *m)
{
    if (m->tree->type == ACT_TREE_LIST)
        return ACT_KIND_CHAIN;
    if (m->tree->type == ACT_TREE_MAP) {
        act_keys_read(m, l->rows);
        return act_keys_kind(l, m);
    }
    if (m->tree->scalar != ACT_SCALAR_NULL)
        return ACT_KIND_RUN;
    struct act_diag *d = ACT_ERROR(l, "missing-kind", m->tree->span, "there is no node here");
    ACT_HELP(l, d, "write a command, a list of nodes or a mapping with a kind: `run: echo hello`");
    m->tree = NULL;
    return (enum act_kind)0;
}

/* Where the node stands for messages: its kind's key, or all of a list or a scalar. */
static struct act_span
span_of(const struct act_making *m, const struct act_tree *tree)
{
    const struct act_tree_pair *pair = m->kind ? act_kind_pair(m) : NULL;
    return pair ? pair->key_span : tree->span;
}

static uint32_t
lower(struct act_lower *l, struct act_making *m, uint32_t parent, enum act_role role,
      uint32_t index)
{
    const struct act_tree *tree = m->tree;
    m->kind = kind_of_tree(l, m);
    enum act_kind kind = m->kind ? m->kind : ACT_KIND_VALUE;
    m->node = node_create(l, kind, role, parent, index, span_of(m, tree));
    if (parent == ACT_NODE_NONE)
        m->own.root = m->node;
    register_id(l, m);
    if (!m->kind) {
        if (m->tree)
            act_keys_missing_kind(l, m);
        return m->node;
    }
    if (tree->type == ACT_TREE_MAP)
        act_keys_check(l, m);
    make(l, m);
    return m->node;
}

uint32_t
act_lower_node(struct act_lower *l, const struct act_around *around, const struct act_tree *tree,
               uint32_t parent, enum act_role role, uint32_t index, const struct act_tree_pair *dag)
{
    struct act_making m;
    act_making_begin(&m, around, tree);
    m.dag = dag;
    return lower(l, &m, parent, role, index);
}

uint32_t
act_lower_root(struct act_lower *l, const struct act_around *around, const struct act_tree *tree,
               const struct act_job *job)
{
    struct act_making m;
    act_making_begin(&m, around, tree);
    m.job = job;
    return lower(l, &m, ACT_NODE_NONE, ACT_ROLE_ROOT, 0);
}

void
act_lower_implicit(struct act_lower *l, struct act_making *m, uint32_t parent, uint32_t index)
{
    m->implicit = true;
    m->node = node_create(l, m->kind, ACT_ROLE_MEMBERS, parent, index, act_kind_pair(m)->key_span);
    make(l, m);
}
