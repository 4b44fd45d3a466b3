/* Tokens → nodes, with an explicit stack. Precedence, from the outside in: || && (== !=)
 * (< <= > >=) (+ -) (* / %) (! -) members. What GitHub does not have stands where everyone has it. */
#include "dsl/expr_internal.h"

enum entry_kind {
    ENTRY_GROUP, /* ( */
    ENTRY_CALL,  /* name( */
    ENTRY_INDEX, /* value[ */
    ENTRY_PREFIX,
    ENTRY_BINARY,
    ENTRY_CHAIN, /* && or || with any number of operands */
};

/* What is begun and not yet ended, innermost last. */
struct entry {
    uint8_t kind;        /* enum entry_kind */
    uint8_t op;          /* enum act_op; of a call enum act_function */
    uint8_t members;     /* of an index: the members that its value had before */
    uint32_t begin, end; /* the token that began it, for messages */
    uint32_t operands;   /* how many operands there were when it began (a chain: with its first) */
};

struct operand {
    struct act_expr_id id;
    uint32_t begin;
    uint16_t height;
    bool has_members; /* GitHub: literals have none, save in brackets */
};

struct parser {
    struct act_expr_pool *pool;
    struct act_lexer lexer;
    uint32_t base;
    uint32_t depth;   /* GitHub's count */
    uint32_t members; /* of the value just read, counted in depth */
    ACT_VEC(struct entry) entries;
    ACT_VEC(struct operand) operands;
};

static enum act_err
deeper(struct parser *ps)
{
    if (++ps->depth <= ACT_EXPR_DEPTH_MAX)
        return ACT_OK;
    act_lex_problem(&ps->lexer, ps->lexer.begin, ps->lexer.end, "nested deeper than %u levels",
                    ACT_EXPR_DEPTH_MAX);
    act_lex_help(&ps->lexer, "give parts of it a name: a `value` node with an id");
    return ACT_ERR_SYNTAX;
}

static enum act_err
begin_entry(struct parser *ps, enum entry_kind kind, uint8_t op)
{
    act_vec_push(&ps->entries, ((struct entry){.kind = (uint8_t)kind,
                                               .op = op,
                                               .members = (uint8_t)ps->members,
                                               .begin = ps->lexer.begin,
                                               .end = ps->lexer.end,
                                               .operands = ps->operands.len}));
    ps->members = 0;
    return kind == ENTRY_BINARY ? ACT_OK : deeper(ps);
}

static struct entry
end_entry(struct parser *ps)
{
    struct entry entry = act_vec_pop(&ps->entries);
    ps->depth -= entry.kind != ENTRY_BINARY;
    return entry;
}

static void
push_leaf(struct parser *ps, enum act_op op, struct act_value *literal)
{
    uint32_t a = act_expr_literal(ps->pool, literal);
    uint32_t begin = ps->lexer.begin;
    struct act_expr_id id = act_expr_add(ps->pool, op, 0, a, NULL, 0, ps->base + begin);
    act_vec_push(&ps->operands, ((struct operand){id, begin, 1, op == ACT_OP_NAME}));
}

/* The last argc operands become one node that begins where the first of them, or begin, does. */
static enum act_err
make_node(struct parser *ps, enum act_op op, uint8_t aux, uint32_t a, uint32_t argc, uint32_t begin)
{
    struct act_expr_id ids[UINT8_MAX + 1];
    ACT_VEC(struct act_expr_id) many = {0};
    struct act_expr_id *used = ids;
    struct operand *first = argc ? ps->operands.ptr + (ps->operands.len - argc) : NULL;
    uint32_t height = 0;
    for (uint32_t i = 0; i < argc; i++) {
        if (argc > UINT8_MAX)
            act_vec_push(&many, first[i].id);
        else
            ids[i] = first[i].id;
        height = first[i].height > height ? first[i].height : height;
        begin = first[i].begin < begin ? first[i].begin : begin;
    }
    if (argc > UINT8_MAX)
        used = many.ptr;
    enum act_err code = ACT_OK;
    if (height + 1 > ACT_EXPR_HEIGHT_MAX) {
        code = act_lex_problem(&ps->lexer, begin, ps->lexer.begin,
                               "a chain of more than %u operators", ACT_EXPR_HEIGHT_MAX);
    } else {
        struct act_expr_id id = act_expr_add(ps->pool, op, aux, a, used, argc, ps->base + begin);
        ps->operands.len -= argc;
        act_vec_push(&ps->operands, ((struct operand){id, begin, (uint16_t)(height + 1), true}));
    }
    act_vec_fini(&many);
    return code;
}

static unsigned
precedence(enum act_op op)
{
    static const uint8_t levels[] = {
        [ACT_OP_OR] = 1,  [ACT_OP_AND] = 2, [ACT_OP_EQ] = 3,  [ACT_OP_NE] = 3,  [ACT_OP_LT] = 4,
        [ACT_OP_LE] = 4,  [ACT_OP_GT] = 4,  [ACT_OP_GE] = 4,  [ACT_OP_ADD] = 5, [ACT_OP_SUB] = 5,
        [ACT_OP_MUL] = 6, [ACT_OP_DIV] = 6, [ACT_OP_MOD] = 6,
    };
    return levels[op];
}

/* Ends the operators that bind at least as strongly as level. A chain of the same operator is not
 * ended: it goes on. */
static enum act_err
reduce(struct parser *ps, unsigned level)
{
    enum act_err code = ACT_OK;
    while (code == ACT_OK && ps->entries.len) {
        struct entry *top = act_vec_last(&ps->entries);
        enum act_op op = (enum act_op)top->op;
        if (top->kind == ENTRY_BINARY && precedence(op) >= level) {
            struct entry entry = end_entry(ps);
            code = make_node(ps, op, 0, 0, 2, entry.begin);
        } else if (top->kind == ENTRY_CHAIN && precedence(op) > level) {
            struct entry entry = end_entry(ps);
            code = make_node(ps, op, 0, 0, ps->operands.len - entry.operands + 1, entry.begin);
        } else {
            break;
        }
    }
    return code;
}

/* ---- problems */

static enum act_err
unexpected(struct parser *ps)
{
    struct act_lexer *lexer = &ps->lexer;
    struct act_str word = act_lex_text(lexer);
    if (lexer->token == ACT_TOK_BAD)
        return ACT_ERR_SYNTAX;
    if (lexer->token == ACT_TOK_END) {
        for (uint32_t i = ps->entries.len; i-- > 0;) {
            struct entry *e = &ps->entries.ptr[i];
            if (e->kind == ENTRY_GROUP || e->kind == ENTRY_CALL || e->kind == ENTRY_INDEX)
                return act_lex_problem(lexer, e->begin, e->end, "this is not closed");
        }
        return act_lex_problem(lexer, lexer->begin, lexer->begin,
                               "the expression ends where a value is expected");
    }
    act_lex_problem(lexer, lexer->begin, lexer->end, "unexpected '%.*s'", act_lex_shown(word),
                    word.ptr);
    if (act_str_ieq(word, ACT_STR("and")))
        act_lex_help(lexer, "'&&' is the operator");
    else if (act_str_ieq(word, ACT_STR("or")))
        act_lex_help(lexer, "'||' is the operator");
    else if (act_str_ieq(word, ACT_STR("in")))
        act_lex_help(lexer, "contains(list, item) tells whether it is in");
    else if (act_str_ieq(word, ACT_STR("is")))
        act_lex_help(lexer, "'==' compares");
    return ACT_ERR_SYNTAX;
}

static enum act_err
unknown_function(struct parser *ps, struct act_str name)
{
    struct act_lexer *lexer = &ps->lexer;
    act_lex_problem(lexer, lexer->begin, lexer->end, "there is no function '%.*s'",
                    act_lex_shown(name), name.ptr);
    static const struct {
        const char *name, *help;
    } absent[] = {
        {"success", "a node runs after success unless it says else: what must have succeeded "
                    "stands in `needs`"},
        {"failure", "what is to run after a failure stands in `catch`, or says "
                    "`needs: {id: failed}`"},
        {"always", "what is to run in any case stands in `finally`, or says `needs: {id: ended}`"},
        {"cancelled", "what is to run when cancelled, too, stands in `finally`"},
    };
    for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
        if (act_str_ieq(name, act_str(absent[i].name))) {
            act_lex_help(lexer, "%s", absent[i].help);
            return ACT_ERR_SYNTAX;
        }
    struct act_buf wanted = {0}, candidate = {0};
    act_text_fold(&wanted, name);
    uint32_t best = 3;
    for (uint8_t i = 0; i < act_expr_function_count(); i++) {
        const char *known = act_expr_function(i)->name;
        act_buf_clear(&candidate);
        act_text_fold(&candidate, act_str(known));
        uint32_t distance =
            act_str_distance(act_buf_str(&wanted), act_buf_str(&candidate), best - 1);
        if (distance < best) {
            best = distance;
            act_lex_help(lexer, "did you mean '%s'?", known);
        }
    }
    act_buf_fini(&wanted);
    act_buf_fini(&candidate);
    return ACT_ERR_SYNTAX;
}

/* ---- values */

static enum act_err
begin_call(struct parser *ps, struct act_str name)
{
    uint8_t fn = 0;
    while (fn < act_expr_function_count() &&
           !act_str_ieq(name, act_str(act_expr_function(fn)->name)))
        fn++;
    if (fn == act_expr_function_count())
        return unknown_function(ps, name);
    return begin_entry(ps, ENTRY_CALL, fn);
}

/* After the closing bracket. */
static enum act_err
finish_call(struct parser *ps)
{
    struct entry entry = end_entry(ps);
    const struct act_function_info *info = act_expr_function(entry.op);
    uint32_t argc = ps->operands.len - entry.operands;
    bool even_case = entry.op == ACT_FN_CASE && argc % 2 == 0;
    if (argc < info->argc_min || argc > info->argc_max || even_case) {
        const char *what = even_case && argc >= info->argc_min ? "an even number of"
                           : argc < info->argc_min             ? "too few"
                                                               : "too many";
        act_lex_problem(&ps->lexer, entry.begin, entry.end, "%s arguments for '%s'", what,
                        info->name);
        act_lex_help(&ps->lexer, "it is %s", info->signature);
        return ACT_ERR_SYNTAX;
    }
    return make_node(ps, ACT_OP_CALL, entry.op, 0, argc, entry.begin);
}

/* A name stands alone or before the bracket of a call. *value: it was a value. */
static enum act_err
read_name(struct parser *ps, bool *value)
{
    struct act_lexer after = ps->lexer;
    struct act_str name = act_lex_text(&ps->lexer);
    struct act_expr_problem ignored;
    after.problem = &ignored;
    act_lex_next(&after, ACT_LEX_OPERATOR);
    if (after.token == ACT_TOK_LITERAL)
        act_value_release(after.literal);
    if (after.token != ACT_TOK_OPEN) {
        push_leaf(ps, ACT_OP_NAME, act_value_string(name));
        *value = true;
        return ACT_OK;
    }
    enum act_err code = begin_call(ps, name);
    if (code != ACT_OK)
        return code;
    after.problem = ps->lexer.problem;
    ps->lexer = after;
    after.problem = &ignored;
    act_lex_next(&after, ACT_LEX_OPERAND);
    if (after.token == ACT_TOK_LITERAL)
        act_value_release(after.literal);
    if (after.token != ACT_TOK_CLOSE)
        return ACT_OK;
    after.problem = ps->lexer.problem;
    ps->lexer = after;
    *value = true;
    return finish_call(ps);
}

/* Reads one token where a value has to come. *value: a whole one was read. */
static enum act_err
read_operand(struct parser *ps, bool *value)
{
    *value = false;
    act_lex_next(&ps->lexer, ACT_LEX_OPERAND);
    switch (ps->lexer.token) {
    case ACT_TOK_LITERAL:
        push_leaf(ps, ACT_OP_LITERAL, ps->lexer.literal);
        *value = true;
        return ACT_OK;
    case ACT_TOK_NAME: return read_name(ps, value);
    case ACT_TOK_OPEN: return begin_entry(ps, ENTRY_GROUP, 0);
    case ACT_TOK_NOT: return begin_entry(ps, ENTRY_PREFIX, ACT_OP_NOT);
    case ACT_TOK_MINUS: return begin_entry(ps, ENTRY_PREFIX, ACT_OP_NEGATE);
    case ACT_TOK_END:
    case ACT_TOK_BAD:
    case ACT_TOK_CLOSE:
    case ACT_TOK_OPEN_INDEX:
    case ACT_TOK_CLOSE_INDEX:
    case ACT_TOK_COMMA:
    case ACT_TOK_DOT:
    case ACT_TOK_STAR:
    case ACT_TOK_OPERATOR: break;
    }
    return unexpected(ps);
}

/* After '.' */
static enum act_err
read_member(struct parser *ps)
{
    act_lex_next(&ps->lexer, ACT_LEX_MEMBER);
    if (ps->lexer.token == ACT_TOK_STAR)
        return make_node(ps, ACT_OP_FILTER, 0, 0, 1, ps->lexer.begin);
    if (ps->lexer.token != ACT_TOK_NAME) {
        if (ps->lexer.token == ACT_TOK_LITERAL)
            act_value_release(ps->lexer.literal);
        return unexpected(ps);
    }
    uint32_t name = act_expr_literal(ps->pool, act_value_string(act_lex_text(&ps->lexer)));
    return make_node(ps, ACT_OP_MEMBER, 0, name, 1, ps->lexer.begin);
}

/* After '['. *value: it was the whole of `[*]`. */
static enum act_err
begin_index(struct parser *ps, bool *value)
{
    struct act_lexer after = ps->lexer;
    *value = false;
    size_t at = after.at;
    while (at < after.text.len && strchr(" \t\r\n\v\f", after.text.ptr[at]) && after.text.ptr[at])
        at++;
    if (at == after.text.len || after.text.ptr[at] != '*')
        return begin_entry(ps, ENTRY_INDEX, 0);
    act_lex_next(&ps->lexer, ACT_LEX_OPERAND); /* '*' */
    act_lex_next(&ps->lexer, ACT_LEX_OPERATOR);
    if (ps->lexer.token == ACT_TOK_LITERAL)
        act_value_release(ps->lexer.literal);
    if (ps->lexer.token != ACT_TOK_CLOSE_INDEX)
        return unexpected(ps);
    *value = true;
    return make_node(ps, ACT_OP_FILTER, 0, 0, 1, ps->lexer.begin);
}

/* The innermost open bracket, once the operators inside have ended. */
static struct entry *
open_bracket(struct parser *ps)
{
    return ps->entries.len ? act_vec_last(&ps->entries) : NULL;
}

static enum act_err
read_close(struct parser *ps, bool *value)
{
    enum act_token token = ps->lexer.token;
    enum act_err code = reduce(ps, 0);
    struct entry *open = open_bracket(ps);
    if (code != ACT_OK)
        return code;
    *value = token != ACT_TOK_COMMA;
    if (open && open->kind == ENTRY_CALL && token == ACT_TOK_CLOSE)
        return finish_call(ps);
    if (open && open->kind == ENTRY_CALL && token == ACT_TOK_COMMA)
        return ACT_OK;
    if (open && open->kind == ENTRY_GROUP && token == ACT_TOK_CLOSE) {
        act_vec_last(&ps->operands)->has_members = true;
        end_entry(ps);
        return ACT_OK;
    }
    if (open && open->kind == ENTRY_INDEX && token == ACT_TOK_CLOSE_INDEX) {
        struct entry entry = end_entry(ps);
        ps->members = entry.members;
        code = make_node(ps, ACT_OP_INDEX, 0, 0, 2, entry.begin);
        if (code == ACT_OK) {
            ps->members++;
            code = deeper(ps);
        }
        return code;
    }
    return unexpected(ps);
}

/* The value is whole, with its members: prefixes apply to it. */
static enum act_err
end_value(struct parser *ps)
{
    ps->depth -= ps->members;
    ps->members = 0;
    enum act_err code = ACT_OK;
    while (code == ACT_OK && ps->entries.len && act_vec_last(&ps->entries)->kind == ENTRY_PREFIX) {
        struct entry entry = end_entry(ps);
        code = make_node(ps, (enum act_op)entry.op, 0, 0, 1, entry.begin);
    }
    return code;
}

static enum act_err
read_binary(struct parser *ps)
{
    enum act_op op = ps->lexer.op;
    unsigned level = precedence(op);
    bool chain = op == ACT_OP_AND || op == ACT_OP_OR;
    enum act_err code = reduce(ps, level);
    if (code != ACT_OK)
        return code;
    struct entry *top = ps->entries.len ? act_vec_last(&ps->entries) : NULL;
    if (chain && top && top->kind == ENTRY_CHAIN && top->op == op)
        return ACT_OK;
    return begin_entry(ps, chain ? ENTRY_CHAIN : ENTRY_BINARY, (uint8_t)op);
}

/* Reads one token after a value. *value: a value has ended again. */
static enum act_err
read_operator(struct parser *ps, bool *value, bool *end)
{
    bool has_members = act_vec_last(&ps->operands)->has_members;
    act_lex_next(&ps->lexer, ACT_LEX_OPERATOR);
    enum act_token token = ps->lexer.token;
    enum act_err code = ACT_OK;
    *value = false;
    if (has_members && token == ACT_TOK_DOT) {
        ps->members++;
        code = deeper(ps);
        *value = true;
        return code == ACT_OK ? read_member(ps) : code;
    }
    if (has_members && token == ACT_TOK_OPEN_INDEX) {
        code = begin_index(ps, value);
        if (code == ACT_OK && *value) {
            ps->members++;
            code = deeper(ps);
        }
        return code;
    }
    code = end_value(ps);
    if (code != ACT_OK)
        return code;
    switch (token) {
    case ACT_TOK_OPERATOR: return read_binary(ps);
    case ACT_TOK_CLOSE:
    case ACT_TOK_CLOSE_INDEX:
    case ACT_TOK_COMMA: return read_close(ps, value);
    case ACT_TOK_END:
        code = reduce(ps, 0);
        *end = true;
        return code == ACT_OK && ps->entries.len ? unexpected(ps) : code;
    case ACT_TOK_LITERAL: act_value_release(ps->lexer.literal); break;
    case ACT_TOK_BAD:
    case ACT_TOK_NAME:
    case ACT_TOK_OPEN:
    case ACT_TOK_OPEN_INDEX:
    case ACT_TOK_DOT:
    case ACT_TOK_STAR:
    case ACT_TOK_NOT:
    case ACT_TOK_MINUS: break;
    }
    return unexpected(ps);
}

static enum act_err
parse(struct parser *ps)
{
    enum act_err code = ACT_OK;
    bool value = false, end = false;
    while (code == ACT_OK && !end)
        code = value ? read_operator(ps, &value, &end) : read_operand(ps, &value);
    return code;
}

enum act_err
act_expr_parse(struct act_expr_pool *pool, struct act_str text, uint32_t base,
               struct act_expr_id *ret, struct act_expr_problem *problem)
{
    struct act_expr_problem ignored;
    struct parser ps = {.pool = pool, .base = base, .depth = 1};
    ps.lexer.text = text;
    ps.lexer.problem = problem ? problem : &ignored;
    if (text.len > ACT_EXPR_TEXT_MAX)
        return act_lex_problem(&ps.lexer, 0, 0, "an expression of more than %u bytes",
                               ACT_EXPR_TEXT_MAX);
    if (act_str_trim(text).len == 0)
        return act_lex_problem(&ps.lexer, 0, (uint32_t)text.len, "the expression is missing");
    enum act_err code = parse(&ps);
    if (code == ACT_OK)
        *ret = ps.operands.ptr[0].id;
    act_vec_fini(&ps.entries);
    act_vec_fini(&ps.operands);
    return code;
}
