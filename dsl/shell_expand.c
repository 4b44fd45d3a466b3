/* Expansions: $NAME ${…} $(…) `…` $((…)), and what stands in double quotes. */
#include "dsl/shell_lex.h"

static const char *const lost_quote = "a quote or bracket of the script is not closed";

/* ---- Expansions ---- */

/* Does the text from `at` (behind "((") end with "))"? */
bool
shell_closes_as_arithmetic(const struct shell_lexer *lx, size_t at)
{
    size_t limit = act_vec_last(&lx->stack)->limit, depth = 0;
    uint32_t hole = lx->next_hole;
    for (; at < limit; at++) {
        while (hole < lx->holes->len && lx->holes->ptr[hole].open < at)
            hole++;
        if (hole < lx->holes->len && lx->holes->ptr[hole].open == at) {
            at = lx->holes->ptr[hole].close - 1;
            continue;
        }
        char c = lx->script.ptr[at];
        if (c == '\\') {
            at++;
        } else if (c == '(') {
            depth++;
        } else if (c == ')') {
            if (depth == 0)
                return at + 1 < limit && lx->script.ptr[at + 1] == ')';
            depth--;
        }
    }
    return false;
}

static void
add_use(struct shell_lexer *lx, struct act_str name)
{
    if (shell_is_name(name.ptr, name.len))
        act_vec_push(&lx->uses, ((struct shell_use){name, shell_top(lx)->serial}));
}

/* At `${`. */
static void
param(struct shell_lexer *lx)
{
    struct shell_frame *frame = shell_push(lx, FRAME_PARAM, CLOSE_END);
    lx->at += 2;
    bool indirect = shell_peek(lx, 0) == '!';
    if (indirect || (shell_peek(lx, 0) == '#' && shell_peek(lx, 1) != '}'))
        lx->at++;
    size_t begin = lx->at;
    if (shell_at_hole(lx)) {
        shell_refuse(lx, lx->next_hole, "the name of a variable cannot be a value",
                     "write ${{ … }} alone, without ${ } around it");
        return;
    }
    while (shell_name_char(shell_peek(lx, 0)))
        lx->at++;
    frame->name = act_str_n(lx->script.ptr + begin, lx->at - begin);
    if (lx->at == begin && strchr("@*?-$!#", shell_peek(lx, 0)) && shell_peek(lx, 0))
        lx->at++;
    add_use(lx, frame->name);
    if (indirect)
        act_vec_push(&lx->numbers,
                     frame->name); /* its value is read as a name, subscript and all */
    if (shell_peek(lx, 0) == '[') {
        (void)shell_push(lx, FRAME_ARITH, CLOSE_BRACKET);
        lx->at++;
    }
}

void
shell_backquoted(struct shell_lexer *lx)
{
    size_t limit = shell_top(lx)->limit, end = lx->at + 1;
    bool escapes = false;
    uint32_t hole = lx->next_hole;
    for (; end < limit && lx->script.ptr[end] != '`'; end++) {
        if (hole < lx->holes->len && lx->holes->ptr[hole].open == end) {
            end = lx->holes->ptr[hole++].close - 1;
        } else if (lx->script.ptr[end] == '\\') {
            escapes = true;
            end += !(hole < lx->holes->len && lx->holes->ptr[hole].open == end + 1);
        }
    }
    if (end >= limit) {
        shell_lose(lx, lost_quote, lx->at);
        return;
    }
    if (escapes) { /* another level of backslashes: not followed */
        for (; lx->next_hole < hole;) {
            shell_refuse(lx, lx->next_hole, "backslashes inside `…` make this place unclear",
                         "write $(…) instead of `…`");
            lx->at = lx->holes->ptr[lx->next_hole].open;
            shell_hole(lx);
        }
        lx->at = end + 1;
        return;
    }
    struct shell_frame *frame = shell_push(lx, FRAME_LIST, CLOSE_END);
    frame->region = true;
    frame->limit = end;
    frame->level++;
    lx->at++;
}

/* At '$', which no hole begins with. */
void
shell_dollar(struct shell_lexer *lx)
{
    char next = shell_peek(lx, 1);
    bool quotes = shell_in_double_quotes(lx);
    if (shell_hole_at(lx, lx->at + 1)) {
        shell_refuse(lx, lx->next_hole, "a '$' right before a value",
                     "leave it out, or write \\$ for the character");
        lx->at++;
        return;
    }
    if (next == '\'' && !quotes) {
        shell_ansi_quoted(lx);
        return;
    }
    if (next != '"' || quotes)
        shell_make_dynamic(lx);
    if (next == '(' && shell_peek(lx, 2) == '(' && shell_closes_as_arithmetic(lx, lx->at + 3)) {
        (void)shell_push(lx, FRAME_ARITH, CLOSE_DPAREN);
        lx->at += 3;
    } else if (next == '(') {
        shell_push(lx, FRAME_LIST, CLOSE_PAREN)->level++;
        lx->at += 2;
    } else if (next == '{') {
        param(lx);
    } else if (next == '[') {
        shell_lose_if_sh(lx);
        (void)shell_push(lx, FRAME_ARITH, CLOSE_BRACKET);
        lx->at += 2;
    } else if (next >= '0' && next <= '9') {
        lx->at += 2;
    } else if (shell_name_char(next)) {
        size_t begin = ++lx->at;
        while (shell_name_char(shell_peek(lx, 0)))
            lx->at++;
        add_use(lx, act_str_n(lx->script.ptr + begin, lx->at - begin));
    } else {
        lx->at += next && strchr("$?#@*!-", next) ? 2 : 1;
    }
}

/* ---- Frames but lists ---- */

void
shell_step_dq(struct shell_lexer *lx)
{
    char c = shell_peek(lx, 0);
    if (c == '"') {
        lx->at++;
        (void)act_vec_pop(&lx->stack);
    } else if (c == '\\') {
        shell_escaped(lx);
    } else if (c == '$') {
        shell_dollar(lx);
    } else if (c == '`') {
        shell_backquoted(lx);
    } else {
        shell_word_literal(lx, c);
        lx->at++;
    }
}

void
shell_begin_dq(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_list(lx);
    if (list && shell_top(lx)->type == FRAME_LIST) {
        shell_word_begin(lx, list);
        list->command.word.quoted = true;
    }
    (void)shell_push(lx, FRAME_DQ, CLOSE_END);
    lx->at++;
}

static void
read_param_op(struct shell_lexer *lx, struct shell_frame *frame)
{
    char c = shell_peek(lx, 0), next = shell_peek(lx, 1);
    if (c == ':' && next && strchr("-=?+", next)) {
        frame->op = PARAM_WORD;
        frame->assigned = next == '=';
        lx->at += 2;
    } else if (c == ':') {
        frame->op = PARAM_SLICE;
        lx->at++;
    } else if (strchr("-=?+", c)) {
        frame->op = PARAM_WORD;
        frame->assigned = c == '=';
        lx->at++;
    } else {
        frame->op = strchr("#%/^,~", c) ? PARAM_PATTERN : PARAM_OTHER;
        lx->at++;
    }
}

void
shell_step_param(struct shell_lexer *lx)
{
    struct shell_frame *frame = shell_top(lx);
    char c = shell_peek(lx, 0);
    bool quotes = shell_in_double_quotes(lx);
    if (c == '}') {
        lx->at++;
        (void)act_vec_pop(&lx->stack);
    } else if (frame->op == PARAM_UNKNOWN) {
        read_param_op(lx, frame);
    } else if (c == '\\') {
        shell_escaped(lx);
    } else if (c == '$') {
        shell_dollar(lx);
    } else if (c == '`') {
        shell_backquoted(lx);
    } else if (c == '"') {
        frame->intricate |= quotes && frame->op != PARAM_PATTERN;
        shell_begin_dq(lx);
    } else if (c == '\'') {
        frame->intricate |= quotes;
        lx->at++;
        if (!quotes || frame->op == PARAM_PATTERN)
            shell_single_quoted(lx, '\'');
    } else {
        if (!quotes && frame->op == PARAM_WORD && (c == ' ' || c == '\t' || c == '\n')) {
            frame->intricate = true; /* it becomes several words */
            shell_refuse_since(lx, frame->pipeline.hole, NULL, "this ${ } becomes several words",
                               "put it into double quotes");
        }
        shell_word_literal(lx, c);
        lx->at++;
    }
}

static void
arith_name(struct shell_lexer *lx)
{
    size_t begin = lx->at;
    while (shell_name_char(shell_peek(lx, 0)))
        lx->at++;
    struct act_str name = act_str_n(lx->script.ptr + begin, lx->at - begin);
    if (shell_is_name(name.ptr, name.len))
        act_vec_push(&lx->numbers, name);
}

void
shell_step_arith(struct shell_lexer *lx)
{
    struct shell_frame *frame = shell_top(lx);
    bool bracket = frame->closer == CLOSE_BRACKET;
    char c = shell_peek(lx, 0);
    if (c == (bracket ? ']' : ')') && frame->depth == 0 && (bracket || shell_peek(lx, 1) == ')')) {
        lx->at += bracket ? 1 : 2;
        (void)act_vec_pop(&lx->stack);
    } else if (c == '\\') {
        shell_escaped(lx);
    } else if (c == '$') {
        size_t uses = lx->uses.len;
        shell_dollar(lx);
        if (lx->uses.len > uses)
            act_vec_push(&lx->numbers, act_vec_last(&lx->uses)->name);
    } else if (c == '`') {
        shell_backquoted(lx);
    } else if (c == '"') {
        shell_begin_dq(lx);
    } else if (c == '\'') {
        lx->at++;
        shell_single_quoted(lx, '\'');
    } else if (shell_name_char(c)) {
        arith_name(lx);
    } else {
        if (c == (bracket ? '[' : '('))
            frame->depth++;
        else if (c == (bracket ? ']' : ')') && frame->depth > 0)
            frame->depth--;
        lx->at++;
    }
}
