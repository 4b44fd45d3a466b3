/* What each kind makes of its own key: a script, a condition, a list to go over. */
#include "dsl/lower_making.h"

#include <stdio.h>

/* ---- run */

static void
put_shell(struct act_lower *l, struct act_making *m)
{
    const struct act_shell_use *shell = m->inside.shell;
    if (shell && shell->argv)
        act_attr_put_literal(l, m, ACT_ATTR_SHELL, act_value_retain(shell->argv));
}

static struct act_cell
lower_binding(struct act_lower *l, struct act_making *m, const struct act_tree *tree,
              const struct act_shell_hole *hole)
{
    if (hole->refused) {
        struct act_diag *d =
            ACT_ERROR(l, "shell-code", act_text_span(l, tree, hole->open, hole->close - hole->open),
                      "%s", hole->refused);
        if (hole->help)
            ACT_HELP(l, d, "%s", hole->help);
        if (hole->end == SIZE_MAX)
            return act_cell_failed();
    }
    struct act_cell cell = act_lower_expr(l, &m->place, tree, hole->begin, hole->end);
    if (hole->integer) {
        struct act_expr_id value = {act_cell_expr(l, cell)};
        cell.constant = NULL;
        cell.expr = act_expr_add(&l->plan->exprs, ACT_OP_INTEGER, 0, 0, &value, 1, 0).v;
    }
    return cell;
}

static void
lower_holes(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    enum act_shell shell = m->inside.shell ? m->inside.shell->kind : ACT_SHELL_SH;
    act_shell_holes holes = {0};
    ACT_VEC(struct act_str) names = {0};
    ACT_VEC(struct act_cell) cells = {0};
    struct act_buf script = {0};
    act_shell_rewrite(tree->text, shell, &script, &holes);
    for (uint32_t i = 0; i < holes.len; i++) {
        act_vec_push(&cells, lower_binding(l, m, tree, &holes.ptr[i]));
        act_vec_push(&names, act_arena_printf(l->arena, "ACTANT_V%u", i + 1));
    }
    act_attr_put_literal(l, m, ACT_ATTR_SCRIPT, act_value_string(act_buf_str(&script)));
    if (holes.len)
        act_attr_put_cell(l, m, ACT_ATTR_BINDINGS,
                          act_cells_map(l, names.ptr, cells.ptr, cells.len));
    act_vec_fini(&holes);
    act_vec_fini(&names);
    act_vec_fini(&cells);
    act_buf_fini(&script);
}

static void
lower_run(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    if (!act_tree_is_text(tree)) {
        struct act_diag *d = act_wrong_type(l, tree, "run", "a script");
        if (tree->type == ACT_TREE_LIST)
            ACT_HELP(l, d, "commands one after another are a `chain`; an argv is `exec`");
        else
            ACT_HELP(l, d, "write the command beside it, or `run: |` and a script below");
        return;
    }
    if (act_has_hole(tree))
        lower_holes(l, m, tree);
    else
        act_attr_put_literal(l, m, ACT_ATTR_SCRIPT, act_value_string(tree->text));
    put_shell(l, m);
}

/* ---- the other leaves */

static void
lower_exec(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    if (tree->type == ACT_TREE_LIST && tree->count > 0) {
        act_attr_put_cell(l, m, ACT_ATTR_SUBJECT,
                          act_lower_text_list(l, &m->place, tree, "exec", true));
        return;
    }
    struct act_cell cell = act_cell_failed();
    if (tree->type == ACT_TREE_SCALAR && act_has_hole(tree)) {
        act_cell_drop(&cell);
        cell = act_lower_value(l, &m->place, tree);
    }
    if (!cell.failed && !act_guess_no_list(cell.guess) && !cell.constant) {
        act_attr_put_cell(l, m, ACT_ATTR_SUBJECT, cell);
        return;
    }
    act_cell_drop(&cell);
    struct act_diag *d = act_wrong_type(l, tree, "exec", "a list with the program first");
    if (tree->type == ACT_TREE_SCALAR && tree->text.len)
        ACT_HELP(l, d, "write `exec: [program, argument]`; a command line is `run`");
}

/* left and right of the separator, both not empty: module:function */
static void
lower_function(struct act_lower *l, struct act_making *m, const struct act_tree *tree,
               const char *separator, const char *shape)
{
    const char *key = act_kind_key(m->kind);
    if (!act_tree_is_text(tree)) {
        act_wrong_type(l, tree, key, shape);
        return;
    }
    if (!act_check_plain(l, tree, key))
        return;
    ptrdiff_t at = act_str_find(tree->text, act_str(separator));
    if (at <= 0 || (size_t)at + 1 == tree->text.len ||
        act_str_find(tree->text, ACT_STR(" ")) >= 0) {
        struct act_diag *d = ACT_ERROR(l, "wrong-value", tree->span, "'%.*s' is no %s",
                                       ACT_STR_ARG(tree->text), shape);
        ACT_HELP(l, d, "write `%s: %s`", key, shape);
        return;
    }
    act_attr_put_literal(l, m, ACT_ATTR_TARGET_NAME, act_value_string(tree->text));
    if (m->kind == ACT_KIND_CALL)
        act_lower_call_target(l, m, tree, (size_t)at);
}

static bool
is_signal_name(struct act_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c >= 0x80;
        if (!word && !(i > 0 && strchr("-.:/@+", c)))
            return false;
    }
    return text.len > 0 && text.len <= 200;
}

static void
lower_signal_name(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    const char *key = act_kind_key(m->kind);
    if (!act_tree_is_text(tree)) {
        act_wrong_type(l, tree, key, "the name of a signal");
        return;
    }
    struct act_cell cell = act_lower_text(l, &m->place, tree);
    if (cell.constant && !cell.failed && !is_signal_name(act_value_as_str(cell.constant))) {
        struct act_diag *d =
            ACT_ERROR(l, "bad-signal", tree->span, "'%.*s' cannot be the name of a signal",
                      (int)(tree->text.len > 60 ? 60 : tree->text.len), tree->text.ptr);
        ACT_HELP(l, d, "a name holds letters, digits and _, and after the first - . : / @ +");
    }
    act_attr_put_cell(l, m, ACT_ATTR_SIGNAL_NAME, cell);
}

static void
lower_wait(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    const struct act_tree_pair *params = m->keys.at[ACT_WORD_PARAMS];
    const struct act_tree_pair *approve = m->keys.at[ACT_WORD_APPROVE];
    lower_signal_name(l, m, tree);
    if (params && !m->job)
        act_attr_put_literal(l, m, ACT_ATTR_PARAMS, act_lower_params(l, params->value));
    if (!approve)
        return;
    struct act_cell who;
    if (approve->value->type == ACT_TREE_LIST) {
        who = act_lower_text_list(l, &m->place, approve->value, "approve", true);
        if (approve->value->count == 0)
            ACT_HELP(l, ACT_ERROR(l, "empty-node", approve->value->span, "nobody may approve"),
                     "write who may: [ann, bob]");
    } else if (act_tree_is_text(approve->value)) {
        who = act_lower_value(l, &m->place, approve->value);
        if (who.constant && !who.failed) { /* one name alone */
            struct act_value *list = act_value_list();
            act_value_list_add(list, act_value_string(approve->value->text));
            act_cell_drop(&who);
            who = act_cell_constant(list);
        }
    } else {
        act_wrong_type(l, approve->value, "approve", "a list of who may");
        return;
    }
    act_attr_put_cell(l, m, ACT_ATTR_APPROVE, who);
}

static void
lower_fail(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    struct act_cell cell = tree->type == ACT_TREE_SCALAR && tree->scalar != ACT_SCALAR_NULL
                               ? act_lower_text(l, &m->place, tree)
                               : act_lower_value(l, &m->place, tree);
    if (tree->type == ACT_TREE_LIST || act_tree_is_null(tree)) {
        struct act_diag *d = act_wrong_type(l, tree, "fail", "a message or a mapping");
        ACT_HELP(l, d, "write `fail: what went wrong`, or `fail: {message: …, type: …}`");
    }
    act_attr_put_cell(l, m, ACT_ATTR_SUBJECT, cell);
}

static void
add_cancel(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    if (!act_tree_is_text(tree))
        act_wrong_type(l, tree, "cancel", "ids");
    else if (act_check_plain(l, tree, "cancel"))
        act_vec_push(&l->cancels, ((struct act_cancel){m->node, m->own.box, tree}));
}

static void
lower_cancel(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    uint32_t count = tree->type == ACT_TREE_LIST ? tree->count : 1;
    if (count == 0)
        ACT_HELP(l, ACT_ERROR(l, "empty-node", tree->span, "no id is named here"),
                 "write the ids of the nodes to end: [a, b]");
    for (uint32_t i = 0; i < count; i++)
        add_cancel(l, m, tree->type == ACT_TREE_LIST ? tree->items[i] : tree);
    act_attr_put_literal(l, m, ACT_ATTR_CANCEL_TARGETS, act_value_list());
}

void
act_lower_subject(struct act_lower *l, struct act_making *m)
{
    const struct act_tree *tree = act_kind_tree(m);
    switch (m->kind) {
    case ACT_KIND_RUN: lower_run(l, m, tree); return;
    case ACT_KIND_EXEC: lower_exec(l, m, tree); return;
    case ACT_KIND_PLUGIN:
    case ACT_KIND_PYTHON:
    case ACT_KIND_CALL:
        lower_function(l, m, tree, m->kind == ACT_KIND_CALL ? "." : ":",
                       m->kind == ACT_KIND_CALL     ? "actor.method"
                       : m->kind == ACT_KIND_PYTHON ? "module:function"
                                                    : "library:task");
        return;
    case ACT_KIND_SLEEP:
        act_lower_duration(l, m, &m->place, act_kind_pair(m), ACT_ATTR_SUBJECT);
        return;
    case ACT_KIND_WAIT: lower_wait(l, m, tree); return;
    case ACT_KIND_SIGNAL: lower_signal_name(l, m, tree); return;
    case ACT_KIND_VALUE:
    case ACT_KIND_RETURN:
        act_attr_put_cell(l, m, ACT_ATTR_SUBJECT, act_lower_value(l, &m->place, tree));
        return;
    case ACT_KIND_FAIL: lower_fail(l, m, tree); return;
    case ACT_KIND_CANCEL: lower_cancel(l, m, tree); return;
    case ACT_KIND_IF: act_lower_if(l, m, &m->place, tree); return;
    case ACT_KIND_SWITCH: act_lower_switch(l, m, tree); return;
    case ACT_KIND_FOR:
        act_enter_loop(l, m);
        act_lower_for(l, m, tree);
        return;
    case ACT_KIND_MATRIX:
        act_enter_loop(l, m);
        act_lower_matrix(l, m, tree);
        return;
    case ACT_KIND_WHILE:
    case ACT_KIND_UNTIL:
        act_enter_loop(l, m);
        act_lower_while(l, m, tree);
        return;
    case ACT_KIND_CHAIN:
    case ACT_KIND_GROUP:
    case ACT_KIND_CHORD:
    case ACT_KIND_RACE:
    case ACT_KIND_DAG:
    case ACT_KIND_TRY:
    case ACT_KIND_TASK:
    case ACT_KIND_WORKFLOW: return;
    }
}
