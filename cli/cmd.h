/* The commands, one file each (cmd_<name>.c), and what help, man page and completion share. */
#ifndef ACT_CLI_CMD_H
#define ACT_CLI_CMD_H

#include "cli/cli.h"

int act_cmd_run(struct act_cli *cli);
int act_cmd_validate(struct act_cli *cli);
int act_cmd_plan(struct act_cli *cli);
int act_cmd_history(struct act_cli *cli);
int act_cmd_logs(struct act_cli *cli);
int act_cmd_explain(struct act_cli *cli);
int act_cmd_resume(struct act_cli *cli);
int act_cmd_retry(struct act_cli *cli);
int act_cmd_rerun(struct act_cli *cli);
int act_cmd_fork(struct act_cli *cli);
int act_cmd_attach(struct act_cli *cli);
int act_cmd_export(struct act_cli *cli);
int act_cmd_import(struct act_cli *cli);
int act_cmd_cancel(struct act_cli *cli);
int act_cmd_signal(struct act_cli *cli);
int act_cmd_actor(struct act_cli *cli);
int act_cmd_eval(struct act_cli *cli);
int act_cmd_schema(struct act_cli *cli);
int act_cmd_plugin(struct act_cli *cli);
int act_cmd_init(struct act_cli *cli);
int act_cmd_completion(struct act_cli *cli);
int act_cmd_man(struct act_cli *cli);
int act_cmd_version(struct act_cli *cli);
int act_cmd_help(struct act_cli *cli);

int act_help_command(struct act_cli *cli, const struct act_cli_command *command);
/* "-j, --jobs N" */
void act_help_option_head(struct act_buf *out, const struct act_option *option);
/* What the first word of some commands may be: "list", "show", … */
struct act_cli_verb {
    const char *name, *usage, *summary;
    enum act_word word; /* what its own words are */
};
/* NULL: after the last, or the command has none. */
const struct act_cli_verb *act_verb_at(const struct act_cli_command *command, size_t index);
const struct act_cli_verb *act_history_verb_at(size_t index);
const struct act_cli_verb *act_actor_verb_at(size_t index);
const struct act_cli_verb *act_plugin_verb_at(size_t index);

#endif
