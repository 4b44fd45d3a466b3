/* Lists of commands: separators, parentheses, redirections, case. */
#include "dsl/shell_lex.h"

static const char *const lost_heredoc = "a here-document before it ends with its $(…)";

/* ---- case ---- */

static void
line_end(struct shell_lexer *lx)
{
    lx->at++;
    shell_read_heredocs(lx);
}

void
shell_step_case(struct shell_lexer *lx)
{
    struct shell_frame *frame = shell_top(lx);
    char c = shell_peek(lx, 0);
    bool first = !frame->assigned; /* nothing of a pattern read yet */
    if (c == ' ' || c == '\t') {
        lx->at++;
        return;
    }
    if (c == '\n') {
        line_end(lx);
        return;
    }
    if (first && c == '#') {
        shell_comment(lx);
        return;
    }
    if (first && shell_peek(lx, 0) == 'e' && frame->limit - lx->at >= 4 &&
        memcmp(lx->script.ptr + lx->at, "esac", 4) == 0 && !shell_name_char(shell_peek(lx, 4))) {
        lx->at += 4;
        (void)act_vec_pop(&lx->stack);
        return;
    }
    if (first && c == '(') {
        lx->at++;
        return;
    }
    frame->assigned = c != ')';
    if (c == ')') {
        lx->at++;
        (void)shell_push(lx, FRAME_LIST, CLOSE_BRANCH);
    } else if (c == '\\') {
        shell_escaped(lx);
    } else if (c == '$') {
        shell_dollar(lx);
    } else if (c == '`') {
        shell_backquoted(lx);
    } else if (c == '"') {
        shell_begin_dq(lx);
    } else if (c == '\'') {
        lx->at++;
        shell_single_quoted(lx, '\'');
    } else {
        lx->at++;
    }
}

/* ---- Lists of commands ---- */

void
shell_list_close(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_top(lx);
    if (list->command.state != STATE_ARRAY)
        shell_command_end(lx, list, false);
    uint32_t level = list->level;
    (void)act_vec_pop(&lx->stack);
    if (lx->first_heredoc < lx->heredocs.len && lx->stack.len && shell_top(lx)->level < level &&
        lx->heredocs.ptr[lx->first_heredoc].level == level)
        shell_lose(lx, lost_heredoc, lx->at);
}

/* "esac" ends a branch and its case. */
static bool
ends_case(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_word *word = &list->command.word;
    if (list->closer != CLOSE_BRANCH || !word->open || word->quoted || word->dynamic ||
        list->command.state != STATE_START || list->command.redirect != REDIRECT_NONE ||
        word->len != 4 || memcmp(word->text, "esac", 4) != 0)
        return false;
    word->open = false;
    shell_command_end(lx, list, false);
    lx->stack.len -= 2; /* the branch and the case */
    return true;
}

/* Ends the word; the frame that is on top then (a case begins or ends with a word). */
struct shell_frame *
shell_list_end_word(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_top(lx);
    if (!ends_case(lx, list))
        shell_word_end(lx, list);
    return shell_top(lx);
}

void
shell_list_end_command(struct shell_lexer *lx, bool piped)
{
    struct shell_frame *frame = shell_list_end_word(lx);
    if (frame->type == FRAME_LIST)
        shell_command_end(lx, frame, piped);
}

static void
open_paren(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_top(lx);
    struct shell_command *cmd = &list->command;
    if (cmd->state == STATE_COND) {
        shell_word_end(lx, list);
        shell_term_end(lx, list);
        lx->at++;
        return;
    }
    bool first = cmd->state == STATE_START || cmd->state == STATE_FOR_NAME;
    if (cmd->word.open && cmd->word.assigns && lx->script.ptr[lx->at - 1] == '=') {
        shell_push(lx, FRAME_LIST, CLOSE_PAREN)->command.state = STATE_ARRAY;
        lx->at++;
        return;
    }
    if (!cmd->word.open && first && shell_peek(lx, 1) == '(' &&
        shell_closes_as_arithmetic(lx, lx->at + 2)) {
        bool loop = cmd->state == STATE_FOR_NAME;
        shell_lose_if_sh(lx);
        (void)shell_push(lx, FRAME_ARITH, CLOSE_DPAREN);
        lx->at += 2;
        cmd = &(shell_top(lx) - 1)->command;
        cmd->state = loop ? STATE_START : STATE_OPERAND;
        return;
    }
    if (shell_list_end_word(lx)->type != FRAME_LIST) {
        return; /* `case x in(`: the case's frame takes it */
    }
    shell_command_reset(lx, shell_top(lx));
    (void)shell_push(lx, FRAME_LIST, CLOSE_PAREN);
    lx->at++;
}

static void
close_paren(struct shell_lexer *lx)
{
    struct shell_frame *frame = shell_list_end_word(lx);
    lx->at++;
    if (frame->type != FRAME_LIST)
        return;
    if (frame->command.state == STATE_COND)
        shell_term_end(lx, frame);
    else if (frame->closer == CLOSE_PAREN)
        shell_list_close(lx);
}

static void
semicolon(struct shell_lexer *lx)
{
    shell_list_end_command(lx, false);
    struct shell_frame *frame = shell_top(lx);
    char next = shell_peek(lx, 1);
    bool branch = next == ';' || next == '&';
    lx->at += branch ? 2 : 1;
    if (branch && next == ';' && shell_peek(lx, 0) == '&')
        lx->at++;
    if (branch && frame->type == FRAME_LIST && frame->closer == CLOSE_BRANCH) {
        shell_list_close(lx);
        shell_top(lx)->assigned = false;
    }
}

static void
ampersand_or_bar(struct shell_lexer *lx)
{
    char c = shell_peek(lx, 0), next = shell_peek(lx, 1);
    struct shell_frame *list = shell_top(lx);
    if (list->command.state == STATE_COND) {
        shell_word_end(lx, list);
        shell_term_end(lx, list);
        lx->at++;
        return;
    }
    if (c == '&' && next == '>') {
        shell_lose_if_sh(lx);
        shell_word_end(lx, list);
        list->command.redirect = REDIRECT_TARGET;
        lx->at += shell_peek(lx, 2) == '>' ? 3 : 2;
        return;
    }
    bool piped = c == '|' && next != '|';
    shell_list_end_command(lx, piped);
    lx->at += next == c || (piped && next == '&') ? 2 : 1;
}

static void
redirection(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_top(lx);
    struct shell_command *cmd = &list->command;
    char c = shell_peek(lx, 0), next = shell_peek(lx, 1);
    if (cmd->state == STATE_COND) {
        shell_word_end(lx, list);
        lx->at++;
        return;
    }
    if (next == '(') { /* <(…) >(…) is part of a word */
        shell_make_dynamic(lx);
        shell_push(lx, FRAME_LIST, CLOSE_PAREN)->level++;
        lx->at += 2;
        return;
    }
    bool number = cmd->word.open && !cmd->word.quoted && !cmd->word.dynamic;
    for (uint32_t i = 0; number && i < cmd->word.len; i++)
        number = cmd->word.text[i] >= '0' && cmd->word.text[i] <= '9';
    if (number)
        cmd->word.open = false; /* 2>… */
    list = shell_list_end_word(lx);
    if (list->type != FRAME_LIST)
        return;
    cmd = &list->command;
    if (c == '<' && next == '<' && shell_peek(lx, 2) == '<') {
        cmd->redirect = REDIRECT_TARGET;
        lx->at += 3;
    } else if (c == '<' && next == '<') {
        bool tabs = shell_peek(lx, 2) == '-';
        cmd->redirect = tabs ? REDIRECT_HERE_TABS : REDIRECT_HERE;
        lx->at += tabs ? 3 : 2;
    } else {
        cmd->redirect = REDIRECT_TARGET;
        lx->at += next && strchr(">&|", next) ? 2 : 1;
    }
}

/* '[' after a name at a command's beginning, or at the beginning of an array's item: a subscript. */
static bool
subscript(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    bool item = cmd->state == STATE_ARRAY && !word->open;
    bool named =
        word->open && !word->quoted && !word->dynamic && !word->assigns &&
        (cmd->state == STATE_START || cmd->class == CLASS_DECLARE || cmd->class == CLASS_EXPORT) &&
        cmd->redirect == REDIRECT_NONE && shell_is_name(word->text, word->len);
    if (!item && !named)
        return false;
    shell_lose_if_sh(lx);
    shell_word_add(lx, list, '[', false);
    (void)shell_push(lx, FRAME_ARITH, CLOSE_BRACKET);
    lx->at++;
    return true;
}

static void
newline(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_top(lx);
    enum shell_state state = list->command.state;
    bool keep = state == STATE_ARRAY || state == STATE_COND || state == STATE_FOR_IN ||
                state == STATE_CASE_IN;
    if (keep)
        (void)shell_list_end_word(lx);
    else
        shell_list_end_command(lx, false);
    line_end(lx);
}

void
shell_step_list(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_top(lx);
    char c = shell_peek(lx, 0);
    switch (c) {
    case ' ':
    case '\t':
        (void)shell_list_end_word(lx);
        lx->at++;
        return;
    case '\n': newline(lx); return;
    case '\'':
        shell_word_begin(lx, list);
        list->command.word.quoted = true;
        lx->at++;
        shell_single_quoted(lx, '\'');
        return;
    case '"': shell_begin_dq(lx); return;
    case '\\': shell_escaped(lx); return;
    case '$': shell_dollar(lx); return;
    case '`':
        shell_make_dynamic(lx);
        shell_backquoted(lx);
        return;
    case '(': open_paren(lx); return;
    case ')': close_paren(lx); return;
    case ';': semicolon(lx); return;
    case '&':
    case '|': ampersand_or_bar(lx); return;
    case '<':
    case '>': redirection(lx); return;
    case '#':
        if (!list->command.word.open) {
            shell_comment(lx);
            return;
        }
        break;
    case '[':
        if (subscript(lx, list))
            return;
        break;
    default: break;
    }
    shell_word_add(lx, list, c, false);
    lx->at++;
}
