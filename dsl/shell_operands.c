/* Operands: what a command does with them decides what a value in them would be. */
#include "dsl/shell_lex.h"

static const char *const why_code = "this operand is read as shell code";
static const char *const why_name = "the name of a variable cannot be a value";

/* ---- Variables whose values matter elsewhere ---- */

static void
add_uses(struct shell_lexer *lx, uint32_t first, const struct shell_frame *direct, bool code)
{
    for (uint32_t i = first; i < lx->uses.len; i++) {
        if (direct && lx->uses.ptr[i].owner != direct->serial)
            continue;
        if (code)
            act_vec_push(&lx->codes, lx->uses.ptr[i].name);
        else
            act_vec_push(&lx->numbers, lx->uses.ptr[i].name);
    }
}

static void
refuse_code(struct shell_lexer *lx, const struct shell_word *word)
{
    shell_refuse_since(lx, word->first_hole, NULL, why_code, shell_help_code);
    add_uses(lx, word->first_use, NULL, true);
}

static void
refuse_name(struct shell_lexer *lx, const struct shell_frame *list)
{
    const struct shell_word *word = &list->command.word;
    shell_refuse_since(lx, word->first_hole, list, why_name, shell_help_env);
    add_uses(lx, word->first_use, list, false);
}

/* ---- Operands ---- */

/* An operand right after a shell's name or its options. */
static void
end_shell_operand(struct shell_lexer *lx, struct shell_frame *list, bool option)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    if (cmd->option_argument) {
        cmd->option_argument = false;
    } else if (word->dynamic && word->len == 0 && !word->has_hole) {
        return; /* a variable: options perhaps */
    } else if (strcmp(word->text, "--") == 0) {
        cmd->inner = INNER_OPERAND;
    } else if (option) {
        bool letters = word->text[1] != '-';
        if (letters && strchr(word->text, 'c'))
            cmd->inner = INNER_C;
        cmd->stdin_is_code |= letters && strchr(word->text, 's');
        cmd->option_argument = letters && strpbrk(word->text, "oO");
    } else {
        if (word->begins_with_hole && cmd->inner == INNER_SHELL)
            shell_refuse_since(lx, word->first_hole, list,
                               "as a shell's first operand a value could be an option",
                               "write `--` before it, or ./ at its beginning");
        cmd->inner = INNER_OPERAND;
    }
}

/* `sh -c CODE` wherever it stands: after sudo, env, xargs, find -exec, … */
static void
end_inner(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    bool option = !word->begins_with_hole && (word->text[0] == '-' || word->text[0] == '+');
    switch (cmd->inner) {
    case INNER_NONE:
    case INNER_OPERAND:
        if (shell_is_shell(word->text))
            cmd->inner = cmd->starts_others ? INNER_SHELL : INNER_MAYBE;
        else if (cmd->starts_others && shell_is_one_of(word->text, shell_takes_c))
            cmd->inner = INNER_SU;
        break;
    case INNER_SU:
        if (strcmp(word->text, "-c") == 0 || strcmp(word->text, "--command") == 0)
            cmd->inner = INNER_C;
        break;
    case INNER_MAYBE:
    case INNER_SHELL: end_shell_operand(lx, list, option); break;
    case INNER_C:
        if (option)
            break;
        refuse_code(lx, word);
        if (!shell_may_vanish(word))
            cmd->inner = INNER_OPERAND;
        break;
    }
}

static void
end_declare(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    if (!word->begins_with_hole && !word->assigns &&
        (word->text[0] == '-' || word->text[0] == '+')) {
        cmd->integer_flag |= strchr(word->text, 'i') != NULL;
        cmd->name_flag |= strchr(word->text, 'n') != NULL;
        cmd->array_flag |= strpbrk(word->text, "aA") != NULL;
        return;
    }
    struct act_str name = word->assigns ? word->name : act_str_n(word->text, word->len);
    if ((cmd->integer_flag || cmd->name_flag) && !word->dynamic && !word->assigns) {
        /* every later assignment to it is arithmetic */
        act_vec_push(&lx->numbers, act_str_n(lx->script.ptr + word->start, name.len));
    }
    if (word->assigns && (cmd->integer_flag || cmd->name_flag))
        act_vec_push(&lx->numbers, name);
    if (!word->assigns) {
        refuse_name(lx, list);
    } else if (cmd->integer_flag && !cmd->array_flag) {
        shell_integer_since(lx, word->first_hole, list);
        add_uses(lx, word->first_use, list, false);
    } else if (cmd->array_flag || cmd->name_flag || cmd->class == CLASS_DECLARE) {
        shell_refuse_since(lx, word->first_hole, list,
                           "declare and typeset evaluate what they are given",
                           "assign it on a line of its own: NAME=${{ … }}");
    } else {
        shell_assignment_end(lx, list);
    }
}

static bool
is_number_operator(const char *text)
{
    static const char *const operators[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge", NULL};
    return shell_is_one_of(text, operators);
}

static void
end_number_operator(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    shell_integer_since(lx, cmd->term_hole, list);
    add_uses(lx, cmd->term_use, list, false);
    if (cmd->last_word.len)
        act_vec_push(&lx->numbers, cmd->last_word);
    cmd->arith = true;
}

static void
end_test(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    bool hole = word->first_hole < lx->next_hole;
    if (is_number_operator(word->text)) { /* quoted or not: test is a command */
        end_number_operator(lx, list);
    } else if (!word->dynamic && (strcmp(word->text, "-a") == 0 || strcmp(word->text, "-o") == 0)) {
        shell_term_end(lx, list);
    } else if (cmd->name_flag) {
        refuse_name(lx, list);
    } else if (cmd->arith) {
        shell_integer_since(lx, word->first_hole, list);
    } else if (cmd->after_hole && hole) {
        shell_refuse_since(lx, word->first_hole, list,
                           "beside another value in a test this could be read as an operator's "
                           "operand",
                           "write the operator between the two, or two tests");
    }
    cmd->after_hole = word->begins_with_hole;
    cmd->name_flag = strcmp(word->text, "-v") == 0;
}

static void
end_printf(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    if (cmd->operands == 1 && (cmd->name_flag || strncmp(word->text, "-v", 2) == 0)) {
        bool attached = !cmd->name_flag && (word->len > 2 || word->dynamic);
        if (cmd->name_flag || attached)
            refuse_name(lx, list);
        cmd->name_flag = !cmd->name_flag && !attached;
        cmd->operands--; /* the format is still to come */
    } else if (shell_may_vanish(word)) {
        cmd->operands--;
    } else if (cmd->operands == 1 && word->begins_with_hole) {
        shell_refuse_since(lx, word->first_hole, list,
                           "a value as printf's format would be read for % and options",
                           "write printf '%s\\n' ${{ … }}");
    }
}

static void
end_read(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    if (cmd->option_argument) {
        cmd->option_argument = false;
    } else if (!word->dynamic && word->text[0] == '-' && word->len > 1) {
        cmd->option_argument = strchr("pdintNu", word->text[word->len - 1]) != NULL;
    } else {
        refuse_name(lx, list);
    }
}

/* Options first, then the host, then code. */
static void
end_ssh(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    if (cmd->option_argument) {
        cmd->option_argument = false;
        cmd->operands--;
    } else if (cmd->operands == 1 && word->text[0] == '-' && !word->begins_with_hole) {
        cmd->operands--;
        cmd->option_argument = word->len == 2 && strchr("BbcDEeFIiJLlmOopQRSWw", word->text[1]);
    } else if (cmd->operands == 1 && word->begins_with_hole) {
        shell_refuse_since(lx, word->first_hole, list, "a value as ssh's host could be an option",
                           "write USER@ before it, or `--`");
    } else if (cmd->operands > 1) {
        refuse_code(lx, word);
        end_inner(lx, list);
    }
}

void
shell_operand_end(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    cmd->operands++;
    if (!word->dynamic && !word->quoted && strcmp(word->text, "]]") == 0)
        list->bracket = false;
    switch (cmd->class) {
    case CLASS_PLAIN: end_inner(lx, list); break;
    case CLASS_CODE: refuse_code(lx, word); break;
    case CLASS_SOURCE:
        for (uint32_t i = word->first_hole; i < lx->next_hole; i++)
            if (lx->marks.ptr[i].owner != list->serial)
                shell_refuse(lx, i, "what this prints is run as shell code", shell_help_code);
        break;
    case CLASS_LET:
        shell_integer_since(lx, word->first_hole, list);
        add_uses(lx, word->first_use, list, false);
        break;
    case CLASS_NAMES: refuse_name(lx, list); break;
    case CLASS_READ: end_read(lx, list); break;
    case CLASS_DECLARE:
    case CLASS_EXPORT: end_declare(lx, list); break;
    case CLASS_TEST: end_test(lx, list); break;
    case CLASS_PRINTF: end_printf(lx, list); break;
    case CLASS_WAIT: shell_integer_since(lx, word->first_hole, list); break;
    case CLASS_SSH: end_ssh(lx, list); break;
    case CLASS_FOR: break;
    }
}

/* ---- [[ … ]] ---- */

void
shell_term_end(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    cmd->term_hole = lx->next_hole;
    cmd->term_use = lx->uses.len;
    cmd->arith = false;
    cmd->name_flag = false;
    cmd->after_hole = false;
    cmd->last_word = act_str_n("", 0);
}

void
shell_cond_end(struct shell_lexer *lx, struct shell_frame *list)
{
    struct shell_command *cmd = &list->command;
    struct shell_word *word = &cmd->word;
    bool plain = !word->dynamic && !word->quoted;
    struct act_str source = act_str_n(lx->script.ptr + word->start, word->len);
    bool name = !word->dynamic && !word->quoted && shell_is_name(source.ptr, source.len);
    if (plain && strcmp(word->text, "]]") == 0) {
        cmd->state = STATE_OPERAND;
        cmd->class = CLASS_PLAIN;
        return;
    }
    if (plain && is_number_operator(word->text)) {
        end_number_operator(lx, list);
    } else if (cmd->name_flag) {
        refuse_name(lx, list);
    } else if (cmd->arith) {
        shell_integer_since(lx, word->first_hole, list);
        add_uses(lx, word->first_use, list, false);
        if (name)
            act_vec_push(&lx->numbers, source);
    }
    cmd->last_word = name ? source : act_str_n("", 0);
    cmd->name_flag = plain && (strcmp(word->text, "-v") == 0 || strcmp(word->text, "-R") == 0);
}
