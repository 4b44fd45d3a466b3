#include "engine/io/uv/spawn.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What sh takes where the environment has no PATH. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define BUSY_TRIES 500 /* of 2 ms */
#define LINK_FIRST 3   /* the child's first number after its standard streams */

/* Inherited descriptors that were left open by whoever started us must not reach a task. Where
 * posix_spawn can close them in the child this is not needed. */
static void
close_inherited_on_exec(void)
{
#if ACT_PORTABLE
    long max = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (max > 0 && max < 4096 ? (int)max : 4096); fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    }
#endif
}

enum act_err
act_spawn_shared_init(struct act_spawn_shared *shared, struct act_error *err)
{
    /* Descriptors 0 to 2 must be taken, or a pipe's end could get one of these numbers and be
     * overwritten while the child's are put in place. */
    do {
        shared->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (shared->null_fd < 0)
            return act_error_set(err, ACT_ERR_SYSTEM, "/dev/null cannot be opened: %s",
                                 strerror(errno));
    } while (shared->null_fd <= 2);
    close_inherited_on_exec();

    posix_spawnattr_init(&shared->attr);
    sigset_t set;
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&shared->attr, &set);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&shared->attr, &set);
    posix_spawnattr_setflags(&shared->attr,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return ACT_OK;
}

void
act_spawn_shared_fini(struct act_spawn_shared *shared)
{
    close(shared->null_fd);
    posix_spawnattr_destroy(&shared->attr);
}

/* ---- copies ---- */

static size_t
list_size(const char *const *list, size_t *count)
{
    size_t bytes = 0;
    *count = 0;
    for (; list[*count]; (*count)++)
        bytes += strlen(list[*count]) + 1;
    return bytes;
}

static char *
copy_list(char **to, const char *const *list, size_t count, char *at)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(list[i]) + 1;
        to[i] = memcpy(at, list[i], size);
        at += size;
    }
    to[count] = NULL;
    return at;
}

static char *
copy_text(const char **to, const char *text, char *at)
{
    if (!text)
        return at;
    size_t size = strlen(text) + 1;
    *to = memcpy(at, text, size);
    return at + size;
}

/* Takes the links over. Their numbers are moved out of the way of those that the child's get. */
static void
take_links(struct act_spawn *spawn, const struct act_process_spec *spec)
{
    for (uint32_t i = 0; i < ACT_PROCESS_LINKS_MAX; i++)
        spawn->links[i] = i < spec->link_count ? spec->links[i] : -1;
    for (uint32_t i = 0; i < spec->link_count; i++) {
        if (spawn->links[i] >= LINK_FIRST + ACT_PROCESS_LINKS_MAX)
            continue;
        int moved = fcntl(spawn->links[i], F_DUPFD_CLOEXEC, LINK_FIRST + ACT_PROCESS_LINKS_MAX);
        spawn->stdin_failed = moved < 0 ? errno : spawn->stdin_failed;
        close(spawn->links[i]);
        spawn->links[i] = moved;
    }
}

void
act_spawn_init(struct act_spawn *spawn, const struct act_process_spec *spec)
{
    *spawn = (struct act_spawn){.stdin_fd = -1, .pid = -1, .pidfd = -1, .out_fd = -1, .err_fd = -1};
    size_t argc, envc;
    size_t bytes = list_size(spec->argv, &argc) + list_size(spec->env, &envc);
    bytes += spec->program ? strlen(spec->program) + 1 : 0;
    bytes += spec->dir ? strlen(spec->dir) + 1 : 0;
    bytes += spec->cookie ? strlen(spec->cookie) + 1 : 0;
    /* One pointer more before argv, for the shell that ENOEXEC puts there. */
    size_t pointers = 1 + argc + 1 + envc + 1;
    spawn->block = act_alloc(pointers * sizeof(char *) + bytes);
    spawn->argv = (char **)(void *)spawn->block + 1;
    spawn->env = spawn->argv + argc + 1;
    char *at = copy_list(spawn->argv, spec->argv, argc, spawn->block + pointers * sizeof(char *));
    at = copy_list(spawn->env, spec->env, envc, at);
    spawn->program = spawn->argv[0];
    at = copy_text(&spawn->program, spec->program, at);
    at = copy_text(&spawn->dir, spec->dir, at);
    copy_text(&spawn->cookie, spec->cookie, at);
    spawn->capture_out = spec->capture_out;
    spawn->capture_err = spec->capture_err;
    spawn->stdin_fd = spec->stdin_fd;
    if (spec->stdin_fd >= 0 && !spec->take_stdin) {
        spawn->stdin_fd = fcntl(spec->stdin_fd, F_DUPFD_CLOEXEC, 3);
        spawn->stdin_failed = spawn->stdin_fd < 0 ? errno : 0;
    }
    take_links(spawn, spec);
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
close_links(struct act_spawn *spawn)
{
    for (uint32_t i = 0; i < ACT_PROCESS_LINKS_MAX; i++)
        close_fd(&spawn->links[i]);
}

void
act_spawn_fini(struct act_spawn *spawn)
{
    close_fd(&spawn->stdin_fd);
    close_links(spawn);
    close_fd(&spawn->pidfd);
    close_fd(&spawn->out_fd);
    close_fd(&spawn->err_fd);
    act_free(spawn->block);
    spawn->block = NULL;
}

/* ---- the search ---- */

static const char *
env_get(char *const *env, const char *name, size_t len)
{
    for (; *env; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    }
    return NULL;
}

/* 0, EACCES (there, but not to be executed) or another errno. path is as the child will see it, from
 * dir on. */
static int
try_path(const char *dir, const char *path)
{
    char from_dir[2 * PATH_MAX + 2];
    if (path[0] != '/' && dir) {
        snprintf(from_dir, sizeof from_dir, "%s/%s", dir, path);
        path = from_dir;
    }
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
        return errno;
    struct stat st;
    if (stat(path, &st) != 0)
        return errno;
    return S_ISREG(st.st_mode) ? 0 : EACCES;
}

/* ret: PATH_MAX bytes. As sh: the first that can be executed; what is there but cannot counts only
 * if nothing else is found. */
static int
search_path(const struct act_spawn *spawn, char *ret)
{
    const char *path = env_get(spawn->env, "PATH", 4);
    int failed = ENOENT;
    for (const char *at = path ? path : PATH_DEFAULT; at;) {
        const char *end = strchrnul(at, ':');
        int len = (int)(end - at);
        int written = snprintf(ret, PATH_MAX, "%.*s%s%s", len, at, len ? "/" : "", spawn->program);
        int error = written < PATH_MAX ? try_path(spawn->dir, ret) : ENAMETOOLONG;
        if (error == 0) {
            if (strchr(ret, '/'))
                return 0;
            written = snprintf(ret, PATH_MAX, "./%s", spawn->program); /* an empty entry */
            return written < PATH_MAX ? 0 : ENAMETOOLONG;
        }
        if (error == EACCES)
            failed = EACCES;
        at = *end ? end + 1 : NULL;
    }
    return failed;
}

static int
dir_error(const char *dir)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return errno;
    if (!S_ISDIR(st.st_mode))
        return ENOTDIR;
    return faccessat(AT_FDCWD, dir, X_OK, AT_EACCESS) != 0 ? errno : 0;
}

/* ---- the start ---- */

/* The reading end does not block; the writing end does, it is the task's. */
static int
make_pipe(int *read_fd, int *write_fd)
{
    int fds[2];
#if ACT_PORTABLE
    if (pipe(fds) != 0)
        return errno;
    fcntl(fds[0], F_SETFD, FD_CLOEXEC); /* no threads start processes here, see process.c */
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
#else
    if (pipe2(fds, O_CLOEXEC) != 0)
        return errno;
#endif
    *read_fd = fds[0];
    *write_fd = fds[1];
    return fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0 ? errno : 0;
}

static int
open_pipes(struct act_spawn *spawn, int *out, int *err)
{
    int failed = spawn->capture_out ? make_pipe(&spawn->out_fd, out) : 0;
    if (!failed && spawn->capture_err)
        failed = make_pipe(&spawn->err_fd, err);
    return failed;
}

static int
add_actions(posix_spawn_file_actions_t *actions, const struct act_spawn *spawn, int null_fd,
            int out, int err)
{
    int failed = posix_spawn_file_actions_adddup2(
        actions, spawn->stdin_fd >= 0 ? spawn->stdin_fd : null_fd, 0);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, out >= 0 ? out : null_fd, 1);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, err >= 0 ? err : null_fd, 2);
    int next = LINK_FIRST;
    for (uint32_t i = 0; !failed && i < ACT_PROCESS_LINKS_MAX && spawn->links[i] >= 0; i++)
        failed = posix_spawn_file_actions_adddup2(actions, spawn->links[i], next++);
#if !ACT_PORTABLE
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, next);
#endif
    if (!failed && spawn->dir)
        failed = posix_spawn_file_actions_addchdir_np(actions, spawn->dir);
    return failed;
}

/* A file without a known format is a script, as for sh: sh FILE ARGS. */
static int
spawn_by_sh(struct act_spawn *spawn, const char *path, const posix_spawn_file_actions_t *actions,
            const struct act_spawn_shared *shared)
{
    char **argv = spawn->argv - 1;
    char *first = spawn->argv[0];
    char *copy = act_strndup(path, strlen(path));
    char sh[] = "sh";
    argv[0] = sh;
    argv[1] = copy;
    int failed = posix_spawn(&spawn->pid, "/bin/sh", actions, &shared->attr, argv, spawn->env);
    argv[1] = first;
    act_free(copy);
    return failed;
}

static int
spawn_path(struct act_spawn *spawn, const posix_spawn_file_actions_t *actions,
           const struct act_spawn_shared *shared)
{
    char found[PATH_MAX];
    const char *path = spawn->program;
    if (!path || !*path)
        return ENOENT;
    if (!strchr(path, '/')) {
        int failed = search_path(spawn, found);
        if (failed)
            return failed;
        path = found;
    }
    int failed = posix_spawn(&spawn->pid, path, actions, &shared->attr, spawn->argv, spawn->env);
    /* A script that we wrote just now: another child that is being started holds our descriptor of
     * it for the moment between its fork and its exec. */
    for (int tries = 0; failed == ETXTBSY && tries < BUSY_TRIES; tries++) {
        usleep(2000);
        failed = posix_spawn(&spawn->pid, path, actions, &shared->attr, spawn->argv, spawn->env);
    }
    if (failed == ENOEXEC)
        failed = spawn_by_sh(spawn, path, actions, shared);
    return failed;
}

void
act_spawn_open_pidfd(struct act_spawn *spawn)
{
#if ACT_PORTABLE
    (void)spawn;
#else
    spawn->pidfd = (int)syscall(SYS_pidfd_open, spawn->pid, 0); /* close-on-exec by itself */
#endif
}

void
act_spawn_start(struct act_spawn *spawn, const struct act_spawn_shared *shared)
{
    int out = -1, err = -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    spawn->dir_failed = false;
    spawn->pid = -1;
    int failed = spawn->stdin_failed;
    if (!failed)
        failed = open_pipes(spawn, &out, &err);
    if (!failed)
        failed = add_actions(&actions, spawn, shared->null_fd, out, err);
    if (!failed)
        failed = spawn_path(spawn, &actions, shared);
    if (failed && spawn->dir && !act_spawn_retryable(failed)) {
        int error = dir_error(spawn->dir);
        spawn->dir_failed = error != 0;
        failed = error ? error : failed;
    }
    posix_spawn_file_actions_destroy(&actions);
    close_fd(&out);
    close_fd(&err);
    spawn->failed = failed;
    if (failed) {
        spawn->pid = -1;
        close_fd(&spawn->out_fd);
        close_fd(&spawn->err_fd);
    } else {
        close_fd(&spawn->stdin_fd);
        close_links(spawn);
        act_spawn_open_pidfd(spawn);
    }
}

/* A build of tests/prove breaks the rule on purpose. */
#ifndef ACT_CANARY_SPAWN_ONCE
#define ACT_CANARY_SPAWN_ONCE 0
#endif

bool
act_spawn_retryable(int failed)
{
    return !ACT_CANARY_SPAWN_ONCE &&
           (failed == EAGAIN || failed == ENOMEM || failed == EMFILE || failed == ENFILE);
}

int
act_spawn_exit_code(int failed)
{
    return failed == ENOENT || failed == ENOTDIR || failed == ELOOP || failed == ENAMETOOLONG ? 127
                                                                                              : 126;
}
