#include "executors/plugin/inspect.h"

#include "base/alloc.h"
#include "engine/port/clock.h"
#include "executors/plugin/host.h"
#include "executors/plugin/host_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_MS 10000
#define ANSWER_MAX ((size_t)16 << 20)

extern char **environ;

/* Standard output is the caller's result: what constructors print goes to standard error. The answer
 * comes on a pipe. */
static int
spawn_host(const char *program, const char *path, int out, pid_t *ret)
{
    char command[] = ACT_PLUGIN_HOST_COMMAND, verb[] = "inspect";
    char *name = act_strndup(program, strlen(program)), *file = act_strndup(path, strlen(path));
    char *const argv[] = {name, command, verb, file, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, ACT_HOST_FD);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP); /* so that all of it can be ended */
    int failed = posix_spawnp(ret, program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    act_free(name);
    act_free(file);
    return failed;
}

/* False: it took too long, or said too much. */
static bool
read_answer(int fd, int64_t until_ms, struct act_buf *out)
{
    char piece[65536];
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = until_ms - act_clock_monotonic_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || out->len > ANSWER_MAX)
            return false;
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got <= 0)
            return true;
        act_buf_add(out, piece, (size_t)got);
    }
}

static enum act_err
say_died(const char *path, int status, struct act_error *err)
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        act_error_set(err, ACT_ERR_INVALID, "%s: it crashed while it was loaded (SIG%s)", path,
                      name ? name : "?");
    } else {
        act_error_set(err, ACT_ERR_INVALID,
                      "%s: it ended its process while it was loaded (exit %d)", path,
                      WEXITSTATUS(status));
    }
    act_error_hint(err, "a constructor or actant_plugin_v1 does it; nothing else was harmed");
    return ACT_ERR_INVALID;
}

static enum act_err
read_error(const struct act_value *error, struct act_error *err)
{
    const struct act_value *message = act_value_get(error, ACT_STR("message"));
    const struct act_value *hint = act_value_get(error, ACT_STR("hint"));
    if (!message || act_value_type(message) != ACT_STRING)
        return act_error_set(err, ACT_ERR_INVALID, "the host process does not say what is wrong");
    act_error_set(err, ACT_ERR_INVALID, "%.*s", ACT_STR_ARG(act_value_as_str(message)));
    if (hint && act_value_type(hint) == ACT_STRING)
        act_error_hint(err, "%.*s", ACT_STR_ARG(act_value_as_str(hint)));
    return ACT_ERR_INVALID;
}

static enum act_err
read_plugin(const char *path, struct act_str answer, int status, struct act_value **ret,
            struct act_error *err)
{
    struct act_value *json = NULL;
    if (act_json_parse(answer, 0, &json, NULL) != ACT_OK)
        return say_died(path, status, err);
    const struct act_value *plugin = act_value_get(json, ACT_STR("plugin"));
    const struct act_value *error = act_value_get(json, ACT_STR("error"));
    enum act_err code = ACT_OK;
    if (plugin)
        *ret = act_value_retain(plugin);
    else
        code = read_error(error, err);
    act_value_release(json);
    return code;
}

enum act_err
act_plugin_inspect(const char *program, const char *path, int timeout_ms, struct act_value **ret,
                   struct act_error *err)
{
    int ends[2], status = 0;
    pid_t pid = 0;
    struct act_buf answer = {0};
    int64_t limit_ms = timeout_ms > 0 ? timeout_ms : TIMEOUT_MS;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return act_error_set(err, ACT_ERR_SYSTEM, "no pipe can be made: %s", strerror(errno));
    int failed = spawn_host(program, path, ends[1], &pid);
    close(ends[1]);
    bool came = !failed && read_answer(ends[0], act_clock_monotonic_ms() + limit_ms, &answer);
    close(ends[0]);
    if (!failed) {
        if (!came)
            kill(-pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    enum act_err code;
    if (failed) {
        code = act_error_set(err, ACT_ERR_SYSTEM, "%s: a host process cannot be started: %s",
                             program, strerror(failed));
    } else if (!came) {
        code = act_error_set(err, ACT_ERR_INVALID,
                             "%s: loading it did not come to an end within %lld s", path,
                             (long long)limit_ms / 1000);
        act_error_hint(err, "a constructor or actant_plugin_v1 hangs; nothing else was harmed");
    } else {
        code = read_plugin(path, act_buf_str(&answer), status, ret, err);
    }
    act_buf_fini(&answer);
    return code;
}
