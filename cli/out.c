#include "cli/out.h"

#include <errno.h>
#include <unistd.h>

#define GATHER_BYTES ((size_t)64 * 1024)

void
act_out_init(struct act_out *out, int fd)
{
    *out = (struct act_out){.fd = fd};
}

void
act_out_flush(struct act_out *out)
{
    if (!out->failed && out->buf.len > 0 && act_write_all(out->fd, act_buf_str(&out->buf)) != 0)
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
