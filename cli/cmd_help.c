#include "cli/cmd.h"

#include "cli/term.h"

#include <unistd.h>

void
act_help_option_head(struct act_buf *out, const struct act_option *option)
{
    if (option->letter)
        act_buf_printf(out, "-%c, ", option->letter);
    else
        act_buf_add_cstr(out, "    ");
    act_buf_printf(out, "--%s", option->name);
    if (option->value)
        act_buf_printf(out, " %s", option->value);
}

static void
add_option(struct act_buf *out, const struct act_option *option)
{
    struct act_buf head = {0};
    act_help_option_head(&head, option);
    if (head.len > 24)
        act_buf_printf(out, "  %s\n%28s%s", head.ptr, "", option->help);
    else
        act_buf_printf(out, "  %-25s %s", head.ptr, option->help);
    if (option->choices && option->value)
        act_buf_printf(out, "\n%28s%s", "", option->choices);
    act_buf_add_byte(out, '\n');
    act_buf_fini(&head);
}

static void
add_verbs(struct act_buf *out, const struct act_cli_command *command, bool color)
{
    const struct act_cli_verb *verb;
    if (!act_verb_at(command, 0))
        return;
    act_buf_add_byte(out, '\n');
    act_style_add(out, color, ACT_STYLE_BOLD, ACT_STR("Verbs\n"));
    for (size_t i = 0; (verb = act_verb_at(command, i)) != NULL; i++)
        act_buf_printf(out, "  %-8s %-16s %s\n", verb->name, verb->usage, verb->summary);
}

int
act_help_command(struct act_cli *cli, const struct act_cli_command *command)
{
    struct act_buf out = {0};
    bool color = act_term_color(act_cli_text(cli, ACT_OPT_COLOR), STDOUT_FILENO);
    act_style_add(&out, color, ACT_STYLE_BOLD, ACT_STR("Usage"));
    act_buf_printf(&out, "  actant %s [OPTION…]%s%s\n\n%s.\n", command->name,
                   *command->usage ? " " : "", command->usage, command->summary);
    if (command->description)
        act_buf_printf(&out, "%s\n", command->description);
    add_verbs(&out, command, color);
    act_buf_add_byte(&out, '\n');
    act_style_add(&out, color, ACT_STYLE_BOLD, ACT_STR("Options\n"));
    enum act_opt takes[ACT_OPT_COUNT + 1];
    act_command_options(command, takes);
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        if (!(act_option(*id)->flags & ACT_OPT_LATER))
            add_option(&out, act_option(*id));
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static int
print_overview(struct act_cli *cli)
{
    struct act_buf out = {0};
    bool color = act_term_color(act_cli_text(cli, ACT_OPT_COLOR), STDOUT_FILENO);
    act_buf_add_cstr(&out, "actant runs workflows written in YAML.\n\n");
    act_style_add(&out, color, ACT_STYLE_BOLD, ACT_STR("Usage"));
    act_buf_add_cstr(&out, "  actant COMMAND [OPTION…] [WORD…]\n\n");
    act_style_add(&out, color, ACT_STYLE_BOLD, ACT_STR("Commands\n"));
    for (size_t i = 0; i < act_command_count; i++)
        act_buf_printf(&out, "  %-11s %s\n", act_commands[i].name, act_commands[i].summary);
    act_buf_add_cstr(&out, "\nTo begin: `actant init`, then `actant run workflow.yaml`.\n"
                           "`actant help COMMAND` has the options. Settings that repeat go into\n"
                           "actant.toml (project) or ~/.config/actant/config.toml (user).\n\n");
    act_style_add(&out, color, ACT_STYLE_BOLD, ACT_STR("Exit codes"));
    act_buf_add_cstr(&out,
                     "  0 succeeded · 1 the workflow failed · 2 wrong usage or invalid file ·\n"
                     "            3 actant itself failed · 4 cancelled ·\n"
                     "            129/130/143 suspended (by SIGHUP, SIGINT, SIGTERM)\n");
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

static void
add_option_json(struct act_value *list, const struct act_option *option)
{
    struct act_value *row = act_value_map();
    char letter[2] = {option->letter, 0};
    act_value_map_put(row, ACT_STR("name"), act_value_cstring(option->name));
    act_value_map_put(row, ACT_STR("letter"),
                      option->letter ? act_value_cstring(letter) : act_value_null());
    act_value_map_put(row, ACT_STR("value"),
                      option->value ? act_value_cstring(option->value) : act_value_null());
    act_value_map_put(row, ACT_STR("choices"),
                      option->choices ? act_value_cstring(option->choices) : act_value_null());
    act_value_map_put(row, ACT_STR("help"), act_value_cstring(option->help));
    act_value_list_add(list, row);
}

static struct act_value *
command_json(const struct act_cli_command *command)
{
    struct act_value *row = act_value_map(), *options = act_value_list();
    enum act_opt takes[ACT_OPT_COUNT + 1];
    act_command_options(command, takes);
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        if (!(act_option(*id)->flags & ACT_OPT_LATER))
            add_option_json(options, act_option(*id));
    act_value_map_put(row, ACT_STR("name"), act_value_cstring(command->name));
    act_value_map_put(row, ACT_STR("summary"), act_value_cstring(command->summary));
    act_value_map_put(row, ACT_STR("usage"), act_value_cstring(command->usage));
    act_value_map_put(row, ACT_STR("options"), options);
    return row;
}

static int
print_json(struct act_cli *cli, const struct act_cli_command *only)
{
    struct act_value *all = act_value_map(), *list = act_value_list();
    for (size_t i = 0; i < act_command_count; i++)
        if (!only || only == &act_commands[i])
            act_value_list_add(list, command_json(&act_commands[i]));
    act_value_map_put(all, ACT_STR("commands"), list);
    int code = act_cli_print_json(cli, all);
    act_value_release(all);
    return code;
}

int
act_cmd_help(struct act_cli *cli)
{
    struct act_str word = act_cli_word(cli, 0);
    const struct act_cli_command *command = word.len > 0 ? act_command_find(word) : NULL;
    if (word.len > 0 && !command)
        return act_cli_usage(cli, "`actant help` lists the commands", "unknown command '%.*s'",
                             ACT_STR_ARG(word));
    if (cli->json)
        return print_json(cli, command);
    return command ? act_help_command(cli, command) : print_overview(cli);
}
