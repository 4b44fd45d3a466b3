/* Text → tokens. Words run to the next boundary character, as GitHub's do: `a-b`, `a/b` and `1+2`
 * are one word each, and only the first of them is a name. */
#include "dsl/expr_internal.h"

#include <stdio.h>

enum act_err
act_lex_problem(struct act_lexer *lexer, uint32_t begin, uint32_t end, const char *format, ...)
{
    struct act_expr_problem *problem = lexer->problem;
    lexer->token = ACT_TOK_BAD;
    problem->offset = begin;
    problem->length = end - begin;
    problem->help[0] = '\0';
    va_list args;
    va_start(args, format);
    vsnprintf(problem->message, sizeof(problem->message), format, args);
    va_end(args);
    return ACT_ERR_SYNTAX;
}

void
act_lex_help(struct act_lexer *lexer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(lexer->problem->help, sizeof(lexer->problem->help), format, args);
    va_end(args);
}

int
act_lex_shown(struct act_str s)
{
    size_t len = s.len < 60 ? s.len : 60;
    while (len > 0 && len < s.len && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
        len--;
    return (int)len;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool
is_boundary(char c)
{
    return is_blank(c) || (c && strchr("([)],.!><=&|", c));
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char
peek(const struct act_lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.len ? lexer->text.ptr[lexer->at + ahead] : '\0';
}

static void
finish(struct act_lexer *lexer, enum act_token token, size_t len)
{
    lexer->token = token;
    lexer->at += len;
    lexer->end = (uint32_t)lexer->at;
}

static void
finish_literal(struct act_lexer *lexer, struct act_value *v, size_t len)
{
    lexer->literal = v;
    finish(lexer, ACT_TOK_LITERAL, len);
}

static void
finish_operator(struct act_lexer *lexer, enum act_op op, size_t len)
{
    lexer->op = op;
    finish(lexer, ACT_TOK_OPERATOR, len);
}

/* What to write instead of a word that is neither name nor number. */
static void
help_with_word(struct act_lexer *lexer, struct act_str word)
{
    for (size_t i = 1; i < word.len; i++)
        if (word.ptr[i] && strchr("+-*/%", word.ptr[i])) {
            act_lex_help(lexer, "write blanks around '%c'", word.ptr[i]);
            return;
        }
    if (word.len && (word.ptr[0] == '"' || word.ptr[0] == '`'))
        act_lex_help(lexer, "text stands in single quotes: 'text'");
    else if (word.len && word.ptr[0] == '$')
        act_lex_help(lexer, "inside an expression no '$' and no '${{ }}' is needed");
    else if (word.len && word.ptr[0] == '=')
        act_lex_help(lexer, "'==' compares");
    else if (word.len && (word.ptr[0] == '&' || word.ptr[0] == '|'))
        act_lex_help(lexer, "'%c%c' is the operator", word.ptr[0], word.ptr[0]);
}

/* A word of len bytes that means nothing; never half a character. */
static void
bad_word(struct act_lexer *lexer, size_t len)
{
    while (lexer->at + len < lexer->text.len &&
           ((unsigned char)lexer->text.ptr[lexer->at + len] & 0xC0) == 0x80)
        len++;
    struct act_str word = {lexer->text.ptr + lexer->at, len};
    act_lex_problem(lexer, lexer->begin, lexer->begin + (uint32_t)len, "unexpected '%.*s'",
                    act_lex_shown(word), word.ptr);
    help_with_word(lexer, word);
}

static size_t
word_length(const struct act_lexer *lexer, size_t from, bool dots)
{
    size_t len = from;
    while (lexer->at + len < lexer->text.len &&
           (!is_boundary(peek(lexer, len)) || (dots && peek(lexer, len) == '.')))
        len++;
    return len;
}

static void
lex_number(struct act_lexer *lexer)
{
    size_t len = word_length(lexer, 1, true);
    struct act_str word = {lexer->text.ptr + lexer->at, len};
    struct act_num n = act_num_of_text(word);
    if (act_num_is_nan(n)) {
        bad_word(lexer, len);
        return;
    }
    struct act_value *v = NULL;
    bool integer = !n.exact;
    for (size_t i = 0; i < len && integer; i++)
        integer = is_digit(word.ptr[i]) || (i == 0 && word.ptr[i] == '-');
    /* An integer over 64 bits keeps its digits; any other number is what it calculates to. */
    if (integer)
        v = act_value_number(word);
    finish_literal(lexer, v ? v : act_num_value(n), len);
}

static void
lex_string(struct act_lexer *lexer)
{
    const char *p = lexer->text.ptr + lexer->at + 1, *end = lexer->text.ptr + lexer->text.len;
    struct act_buf text = {0};
    for (;;) {
        const char *quote = p < end ? memchr(p, '\'', (size_t)(end - p)) : NULL;
        if (!quote) {
            act_buf_fini(&text);
            act_lex_problem(lexer, lexer->begin, (uint32_t)lexer->text.len,
                            "this text has no closing quote");
            act_lex_help(lexer, "a quote inside of a text is written twice: 'it''s'");
            return;
        }
        act_buf_add(&text, p, (size_t)(quote - p));
        p = quote + 1;
        if (p == end || *p != '\'')
            break;
        act_buf_add_byte(&text, '\'');
        p++;
    }
    struct act_value *v = act_value_string(act_buf_str(&text));
    act_buf_fini(&text);
    finish_literal(lexer, v, (size_t)(p - (lexer->text.ptr + lexer->at)));
}

static void
lex_word(struct act_lexer *lexer, enum act_lex_place place)
{
    size_t len = word_length(lexer, 1, false);
    struct act_str word = {lexer->text.ptr + lexer->at, len};
    if (place == ACT_LEX_MEMBER && act_str_is_name(word))
        finish(lexer, ACT_TOK_NAME, len);
    else if (act_str_is(word, "true") || act_str_is(word, "false"))
        finish_literal(lexer, act_value_bool(word.ptr[0] == 't'), len);
    else if (act_str_is(word, "null"))
        finish_literal(lexer, act_value_null(), len);
    else if (act_str_is(word, "NaN"))
        finish_literal(lexer, act_value_float((double)__builtin_nanf("")), len);
    else if (act_str_is(word, "Infinity"))
        finish_literal(lexer, act_num_value(act_num_of_text(word)), len);
    else if (act_str_is_name(word))
        finish(lexer, ACT_TOK_NAME, len);
    else
        bad_word(lexer, len);
}

/* '+', '-': part of a number, a negation, or arithmetic. */
static void
lex_sign(struct act_lexer *lexer, enum act_lex_place place)
{
    char sign = peek(lexer, 0), next = peek(lexer, 1);
    size_t len = word_length(lexer, 1, true);
    struct act_str rest = {lexer->text.ptr + lexer->at + 1, len - 1};
    if (place == ACT_LEX_OPERATOR)
        finish_operator(lexer, sign == '+' ? ACT_OP_ADD : ACT_OP_SUB, 1);
    else if (is_digit(next) || next == '.' || act_str_is(rest, "Infinity"))
        lex_number(lexer);
    else if (sign == '-')
        finish(lexer, ACT_TOK_MINUS, 1);
    else
        bad_word(lexer, 1);
}

static void
lex_punctuation(struct act_lexer *lexer, enum act_lex_place place)
{
    char c = peek(lexer, 0), next = peek(lexer, 1);
    switch (c) {
    case '(': finish(lexer, ACT_TOK_OPEN, 1); return;
    case ')': finish(lexer, ACT_TOK_CLOSE, 1); return;
    case '[': finish(lexer, ACT_TOK_OPEN_INDEX, 1); return;
    case ']': finish(lexer, ACT_TOK_CLOSE_INDEX, 1); return;
    case ',': finish(lexer, ACT_TOK_COMMA, 1); return;
    case '.':
        if (place == ACT_LEX_OPERATOR)
            finish(lexer, ACT_TOK_DOT, 1);
        else
            lex_number(lexer);
        return;
    case '*':
        if (place == ACT_LEX_OPERATOR)
            finish_operator(lexer, ACT_OP_MUL, 1);
        else
            finish(lexer, ACT_TOK_STAR, 1);
        return;
    case '!':
        if (next == '=')
            finish_operator(lexer, ACT_OP_NE, 2);
        else
            finish(lexer, ACT_TOK_NOT, 1);
        return;
    case '<':
        finish_operator(lexer, next == '=' ? ACT_OP_LE : ACT_OP_LT, next == '=' ? 2 : 1);
        return;
    case '>':
        finish_operator(lexer, next == '=' ? ACT_OP_GE : ACT_OP_GT, next == '=' ? 2 : 1);
        return;
    default: break;
    }
    if (c == '=' && next == '=')
        finish_operator(lexer, ACT_OP_EQ, 2);
    else if (c == '&' && next == '&')
        finish_operator(lexer, ACT_OP_AND, 2);
    else if (c == '|' && next == '|')
        finish_operator(lexer, ACT_OP_OR, 2);
    else
        bad_word(lexer, word_length(lexer, 1, false));
}

void
act_lex_next(struct act_lexer *lexer, enum act_lex_place place)
{
    while (lexer->at < lexer->text.len && is_blank(lexer->text.ptr[lexer->at]))
        lexer->at++;
    lexer->begin = lexer->end = (uint32_t)lexer->at;
    if (lexer->at == lexer->text.len) {
        lexer->token = ACT_TOK_END;
        return;
    }
    char c = peek(lexer, 0);
    if (c == '\'')
        lex_string(lexer);
    else if (is_digit(c))
        lex_number(lexer);
    else if (c == '+' || c == '-')
        lex_sign(lexer, place);
    else if (place == ACT_LEX_OPERATOR && (c == '/' || c == '%'))
        finish_operator(lexer, c == '/' ? ACT_OP_DIV : ACT_OP_MOD, 1);
    else if (is_boundary(c) || c == '*')
        lex_punctuation(lexer, place);
    else
        lex_word(lexer, place);
}

bool
act_expr_next(struct act_str text, size_t *at, size_t *open, size_t *begin, size_t *end)
{
    if (*at >= text.len)
        return false;
    ptrdiff_t found = act_str_find(act_str_n(text.ptr + *at, text.len - *at), ACT_STR("${{"));
    if (found < 0)
        return false;
    *open = *at + (size_t)found;
    *begin = *open + 3;
    bool quoted = false;
    for (size_t i = *begin; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            quoted = !quoted; /* '' closes and opens again */
        else if (!quoted && text.ptr[i] == '}' && i + 1 < text.len && text.ptr[i + 1] == '}') {
            *end = i;
            *at = i + 2;
            return true;
        }
    }
    *end = SIZE_MAX;
    *at = text.len;
    return true;
}
