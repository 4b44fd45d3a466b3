/* The manual page, made from the tables of commands and options. */
#include "cli/cmd.h"

#include "cli/term.h"

/* Text as troff takes it: backslashes and hyphens escaped, no line begins with a request. */
static void
add_roff(struct act_buf *out, struct act_str text)
{
    bool line_begins = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (line_begins && (c == '.' || c == '\''))
            act_buf_add_cstr(out, "\\&");
        line_begins = c == '\n';
        if (c == '\\')
            act_buf_add_cstr(out, "\\e");
        else if (c == '-')
            act_buf_add_cstr(out, "\\-");
        else
            act_buf_add_byte(out, c);
    }
}

static void
add_option(struct act_buf *out, const struct act_option *option)
{
    struct act_buf head = {0};
    act_help_option_head(&head, option);
    act_buf_add_cstr(out, ".TP\n.B ");
    add_roff(out, act_str_trim(act_buf_str(&head)));
    act_buf_add_byte(out, '\n');
    add_roff(out, act_str(option->help));
    if (option->choices && option->value) {
        act_buf_add_cstr(out, ": ");
        add_roff(out, act_str(option->choices));
    }
    act_buf_add_cstr(out, ".\n");
    act_buf_fini(&head);
}

static void
add_command(struct act_buf *out, const struct act_cli_command *command)
{
    act_buf_add_cstr(out, ".SS actant ");
    add_roff(out, act_str(command->name));
    act_buf_printf(out, "%s", *command->usage ? " " : "");
    add_roff(out, act_str(command->usage));
    act_buf_add_byte(out, '\n');
    add_roff(out, act_str(command->summary));
    act_buf_add_cstr(out, ".\n");
    if (command->description) {
        add_roff(out, act_str(command->description));
        act_buf_add_byte(out, '\n');
    }
    const struct act_cli_verb *verb;
    for (size_t i = 0; (verb = act_verb_at(command, i)) != NULL; i++) {
        act_buf_add_cstr(out, ".TP\n.B ");
        add_roff(out, act_str(verb->name));
        act_buf_add_byte(out, ' ');
        add_roff(out, act_str(verb->usage));
        act_buf_add_byte(out, '\n');
        add_roff(out, act_str(verb->summary));
        act_buf_add_cstr(out, ".\n");
    }
    for (const enum act_opt *id = command->takes; *id != ACT_OPT_NONE; id++)
        if (!(act_option(*id)->flags & ACT_OPT_LATER))
            add_option(out, act_option(*id));
}

static void
add_config(struct act_buf *out)
{
    act_buf_add_cstr(
        out,
        ".SH FILES\n.TP\n.B actant.toml, actant.yaml\nof the project, the nearest upward from the "
        "working folder.\n.TP\n.B ~/.config/actant/config.toml, config.yaml\nof the user (below "
        "$XDG_CONFIG_HOME if that is set).\n.PP\nA flat list of settings: ");
    const char *before = "";
    for (enum act_opt id = ACT_OPT_NONE + 1; id < ACT_OPT_COUNT; id++) {
        if (!act_option(id)->config)
            continue;
        act_buf_add_cstr(out, before);
        add_roff(out, act_str(act_option(id)->config));
        before = ", ";
    }
    act_buf_add_cstr(out, ". A flag outranks the environment (ACTANT_JOBS, \\&...), that the "
                          "project's file, that the user's.\n");
}

int
act_cmd_man(struct act_cli *cli)
{
    struct act_buf out = {0};
    act_buf_add_cstr(&out, ".TH ACTANT 1 \"\" \"actant " ACT_VERSION "\" \"User commands\"\n"
                           ".SH NAME\nactant \\- run workflows written in YAML\n"
                           ".SH SYNOPSIS\n.B actant\n.I COMMAND\n[\\fIOPTION\\fR...] "
                           "[\\fIWORD\\fR...]\n.SH COMMANDS\n"
                           "Every command takes \\-\\-json, \\-\\-color and \\-\\-help.\n");
    for (size_t i = 0; i < act_command_count; i++)
        add_command(&out, &act_commands[i]);
    add_config(&out);
    act_buf_add_cstr(&out, ".SH EXIT STATUS\n0 succeeded; 1 the workflow failed; 2 wrong usage or "
                           "invalid file; 3 actant itself failed; 4 cancelled; 129, 130, 143 "
                           "suspended by SIGHUP, SIGINT, SIGTERM.\n");
    int code = act_cli_print(cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}
