#include "executors/shell/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct lines {
    struct act_str rest;
    size_t number; /* of the line that was taken last */
};

static bool
next_line(struct lines *lines, struct act_str *ret)
{
    if (!lines->rest.len)
        return false;
    const char *end = memchr(lines->rest.ptr, '\n', lines->rest.len);
    size_t len = end ? (size_t)(end - lines->rest.ptr) : lines->rest.len;
    *ret = act_str_n(lines->rest.ptr, len);
    len += end != NULL;
    lines->rest = act_str_n(lines->rest.ptr + len, lines->rest.len - len);
    lines->number++;
    return true;
}

static enum act_err
malformed(struct act_error *err, size_t line, const char *what, struct act_str text)
{
    act_error_set(err, ACT_ERR_INVALID, "$ACTANT_OUTPUT, line %zu: %s: '%.*s'", line, what,
                  text.len < 80 ? (int)text.len : 80, text.ptr);
    act_error_hint(err, "write NAME=value, or NAME<<EOF, the lines, and EOF");
    return ACT_ERR_INVALID;
}

static enum act_err
take_lines(struct lines *lines, struct act_str word, struct act_str *ret, struct act_error *err)
{
    size_t began = lines->number;
    const char *begin = lines->rest.ptr;
    struct act_str line;
    while (next_line(lines, &line)) {
        if (!act_str_eq(line, word))
            continue;
        size_t len = (size_t)(line.ptr - begin);
        *ret = act_str_n(begin, len ? len - 1 : 0); /* without the last line's end */
        return ACT_OK;
    }
    return malformed(err, began, "no line ends the value, looked for", word);
}

static void
put(struct act_value *map, struct act_str name, struct act_str text,
    const struct act_mask_table *mask, bool *held_secret)
{
    struct act_buf buf = {0};
    if (mask && act_mask_text(mask, text, &buf)) {
        *held_secret = true;
        act_value_map_put(map, name, act_value_null());
    } else {
        act_buf_clear(&buf);
        act_buf_add_utf8(&buf, text);
        act_value_map_put(map, name, act_value_string(act_buf_str(&buf)));
    }
    act_buf_fini(&buf);
}

static enum act_err
parse_line(struct lines *lines, struct act_str line, struct act_str *name, struct act_str *text,
           struct act_error *err)
{
    ptrdiff_t equals = act_str_find(line, ACT_STR("=")), here = act_str_find(line, ACT_STR("<<"));
    bool several = here >= 0 && (equals < 0 || here < equals);
    if (!several && equals < 0)
        return malformed(err, lines->number, "neither = nor <<", line);
    size_t at = (size_t)(several ? here : equals);
    *name = act_str_n(line.ptr, at);
    if (!act_str_is_name(*name))
        return malformed(err, lines->number, "not a name", *name);
    at += several ? 2 : 1;
    *text = act_str_n(line.ptr + at, line.len - at);
    if (!several)
        return ACT_OK;
    if (!text->len)
        return malformed(err, lines->number, "no word after <<", line);
    return take_lines(lines, *text, text, err);
}

enum act_err
act_outputs_parse(struct act_str bytes, const struct act_mask_table *mask, struct act_value **ret,
                  bool *held_secret, struct act_error *err)
{
    struct lines lines = {.rest = bytes};
    struct act_value *map = act_value_map();
    struct act_str line, name, text;
    while (next_line(&lines, &line)) {
        if (!line.len)
            continue;
        enum act_err failed = parse_line(&lines, line, &name, &text, err);
        if (failed) {
            act_value_release(map);
            return failed;
        }
        put(map, name, text, mask, held_secret);
    }
    *ret = map;
    return ACT_OK;
}

static enum act_err
read_file(int fd, struct act_buf *out, struct act_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return act_error_set(err, ACT_ERR_INVALID, "$ACTANT_OUTPUT is not a plain file any more");
    if (st.st_size > ACT_OUTPUTS_BYTES_MAX)
        return act_error_set(err, ACT_ERR_LIMIT, "$ACTANT_OUTPUT holds more than %d bytes",
                             ACT_OUTPUTS_BYTES_MAX);
    act_buf_reserve(out, (size_t)st.st_size);
    while (out->len < (size_t)st.st_size) {
        ssize_t got = read(fd, out->ptr + out->len, (size_t)st.st_size - out->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return act_error_set(err, ACT_ERR_SYSTEM, "$ACTANT_OUTPUT cannot be read: %s",
                                 strerror(errno));
        if (got == 0)
            break;
        out->len += (size_t)got;
    }
    return ACT_OK;
}

enum act_err
act_outputs_read(const char *path, const struct act_mask_table *mask, struct act_value **ret,
                 bool *held_secret, struct act_error *err)
{
    *ret = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return ACT_OK;
    if (fd < 0) {
        int error = errno;
        remove(path); /* a folder, too, if it is empty */
        return act_error_set(err, ACT_ERR_INVALID, "$ACTANT_OUTPUT cannot be opened: %s",
                             strerror(error));
    }
    struct act_buf bytes = {0};
    enum act_err failed = read_file(fd, &bytes, err);
    close(fd);
    remove(path);
    if (!failed)
        failed = act_outputs_parse(act_buf_str(&bytes), mask, ret, held_secret, err);
    act_buf_fini(&bytes);
    return failed;
}
