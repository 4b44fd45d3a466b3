/* Words and commands: what a command does with its operands, and so what a value in them would be. */
#include "dsl/shell_lex.h"

static const char *const why_stdin = "a shell reads this as its script";

bool
shell_is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (text[0] == (*words)[0] && strcmp(text, *words) == 0)
            return true;
    return false;
}

bool
shell_is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!shell_name_char(text[i]))
            return false;
    return len > 0 && !(text[0] >= '0' && text[0] <= '9');
}

struct shell_frame *
shell_list(struct shell_lexer *lx)
{
    for (uint32_t i = lx->stack.len; i-- > 0;) {
        struct shell_frame *frame = &lx->stack.ptr[i];
        if (frame->type == FRAME_LIST)
            return frame;
        if (frame->type == FRAME_CASE || frame->type == FRAME_HEREDOC)
            return NULL;
    }
    return NULL;
}

/* ---- Words ---- */

void
shell_word_begin(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_word *word = &list->command.word;
    if (word->open)
        return;
    word->open = word->only_name = true; /* not all of it: words are many, its text is long */
    word->quoted = word->dynamic = word->begins_with_hole = word->assigns = false;
    word->has_hole = false;
    word->start = lx->at;
    word->name = act_str_n("", 0);
    word->len = 0;
    word->first_hole = lx->next_hole;
    word->first_use = lx->uses.len;
}

/* An unquoted '=' after NAME, NAME+ or NAME[…] where that makes an assignment. */
static void
note_assignment(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    bool here =
        cmd->state == STATE_START || cmd->class == CLASS_DECLARE || cmd->class == CLASS_EXPORT;
    if (!here || word->assigns || word->quoted)
        return;
    if (word->only_name && word->dynamic) { /* holes and name characters only */
        shell_refuse_since(lx, word->first_hole, list, "the name of a variable cannot be a value",
                           "write the name; for many names use a list and `for`");
        return;
    }
    const char *text = lx->script.ptr + word->start;
    size_t len = 0;
    while (word->start + len < lx->at && shell_name_char(text[len]))
        len++;
    char next = text[len];
    if (shell_is_name(text, len) && strchr("=+[", next)) {
        word->assigns = true;
        word->name = act_str_n(text, len);
    }
}

void
shell_word_add(struct shell_lexer *lx, struct shell_frame *list, char c, bool quoted)
{
    struct shell_word *word = &list->command.word;
    shell_word_begin(lx, list);
    word->quoted |= quoted;
    if (c == '=' && !quoted && lx->stack.ptr[lx->stack.len - 1].type == FRAME_LIST)
        note_assignment(lx, list);
    if (!shell_name_char(c))
        word->only_name = false;
    if (word->len < SHELL_WORD_MAX - 1)
        word->text[word->len++] = c;
}

void
shell_word_literal(struct shell_lexer *lx, char c)
{
    for (uint32_t i = lx->stack.len; i-- > 0;) {
        struct shell_frame *frame = &lx->stack.ptr[i];
        if (frame->type == FRAME_LIST) {
            bool quoted = i + 1 == lx->stack.len || lx->stack.ptr[i + 1].type == FRAME_DQ;
            shell_word_add(lx, frame, c, quoted);
            return;
        }
        if (frame->type != FRAME_DQ && !(frame->type == FRAME_PARAM && frame->op == PARAM_WORD))
            return; /* a pattern, arithmetic: not what the word is */
    }
}

/* ---- Command names ---- */

static const char *const shells[] = {"sh",  "bash",  "dash", "ash",  "ksh",  "mksh",
                                     "zsh", "rbash", "csh",  "tcsh", "fish", NULL};

bool
shell_is_shell(const char *text)
{
    const char *slash = strrchr(text, '/');
    return shell_is_one_of(slash ? slash + 1 : text, shells);
}

static const struct {
    const char *name;
    enum shell_class class;
} classes[] = {
    {".", CLASS_SOURCE},        {"[", CLASS_TEST},          {"alias", CLASS_CODE},
    {"bind", CLASS_CODE},       {"compgen", CLASS_CODE},    {"complete", CLASS_CODE},
    {"declare", CLASS_DECLARE}, {"eval", CLASS_CODE},       {"export", CLASS_EXPORT},
    {"getopts", CLASS_NAMES},   {"let", CLASS_LET},         {"local", CLASS_EXPORT},
    {"mapfile", CLASS_NAMES},   {"printf", CLASS_PRINTF},   {"read", CLASS_READ},
    {"readarray", CLASS_NAMES}, {"readonly", CLASS_EXPORT}, {"source", CLASS_SOURCE},
    {"ssh", CLASS_SSH},         {"test", CLASS_TEST},       {"trap", CLASS_CODE},
    {"typeset", CLASS_DECLARE}, {"unset", CLASS_NAMES},     {"wait", CLASS_WAIT},
    {"watch", CLASS_CODE},
};

static enum shell_class
class_of(const char *text)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (classes[i].name[0] == text[0] && strcmp(classes[i].name, text) == 0)
            return classes[i].class;
    return CLASS_PLAIN;
}

/* A pipeline that ends behind a compound command began before it. */
static void
note_compound(struct shell_frame *list, const char *text)
{
    static const char *const opens[] = {"{", "if", "while", "until", "for", "select", NULL};
    static const char *const closes[] = {"}", "fi", "done", NULL};
    if (shell_is_one_of(text, opens)) {
        if (list->compound_count < SHELL_COMPOUND_MAX)
            list->compounds[list->compound_count] = list->pipeline;
        list->compound_count++;
    } else if (shell_is_one_of(text, closes) && list->compound_count > 0) {
        list->compound_count--;
        if (list->compound_count < SHELL_COMPOUND_MAX)
            list->pipeline = list->compounds[list->compound_count];
    }
}

/* True if the word is reserved and the next one is again a command's first. */
static bool
take_reserved(struct shell_lexer *lx, struct shell_frame *list)
{
    static const char *const again[] = {"if",    "then", "else",   "elif", "fi", "while",
                                        "until", "do",   "done",   "{",    "}",  "!",
                                        "time",  "esac", "coproc", NULL};
    struct shell_command *cmd = &list->command;
    const char *text = cmd->word.text;
    note_compound(list, text);
    if (shell_is_one_of(text, again))
        return true;
    if (strcmp(text, "case") == 0)
        cmd->state = STATE_CASE_WORD;
    else if (strcmp(text, "for") == 0 || strcmp(text, "select") == 0)
        cmd->state = STATE_FOR_NAME;
    else if (strcmp(text, "function") == 0)
        cmd->state = STATE_FUNCTION;
    else if (strcmp(text, "[[") == 0 && lx->bash) {
        cmd->state = STATE_COND;
        shell_term_end(lx, list);
    } else
        return false;
    return true;
}

/* Variables whose values the shell itself runs or expands. */
static bool
is_magic(struct act_str name)
{
    static const char *const magic[] = {"PS0", "PS1",      "PS2", "PS3", "PS4", "PROMPT_COMMAND",
                                        "ENV", "BASH_ENV", NULL};
    for (const char *const *m = magic; *m; m++)
        if (act_str_is(name, *m))
            return true;
    return false;
}

void
shell_assignment_end(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_word *word = &list->command.word;
    if (is_magic(word->name))
        shell_refuse_since(lx, word->first_hole, NULL, "the shell runs the value of this variable",
                           "give it a fixed text");
}

const char *const shell_takes_c[] = {"su", "runuser", "flock", "script", NULL};
static const char *const wrappers[] = {"command", "builtin", "exec", NULL};
static const char *const starters[] = {"chroot", "doas",    "docker",  "env",   "find",
                                       "ionice", "kubectl", "nice",    "nohup", "nsenter",
                                       "podman", "setsid",  "stdbuf",  "sudo",  "systemd-run",
                                       "time",   "timeout", "unshare", "xargs", NULL};

/* Could a name that begins with text be one that reads its operands as code? */
static bool
could_be_dangerous(const char *text, uint32_t len)
{
    if (len == 0 || memchr(text, '/', len))
        return true;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(classes[i].name, text, len) == 0)
            return true;
    const char *const *const lists[] = {wrappers, starters, shells, shell_takes_c};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const char *const *name = lists[i]; *name; name++)
            if (strncmp(*name, text, len) == 0)
                return true;
    return false;
}

static void
note_name_uses(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    if (cmd->word.first_use == lx->uses.len)
        return;
    if (!cmd->name_uses) {
        cmd->name_uses = true;
        cmd->name_use = cmd->word.first_use;
        cmd->use_hole_end = lx->next_hole;
    }
    cmd->name_use_end = lx->uses.len;
}

/* Expansions in a name count as nothing: `$()eval` is eval. */
static void
end_command_name(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    if (shell_may_vanish(word) || (cmd->wrapped && word->text[0] == '-') ||
        shell_is_one_of(word->text, wrappers)) { /* the name is still to come */
        cmd->wrapped = true;
        note_name_uses(lx, list);
        return;
    }
    cmd->state = STATE_OPERAND;
    cmd->class = class_of(word->text);
    list->bracket |= !word->dynamic && !word->quoted && strcmp(word->text, "[[") == 0;
    cmd->term_hole = lx->next_hole;
    cmd->term_use = lx->uses.len;
    cmd->named_by_value = word->has_hole && could_be_dangerous(word->text, word->hole_at);
    cmd->name_hole_end = lx->next_hole;
    note_name_uses(lx, list);
    cmd->inner = shell_is_shell(word->text)                   ? INNER_SHELL
                 : shell_is_one_of(word->text, shell_takes_c) ? INNER_SU
                                                              : INNER_NONE;
    cmd->starts_others = shell_is_one_of(word->text, starters) || cmd->class == CLASS_SSH;
}

static void
end_first_word(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_word *word = &list->command.word;
    if (word->assigns)
        shell_assignment_end(lx, list);
    else if (word->quoted || word->dynamic || list->command.wrapped || !take_reserved(lx, list))
        end_command_name(lx, list);
}

/* ---- Redirections ---- */

static void
end_redirect(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    enum shell_redirect redirect = cmd->redirect;
    cmd->redirect = REDIRECT_NONE;
    if (redirect == REDIRECT_TARGET)
        return;
    if (word->dynamic || word->len >= SHELL_WORD_MAX - 1) {
        shell_refuse_since(lx, word->first_hole, NULL,
                           "the end mark of a here-document cannot be a value",
                           "write a fixed word such as EOF");
        shell_lose(lx, "a here-document's end mark before it is no plain word", lx->at);
        return;
    }
    struct shell_heredoc doc = {.len = word->len,
                                .level = list->level,
                                .quoted = word->quoted,
                                .tabs = redirect == REDIRECT_HERE_TABS};
    memcpy(doc.delimiter, word->text, word->len);
    act_vec_push(&lx->heredocs, doc);
}

/* ---- The end of a word, the end of a command ---- */

void
shell_word_end(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    if (!word->open)
        return;
    word->open = false;
    word->text[word->len] = 0;
    if (cmd->redirect != REDIRECT_NONE) {
        end_redirect(lx, list);
        return;
    }
    switch (cmd->state) {
    case STATE_START: end_first_word(lx, list); break;
    case STATE_OPERAND: shell_operand_end(lx, list); break;
    case STATE_FOR_NAME:
        shell_refuse_since(lx, word->first_hole, NULL, "the name of a variable cannot be a value",
                           "write the name");
        cmd->for_name = act_str_n(lx->script.ptr + word->start, word->len);
        cmd->state = STATE_FOR_IN;
        break;
    case STATE_FOR_IN:
        cmd->state = strcmp(word->text, "do") == 0 ? STATE_START : STATE_OPERAND;
        cmd->class = CLASS_FOR;
        break;
    case STATE_FUNCTION:
        shell_refuse_since(lx, word->first_hole, NULL, "the name of a function cannot be a value",
                           "write the name");
        cmd->state = STATE_START;
        break;
    case STATE_CASE_WORD: cmd->state = STATE_CASE_IN; break;
    case STATE_CASE_IN:
        cmd->state = STATE_START;
        if (strcmp(word->text, "in") == 0)
            (void)shell_push(lx, FRAME_CASE, CLOSE_END);
        break;
    case STATE_COND: shell_cond_end(lx, list); break;
    case STATE_ARRAY: break;
    }
}

void
shell_command_reset(struct shell_lexer *lx, struct shell_frame *list)
{
    list->command = (struct shell_command){
        .state = STATE_START, .first_hole = lx->next_hole, .first_heredoc = lx->heredocs.len};
}

/* A shell without operands runs its standard input: here-documents, here-strings, what is piped in. */
static void
refuse_stdin_code(struct shell_lexer *lx, struct shell_frame *list)
{
    shell_refuse_since(lx, list->pipeline.hole, NULL, why_stdin, shell_help_code);
    for (uint32_t i = list->pipeline.heredoc; i < lx->heredocs.len; i++)
        lx->heredocs.ptr[i].code = true;
}

/* A command that a value names could be eval, or a shell: then no other value may reach it, neither as
 * an operand nor on its input. The same for one that a variable names, if a value is assigned to that. */
static void
end_named_by_value(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    if (cmd->name_uses && cmd->use_hole_end < lx->next_hole)
        for (uint32_t i = cmd->name_use; i < cmd->name_use_end; i++)
            act_vec_push(&lx->codes, lx->uses.ptr[i].name);
    if (!cmd->named_by_value)
        return;
    bool operands = cmd->name_hole_end < lx->next_hole,
         piped = list->pipeline.hole < cmd->first_hole;
    if (operands || piped)
        shell_refuse_since(
            lx, list->pipeline.hole, NULL,
            "a value names the command, and another one reaches it: if it were eval, "
            "that would be code",
            "write the command's name, or use exec: ['${{ … }}', …]");
    for (uint32_t i = list->pipeline.heredoc; i < lx->heredocs.len; i++)
        lx->heredocs.ptr[i].code = true;
}

void
shell_command_end(struct shell_lexer *lx, struct shell_frame *list, bool piped)
{
    struct shell_command *cmd = &list->command;
    end_named_by_value(lx, list);
    if (cmd->inner == INNER_SHELL || cmd->stdin_is_code ||
        (cmd->class == CLASS_SSH && cmd->operands == 1))
        refuse_stdin_code(lx, list);
    if (!piped)
        list->pipeline = (struct shell_pipeline){lx->next_hole, lx->heredocs.len};
    shell_command_reset(lx, list);
}
