#include "cli/github.h"

#include "cli/out.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SUMMARY_BYTES_MAX ((size_t)1000 * 1000)

bool
act_github_is_on(void)
{
    const char *value = getenv("GITHUB_ACTIONS");
    return value && strcmp(value, "true") == 0;
}

static void
add_escaped(struct act_buf *out, struct act_str text, bool property)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%')
            act_buf_add_cstr(out, "%25");
        else if (c == '\r')
            act_buf_add_cstr(out, "%0D");
        else if (c == '\n')
            act_buf_add_cstr(out, "%0A");
        else if (property && c == ':')
            act_buf_add_cstr(out, "%3A");
        else if (property && c == ',')
            act_buf_add_cstr(out, "%2C");
        else
            act_buf_add_byte(out, c);
    }
}

void
act_github_annotate(struct act_buf *out, const char *kind, struct act_str path, uint32_t line,
                    struct act_str title, struct act_str message)
{
    act_buf_printf(out, "::%s ", kind);
    if (path.len > 0) {
        act_buf_add_cstr(out, "file=");
        add_escaped(out, path, true);
        if (line > 0)
            act_buf_printf(out, ",line=%u", line);
        act_buf_add_byte(out, ',');
    }
    act_buf_add_cstr(out, "title=");
    add_escaped(out, title, true);
    act_buf_add_cstr(out, "::");
    add_escaped(out, message, false);
    act_buf_add_byte(out, '\n');
}

void
act_github_group(struct act_buf *out, struct act_str title)
{
    act_buf_add_cstr(out, "::group::");
    add_escaped(out, title, false);
    act_buf_add_byte(out, '\n');
}

void
act_github_group_end(struct act_buf *out)
{
    act_buf_add_cstr(out, "::endgroup::\n");
}

void
act_github_mask(struct act_buf *out, struct act_str secret)
{
    while (secret.len > 0) {
        size_t len = 0;
        while (len < secret.len && secret.ptr[len] != '\n')
            len++;
        struct act_str line = act_str_trim(act_str_n(secret.ptr, len));
        if (line.len > 0) {
            act_buf_add_cstr(out, "::add-mask::");
            add_escaped(out, line, false);
            act_buf_add_byte(out, '\n');
        }
        len += len < secret.len;
        secret = act_str_n(secret.ptr + len, secret.len - len);
    }
}

void
act_github_summary(struct act_str markdown)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    if (!path || !*path || markdown.len > SUMMARY_BYTES_MAX)
        return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    act_write_all(fd, markdown);
    close(fd);
}
