#include "executors/shell/task_environ.h"

#include "executors/shell/command.h"

#include <errno.h>

/* "NAME=value"; NULL for a value that removes the name. */
static enum act_err
make_entry(const struct act_task_environ *self, struct act_str name, const struct act_value *v,
           struct act_arena *arena, const char **ret, struct act_error *err)
{
    if (!name.len || memchr(name.ptr, '=', name.len) || memchr(name.ptr, 0, name.len))
        return act_error_set(err, ACT_ERR_INVALID, "env: '%.*s' cannot be a name",
                             name.len < 80 ? (int)name.len : 80, name.ptr);
    *ret = NULL;
    if (act_value_type(v) == ACT_NULL)
        return ACT_OK;
    struct act_buf text = {0}, entry = {0};
    act_value_text(&text, v);
    act_buf_add_str(&entry, name);
    act_buf_add_byte(&entry, '=');
    enum act_err failed = ACT_OK;
    if (act_secrets_in(act_buf_str(&text), self->nonce))
        failed = act_secrets_expand(self->secrets, self->nonce, act_buf_str(&text), &entry, err);
    else
        act_buf_add_str(&entry, act_buf_str(&text));
    if (!failed && memchr(entry.ptr, 0, entry.len)) {
        failed = act_error_set(err, ACT_ERR_INVALID, "env: the value of %.*s holds a NUL byte",
                               ACT_STR_ARG(name));
        act_error_hint(err, "hand binary data on standard input or in a file");
    }
    if (!failed)
        *ret = act_arena_str(arena, act_buf_str(&entry)).ptr;
    act_buf_fini(&text);
    act_buf_fini(&entry);
    return failed;
}

static void
put(struct act_environ_item *item, const char *name, struct act_str value, struct act_arena *arena)
{
    item->name = act_str(name);
    item->entry = act_arena_printf(arena, "%s=%.*s", name, ACT_STR_ARG(value)).ptr;
}

#define OWN_COUNT 7

enum act_err
act_task_environ_build(const struct act_task_environ *self, const struct act_task *task,
                       struct act_arena *arena, const char *const **ret, const char **ret_cookie,
                       struct act_error *err)
{
    uint32_t count = task->env ? act_value_len(task->env) : 0;
    struct act_environ_item *items = act_arena_alloc(arena, (count + OWN_COUNT) * sizeof *items);
    struct act_environ_item *own = items + count;
    put(&items[0], "PWD", act_str(self->dir), arena); /* as a shell would; env may say else */
    for (uint32_t i = 0; i < count; i++) {
        items[1 + i].name = act_value_key(task->env, i);
        enum act_err failed = make_entry(self, items[1 + i].name, act_value_at(task->env, i), arena,
                                         &items[1 + i].entry, err);
        if (failed)
            return failed;
    }
    put(&own[1], ACT_ENV_ATTEMPT_ID, task->attempt_id, arena);
    put(&own[2], "ACTANT_ATTEMPT", act_arena_printf(arena, "%u", task->attempt), arena);
    put(&own[3], "ACTANT_IDEMPOTENCY_KEY", task->idempotency_key, arena);
    put(&own[4], "ACTANT_RUN_ID", act_str(self->run_id), arena);
    put(&own[5], "ACTANT_NODE", task->path, arena);
    put(&own[6], "ACTANT_OUTPUT", act_str(self->output_path), arena);
    *ret_cookie = own[1].entry;
    *ret = act_environ_build(self->base, items, count + OWN_COUNT, arena);
    return ACT_OK;
}

enum act_err
act_expand_argv(const struct act_secrets *secrets, const char *nonce, const char **argv,
                struct act_arena *arena, struct act_error *err)
{
    for (; *argv; argv++) {
        struct act_str text = act_str(*argv);
        if (!act_secrets_in(text, nonce))
            continue;
        struct act_buf buf = {0};
        enum act_err failed = act_secrets_expand(secrets, nonce, text, &buf, err);
        if (!failed)
            *argv = act_arena_str(arena, act_buf_str(&buf)).ptr;
        act_buf_fini(&buf);
        if (failed)
            return failed;
    }
    return ACT_OK;
}

/* Appends path's names to an absolute path; `.` and `..` are taken as cd takes them, by name. */
static void
append_names(struct act_buf *to, struct act_str path)
{
    while (path.len) {
        const char *slash = memchr(path.ptr, '/', path.len);
        size_t len = slash ? (size_t)(slash - path.ptr) : path.len;
        struct act_str name = act_str_n(path.ptr, len);
        if (act_str_is(name, "..")) {
            while (to->len && to->ptr[--to->len] != '/')
                continue;
        } else if (len && !act_str_is(name, ".")) {
            act_buf_add_byte(to, '/');
            act_buf_add_str(to, name);
        }
        len += slash != NULL;
        path = act_str_n(path.ptr + len, path.len - len);
    }
}

const char *
act_task_dir(const char *top, struct act_str dir, struct act_arena *arena)
{
    struct act_buf path = {0};
    if (dir.len == 0 || dir.ptr[0] != '/')
        append_names(&path, act_str(top));
    append_names(&path, dir);
    if (!path.len)
        act_buf_add_byte(&path, '/');
    const char *ret = act_arena_str(arena, act_buf_str(&path)).ptr;
    act_buf_fini(&path);
    return ret;
}

bool
act_ref_place(struct act_str id, struct act_str *file, uint64_t *offset)
{
    size_t at = id.len;
    while (at > 0 && id.ptr[at - 1] >= '0' && id.ptr[at - 1] <= '9')
        at--;
    if (at < 2 || at == id.len || id.ptr[at - 1] != ':' || id.len - at > 19)
        return false;
    *file = act_str_n(id.ptr, at - 1);
    *offset = 0;
    for (; at < id.len; at++)
        *offset = *offset * 10 + (uint64_t)(id.ptr[at] - '0');
    return true;
}

/* ---- what to say ---- */

static void
too_long(const struct act_process_spec *spec, struct act_error *ret)
{
    size_t total = 0, longest = 0;
    const char *name = "an argument";
    for (const char *const *at = spec->argv; *at; at++) {
        size_t len = strlen(*at);
        total += len + 1 + sizeof(char *);
        longest = len > longest ? len : longest;
    }
    for (const char *const *at = spec->env; *at; at++) {
        size_t len = strlen(*at);
        total += len + 1 + sizeof(char *);
        if (len > longest) {
            longest = len;
            name = *at;
        }
    }
    int name_len = (int)strcspn(name, "=");
    if (longest > ACT_ARGUMENT_MAX)
        act_error_set(ret, ACT_ERR_LIMIT,
                      "%.*s is %zu bytes long, and the system takes at most %d at a time", name_len,
                      name, longest, ACT_ARGUMENT_MAX);
    else
        act_error_set(ret, ACT_ERR_LIMIT,
                      "arguments and environment are too long together (%zu bytes)", total);
    act_error_hint(ret, "hand large values on standard input (stdin: ...) or in a file");
}

void
act_start_error(const struct act_process_spec *spec, const struct act_process_exit *end,
                struct act_error *ret)
{
    const char *program = spec->program ? spec->program : spec->argv[0];
    if (end->dir_failed) {
        act_error_set(ret, ACT_ERR_INVALID, "dir %s: %s", spec->dir, strerror(end->start_errno));
    } else if (end->start_errno == E2BIG) {
        too_long(spec, ret);
    } else if (end->start_errno == ENOENT && !strchr(program, '/')) {
        act_error_set(ret, ACT_ERR_NOT_FOUND, "%s: command not found", program);
        act_error_hint(ret, "it is looked for in the task's PATH");
    } else if (end->start_errno == ENOENT) {
        act_error_set(ret, ACT_ERR_NOT_FOUND, "%s: not found, or its interpreter is not", program);
    } else {
        act_error_set(ret, ACT_ERR_INVALID, "%s: %s", program, strerror(end->start_errno));
    }
}
