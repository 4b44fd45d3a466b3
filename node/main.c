/* actant-node: the part of actant that needs libraries of the network. `actant` starts it where it is wanted:
 *   actant-node post URL   takes batches from its standard input, a stream, and answers there (embed/feed_node.c):
 *                          "<bytes>\n" and so many bytes; "ok\n", or "error <why>\n". Ends with the stream. */
#include "base/alloc.h"
#include "engine/io/http/post.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH_MAX ((size_t)1 << 30)

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

/* False: the stream has ended, or says nothing that means something. */
static bool
read_batch(struct act_buf *body)
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
    if (errno || end == head || *end || size > BATCH_MAX)
        return false;
    act_buf_clear(body);
    act_buf_reserve(body, (size_t)size);
    body->len = (size_t)size;
    return read_all(body->ptr, body->len);
}

static bool
answer(enum act_err code, const struct act_error *err)
{
    char line[256];
    int len = code == ACT_OK ? snprintf(line, sizeof(line), "ok\n")
                             : snprintf(line, sizeof(line) - 1, "error %s", err->message);
    if (code != ACT_OK) {
        size_t end = len < (int)sizeof(line) - 2 ? (size_t)len : sizeof(line) - 3;
        for (size_t i = 0; i < end; i++)
            line[i] = line[i] == '\n' ? ' ' : line[i];
        line[end] = '\n';
        len = (int)end + 1;
    }
    return send(STDIN_FILENO, line, (size_t)len, MSG_NOSIGNAL) == len;
}

static int
post(const char *url)
{
    struct act_http_client *client = NULL;
    struct act_buf body = {0};
    struct act_error err = {0};
    enum act_err opened = act_http_open(url, &client, &err);
    while (read_batch(&body)) {
        enum act_err code = opened ? opened : act_http_post(client, act_buf_str(&body), &err);
        if (!answer(code, &err))
            break;
    }
    act_http_close(client);
    act_buf_fini(&body);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "post") == 0)
        return post(argv[2]);
    fprintf(stderr, "actant-node is started by actant: actant run FILE --events URL\n");
    return 2;
}
