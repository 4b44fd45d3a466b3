/* The floor that actant is compared with: N processes, at most so many in flight, each started with
 * posix_spawn, watched by its pidfd in epoll, both outputs read through pipes and thrown away.
 * Nothing else is done.
 *
 *   bare_loop N IN_FLIGHT COMMAND [ARGUMENT…]
 *
 * Prints the seconds it took. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { PIDFD, OUT, ERR, FD_COUNT };
struct child {
    int fds[FD_COUNT]; /* -1: closed */
};

static _Noreturn void
die(const char *what)
{
    perror(what);
    exit(1);
}

static void
watch(int epoll, int fd, size_t child, unsigned which)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = child << 2 | which};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void
unwatch(int epoll, int *fd)
{
    struct epoll_event unused = {0};
    epoll_ctl(epoll, EPOLL_CTL_DEL, *fd, &unused);
    close(*fd);
    *fd = -1;
}

static void
start(struct child *child, int epoll, size_t slot, char **argv)
{
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        die("pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    pid_t pid;
    errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    if (errno)
        die(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    child->fds[PIDFD] = (int)syscall(SYS_pidfd_open, pid, 0);
    child->fds[OUT] = out[0];
    child->fds[ERR] = err[0];
    for (unsigned i = 0; i < FD_COUNT; i++)
        watch(epoll, child->fds[i], slot, i);
}

/* True once the child has ended. */
static int
ready(struct child *child, int epoll, unsigned which)
{
    static char buffer[65536];
    if (child->fds[which] < 0)
        return 0;
    if (which != PIDFD) {
        if (read(child->fds[which], buffer, sizeof buffer) <= 0)
            unwatch(epoll, &child->fds[which]);
        return 0;
    }
    siginfo_t info;
    if (waitid(P_PIDFD, (id_t)child->fds[PIDFD], &info, WEXITED) != 0)
        die("waitid");
    for (unsigned i = 0; i < FD_COUNT; i++) {
        if (child->fds[i] >= 0)
            unwatch(epoll, &child->fds[i]);
    }
    return 1;
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bare_loop N IN_FLIGHT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    size_t left = strtoul(argv[1], NULL, 10), slots = strtoul(argv[2], NULL, 10), live = 0;
    struct child *children = calloc(slots, sizeof *children);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (; live < slots && left > 0; live++, left--)
        start(&children[live], epoll, live, argv + 3);
    while (live > 0) {
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            size_t slot = events[i].data.u64 >> 2;
            if (!ready(&children[slot], epoll, events[i].data.u64 & 3))
                continue;
            live--;
            if (left > 0) {
                start(&children[slot], epoll, slot, argv + 3);
                live++;
                left--;
            }
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n",
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    free(children);
    return 0;
}
