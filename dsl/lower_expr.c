/* One expression: parsed, names resolved to contexts, what can be known now checked, constants folded. */
#include "dsl/lower_expr.h"

#include "base/assert.h"

struct act_span
act_text_span(const struct act_lower *l, const struct act_tree *tree, size_t offset, size_t length)
{
    return act_tree_text_span(&l->out->sources, tree, offset, length);
}

size_t
act_name_offset(const struct act_tree *tree, size_t from, struct act_str name)
{
    struct act_str text = tree->text;
    for (size_t at = from; name.len && at + name.len <= text.len; at++) {
        char before = at > 0 ? text.ptr[at - 1] : '.';
        char after = at + name.len < text.len ? text.ptr[at + name.len] : '.';
        bool begins = strchr(". '[", before) && before;
        bool ends = !(after == '_' || after == '-' || (after >= '0' && after <= '9') ||
                      ((after | 32) >= 'a' && (after | 32) <= 'z'));
        if (begins && ends && memcmp(text.ptr + at, name.ptr, name.len) == 0)
            return at;
    }
    return from;
}

/* ---- comparisons with a value that cannot be */

static bool
is_choice(const struct act_value *choices, const struct act_value *v)
{
    struct act_buf a = {0}, b = {0};
    bool found = false;
    act_value_text(&a, v);
    for (uint32_t i = 0; i < act_value_len(choices) && !found; i++) {
        act_buf_clear(&b);
        act_value_text(&b, act_value_at(choices, i));
        found = act_str_ieq(act_buf_str(&a), act_buf_str(&b)) ||
                act_value_equal(v, act_value_at(choices, i));
    }
    act_buf_fini(&a);
    act_buf_fini(&b);
    return found;
}

const char *
act_choices_name(const struct act_lower *l, const struct act_value *choices)
{
    return choices == l->statuses ? "a node's status"
           : choices == l->causes ? "the cause of an error"
                                  : "this parameter";
}

void
act_check_choice(struct act_lower *l, const struct act_value *choices, const struct act_value *v,
                 struct act_span span, const char *what)
{
    if (act_value_type(v) == ACT_NULL || is_choice(choices, v))
        return;
    struct act_buf text = {0}, list = {0};
    struct act_str names[64];
    uint32_t count = 0;
    act_value_text(&text, v);
    for (uint32_t i = 0; i < act_value_len(choices); i++) {
        const struct act_value *one = act_value_at(choices, i);
        act_buf_add_cstr(&list, i ? ", " : "");
        act_value_text(&list, one);
        if (act_value_type(one) == ACT_STRING && count < 64)
            names[count++] = act_value_as_str(one);
    }
    struct act_diag *d = ACT_ERROR(l, "never-equal", span, "%s is never '%.*s'", what,
                                   (int)(text.len > 80 ? 80 : text.len), act_buf_str(&text).ptr);
    struct act_str best = act_nearest(act_buf_str(&text), names, count);
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "it is one of %.*s", (int)(list.len > 400 ? 400 : list.len),
                 act_buf_str(&list).ptr);
    act_buf_fini(&text);
    act_buf_fini(&list);
}

static void
check_comparison(struct act_expr_work *w, const struct act_expr_node *e)
{
    for (uint32_t k = 0; k < 2; k++) {
        const struct act_value *choices = act_note_of(w, act_operand(w, e, k))->choices;
        uint32_t other = act_operand(w, e, 1 - k);
        const struct act_expr_node *o = &w->pool->nodes.ptr[other];
        if (!choices || o->op != ACT_OP_LITERAL)
            continue;
        const struct act_value *v = w->pool->literals.ptr[o->a];
        bool text = act_value_type(v) == ACT_STRING;
        size_t length = text ? act_value_as_str(v).len + 2 : 1;
        act_check_choice(w->l, choices, v, act_expr_span(w, other, length),
                         act_choices_name(w->l, choices));
    }
}

/* ---- what is known of each node */

static bool
is_function(uint8_t function, const char *names)
{
    const char *name = act_expr_function(function)->name;
    const char *at = strstr(names, name);
    size_t len = strlen(name);
    return at && (at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == 0);
}

static bool
is_constant(struct act_expr_work *w, const struct act_expr_node *e)
{
    /* What reads the world, and what makes much of little, is left for the run. */
    if (e->op == ACT_OP_CONTEXT || e->op == ACT_OP_NAME ||
        (e->op == ACT_OP_CALL && is_function(e->aux, "now date hashFiles range")))
        return false;
    for (uint32_t k = 0; k < e->argc; k++)
        if (!act_note_of(w, act_operand(w, e, k))->constant)
            return false;
    return true;
}

static enum act_guess
guess_of(struct act_expr_work *w, const struct act_expr_node *e)
{
    switch ((enum act_op)e->op) {
    case ACT_OP_NOT:
    ACT_CASES_COMPARE:
        return ACT_GUESS_BOOL;
    case ACT_OP_NEGATE:
    ACT_CASES_ARITHMETIC:
        return ACT_GUESS_NUMBER;
    case ACT_OP_CALL:
        return is_function(e->aux, "format join toJSON replace")             ? ACT_GUESS_TEXT
               : is_function(e->aux, "contains startsWith endsWith matches") ? ACT_GUESS_BOOL
               : is_function(e->aux, "length")                               ? ACT_GUESS_NUMBER
               : is_function(e->aux, "split range keys values")              ? ACT_GUESS_LIST
                                                                             : ACT_GUESS_ANY;
    case ACT_OP_LITERAL:
        switch (act_value_type(w->pool->literals.ptr[e->a])) {
        case ACT_STRING: return ACT_GUESS_TEXT;
        case ACT_BOOL: return ACT_GUESS_BOOL;
        case ACT_INT:
        case ACT_REAL:
        case ACT_DIGITS: return ACT_GUESS_NUMBER;
        case ACT_NULL:
        case ACT_LIST:
        case ACT_MAP:
        case ACT_REF: return ACT_GUESS_ANY;
        }
        return ACT_GUESS_ANY;
    case ACT_OP_NAME:
    case ACT_OP_CONTEXT:
    case ACT_OP_MEMBER:
    case ACT_OP_INDEX:
    case ACT_OP_FILTER:
    case ACT_OP_AND:
    case ACT_OP_OR:
    case ACT_OP_CONCAT:
    case ACT_OP_LIST:
    case ACT_OP_SPREAD:
    case ACT_OP_MAP:
    case ACT_OP_CALLER:
    case ACT_OP_INTEGER: break;
    }
    return ACT_GUESS_ANY;
}

/* A regular expression that is written out is checked where it stands. */
static void
check_pattern(struct act_expr_work *w, const struct act_expr_node *e)
{
    struct act_error err = {0};
    if (!is_function(e->aux, "matches capture replace") || e->argc < 2)
        return;
    uint32_t operand = act_operand(w, e, 1);
    const struct act_expr_node *pattern = &w->pool->nodes.ptr[operand];
    if (pattern->op != ACT_OP_LITERAL ||
        act_value_type(w->pool->literals.ptr[pattern->a]) != ACT_STRING)
        return;
    struct act_str text = act_literal_text(w, pattern->a);
    if (act_pattern_check(text, &err) == ACT_OK)
        return;
    w->failed = true;
    act_bad_pattern(w->l, act_expr_span(w, operand, text.len + 2), &err);
}

static void
resolve_node(struct act_expr_work *w, uint32_t node)
{
    struct act_expr_node *e = &w->pool->nodes.ptr[node];
    struct act_expr_note *note = act_note_of(w, node);
    *note = (struct act_expr_note){.constant = is_constant(w, e), .guess = (uint8_t)guess_of(w, e)};
    if (e->op == ACT_OP_NAME) {
        act_resolve_name(w, node);
    } else if (e->op == ACT_OP_MEMBER) {
        act_resolve_member(w, node, act_operand(w, e, 0), act_literal_text(w, e->a));
    } else if (e->op == ACT_OP_INDEX) {
        const struct act_expr_node *index = &w->pool->nodes.ptr[act_operand(w, e, 1)];
        bool text = index->op == ACT_OP_LITERAL &&
                    act_value_type(w->pool->literals.ptr[index->a]) == ACT_STRING;
        if (text)
            act_resolve_member(w, node, act_operand(w, e, 0), act_literal_text(w, index->a));
    } else if (e->op == ACT_OP_EQ || e->op == ACT_OP_NE) {
        check_comparison(w, e);
    } else if (e->op == ACT_OP_CALL) {
        check_pattern(w, e);
    }
}

/* A context that is only whole with a member: nodes.ID, secrets.NAME, env.NAME. */
static void
check_open(struct act_expr_work *w, uint32_t node)
{
    static const char *const names[] = {"", "nodes", "secrets", "env"};
    static const char *const wanted[] = {"", "nodes.ID.result", "secrets.NAME", "env.NAME"};
    uint8_t open = act_note_of(w, node)->open;
    if (open == ACT_OPEN_NONE)
        return;
    w->failed = true;
    struct act_diag *d = ACT_ERROR(w->l, "expression", act_expr_span(w, node, strlen(names[open])),
                                   "`%s` is read by a name that is written out", names[open]);
    ACT_HELP(w->l, d, "write %s", wanted[open]);
}

/* What holds where each operand is evaluated: `a && b` evaluates b only if a holds. */
static void
spread_facts(struct act_expr_work *w, uint32_t node)
{
    const struct act_expr_node *e = &w->pool->nodes.ptr[node];
    const struct act_expr_note *note = act_note_of(w, node);
    const struct act_fact *facts = note->facts;
    bool call_default = e->op == ACT_OP_CALL && is_function(e->aux, "default");
    bool call_case = e->op == ACT_OP_CALL && is_function(e->aux, "case");
    for (uint32_t k = 0; k < e->argc; k++) {
        uint32_t child = act_operand(w, e, k);
        struct act_expr_note *c = act_note_of(w, child);
        c->facts = facts;
        c->defaulted = note->defaulted || (call_default && k == 0);
        if (e->op == ACT_OP_AND || e->op == ACT_OP_OR)
            facts = act_expr_facts(w->l, child, e->op == ACT_OP_AND, facts);
        if (call_case && k % 2 == 1)
            c->facts = act_expr_facts(w->l, act_operand(w, e, k - 1), true, facts);
    }
}

static uint32_t
status_bit(struct act_str status)
{
    return act_str_ieq(status, ACT_STR("succeeded"))   ? ACT_STATUS_BIT_SUCCEEDED
           : act_str_ieq(status, ACT_STR("failed"))    ? ACT_STATUS_BIT_FAILED
           : act_str_ieq(status, ACT_STR("skipped"))   ? ACT_STATUS_BIT_SKIPPED
           : act_str_ieq(status, ACT_STR("cancelled")) ? ACT_STATUS_BIT_CANCELLED
                                                       : ACT_STATUS_BIT_OTHER;
}

static const struct act_fact *
comparison_fact(struct act_lower *l, const struct act_expr_node *e, bool holds,
                const struct act_fact *facts)
{
    const struct act_expr_pool *pool = &l->plan->exprs;
    for (uint32_t k = 0; k < 2; k++) {
        const struct act_expr_node *a = &pool->nodes.ptr[pool->args.ptr[e->first + k]];
        const struct act_expr_node *b = &pool->nodes.ptr[pool->args.ptr[e->first + 1 - k]];
        if (a->op != ACT_OP_CONTEXT || a->aux != ACT_CTX_NODE_STATUS || b->op != ACT_OP_LITERAL ||
            act_value_type(pool->literals.ptr[b->a]) != ACT_STRING)
            continue;
        uint32_t bit = status_bit(act_value_as_str(pool->literals.ptr[b->a]));
        struct act_fact *fact = act_arena_alloc(l->arena, sizeof(*fact));
        fact->next = facts;
        fact->id = l->refs.ptr[a->a].id;
        fact->statuses = (e->op == ACT_OP_EQ) == holds ? bit
                         : bit == ACT_STATUS_BIT_OTHER ? (uint32_t)ACT_STATUS_BIT_ALL
                                                       : ACT_STATUS_BIT_ALL & ~bit;
        return fact;
    }
    return facts;
}

/* As deep as an expression may be (expr.h); no deeper. */
const struct act_fact *
act_expr_facts(struct act_lower *l, uint32_t expr, bool holds, const struct act_fact *facts)
{
    const struct act_expr_pool *pool = &l->plan->exprs;
    const struct act_expr_node *e = &pool->nodes.ptr[expr];
    if (e->op == ACT_OP_NOT)
        return act_expr_facts(l, pool->args.ptr[e->first], !holds, facts);
    if (e->op == ACT_OP_EQ || e->op == ACT_OP_NE)
        return comparison_fact(l, e, holds, facts);
    if ((e->op == ACT_OP_AND && holds) || (e->op == ACT_OP_OR && !holds))
        for (uint32_t k = 0; k < e->argc; k++)
            facts = act_expr_facts(l, pool->args.ptr[e->first + k], holds, facts);
    return facts;
}

/* ---- the whole */

static void
roll_back(struct act_expr_work *w)
{
    struct act_expr_pool *pool = w->pool;
    while (pool->literals.len > w->literals)
        act_value_release(act_vec_pop(&pool->literals));
    pool->nodes.len = w->nodes;
    pool->offsets.len = w->nodes;
    pool->args.len = w->args;
    w->l->refs.len = w->refs;
}

static void
report_problem(struct act_expr_work *w, size_t begin, const struct act_expr_problem *problem)
{
    const char *code = strncmp(problem->message, "there is no function", 20) == 0
                           ? "unknown-function"
                       : strstr(problem->message, "arguments for") ? "argument-count"
                                                                   : "expression";
    size_t length = problem->length ? problem->length : 1;
    struct act_diag *d =
        ACT_ERROR(w->l, code, act_text_span(w->l, w->tree, begin + problem->offset, length), "%s",
                  problem->message);
    if (problem->help[0])
        ACT_HELP(w->l, d, "%s", problem->help);
    else
        ACT_HELP(w->l, d,
                 "operators are ! * / %% + - < <= > >= == != && ||; text stands in single quotes");
}

static struct act_cell
finish(struct act_expr_work *w, uint32_t root)
{
    struct act_cell cell = {.expr = root, .secret = w->secret};
    const struct act_expr_note *note = act_note_of(w, root);
    struct act_value *v = NULL;
    struct act_expr_env env = {0};
    struct act_error err;
    if (note->constant &&
        act_expr_eval(w->pool, (struct act_expr_id){root}, &env, &v, &err) == ACT_OK) {
        roll_back(w);
        return act_cell_constant(v);
    }
    cell.guess = (enum act_guess)note->guess;
    cell.choices = note->choices;
    for (uint8_t k = 0; k < w->place->levels; k++) {
        struct act_expr_id inner = {cell.expr};
        cell.expr =
            act_expr_add(w->pool, ACT_OP_CALLER, 0, 0, &inner, 1, w->pool->offsets.ptr[root]).v;
    }
    return cell;
}

struct act_cell
act_lower_expr(struct act_lower *l, const struct act_place *place, const struct act_tree *tree,
               size_t begin, size_t end)
{
    struct act_expr_pool *pool = &l->plan->exprs;
    struct act_expr_work w = {.l = l, .place = place, .tree = tree, .pool = pool};
    w.nodes = pool->nodes.len;
    w.args = pool->args.len;
    w.literals = pool->literals.len;
    w.refs = l->refs.len;
    struct act_expr_id id;
    struct act_expr_problem problem = {0};
    struct act_str text = act_str_n(tree->text.ptr + begin, end - begin);
    if (act_expr_parse(pool, text, (uint32_t)begin, &id, &problem) != ACT_OK) {
        roll_back(&w);
        report_problem(&w, begin, &problem);
        return act_cell_failed();
    }
    while (l->notes.cap < pool->nodes.len - w.nodes)
        l->notes.ptr =
            act_vec_grow(l->notes.ptr, l->notes.cap, &l->notes.cap, sizeof(*l->notes.ptr));
    for (uint32_t i = w.nodes; i <= id.v; i++)
        resolve_node(&w, i);
    for (uint32_t i = w.nodes; i <= id.v; i++)
        check_open(&w, i);
    if (w.failed) {
        roll_back(&w);
        return act_cell_failed();
    }
    act_note_of(&w, id.v)->facts = place->around->facts;
    for (uint32_t i = id.v + 1; i-- > w.nodes;)
        spread_facts(&w, i);
    for (uint32_t i = w.refs; i < l->refs.len; i++) {
        const struct act_expr_note *note = act_note_of(&w, l->refs.ptr[i].expr);
        l->refs.ptr[i].facts = note->facts;
        l->refs.ptr[i].defaulted = note->defaulted;
    }
    return finish(&w, id.v);
}
