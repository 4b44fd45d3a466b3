/* python_roundtrip PYTHON SCRIPT COUNT: round trips a second with one warm worker, SCRIPT, over a Unix
 * stream, one in flight: four bytes of length and a JSON object each way. A tenth of them warm it up. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 4096 };

static void
check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "python_roundtrip: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Worker's end on descriptor 3. */
static pid_t
start(const char *python, const char *script, int ends[2])
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        check(dup2(ends[1], 3) == 3, "dup2");
        execlp(python, python, script, "3", (char *)NULL);
        check(0, python);
    }
    close(ends[1]);
    return pid;
}

static void
read_all(int fd, void *to, size_t size)
{
    char *at = to;
    while (size > 0) {
        ssize_t got = read(fd, at, size);
        check(got > 0, "the worker is gone");
        at += got;
        size -= (size_t)got;
    }
}

static void
round_trip(int fd, unsigned number)
{
    char frame[FRAME_MAX];
    uint32_t length = (uint32_t)snprintf(
        frame + 4, sizeof frame - 4,
        "{\"id\":%u,\"call\":\"noop:noop\",\"args\":[null],\"attempt\":1}", number);
    memcpy(frame, &length, 4);
    check(write(fd, frame, length + 4) == (ssize_t)length + 4, "write");
    read_all(fd, &length, 4);
    check(length < sizeof frame, "a frame's length");
    read_all(fd, frame, length);
    frame[length] = 0;
    char *id = strstr(frame, "\"id\": ");
    check(id != NULL && strtoul(id + 6, NULL, 10) == number, "the answer's number");
}

int
main(int argc, char **argv)
{
    check(argc == 4, "usage: python_roundtrip PYTHON SCRIPT COUNT");
    unsigned count = (unsigned)strtoul(argv[3], NULL, 10);
    int ends[2];
    pid_t pid = start(argv[1], argv[2], ends);
    for (unsigned i = 0; i < count / 10 + 1; i++)
        round_trip(ends[0], i);
    double begin = seconds_now();
    for (unsigned i = 0; i < count; i++)
        round_trip(ends[0], i);
    printf("%.0f\n", (double)count / (seconds_now() - begin));
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return 0;
}
