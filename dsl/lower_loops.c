/* Conditions, switches and loops: what their own key says. */
#include "dsl/lower_making.h"

struct act_cell
act_lower_if(struct act_lower *l, struct act_making *m, const struct act_place *place,
             const struct act_tree *tree)
{
    struct act_cell cell = act_lower_condition(l, place, tree, act_kind_key(m->kind));
    const struct act_value *choices = cell.choices;
    bool failed = cell.failed;
    uint32_t expr = act_cell_expr(l, cell);
    act_attr_put(&m->attrs, ACT_ATTR_SUBJECT, expr);
    m->if_true = act_expr_facts(l, expr, true, m->own.facts);
    m->if_false = act_expr_facts(l, expr, false, m->own.facts);
    return (struct act_cell){.expr = expr, .choices = choices, .failed = failed};
}

static struct act_value *
lower_cases(struct act_lower *l, const struct act_tree *cases, const struct act_value *choices)
{
    struct act_value *keys = act_value_list();
    struct act_map seen = {0};
    for (uint32_t i = 0; i < cases->count; i++) {
        const struct act_tree_pair *pair = &cases->pairs[i];
        char *folded = act_arena_alloc(l->arena, pair->key.len + 1);
        for (size_t k = 0; k < pair->key.len; k++) {
            char c = pair->key.ptr[k];
            folded[k] = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
        }
        struct act_str key = {folded, pair->key.len};
        const uint64_t *other = act_map_get(&seen, key);
        if (other) {
            struct act_diag *d = ACT_ERROR(l, "duplicate-case", pair->key_span,
                                           "the case '%.*s' stands twice", ACT_STR_ARG(pair->key));
            act_diag_related(l->diags, d, cases->pairs[*other].key_span, "it equals this one");
            ACT_HELP(l, d, "`==` takes no notice of upper and lower case");
        }
        act_map_put(&seen, key, i);
        act_check_key(l, pair);
        struct act_value *v = act_value_string(pair->key);
        if (choices)
            act_check_choice(l, choices, v, pair->key_span, act_choices_name(l, choices));
        act_value_list_add(keys, v);
    }
    act_map_fini(&seen);
    return keys;
}

void
act_lower_switch(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    const struct act_tree_pair *cases = m->keys.at[ACT_WORD_CASES];
    struct act_cell subject = act_lower_if(l, m, &m->place, tree);
    if (!cases) {
        struct act_diag *d =
            ACT_ERROR(l, "missing-key", act_kind_pair(m)->key_span, "`switch` has no `cases`");
        ACT_HELP(l, d, "add `cases: {text: node, …}`");
    } else if (cases->value->type != ACT_TREE_MAP) {
        act_wrong_type(l, cases->value, "cases", "a mapping from text to node");
        m->keys.at[ACT_WORD_CASES] = NULL;
    } else {
        if (cases->value->count == 0)
            ACT_HELP(l, ACT_ERROR(l, "empty-node", cases->value->span, "there is no case here"),
                     "write at least one: {text: node}");
        act_attr_put_literal(l, m, ACT_ATTR_CASES, lower_cases(l, cases->value, subject.choices));
    }
}

bool
act_guess_no_list(enum act_guess guess)
{
    return guess == ACT_GUESS_TEXT || guess == ACT_GUESS_NUMBER || guess == ACT_GUESS_BOOL ||
           guess == ACT_GUESS_MAP;
}

static const char *
guess_name(enum act_guess guess)
{
    return guess == ACT_GUESS_TEXT     ? "text"
           : guess == ACT_GUESS_NUMBER ? "a number"
           : guess == ACT_GUESS_BOOL   ? "a boolean"
                                       : "a mapping";
}

static void
no_list(struct act_lower *l, struct act_span span, const char *what, const struct act_tree *tree)
{
    struct act_diag *d =
        ACT_ERROR(l, "for-text", span, "a `for` goes over a list, and this is %s", what);
    if (tree->type == ACT_TREE_MAP)
        ACT_HELP(l, d, "keys(…) and values(…) make a list of a mapping");
    else if (tree->scalar == ACT_SCALAR_NUMBER)
        ACT_HELP(l, d, "range(%.*s) counts", ACT_STR_ARG(tree->text));
    else
        ACT_HELP(l, d,
                 "`output: lines` or `output: json` on the task makes a list of its output; so do "
                 "split(…) and fromJSON(…)");
}

static void
check_list(struct act_lower *l, const struct act_cell *cell, const struct act_tree *tree)
{
    enum act_guess guess = cell->guess;
    if (cell->failed)
        return;
    if (cell->constant) {
        enum act_type type = act_value_type(cell->constant);
        if (type == ACT_LIST)
            return;
        guess = type == ACT_MAP      ? ACT_GUESS_MAP
                : type == ACT_BOOL   ? ACT_GUESS_BOOL
                : type == ACT_STRING ? ACT_GUESS_TEXT
                                     : ACT_GUESS_NUMBER;
        if (type == ACT_NULL) {
            no_list(l, tree->span, "null", tree);
            return;
        }
    }
    if (act_guess_no_list(guess))
        no_list(l, tree->span, guess_name(guess), tree);
    for (uint32_t i = l->refs.len; guess == ACT_GUESS_NODE_RESULT && i-- > 0;) {
        if (l->refs.ptr[i].expr != cell->expr)
            continue;
        l->refs.ptr[i].for_list = true;
        return;
    }
}

static void
name_item(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *as = m->keys.at[ACT_WORD_AS];
    struct act_item_name *item = act_arena_alloc(l->arena, sizeof(*item));
    item->next = m->inside.items;
    item->name = ACT_STR("item");
    item->loop = m->node;
    if (as && !act_tree_is_text(as->value)) {
        act_wrong_type(l, as->value, "as", "a name");
    } else if (as && act_check_plain(l, as->value, "as")) {
        struct act_str name = as->value->text;
        bool context = act_scope_is_context(name);
        if (!act_is_id(name)) {
            struct act_diag *d =
                ACT_ERROR(l, "bad-id", as->value->span, "'%.*s' is no name", ACT_STR_ARG(name));
            ACT_HELP(l, d, "a name begins with a letter or _ and holds letters, digits, _ and -");
        } else if (context || act_scope_item(&m->inside, name)) {
            struct act_diag *d = ACT_ERROR(l, "hidden-name", as->value->span,
                                           context ? "'%.*s' hides the context of that name"
                                                   : "'%.*s' hides the item of a `for` around",
                                           ACT_STR_ARG(name));
            ACT_HELP(l, d, "give it another name");
        }
        item->name = name;
        act_attr_put_literal(l, m, ACT_ATTR_AS, act_value_string(name));
    }
    m->inside.items = item;
}

void
act_lower_for(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    struct act_cell cell;
    if (tree->type == ACT_TREE_LIST) {
        cell = act_lower_value(l, &m->place, tree);
    } else if (tree->type == ACT_TREE_MAP) {
        no_list(l, tree->span, "a mapping", tree);
        cell = act_cell_failed();
    } else {
        cell = act_lower_condition(l, &m->place, tree, "for");
        check_list(l, &cell, tree);
    }
    act_attr_put_cell(l, m, ACT_ATTR_SUBJECT, cell);
    name_item(l, m);
}

static void
lower_max(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *max = m->keys.at[ACT_WORD_MAX];
    if (!max)
        return;
    if (act_tree_is_text(max->value) && act_str_is(max->value->text, "none"))
        act_attr_put_cell(l, m, ACT_ATTR_MAX, act_cell_constant(act_value_null()));
    else
        act_lower_integer(l, m, &m->place, max, ACT_ATTR_MAX, 1, INT64_C(1000000000000000));
}

void
act_lower_while(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    /* Tested between turns, it sees the loop; `until`, tested after one, that turn's ids, too. */
    struct act_around around = m->own;
    struct act_place place = {.around = &around, .node = m->node};
    around.loop = true;
    around.prev_is_text = false;
    if (m->kind == ACT_KIND_UNTIL) {
        around.box = m->inside.box;
        place.when = ACT_WHEN_TURN;
    }
    act_lower_if(l, m, &place, tree);
    lower_max(l, m);
}

void
act_enter_loop(struct act_lower *l, struct act_making *m)
{
    m->inside.box = act_box_create(l, m->own.box);
    m->inside.loop = true;
    m->inside.prev_is_text = false;
}
