/* YAML with ${{ }} in it → one expression, or a constant if there is none. */
#include "dsl/lower.h"

struct act_cell
act_cell_constant(struct act_value *v)
{
    return (struct act_cell){.constant = v, .expr = ACT_EXPR_NONE};
}

struct act_cell
act_cell_failed(void)
{
    return (struct act_cell){.constant = act_value_null(), .expr = ACT_EXPR_NONE, .failed = true};
}

void
act_cell_drop(struct act_cell *cell)
{
    act_value_release(cell->constant);
    cell->constant = NULL;
}

/* Small constants recur (a timeout, the names in `env`): the last one of each hash is used again. The
 * pool may have been rolled back since, so what is remembered is looked at before it is believed. */
static bool
small_hash(const struct act_value *v, uint32_t *ret)
{
    enum act_type type = act_value_type(v);
    if (type == ACT_INT)
        *ret = (uint32_t)act_value_as_int(v) * 2654435761u;
    else if (type == ACT_STRING && act_value_as_str(v).len <= 40)
        *ret = (uint32_t)act_str_hash(act_value_as_str(v));
    else
        return false;
    return true;
}

static bool
is_literal(const struct act_expr_pool *pool, uint32_t expr, const struct act_value *v)
{
    if (expr >= pool->nodes.len || pool->nodes.ptr[expr].op != ACT_OP_LITERAL)
        return false;
    const struct act_value *has = pool->literals.ptr[pool->nodes.ptr[expr].a];
    return act_value_type(has) == act_value_type(v) && act_value_equal(has, v);
}

uint32_t
act_cell_expr(struct act_lower *l, struct act_cell cell)
{
    struct act_expr_pool *pool = &l->plan->exprs;
    uint32_t hash;
    if (!cell.constant)
        return cell.expr;
    bool small = small_hash(cell.constant, &hash);
    struct act_constant *known = small ? &l->constants[hash >> 16 & (ACT_CONSTANTS - 1)] : NULL;
    if (small && known->hash == hash && is_literal(pool, known->expr, cell.constant)) {
        act_value_release(cell.constant);
        return known->expr;
    }
    uint32_t literal = act_expr_literal(pool, cell.constant);
    uint32_t expr = act_expr_add(pool, ACT_OP_LITERAL, 0, literal, NULL, 0, 0).v;
    if (small)
        *known = (struct act_constant){hash, expr};
    return expr;
}

bool
act_has_hole(const struct act_tree *scalar)
{
    const char *at = scalar->text.ptr, *end = at + scalar->text.len;
    while (end - at >= 3 && (at = memchr(at, '$', (size_t)(end - at) - 2)) != NULL) {
        if (at[1] == '{' && at[2] == '{')
            return true;
        at++;
    }
    return false;
}

bool
act_tree_is_null(const struct act_tree *tree)
{
    return tree->type == ACT_TREE_SCALAR && tree->scalar == ACT_SCALAR_NULL;
}

bool
act_tree_is_text(const struct act_tree *tree)
{
    return tree->type == ACT_TREE_SCALAR && tree->scalar != ACT_SCALAR_NULL;
}

const char *
act_tree_type_name(const struct act_tree *tree)
{
    if (tree->type == ACT_TREE_LIST)
        return "a list";
    if (tree->type == ACT_TREE_MAP)
        return "a mapping";
    return tree->scalar == ACT_SCALAR_NULL     ? "nothing"
           : tree->scalar == ACT_SCALAR_BOOL   ? "a boolean"
           : tree->scalar == ACT_SCALAR_NUMBER ? "a number"
                                               : "text";
}

/* What to write instead, where the caller has nothing better to say. */
static const char *
shape_help(struct act_str wanted)
{
    static const struct {
        const char *wanted, *help;
    } rows[] = {
        {"a duration", "write a number and a unit, the largest first: 250ms, 90s, 1h30m, 2d"},
        {"a list of nodes", "begin each node with `- ` on a line of its own"},
        {"a list", "write its items in brackets, [a, b], or each after `- `"},
        {"a mapping", "write it in braces, {name: value}, or one `name: value` a line"},
        {"ids", "write one id, or several in brackets: [a, b]"},
        {"a number", "write it beside the key: 3"},
        {"true or false", "write `true` or `false`, without quotes"},
        {"an expression", "write what is to be calculated: params.n > 1 && prev"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (act_str_starts(wanted, act_str(rows[i].wanted)))
            return rows[i].help;
    return "write it beside the key, in quotes if YAML takes it for something else";
}

struct act_diag *
act_wrong_type(struct act_lower *l, const struct act_tree *tree, const char *key,
               const char *wanted)
{
    bool empty = tree->type != ACT_TREE_SCALAR && tree->count == 0;
    struct act_diag *d = ACT_ERROR(l, "wrong-type", tree->span, "`%s` wants %s, not %s", key,
                                   wanted, empty ? "an empty one" : act_tree_type_name(tree));
    ACT_HELP(l, d, "%s", shape_help(act_str(wanted)));
    return d;
}

bool
act_check_plain(struct act_lower *l, const struct act_tree *tree, const char *key)
{
    if (!act_has_hole(tree))
        return true;
    ptrdiff_t at = act_str_find(tree->text, ACT_STR("${{"));
    struct act_diag *d = ACT_ERROR(l, "expression-here", act_text_span(l, tree, (size_t)at, 3),
                                   "`%s` holds no expressions", key);
    ACT_HELP(l, d, "write it out: it must be known before the workflow runs");
    return false;
}

/* ---- text with holes */

typedef ACT_VEC(struct act_expr_id) expr_list;

static void
flush_text(struct act_lower *l, expr_list *parts, struct act_buf *text)
{
    if (text->len == 0)
        return;
    struct act_cell cell = act_cell_constant(act_value_string(act_buf_str(text)));
    act_vec_push(parts, ((struct act_expr_id){act_cell_expr(l, cell)}));
    act_buf_clear(text);
}

static void
unclosed(struct act_lower *l, const struct act_tree *tree, size_t open)
{
    struct act_diag *d =
        ACT_ERROR(l, "expression", act_text_span(l, tree, open, 3), "this `${{` is not closed");
    ACT_HELP(l, d, "it ends with `}}`; a text that holds `${{` itself is ${{ '${{' }}");
}

static struct act_cell
lower_holes(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    struct act_cell whole = {.expr = ACT_EXPR_NONE, .guess = ACT_GUESS_TEXT};
    expr_list parts = {0};
    struct act_buf text = {0};
    size_t at = 0, open, begin, end, done = 0;
    while (!whole.failed && act_expr_next(tree->text, &at, &open, &begin, &end)) {
        if (end == SIZE_MAX) {
            unclosed(l, tree, open);
            whole.failed = true;
            break;
        }
        struct act_cell cell = act_lower_expr(l, place, tree, begin, end);
        if (open == 0 && at == tree->text.len) { /* alone it keeps its type */
            act_buf_fini(&text);
            return cell;
        }
        act_buf_add(&text, tree->text.ptr + done, open - done);
        done = at;
        whole.secret |= cell.secret;
        whole.failed |= cell.failed;
        if (cell.constant) {
            act_value_text(&text, cell.constant);
            act_cell_drop(&cell);
        } else {
            flush_text(l, &parts, &text);
            act_vec_push(&parts, ((struct act_expr_id){cell.expr}));
        }
    }
    act_buf_add(&text, tree->text.ptr + done, tree->text.len - done);
    if (parts.len == 0) {
        whole.constant = act_value_string(act_buf_str(&text));
    } else {
        flush_text(l, &parts, &text);
        whole.expr = act_expr_add(&l->plan->exprs, ACT_OP_CONCAT, 0, 0, parts.ptr, parts.len, 0).v;
    }
    act_vec_fini(&parts);
    act_buf_fini(&text);
    return whole;
}

struct act_cell
act_lower_text(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    if (act_has_hole(tree))
        return lower_holes(l, place, tree);
    struct act_cell cell = act_cell_constant(act_value_string(tree->text));
    cell.guess = ACT_GUESS_TEXT;
    return cell;
}

/* ---- lists and mappings */

struct gathered {
    ACT_VEC(struct act_cell) cells;
    bool constant, secret, failed;
};

static void
gather(struct gathered *g, struct act_cell cell)
{
    g->constant &= cell.constant != NULL;
    g->secret |= cell.secret;
    g->failed |= cell.failed;
    act_vec_push(&g->cells, cell);
}

static struct act_cell
gathered_list(struct act_lower *l, struct gathered *g)
{
    struct act_cell whole = {.expr = ACT_EXPR_NONE, .guess = ACT_GUESS_LIST};
    whole.secret = g->secret;
    whole.failed = g->failed;
    if (g->constant) {
        whole.constant = act_value_list();
        for (uint32_t i = 0; i < g->cells.len; i++)
            act_value_list_add(whole.constant, g->cells.ptr[i].constant);
    } else {
        act_vec_clear(&l->ids);
        for (uint32_t i = 0; i < g->cells.len; i++)
            act_vec_push(&l->ids, ((struct act_expr_id){act_cell_expr(l, g->cells.ptr[i])}));
        whole.expr = act_expr_add(&l->plan->exprs, ACT_OP_LIST, 0, 0, l->ids.ptr, l->ids.len, 0).v;
    }
    act_vec_fini(&g->cells);
    return whole;
}

struct act_cell
act_cells_map(struct act_lower *l, const struct act_str *keys, const struct act_cell *cells,
              uint32_t count)
{
    struct act_cell whole = {.expr = ACT_EXPR_NONE, .guess = ACT_GUESS_MAP};
    bool constant = true;
    for (uint32_t i = 0; i < count; i++) {
        constant &= cells[i].constant != NULL;
        whole.secret |= cells[i].secret;
        whole.failed |= cells[i].failed;
    }
    if (constant) {
        whole.constant = act_value_map();
        for (uint32_t i = 0; i < count; i++)
            act_value_map_put(whole.constant, keys[i], cells[i].constant);
        return whole;
    }
    act_vec_clear(&l->ids);
    for (uint32_t i = 0; i < count; i++) {
        struct act_cell key = act_cell_constant(act_value_string(keys[i]));
        act_vec_push(&l->ids, ((struct act_expr_id){act_cell_expr(l, key)}));
        act_vec_push(&l->ids, ((struct act_expr_id){act_cell_expr(l, cells[i])}));
    }
    whole.expr = act_expr_add(&l->plan->exprs, ACT_OP_MAP, 0, 0, l->ids.ptr, l->ids.len, 0).v;
    return whole;
}

bool
act_check_key(struct act_lower *l, const struct act_tree_pair *pair)
{
    if (act_str_find(pair->key, ACT_STR("${{")) < 0)
        return true;
    struct act_diag *d =
        ACT_ERROR(l, "expression-here", pair->key_span, "a key holds no expressions");
    ACT_HELP(l, d, "make the mapping in one expression: ${{ fromJSON(format('…', …)) }}");
    return false;
}

static struct act_cell
lower_map(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    ACT_VEC(struct act_str) keys = {0};
    ACT_VEC(struct act_cell) cells = {0};
    for (uint32_t i = 0; i < tree->count; i++) {
        if (!act_check_key(l, &tree->pairs[i]))
            continue;
        act_vec_push(&keys, tree->pairs[i].key);
        act_vec_push(&cells, act_lower_value(l, place, tree->pairs[i].value));
    }
    struct act_cell whole = act_cells_map(l, keys.ptr, cells.ptr, cells.len);
    act_vec_fini(&keys);
    act_vec_fini(&cells);
    return whole;
}

/* As deep as the tree, which the reader bounds. */
struct act_cell
act_lower_value(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    if (tree->type == ACT_TREE_LIST) {
        struct gathered g = {.constant = true};
        for (uint32_t i = 0; i < tree->count; i++)
            gather(&g, act_lower_value(l, place, tree->items[i]));
        return gathered_list(l, &g);
    }
    if (tree->type == ACT_TREE_MAP)
        return lower_map(l, place, tree);
    if (act_has_hole(tree))
        return lower_holes(l, place, tree);
    struct act_cell cell = act_cell_constant(act_tree_scalar_value(tree));
    cell.guess = tree->scalar == ACT_SCALAR_STRING ? ACT_GUESS_TEXT : ACT_GUESS_ANY;
    return cell;
}

/* An element that is one `${{ list }}` stands for its items. */
static struct act_cell
spread_cell(struct act_lower *l, struct act_cell cell, const struct act_tree *item)
{
    bool alone = act_has_hole(item) && !cell.failed && l->plan->exprs.nodes.len > 0;
    if (cell.constant || !alone || l->plan->exprs.nodes.ptr[cell.expr].op == ACT_OP_CONCAT ||
        act_guess_no_list(cell.guess))
        return cell;
    struct act_expr_id id = {cell.expr};
    cell.expr = act_expr_add(&l->plan->exprs, ACT_OP_SPREAD, 0, 0, &id, 1, 0).v;
    return cell;
}

struct act_cell
act_lower_text_list(struct act_lower *l, const struct act_place *place, const struct act_tree *tree,
                    const char *key, bool spread)
{
    struct gathered g = {.constant = true};
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree *item = tree->items[i];
        if (item->type == ACT_TREE_SCALAR) {
            bool empty = item->scalar == ACT_SCALAR_NULL && item->span.length == 0;
            struct act_cell cell =
                empty ? act_cell_constant(act_value_cstring("")) : act_lower_text(l, place, item);
            gather(&g, spread ? spread_cell(l, cell, item) : cell);
            continue;
        }
        act_wrong_type(l, item, key, "text in its list");
        gather(&g, act_cell_failed());
    }
    return gathered_list(l, &g);
}

/* ---- conditions */

static struct act_cell
around_expression(struct act_lower *l, const struct act_tree *tree, size_t begin, size_t end,
                  const char *what)
{
    struct act_diag *d =
        ACT_ERROR(l, "text-around-expression", act_text_span(l, tree, begin, end - begin),
                  "`%s` is one expression, without text around it", what);
    ACT_HELP(l, d, "write all of it inside one ${{ }}, or without: `%s: params.n > 1 && prev`",
             what);
    return act_cell_failed();
}

struct act_cell
act_lower_condition(struct act_lower *l, const struct act_place *place, const struct act_tree *tree,
                    const char *what)
{
    if (!act_tree_is_text(tree)) {
        struct act_diag *d = act_wrong_type(l, tree, what, "an expression");
        if (tree->type == ACT_TREE_MAP && tree->flow)
            ACT_HELP(l, d, "quote it, or leave the braces out: `%s: params.n > 1`", what);
        return act_cell_failed();
    }
    if (tree->scalar != ACT_SCALAR_STRING)
        return act_cell_constant(act_tree_scalar_value(tree));
    struct act_str text = act_str_trim(tree->text);
    size_t first = (size_t)(text.ptr - tree->text.ptr), last = first + text.len;
    if (!act_has_hole(tree))
        return act_lower_expr(l, place, tree, first, last);
    size_t at = 0, open = 0, begin = 0, end = 0;
    act_expr_next(tree->text, &at, &open, &begin, &end);
    if (end == SIZE_MAX) {
        unclosed(l, tree, open);
        return act_cell_failed();
    }
    if (open > first)
        return around_expression(l, tree, first, open, what);
    if (at < last)
        return around_expression(l, tree, at, last, what);
    return act_lower_expr(l, place, tree, begin, end);
}
