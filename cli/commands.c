/* The table of commands. */
#include "cli/cmd.h"

#define TAKES(...) ((const enum act_opt[]){__VA_ARGS__, ACT_OPT_NONE})
static const enum act_opt no_options[] = {ACT_OPT_NONE};

const struct act_cli_command act_commands[] = {
    {"run",
     "run a workflow file and wait for its end",
     "FILE",
     "Compiles FILE ('-': standard input), runs it and waits until it has ended or was\n"
     "suspended. Progress goes to standard error: a live tree on a terminal, else one line a\n"
     "change of state and the tasks' output, each line under the name of its task where\n"
     "there are several (then at most 20 lines of standard output a task, as it is what\n"
     "tasks hand on; -v shows all). Standard output stays empty unless --json asks for the\n"
     "run's document. Ctrl-C suspends the run (`actant resume RUN` goes on) or, with\n"
     "--on-interrupt=cancel and where $CI is set, cancels it; a second Ctrl-C stops at once.",
     TAKES(ACT_OPT_PARAM, ACT_OPT_JOBS, ACT_OPT_DURABILITY, ACT_OPT_SECRET, ACT_OPT_ON_INTERRUPT,
           ACT_OPT_JUNIT, ACT_OPT_EVENTS, ACT_OPT_EVENTS_HEADER, ACT_OPT_EVENTS_SIGN,
           ACT_OPT_CLEAN_ENV, ACT_OPT_ENV, ACT_OPT_CACHE, ACT_OPT_QUIET, ACT_OPT_VERBOSE,
           ACT_OPT_DB, ACT_OPT_RESUME, ACT_OPT_DRY_RUN, ACT_OPT_HISTORY, ACT_OPT_REF, ACT_OPT_REPO,
           ACT_OPT_DETACH),
     0,
     1,
     {ACT_WORD_FILE},
     act_cmd_run},
    {"validate",
     "say everything that is wrong with workflow files",
     "FILE…",
     "Exit code 0: all are well; 2: there are mistakes. '-' is standard input.",
     TAKES(ACT_OPT_FORMAT),
     1,
     ACT_WORDS_ANY,
     {ACT_WORD_FILE},
     act_cmd_validate},
    {"plan",
     "show what a workflow file compiles to",
     "FILE",
     NULL,
     TAKES(ACT_OPT_OUTPUT),
     1,
     1,
     {ACT_WORD_FILE},
     act_cmd_plan},
    {"history",
     "what ran: list, show, events, diff, verify, gc",
     "[VERB] [RUN…]",
     "RUN is a run's id, a unique beginning of it, or `last`. `list` takes --limit, --workflow\n"
     "and --status, `show` --at, `gc` --workflow, --keep, --keep-failed, --older-than,\n"
     "--max-size and --dry-run.",
     TAKES(ACT_OPT_AT, ACT_OPT_LIMIT, ACT_OPT_WORKFLOW, ACT_OPT_STATUS, ACT_OPT_KEEP,
           ACT_OPT_OLDER_THAN, ACT_OPT_MAX_SIZE, ACT_OPT_KEEP_FAILED, ACT_OPT_DRY_RUN, ACT_OPT_DB),
     0,
     3,
     {ACT_WORD_HISTORY},
     act_cmd_history},
    {"logs",
     "what a run's tasks wrote",
     "RUN [NODE]",
     "Without NODE: all of them, each line under the name of its task. With -f it follows a\n"
     "run that lives, from any process.",
     TAKES(ACT_OPT_FOLLOW, ACT_OPT_STREAM, ACT_OPT_DB),
     1,
     2,
     {ACT_WORD_RUN, ACT_WORD_NODE},
     act_cmd_logs},
    {"explain",
     "why a node ran, was skipped, waited or failed",
     "RUN NODE",
     "NODE is an id where it is unique, else a path as `history show` prints it. The stored\n"
     "run is replayed, and what its conditions were and which values decided is printed. With\n"
     "--at SEQ: as it stood after that event.",
     TAKES(ACT_OPT_AT, ACT_OPT_DB),
     2,
     2,
     {ACT_WORD_RUN, ACT_WORD_NODE},
     act_cmd_explain},
    {"resume",
     "go on with a run that was interrupted or suspended",
     "RUN",
     "The spec the run started with is used, whatever has happened to its file. A run that\n"
     "has ended is not run again: its result and exit code are given.",
     TAKES(ACT_OPT_JOBS, ACT_OPT_DURABILITY, ACT_OPT_SECRET, ACT_OPT_ON_INTERRUPT, ACT_OPT_JUNIT,
           ACT_OPT_EVENTS, ACT_OPT_EVENTS_HEADER, ACT_OPT_EVENTS_SIGN, ACT_OPT_CLEAN_ENV,
           ACT_OPT_ENV, ACT_OPT_CACHE, ACT_OPT_DETACH, ACT_OPT_QUIET, ACT_OPT_VERBOSE,
           ACT_OPT_QUARANTINED, ACT_OPT_DB),
     1,
     1,
     {ACT_WORD_RUN},
     act_cmd_resume},
    {"retry",
     "make new attempts of what failed in an ended run",
     "RUN",
     NULL,
     TAKES(ACT_OPT_FROM, ACT_OPT_JOBS, ACT_OPT_DURABILITY, ACT_OPT_SECRET, ACT_OPT_ON_INTERRUPT,
           ACT_OPT_JUNIT, ACT_OPT_EVENTS, ACT_OPT_EVENTS_HEADER, ACT_OPT_EVENTS_SIGN,
           ACT_OPT_CLEAN_ENV, ACT_OPT_ENV, ACT_OPT_CACHE, ACT_OPT_DETACH, ACT_OPT_QUIET,
           ACT_OPT_VERBOSE, ACT_OPT_DB),
     1,
     1,
     {ACT_WORD_RUN},
     act_cmd_retry},
    {"rerun",
     "start a new run with the same pinned spec and parameters",
     "RUN",
     NULL,
     TAKES(ACT_OPT_JOBS, ACT_OPT_DURABILITY, ACT_OPT_SECRET, ACT_OPT_ON_INTERRUPT, ACT_OPT_JUNIT,
           ACT_OPT_EVENTS, ACT_OPT_EVENTS_HEADER, ACT_OPT_EVENTS_SIGN, ACT_OPT_CLEAN_ENV,
           ACT_OPT_ENV, ACT_OPT_CACHE, ACT_OPT_DETACH, ACT_OPT_QUIET, ACT_OPT_VERBOSE, ACT_OPT_DB,
           ACT_OPT_DRY_RUN),
     1,
     1,
     {ACT_WORD_RUN},
     act_cmd_rerun},
    {"fork",
     "start a new run that reuses the results before a node: --from NODE",
     "RUN",
     "The new run has the same pinned spec, parameters and captured environment. What had\n"
     "ended well in RUN and does not come after NODE is not run again: its results, outputs\n"
     "and logs are the new run's, too. NODE is an id where it is unique, else a path as\n"
     "`history show` prints it. RUN may have ended in any way, or be under way still.",
     TAKES(ACT_OPT_FROM, ACT_OPT_JOBS, ACT_OPT_DURABILITY, ACT_OPT_SECRET, ACT_OPT_ON_INTERRUPT,
           ACT_OPT_JUNIT, ACT_OPT_EVENTS, ACT_OPT_EVENTS_HEADER, ACT_OPT_EVENTS_SIGN,
           ACT_OPT_CLEAN_ENV, ACT_OPT_ENV, ACT_OPT_CACHE, ACT_OPT_DETACH, ACT_OPT_QUIET,
           ACT_OPT_VERBOSE, ACT_OPT_DB, ACT_OPT_DRY_RUN),
     1,
     1,
     {ACT_WORD_RUN},
     act_cmd_fork},
    {"attach",
     "follow a run that another process drives",
     "RUN",
     "Shows what has happened and goes on as `actant run` does, until the run has ended or was\n"
     "suspended; then its result, its document (--json) and its exit code. Ctrl-C leaves the\n"
     "run alone. A run that has ended is not waited for; one that nobody drives is an error\n"
     "(exit code 3), and the message says how to go on with it.",
     TAKES(ACT_OPT_QUIET, ACT_OPT_VERBOSE, ACT_OPT_DB),
     1,
     1,
     {ACT_WORD_RUN},
     act_cmd_attach},
    {"export",
     "write a run into one file, to be read elsewhere: -o FILE",
     "RUN",
     "The file holds the run's spec, log, outputs and states of actors: all that `history show`\n"
     "and `logs` show, and what expressions read of the environment; no secret, nor where\n"
     "secrets are found. `actant import FILE` takes it into another database, where it is\n"
     "looked at, verified and forked. '-': standard output.",
     TAKES(ACT_OPT_INTO, ACT_OPT_FORCE, ACT_OPT_DB),
     1,
     1,
     {ACT_WORD_RUN},
     act_cmd_export},
    {"import",
     "take a run that was exported into this database",
     "FILE",
     "All of the file is checked first, its log replayed; then the run is there, or nothing of\n"
     "it. A run that is there already stays as it is. '-': standard input.",
     TAKES(ACT_OPT_DB),
     1,
     1,
     {ACT_WORD_FILE},
     act_cmd_import},
    {"cancel",
     "cancel a run; its `finally` and `undo` still run",
     "RUN",
     "Works from any process: one that lives is told, one that nobody owns is taken and\n"
     "ended here.",
     TAKES(ACT_OPT_JOBS, ACT_OPT_DURABILITY, ACT_OPT_SECRET, ACT_OPT_CLEAN_ENV, ACT_OPT_ENV,
           ACT_OPT_CACHE, ACT_OPT_QUIET, ACT_OPT_VERBOSE, ACT_OPT_QUARANTINED, ACT_OPT_DB),
     1,
     1,
     {ACT_WORD_RUN},
     act_cmd_cancel},
    {"actor",
     "global actors: list what is kept of them, reset one",
     "[list | reset NAME]",
     "The state of an actor with `scope: global` is kept in the database for all runs. While a\n"
     "run is calling it, it is not reset.",
     TAKES(ACT_OPT_DB),
     0,
     2,
     {ACT_WORD_ACTOR},
     act_cmd_actor},
    {"signal",
     "send a named signal (an approval, an event) to a run",
     "RUN NAME [JSON]",
     "It is kept until one `wait` takes it. To approve: `actant signal RUN NAME true`; to\n"
     "refuse: false.",
     TAKES(ACT_OPT_DB),
     2,
     3,
     {ACT_WORD_RUN, ACT_WORD_NONE},
     act_cmd_signal},
    {"eval",
     "evaluate an expression",
     "[--] EXPR",
     "The top-level names of the --context file are the contexts. Any other name is an\n"
     "error.",
     TAKES(ACT_OPT_CONTEXT),
     1,
     1,
     {ACT_WORD_NONE},
     act_cmd_eval},
    {"schema",
     "print the JSON Schema of workflow files, for editors",
     "",
     NULL,
     no_options,
     0,
     0,
     {ACT_WORD_NONE},
     act_cmd_schema},
    {"plugin",
     "write a plugin in C, or look at one: new, inspect",
     "new NAME | inspect FILE",
     "FILE is the library, or the name of one on $ACTANT_PLUGIN_PATH, in ./plugins or among\n"
     "those that ship with actant. It is loaded by a process of its own.",
     no_options,
     2,
     2,
     {ACT_WORD_PLUGIN},
     act_cmd_plugin},
    {"init",
     "write a first workflow file",
     "[FILE]",
     "FILE is workflow.yaml unless given.",
     TAKES(ACT_OPT_FORCE),
     0,
     1,
     {ACT_WORD_FILE},
     act_cmd_init},
    {"completion",
     "print the completion script for a shell",
     "bash|zsh|fish",
     "For bash: actant completion bash > ~/.local/share/bash-completion/completions/actant",
     no_options,
     1,
     1,
     {ACT_WORD_SHELL},
     act_cmd_completion},
    {"man",
     "print the manual page",
     "",
     "To read it: actant man | man -l -",
     no_options,
     0,
     0,
     {ACT_WORD_NONE},
     act_cmd_man},
    {"version", "print the version", "", NULL, no_options, 0, 0, {ACT_WORD_NONE}, act_cmd_version},
    {"help",
     "show help for a command",
     "[COMMAND]",
     NULL,
     no_options,
     0,
     1,
     {ACT_WORD_COMMAND},
     act_cmd_help},
};
const size_t act_command_count = sizeof(act_commands) / sizeof(act_commands[0]);

const struct act_cli_command *
act_command_find(struct act_str name)
{
    for (size_t i = 0; i < act_command_count; i++)
        if (act_str_is(name, act_commands[i].name))
            return &act_commands[i];
    return NULL;
}

const struct act_cli_verb *
act_verb_at(const struct act_cli_command *command, size_t index)
{
    static const struct {
        enum act_word word;
        const struct act_cli_verb *(*at)(size_t index);
    } rows[] = {
        {ACT_WORD_HISTORY, act_history_verb_at},
        {ACT_WORD_ACTOR, act_actor_verb_at},
        {ACT_WORD_PLUGIN, act_plugin_verb_at},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].word == command->words[0])
            return rows[i].at(index);
    return NULL;
}

void
act_command_options(const struct act_cli_command *command, enum act_opt ret[ACT_OPT_COUNT + 1])
{
    size_t count = 0;
    for (const enum act_opt *id = command->takes; *id != ACT_OPT_NONE; id++)
        ret[count++] = *id;
    ret[count++] = ACT_OPT_JSON;
    ret[count++] = ACT_OPT_COLOR;
    ret[count++] = ACT_OPT_HELP;
    ret[count] = ACT_OPT_NONE;
}

bool
act_command_is_later(struct act_str name)
{
    static const char *const later[] = {
        "submit", "queue",   "schedule", "backfill", "versions", "bisect", "hook",  "serve",
        "worker", "cluster", "status",   "object",   "test",     "sim",    "prove",
    };
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
        if (act_str_is(name, later[i]))
            return true;
    return false;
}
