/* What an event says lies in files: outputs, and values by reference. */
#include "engine/core/event.h"

#include <string.h>

static void
tell_blob(const struct act_blob *blob, act_event_file_fn *fn, void *self)
{
    if (blob->file.len > 0)
        fn(self, blob->file, blob->offset, blob->length);
}

static void
tell_ref(const struct act_value *ref, act_event_file_fn *fn, void *self)
{
    struct act_str id = act_value_ref_id(ref);
    size_t at = id.len;
    uint64_t offset = 0;
    while (at > 0 && id.ptr[at - 1] != ':')
        at--;
    for (size_t i = at; i < id.len && id.ptr[i] >= '0' && id.ptr[i] <= '9'; i++)
        offset = offset * 10 + (uint64_t)(id.ptr[i] - '0');
    fn(self, act_str_n(id.ptr, at > 0 ? at - 1 : 0), offset, act_value_ref_bytes(ref));
}

static void
tell_value(const struct act_value *v, act_event_file_fn *fn, void *self)
{
    ACT_VEC(const struct act_value *) stack = {0};
    if (v != NULL)
        act_vec_push(&stack, v);
    while (stack.len > 0) {
        const struct act_value *at = act_vec_pop(&stack);
        enum act_type type = act_value_type(at);
        if (type == ACT_REF)
            tell_ref(at, fn, self);
        for (uint32_t i = 0; (type == ACT_LIST || type == ACT_MAP) && i < act_value_len(at); i++)
            act_vec_push(&stack, act_value_at(at, i));
    }
    act_vec_fini(&stack);
}

void
act_event_files(const struct act_event *event, act_event_file_fn *fn, void *self)
{
    const struct act_value *values[] = {event->value, event->outputs, event->error, event->input,
                                        event->params};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        tell_value(values[i], fn, self);
    tell_blob(&event->out, fn, self);
    tell_blob(&event->err, fn, self);
}

/* ---- artifacts ---- */

static struct act_str
text_of(const struct act_value *v)
{
    return v != NULL && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : ACT_STR("");
}

static const struct act_value *
member(const struct act_value *map, const char *key)
{
    bool is = map != NULL && act_value_type(map) == ACT_MAP;
    return is ? act_value_get(map, act_str(key)) : NULL;
}

/* No empty name, `.` or `..` between its slashes. */
static bool
is_safe(struct act_str path)
{
    size_t at = 0;
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] == '\0')
            return false;
        if (i < path.len && path.ptr[i] != '/')
            continue;
        struct act_str name = act_str_n(path.ptr + at, i - at);
        if (name.len == 0 || act_str_is(name, ".") || act_str_is(name, ".."))
            return false;
        at = i + 1;
    }
    return true;
}

/* artifacts/<attempt>/<NAME>: the first three names of what stands for it. */
static struct act_str
folder_of(struct act_str path)
{
    size_t i = 0;
    for (int names = 0; i < path.len; i++)
        if (path.ptr[i] == '/' && ++names == 3)
            break;
    return act_str_n(path.ptr, i);
}

static bool
tell_artifact(const struct act_value *one, struct act_str folder, struct act_buf *name,
              act_event_artifact_fn *fn, void *self)
{
    int64_t bytes = 0, mode = 0;
    if (act_value_type(one) != ACT_LIST || act_value_len(one) != 4)
        return false;
    act_buf_clear(name);
    act_buf_printf(name, "%.*s/%.*s", ACT_STR_ARG(folder),
                   ACT_STR_ARG(text_of(act_value_at(one, 0))));
    struct act_event_artifact told = {.file = act_buf_str(name),
                                      .sha256 = text_of(act_value_at(one, 1))};
    if (!is_safe(told.file) || told.sha256.len != 64 ||
        !act_value_is_number(act_value_at(one, 2)) || !act_value_is_number(act_value_at(one, 3)) ||
        !act_value_to_int(act_value_at(one, 2), &bytes) ||
        !act_value_to_int(act_value_at(one, 3), &mode) || bytes < 0)
        return false;
    told.bytes = (uint64_t)bytes;
    told.executable = (mode & 0111) != 0;
    fn(self, &told);
    return true;
}

bool
act_event_artifacts(const struct act_event *event, act_event_artifact_fn *fn, void *self)
{
    const struct act_value *found = event->type == ACT_EVENT_ANSWER ? member(event->value, "found")
                                    : event->type == ACT_EVENT_REUSED ? event->artifacts
                                                                      : NULL;
    struct act_buf name = {0};
    bool fine = true;
    uint32_t count = found != NULL && act_value_type(found) == ACT_MAP ? act_value_len(found) : 0;
    for (uint32_t i = 0; fine && i < count; i++) {
        const struct act_value *files = member(act_value_at(found, i), "files");
        struct act_str folder = folder_of(text_of(member(act_value_at(found, i), "path")));
        fine = files != NULL && act_value_type(files) == ACT_LIST &&
               act_str_starts(folder, ACT_STR("artifacts/"));
        for (uint32_t k = 0; fine && k < act_value_len(files); k++)
            fine = tell_artifact(act_value_at(files, k), folder, &name, fn, self);
    }
    act_buf_fini(&name);
    return fine;
}
