/* Names in expressions → contexts: params, nodes.X.result, secrets.NAME, … */
#include "dsl/lower_expr.h"

static struct act_span
name_span(struct act_expr_work *w, uint32_t node, struct act_str name)
{
    size_t at = act_name_offset(w->tree, w->pool->offsets.ptr[node] + 1, name);
    return act_text_span(w->l, w->tree, at, name.len ? name.len : 1);
}

struct act_span
act_expr_span(struct act_expr_work *w, uint32_t node, size_t length)
{
    return act_text_span(w->l, w->tree, w->pool->offsets.ptr[node], length);
}

/* What node said now stands in the node above it. */
static void
bury(struct act_expr_work *w, uint32_t node)
{
    struct act_expr_node *e = &w->pool->nodes.ptr[node];
    e->op = ACT_OP_LITERAL;
    e->aux = 0;
    e->a = 0;
    e->argc = 0;
    *act_note_of(w, node) = (struct act_expr_note){.constant = true};
}

static void
make_context(struct act_expr_work *w, uint32_t node, enum act_ctx ctx, uint32_t arg)
{
    struct act_expr_node *e = &w->pool->nodes.ptr[node];
    e->op = ACT_OP_CONTEXT;
    e->aux = (uint8_t)ctx;
    e->a = arg;
    e->argc = 0;
}

/* ---- names */

void
act_resolve_name(struct act_expr_work *w, uint32_t node)
{
    static const struct {
        const char *name;
        enum act_ctx ctx;
    } plain[] = {
        {"params", ACT_CTX_PARAMS}, {"prev", ACT_CTX_PREV},   {"run", ACT_CTX_RUN},
        {"git", ACT_CTX_GIT},       {"event", ACT_CTX_EVENT},
    };
    const struct act_around *around = w->place->around;
    struct act_expr_note *note = act_note_of(w, node);
    struct act_str name = act_literal_text(w, w->pool->nodes.ptr[node].a);
    const struct act_item_name *item = act_scope_item(around, name);
    if (item) {
        make_context(w, node, ACT_CTX_ITEM, item->loop);
        return;
    }
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (act_str_ieq(name, act_str(plain[i].name))) {
            make_context(w, node, plain[i].ctx, 0);
            bool text = plain[i].ctx == ACT_CTX_PREV && around->prev_is_text &&
                        w->place->when == ACT_WHEN_START;
            note->guess = text ? ACT_GUESS_TEXT : ACT_GUESS_ANY;
            return;
        }
    }
    const char *missing = NULL;
    if (act_str_ieq(name, ACT_STR("nodes")))
        note->open = ACT_OPEN_NODES;
    else if (act_str_ieq(name, ACT_STR("secrets")))
        note->open = ACT_OPEN_SECRETS;
    else if (act_str_ieq(name, ACT_STR("env")))
        note->open = ACT_OPEN_ENV;
    else if (act_str_ieq(name, ACT_STR("loop")) && around->loop)
        make_context(w, node, ACT_CTX_LOOP, 0);
    else if (act_str_ieq(name, ACT_STR("loop")))
        missing = "`loop` is there only inside of `for`, `matrix`, `while` and `until`";
    else if (act_str_ieq(name, ACT_STR("matrix")) && around->matrix)
        make_context(w, node, ACT_CTX_MATRIX, 0);
    else if (act_str_ieq(name, ACT_STR("matrix")))
        missing = "`matrix` is there only inside of the `do` of a matrix";
    else if (act_str_ieq(name, ACT_STR("error")) && around->error)
        make_context(w, node, ACT_CTX_ERROR, 0);
    else if (act_str_ieq(name, ACT_STR("error")))
        missing =
            "`error` is there only inside of `catch` and `finally`; a node's is nodes.ID.error";
    else
        missing = "";
    if (!missing)
        return;
    w->failed = true;
    if (!*missing) {
        act_scope_unknown_name(w->l, around, name, act_expr_span(w, node, name.len));
        return;
    }
    struct act_diag *d = ACT_ERROR(w->l, "unknown-name", act_expr_span(w, node, name.len),
                                   "there is no '%.*s' here", ACT_STR_ARG(name));
    ACT_HELP(w->l, d, "%s", missing);
}

/* ---- members */

static void
unknown_member(struct act_expr_work *w, uint32_t node, struct act_str name, const char *of,
               const struct act_str *known, uint32_t count)
{
    struct act_diag *d = ACT_ERROR(w->l, "unknown-member", name_span(w, node, name),
                                   "%s has no '%.*s'", of, ACT_STR_ARG(name));
    struct act_str best = act_nearest(name, known, count);
    w->failed = true;
    if (best.len) {
        ACT_HELP(w->l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
        return;
    }
    struct act_buf list = {0};
    for (uint32_t i = 0; i < count && list.len < 300; i++)
        act_buf_printf(&list, "%s%.*s", i ? ", " : "", ACT_STR_ARG(known[i]));
    if (list.len)
        ACT_HELP(w->l, d, "it has %s", list.ptr);
    act_buf_fini(&list);
}

static void
member_of_nodes(struct act_expr_work *w, uint32_t node, uint32_t from, struct act_str id)
{
    struct act_lower *l = w->l;
    struct act_ref ref = {.expr = node, .reader = w->place->node, .box = w->place->around->box};
    ref.id = id;
    ref.tree = w->tree;
    ref.when = (uint8_t)w->place->when;
    ref.node = ACT_NODE_NONE;
    ref.offset = w->pool->offsets.ptr[node];
    make_context(w, node, ACT_CTX_NODE, l->refs.len);
    bury(w, from);
    act_vec_push(&l->refs, ref);
    act_note_of(w, node)->ref = l->refs.len;
}

static void
member_of_node(struct act_expr_work *w, uint32_t node, uint32_t from, struct act_str name)
{
    static const struct {
        const char *name;
        enum act_ctx ctx;
    } fields[] = {
        [ACT_FIELD_STATUS] = {"status", ACT_CTX_NODE_STATUS},
        [ACT_FIELD_RESULT] = {"result", ACT_CTX_NODE_RESULT},
        [ACT_FIELD_OUTPUTS] = {"outputs", ACT_CTX_NODE_OUTPUTS},
        [ACT_FIELD_ARTIFACTS] = {"artifacts", ACT_CTX_NODE_ARTIFACTS},
        [ACT_FIELD_ERROR] = {"error", ACT_CTX_NODE_ERROR},
    };
    struct act_expr_note *note = act_note_of(w, node);
    uint32_t index = act_note_of(w, from)->ref;
    for (uint8_t field = ACT_FIELD_STATUS; field <= ACT_FIELD_ERROR; field++) {
        if (!act_str_ieq(name, act_str(fields[field].name)))
            continue;
        struct act_ref *ref = &w->l->refs.ptr[index - 1];
        ref->field = field;
        ref->expr = node;
        make_context(w, node, fields[field].ctx, index - 1);
        bury(w, from);
        note->ref = index;
        note->guess = field == ACT_FIELD_STATUS   ? ACT_GUESS_TEXT
                      : field == ACT_FIELD_RESULT ? ACT_GUESS_NODE_RESULT
                                                  : ACT_GUESS_ANY;
        note->choices = field == ACT_FIELD_STATUS ? w->l->statuses : NULL;
        return;
    }
    struct act_str known[] = {ACT_STR("status"), ACT_STR("result"), ACT_STR("outputs"),
                              ACT_STR("artifacts"), ACT_STR("error")};
    unknown_member(w, node, name, "a node", known, 5);
}

static bool
is_declared_secret(const struct act_value *declared, struct act_str name)
{
    for (uint32_t i = 0; declared && i < act_value_len(declared); i++)
        if (act_str_eq(act_value_as_str(act_value_at(declared, i)), name))
            return true;
    return !declared;
}

static void
secret_in_env(struct act_expr_work *w, struct act_span span, struct act_str name)
{
    struct act_diag *d =
        ACT_ERROR(w->l, "secret-place", span, "env.%.*s holds a secret, which would be stored here",
                  ACT_STR_ARG(name));
    w->failed = true;
    ACT_HELP(w->l, d, "a script reads it as \"$%.*s\"; no expression does", ACT_STR_ARG(name));
}

static void
secret_misplaced(struct act_expr_work *w, struct act_span span, struct act_str name)
{
    struct act_diag *d = ACT_ERROR(w->l, "secret-place", span,
                                   "the secret %.*s would be stored here", ACT_STR_ARG(name));
    w->failed = true;
    ACT_HELP(w->l, d,
             "a secret may stand in `env`, in `stdin`, and in `with` or `args` of a python, plugin "
             "or call node: write `env: {%.*s: '${{ secrets.%.*s }}'}` and \"$%.*s\" in the script",
             ACT_STR_ARG(name), ACT_STR_ARG(name), ACT_STR_ARG(name));
}

static void
member_of_secrets(struct act_expr_work *w, uint32_t node, uint32_t from, struct act_str name)
{
    const struct act_value *declared = w->place->around->file->secrets;
    if (!is_declared_secret(declared, name)) {
        struct act_str known[32];
        uint32_t count = act_value_len(declared) < 32 ? act_value_len(declared) : 32;
        for (uint32_t i = 0; i < count; i++)
            known[i] = act_value_as_str(act_value_at(declared, i));
        unknown_member(w, node, name, "`secrets` at the top", known, count);
    } else if (!w->place->secrets) {
        secret_misplaced(w, act_expr_span(w, node, strlen("secrets.") + name.len), name);
    }
    w->secret = true;
    uint32_t literal = act_expr_literal(w->pool, act_value_string(name));
    make_context(w, node, ACT_CTX_SECRET, literal);
    bury(w, from);
    act_map_put(&w->l->secret_names, act_arena_str(w->l->arena, name), 0);
}

static void
member_of_env(struct act_expr_work *w, uint32_t node, uint32_t from, struct act_str name)
{
    make_context(w, from, ACT_CTX_ENV, 0);
    act_note_of(w, from)->open = ACT_OPEN_NONE;
    if (!act_map_get(&w->l->env_names, name))
        act_map_put(&w->l->env_names, act_arena_str(w->l->arena, name), 0);
    for (const struct act_env_name *e = w->place->around->env; e; e = e->next) {
        if (!act_str_eq(e->name, name))
            continue;
        if (e->secret && !w->place->secrets)
            secret_in_env(w, name_span(w, node, name), name);
        w->secret |= e->secret;
        return;
    }
}

static enum act_guess
guess_of_type(struct act_str type)
{
    return act_str_is(type, "integer") || act_str_is(type, "number") ? ACT_GUESS_NUMBER
           : act_str_is(type, "boolean")                             ? ACT_GUESS_BOOL
           : act_str_is(type, "list")                                ? ACT_GUESS_LIST
           : act_str_is(type, "object")                              ? ACT_GUESS_MAP
                                                                     : ACT_GUESS_TEXT;
}

static void
member_of_params(struct act_expr_work *w, uint32_t node, struct act_str name)
{
    const struct act_value *declared = w->place->around->params;
    const struct act_value *one = act_value_get(declared, name);
    if (!one) {
        struct act_str known[64];
        uint32_t count = act_value_len(declared) < 64 ? act_value_len(declared) : 64;
        for (uint32_t i = 0; i < count; i++)
            known[i] = act_value_key(declared, i);
        struct act_diag *d = ACT_ERROR(w->l, "unknown-param", name_span(w, node, name),
                                       "there is no parameter '%.*s'", ACT_STR_ARG(name));
        struct act_str best = act_nearest(name, known, count);
        if (best.len)
            ACT_HELP(w->l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
        else
            ACT_HELP(w->l, d, "declare it: `params: {%.*s: {type: string}}`", ACT_STR_ARG(name));
        w->failed = true;
        return;
    }
    const struct act_value *type = act_value_get(one, ACT_STR("type"));
    act_note_of(w, node)->choices = act_value_get(one, ACT_STR("enum"));
    act_note_of(w, node)->guess =
        (uint8_t)guess_of_type(type ? act_value_as_str(type) : ACT_STR(""));
}

static void
member_of_matrix(struct act_expr_work *w, uint32_t node, struct act_str name)
{
    const struct act_tree *matrix = w->place->around->matrix;
    struct act_str known[64];
    uint32_t count = 0;
    for (uint32_t i = 0; i < matrix->count; i++) {
        const struct act_tree_pair *pair = &matrix->pairs[i];
        if (act_str_eq(pair->key, name))
            return;
        if (act_str_is(pair->key, "include")) {
            if (pair->value->type != ACT_TREE_LIST)
                return; /* not known before it runs */
            for (uint32_t k = 0; k < pair->value->count; k++) {
                const struct act_tree *more = pair->value->items[k];
                if (more->type != ACT_TREE_MAP || act_tree_pair(more, name))
                    return;
            }
        } else if (!act_str_is(pair->key, "exclude") && count < 64) {
            known[count++] = pair->key;
        }
    }
    unknown_member(w, node, name, "the matrix", known, count);
}

void
act_resolve_member(struct act_expr_work *w, uint32_t node, uint32_t from, struct act_str name)
{
    struct act_expr_note *note = act_note_of(w, from);
    const struct act_expr_node *e = &w->pool->nodes.ptr[from];
    switch (note->open) {
    case ACT_OPEN_NODES: member_of_nodes(w, node, from, name); return;
    case ACT_OPEN_SECRETS: member_of_secrets(w, node, from, name); return;
    case ACT_OPEN_ENV: member_of_env(w, node, from, name); return;
    default: break;
    }
    if (e->op != ACT_OP_CONTEXT)
        return;
    if (e->aux == ACT_CTX_NODE_ARTIFACTS && note->ref > 0) {
        struct act_ref *ref = &w->l->refs.ptr[note->ref - 1];
        ref->artifact = act_arena_str(w->l->arena, name);
        ref->artifact_span = name_span(w, node, name);
    } else if (e->aux == ACT_CTX_NODE) {
        member_of_node(w, node, from, name);
    } else if (e->aux == ACT_CTX_PARAMS) {
        member_of_params(w, node, name);
    } else if (e->aux == ACT_CTX_MATRIX) {
        member_of_matrix(w, node, name);
    } else if (e->aux == ACT_CTX_LOOP && act_str_ieq(name, ACT_STR("index"))) {
        make_context(w, node, ACT_CTX_LOOP_INDEX, 0);
        bury(w, from);
        act_note_of(w, node)->guess = ACT_GUESS_NUMBER;
    } else if (e->aux == ACT_CTX_LOOP) {
        struct act_str index = ACT_STR("index");
        unknown_member(w, node, name, "`loop`", &index, 1);
    } else if ((e->aux == ACT_CTX_ERROR || e->aux == ACT_CTX_NODE_ERROR) &&
               act_str_ieq(name, ACT_STR("cause"))) {
        act_note_of(w, node)->choices = w->l->causes;
        act_note_of(w, node)->guess = ACT_GUESS_TEXT;
    }
}
