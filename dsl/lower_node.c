/* A tree → a plan node: which kind it is, which keys it may have, its attributes and its children. */
#include "dsl/lower.h"

#include "base/assert.h"
#include "dsl/hints.h"
#include "dsl/lower_arguments.h"

#define KIND_BIT(kind) (1u << (uint32_t)(kind))

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

/* ---- keys */

static void
read_keys(struct act_making *m, const struct act_key_info *rows)
{
    const struct act_tree *tree = m->tree;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        const struct act_key_info *info = act_grammar_key(pair->key);
        if (!info) {
            m->keys.unknown += !act_str_starts(pair->key, ACT_STR("x-"));
            continue;
        }
        uint32_t word = (uint32_t)(info - rows);
        if (!m->keys.at[word])
            m->keys.list[m->keys.count++] = (uint8_t)word;
        m->keys.at[word] = pair;
    }
}

static void
two_kinds(struct act_lower *l, const struct act_making *m, enum act_word first,
          enum act_word second)
{
    const struct act_tree_pair *a = m->keys.at[first], *b = m->keys.at[second];
    struct act_diag *d =
        ACT_ERROR(l, "two-kinds", b->key_span, "two kinds in one node: `%s` and `%s`",
                  l->rows[first].key, l->rows[second].key);
    act_diag_related(l->diags, d, a->key_span, "`%s` stands here", l->rows[first].key);
    if (first == ACT_WORD_IF || second == ACT_WORD_IF)
        ACT_HELP(l, d, "`if` with `then` is a kind; without `then` it guards the other one");
    else
        ACT_HELP(l, d, "make them two nodes of a `chain` or a `group`");
}

/* 0 if there is none, or more than can be told apart. */
static enum act_kind
find_kind(struct act_lower *l, struct act_making *m)
{
    enum act_word first = ACT_WORD_COUNT;
    for (uint32_t i = 0; i < m->keys.count; i++) {
        enum act_word word = (enum act_word)m->keys.list[i];
        if (!l->rows[word].kind || (word == ACT_WORD_IF && !m->keys.at[ACT_WORD_THEN]))
            continue;
        if (first != ACT_WORD_COUNT)
            two_kinds(l, m, first, word);
        else
            first = word;
    }
    return first == ACT_WORD_COUNT ? (enum act_kind)0 : l->rows[first].kind;
}

static void
unknown_key(struct act_lower *l, const struct act_tree_pair *pair, enum act_kind kind,
            bool *kind_meant)
{
    struct act_diag *d = ACT_ERROR(l, "unknown-key", pair->key_span, "there is no key '%.*s'",
                                   ACT_STR_ARG(pair->key));
    const char *near = act_grammar_nearest(pair->key, (uint32_t)kind);
    if (!near && kind)
        near = act_grammar_nearest(pair->key, 0);
    const struct act_key_info *info = near ? act_grammar_key(act_str(near)) : NULL;
    if (near)
        ACT_HELP(l, d, "did you mean `%s`?", near);
    else
        ACT_HELP(l, d, "keys that begin with `x-` are ignored");
    *kind_meant |= info && info->kind;
}

static void
unknown_keys(struct act_lower *l, struct act_making *m, bool *kind_meant)
{
    for (uint32_t i = 0; i < m->tree->count && m->keys.unknown; i++) {
        const struct act_tree_pair *pair = &m->tree->pairs[i];
        if (!act_grammar_key(pair->key) && !act_str_starts(pair->key, ACT_STR("x-")))
            unknown_key(l, pair, m->kind, kind_meant);
    }
}

static const char *
companion_of(enum act_word word)
{
    switch ((int)word) {
    case ACT_WORD_THEN:
    case ACT_WORD_ELSE: return "if";
    case ACT_WORD_CASES:
    case ACT_WORD_DEFAULT: return "switch";
    case ACT_WORD_DO: return "for`, `matrix`, `while` or `until";
    case ACT_WORD_AS: return "for";
    case ACT_WORD_CATCH:
    case ACT_WORD_FINALLY: return "try";
    case ACT_WORD_MAX: return "while` or `until";
    case ACT_WORD_FRESH:
    case ACT_WORD_APPROVE: return "wait";
    case ACT_WORD_TO: return "signal";
    default: return NULL;
    }
}

static void
missing_kind(struct act_lower *l, struct act_making *m)
{
    struct act_str text;
    struct act_span span = m->tree->span;
    if (m->keys.unknown && act_hint_text_as_mapping(&l->out->sources, m->tree, &text, &span)) {
        struct act_diag *d =
            ACT_ERROR(l, "text-as-mapping", span, "YAML takes this command for a mapping");
        struct act_str quoted = act_hint_quoted(l->arena, text);
        if (quoted.len)
            ACT_HELP(l, d, "quote it: %.*s", ACT_STR_ARG(quoted));
        else
            ACT_HELP(l, d, "write it as a block: `run: |` and the command on the next line");
        return;
    }
    bool meant = false;
    unknown_keys(l, m, &meant);
    m->keys.unknown = 0;
    if (meant)
        return;
    if (m->keys.count)
        span = m->keys.at[m->keys.list[0]]->key_span;
    struct act_diag *d = ACT_ERROR(l, "missing-kind", span, "this node does not say what it does");
    for (uint32_t i = 0; i < m->keys.count; i++) {
        const char *owner = companion_of((enum act_word)m->keys.list[i]);
        if (owner) {
            ACT_HELP(l, d, "`%s` stands beside `%s`", l->rows[m->keys.list[i]].key, owner);
            return;
        }
    }
    if (m->keys.at[ACT_WORD_IF])
        ACT_HELP(l, d, "`if` needs `then`, or beside it what it guards: `run`, `task`, …");
    else
        ACT_HELP(l, d, "one of its keys is its kind: `run`, `chain`, `group`, `dag`, `task`, …");
}

static void
misplaced(struct act_lower *l, struct act_making *m, enum act_word word,
          const struct act_tree_pair *pair)
{
    const char *key = l->rows[word].key, *owner = companion_of(word);
    struct act_diag *d;
    if (l->rows[word].top_only || word == ACT_WORD_PARAMS) {
        d = ACT_ERROR(l, "misplaced-key", pair->key_span, "`%s` stands only at the top of the file",
                      key);
        if (word == ACT_WORD_PARAMS)
            ACT_HELP(l, d, "a `tasks` entry and a `wait` may have `params`, too");
        else
            ACT_HELP(l, d, "move it there: it is about the whole file");
        return;
    }
    d = ACT_ERROR(l, "misplaced-key", pair->key_span, "`%s` means nothing on `%s`", key,
                  act_kind_key(m->kind));
    uint32_t kinds = l->rows[word].kinds;
    if (owner) {
        ACT_HELP(l, d, "it stands beside `%s`", owner);
        return;
    }
    struct act_buf list = {0};
    for (uint32_t k = 1, shown = 0; k < 32 && shown < 8; k++) {
        if (!(kinds & KIND_BIT(k)))
            continue;
        act_buf_printf(&list, "%s`%s`", shown++ ? ", " : "", act_kind_key((enum act_kind)k));
    }
    if (list.len)
        ACT_HELP(l, d, "it stands on %s", list.ptr);
    act_buf_fini(&list);
}

static bool
may_stand(const struct act_lower *l, const struct act_making *m, enum act_word word)
{
    const struct act_key_info *row = &l->rows[word];
    bool top = m->job && !m->job->task;
    if (row->kinds & KIND_BIT(m->kind))
        return true;
    if (word == ACT_WORD_PARAMS)
        return m->job != NULL;
    return row->top_only && top;
}

static void
check_keys(struct act_lower *l, struct act_making *m)
{
    bool meant = false;
    for (uint32_t i = 0; i < m->keys.count; i++) {
        enum act_word word = (enum act_word)m->keys.list[i];
        const struct act_tree_pair *pair = m->keys.at[word];
        if (l->rows[word].kind && word != ACT_WORD_IF) {
            if (l->rows[word].kind != m->kind)
                m->keys.at[word] = NULL; /* a second kind, reported */
            continue;
        }
        if (word == ACT_WORD_NEEDS && !m->dag) {
            struct act_diag *d = ACT_ERROR(l, "misplaced-key", pair->key_span,
                                           "`needs` stands only on the nodes of a `dag`");
            ACT_HELP(l, d, "a `chain` is ordered by itself; for more make it `dag: {id: node, …}`");
        } else if (word == ACT_WORD_ID && m->dag) {
            struct act_diag *d =
                ACT_ERROR(l, "misplaced-key", pair->key_span, "a dag's node is called by its key");
            ACT_HELP(l, d, "leave `id` out: it is nodes.%.*s", ACT_STR_ARG(m->dag->key));
            m->keys.at[word] = NULL;
        } else if (!may_stand(l, m, word)) {
            misplaced(l, m, word, pair);
            m->keys.at[word] = NULL;
        }
    }
    unknown_keys(l, m, &meant);
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
        read_keys(m, l->rows);
        return find_kind(l, m);
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
            missing_kind(l, m);
        return m->node;
    }
    if (tree->type == ACT_TREE_MAP)
        check_keys(l, m);
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
