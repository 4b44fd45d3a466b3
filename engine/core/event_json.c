/* Events as JSON lines, for `history events`. */
#include "engine/core/event.h"

#include <stdio.h>

static void
key_of(struct act_buf *out, const char *key)
{
    act_buf_add_byte(out, ',');
    act_json_write_str(out, act_str(key));
    act_buf_add_byte(out, ':');
}

static void
put_text(struct act_buf *out, const char *key, struct act_str s)
{
    if (s.len == 0)
        return;
    key_of(out, key);
    act_json_write_str(out, s);
}

static void
put_number(struct act_buf *out, const char *key, int64_t n)
{
    key_of(out, key);
    act_buf_printf(out, "%lld", (long long)n);
}

static void
put_value(struct act_buf *out, const char *key, const struct act_value *v)
{
    if (v == NULL)
        return;
    key_of(out, key);
    act_json_write(out, v, 0);
}

static bool
is_about_run(const struct act_event *e)
{
    return e->attempt == 0 && e->key.node == 0 && e->key.count == 0;
}

/* The node's id, else its path. */
static void
put_node(struct act_buf *out, const struct act_plan *plan, const struct act_event *e)
{
    key_of(out, "node");
    if (is_about_run(e) || e->key.node >= plan->nodes.len) {
        act_buf_add_cstr(out, "null");
        return;
    }
    uint32_t id = plan->nodes.ptr[e->key.node].id;
    struct act_buf path = {0};
    act_key_path(&path, plan, e->key);
    act_json_write_str(out, id != ACT_NODE_NONE ? act_plan_text(plan, id) : act_buf_str(&path));
    put_text(out, "path", act_buf_str(&path));
    act_buf_fini(&path);
}

static void
put_blob(struct act_buf *out, const char *key, const struct act_blob *blob)
{
    if (blob->bytes.len == 0 && blob->file.len == 0)
        return;
    key_of(out, key);
    if (blob->file.len == 0) {
        act_buf_printf(out, "{\"bytes\":%zu}", blob->bytes.len);
        return;
    }
    act_buf_add_cstr(out, "{\"file\":");
    act_json_write_str(out, blob->file);
    act_buf_printf(out, ",\"offset\":%llu,\"length\":%llu}", (unsigned long long)blob->offset,
                   (unsigned long long)blob->length);
}

static bool
has_status(enum act_event_type type)
{
    return act_event_class(type) == ACT_CLASS_RECORD || type == ACT_EVENT_REUSED;
}

static void
put_end(struct act_buf *out, const struct act_event *e)
{
    bool ended = e->type == ACT_EVENT_ENDED || e->type == ACT_EVENT_NODE_ENDED;
    if (has_status(e->type))
        put_text(out, "status", act_str(act_status_text(e->status)));
    if (e->cause != ACT_CAUSE_NONE)
        put_text(out, "cause", act_str(act_cause_text(e->cause)));
    if (ended && e->exit_code >= 0)
        put_number(out, "exit_code", e->exit_code);
    if (e->signal != 0)
        put_number(out, "signal", e->signal);
    if (e->number != 0)
        put_number(out, "number", e->number);
}

void
act_event_json(struct act_buf *out, const struct act_plan *plan, const struct act_event *e)
{
    struct act_buf at = {0};
    act_instant_text(&at, e->at_ms);
    act_buf_printf(out, "{\"seq\":%llu,\"at\":\"%.*s\",\"type\":\"%s\"", (unsigned long long)e->seq,
                   ACT_STR_ARG(act_buf_str(&at)), act_event_text(e->type));
    act_buf_fini(&at);
    put_node(out, plan, e);
    if (e->attempt != 0)
        put_number(out, "attempt", e->attempt);
    put_end(out, e);
    put_text(out, "name", e->name);
    put_text(out, "label", e->type == ACT_EVENT_NODE_ENDED ? act_event_label(plan, e) : e->label);
    put_text(out, "message", e->message);
    if (e->bits & ACT_REUSED_END)
        act_buf_add_cstr(out, ",\"reused\":true");
    if (e->type == ACT_EVENT_FORKED)
        put_text(out, "run", e->id);
    put_value(out, "value", e->value);
    put_value(out, "outputs", e->outputs);
    put_value(out, "artifacts", e->artifacts);
    put_value(out, "error", e->error);
    put_blob(out, "out", &e->out);
    put_blob(out, "err", &e->err);
    act_buf_add_byte(out, '}');
}
