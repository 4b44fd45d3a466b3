#include "tests/executors/worker/fake_support.h"

#include "base/alloc.h"
#include "executors/worker/frame.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LINK 3
#define CONTROL 4
#define CALLS_MAX 4096

struct fake {
    struct act_frame_decoder down, control;
    uint32_t current; /* 0: none */
    bool cancelled, revoked[CALLS_MAX], done[CALLS_MAX];
    int64_t ends[CALLS_MAX]; /* of those that run beside others; 0: not */
    uint32_t beside;
};

static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
say(enum act_frame_type type, uint32_t call, const void *bytes, size_t len)
{
    struct act_buf out = {0};
    act_frame_head(&out, type, call ? 4 + len : len);
    if (call)
        act_frame_u32(&out, call);
    act_buf_add(&out, bytes, len);
    for (size_t at = 0; at < out.len;) {
        ssize_t n = write(LINK, out.ptr + at, out.len - at);
        if (n <= 0)
            _exit(0);
        at += (size_t)n;
    }
    act_buf_fini(&out);
}

static void
say_text(enum act_frame_type type, uint32_t call, const char *text)
{
    say(type, call, text, strlen(text));
}

static void
say_log(uint32_t call, const char *text)
{
    struct act_buf body = {0};
    act_buf_add_byte(&body, 1);
    act_buf_add_cstr(&body, text);
    say(ACT_FRAME_LOG, call, body.ptr, body.len);
    act_buf_fini(&body);
}

static void
on_control(struct fake *fake, const struct act_frame *frame)
{
    struct act_str body = frame->body;
    uint32_t call = 0;
    if (!act_frame_take_u32(&body, &call) || call >= CALLS_MAX || fake->done[call])
        return;
    if (call == fake->current || fake->ends[call]) {
        if (frame->type == ACT_FRAME_CANCEL && fake->ends[call]) {
            fake->ends[call] = 0;
            fake->done[call] = true;
            fake->beside--;
            say_text(ACT_FRAME_FAIL, call, "{\"message\":\"cancelled\"}");
        } else if (frame->type == ACT_FRAME_CANCEL) {
            fake->cancelled = true;
        }
        return;
    }
    if (!fake->revoked[call]) {
        fake->revoked[call] = true;
        say(ACT_FRAME_RETURNED, call, "\0", 1);
    }
}

static void
read_control(struct fake *fake, int timeout_ms)
{
    struct pollfd fd = {.fd = CONTROL, .events = POLLIN};
    char bytes[4096];
    if (poll(&fd, 1, timeout_ms) <= 0)
        return;
    ssize_t got = read(CONTROL, bytes, sizeof bytes);
    if (got <= 0)
        _exit(0);
    struct act_str rest = act_str_n(bytes, (size_t)got);
    struct act_frame frame;
    while (act_frame_next(&fake->control, &rest, &frame, NULL) > 0)
        on_control(fake, &frame);
}

static void
do_sleep(struct fake *fake, uint32_t call, int64_t ms)
{
    int64_t end = now_ms() + ms;
    while (!fake->cancelled && now_ms() < end)
        read_control(fake, (int)(end - now_ms()));
    if (fake->cancelled)
        say_text(ACT_FRAME_FAIL, call, "{\"message\":\"cancelled\"}");
    else
        say_text(ACT_FRAME_RESULT, call, "\"slept\"");
}

static void
do_parts(uint32_t call, size_t bytes)
{
    char part[65536];
    memset(part, 'x', sizeof part);
    for (; bytes > sizeof part; bytes -= sizeof part)
        say(ACT_FRAME_PART, call, part, sizeof part);
    say(ACT_FRAME_RESULT, call, part, bytes);
}

static bool
has(const char *request, const char *word, const char **rest)
{
    size_t len = strlen(word);
    if (strncmp(request, word, len) != 0 || (request[len] && request[len] != ' '))
        return false;
    *rest = request + len + (request[len] != 0);
    return true;
}

static void
write_out(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(9);
    /* Not before it has been read does the call end. */
    int left = 1;
    while (ioctl(1, FIONREAD, &left) == 0 && left > 0)
        usleep(100);
}

static void
run(struct fake *fake, uint32_t call, const char *request)
{
    const char *rest;
    char number[32];
    if (has(request, "hang", &rest))
        pause();
    if (has(request, "beside", &rest)) {
        say(ACT_FRAME_BEGUN, call, "\1", 1);
        fake->ends[call] = now_ms() + strtoll(rest, NULL, 10) + 1;
        fake->beside++;
        return;
    }
    say(ACT_FRAME_BEGUN, call, "\0", 1);
    fake->current = call;
    fake->cancelled = false;
    if (has(request, "sleep", &rest)) {
        do_sleep(fake, call, strtoll(rest, NULL, 10));
    } else if (has(request, "part", &rest)) {
        do_parts(call, (size_t)strtoll(rest, NULL, 10));
    } else if (has(request, "fail", &rest)) {
        say_text(ACT_FRAME_FAIL, call, rest);
    } else {
        if (has(request, "print", &rest))
            write_out(rest);
        else if (has(request, "log", &rest))
            say_log(call, rest);
        else if (has(request, "exit", &rest))
            _exit((int)strtol(rest, NULL, 10));
        else if (has(request, "kill", &rest))
            raise((int)strtol(rest, NULL, 10));
        else if (has(request, "garbage", &rest) && write(LINK, "Hello, world!", 13) > 0)
            pause();
        else if (has(request, "close", &rest) && close(LINK) == 0)
            pause();
        else
            has(request, "echo", &rest);
        snprintf(number, sizeof number, "%d", (int)getpid());
        say_text(ACT_FRAME_RESULT, call, strcmp(request, "pid") == 0 ? number : rest);
    }
    fake->done[call] = true;
    fake->current = 0;
}

static void
on_frame(struct fake *fake, const struct act_frame *frame)
{
    struct act_str body = frame->body;
    uint32_t call = 0;
    if (frame->type == ACT_FRAME_BYE)
        _exit(0);
    if (frame->type != ACT_FRAME_CALL || !act_frame_take_u32(&body, &call) || call >= CALLS_MAX)
        return;
    read_control(fake, 0);
    if (fake->revoked[call])
        return;
    char *request = act_strndup(body.ptr, body.len);
    run(fake, call, request);
    act_free(request);
}

static int
end_beside(struct fake *fake)
{
    int64_t next = -1, now = now_ms();
    for (uint32_t call = 1; call < CALLS_MAX && fake->beside; call++) {
        if (!fake->ends[call])
            continue;
        if (fake->ends[call] <= now) {
            fake->ends[call] = 0;
            fake->done[call] = true;
            fake->beside--;
            say_text(ACT_FRAME_RESULT, call, "\"beside\"");
        } else if (next < 0 || fake->ends[call] - now < next) {
            next = fake->ends[call] - now;
        }
    }
    return (int)next;
}

void
fake_main(int argc, char **argv)
{
    static struct fake fake = {.down = {.body_max = ACT_FRAME_DOWN_MAX},
                               .control = {.body_max = 64}};
    if (argc < 2 || strcmp(argv[1], "worker") != 0)
        return;
    if (argc > 2) { /* one that does not get ready */
        fprintf(stderr, "%s\n", argv[2]);
        _exit(7);
    }
    say_text(ACT_FRAME_READY, 0, "{}");
    for (;;) {
        struct pollfd fds[] = {{.fd = LINK, .events = POLLIN}, {.fd = CONTROL, .events = POLLIN}};
        char bytes[65536];
        if (poll(fds, 2, end_beside(&fake)) < 0)
            _exit(8);
        if (fds[1].revents)
            read_control(&fake, 0);
        if (!fds[0].revents)
            continue;
        ssize_t got = read(LINK, bytes, sizeof bytes);
        if (got <= 0)
            _exit(0);
        struct act_str rest = act_str_n(bytes, (size_t)got);
        struct act_frame frame;
        while (act_frame_next(&fake.down, &rest, &frame, NULL) > 0)
            on_frame(&fake, &frame);
    }
}
