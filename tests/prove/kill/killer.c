/* Loaded before libc (LD_PRELOAD): numbers the calls with which a process leaves a mark on the world, and
 * kills it with SIGKILL before or after the one that is asked for. The program is the release build's own;
 * nothing in it knows of this.
 *
 *   KILL_AT=N      the Nth such call, from 1; 0: none, only count
 *   KILL_AFTER=1   after it instead of before
 *   KILL_CUT=1     a write is done by half, then the process dies
 *   KILL_COUNT=F   at the end of a process that was not killed the number of calls stands in F
 *
 * What the process starts does not inherit it. Calls are counted in the order in which they are made, also
 * from several threads. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct plan {
    pid_t pid; /* 0: nothing is counted */
    long at;
    int after, cut;
    const char *count_file;
};
static struct plan plan;
static atomic_long calls;

static long
number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void
begin(void)
{
    if (!getenv("KILL_AT"))
        return;
    plan.at = number_of("KILL_AT");
    plan.after = number_of("KILL_AFTER") != 0;
    plan.cut = number_of("KILL_CUT") != 0;
    plan.count_file = getenv("KILL_COUNT") ? strdup(getenv("KILL_COUNT")) : NULL;
    plan.pid = getpid();
    unsetenv("LD_PRELOAD");
    unsetenv("KILL_AT");
    unsetenv("KILL_AFTER");
    unsetenv("KILL_CUT");
    unsetenv("KILL_COUNT");
}

__attribute__((destructor)) static void
end(void)
{
    if (!plan.count_file || getpid() != plan.pid)
        return;
    FILE *out = fopen(plan.count_file, "w");
    if (out) {
        fprintf(out, "%ld\n", atomic_load(&calls));
        fclose(out);
    }
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
is_it(void)
{
    if (plan.pid == 0 || getpid() != plan.pid)
        return 0;
    int it = atomic_fetch_add(&calls, 1) + 1 == plan.at;
    if (it && !plan.after && !plan.cut)
        die();
    return it;
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

ssize_t
write(int fd, const void *bytes, size_t count)
{
    int it = is_it();
    ssize_t done = REAL(write)(fd, bytes, it && plan.cut ? count / 2 : count);
    if (it)
        die();
    return done;
}

ssize_t
pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    int it = is_it();
    ssize_t done = REAL(pwrite64)(fd, bytes, it && plan.cut ? count / 2 : count, at);
    if (it)
        die();
    return done;
}

ssize_t
pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite64(fd, bytes, count, at);
}

#define AROUND(call)                                                                               \
    int it = is_it();                                                                              \
    int done = (call);                                                                             \
    if (it)                                                                                        \
        die();                                                                                     \
    return done

int
fdatasync(int fd)
{
    AROUND(REAL(fdatasync)(fd));
}

int
fsync(int fd)
{
    AROUND(REAL(fsync)(fd));
}

int
ftruncate64(int fd, off64_t length)
{
    AROUND(REAL(ftruncate64)(fd, length));
}

int
ftruncate(int fd, off_t length)
{
    AROUND(REAL(ftruncate64)(fd, length));
}

int
link(const char *from, const char *to)
{
    AROUND(REAL(link)(from, to));
}

int
rename(const char *from, const char *to)
{
    AROUND(REAL(rename)(from, to));
}

int
unlink(const char *path)
{
    AROUND(REAL(unlink)(path));
}

int
mkdir(const char *path, mode_t mode)
{
    AROUND(REAL(mkdir)(path, mode));
}

int
posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
            const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    AROUND(REAL(posix_spawn)(pid, path, actions, attr, argv, envp));
}

int
posix_spawnp(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,
             const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    AROUND(REAL(posix_spawnp)(pid, name, actions, attr, argv, envp));
}
