/* Loaded before libc (LD_PRELOAD): counts the calls of one class and makes the Nth fail. The program is the
 * release build's own; nothing in it knows of this.
 *
 *   FAIL_CLASS=C     alloc, write, open, sync, size, spawn, pipe, map, thread, name
 *   FAIL_AT=N        the Nth such call, from 1; 0: none, only count
 *   FAIL_STICKY=1    and every one after it
 *   FAIL_ERRNO=E     what it says
 *   FAIL_MARK=F      F is made when it happens
 *   FAIL_COUNT=F     at the end of the process the number of calls stands in F
 *   FAIL_ROLE=R      only in the first process whose first argument is R: a keeper, a coordinator
 *
 * What the process starts does not inherit it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { NONE, ALLOC, WRITE, OPEN, SYNC, SIZE, SPAWN, PIPE, MAP, THREAD, NAME };

static struct {
    pid_t pid; /* 0: nothing is counted */
    enum class class;
    long at;
    int sticky, error;
    char mark[400], count[400];
} plan;
static atomic_long calls;

static long
number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

/* Whether this process is the one that is meant. */
static int
is_meant(int argc, char **argv)
{
    const char *role = getenv("FAIL_ROLE"), *mark = getenv("FAIL_MARK");
    return !role || (argc > 1 && strcmp(argv[1], role) == 0 && !(mark && access(mark, F_OK) == 0));
}

__attribute__((constructor)) static void
begin(int argc, char **argv)
{
    static const char *const classes[] = {"",      "alloc", "write", "open",   "sync", "size",
                                          "spawn", "pipe",  "map",   "thread", "name"};
    static const char *const names[] = {"LD_PRELOAD", "FAIL_CLASS", "FAIL_AT",    "FAIL_STICKY",
                                        "FAIL_ERRNO", "FAIL_MARK",  "FAIL_COUNT", "FAIL_ROLE"};
    const char *class = getenv("FAIL_CLASS");
    if (!is_meant(argc, argv))
        return;
    for (int i = 1; class && i <= NAME; i++)
        if (strcmp(class, classes[i]) == 0)
            plan.class = (enum class)i;
    plan.at = number_of("FAIL_AT");
    plan.sticky = number_of("FAIL_STICKY") != 0;
    plan.error = (int)number_of("FAIL_ERRNO");
    snprintf(plan.mark, sizeof(plan.mark), "%s", getenv("FAIL_MARK") ? getenv("FAIL_MARK") : "");
    snprintf(plan.count, sizeof(plan.count), "%s",
             getenv("FAIL_COUNT") ? getenv("FAIL_COUNT") : "");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    if (plan.class)
        plan.pid = getpid();
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

/* Whether this call, of that class, is to fail. */
static int fails(enum class class)
{
    if (class != plan.class || plan.pid == 0 || getpid() != plan.pid)
        return 0;
    long now = atomic_fetch_add(&calls, 1) + 1;
    if (plan.at == 0 || now < plan.at || (now > plan.at && !plan.sticky))
        return 0;
    if (now == plan.at && plan.mark[0]) {
        long fd = syscall(SYS_openat, AT_FDCWD, plan.mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        syscall(SYS_close, fd);
    }
    errno = plan.error;
    return 1;
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);

void *
malloc(size_t size)
{
    return fails(ALLOC) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return fails(ALLOC) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *ptr, size_t size)
{
    return fails(ALLOC) ? NULL : __libc_realloc(ptr, size);
}

/* A disk fails, not a pipe or an eventfd. */
static int
write_fails(int fd)
{
    struct stat st;
    return plan.class == WRITE && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fails(WRITE);
}

ssize_t
write(int fd, const void *bytes, size_t count)
{
    return write_fails(fd) ? -1 : REAL(write)(fd, bytes, count);
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    return write_fails(fd) ? -1 : REAL(writev)(fd, parts, count);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    return write_fails(fd) ? -1 : REAL(pwrite64)(fd, bytes, count, at);
}

ssize_t
pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite64(fd, bytes, count, at);
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

int
open64(const char *path, int flags, ...)
{
    MODE(flags)
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
    MODE(flags)
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
openat64(int at, const char *path, int flags, ...)
{
    MODE(flags)
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

int
openat(int at, const char *path, int flags, ...)
{
    MODE(flags)
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

int
fsync(int fd)
{
    return fails(SYNC) ? -1 : REAL(fsync)(fd);
}

int
fdatasync(int fd)
{
    return fails(SYNC) ? -1 : REAL(fdatasync)(fd);
}

int
ftruncate64(int fd, off64_t length)
{
    return fails(SIZE) ? -1 : REAL(ftruncate64)(fd, length);
}

int
ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

int
posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
            const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    return fails(SPAWN) ? plan.error : REAL(posix_spawn)(pid, path, actions, attr, argv, envp);
}

int
posix_spawnp(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,
             const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    return fails(SPAWN) ? plan.error : REAL(posix_spawnp)(pid, name, actions, attr, argv, envp);
}

pid_t
fork(void)
{
    return fails(SPAWN) ? -1 : REAL(fork)();
}

int
pipe2(int ends[2], int flags)
{
    return fails(PIPE) ? -1 : REAL(pipe2)(ends, flags);
}

int
pipe(int ends[2])
{
    return fails(PIPE) ? -1 : REAL(pipe)(ends);
}

int
socketpair(int domain, int type, int protocol, int ends[2])
{
    return fails(PIPE) ? -1 : REAL(socketpair)(domain, type, protocol, ends);
}

int
memfd_create(const char *name, unsigned flags)
{
    return fails(PIPE) ? -1 : REAL(memfd_create)(name, flags);
}

int
eventfd(unsigned start, int flags)
{
    return fails(PIPE) ? -1 : REAL(eventfd)(start, flags);
}

int
epoll_create1(int flags)
{
    return fails(PIPE) ? -1 : REAL(epoll_create1)(flags);
}

void *
mmap64(void *addr, size_t len, int protection, int flags, int fd, off64_t at)
{
    return fails(MAP) ? MAP_FAILED : REAL(mmap64)(addr, len, protection, flags, fd, at);
}

void *
mmap(void *addr, size_t len, int protection, int flags, int fd, off_t at)
{
    return mmap64(addr, len, protection, flags, fd, at);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    return fails(THREAD) ? plan.error : REAL(pthread_create)(thread, attr, fn, arg);
}

int
mkdir(const char *path, mode_t mode)
{
    return fails(NAME) ? -1 : REAL(mkdir)(path, mode);
}

int
link(const char *from, const char *to)
{
    return fails(NAME) ? -1 : REAL(link)(from, to);
}

int
rename(const char *from, const char *to)
{
    return fails(NAME) ? -1 : REAL(rename)(from, to);
}
