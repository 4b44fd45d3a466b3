/* How a `run` or `exec` becomes an argv. */
#ifndef ACT_EXECUTORS_SHELL_COMMAND_H
#define ACT_EXECUTORS_SHELL_COMMAND_H

#include "base/arena.h"
#include "base/value.h"

/* A longer text does not fit into one argument (the kernel's MAX_ARG_STRLEN, its NUL included). */
#define ACT_ARGUMENT_MAX 131071

struct act_command {
    const char *program; /* what to execute; NULL: argv[0] */
    const char **argv;   /* NULL-terminated, in the arena */
    bool direct;         /* started without the shell that the script asks for */
    bool holds_nul;      /* an argument holds a NUL byte, which no argument can: do not start it */
    bool script_file;    /* argv names script_path: the script must be written there first */
};

/* The words of a script that means the same without a shell: every word matches
 * [A-Za-z0-9_./:=,@%+-]+, the first holds no `=` and is no builtin, keyword or alias (`true` and
 * `false` excepted). NULL if it needs one. */
const char **act_command_words(struct act_str script, struct act_arena *arena);

/* shell, args: lists of text or NULL. No shell: sh -eu. A shell's name alone: that shell with -eu
 * (bash, ksh, mksh and zsh also -o pipefail). Else an argv in which {0} stands for the script file,
 * which comes last if it does not stand there. may_skip: whether the shell may be left out. */
void act_command_run(struct act_str script, const struct act_value *shell,
                     const struct act_value *args, bool may_skip, const char *script_path,
                     struct act_arena *arena, struct act_command *ret);
void act_command_exec(const struct act_value *argv, struct act_arena *arena,
                      struct act_command *ret);

#endif
