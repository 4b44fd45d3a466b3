/* Config files: what would otherwise be repeated flags. `actant.toml` or `actant.yaml` of the project
 * (nearest upward from the working folder) and of the user ($XDG_CONFIG_HOME/actant/config.toml or
 * .yaml, else ~/.config/actant/). One flat set of keys, the config column of options.def. */
#ifndef ACT_CLI_CONFIG_H
#define ACT_CLI_CONFIG_H

#include "base/arena.h"
#include "cli/options.h"

enum act_level { ACT_LEVEL_PROJECT, ACT_LEVEL_USER, ACT_LEVEL_COUNT };

struct act_config {
    struct act_arena arena;
    struct act_args levels[ACT_LEVEL_COUNT]; /* words unused */
    struct act_str paths[ACT_LEVEL_COUNT];   /* empty: there is none */
};
/* Finds and reads both. A mistake is ACT_ERR_INVALID with file:line; a project file that belongs to
 * another user than this one and root is refused (it can name commands). */
enum act_err act_config_load(struct act_config *config, struct act_error *err);
void act_config_fini(struct act_config *config);

/* Puts one key's value where it belongs, after checking it; place is "file:line". For the readers. */
struct act_config_sink {
    struct act_config *config;
    enum act_level level;
    struct act_str folder; /* of the file: relative paths start there */
    struct act_str path;
};
enum act_err act_config_put(struct act_config_sink *sink, uint32_t line, struct act_str key,
                            const struct act_str *values, uint32_t count, bool list,
                            struct act_error *err);
enum act_err act_config_problem(const struct act_config_sink *sink, uint32_t line,
                                struct act_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* `key = value` with strings, whole numbers, booleans and lists of them. */
enum act_err act_config_toml(struct act_config_sink *sink, struct act_str text,
                             struct act_error *err);
enum act_err act_config_yaml(struct act_config_sink *sink, struct act_str text,
                             struct act_error *err);

#endif
