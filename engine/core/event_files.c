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
