#include "cli/cli.h"

#include "cli/cmd.h"
#include "cli/term.h"
#include "embed/coordinator.h"
#include "embed/errand.h"
#include "embed/keeper.h"
#include "embed/parcel.h"
#include "executors/plugin/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct variable {
    char name[64];
};

/* ACTANT_ON_INTERRUPT for on-interrupt. */
static struct variable
variable_of(const char *key)
{
    struct variable ret = {"ACTANT_"};
    size_t at = strlen(ret.name);
    for (; *key && at + 1 < sizeof(ret.name); key++)
        ret.name[at++] = *key == '-' ? '_' : (char)(*key >= 'a' && *key <= 'z' ? *key - 32 : *key);
    return ret;
}

static const char *
from_environment(enum act_opt id)
{
    const char *key = act_option(id)->config;
    uint32_t flags = act_option(id)->flags;
    if (!key || ((flags & ACT_OPT_REPEAT) && !(flags & ACT_OPT_VARIABLE)))
        return NULL;
    const char *value = getenv(variable_of(key).name);
    return value && *value ? value : NULL;
}

struct act_str
act_cli_text(const struct act_cli *cli, enum act_opt id)
{
    const struct act_strs *given = &cli->args.given[id];
    if (given->len > 0)
        return *act_vec_last(given);
    const char *environment = from_environment(id);
    if (environment)
        return act_str(environment);
    for (int i = 0; i < ACT_LEVEL_COUNT; i++)
        if (cli->config.levels[i].given[id].len > 0)
            return *act_vec_last(&cli->config.levels[i].given[id]);
    return act_str_n("", 0);
}

bool
act_cli_flag(const struct act_cli *cli, enum act_opt id)
{
    struct act_str text = act_cli_text(cli, id);
    return act_str_is(text, "true") || act_str_is(text, "1");
}

uint32_t
act_cli_number(const struct act_cli *cli, enum act_opt id, uint32_t otherwise)
{
    struct act_str text = act_cli_text(cli, id);
    uint32_t n = 0;
    if (text.len == 0)
        return otherwise;
    for (size_t i = 0; i < text.len; i++) /* act_option_check has seen it */
        n = n * 10 + (uint32_t)(text.ptr[i] - '0');
    return n;
}

struct act_strs
act_cli_list(struct act_cli *cli, enum act_opt id)
{
    const char *value = from_environment(id);
    struct act_str variable = act_str(value);
    struct act_strs environment = {.ptr = &variable, .len = value != NULL};
    const struct act_strs *levels[] = {&cli->config.levels[ACT_LEVEL_USER].given[id],
                                       &cli->config.levels[ACT_LEVEL_PROJECT].given[id],
                                       &environment, &cli->args.given[id]};
    uint32_t count = levels[0]->len + levels[1]->len + levels[2]->len + levels[3]->len;
    struct act_strs all = {0};
    all.ptr = act_arena_alloc(&cli->arena, sizeof(*all.ptr) * (count + 1));
    all.cap = count;
    for (size_t i = 0; i < 4; i++)
        for (uint32_t k = 0; k < levels[i]->len; k++)
            all.ptr[all.len++] = levels[i]->ptr[k];
    return all;
}

struct act_str
act_cli_word(const struct act_cli *cli, uint32_t index)
{
    return index < cli->args.words.len ? cli->args.words.ptr[index] : act_str_n("", 0);
}

static void
print_message(const struct act_cli *cli, const char *kind, enum act_style style,
              struct act_str place, struct act_str message, struct act_str hint)
{
    struct act_buf out = {0};
    act_style_add(&out, cli->color, ACT_STYLE_BOLD, ACT_STR("actant: "));
    if (place.len > 0) {
        act_safe_add(&out, place);
        act_buf_add_cstr(&out, ": ");
    }
    act_style_add(&out, cli->color, style, act_str(kind));
    act_safe_add_lines(&out, message);
    act_buf_add_byte(&out, '\n');
    if (hint.len > 0) {
        act_style_add(&out, cli->color, ACT_STYLE_CYAN, ACT_STR("help: "));
        act_safe_add_lines(&out, hint);
        act_buf_add_byte(&out, '\n');
    }
    act_write_all(STDERR_FILENO, act_buf_str(&out));
    act_buf_fini(&out);
}

int
act_cli_fail(const struct act_cli *cli, const struct act_error *err)
{
    print_message(cli, "error: ", ACT_STYLE_RED, act_str(err->place), act_str(err->message),
                  act_str(err->hint));
    int code = act_err_exit_code(err->code);
    return code ? code : ACT_EXIT_BROKEN;
}

int
act_cli_usage(const struct act_cli *cli, const char *hint, const char *format, ...)
{
    struct act_buf text = {0};
    va_list args;
    va_start(args, format);
    act_buf_vprintf(&text, format, args);
    va_end(args);
    print_message(cli, "error: ", ACT_STYLE_RED, act_str(NULL), act_buf_str(&text), act_str(hint));
    act_buf_fini(&text);
    return ACT_EXIT_USAGE;
}

static bool
is_among(enum act_opt id, const enum act_opt *takes)
{
    while (*takes != ACT_OPT_NONE && *takes != id)
        takes++;
    return *takes == id;
}

int
act_cli_check_options(const struct act_cli *cli, const enum act_opt *takes, const char *what)
{
    for (const enum act_opt *own = cli->command->takes; *own != ACT_OPT_NONE; own++) {
        if (cli->args.given[*own].len == 0 || is_among(*own, takes))
            continue;
        struct act_buf hint = {0};
        act_buf_printf(&hint, "`actant help %s` says what takes it", cli->command->name);
        int code =
            act_cli_usage(cli, hint.ptr, "`actant %s` takes no --%s", what, act_option(*own)->name);
        act_buf_fini(&hint);
        return code;
    }
    return 0;
}

void
act_cli_warn(const struct act_cli *cli, const char *format, ...)
{
    struct act_buf text = {0};
    va_list args;
    va_start(args, format);
    act_buf_vprintf(&text, format, args);
    va_end(args);
    print_message(cli, "warning: ", ACT_STYLE_YELLOW, act_str(NULL), act_buf_str(&text),
                  act_str(NULL));
    act_buf_fini(&text);
}

int
act_cli_out_fd(const struct act_cli *cli)
{
    return cli->out_fd > 0 ? cli->out_fd : STDOUT_FILENO;
}

void
act_cli_keep_out(struct act_cli *cli)
{
    if (cli->out_fd > 0)
        return;
    int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (kept < 0)
        return; /* it is closed: there is nothing to keep */
    if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        close(kept);
        return;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    cli->out_fd = kept;
}

int
act_cli_print(const struct act_cli *cli, struct act_str text)
{
    struct act_out out;
    struct act_error err = {0};
    act_out_init(&out, act_cli_out_fd(cli));
    act_out_add(&out, text);
    return act_out_fini(&out, &err) ? act_cli_fail(cli, &err) : 0;
}

int
act_cli_print_json(const struct act_cli *cli, const struct act_value *value)
{
    struct act_buf text = {0};
    act_json_write(&text, value, 0);
    act_buf_add_byte(&text, '\n');
    int code = act_cli_print(cli, act_buf_str(&text));
    act_buf_fini(&text);
    return code;
}

/* ---- the program ---------------------------------------------------------------------------- */

static int
unknown_command(const struct act_cli *cli, struct act_str name)
{
    if (act_command_is_later(name))
        return act_cli_usage(cli, "`actant help` lists what this version has",
                             "actant %.*s is not supported yet", ACT_STR_ARG(name));
    const char *names[64];
    for (size_t i = 0; i < act_command_count; i++)
        names[i] = act_commands[i].name;
    const char *near = act_nearest_name(name, names, act_command_count);
    struct act_buf hint = {0};
    if (near)
        act_buf_printf(&hint, "did you mean `actant %s`?", near);
    else if (access(name.ptr, F_OK) == 0) /* argv: ends with NUL */
        act_buf_printf(&hint, "to run that file: actant run %.*s", ACT_STR_ARG(name));
    else
        act_buf_add_cstr(&hint, "`actant help` lists the commands");
    int code = act_cli_usage(cli, hint.ptr, "unknown command '%.*s'", ACT_STR_ARG(name));
    act_buf_fini(&hint);
    return code;
}

static int
check_words(const struct act_cli *cli)
{
    const struct act_cli_command *command = cli->command;
    if (cli->args.words.len >= command->words_min && cli->args.words.len <= command->words_max)
        return 0;
    struct act_buf hint = {0};
    act_buf_printf(&hint, "usage: actant %s %s   (actant %s --help)", command->name, command->usage,
                   command->name);
    int code =
        cli->args.words.len < command->words_min
            ? act_cli_usage(cli, hint.ptr, "actant %s needs %s", command->name, command->usage)
            : act_cli_usage(cli, hint.ptr, "'%.*s' is one word too many",
                            ACT_STR_ARG(cli->args.words.ptr[command->words_max]));
    act_buf_fini(&hint);
    return code;
}

/* The environment's settings are as strict as the others. */
static enum act_err
check_environment(struct act_error *err)
{
    for (enum act_opt id = ACT_OPT_NONE + 1; id < ACT_OPT_COUNT; id++) {
        const char *value = from_environment(id);
        if (!value || (!act_option(id)->value && act_str_is(act_str(value), "1")) ||
            act_option_check(id, act_str(value), err) == ACT_OK)
            continue;
        act_error_place(err, "$%s", variable_of(act_option(id)->config).name);
        return err->code;
    }
    return ACT_OK;
}

static int
run_command(struct act_cli *cli, int argc, char **argv)
{
    struct act_error err = {0};
    enum act_opt takes[ACT_OPT_COUNT + 1];
    act_command_options(cli->command, takes);
    enum act_err code = act_args_parse(takes, argc, argv, &cli->args, &err);
    if (!code && act_cli_flag(cli, ACT_OPT_HELP))
        return act_help_command(cli, cli->command);
    if (!code)
        code = check_environment(&err);
    if (!code)
        code = act_config_load(&cli->config, &err);
    cli->json = act_cli_flag(cli, ACT_OPT_JSON);
    cli->color = act_term_color(act_cli_text(cli, ACT_OPT_COLOR), STDERR_FILENO);
    if (code)
        return act_cli_fail(cli, &err);
    int exit_code = check_words(cli);
    return exit_code ? exit_code : cli->command->run(cli);
}

/* A closed standard stream would be the next file that is opened: a database written to by messages. */
static bool
open_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
    /* Standard error may be one of those that are closed; then nobody can be told. */
    if (fd < 0)
        fprintf(stderr, "actant: error: cannot open /dev/null: %s\n", strerror(errno));
    return fd >= 0;
}

/* What carries a run in the background; NULL: another command. */
static int (*background_of(const char *name))(void)
{
    if (strcmp(name, ACT_KEEPER_COMMAND) == 0)
        return act_keeper_main;
    return strcmp(name, ACT_COORDINATOR_COMMAND) == 0 ? act_coordinator_main : NULL;
}

/* Whoever starts us may leave signals ignored or blocked: without SIGCHLD no end of a task would be known, and
 * a blocked SIGTERM could not stop a run. What cannot be written (SIGPIPE, SIGXFSZ) is an error that is said. */
static void
own_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int
act_cli_main(int argc, char **argv)
{
    struct act_cli cli = {0};
    if (argc > 1 && strcmp(argv[1], ACT_PLUGIN_HOST_COMMAND) == 0) /* started by ourselves */
        return act_plugin_host_main(argc - 2, argv + 2);
    if (!open_streams())
        return ACT_EXIT_BROKEN;
    int (*background)(void) = background_of(argc > 2 ? argv[1] : "");
    if (background && act_errand_is_one()) /* by ourselves, too */
        return background();
    own_signals();
    cli.color = act_term_color(act_str(NULL), STDERR_FILENO);
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    cli.command = act_command_find(act_str(name));
    int code = cli.command ? run_command(&cli, argc > 2 ? argc - 2 : 0, argv + 2)
                           : unknown_command(&cli, act_str(name));
    if (argc < 2)
        code = code ? code : ACT_EXIT_USAGE;
    act_args_fini(&cli.args);
    act_config_fini(&cli.config);
    act_arena_fini(&cli.arena);
    return code;
}
