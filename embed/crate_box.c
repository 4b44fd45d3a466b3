#include "embed/crate_box.h"

#include "base/alloc.h"
#include "embed/compose.h"
#include "engine/port/tree_remove.h"
#include "engine/port/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES (256 * 1024)

static enum act_err
failed(struct act_error *err, const char *what, const char *path)
{
    int error = errno;
    enum act_err code = error == ENOSPC || error == EDQUOT  ? ACT_ERR_NO_SPACE
                        : error == EROFS || error == EACCES ? ACT_ERR_READ_ONLY
                        : error == ENOENT                   ? ACT_ERR_NOT_FOUND
                                                            : ACT_ERR_SYSTEM;
    act_error_set(err, code, "%s: %s", what, strerror(error));
    act_error_place(err, "%s", path);
    return code;
}

enum act_err
act_crate_box_make(struct act_crate_box *box, struct act_str beside, struct act_error *err)
{
    const char *base = getenv("TMPDIR");
    size_t len = beside.len;
    while (len > 0 && beside.ptr[len - 1] != '/')
        len--;
    if (beside.len > 0)
        act_buf_add(&box->folder, beside.ptr, len);
    else
        act_buf_printf(&box->folder, "%s/", base && base[0] == '/' ? base : "/tmp");
    act_buf_add_cstr(&box->folder, ".actant-XXXXXX");
    if (!mkdtemp(box->folder.ptr)) {
        enum act_err code = failed(err, "no folder can be made for it", box->folder.ptr);
        act_buf_fini(&box->folder);
        return code;
    }
    char *whole = realpath(box->folder.ptr, NULL);
    if (whole) {
        act_buf_clear(&box->folder);
        act_buf_add_cstr(&box->folder, whole);
        free(whole);
    }
    act_buf_printf(&box->db, "%s/run.db", box->folder.ptr);
    return ACT_OK;
}

static void
say_nothing(void *self, const char *message)
{
    (void)self;
    (void)message;
}

enum act_err
act_crate_box_open(struct act_crate_box *box, bool read_only, struct act_error *err)
{
    struct act_store_wish wish = {
        .db = act_buf_str(&box->db),
        .read_only = read_only,
        .durability = ACT_DURABLE_OFF, /* it is synced as a whole */
        .warn = say_nothing,
    };
    return act_compose_store(&wish, &box->store, err);
}

void
act_crate_box_fini(struct act_crate_box *box)
{
    if (box->store)
        box->store->ops->close(box->store);
    if (box->folder.len > 0)
        act_tree_remove(box->folder.ptr);
    act_buf_fini(&box->folder);
    act_buf_fini(&box->db);
    box->store = NULL;
}

/* ---- what was asked for ---- */

static bool
is_senders(struct act_str option)
{
    return act_str_is(option, "secrets") || act_str_is(option, "events") ||
           act_str_is(option, "event_headers") || act_str_is(option, "event_signs");
}

static struct act_value *
options_to_send(const struct act_value *options)
{
    struct act_value *map = act_value_map();
    for (uint32_t i = 0; i < act_value_len(options); i++)
        if (!is_senders(act_value_key(options, i)))
            act_value_map_put(map, act_value_key(options, i),
                              act_value_retain(act_value_at(options, i)));
    act_value_map_put(map, ACT_STR("secrets"), act_value_list());
    return map;
}

struct act_value *
act_crate_spec(const struct act_value *spec)
{
    struct act_value *map = act_value_map();
    for (uint32_t i = 0; spec && i < act_value_len(spec); i++) {
        struct act_str key = act_value_key(spec, i);
        const struct act_value *v = act_value_at(spec, i);
        bool options = act_str_is(key, "options") && act_value_type(v) == ACT_MAP;
        act_value_map_put(map, key, options ? options_to_send(v) : act_value_retain(v));
    }
    return map;
}

/* ---- bytes ---- */

static int
copy_bytes(int from, int to)
{
    char *bytes = act_alloc(COPY_BYTES);
    ssize_t got = 1;
    int failed = 0;
    while (got != 0 && !failed) {
        got = read(from, bytes, COPY_BYTES);
        if (got < 0 && errno != EINTR)
            failed = errno;
        else if (got > 0)
            failed = act_write_all(to, act_str_n(bytes, (size_t)got));
    }
    act_free(bytes);
    errno = failed;
    return failed ? -1 : 0;
}

enum act_err
act_crate_copy(const char *from, const char *to, struct act_error *err)
{
    bool in = strcmp(from, "-") == 0, out = strcmp(to, "-") == 0;
    int source = in ? STDIN_FILENO : open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (source < 0)
        return failed(err, "cannot be opened", from);
    if (!in && (fstat(source, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(source);
        act_error_set(err, ACT_ERR_INVALID, "this is not a regular file");
        act_error_place(err, "%s", from);
        return ACT_ERR_INVALID;
    }
    int target =
        out ? STDOUT_FILENO : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum act_err code = target < 0 ? failed(err, "cannot be written", to) : ACT_OK;
    if (!code && copy_bytes(source, target) != 0)
        code = failed(err, "cannot be copied", out ? from : to);
    if (!code && !out && fsync(target) != 0)
        code = failed(err, "cannot be written", to);
    if (target >= 0 && !out)
        close(target);
    if (!in)
        close(source);
    return code;
}
