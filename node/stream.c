#include "node/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK_MAX ((size_t)1 << 30)
#define ANSWER_MAX 254 /* what the engine reads of a line */

static bool
read_all(char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t got = read(STDIN_FILENO, bytes, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        len -= (size_t)got;
    }
    return true;
}

bool
act_stream_block(struct act_buf *ret)
{
    char head[32];
    size_t len = 0;
    do {
        if (len == sizeof(head) - 1 || !read_all(&head[len], 1))
            return false;
    } while (head[len++] != '\n');
    head[len - 1] = '\0';
    char *end = NULL;
    errno = 0;
    unsigned long long size = strtoull(head, &end, 10);
    if (errno || end == head || *end || size > BLOCK_MAX)
        return false;
    act_buf_clear(ret);
    act_buf_reserve(ret, (size_t)size);
    ret->len = (size_t)size;
    return read_all(ret->ptr, ret->len);
}

bool
act_stream_answer(enum act_err code, const struct act_error *err, const char *note)
{
    struct act_buf line = {0};
    if (code)
        act_buf_printf(&line, "error %s", err->message);
    else
        act_buf_printf(&line, "ok%s%s", *note ? " " : "", note);
    line.len = line.len < ANSWER_MAX ? line.len : ANSWER_MAX;
    for (size_t i = 0; i < line.len; i++)
        line.ptr[i] = line.ptr[i] == '\n' ? ' ' : line.ptr[i];
    act_buf_add_byte(&line, '\n');
    bool sent = send(STDIN_FILENO, line.ptr, line.len, MSG_NOSIGNAL) == (ssize_t)line.len;
    act_buf_fini(&line);
    return sent;
}
