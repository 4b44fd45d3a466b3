#include "cli/label.h"

#include "engine/view/view.h"

#include <string.h>

void
act_label_add(struct act_buf *out, const struct act_plan *plan, struct act_key key)
{
    size_t before = out->len;
    uint32_t id = key.node < plan->nodes.len ? plan->nodes.ptr[key.node].id : ACT_NODE_NONE;
    if (key.count == 0 && id != ACT_NODE_NONE) {
        act_buf_add_str(out, act_plan_text(plan, id));
        return;
    }
    act_key_path(out, plan, key);
    if (out->len == before)
        act_buf_add_str(out, act_plan_text(plan, plan->name));
}

static const char *
fixed_text(enum act_cause cause)
{
    switch (cause) {
    case ACT_CAUSE_TIMEOUT: return "timed out";
    case ACT_CAUSE_EXPIRED: return "nobody signalled in time";
    case ACT_CAUSE_REJECTED: return "rejected";
    case ACT_CAUSE_LOST: return "lost: its process vanished with the engine";
    case ACT_CAUSE_OUTPUT: return "its output is not what `output` says";
    case ACT_CAUSE_EXPRESSION: return "an expression failed";
    case ACT_CAUSE_EXCEPTION: return "an exception";
    case ACT_CAUSE_FAIL: return "`fail`";
    case ACT_CAUSE_MEMBERS: return "members failed";
    case ACT_CAUSE_MAX: return "more turns than `max`";
    case ACT_CAUSE_CANCELLED: return "cancelled";
    case ACT_CAUSE_GUARD: return "its `if` was false";
    case ACT_CAUSE_UPSTREAM: return "what it needs was skipped or did not end as needed";
    case ACT_CAUSE_CACHE: return "from the cache";
    case ACT_CAUSE_INTERRUPTED: return "interrupted";
    case ACT_CAUSE_START: return "could not be started";
    case ACT_CAUSE_BRANCH: return "no branch was taken";
    case ACT_CAUSE_RETURN: return "a `return` ended the workflow";
    case ACT_CAUSE_RACE: return "it was decided without it";
    case ACT_CAUSE_NONE:
    case ACT_CAUSE_EXIT:
    case ACT_CAUSE_SIGNAL: break;
    }
    return "";
}

void
act_cause_add(struct act_buf *out, const struct act_event *event)
{
    if (event->cause == ACT_CAUSE_EXIT)
        act_buf_printf(out, "exit code %d", (int)event->exit_code);
    else if (event->cause == ACT_CAUSE_SIGNAL)
        act_buf_printf(out, "killed by %s (%d)", act_view_signal_name(event->signal),
                       (int)event->signal);
    else if (event->cause == ACT_CAUSE_CACHE && event->id.len > 0)
        act_buf_printf(out, "cached, from run %.*s", ACT_STR_ARG(event->id));
    else
        act_buf_add_cstr(out, fixed_text(event->cause));
}

bool
act_label_is_task(enum act_kind kind)
{
    return kind == ACT_KIND_RUN || kind == ACT_KIND_EXEC || kind == ACT_KIND_PLUGIN ||
           kind == ACT_KIND_PYTHON || kind == ACT_KIND_CALL;
}

bool
act_label_is_quick(enum act_kind kind)
{
    return kind == ACT_KIND_VALUE || kind == ACT_KIND_RETURN || kind == ACT_KIND_SIGNAL ||
           kind == ACT_KIND_CANCEL;
}

void
act_word_add(struct act_buf *out, struct act_str text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+./:,@%=";
    bool quoted = text.len == 0;
    for (size_t i = 0; i < text.len && !quoted; i++) /* bytes of other scripts are no shell's */
        quoted =
            (unsigned char)text.ptr[i] < 0x80 && !memchr(plain, text.ptr[i], sizeof(plain) - 1);
    if (!quoted) {
        act_buf_add_str(out, text);
        return;
    }
    act_buf_add_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            act_buf_add_cstr(out, "'\\'");
        act_buf_add_byte(out, text.ptr[i]);
    }
    act_buf_add_byte(out, '\'');
}
