#include "embed/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum act_err
refuse(struct act_str path, struct act_error *err, enum act_err code, const char *what,
       const char *hint)
{
    act_error_set(err, code, "%s", what);
    act_error_place(err, "%.*s", ACT_STR_ARG(path));
    act_error_hint(err, "%s", hint);
    return code;
}

static enum act_err
refuse_open(struct act_str path, int error, struct act_error *err)
{
    if (error == ENOENT)
        return refuse(path, err, ACT_ERR_NOT_FOUND, "there is no such file",
                      "look at the spelling and the folder you are in");
    if (error == ENOTDIR)
        return refuse(path, err, ACT_ERR_NOT_FOUND, "a part of the path is no folder",
                      "look at the spelling of the path");
    if (error == EACCES || error == EPERM)
        return refuse(path, err, ACT_ERR_INVALID, "this user may not read the file",
                      "chmod +r it, or run as a user who may");
    if (error == ENXIO)
        return refuse(path, err, ACT_ERR_INVALID, "this is a socket or device, not a file",
                      "name a regular file, or pipe the text and name `-`");
    return refuse(path, err, ACT_ERR_INVALID, strerror(error), "name a readable regular file");
}

static enum act_err
check_kind(struct act_str path, const struct stat *st, struct act_error *err)
{
    if (S_ISDIR(st->st_mode))
        return refuse(path, err, ACT_ERR_INVALID, "this is a folder, not a file",
                      "name a workflow file in it");
    if (!S_ISREG(st->st_mode))
        return refuse(path, err, ACT_ERR_INVALID, "this is a pipe or device, not a regular file",
                      "name a regular file, or pipe the text and name `-`");
    if ((uint64_t)st->st_size > ACT_INPUT_BYTES_MAX)
        return refuse(path, err, ACT_ERR_INVALID, "this file is over 64 MiB",
                      "split it: `workflow: PATH` runs another file as a node");
    return ACT_OK;
}

static enum act_err
read_all(int fd, struct act_str path, struct act_buf *out, struct act_error *err)
{
    for (;;) {
        if (out->cap - out->len <
            2) /* a file's size was known: then there is room to see its end */
            act_buf_reserve(out, 64 * 1024);
        ssize_t n = read(fd, out->ptr + out->len, out->cap - out->len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse_open(path, errno, err);
        if (n == 0)
            return ACT_OK;
        out->len += (size_t)n;
        if (out->len > ACT_INPUT_BYTES_MAX)
            return refuse(path, err, ACT_ERR_INVALID, "this is over 64 MiB",
                          "split it: `workflow: PATH` runs another file as a node");
    }
}

enum act_err
act_input_read(struct act_str path, struct act_arena *arena, struct act_str *ret,
               struct act_error *err)
{
    struct act_buf text = {0};
    enum act_err code = ACT_OK;
    if (act_str_is(path, "-")) {
        code = read_all(STDIN_FILENO, ACT_STR("<stdin>"), &text, err);
    } else {
        struct act_str name = act_arena_str(arena, path);
        int fd = open(name.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
            return refuse_open(path, errno, err);
        struct stat st;
        code = fstat(fd, &st) != 0 ? refuse_open(path, errno, err) : check_kind(path, &st, err);
        if (!code) {
            act_buf_reserve(&text, (size_t)st.st_size + 1);
            code = read_all(fd, path, &text, err);
        }
        close(fd);
    }
    if (!code)
        *ret = act_arena_str(arena, act_buf_str(&text));
    act_buf_fini(&text);
    return code;
}
