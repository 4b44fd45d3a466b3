/* Nodes → text, with an explicit stack of what is still to be written. */
#include "dsl/expr_internal.h"

#include "base/assert.h"

/* Either a text, or a node that stands where only what binds at least as strongly as `level` may
 * stand without brackets. */
struct todo {
    const char *text;
    uint32_t node;
    uint8_t level;
};

struct printer {
    struct act_buf *out;
    const struct act_expr_pool *pool;
    act_expr_name_fn *name_of;
    const void *self;
    ACT_VEC(struct todo) todo;
};

enum { LEVEL_ANY = 0, LEVEL_PREFIX = 7, LEVEL_MEMBER = 8 };

static const struct {
    const char *text;
    uint8_t level;
} operators[] = {
    [ACT_OP_OR] = {" || ", 1}, [ACT_OP_AND] = {" && ", 2}, [ACT_OP_EQ] = {" == ", 3},
    [ACT_OP_NE] = {" != ", 3}, [ACT_OP_LT] = {" < ", 4},   [ACT_OP_LE] = {" <= ", 4},
    [ACT_OP_GT] = {" > ", 4},  [ACT_OP_GE] = {" >= ", 4},  [ACT_OP_ADD] = {" + ", 5},
    [ACT_OP_SUB] = {" - ", 5}, [ACT_OP_MUL] = {" * ", 6},  [ACT_OP_DIV] = {" / ", 6},
    [ACT_OP_MOD] = {" % ", 6},
};

static uint8_t
level_of(const struct act_expr_node *node)
{
    if (node->op == ACT_OP_NOT || node->op == ACT_OP_NEGATE)
        return LEVEL_PREFIX;
    if (node->op == ACT_OP_LITERAL)
        return LEVEL_PREFIX; /* literals have no members */
    if (node->op < sizeof(operators) / sizeof(*operators) && operators[node->op].text)
        return operators[node->op].level;
    return LEVEL_MEMBER;
}

/* What is pushed last is written first. */
static void
push_text(struct printer *p, const char *text)
{
    act_vec_push(&p->todo, ((struct todo){text, 0, 0}));
}

static void
push_operand(struct printer *p, const struct act_expr_node *node, uint32_t i, uint8_t level)
{
    act_vec_push(&p->todo, ((struct todo){NULL, p->pool->args.ptr[node->first + i], level}));
}

static void
push_operands(struct printer *p, const struct act_expr_node *node, const char *between)
{
    for (uint32_t i = node->argc; i-- > 0;) {
        push_operand(p, node, i, LEVEL_ANY);
        if (i)
            push_text(p, between);
    }
}

static void
print_string(struct act_buf *out, struct act_str s)
{
    act_buf_add_byte(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'')
            act_buf_add_byte(out, '\'');
        act_buf_add_byte(out, s.ptr[i]);
    }
    act_buf_add_byte(out, '\'');
}

/* A list or mapping that the compiler took from YAML stands there as JSON. */
static void
print_literal(struct act_buf *out, const struct act_value *v)
{
    if (act_value_type(v) == ACT_STRING)
        print_string(out, act_value_as_str(v));
    else if (act_value_type(v) == ACT_REAL)
        act_value_text(out, v);
    else
        act_json_write(out, v, 0);
}

static void
print_context(struct printer *p, const struct act_expr_node *node)
{
    static const struct {
        const char *before, *after; /* of the argument, if there is one */
        bool names_node;
    } contexts[] = {
        [ACT_CTX_PARAMS] = {"params", "", false},
        [ACT_CTX_ENV] = {"env", "", false},
        [ACT_CTX_SECRET] = {"secrets.", "", false},
        [ACT_CTX_PREV] = {"prev", "", false},
        [ACT_CTX_NODE] = {"nodes.", "", true},
        [ACT_CTX_NODE_STATUS] = {"nodes.", ".status", true},
        [ACT_CTX_NODE_RESULT] = {"nodes.", ".result", true},
        [ACT_CTX_NODE_OUTPUTS] = {"nodes.", ".outputs", true},
        [ACT_CTX_NODE_ERROR] = {"nodes.", ".error", true},
        [ACT_CTX_LOOP] = {"loop", "", false},
        [ACT_CTX_LOOP_INDEX] = {"loop.index", "", false},
        [ACT_CTX_MATRIX] = {"matrix", "", false},
        [ACT_CTX_RUN] = {"run", "", false},
        [ACT_CTX_GIT] = {"git", "", false},
        [ACT_CTX_EVENT] = {"event", "", false},
        [ACT_CTX_ERROR] = {"error", "", false},
        [ACT_CTX_ITEM] = {"", "", true},
        [ACT_CTX_NODE_ARTIFACTS] = {"nodes.", ".artifacts", true},
    };
    ACT_ASSERT(node->aux && node->aux < sizeof(contexts) / sizeof(*contexts));
    act_buf_add_cstr(p->out, contexts[node->aux].before);
    if (contexts[node->aux].names_node) {
        if (p->name_of)
            act_buf_add_str(p->out, p->name_of(p->self, (enum act_ctx)node->aux, node->a));
        else if (node->aux == ACT_CTX_ITEM)
            act_buf_add_cstr(p->out, "item");
        else
            act_buf_printf(p->out, "#%u", node->a);
    } else if (node->aux == ACT_CTX_SECRET) {
        act_buf_add_str(p->out, act_value_as_str(p->pool->literals.ptr[node->a]));
    }
    act_buf_add_cstr(p->out, contexts[node->aux].after);
}

static void
push_map(struct printer *p, const struct act_expr_node *node)
{
    push_text(p, "}");
    for (uint32_t i = node->argc; i >= 2; i -= 2) {
        push_operand(p, node, i - 1, LEVEL_ANY);
        push_text(p, ": ");
        push_operand(p, node, i - 2, LEVEL_ANY);
        if (i > 2)
            push_text(p, ", ");
    }
    push_text(p, "{");
}

static void
push_enclosed(struct printer *p, const struct act_expr_node *node, const char *open,
              const char *close)
{
    push_text(p, close);
    push_operands(p, node, ", ");
    push_text(p, open);
}

static void
push_binary(struct printer *p, const struct act_expr_node *node)
{
    uint8_t level = operators[node->op].level;
    for (uint32_t i = node->argc; i-- > 0;) {
        push_operand(p, node, i, i ? (uint8_t)(level + 1) : level);
        if (i)
            push_text(p, operators[node->op].text);
    }
}

/* There is no operator that puts texts together; format(…) says the same. */
static void
push_concat(struct printer *p, const struct act_expr_node *node)
{
    uint32_t holes = 0, todo = p->todo.len;
    push_text(p, ")");
    for (uint32_t i = node->argc; i-- > 0;) {
        uint32_t operand = p->pool->args.ptr[node->first + i];
        if (p->pool->nodes.ptr[operand].op == ACT_OP_LITERAL)
            continue;
        push_operand(p, node, i, LEVEL_ANY);
        push_text(p, ", ");
    }
    struct act_buf text = {0}, pattern = {0};
    for (uint32_t i = 0; i < node->argc; i++) {
        const struct act_expr_node *part = &p->pool->nodes.ptr[p->pool->args.ptr[node->first + i]];
        if (part->op != ACT_OP_LITERAL) {
            act_buf_printf(&pattern, "{%u}", holes++);
            continue;
        }
        size_t k = text.len;
        act_value_text(&text, p->pool->literals.ptr[part->a]);
        for (; k < text.len; k++) {
            act_buf_add_byte(&pattern, text.ptr[k]);
            if (text.ptr[k] == '{' || text.ptr[k] == '}')
                act_buf_add_byte(&pattern, text.ptr[k]);
        }
    }
    if (holes == 0)
        p->todo.len = todo;
    else
        act_buf_add_cstr(p->out, "format(");
    print_string(p->out, act_buf_str(holes == 0 ? &text : &pattern));
    act_buf_fini(&text);
    act_buf_fini(&pattern);
}

/* -(0) is not the literal -0. */
static bool
is_negated_number(const struct printer *p, const struct act_expr_node *node)
{
    const struct act_expr_node *operand = &p->pool->nodes.ptr[p->pool->args.ptr[node->first]];
    return node->op == ACT_OP_NEGATE && operand->op == ACT_OP_LITERAL &&
           act_value_is_number(p->pool->literals.ptr[operand->a]);
}

static void
print_node(struct printer *p, const struct act_expr_node *node)
{
    struct act_buf *out = p->out;
    switch ((enum act_op)node->op) {
    case ACT_OP_LITERAL: print_literal(out, p->pool->literals.ptr[node->a]); return;
    case ACT_OP_NAME:
        act_buf_add_str(out, act_value_as_str(p->pool->literals.ptr[node->a]));
        return;
    case ACT_OP_CONTEXT: print_context(p, node); return;
    case ACT_OP_MEMBER: /* the parser makes members of plain names only */
        push_text(p, act_value_as_str(p->pool->literals.ptr[node->a]).ptr);
        push_text(p, ".");
        push_operand(p, node, 0, LEVEL_MEMBER);
        return;
    case ACT_OP_INDEX:
        push_text(p, "]");
        push_operand(p, node, 1, LEVEL_ANY);
        push_text(p, "[");
        push_operand(p, node, 0, LEVEL_MEMBER);
        return;
    case ACT_OP_FILTER:
        push_text(p, ".*");
        push_operand(p, node, 0, LEVEL_MEMBER);
        return;
    case ACT_OP_NOT:
    case ACT_OP_NEGATE:
        act_buf_add_byte(out, node->op == ACT_OP_NOT ? '!' : '-');
        push_operand(p, node, 0, is_negated_number(p, node) ? LEVEL_MEMBER : LEVEL_PREFIX);
        return;
    case ACT_OP_AND:
    case ACT_OP_OR:
    ACT_CASES_COMPARE:
    ACT_CASES_ARITHMETIC:
        push_binary(p, node);
        return;
    case ACT_OP_CALL:
        act_buf_add_cstr(out, act_expr_function(node->aux)->name);
        push_enclosed(p, node, "(", ")");
        return;
    case ACT_OP_CONCAT: push_concat(p, node); return;
    case ACT_OP_LIST: push_enclosed(p, node, "[", "]"); return;
    case ACT_OP_SPREAD:
        act_buf_add_cstr(out, "...");
        push_operand(p, node, 0, LEVEL_ANY);
        return;
    case ACT_OP_MAP: push_map(p, node); return;
    case ACT_OP_CALLER:
    case ACT_OP_INTEGER: push_operand(p, node, 0, LEVEL_ANY); return;
    }
    ACT_UNREACHABLE();
}

void
act_expr_print(struct act_buf *out, const struct act_expr_pool *pool, struct act_expr_id id,
               act_expr_name_fn *name_of, const void *self)
{
    struct printer p = {.out = out, .pool = pool, .name_of = name_of, .self = self};
    act_vec_push(&p.todo, ((struct todo){NULL, id.v, LEVEL_ANY}));
    while (p.todo.len) {
        struct todo next = act_vec_pop(&p.todo);
        if (next.text) {
            act_buf_add_cstr(out, next.text);
            continue;
        }
        const struct act_expr_node *node = &pool->nodes.ptr[next.node];
        if (level_of(node) < next.level) {
            act_buf_add_byte(out, '(');
            push_text(&p, ")");
        }
        print_node(&p, node);
    }
    act_vec_fini(&p.todo);
}

/* ---- as YAML ---- */

static void
add_hole(struct printer *p, struct act_buf *text, uint32_t node)
{
    act_buf_add_cstr(text, "${{ ");
    act_expr_print(text, p->pool, (struct act_expr_id){node}, p->name_of, p->self);
    act_buf_add_cstr(text, " }}");
}

static void
add_literal_text(struct act_buf *text, const struct act_value *v)
{
    struct act_buf buf = {0};
    act_value_text(&buf, v);
    struct act_str rest = act_buf_str(&buf);
    for (ptrdiff_t at; (at = act_str_find(rest, ACT_STR("${{"))) >= 0;) {
        act_buf_add(text, rest.ptr, (size_t)at);
        act_buf_add_cstr(text, "${{ '${{' }}");
        rest = act_str_n(rest.ptr + at + 3, rest.len - (size_t)at - 3);
    }
    act_buf_add_str(text, rest);
    act_buf_fini(&buf);
}

static void
print_template(struct printer *p, uint32_t id)
{
    const struct act_expr_node *node = &p->pool->nodes.ptr[id];
    struct act_buf text = {0};
    if (node->op != ACT_OP_CONCAT)
        add_hole(p, &text, id);
    for (uint32_t i = 0; node->op == ACT_OP_CONCAT && i < node->argc; i++) {
        uint32_t operand = p->pool->args.ptr[node->first + i];
        const struct act_expr_node *part = &p->pool->nodes.ptr[operand];
        if (part->op == ACT_OP_LITERAL)
            add_literal_text(&text, p->pool->literals.ptr[part->a]);
        else
            add_hole(p, &text, operand);
    }
    act_json_write_str(p->out, act_buf_str(&text));
    act_buf_fini(&text);
}

void
act_expr_print_yaml(struct act_buf *out, const struct act_expr_pool *pool, struct act_expr_id id,
                    act_expr_name_fn *name_of, const void *self)
{
    struct printer p = {.out = out, .pool = pool, .name_of = name_of, .self = self};
    act_vec_push(&p.todo, ((struct todo){NULL, id.v, LEVEL_ANY}));
    while (p.todo.len) {
        struct todo next = act_vec_pop(&p.todo);
        if (next.text) {
            act_buf_add_cstr(out, next.text);
            continue;
        }
        const struct act_expr_node *node = &pool->nodes.ptr[next.node];
        if (node->op == ACT_OP_LITERAL)
            act_json_write(out, pool->literals.ptr[node->a], 0);
        else if (node->op == ACT_OP_LIST)
            push_enclosed(&p, node, "[", "]");
        else if (node->op == ACT_OP_MAP)
            push_map(&p, node);
        else if (node->op == ACT_OP_SPREAD || node->op == ACT_OP_CALLER)
            push_operand(&p, node, 0, LEVEL_ANY);
        else
            print_template(&p, next.node);
    }
    act_vec_fini(&p.todo);
}
