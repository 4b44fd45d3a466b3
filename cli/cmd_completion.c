/* Completion scripts for bash, zsh and fish, made from the tables of commands and options. */
#include "cli/cmd.h"

/* In single quotes of all three shells. */
static void
add_quoted(struct act_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            act_buf_add_cstr(out, "'\\''");
        else
            act_buf_add_byte(out, *text);
    }
}

static void
add_choices(struct act_buf *out, const char *choices)
{
    for (; *choices; choices++)
        act_buf_add_byte(out, *choices == '|' ? ' ' : *choices);
}

/* What stands for a word: a list of words, or a call that prints them. */
static void
add_word_list(struct act_buf *out, enum act_word word)
{
    const struct act_history_verb *verb;
    switch (word) {
    case ACT_WORD_SHELL: act_buf_add_cstr(out, "bash zsh fish"); break;
    case ACT_WORD_COMMAND:
        for (size_t i = 0; i < act_command_count; i++)
            act_buf_printf(out, "%s%s", i ? " " : "", act_commands[i].name);
        break;
    case ACT_WORD_HISTORY:
        for (size_t i = 0; (verb = act_history_verb_at(i)) != NULL; i++)
            act_buf_printf(out, "%s%s", i ? " " : "", verb->name);
        break;
    case ACT_WORD_RUN: act_buf_add_cstr(out, "$(_actant_runs)"); break;
    case ACT_WORD_NONE:
    case ACT_WORD_FILE:
    case ACT_WORD_NODE: break;
    }
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void
bash_option_values(struct act_buf *out, const struct act_option *option)
{
    if (!option->value)
        return;
    act_buf_printf(out, "        --%s", option->name);
    if (option->letter)
        act_buf_printf(out, "|-%c", option->letter);
    act_buf_add_cstr(out, ") ");
    if (option->choices) {
        act_buf_add_cstr(out, "COMPREPLY=($(compgen -W '");
        add_choices(out, option->choices);
        act_buf_add_cstr(out, "' -- \"$cur\"))");
    } else if (option->flags & ACT_OPT_PATH) {
        act_buf_add_cstr(out, "COMPREPLY=($(compgen -f -- \"$cur\"))");
    } else if (option->flags & ACT_OPT_RUN) {
        act_buf_add_cstr(out, "COMPREPLY=($(compgen -W \"$(_actant_runs)\" -- \"$cur\"))");
    } else {
        act_buf_add_cstr(out, "COMPREPLY=()");
    }
    act_buf_add_cstr(out, "; return;;\n");
}

static void
bash_command(struct act_buf *out, const struct act_cli_command *command)
{
    enum act_opt takes[ACT_OPT_COUNT + 1];
    act_command_options(command, takes);
    act_buf_printf(out, "        %s) options='", command->name);
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        if (!(act_option(*id)->flags & ACT_OPT_LATER))
            act_buf_printf(out, " --%s", act_option(*id)->name);
    act_buf_add_cstr(out, "'; words=\"");
    add_word_list(out, command->words[0]);
    act_buf_printf(out, "\"; files=%d;;\n", command->words[0] == ACT_WORD_FILE);
}

static void
print_bash(struct act_buf *out)
{
    act_buf_add_cstr(out,
                     "# bash completion for actant\n"
                     "_actant_runs() { actant history list --json --limit 50 2>/dev/null | "
                     "grep -o '\"run\":\"[^\"]*' | cut -d'\"' -f4; echo last; }\n"
                     "_actant() {\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local options= words= files=0\n"
                     "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                     "        COMPREPLY=($(compgen -W '");
    add_word_list(out, ACT_WORD_COMMAND);
    act_buf_add_cstr(out, "' -- \"$cur\")); return\n    fi\n    case $prev in\n");
    for (enum act_opt id = ACT_OPT_NONE + 1; id < ACT_OPT_COUNT; id++)
        if (!(act_option(id)->flags & ACT_OPT_LATER))
            bash_option_values(out, act_option(id));
    act_buf_add_cstr(out, "    esac\n    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < act_command_count; i++)
        bash_command(out, &act_commands[i]);
    act_buf_add_cstr(
        out, "    esac\n"
             "    case $cur in\n"
             "        -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"));;\n"
             "        *) if [ \"$files\" = 1 ]; then COMPREPLY=($(compgen -f -- \"$cur\"));\n"
             "           else COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); fi;;\n"
             "    esac\n"
             "}\n"
             "complete -o filenames -F _actant actant\n");
}

/* ---- zsh ------------------------------------------------------------------------------------ */

/* In a zsh description brackets and colons mean something. */
static void
zsh_text(struct act_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            act_buf_add_byte(out, '\\');
        if (*text == '\'')
            act_buf_add_cstr(out, "'\\''");
        else
            act_buf_add_byte(out, *text);
    }
}

static void
zsh_option(struct act_buf *out, const struct act_option *option)
{
    act_buf_printf(out, " \\\n            '%s--%s%s[", option->flags & ACT_OPT_REPEAT ? "*" : "",
                   option->name, option->value ? "=" : "");
    zsh_text(out, option->help);
    act_buf_add_byte(out, ']');
    if (option->value) {
        act_buf_add_byte(out, ':');
        zsh_text(out, option->name);
        act_buf_add_byte(out, ':');
        if (option->choices) {
            act_buf_add_byte(out, '(');
            add_choices(out, option->choices);
            act_buf_add_byte(out, ')');
        } else if (option->flags & ACT_OPT_PATH) {
            act_buf_add_cstr(out, "_files");
        } else if (option->flags & ACT_OPT_RUN) {
            act_buf_add_cstr(out, "_actant_runs");
        }
    }
    act_buf_add_byte(out, '\'');
}

static void
zsh_words(struct act_buf *out, const struct act_cli_command *command)
{
    for (size_t i = 0; i < 3 && command->words[i] != ACT_WORD_NONE; i++) {
        enum act_word word = command->words[i];
        bool rest = command->words_max == ACT_WORDS_ANY;
        act_buf_printf(out, " \\\n            '%s:word:", rest ? "*" : "");
        if (word == ACT_WORD_FILE) {
            act_buf_add_cstr(out, "_files");
        } else if (word == ACT_WORD_RUN) {
            act_buf_add_cstr(out, "_actant_runs");
        } else {
            act_buf_add_byte(out, '(');
            add_word_list(out, word);
            act_buf_add_byte(out, ')');
        }
        act_buf_add_byte(out, '\'');
    }
}

static void
print_zsh(struct act_buf *out)
{
    act_buf_add_cstr(out,
                     "#compdef actant\n"
                     "_actant_runs() { compadd last ${(f)\"$(actant history list --json --limit 50 "
                     "2>/dev/null | grep -o '\"run\":\"[^\"]*' | cut -d'\"' -f4)\"} }\n"
                     "_actant() {\n"
                     "    if (( CURRENT == 2 )); then\n"
                     "        local -a commands=(");
    for (size_t i = 0; i < act_command_count; i++) {
        act_buf_printf(out, "\n            '%s:", act_commands[i].name);
        zsh_text(out, act_commands[i].summary);
        act_buf_add_byte(out, '\'');
    }
    act_buf_add_cstr(out, ")\n        _describe command commands\n        return\n    fi\n"
                          "    local name=$words[2]\n"
                          "    shift words; (( CURRENT-- ))\n    case $name in\n");
    for (size_t i = 0; i < act_command_count; i++) {
        act_buf_printf(out, "        %s) _arguments -S", act_commands[i].name);
        enum act_opt takes[ACT_OPT_COUNT + 1];
        act_command_options(&act_commands[i], takes);
        for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
            if (!(act_option(*id)->flags & ACT_OPT_LATER))
                zsh_option(out, act_option(*id));
        zsh_words(out, &act_commands[i]);
        act_buf_add_cstr(out, ";;\n");
    }
    act_buf_add_cstr(out, "    esac\n}\n"
                          "if [ \"$funcstack[1]\" = _actant ]; then _actant \"$@\"; "
                          "else compdef _actant actant; fi\n");
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void
fish_option(struct act_buf *out, const struct act_cli_command *command,
            const struct act_option *option)
{
    act_buf_printf(out, "complete -c actant -n '__fish_seen_subcommand_from %s' -l %s",
                   command->name, option->name);
    if (option->letter)
        act_buf_printf(out, " -s %c", option->letter);
    if (option->value && option->choices) {
        act_buf_add_cstr(out, " -xa '");
        add_choices(out, option->choices);
        act_buf_add_byte(out, '\'');
    } else if (option->value && (option->flags & ACT_OPT_RUN)) {
        act_buf_add_cstr(out, " -xa '(_actant_runs)'");
    } else if (option->value) {
        act_buf_add_cstr(out, option->flags & ACT_OPT_PATH ? " -rF" : " -x");
    }
    act_buf_add_cstr(out, " -d '");
    add_quoted(out, option->help);
    act_buf_add_cstr(out, "'\n");
}

static void
fish_words(struct act_buf *out, const struct act_cli_command *command)
{
    enum act_word word = command->words[0];
    if (word == ACT_WORD_NONE)
        return;
    act_buf_printf(out, "complete -c actant -n '__fish_seen_subcommand_from %s'", command->name);
    if (word == ACT_WORD_FILE) {
        act_buf_add_cstr(out, " -F\n");
        return;
    }
    act_buf_add_cstr(out, " -a '");
    if (word == ACT_WORD_RUN)
        act_buf_add_cstr(out, "(_actant_runs)");
    else
        add_word_list(out, word);
    act_buf_add_cstr(out, "'\n");
}

static void
print_fish(struct act_buf *out)
{
    act_buf_add_cstr(out, "# fish completion for actant\n"
                          "function _actant_runs\n"
                          "    actant history list --json --limit 50 2>/dev/null | "
                          "grep -o '\"run\":\"[^\"]*' | cut -d'\"' -f4\n    echo last\nend\n"
                          "complete -c actant -f\n");
    for (size_t i = 0; i < act_command_count; i++) {
        act_buf_printf(out, "complete -c actant -n __fish_use_subcommand -a %s -d '",
                       act_commands[i].name);
        add_quoted(out, act_commands[i].summary);
        act_buf_add_cstr(out, "'\n");
        enum act_opt takes[ACT_OPT_COUNT + 1];
        act_command_options(&act_commands[i], takes);
        for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
            if (!(act_option(*id)->flags & ACT_OPT_LATER))
                fish_option(out, &act_commands[i], act_option(*id));
        fish_words(out, &act_commands[i]);
    }
}

int
act_cmd_completion(struct act_cli *cli)
{
    static const struct {
        const char *name;
        void (*print)(struct act_buf *out);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    struct act_str word = act_cli_word(cli, 0);
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (!act_str_is(word, shells[i].name))
            continue;
        struct act_buf out = {0};
        shells[i].print(&out);
        int code = act_cli_print(cli, act_buf_str(&out));
        act_buf_fini(&out);
        return code;
    }
    return act_cli_usage(cli, "actant completion bash|zsh|fish", "no completion for '%.*s'",
                         ACT_STR_ARG(word));
}
