/* The characters of a script: the frames, quotes without expansions, here-documents, and the loop. */
#include "dsl/shell_lex.h"

static const char *const lost_inside = "quotes inside ${{ }} make this place unclear";
static const char *const lost_deep = "the script before it nests too deeply to follow";
static const char *const lost_quote = "a quote or bracket of the script is not closed";
static const char *const lost_ansi =
    "the script before it has $'…\\'…', which sh and bash read differently";
static const char *const lost_bash =
    "the script before it has syntax that sh and bash read differently (add `shell: bash`)";

struct shell_frame *
shell_push(struct shell_lexer *lx, enum shell_frame_type type, enum shell_closer closer)
{
    struct shell_frame frame = {.type = type,
                                .closer = closer,
                                .open = lx->at,
                                .limit = lx->script.len,
                                .pipeline = {lx->next_hole, lx->heredocs.len}};
    if (lx->stack.len) {
        frame.limit = shell_top(lx)->limit;
        frame.level = shell_top(lx)->level;
        frame.serial = shell_top(lx)->serial;
    }
    if (lx->stack.len >= SHELL_DEPTH_MAX)
        shell_lose(lx, lost_deep, lx->at);
    if (type == FRAME_LIST)
        frame.serial = ++lx->serial;
    act_vec_push(&lx->stack, frame);
    if (type == FRAME_LIST)
        shell_command_reset(lx, shell_top(lx));
    return shell_top(lx);
}

/* Does the innermost frame stand in double quotes or a here-document? */
bool
shell_in_double_quotes(const struct shell_lexer *lx)
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

void
shell_make_dynamic(struct shell_lexer *lx)
{
    struct shell_frame *list = shell_list(lx);
    if (!list)
        return;
    shell_word_begin(lx, list);
    list->command.word.dynamic = true;
}

/* Syntax that bash has and dash reads otherwise: `sh` may be either. */
void
shell_lose_if_sh(struct shell_lexer *lx)
{
    if (!lx->bash)
        shell_lose(lx, lost_bash, lx->at);
}

/* ---- Quotes that hold no expansions ---- */

/* From behind the opening quote to behind the closing one. quote: '\'' or '$', where a backslash takes
 * the next character along. */
void
shell_single_quoted(struct shell_lexer *lx, char quote)
{
    size_t limit = shell_top(lx)->limit, begin = lx->at;
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
        shell_word_literal(lx, c);
    }
    shell_lose(lx, lost_quote, begin);
}

/* $'…': bash knows it, dash takes it for a dollar and a quoted text. */
void
shell_ansi_quoted(struct shell_lexer *lx)
{
    uint32_t first = lx->next_hole;
    size_t begin = lx->at;
    shell_make_dynamic(lx);
    lx->at += 2;
    shell_single_quoted(lx, lx->bash ? '$' : '\'');
    if (lx->bash)
        return;
    for (uint32_t i = first; i < lx->next_hole; i++)
        shell_refuse(lx, i, "sh and bash read $'…' differently", "use \"…\" or '…'");
    for (size_t i = begin; i + 1 < lx->at; i++)
        if (lx->script.ptr[i] == '\\' && lx->script.ptr[i + 1] == '\'')
            shell_lose(lx, lost_ansi, begin);
}

/* A backslash: the next character is itself. */
void
shell_escaped(struct shell_lexer *lx)
{
    if (shell_hole_at(lx, lx->at + 1))
        shell_refuse(lx, lx->next_hole, "a backslash right before a value",
                     "leave the backslash out: a value needs none");
    char next = shell_peek(lx, 1);
    if (next && next != '\n')
        shell_word_literal(lx, next);
    bool hole = shell_hole_at(lx, lx->at + 1);
    lx->at += hole || !next ? 1 : 2;
}

void
shell_comment(struct shell_lexer *lx)
{
    size_t limit = shell_top(lx)->limit, end = lx->at;
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
void
shell_read_heredocs(struct shell_lexer *lx)
{
    while (lx->first_heredoc < lx->heredocs.len) {
        struct shell_heredoc *doc = &lx->heredocs.ptr[lx->first_heredoc];
        if (doc->level != shell_top(lx)->level)
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
            shell_refuse(lx, lx->next_hole,
                         "a here-document with a quoted end mark takes all as it stands",
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
    char c = shell_peek(lx, 0);
    if (c == '\\')
        shell_escaped(lx);
    else if (c == '$')
        shell_dollar(lx);
    else if (c == '`')
        shell_backquoted(lx);
    else
        lx->at++;
}

/* ---- The loop ---- */

/* At the frame's limit. True if the script is done or the way is lost. */
static bool
leave_region(struct shell_lexer *lx)
{
    struct shell_frame *frame = shell_top(lx);
    if (frame->type == FRAME_LIST && frame->command.word.open) {
        (void)shell_list_end_word(lx); /* may begin or end a case */
        return false;
    }
    if (lx->stack.len == 1) {
        shell_list_end_command(lx, false);
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
        shell_read_heredocs(lx);
        return false;
    }
    shell_list_close(lx);
    lx->at++; /* the backquote */
    return false;
}

void
shell_lex(struct shell_lexer *lx)
{
    (void)shell_push(lx, FRAME_LIST, CLOSE_END);
    while (!lx->lost) {
        if (lx->next_hole < lx->holes->len && lx->holes->ptr[lx->next_hole].open < lx->at) {
            shell_lose(lx, lost_inside, lx->holes->ptr[lx->next_hole].open);
            break;
        }
        if (lx->at >= shell_top(lx)->limit) {
            if (leave_region(lx))
                break;
            continue;
        }
        if (shell_at_hole(lx)) {
            shell_hole(lx);
            continue;
        }
        switch (shell_top(lx)->type) {
        case FRAME_LIST: shell_step_list(lx); break;
        case FRAME_CASE: shell_step_case(lx); break;
        case FRAME_DQ: shell_step_dq(lx); break;
        case FRAME_PARAM: shell_step_param(lx); break;
        case FRAME_ARITH: shell_step_arith(lx); break;
        case FRAME_HEREDOC: step_heredoc(lx); break;
        }
    }
}
