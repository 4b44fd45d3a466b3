/* The characters of a script: quotes, expansions, arithmetic, here-documents. */
#include "dsl/shell_lex.h"

static const char *const lost_deep = "the script before it nests too deeply to follow";
static const char *const lost_quote = "a quote or bracket before it is not closed";
static const char *const lost_ansi = "the script before it has $'…\\'…', which sh and bash read differently";
static const char *const lost_heredoc = "a here-document before it ends with its $(…)";

static struct shell_frame *
top(struct shell_lexer *lx)
{
    return act_vec_last(&lx->stack);
}

static char
peek(const struct shell_lexer *lx, size_t ahead)
{
    size_t limit = act_vec_last(&lx->stack)->limit;
    return lx->at + ahead < limit ? lx->script.ptr[lx->at + ahead] : 0;
}

static bool
hole_at(const struct shell_lexer *lx, size_t at)
{
    return lx->next_hole < lx->holes->len && lx->holes->ptr[lx->next_hole].open == at;
}

struct shell_frame *
shell_push(struct shell_lexer *lx, enum shell_frame_type type, enum shell_closer closer)
{
    struct shell_frame frame = {.type = type,
                                .closer = closer,
                                .open = lx->at,
                                .limit = lx->script.len,
                                .pipeline = {lx->next_hole, lx->heredocs.len}};
    if (lx->stack.len) {
        frame.limit = top(lx)->limit;
        frame.level = top(lx)->level;
        frame.serial = top(lx)->serial;
    }
    if (lx->stack.len >= SHELL_DEPTH_MAX)
        shell_lose(lx, lost_deep, lx->at);
    if (type == FRAME_LIST)
        frame.serial = ++lx->serial;
    act_vec_push(&lx->stack, frame);
    if (type == FRAME_LIST)
        shell_command_reset(lx, top(lx));
    return top(lx);
}

/* Does the innermost frame stand in double quotes or a here-document? */
static bool
in_double_quotes(const struct shell_lexer *lx)
{
    for (uint32_t i = lx->stack.len; i-- > 0;) {
        enum shell_frame_type type = lx->stack.ptr[i].type;
        if (type == FRAME_DQ || type == FRAME_HEREDOC)
            return true;
        if (type == FRAME_LIST || type == FRAME_CASE)
            return false;
    }
    return false;
}

static void
make_dynamic(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_list(lx);
    if (!list)
        return;
    shell_word_begin(lx, list);
    list->command.word.dynamic = true;
}

/* ---- Quotes that hold no expansions ---- */

/* From behind the opening quote to behind the closing one. quote: '\'' or '$', where a backslash takes
 * the next character along. */
static void
single_quoted(struct shell_lexer *lx, char quote)
{
    struct shell_frame *list = shell_list(lx);
    size_t limit = top(lx)->limit, begin = lx->at;
    while (lx->at < limit) {
        if (shell_at_hole(lx)) {
            lx->quote = quote;
            shell_hole(lx);
            lx->quote = 0;
            continue;
        }
        char c = lx->script.ptr[lx->at++];
        if (c == '\'')
            return;
        if (c == '\\' && quote == '$' && lx->at < limit && !shell_at_hole(lx))
            lx->at++;
        else if (c == '\\' && quote == '$' && shell_at_hole(lx))
            shell_refuse(lx, lx->next_hole, "a backslash right before a value",
                         "leave the backslash out: a value needs none");
        if (list && top(lx)->type == FRAME_LIST)
            shell_word_add(lx, list, c, true);
    }
    shell_lose(lx, lost_quote, begin);
}

/* $'…': bash knows it, dash takes it for a dollar and a quoted text. */
static void
ansi_quoted(struct shell_lexer *lx)
{
    uint32_t first = lx->next_hole;
    size_t begin = lx->at;
    make_dynamic(lx);
    lx->at += 2;
    single_quoted(lx, lx->bash ? '$' : '\'');
    if (lx->bash)
        return;
    for (uint32_t i = first; i < lx->next_hole; i++)
        shell_refuse(lx, i, "sh and bash read $'…' differently", "use \"…\" or '…'");
    for (size_t i = begin; i + 1 < lx->at; i++)
        if (lx->script.ptr[i] == '\\' && lx->script.ptr[i + 1] == '\'')
            shell_lose(lx, lost_ansi, begin);
}

/* A backslash: the next character is itself. */
static void
escaped(struct shell_lexer *lx)
{
    if (hole_at(lx, lx->at + 1))
        shell_refuse(lx, lx->next_hole, "a backslash right before a value",
                     "leave the backslash out: a value needs none");
    struct shell_frame *frame = top(lx);
    char next = peek(lx, 1);
    if (frame->type == FRAME_LIST && next != '\n' && next)
        shell_word_add(lx, frame, next, true);
    else if (frame->type == FRAME_DQ && shell_list(lx) && next != '\n' && next)
        shell_word_add(lx, shell_list(lx), next, true);
    bool hole = hole_at(lx, lx->at + 1);
    lx->at += hole || !next ? 1 : 2;
}

static void
comment(struct shell_lexer *lx)
{
    size_t limit = top(lx)->limit, end = lx->at;
    while (end < limit && lx->script.ptr[end] != '\n')
        end++;
    bool backslash = end > lx->at && lx->script.ptr[end - 1] == '\\';
    while (lx->at < end) {
        if (!shell_at_hole(lx)) {
            lx->at++;
            continue;
        }
        if (backslash)
            shell_refuse(lx, lx->next_hole, "a value in a comment that ends in a backslash",
                         "leave the backslash out");
        lx->quote = '#';
        shell_hole(lx);
        lx->quote = 0;
        if (lx->at > end) /* the expression went on over the line's end */
            for (end = lx->at; end < limit && lx->script.ptr[end] != '\n';)
                end++;
    }
}

/* ---- Expansions ---- */

/* Does the text from `at` (behind "((") end with "))"? */
static bool
closes_as_arithmetic(const struct shell_lexer *lx, size_t at)
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
        act_vec_push(&lx->uses, ((struct shell_use){name, top(lx)->serial}));
}

/* At `${`. */
static void
param(struct shell_lexer *lx)
{
    struct shell_frame *frame = shell_push(lx, FRAME_PARAM, CLOSE_END);
    lx->at += 2;
    bool indirect = peek(lx, 0) == '!';
    if (indirect || (peek(lx, 0) == '#' && peek(lx, 1) != '}'))
        lx->at++;
    size_t begin = lx->at;
    if (shell_at_hole(lx)) {
        shell_refuse(lx, lx->next_hole, "the name of a variable cannot be a value",
                     "write ${{ … }} alone, without ${ } around it");
        return;
    }
    while (shell_name_char(peek(lx, 0)))
        lx->at++;
    frame->name = act_str_n(lx->script.ptr + begin, lx->at - begin);
    if (lx->at == begin && strchr("@*?-$!#", peek(lx, 0)) && peek(lx, 0))
        lx->at++;
    add_use(lx, frame->name);
    if (indirect)
        act_vec_push(&lx->numbers, frame->name); /* its value is read as a name, subscript and all */
    if (peek(lx, 0) == '[') {
        (void)shell_push(lx, FRAME_ARITH, CLOSE_BRACKET);
        lx->at++;
    }
}

static void
backquoted(struct shell_lexer *lx)
{
    size_t limit = top(lx)->limit, end = lx->at + 1;
    bool escapes = false;
    uint32_t hole = lx->next_hole;
    for (; end < limit && lx->script.ptr[end] != '`'; end++) {
        if (hole < lx->holes->len && lx->holes->ptr[hole].open == end) {
            end = lx->holes->ptr[hole++].close - 1;
        } else if (lx->script.ptr[end] == '\\') {
            escapes = true;
            end++;
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
static void
dollar(struct shell_lexer *lx)
{
    char next = peek(lx, 1);
    bool quotes = in_double_quotes(lx);
    if (hole_at(lx, lx->at + 1)) {
        shell_refuse(lx, lx->next_hole, "a '$' right before a value",
                     "leave it out, or write \\$ for the character");
        lx->at++;
        return;
    }
    if (next == '\'' && !quotes) {
        ansi_quoted(lx);
        return;
    }
    if (next != '"' || quotes)
        make_dynamic(lx);
    if (next == '(' && peek(lx, 2) == '(' && closes_as_arithmetic(lx, lx->at + 3)) {
        (void)shell_push(lx, FRAME_ARITH, CLOSE_DPAREN);
        lx->at += 3;
    } else if (next == '(') {
        shell_push(lx, FRAME_LIST, CLOSE_PAREN)->level++;
        lx->at += 2;
    } else if (next == '{') {
        param(lx);
    } else if (next == '[') {
        (void)shell_push(lx, FRAME_ARITH, CLOSE_BRACKET);
        lx->at += 2;
    } else if (next >= '0' && next <= '9') {
        lx->at += 2;
    } else if (shell_name_char(next)) {
        size_t begin = ++lx->at;
        while (shell_name_char(peek(lx, 0)))
            lx->at++;
        add_use(lx, act_str_n(lx->script.ptr + begin, lx->at - begin));
    } else {
        lx->at += next && strchr("$?#@*!-", next) ? 2 : 1;
    }
}

/* ---- Here-documents ---- */

/* The place behind the line of the end mark; *ret_body_end where that line begins. Without one the
 * body goes to the limit, as shells have it. */
static size_t
find_delimiter(const struct shell_lexer *lx, const struct shell_heredoc *doc, size_t *ret_body_end)
{
    size_t limit = act_vec_last(&lx->stack)->limit;
    bool joined = false;
    for (size_t at = lx->at; at < limit;) {
        const char *newline = memchr(lx->script.ptr + at, '\n', limit - at);
        size_t end = newline ? (size_t)(newline - lx->script.ptr) : limit, begin = at;
        while (doc->tabs && begin < end && lx->script.ptr[begin] == '\t')
            begin++;
        if (!joined && end - begin == doc->len &&
            memcmp(lx->script.ptr + begin, doc->delimiter, doc->len) == 0) {
            *ret_body_end = at;
            return end < limit ? end + 1 : end;
        }
        size_t slashes = 0;
        while (end - slashes > at && lx->script.ptr[end - slashes - 1] == '\\')
            slashes++;
        joined = !doc->quoted && slashes % 2 == 1;
        at = end < limit ? end + 1 : limit;
    }
    *ret_body_end = limit;
    return limit;
}

/* Behind a line's end: the bodies of the here-documents that were begun on this level. */
static void
read_heredocs(struct shell_lexer *lx)
{
    while (lx->first_heredoc < lx->heredocs.len) {
        struct shell_heredoc *doc = &lx->heredocs.ptr[lx->first_heredoc];
        if (doc->level != top(lx)->level)
            return;
        lx->first_heredoc++;
        size_t body_end = 0, resume = find_delimiter(lx, doc, &body_end);
        if (!doc->quoted) {
            struct shell_frame *frame = shell_push(lx, FRAME_HEREDOC, CLOSE_END);
            frame->region = true;
            frame->limit = body_end;
            frame->resume = resume;
            frame->code = doc->code;
            return; /* the next one when this is done */
        }
        while (lx->next_hole < lx->holes->len && lx->holes->ptr[lx->next_hole].open < body_end) {
            shell_refuse(lx, lx->next_hole, "a here-document with a quoted end mark takes all as it stands",
                         "take the quotes off the end mark, or use env: and \"$NAME\" in a "
                         "here-document without them");
            lx->at = lx->holes->ptr[lx->next_hole].open;
            shell_hole(lx);
        }
        lx->at = lx->at > resume ? lx->at : resume;
    }
}

static void
step_heredoc(struct shell_lexer *lx)
{
    char c = peek(lx, 0);
    if (c == '\\')
        escaped(lx);
    else if (c == '$')
        dollar(lx);
    else if (c == '`')
        backquoted(lx);
    else
        lx->at++;
}

/* ---- Frames but lists ---- */

static void
step_dq(struct shell_lexer *lx)
{
    char c = peek(lx, 0);
    if (c == '"') {
        lx->at++;
        (void)act_vec_pop(&lx->stack);
    } else if (c == '\\') {
        escaped(lx);
    } else if (c == '$') {
        dollar(lx);
    } else if (c == '`') {
        backquoted(lx);
    } else {
        struct shell_frame *parent = lx->stack.len > 1 ? top(lx) - 1 : NULL;
        if (parent && parent->type == FRAME_LIST)
            shell_word_add(lx, parent, c, true);
        lx->at++;
    }
}

static void
begin_dq(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_list(lx);
    if (list && top(lx)->type == FRAME_LIST) {
        shell_word_begin(lx, list);
        list->command.word.quoted = true;
    }
    (void)shell_push(lx, FRAME_DQ, CLOSE_END);
    lx->at++;
}

static void
read_param_op(struct shell_lexer *lx, struct shell_frame *frame)
{
    char c = peek(lx, 0), next = peek(lx, 1);
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

static void
step_param(struct shell_lexer *lx)
{
    struct shell_frame *frame = top(lx);
    char c = peek(lx, 0);
    bool quotes = in_double_quotes(lx);
    if (c == '}') {
        lx->at++;
        (void)act_vec_pop(&lx->stack);
    } else if (frame->op == PARAM_UNKNOWN) {
        read_param_op(lx, frame);
    } else if (c == '\\') {
        escaped(lx);
    } else if (c == '$') {
        dollar(lx);
    } else if (c == '`') {
        backquoted(lx);
    } else if (c == '"') {
        frame->intricate |= quotes && frame->op != PARAM_PATTERN;
        begin_dq(lx);
    } else if (c == '\'') {
        frame->intricate |= quotes;
        lx->at++;
        if (!quotes || frame->op == PARAM_PATTERN)
            single_quoted(lx, '\'');
    } else {
        lx->at++;
    }
}

static void
arith_name(struct shell_lexer *lx)
{
    size_t begin = lx->at;
    while (shell_name_char(peek(lx, 0)))
        lx->at++;
    struct act_str name = act_str_n(lx->script.ptr + begin, lx->at - begin);
    if (shell_is_name(name.ptr, name.len))
        act_vec_push(&lx->numbers, name);
}

static void
step_arith(struct shell_lexer *lx)
{
    struct shell_frame *frame = top(lx);
    bool bracket = frame->closer == CLOSE_BRACKET;
    char c = peek(lx, 0);
    if (c == (bracket ? ']' : ')') && frame->depth == 0 && (bracket || peek(lx, 1) == ')')) {
        lx->at += bracket ? 1 : 2;
        (void)act_vec_pop(&lx->stack);
    } else if (c == '\\') {
        escaped(lx);
    } else if (c == '$') {
        size_t uses = lx->uses.len;
        dollar(lx);
        if (lx->uses.len > uses)
            act_vec_push(&lx->numbers, act_vec_last(&lx->uses)->name);
    } else if (c == '`') {
        backquoted(lx);
    } else if (c == '"') {
        begin_dq(lx);
    } else if (c == '\'') {
        lx->at++;
        single_quoted(lx, '\'');
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

/* ---- case ---- */

static void
line_end(struct shell_lexer *lx)
{
    lx->at++;
    read_heredocs(lx);
}

static void
step_case(struct shell_lexer *lx)
{
    struct shell_frame *frame = top(lx);
    char c = peek(lx, 0);
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
        comment(lx);
        return;
    }
    if (first && peek(lx, 0) == 'e' && frame->limit - lx->at >= 4 &&
        memcmp(lx->script.ptr + lx->at, "esac", 4) == 0 && !shell_name_char(peek(lx, 4))) {
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
        escaped(lx);
    } else if (c == '$') {
        dollar(lx);
    } else if (c == '`') {
        backquoted(lx);
    } else if (c == '"') {
        begin_dq(lx);
    } else if (c == '\'') {
        lx->at++;
        single_quoted(lx, '\'');
    } else {
        lx->at++;
    }
}

/* ---- Lists of commands ---- */

static void
close_list(struct shell_lexer *lx)
{
    struct shell_frame *list = top(lx);
    if (list->command.state != STATE_ARRAY)
        shell_command_end(lx, list, false);
    uint32_t level = list->level;
    (void)act_vec_pop(&lx->stack);
    if (lx->first_heredoc < lx->heredocs.len && lx->stack.len && top(lx)->level < level &&
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
static struct shell_frame *
end_word(struct shell_lexer *lx)
{
    struct shell_frame *list = top(lx);
    if (!ends_case(lx, list))
        shell_word_end(lx, list);
    return top(lx);
}

static void
end_command(struct shell_lexer *lx, bool piped)
{
    struct shell_frame *frame = end_word(lx);
    if (frame->type == FRAME_LIST)
        shell_command_end(lx, frame, piped);
}

static void
open_paren(struct shell_lexer *lx)
{
    struct shell_frame *list = top(lx);
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
    if (!cmd->word.open && first && peek(lx, 1) == '(' && closes_as_arithmetic(lx, lx->at + 2)) {
        bool loop = cmd->state == STATE_FOR_NAME;
        (void)shell_push(lx, FRAME_ARITH, CLOSE_DPAREN);
        lx->at += 2;
        cmd = &(top(lx) - 1)->command;
        cmd->state = loop ? STATE_START : STATE_OPERAND;
        return;
    }
    if (end_word(lx)->type != FRAME_LIST) {
        return; /* `case x in(`: the case's frame takes it */
    }
    shell_command_reset(lx, top(lx));
    (void)shell_push(lx, FRAME_LIST, CLOSE_PAREN);
    lx->at++;
}

static void
close_paren(struct shell_lexer *lx)
{
    struct shell_frame *frame = end_word(lx);
    lx->at++;
    if (frame->type != FRAME_LIST)
        return;
    if (frame->command.state == STATE_COND)
        shell_term_end(lx, frame);
    else if (frame->closer == CLOSE_PAREN)
        close_list(lx);
}

static void
semicolon(struct shell_lexer *lx)
{
    end_command(lx, false);
    struct shell_frame *frame = top(lx);
    char next = peek(lx, 1);
    bool branch = next == ';' || next == '&';
    lx->at += branch ? 2 : 1;
    if (branch && next == ';' && peek(lx, 0) == '&')
        lx->at++;
    if (branch && frame->type == FRAME_LIST && frame->closer == CLOSE_BRANCH) {
        close_list(lx);
        top(lx)->assigned = false;
    }
}

static void
ampersand_or_bar(struct shell_lexer *lx)
{
    char c = peek(lx, 0), next = peek(lx, 1);
    struct shell_frame *list = top(lx);
    if (list->command.state == STATE_COND) {
        shell_word_end(lx, list);
        shell_term_end(lx, list);
        lx->at++;
        return;
    }
    if (c == '&' && next == '>') {
        shell_word_end(lx, list);
        list->command.redirect = REDIRECT_TARGET;
        lx->at += peek(lx, 2) == '>' ? 3 : 2;
        return;
    }
    bool piped = c == '|' && next != '|';
    end_command(lx, piped);
    lx->at += next == c || (piped && next == '&') ? 2 : 1;
}

static void
redirection(struct shell_lexer *lx)
{
    struct shell_frame *list = top(lx);
    struct shell_command *cmd = &list->command;
    char c = peek(lx, 0), next = peek(lx, 1);
    if (cmd->state == STATE_COND) {
        shell_word_end(lx, list);
        lx->at++;
        return;
    }
    if (next == '(') { /* <(…) >(…) is part of a word */
        make_dynamic(lx);
        shell_push(lx, FRAME_LIST, CLOSE_PAREN)->level++;
        lx->at += 2;
        return;
    }
    bool number = cmd->word.open && !cmd->word.quoted && !cmd->word.dynamic;
    for (uint32_t i = 0; number && i < cmd->word.len; i++)
        number = cmd->word.text[i] >= '0' && cmd->word.text[i] <= '9';
    if (number)
        cmd->word.open = false; /* 2>… */
    list = end_word(lx);
    if (list->type != FRAME_LIST)
        return;
    cmd = &list->command;
    if (c == '<' && next == '<' && peek(lx, 2) == '<') {
        cmd->redirect = REDIRECT_TARGET;
        lx->at += 3;
    } else if (c == '<' && next == '<') {
        bool tabs = peek(lx, 2) == '-';
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
    bool named = word->open && !word->quoted && !word->dynamic && !word->assigns &&
                 (cmd->state == STATE_START || cmd->class == CLASS_DECLARE ||
                  cmd->class == CLASS_EXPORT) &&
                 cmd->redirect == REDIRECT_NONE && shell_is_name(word->text, word->len);
    if (!item && !named)
        return false;
    shell_word_add(lx, list, '[', false);
    (void)shell_push(lx, FRAME_ARITH, CLOSE_BRACKET);
    lx->at++;
    return true;
}

static void
newline(struct shell_lexer *lx)
{
    struct shell_frame *list = top(lx);
    enum shell_state state = list->command.state;
    bool keep = state == STATE_ARRAY || state == STATE_COND || state == STATE_FOR_IN ||
                state == STATE_CASE_IN;
    if (keep)
        (void)end_word(lx);
    else
        end_command(lx, false);
    line_end(lx);
}

static void
step_list(struct shell_lexer *lx)
{
    struct shell_frame *list = top(lx);
    char c = peek(lx, 0);
    switch (c) {
    case ' ':
    case '\t':
        (void)end_word(lx);
        lx->at++;
        return;
    case '\n': newline(lx); return;
    case '\'':
        shell_word_begin(lx, list);
        list->command.word.quoted = true;
        lx->at++;
        single_quoted(lx, '\'');
        return;
    case '"': begin_dq(lx); return;
    case '\\': escaped(lx); return;
    case '$': dollar(lx); return;
    case '`':
        make_dynamic(lx);
        backquoted(lx);
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
            comment(lx);
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

/* ---- The loop ---- */

/* At the frame's limit. True if the script is done or the way is lost. */
static bool
leave_region(struct shell_lexer *lx)
{
    struct shell_frame *frame = top(lx);
    if (frame->type == FRAME_LIST && frame->command.word.open) {
        (void)end_word(lx); /* may begin or end a case */
        return false;
    }
    if (lx->stack.len == 1) {
        end_command(lx, false);
        return true;
    }
    if (!frame->region) {
        uint32_t outer = 1;
        while (outer + 1 < lx->stack.len && lx->stack.ptr[outer].region)
            outer++;
        shell_lose(lx, lost_quote, lx->stack.ptr[outer].open);
        return true;
    }
    if (frame->type == FRAME_HEREDOC) {
        lx->at = lx->at > frame->resume ? lx->at : frame->resume;
        (void)act_vec_pop(&lx->stack);
        read_heredocs(lx);
        return false;
    }
    close_list(lx);
    lx->at++; /* the backquote */
    return false;
}

void
shell_lex(struct shell_lexer *lx)
{
    /* Frames are pointed to while others are pushed: they never move. A step pushes at most two. */
    lx->stack.cap = SHELL_DEPTH_MAX + 8;
    lx->stack.ptr = act_zalloc(lx->stack.cap, sizeof(*lx->stack.ptr));
    (void)shell_push(lx, FRAME_LIST, CLOSE_END);
    while (!lx->lost) {
        if (lx->at >= top(lx)->limit) {
            if (leave_region(lx))
                break;
            continue;
        }
        if (shell_at_hole(lx)) {
            shell_hole(lx);
            continue;
        }
        switch (top(lx)->type) {
        case FRAME_LIST: step_list(lx); break;
        case FRAME_CASE: step_case(lx); break;
        case FRAME_DQ: step_dq(lx); break;
        case FRAME_PARAM: step_param(lx); break;
        case FRAME_ARITH: step_arith(lx); break;
        case FRAME_HEREDOC: step_heredoc(lx); break;
        }
    }
}
