/* What every command is given, how a command is declared, and the few things all of them do: settings
 * by precedence, errors to people, exit codes (docs/reference: 0 succeeded, 1 the workflow failed,
 * 2 wrong usage or invalid file, 3 actant itself failed, 4 cancelled, 129/130/143 suspended). */
#ifndef ACT_CLI_CLI_H
#define ACT_CLI_CLI_H

#include "base/value.h"
#include "cli/config.h"
#include "cli/options.h"
#include "cli/out.h"

enum act_exit {
    ACT_EXIT_SUCCEEDED = 0,
    ACT_EXIT_FAILED = 1,
    ACT_EXIT_USAGE = 2,
    ACT_EXIT_BROKEN = 3,
    ACT_EXIT_CANCELLED = 4,
    ACT_EXIT_SIGNAL = 128, /* and the signal's number: suspended */
};

/* What completion may offer for a word. */
enum act_word {
    ACT_WORD_NONE,
    ACT_WORD_FILE,
    ACT_WORD_RUN,
    ACT_WORD_NODE,
    ACT_WORD_SHELL,
    ACT_WORD_COMMAND,
    ACT_WORD_HISTORY, /* a verb of that command; what follows is as the verb says */
    ACT_WORD_ACTOR,
    ACT_WORD_PLUGIN,
};

struct act_cli;
struct act_cli_command {
    const char *name;
    const char *summary;       /* one line, for the list of commands */
    const char *usage;         /* its words: "FILE", "RUN [NODE]" */
    const char *description;   /* paragraphs; may be NULL */
    const enum act_opt *takes; /* up to ACT_OPT_NONE; help, json and color come by themselves */
    uint32_t words_min, words_max;
    enum act_word words[3]; /* what its words are; the last one repeats */
    int (*run)(struct act_cli *cli);
};
#define ACT_WORDS_ANY UINT32_MAX

struct act_cli {
    const struct act_cli_command *command;
    struct act_args args;
    struct act_config config;
    struct act_arena arena; /* for what lives as long as the command */
    bool json;
    bool color; /* on standard error */
    int out_fd; /* where results go, if not to descriptor 1, which is others' then; 0: there */
};
int act_cli_out_fd(const struct act_cli *cli);
/* Code that is not ours will run in this process: what it prints goes to standard error. Until the end, since a
 * thread of its may never be done. */
void act_cli_keep_out(struct act_cli *cli);

/* The table (commands.c), in the order of the help. */
extern const struct act_cli_command act_commands[];
extern const size_t act_command_count;
const struct act_cli_command *act_command_find(struct act_str name);
/* Every option that the command takes, the common ones included, ended by ACT_OPT_NONE. */
void act_command_options(const struct act_cli_command *command,
                         enum act_opt ret[ACT_OPT_COUNT + 1]);
/* Is this the name of a command that DESIGN has and this version has not? */
bool act_command_is_later(struct act_str name);

/* The whole program. */
int act_cli_main(int argc, char **argv);

/* Settings: flag > environment > project file > user file. */
struct act_str act_cli_text(const struct act_cli *cli, enum act_opt id); /* empty: not given */
bool act_cli_flag(const struct act_cli *cli, enum act_opt id);
uint32_t act_cli_number(const struct act_cli *cli, enum act_opt id, uint32_t otherwise);
/* Of a repeated option: what all levels say together, the user's file first. Lives in cli->arena. */
struct act_strs act_cli_list(struct act_cli *cli, enum act_opt id);
struct act_str act_cli_word(const struct act_cli *cli, uint32_t index); /* empty: not given */

/* `actant: what`, the place before it and a help line after it, on standard error; the exit code. */
int act_cli_fail(const struct act_cli *cli, const struct act_error *err);
int act_cli_usage(const struct act_cli *cli, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of the command's options only takes (up to ACT_OPT_NONE) fit what it was asked for, `what`: 0, or another was
 * given and the exit code. */
int act_cli_check_options(const struct act_cli *cli, const enum act_opt *takes, const char *what);
void act_cli_warn(const struct act_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints all of it on standard output; 0 or ACT_EXIT_BROKEN. */
int act_cli_print(const struct act_cli *cli, struct act_str text);
int act_cli_print_json(const struct act_cli *cli,
                       const struct act_value *value); /* and a line feed */

#endif
