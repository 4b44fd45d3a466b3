/* The children of each kind, in the order that plan.h states, and its undo. */
#include "dsl/lower_making.h"

static void
reserve(struct act_lower *l, struct act_making *m, uint32_t count)
{
    struct act_plan *plan = l->plan;
    count += m->keys.at[ACT_WORD_UNDO] != NULL;
    plan->nodes.ptr[m->node].first_child = plan->children.len;
    plan->nodes.ptr[m->node].child_count = count;
    for (uint32_t i = 0; i < count; i++)
        act_vec_push(&plan->children, ACT_NODE_NONE);
}

/* Is what comes out of node text (or null)? before: what went in. */
static bool
gives_text(const struct act_lower *l, uint32_t node, bool before)
{
    const struct act_plan_node *n = &l->plan->nodes.ptr[node];
    bool guarded = act_plan_attr(l->plan, node, ACT_ATTR_GUARD) != NULL;
    if (n->kind == ACT_KIND_SLEEP || n->kind == ACT_KIND_SIGNAL || n->kind == ACT_KIND_CANCEL)
        return before;
    if (n->kind != ACT_KIND_RUN && n->kind != ACT_KIND_EXEC)
        return false;
    return !act_plan_attr(l->plan, node, ACT_ATTR_OUTPUT) && (!guarded || before);
}

static void
empty(struct act_lower *l, const struct act_making *m, const struct act_tree *tree)
{
    struct act_diag *d = ACT_ERROR(l, "empty-node", tree->span, "there is nothing in this `%s`",
                                   act_kind_key(m->kind));
    if (m->kind == ACT_KIND_DAG)
        ACT_HELP(l, d, "write at least one node: `dag: {build: make}`");
    else if (m->kind == ACT_KIND_RACE)
        ACT_HELP(l, d, "write at least one node: nobody can win this race");
    else
        ACT_HELP(l, d, "a node that does nothing is `value: null`");
}

static void
check_quorum(struct act_lower *l, struct act_making *m, uint32_t members)
{
    const struct act_value *v;
    struct act_expr_id quorum = act_plan_expr(l->plan, m->node, ACT_ATTR_QUORUM);
    const struct act_tree_pair *pair = m->keys.at[ACT_WORD_QUORUM];
    int64_t n;
    if (quorum.v == ACT_EXPR_NONE || !pair ||
        l->plan->exprs.nodes.ptr[quorum.v].op != ACT_OP_LITERAL)
        return;
    v = l->plan->exprs.literals.ptr[l->plan->exprs.nodes.ptr[quorum.v].a];
    if (act_value_is_number(v) && act_value_to_int(v, &n) && n > (int64_t)members)
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", pair->value->span, "a quorum of %lld, of %u members",
                           (long long)n, members),
                 "the most is %u, the number of its members", members);
}

static void
lower_items(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    if (tree->type != ACT_TREE_LIST) {
        struct act_diag *d = act_wrong_type(l, tree, act_kind_key(m->kind), "a list of nodes");
        if (tree->type == ACT_TREE_MAP && m->kind != ACT_KIND_RACE)
            ACT_HELP(l, d, "begin each node with `- `; nodes by name are a `dag`");
        reserve(l, m, 0);
        return;
    }
    if (tree->count == 0 && m->kind != ACT_KIND_GROUP)
        empty(l, m, tree);
    reserve(l, m, tree->count);
    struct act_around around = m->inside;
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t node = act_lower_node(l, &around, tree->items[i], m->node, ACT_ROLE_ITEM, i, NULL);
        if (m->kind == ACT_KIND_CHAIN)
            around.prev_is_text = gives_text(l, node, around.prev_is_text);
    }
    if (m->kind != ACT_KIND_CHAIN)
        check_quorum(l, m, tree->count);
}

static void
lower_dag(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    uint32_t count = 0, index = 0;
    if (tree->type != ACT_TREE_MAP) {
        struct act_diag *d = act_wrong_type(l, tree, "dag", "a mapping from id to node");
        if (tree->type == ACT_TREE_LIST)
            ACT_HELP(l, d, "nodes without names are a `group` or a `chain`");
        reserve(l, m, 0);
        return;
    }
    for (uint32_t i = 0; i < tree->count; i++)
        count += !act_str_starts(tree->pairs[i].key, ACT_STR("x-"));
    if (count == 0)
        empty(l, m, tree);
    reserve(l, m, count);
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        if (!act_str_starts(pair->key, ACT_STR("x-")))
            act_lower_node(l, &m->inside, pair->value, m->node, ACT_ROLE_ITEM, index++, pair);
    }
    act_lower_needs(l, m->node, m->inside.box, tree);
}

static void
lower_race(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    if (tree->type != ACT_TREE_MAP) {
        lower_items(l, m, tree);
        return;
    }
    reserve(l, m, 1);
    uint32_t node = act_lower_node(l, &m->inside, tree, m->node, ACT_ROLE_MEMBERS, 0, NULL);
    enum act_kind kind = (enum act_kind)l->plan->nodes.ptr[node].kind;
    if (kind == ACT_KIND_FOR || kind == ACT_KIND_MATRIX)
        return;
    struct act_diag *d = ACT_ERROR(l, "wrong-type", l->spans.ptr[node],
                                   "a race is over a list of nodes, or over one `for` or `matrix`");
    if (kind == ACT_KIND_GROUP)
        ACT_HELP(l, d, "write the group's list beside `race`");
    else
        ACT_HELP(l, d, "one node alone needs no race; several are `race: [node, node]`");
}

static void
missing(struct act_lower *l, struct act_making *m, const char *key, const char *help)
{
    struct act_diag *d = ACT_ERROR(l, "missing-key", act_kind_pair(m)->key_span, "`%s` has no `%s`",
                                   act_kind_key(m->kind), key);
    ACT_HELP(l, d, "%s", help);
}

static void
lower_branches(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *yes = m->keys.at[ACT_WORD_THEN], *no = m->keys.at[ACT_WORD_ELSE];
    struct act_around around = m->inside;
    reserve(l, m, no ? 2 : 1);
    around.facts = m->if_true;
    act_lower_node(l, &around, yes->value, m->node, ACT_ROLE_THEN, 0, NULL);
    around.facts = m->if_false;
    if (no)
        act_lower_node(l, &around, no->value, m->node, ACT_ROLE_ELSE, 1, NULL);
}

static void
lower_cases(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *cases = m->keys.at[ACT_WORD_CASES];
    const struct act_tree_pair *other = m->keys.at[ACT_WORD_DEFAULT];
    uint32_t count = cases ? cases->value->count : 0;
    reserve(l, m, count + (other ? 1 : 0));
    for (uint32_t i = 0; i < count; i++)
        act_lower_node(l, &m->inside, cases->value->pairs[i].value, m->node, ACT_ROLE_ITEM, i,
                       NULL);
    if (other)
        act_lower_node(l, &m->inside, other->value, m->node, ACT_ROLE_DEFAULT, count, NULL);
}

static void
lower_do(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *body = m->keys.at[ACT_WORD_DO];
    struct act_around around = m->inside;
    reserve(l, m, body ? 1 : 0);
    if (m->kind == ACT_KIND_WHILE && m->if_true)
        around.facts = m->if_true;
    if (body)
        act_lower_node(l, &around, body->value, m->node, ACT_ROLE_DO, 0, NULL);
    else
        missing(l, m, "do", "add `do:` and the node to repeat");
}

static void
lower_try(struct act_lower *l, struct act_making *m, const struct act_tree *body)
{
    const struct act_tree_pair *caught = m->keys.at[ACT_WORD_CATCH];
    const struct act_tree_pair *last = m->keys.at[ACT_WORD_FINALLY];
    struct act_around around = m->inside;
    uint32_t index = 1;
    if (!caught && !last)
        missing(l, m, "catch", "add `catch:`, `finally:` or both");
    reserve(l, m, 1 + (caught ? 1u : 0) + (last ? 1u : 0));
    act_lower_node(l, &around, body, m->node, ACT_ROLE_BODY, 0, NULL);
    around.error = true;
    if (caught)
        act_lower_node(l, &around, caught->value, m->node, ACT_ROLE_CATCH, index++, NULL);
    if (last)
        act_lower_node(l, &around, last->value, m->node, ACT_ROLE_FINALLY, index, NULL);
}

/* ---- chord: {group: …} or {for: …, do: …} or {matrix: …, do: …}, and then */

bool
act_word_is_of_members(enum act_word word)
{
    return word == ACT_WORD_QUORUM || word == ACT_WORD_COLLECT || word == ACT_WORD_FAIL_FAST ||
           word == ACT_WORD_PARALLEL;
}

static void
check_chord_key(struct act_lower *l, const struct act_tree_pair *pair)
{
    if (act_str_starts(pair->key, ACT_STR("x-")))
        return;
    const struct act_key_info *row = act_grammar_key(pair->key);
    struct act_diag *d =
        ACT_ERROR(l, row ? "misplaced-key" : "unknown-key", pair->key_span,
                  row ? "`%.*s` means nothing inside of `chord`" : "there is no key '%.*s'",
                  ACT_STR_ARG(pair->key));
    struct act_str known[] = {ACT_STR("group"), ACT_STR("for"), ACT_STR("matrix"),
                              ACT_STR("do"),    ACT_STR("as"),  ACT_STR("then")};
    struct act_str best = act_nearest(pair->key, known, 6);
    if (row && !row->kind)
        ACT_HELP(l, d, "attributes stand beside `chord`");
    else if (!row && best.len)
        ACT_HELP(l, d, "did you mean `%.*s`?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "it has `group`, or `for` or `matrix` with `do`; and `then`");
}

/* Reads the keys inside of chord into m, and which kind its members make. */
static bool
read_chord(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    static const uint8_t words[] = {ACT_WORD_GROUP, ACT_WORD_FOR, ACT_WORD_MATRIX,
                                    ACT_WORD_DO,    ACT_WORD_AS,  ACT_WORD_THEN};
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        uint32_t k = 0;
        while (k < sizeof(words) && !act_str_is(pair->key, l->rows[words[k]].key))
            k++;
        if (k == sizeof(words)) {
            check_chord_key(l, pair);
            continue;
        }
        m->keys.at[words[k]] = pair;
        if (l->rows[words[k]].kind) {
            m->kind = l->rows[words[k]].kind;
            kinds++;
        }
    }
    return kinds == 1;
}

static void
lower_chord(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    struct act_making members;
    if (tree->type != ACT_TREE_MAP) {
        struct act_diag *d = act_wrong_type(l, tree, "chord", "a mapping");
        ACT_HELP(l, d, "write `chord: {group: [node, …], then: node}`");
        reserve(l, m, 0);
        return;
    }
    act_making_begin(&members, &m->inside, tree);
    if (!read_chord(l, &members, tree)) {
        struct act_diag *d = ACT_ERROR(l, "missing-key", act_kind_pair(m)->key_span,
                                       "`chord` wants one of `group`, `for` and `matrix`");
        ACT_HELP(l, d, "write `chord: {group: [node, …], then: node}`");
        reserve(l, m, 0);
        return;
    }
    const struct act_tree_pair *then = members.keys.at[ACT_WORD_THEN];
    members.keys.at[ACT_WORD_THEN] = NULL;
    for (uint32_t i = 0; i < m->keys.count; i++) {
        enum act_word word = (enum act_word)m->keys.list[i];
        if (!act_word_is_of_members(word) || !m->keys.at[word])
            continue;
        members.keys.at[word] = m->keys.at[word];
        members.keys.list[members.keys.count++] = (uint8_t)word;
    }
    members.job = m->job;
    reserve(l, m, then ? 2 : 1);
    act_lower_implicit(l, &members, m->node, 0);
    struct act_around around = m->inside;
    around.prev_is_text = false;
    if (then)
        act_lower_node(l, &around, then->value, m->node, ACT_ROLE_THEN, 1, NULL);
    else
        missing(l, m, "then",
                "add `then:` and the node that gets the list; without it, it is a `group`");
}

static void
lower_undo(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *undo = m->keys.at[ACT_WORD_UNDO];
    if (!undo)
        return;
    const struct act_tree_pair *again =
        undo->value->type == ACT_TREE_MAP ? act_tree_pair(undo->value, ACT_STR("undo")) : NULL;
    if (again)
        ACT_HELP(l,
                 ACT_ERROR(l, "misplaced-key", again->key_span,
                           "`undo` means nothing on an `undo`: what was undone stays so"),
                 "take it away; steps inside of an `undo` may have one of their own");
    struct act_around around = *m->outside;
    around.env = m->inside.env;
    around.shell = m->inside.shell;
    around.facts = m->own.facts;
    around.root = m->own.root;
    around.prev_is_text = false;
    uint32_t index = l->plan->nodes.ptr[m->node].child_count - 1;
    act_lower_node(l, &around, undo->value, m->node, ACT_ROLE_UNDO, index, NULL);
}

void
act_lower_children(struct act_lower *l, struct act_making *m)
{
    const struct act_tree *tree = act_kind_tree(m);
    switch (m->kind) {
    case ACT_KIND_CHAIN:
    case ACT_KIND_GROUP: lower_items(l, m, tree); break;
    case ACT_KIND_RACE: lower_race(l, m, tree); break;
    case ACT_KIND_DAG: lower_dag(l, m, tree); break;
    case ACT_KIND_CHORD: lower_chord(l, m, tree); break;
    case ACT_KIND_IF: lower_branches(l, m); break;
    case ACT_KIND_SWITCH: lower_cases(l, m); break;
    case ACT_KIND_FOR:
    case ACT_KIND_MATRIX:
    case ACT_KIND_WHILE:
    case ACT_KIND_UNTIL: lower_do(l, m); break;
    case ACT_KIND_TRY: lower_try(l, m, tree); break;
    case ACT_KIND_RUN:
    case ACT_KIND_EXEC:
    case ACT_KIND_PLUGIN:
    case ACT_KIND_PYTHON:
    case ACT_KIND_CALL:
    case ACT_KIND_TASK:
    case ACT_KIND_WORKFLOW:
    case ACT_KIND_SLEEP:
    case ACT_KIND_WAIT:
    case ACT_KIND_SIGNAL:
    case ACT_KIND_VALUE:
    case ACT_KIND_FAIL:
    case ACT_KIND_RETURN:
    case ACT_KIND_CANCEL: reserve(l, m, 0); break;
    }
    lower_undo(l, m);
}
