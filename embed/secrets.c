#include "embed/secrets.h"

#include "base/arena.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What commands printed is handed on as ACTANT_SECRET_NAME of an environment that only the secrets
 * see. */
struct gathering {
    struct act_arena arena;
    ACT_VEC(char *) env;
    size_t own_from;                        /* entries from here on are ours: wiped */
    const struct act_secret_source *source; /* or NULL */
    struct act_error *err;
};

static int
read_whole(int fd, struct act_buf *out)
{
    for (;;) {
        act_buf_reserve(out, 4096);
        ssize_t n = read(fd, out->ptr + out->len, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : 0;
        out->len += (size_t)n;
        if (out->len > ACT_SECRET_BYTES_MAX)
            return EFBIG;
    }
}

/* sh -c COMMAND with its output read here; 0, or why not. */
static int
run_shell(char *command, struct act_buf *out, int *ret_status)
{
    int ends[2];
    pid_t pid;
    char name[] = "sh", flag[] = "-c";
    char *argv[] = {name, flag, command, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int error = posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    bool started = !error;
    if (!error)
        error = read_whole(ends[0], out);
    close(ends[0]);
    while (started && waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        continue;
    return error;
}

static enum act_err
add_command(struct gathering *g, const char *name, char *command)
{
    struct act_buf text = {0};
    int status = 0;
    int error = run_shell(command, &text, &status);
    enum act_err code = ACT_OK;
    if (error)
        code = act_error_set(g->err, ACT_ERR_USAGE, "secret '%s': its command failed: %s", name,
                             strerror(error));
    else if (status != 0)
        code = act_error_set(g->err, ACT_ERR_USAGE, "secret '%s': its command ended with %d", name,
                             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    else if (act_str_trim(act_buf_str(&text)).len == 0 || memchr(text.ptr, '\0', text.len))
        code = act_error_set(g->err, ACT_ERR_USAGE, "secret '%s': its command printed %s", name,
                             text.len == 0 ? "nothing" : "what is no text");
    if (code) {
        act_error_place(g->err, "%s", command);
    } else {
        text.len -= text.ptr[text.len - 1] == '\n';
        struct act_buf entry = {0};
        act_buf_printf(&entry, "ACTANT_SECRET_%s=%.*s", name, ACT_STR_ARG(act_buf_str(&text)));
        act_vec_push(&g->env, entry.ptr);
    }
    if (text.ptr)
        explicit_bzero(text.ptr, text.cap);
    act_buf_fini(&text);
    return code;
}

/* Runs the commands among specs; refuses values on the command line. */
static enum act_err
run_commands(struct gathering *g, const struct act_str *specs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char *whole = act_strndup(specs[i].ptr, specs[i].len);
        size_t equals = strcspn(whole, "=");
        enum act_err code = ACT_OK;
        if (whole[equals]) {
            whole[equals] = '\0';
            char how = whole[equals + 1];
            if (how == '!')
                code = add_command(g, whole, whole + equals + 2);
            if (how != '!' && how != '@') {
                code = act_error_set(g->err, ACT_ERR_USAGE,
                                     "--secret %s=… would show the secret to everybody in the "
                                     "process list",
                                     whole);
                act_error_hint(g->err,
                               "--secret %s (from $%s), --secret %s=@FILE or --secret "
                               "'%s=!COMMAND'",
                               whole, whole, whole, whole);
            }
        }
        act_free(whole);
        if (code)
            return code;
    }
    return ACT_OK;
}

static enum act_err
need(struct gathering *g, struct act_secrets *secrets, struct act_str name)
{
    struct act_str value;
    const char *text = act_arena_str(&g->arena, name).ptr;
    if (g->source && g->source->value(g->source->self, text, &value))
        return act_secrets_put(secrets, name, value, g->err);
    return act_secrets_need(secrets, name, g->err);
}

/* Every name that was given or is wanted; what is missing is gathered for one message. */
static enum act_err
fill(struct gathering *g, struct act_secrets *secrets, const struct act_value *wanted,
     const struct act_str *specs, uint32_t count)
{
    struct act_buf missing = {0};
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; !code && i < count; i++) {
        struct act_str spec = act_arena_str(&g->arena, specs[i]);
        size_t equals = strcspn(spec.ptr, "=");
        if (equals < spec.len && spec.ptr[equals + 1] == '!')
            code = act_secrets_need(secrets, act_str_n(spec.ptr, equals), g->err);
        else
            code = act_secrets_option(secrets, spec.ptr, g->err);
    }
    for (uint32_t i = 0; !code && i < act_value_len(wanted); i++) {
        struct act_str name = act_value_as_str(act_value_at(wanted, i));
        code = need(g, secrets, name);
        if (code != ACT_ERR_NOT_FOUND)
            continue;
        code = ACT_OK;
        act_buf_printf(&missing, "%s%.*s", missing.len > 0 ? ", " : "", ACT_STR_ARG(name));
    }
    if (!code && missing.len > 0) {
        int first = (int)strcspn(missing.ptr, ",");
        code = act_error_set(g->err, ACT_ERR_USAGE, "the run uses secrets that are not given: %s",
                             missing.ptr);
        act_error_place(g->err, "%s", "");
        act_error_hint(g->err,
                       "--secret %.*s (from $%.*s), --secret %.*s=@FILE, or set "
                       "ACTANT_SECRET_%.*s",
                       first, missing.ptr, first, missing.ptr, first, missing.ptr, first,
                       missing.ptr);
    }
    act_buf_fini(&missing);
    return code;
}

enum act_err
act_secrets_gather(const struct act_value *wanted, const struct act_str *specs, uint32_t count,
                   const struct act_secret_source *source, struct act_secrets **ret,
                   struct act_error *err)
{
    struct gathering g = {.source = source, .err = err};
    for (char **entry = environ; *entry; entry++)
        act_vec_push(&g.env, *entry);
    g.own_from = g.env.len;
    enum act_err code = run_commands(&g, specs, count);
    act_vec_push(&g.env, NULL);
    struct act_secrets *secrets = code ? NULL : act_secrets_create(g.env.ptr);
    if (!code)
        code = fill(&g, secrets, wanted, specs, count);
    for (size_t i = g.own_from; i < g.env.len && g.env.ptr[i]; i++) {
        explicit_bzero(g.env.ptr[i], strlen(g.env.ptr[i]));
        act_free(g.env.ptr[i]);
    }
    act_vec_fini(&g.env);
    act_arena_fini(&g.arena);
    if (code)
        act_secrets_destroy(secrets);
    else
        *ret = secrets;
    return code;
}
