#include "embed/errand.h"

#include "base/alloc.h"
#include "embed/plugins.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ACT_PORTABLE
#define ACT_PORTABLE 0
#endif

extern char **environ;

/* ---- starting ---- */

static enum act_err
make_pair(int ret[2], struct act_error *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ret) != 0)
        return act_error_set(err, ACT_ERR_SYSTEM, "no socket pair: %s", strerror(errno));
    fcntl(ret[0], F_SETFD, FD_CLOEXEC);
    fcntl(ret[1], F_SETFD, FD_CLOEXEC);
    return ACT_OK;
}

static int
set_attributes(posix_spawnattr_t *attributes, bool session)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    return posix_spawnattr_setflags(attributes,
                                    (short)(flags | (session ? POSIX_SPAWN_SETSID : 0)));
}

static int
add_actions(posix_spawn_file_actions_t *actions, int fd)
{
    int failed = 0;
    for (int stream = 0; !failed && stream < STDERR_FILENO; stream++)
        failed = posix_spawn_file_actions_addopen(actions, stream, "/dev/null", O_RDWR, 0);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, fd, ACT_ERRAND_FD);
#if !ACT_PORTABLE
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, ACT_ERRAND_FD + 1);
#endif
    return failed;
}

/* The file that we are, also if another one has its name by now: an upgrade must not come between a
 * keeper and its coordinators. */
static const char *
program(struct act_arena *arena)
{
    static const char self[] = "/proc/self/exe";
    struct act_str found = act_plugins_program(NULL, arena);
    return act_plugins_is_actant() && access(self, X_OK) == 0 ? self : found.ptr;
}

static int
spawn(const struct act_errand_spec *spec, int fd, int *ret_pid)
{
    struct act_arena arena = {0};
    char name[] = "actant";
    char *command = act_strndup(spec->command, strlen(spec->command));
    char *run = act_strndup(spec->run, strlen(spec->run));
    char *argv[] = {name, command, run, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failed = set_attributes(&attributes, spec->session);
    if (!failed)
        failed = add_actions(&actions, fd);
    if (!failed)
        failed = posix_spawnp(ret_pid, program(&arena), &actions, &attributes, argv,
                              spec->env ? spec->env : environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    act_free(command);
    act_free(run);
    act_arena_fini(&arena);
    return failed;
}

enum act_err
act_errand_start(const struct act_errand_spec *spec, int *ret_pid, int *ret_fd,
                 struct act_error *err)
{
    int fds[2];
    enum act_err code = make_pair(fds, err);
    if (code != ACT_OK)
        return code;
    int failed = spawn(spec, fds[1], ret_pid);
    close(fds[1]);
    if (!failed) {
        *ret_fd = fds[0];
        return ACT_OK;
    }
    close(fds[0]);
    act_error_set(err, ACT_ERR_SYSTEM, "actant cannot start itself: %s", strerror(failed));
    if (failed == ENOENT)
        act_error_hint(
            err, "is /proc mounted? Else put the folder of `actant` into PATH, or its path into "
                 "ACTANT_PROGRAM");
    return ACT_ERR_SYSTEM;
}

bool
act_errand_is_one(void)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(ACT_ERRAND_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

void
act_errand_hush(void)
{
    dup2(STDIN_FILENO, STDERR_FILENO);
}

/* ---- frames ---- */

static enum act_err
gone(struct act_error *err, int error)
{
    return act_error_set(err, ACT_ERR_SYSTEM, "the other process does not listen: %s",
                         strerror(error));
}

enum act_err
act_errand_send(int fd, enum act_frame_type type, struct act_str body, struct act_error *err)
{
    struct act_buf bytes = {0};
    enum act_err code = ACT_OK;
    act_frame_head(&bytes, type, body.len);
    act_buf_add_str(&bytes, body);
    for (size_t at = 0; code == ACT_OK && at < bytes.len;) {
        ssize_t sent = send(fd, bytes.ptr + at, bytes.len - at, MSG_NOSIGNAL);
        if (sent >= 0)
            at += (size_t)sent;
        else if (errno != EINTR)
            code = gone(err, errno);
    }
    explicit_bzero(bytes.ptr, bytes.len); /* it may hold secrets */
    act_buf_fini(&bytes);
    return code;
}

static enum act_err
receive(int fd, char *to, size_t len, struct act_error *err)
{
    while (len > 0) {
        ssize_t got = recv(fd, to, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gone(err, errno);
        if (got == 0)
            return act_error_set(err, ACT_ERR_NOT_FOUND, "the other process has ended");
        to += got;
        len -= (size_t)got;
    }
    return ACT_OK;
}

enum act_err
act_errand_receive(int fd, enum act_frame_type *ret, struct act_buf *body, struct act_error *err)
{
    char head[ACT_FRAME_HEAD_BYTES];
    uint32_t length;
    uint8_t type;
    enum act_err code = receive(fd, head, sizeof(head), err);
    if (code != ACT_OK)
        return code;
    struct act_str rest = act_str_n(head, sizeof(head));
    act_frame_take_u32(&rest, &length);
    act_frame_take_u8(&rest, &type);
    if (length > ACT_FRAME_DOWN_MAX)
        return act_error_set(err, ACT_ERR_LIMIT, "what comes from the other process is too large");
    act_buf_reserve(body, (size_t)length + 1); /* never without memory */
    code = receive(fd, body->ptr + body->len, length, err);
    if (code != ACT_OK)
        return code;
    body->len += length;
    *ret = (enum act_frame_type)type;
    return ACT_OK;
}
