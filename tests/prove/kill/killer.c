/* Loaded before libc (LD_PRELOAD): numbers the calls with which a process leaves a mark on the world, and
 * kills it with SIGKILL before or after the one that is asked for. The program is the release build's own;
 * nothing in it knows of this.
 *
 *   KILL_PLAN=R=N[bac] …   who is to die: R is the program's first argument (run, resume, keeper …), N its call,
 *                          from 1 (0: none, only count); b: before the call, a: after it, c: a write is done by
 *                          half, then the process dies
 *   KILL_MARK=F            F.R says at which call R died; who finds it there lives on
 *   KILL_COUNT=F           at the end of R, if it was not killed, the number of its calls stands in F.R
 *
 * What a process starts inherits it only if the plan names somebody else, too. Calls are counted in the order in
 * which they are made, also from several threads. A byte for another thread, or a loop's own pipe, is no mark. */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct plan {
    pid_t pid; /* 0: nothing is counted */
    long at;
    char how;
    char mark[400], count[400];
};
static struct plan plan;
static atomic_long calls;

/* The words of KILL_PLAN; true: one of them is this process's. */
static int
read_plan(const char *role, int *others)
{
    size_t len = strlen(role);
    int mine = 0;
    for (const char *word = getenv("KILL_PLAN"); word; word = strchr(word, ' ')) {
        word += *word == ' ';
        if (strncmp(word, role, len) != 0 || word[len] != '=') {
            ++*others;
            continue;
        }
        char *end = NULL;
        plan.at = strtol(word + len + 1, &end, 10);
        plan.how = *end && *end != ' ' ? *end : 'b';
        mine = 1;
    }
    return mine;
}

static void
name_file(char *file, size_t size, const char *variable, const char *role)
{
    const char *given = getenv(variable);
    if (given)
        snprintf(file, size, "%s.%s", given, role);
}

__attribute__((constructor)) static void
begin(int argc, char **argv)
{
    static const char *const names[] = {"LD_PRELOAD", "KILL_PLAN", "KILL_MARK", "KILL_COUNT"};
    int others = 0;
    if (!getenv("KILL_PLAN") || argc < 2 || !read_plan(argv[1], &others))
        return;
    name_file(plan.mark, sizeof(plan.mark), "KILL_MARK", argv[1]);
    name_file(plan.count, sizeof(plan.count), "KILL_COUNT", argv[1]);
    plan.pid = getpid();
    for (size_t i = 0; !others && i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
}

__attribute__((destructor)) static void
end(void)
{
    if (!plan.count[0] || getpid() != plan.pid)
        return;
    plan.pid = 0;
    FILE *out = fopen(plan.count, "w");
    if (out) {
        fprintf(out, "%ld\n", atomic_load(&calls));
        fclose(out);
    }
}

/* What a descriptor is, for the mark. */
static void
describe(int fd, char *ret, size_t size)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = fd < 0 ? -1 : readlink(link, ret, size - 1);
    ret[len > 0 ? len : 0] = '\0';
}

/* False: somebody of this role has died before. */
static int
leave_mark(const char *call, int fd)
{
    char where[PATH_MAX], text[PATH_MAX + 100];
    if (!plan.mark[0])
        return 1;
    long file = syscall(SYS_openat, AT_FDCWD, plan.mark, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file < 0)
        return 0;
    describe(fd, where, sizeof(where));
    int len = snprintf(text, sizeof(text), "%s %s", call, where);
    syscall(SYS_write, file, text, (size_t)len);
    syscall(SYS_close, file);
    return 1;
}

static void
die(void)
{
    kill(plan.pid, SIGKILL);
    for (;;)
        pause();
}

/* Whether this call is the one. */
static int
is_it(const char *call, int fd)
{
    if (plan.pid == 0 || getpid() != plan.pid)
        return 0;
    int it = atomic_fetch_add(&calls, 1) + 1 == plan.at && leave_mark(call, fd);
    if (it && plan.how == 'b')
        die();
    return it;
}

/* A file, a pipe or a socket; what wakes a thread is none (an eventfd has no kind of file). */
static int
is_mark(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) != 0;
}

static size_t
part(int it, size_t count)
{
    return it && plan.how == 'c' ? count / 2 : count;
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define WRITES(name, fd, call)                                                                     \
    int it = is_mark(fd) && is_it(name, fd);                                                       \
    ssize_t done = (call);                                                                         \
    if (it)                                                                                        \
        die();                                                                                     \
    return done

ssize_t
write(int fd, const void *bytes, size_t count)
{
    WRITES("write", fd, REAL(write)(fd, bytes, part(it, count)));
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    WRITES("writev", fd, REAL(writev)(fd, parts, (int)part(it, (size_t)count)));
}

ssize_t
send(int fd, const void *bytes, size_t count, int flags)
{
    WRITES("send", fd, REAL(send)(fd, bytes, part(it, count), flags));
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    WRITES("sendmsg", fd, REAL(sendmsg)(fd, message, flags));
}

ssize_t
sendfile64(int to, int from, off64_t *at, size_t count)
{
    WRITES("sendfile", to, REAL(sendfile64)(to, from, at, part(it, count)));
}

ssize_t
copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t count, unsigned flags)
{
    WRITES("copy_file_range", to,
           REAL(copy_file_range)(from, from_at, to, to_at, part(it, count), flags));
}

ssize_t
pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    WRITES("pwrite", fd, REAL(pwrite64)(fd, bytes, part(it, count), at));
}

ssize_t
pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite64(fd, bytes, count, at);
}

#define AROUND(name, fd, call)                                                                     \
    int it = is_it(name, fd);                                                                      \
    int done = (call);                                                                             \
    if (it)                                                                                        \
        die();                                                                                     \
    return done

int
fdatasync(int fd)
{
    AROUND("fdatasync", fd, REAL(fdatasync)(fd));
}

int
fsync(int fd)
{
    AROUND("fsync", fd, REAL(fsync)(fd));
}

int
ftruncate64(int fd, off64_t length)
{
    AROUND("ftruncate64", fd, REAL(ftruncate64)(fd, length));
}

int
ftruncate(int fd, off_t length)
{
    AROUND("ftruncate64", fd, REAL(ftruncate64)(fd, length));
}

int
link(const char *from, const char *to)
{
    AROUND("link", -1, REAL(link)(from, to));
}

int
rename(const char *from, const char *to)
{
    AROUND("rename", -1, REAL(rename)(from, to));
}

int
unlink(const char *path)
{
    AROUND("unlink", -1, REAL(unlink)(path));
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    AROUND("linkat", -1, REAL(linkat)(from_dir, from, to_dir, to, flags));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    AROUND("renameat", -1, REAL(renameat)(from_dir, from, to_dir, to));
}

int
unlinkat(int dir, const char *path, int flags)
{
    AROUND("unlinkat", -1, REAL(unlinkat)(dir, path, flags));
}

int
symlink(const char *to, const char *path)
{
    AROUND("symlink", -1, REAL(symlink)(to, path));
}

int
rmdir(const char *path)
{
    AROUND("rmdir", -1, REAL(rmdir)(path));
}

int
mkdir(const char *path, mode_t mode)
{
    AROUND("mkdir", -1, REAL(mkdir)(path, mode));
}

int
posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
            const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    AROUND("posix_spawn", -1, REAL(posix_spawn)(pid, path, actions, attr, argv, envp));
}

int
posix_spawnp(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,
             const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    AROUND("posix_spawnp", -1, REAL(posix_spawnp)(pid, name, actions, attr, argv, envp));
}
