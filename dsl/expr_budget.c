/* What an evaluation may make, loading what is kept elsewhere, and values in messages. */
#include "dsl/expr_internal.h"

#include <stdio.h>

enum act_err
act_eval_items(struct act_eval *ev, uint64_t count)
{
    if (count <= ACT_EXPR_ITEMS_MAX - ev->items) {
        ev->items += count;
        return ACT_OK;
    }
    act_error_set(ev->err, ACT_ERR_LIMIT, "the expression makes lists of more than %u items",
                  ACT_EXPR_ITEMS_MAX);
    act_error_hint(ev->err, "let a loop with an index do it: loop.index counts from 0");
    return ACT_ERR_LIMIT;
}

enum act_err
act_eval_bytes(struct act_eval *ev, uint64_t count)
{
    if (count <= ACT_EXPR_BYTES_MAX - ev->bytes) {
        ev->bytes += count;
        return ACT_OK;
    }
    act_error_set(ev->err, ACT_ERR_LIMIT, "the expression makes more than %u MiB of text",
                  ACT_EXPR_BYTES_MAX >> 20);
    act_error_hint(ev->err, "let a task work on large texts: they reach it by standard input");
    return ACT_ERR_LIMIT;
}

enum act_err
act_eval_load(struct act_eval *ev, struct act_value **v)
{
    if (act_value_type(*v) != ACT_REF)
        return ACT_OK;
    struct act_value *whole;
    enum act_err code = act_value_resolve(*v, &whole, ev->err);
    if (code != ACT_OK)
        return code;
    act_value_release(*v);
    *v = whole;
    return ACT_OK;
}

enum act_err
act_eval_item(struct act_eval *ev, const struct act_value *item, struct act_value **ret)
{
    return act_value_resolve(item, ret, ev->err);
}

/* Does the expression read what may hold a secret? Then messages show no text. */
static bool
may_hold_secret(const struct act_eval *ev)
{
    ACT_VEC(uint32_t) todo = {0};
    bool found = false;
    act_vec_push(&todo, ev->root.v);
    while (todo.len && !found) {
        const struct act_expr_node *node = &ev->pool->nodes.ptr[act_vec_pop(&todo)];
        found =
            node->op == ACT_OP_CONTEXT && (node->aux == ACT_CTX_SECRET || node->aux == ACT_CTX_ENV);
        for (uint32_t i = 0; i < node->argc; i++)
            act_vec_push(&todo, ev->pool->args.ptr[node->first + i]);
    }
    act_vec_fini(&todo);
    return found;
}

const char *
act_eval_show(struct act_eval *ev, const struct act_value *v, char out[64])
{
    struct act_buf text = {0};
    struct act_str s;
    switch (act_value_type(v)) {
    case ACT_NULL: snprintf(out, 64, "null"); break;
    case ACT_BOOL: snprintf(out, 64, "%s", act_value_as_bool(v) ? "true" : "false"); break;
    case ACT_INT:
    case ACT_REAL:
    case ACT_DIGITS:
        act_value_text(&text, v);
        s = act_buf_str(&text);
        snprintf(out, 64, "%.*s", act_lex_shown(s), s.ptr);
        break;
    case ACT_STRING:
        s = act_value_as_str(v);
        if (may_hold_secret(ev))
            snprintf(out, 64, "a text");
        else if (s.len <= 40)
            snprintf(out, 64, "'%.*s'", (int)s.len, s.ptr);
        else
            snprintf(out, 64, "'%.*s…'", act_lex_shown(act_str_n(s.ptr, s.len < 50 ? s.len : 50)),
                     s.ptr);
        break;
    case ACT_LIST: snprintf(out, 64, "a list"); break;
    case ACT_MAP: snprintf(out, 64, "a mapping"); break;
    case ACT_REF: snprintf(out, 64, "a large value"); break;
    }
    act_buf_fini(&text);
    return out;
}
