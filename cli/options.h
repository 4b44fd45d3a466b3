/* Options: one table of all (options.def); a command names those that it takes. The parser, the help,
 * the man page, the completions and the config files are made from the same rows. */
#ifndef ACT_CLI_OPTIONS_H
#define ACT_CLI_OPTIONS_H

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"

enum act_opt {
    ACT_OPT_NONE, /* ends a command's list */
#define ACT_OPTION(id, name, letter, value, choices, config, flags, help) ACT_OPT_##id,
#include "cli/options.def"
#undef ACT_OPTION
    ACT_OPT_COUNT
};

enum act_opt_flags {
    ACT_OPT_REPEAT = 1,      /* may be given more than once; all count */
    ACT_OPT_COUNT_VALUE = 2, /* its value is a whole number from 0 on */
    ACT_OPT_PATH = 4,      /* its value is a path (completion; in a config file: relative to it) */
    ACT_OPT_RUN = 8,       /* its value is a run (completion) */
    ACT_OPT_LATER = 16,    /* known, not supported yet: refused by name */
    ACT_OPT_VARIABLE = 32, /* with REPEAT: the environment may give one, too */
};

struct act_option {
    const char *name;
    char letter;         /* 0: none */
    const char *value;   /* NULL: a flag */
    const char *choices; /* "a|b"; NULL: any */
    const char *config;  /* key in config files; NULL: none */
    unsigned flags;
    const char *help;
};
const struct act_option *act_option(enum act_opt id);

ACT_VEC_TYPE(act_strs, struct act_str);

/* What was given for each option, in order, and the words between. Texts are borrowed. */
struct act_args {
    struct act_strs given[ACT_OPT_COUNT]; /* a flag: "true" or "false" */
    struct act_strs words;
};
void act_args_fini(struct act_args *args);

/* Parses argv (without program and command). takes: the options that the command has, up to
 * ACT_OPT_NONE. Options and words may be mixed; `--` ends the options; `-` is a word; a flag may be
 * taken back (`--no-json`, `--json=false`). ACT_ERR_USAGE names the nearest option. */
enum act_err act_args_parse(const enum act_opt *takes, int argc, char *const *argv,
                            struct act_args *ret, struct act_error *err);
/* Is this text a value for the option? For the command line, the environment and config files. */
enum act_err act_option_check(enum act_opt id, struct act_str value, struct act_error *err);
/* The nearest of count names to a misspelt one; NULL if none is near. */
const char *act_nearest_name(struct act_str name, const char *const *names, size_t count);

#endif
