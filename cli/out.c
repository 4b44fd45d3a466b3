#include "cli/out.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define GATHER_BYTES ((size_t)64 * 1024)

bool
act_write_all(int fd, struct act_str text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                return false;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text = act_str_n(text.ptr + n, text.len - (size_t)n);
    }
    return true;
}

void
act_out_init(struct act_out *out, int fd)
{
    *out = (struct act_out){.fd = fd};
}

void
act_out_flush(struct act_out *out)
{
    if (!out->failed && out->buf.len > 0 && !act_write_all(out->fd, act_buf_str(&out->buf)))
        out->failed = errno;
    act_buf_clear(&out->buf);
}

void
act_out_add(struct act_out *out, struct act_str text)
{
    act_buf_add_str(&out->buf, text);
    if (out->buf.len >= GATHER_BYTES)
        act_out_flush(out);
}

void
act_out_sink(void *self, struct act_str text)
{
    act_out_add(self, text);
}

enum act_err
act_out_fini(struct act_out *out, struct act_error *err)
{
    act_out_flush(out);
    act_buf_fini(&out->buf);
    if (!out->failed || out->failed == EPIPE)
        return ACT_OK;
    enum act_err code = out->failed == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM;
    act_error_set(err, code, "cannot write to standard output: %s", strerror(out->failed));
    if (out->failed == ENOSPC)
        act_error_hint(err, "free space where the output goes");
    return code;
}
