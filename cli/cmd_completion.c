/* Completion scripts for bash, zsh and fish, made from the tables of commands and options. */
#include "cli/cmd.h"

/* In single quotes of all three shells. */
static void
add_quoted(struct act_buf *out, struct act_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            act_buf_add_cstr(out, "'\\''");
        else
            act_buf_add_byte(out, text.ptr[i]);
    }
}

/* How an option is offered: `--no-cache` where the help names that, as `--cache` is what happens anyway. */
struct offer {
    struct act_str no; /* "no-" or empty */
    struct act_str help;
};

static struct offer
offer_of(const struct act_option *option)
{
    struct act_buf form = {0};
    struct offer ret = {act_str(NULL), act_str(option->help)};
    act_buf_printf(&form, "(--no-%s: ", option->name);
    ptrdiff_t at = act_str_find(ret.help, act_buf_str(&form));
    if (at >= 0) {
        size_t begin = (size_t)at + form.len;
        ret.no = ACT_STR("no-");
        ret.help = act_str_n(ret.help.ptr + begin, strcspn(ret.help.ptr + begin, ")"));
    }
    act_buf_fini(&form);
    return ret;
}

/* The options of a command that are offered; ended by ACT_OPT_NONE. */
static void
offered(const struct act_cli_command *command, enum act_opt ret[ACT_OPT_COUNT + 1])
{
    size_t count = 0;
    act_command_options(command, ret);
    for (const enum act_opt *id = ret; *id != ACT_OPT_NONE; id++)
        if (!(act_option(*id)->flags & ACT_OPT_LATER))
            ret[count++] = *id;
    ret[count] = ACT_OPT_NONE;
}

static void
add_verbs(struct act_buf *out, const struct act_cli_command *command)
{
    const struct act_cli_verb *verb;
    for (size_t i = 0; (verb = act_verb_at(command, i)) != NULL; i++)
        act_buf_printf(out, "%s%s", i ? " " : "", verb->name);
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
    switch (word) {
    case ACT_WORD_SHELL: act_buf_add_cstr(out, "bash zsh fish"); break;
    case ACT_WORD_COMMAND:
        for (size_t i = 0; i < act_command_count; i++)
            act_buf_printf(out, "%s%s", i ? " " : "", act_commands[i].name);
        break;
    case ACT_WORD_RUN: act_buf_add_cstr(out, "$(_actant_runs)"); break;
    case ACT_WORD_NONE:
    case ACT_WORD_FILE:
    case ACT_WORD_NODE:
    case ACT_WORD_HISTORY:
    case ACT_WORD_ACTOR:
    case ACT_WORD_PLUGIN: break;
    }
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void
bash_option_values(struct act_buf *out, const struct act_option *option)
{
    if (!option->value)
        return;
    act_buf_printf(out, "                --%s", option->name);
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

/* In the command's case: `-o` is a format of `plan` and a file of `export`. */
static void
bash_options(struct act_buf *out, const struct act_cli_command *command)
{
    enum act_opt takes[ACT_OPT_COUNT + 1];
    offered(command, takes);
    act_buf_add_cstr(out, "            options='");
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        act_buf_printf(out, " --%.*s%s", ACT_STR_ARG(offer_of(act_option(*id)).no),
                       act_option(*id)->name);
    act_buf_add_cstr(out, "'\n            case $prev in\n");
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        bash_option_values(out, act_option(*id));
    act_buf_add_cstr(out, "            esac\n");
}

static void
bash_words(struct act_buf *out, enum act_word word)
{
    act_buf_add_cstr(out, "words=\"");
    add_word_list(out, word);
    act_buf_printf(out, "\"; files=%d", word == ACT_WORD_FILE);
}

/* The first word that is a verb says what the others are. */
static void
bash_verbs(struct act_buf *out, const struct act_cli_command *command)
{
    const struct act_cli_verb *verb;
    act_buf_add_cstr(out, "            words='");
    add_verbs(out, command);
    act_buf_add_cstr(out, "'\n            for word in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do\n"
                          "                case $word in\n");
    for (size_t i = 0; (verb = act_verb_at(command, i)) != NULL; i++) {
        act_buf_printf(out, "                %s) ", verb->name);
        bash_words(out, verb->word);
        act_buf_add_cstr(out, "; break;;\n");
    }
    act_buf_add_cstr(out, "                esac\n            done;;\n");
}

static void
bash_command(struct act_buf *out, const struct act_cli_command *command)
{
    act_buf_printf(out, "        %s)\n", command->name);
    bash_options(out, command);
    if (act_verb_at(command, 0)) {
        bash_verbs(out, command);
        return;
    }
    act_buf_add_cstr(out, "            ");
    bash_words(out, command->words[0]);
    act_buf_add_cstr(out, ";;\n");
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
                     "    local options= words= files=0 word\n"
                     "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                     "        COMPREPLY=($(compgen -W '");
    add_word_list(out, ACT_WORD_COMMAND);
    act_buf_add_cstr(out, "' -- \"$cur\")); return\n    fi\n    case ${COMP_WORDS[1]} in\n");
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
zsh_text(struct act_buf *out, struct act_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c && strchr("[]:\\", c))
            act_buf_add_byte(out, '\\');
        if (c == '\'')
            act_buf_add_cstr(out, "'\\''");
        else
            act_buf_add_byte(out, c);
    }
}

/* What completes a word: `(a b)`, `_files`, a function; a blank: nothing. */
static void
zsh_action(struct act_buf *out, enum act_word word)
{
    if (word == ACT_WORD_FILE) {
        act_buf_add_cstr(out, "_files");
    } else if (word == ACT_WORD_RUN) {
        act_buf_add_cstr(out, "_actant_runs");
    } else if (word == ACT_WORD_NONE || word == ACT_WORD_NODE) {
        act_buf_add_byte(out, ' ');
    } else {
        act_buf_add_byte(out, '(');
        add_word_list(out, word);
        act_buf_add_byte(out, ')');
    }
}

static void
zsh_value(struct act_buf *out, const struct act_option *option)
{
    act_buf_add_byte(out, ':');
    zsh_text(out, act_str(option->name));
    act_buf_add_byte(out, ':');
    if (option->choices) {
        act_buf_add_byte(out, '(');
        add_choices(out, option->choices);
        act_buf_add_byte(out, ')');
    } else {
        zsh_action(out, option->flags & ACT_OPT_PATH  ? ACT_WORD_FILE
                        : option->flags & ACT_OPT_RUN ? ACT_WORD_RUN
                                                      : ACT_WORD_NONE);
    }
}

/* '--quiet[…]', or of two names '(-q --quiet)'{-q,--quiet}'[…]': either leaves out the other. */
static void
zsh_option(struct act_buf *out, const struct act_option *option)
{
    struct offer offer = offer_of(option);
    bool repeat = option->flags & ACT_OPT_REPEAT;
    const char *value = option->value ? "=" : "", *near = option->value ? "+" : "";
    act_buf_add_cstr(out, " \\\n            ");
    if (option->letter && repeat)
        act_buf_add_cstr(out, "'*'");
    else if (option->letter)
        act_buf_printf(out, "'(-%c --%s)'", option->letter, option->name);
    if (option->letter)
        act_buf_printf(out, "{-%c%s,--%s%s}'[", option->letter, near, option->name, value);
    else
        act_buf_printf(out, "'%s--%.*s%s%s[", repeat ? "*" : "", ACT_STR_ARG(offer.no),
                       option->name, value);
    zsh_text(out, offer.help);
    act_buf_add_byte(out, ']');
    if (option->value)
        zsh_value(out, option);
    act_buf_add_byte(out, '\'');
}

static void
zsh_words(struct act_buf *out, const struct act_cli_command *command)
{
    if (act_verb_at(command, 0)) {
        act_buf_add_cstr(out, " \\\n            '1:verb:(");
        add_verbs(out, command);
        act_buf_printf(out, ")' \\\n            '*:word:_actant_%s'", command->name);
        return;
    }
    for (size_t i = 0; i < 3 && command->words[i] != ACT_WORD_NONE; i++) {
        bool rest = command->words_max == ACT_WORDS_ANY;
        act_buf_printf(out, " \\\n            '%s:word:", rest ? "*" : "");
        zsh_action(out, command->words[i]);
        act_buf_add_byte(out, '\'');
    }
}

/* What stands after a verb: the first word that is one says so. */
static void
zsh_verbs(struct act_buf *out, const struct act_cli_command *command)
{
    const struct act_cli_verb *verb;
    if (!act_verb_at(command, 0))
        return;
    act_buf_printf(out, "_actant_%s() {\n    case ${words[(r)(", command->name);
    for (size_t i = 0; (verb = act_verb_at(command, i)) != NULL; i++)
        act_buf_printf(out, "%s%s", i ? "|" : "", verb->name);
    act_buf_add_cstr(out, ")]} in\n");
    for (size_t i = 0; (verb = act_verb_at(command, i)) != NULL; i++) {
        if (verb->word == ACT_WORD_NONE)
            continue;
        act_buf_printf(out, "        %s) ", verb->name);
        zsh_action(out, verb->word);
        act_buf_add_cstr(out, ";;\n");
    }
    act_buf_add_cstr(out, "    esac\n}\n");
}

static void
zsh_command(struct act_buf *out, const struct act_cli_command *command)
{
    enum act_opt takes[ACT_OPT_COUNT + 1];
    offered(command, takes);
    act_buf_printf(out, "        %s) _arguments -s -S", command->name);
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        zsh_option(out, act_option(*id));
    zsh_words(out, command);
    act_buf_add_cstr(out, ";;\n");
}

static void
print_zsh(struct act_buf *out)
{
    act_buf_add_cstr(out,
                     "#compdef actant\n"
                     "_actant_runs() { compadd last ${(f)\"$(actant history list --json --limit 50 "
                     "2>/dev/null | grep -o '\"run\":\"[^\"]*' | cut -d'\"' -f4)\"} }\n");
    for (size_t i = 0; i < act_command_count; i++)
        zsh_verbs(out, &act_commands[i]);
    act_buf_add_cstr(out, "_actant() {\n"
                          "    if (( CURRENT == 2 )); then\n"
                          "        local -a commands=(");
    for (size_t i = 0; i < act_command_count; i++) {
        act_buf_printf(out, "\n            '%s:", act_commands[i].name);
        zsh_text(out, act_str(act_commands[i].summary));
        act_buf_add_byte(out, '\'');
    }
    act_buf_add_cstr(out, ")\n        _describe command commands\n        return\n    fi\n"
                          "    local name=$words[2]\n"
                          "    shift words; (( CURRENT-- ))\n    case $name in\n");
    for (size_t i = 0; i < act_command_count; i++)
        zsh_command(out, &act_commands[i]);
    act_buf_add_cstr(out, "    esac\n}\n"
                          "if [ \"$funcstack[1]\" = _actant ]; then _actant \"$@\"; "
                          "else compdef _actant actant; fi\n");
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void
fish_option(struct act_buf *out, const struct act_cli_command *command,
            const struct act_option *option)
{
    struct offer offer = offer_of(option);
    act_buf_printf(out, "complete -c actant -n '__fish_seen_subcommand_from %s' -l %.*s%s",
                   command->name, ACT_STR_ARG(offer.no), option->name);
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
    add_quoted(out, offer.help);
    act_buf_add_cstr(out, "'\n");
}

/* after: what else must have been seen; a verb, or "": nothing. */
static void
fish_word(struct act_buf *out, const struct act_cli_command *command, const char *after,
          enum act_word word)
{
    if (word == ACT_WORD_NONE)
        return;
    act_buf_printf(out, "complete -c actant -n '__fish_seen_subcommand_from %s%s%s'", command->name,
                   *after ? "; and __fish_seen_subcommand_from " : "", after);
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
fish_verbs(struct act_buf *out, const struct act_cli_command *command)
{
    const struct act_cli_verb *verb;
    for (size_t i = 0; (verb = act_verb_at(command, i)) != NULL; i++) {
        act_buf_printf(out,
                       "complete -c actant -n '__fish_seen_subcommand_from %s; and not "
                       "__fish_seen_subcommand_from ",
                       command->name);
        add_verbs(out, command);
        act_buf_printf(out, "' -a %s -d '", verb->name);
        add_quoted(out, act_str(verb->summary));
        act_buf_add_cstr(out, "'\n");
        fish_word(out, command, verb->name, verb->word);
    }
}

static void
fish_command(struct act_buf *out, const struct act_cli_command *command)
{
    enum act_opt takes[ACT_OPT_COUNT + 1];
    offered(command, takes);
    act_buf_printf(out, "complete -c actant -n __fish_use_subcommand -a %s -d '", command->name);
    add_quoted(out, act_str(command->summary));
    act_buf_add_cstr(out, "'\n");
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        fish_option(out, command, act_option(*id));
    if (act_verb_at(command, 0))
        fish_verbs(out, command);
    else
        fish_word(out, command, "", command->words[0]);
}

static void
print_fish(struct act_buf *out)
{
    act_buf_add_cstr(out, "# fish completion for actant\n"
                          "function _actant_runs\n"
                          "    actant history list --json --limit 50 2>/dev/null | "
                          "grep -o '\"run\":\"[^\"]*' | cut -d'\"' -f4\n    echo last\nend\n"
                          "complete -c actant -f\n");
    for (size_t i = 0; i < act_command_count; i++)
        fish_command(out, &act_commands[i]);
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
