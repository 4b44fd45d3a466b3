/* Texts of the tables, and the encoding of events: length, type, then tagged fields. A tag is
 * number · 2 + (0: varint, 1: length and bytes), so that a reader skips what it does not know. */
#include "engine/core/event.h"

#include "base/assert.h"
#include "base/wire.h"

const char *
act_event_text(enum act_event_type type)
{
    switch (type) {
#define ACT_EVENT(name, number, text, class)                                                       \
    case ACT_EVENT_##name:                                                                         \
        return text;
#include "engine/core/event.def"
#undef ACT_EVENT
    }
    return "unknown";
}

enum act_event_class
act_event_class(enum act_event_type type)
{
    switch (type) {
#define ACT_EVENT(name, number, text, class)                                                       \
    case ACT_EVENT_##name:                                                                         \
        return ACT_CLASS_##class;
#include "engine/core/event.def"
#undef ACT_EVENT
    }
    return ACT_CLASS_LAZY;
}

const char *
act_status_text(enum act_status status)
{
    static const char *const texts[] = {"pending",   "ready",  "parked",  "running",   "stopping",
                                        "succeeded", "failed", "skipped", "cancelled", "suspended"};
    size_t count = sizeof(texts) / sizeof(texts[0]);
    return (size_t)status < count ? texts[status] : "unknown";
}

const char *
act_cause_text(enum act_cause cause)
{
    static const char *const texts[] = {
        "",      "exit",      "signal",     "timeout",   "expired", "rejected",
        "lost",  "output",    "expression", "exception", "fail",    "members",
        "max",   "cancelled", "guard",      "upstream",  "cache",   "interrupted",
        "start", "branch",    "return",     "race"};
    size_t count = sizeof(texts) / sizeof(texts[0]);
    return (size_t)cause < count ? texts[cause] : "unknown";
}

enum field {
    F_SEQ = 1,
    F_STEPS = 2,
    F_AT_MS = 3,
    F_AT_NS = 4,
    F_KEY = 5,
    F_ATTEMPT = 6,
    F_STATUS = 7,
    F_CAUSE = 8,
    F_EXIT_CODE = 9,
    F_SIGNAL = 10,
    F_NUMBER = 11,
    F_FLAG = 12,
    F_STARTED_MS = 13,
    F_STARTED_NS = 14,
    F_NAME = 15,
    F_ID = 16,
    F_VALUE = 17,
    F_IS_OUTPUT = 18,
    F_OUTPUTS = 19,
    F_ERROR = 20,
    F_MESSAGE = 21,
    F_OUT_BYTES = 22,
    F_OUT_FILE = 23,
    F_OUT_AT = 24,
    F_OUT_LENGTH = 25,
    F_ERR_BYTES = 26,
    F_ERR_FILE = 27,
    F_ERR_AT = 28,
    F_ERR_LENGTH = 29,
    F_ORDER = 30,
    F_LABEL = 31,
    F_INPUT = 32,
    F_PARAMS = 33,
    F_FORGIVEN = 34,
    F_BITS = 35,
    F_ARTIFACTS = 36,
    F_LAST = F_ARTIFACTS,
};

static void
put_u64(struct act_buf *out, enum field field, uint64_t v)
{
    if (v == 0)
        return;
    act_wire_u64(out, (uint64_t)field << 1);
    act_wire_u64(out, v);
}

static void
put_i64(struct act_buf *out, enum field field, int64_t v)
{
    if (v == 0)
        return;
    act_wire_u64(out, (uint64_t)field << 1);
    act_wire_i64(out, v);
}

static void
put_str(struct act_buf *out, enum field field, struct act_str s)
{
    if (s.len == 0)
        return;
    act_wire_u64(out, ((uint64_t)field << 1) | 1);
    act_wire_bytes(out, s);
}

/* Bytes whose length is known only afterwards: written, then moved up by the length's size. */
static void
close_bytes(struct act_buf *out, size_t at)
{
    size_t body = out->len - at, head_len = 0;
    char head[10];
    for (uint64_t left = body; head_len == 0 || left > 0; left >>= 7)
        head[head_len++] = (char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    act_buf_add(out, head, head_len);
    memmove(out->ptr + at + head_len, out->ptr + at, body);
    memcpy(out->ptr + at, head, head_len);
}

static void
put_value(struct act_buf *out, enum field field, const struct act_value *v)
{
    if (v == NULL)
        return;
    act_wire_u64(out, ((uint64_t)field << 1) | 1);
    size_t at = out->len;
    act_value_encode(out, v);
    close_bytes(out, at);
}

static void
put_key(struct act_buf *out, struct act_key key)
{
    if (key.node == 0 && key.count == 0)
        return;
    act_wire_u64(out, ((uint64_t)F_KEY << 1) | 1);
    size_t at = out->len;
    act_key_encode(out, key);
    close_bytes(out, at);
}

static void
put_blob(struct act_buf *out, enum field first, const struct act_blob *blob)
{
    put_str(out, first, blob->bytes);
    put_str(out, (enum field)(first + 1), blob->file);
    put_u64(out, (enum field)(first + 2), blob->offset);
    put_u64(out, (enum field)(first + 3), blob->length);
}

void
act_event_encode(struct act_buf *out, const struct act_event *e)
{
    size_t at = out->len;
    act_wire_u64(out, (uint64_t)e->type);
    put_u64(out, F_SEQ, e->seq);
    put_u64(out, F_STEPS, e->steps);
    put_i64(out, F_AT_MS, e->at_ms);
    put_i64(out, F_AT_NS, e->at_ns);
    put_key(out, e->key);
    put_u64(out, F_ATTEMPT, e->attempt);
    put_u64(out, F_STATUS, (uint64_t)e->status);
    put_u64(out, F_CAUSE, (uint64_t)e->cause);
    put_i64(out, F_EXIT_CODE, e->exit_code);
    put_i64(out, F_SIGNAL, e->signal);
    put_u64(out, F_NUMBER, e->number);
    put_u64(out, F_FLAG, e->flag);
    put_i64(out, F_STARTED_MS, e->started_ms);
    put_i64(out, F_STARTED_NS, e->started_ns);
    put_str(out, F_NAME, e->name);
    put_str(out, F_ID, e->id);
    put_value(out, F_VALUE, e->value);
    put_u64(out, F_IS_OUTPUT, e->result_is_output);
    put_value(out, F_OUTPUTS, e->outputs);
    put_value(out, F_ERROR, e->error);
    put_str(out, F_MESSAGE, e->message);
    put_blob(out, F_OUT_BYTES, &e->out);
    put_blob(out, F_ERR_BYTES, &e->err);
    put_str(out, F_ORDER, e->order);
    put_str(out, F_LABEL, e->label);
    put_value(out, F_INPUT, e->input);
    put_value(out, F_PARAMS, e->params);
    put_u64(out, F_FORGIVEN, e->forgiven);
    put_u64(out, F_BITS, e->bits);
    put_value(out, F_ARTIFACTS, e->artifacts);
    close_bytes(out, at);
}

static void
get_key(struct act_wire_reader *r, struct act_arena *arena, struct act_str bytes,
        struct act_key *ret)
{
    struct act_wire_reader key = {.rest = bytes};
    ret->node = act_wire_read_u32(&key);
    ret->count = act_wire_read_u32(&key);
    if (key.failed || ret->count > key.rest.len) {
        r->failed = true;
        ret->count = 0;
        return;
    }
    uint32_t *numbers = act_arena_alloc(arena, (size_t)ret->count * sizeof(*numbers) + 1);
    for (uint32_t i = 0; i < ret->count; i++)
        numbers[i] = act_wire_read_u32(&key);
    ret->numbers = numbers;
    r->failed = r->failed || key.failed || key.rest.len != 0;
}

static void
get_value(struct act_wire_reader *r, struct act_str bytes, struct act_value_loader *loader,
          struct act_value **ret)
{
    struct act_value *v = NULL;
    if (*ret != NULL || act_value_decode(&bytes, loader, &v, NULL) != ACT_OK) {
        r->failed = true;
        return;
    }
    *ret = v;
    r->failed = r->failed || bytes.len != 0;
}

static bool
get_blob_text(struct act_event *e, enum field field, struct act_str s)
{
    struct act_blob *blob = field < F_ERR_BYTES ? &e->out : &e->err;
    if (field == F_OUT_BYTES || field == F_ERR_BYTES)
        blob->bytes = s;
    else if (field == F_OUT_FILE || field == F_ERR_FILE)
        blob->file = s;
    else
        return false;
    return true;
}

static void
get_bytes(struct act_event *e, enum field field, struct act_wire_reader *r, struct act_arena *arena,
          struct act_value_loader *loader)
{
    struct act_str s = act_wire_read_bytes(r);
    if (r->failed || get_blob_text(e, field, s))
        return;
    if (field == F_KEY)
        get_key(r, arena, s, &e->key);
    else if (field == F_NAME)
        e->name = s;
    else if (field == F_ID)
        e->id = s;
    else if (field == F_VALUE)
        get_value(r, s, loader, &e->value);
    else if (field == F_OUTPUTS)
        get_value(r, s, loader, &e->outputs);
    else if (field == F_ARTIFACTS)
        get_value(r, s, loader, &e->artifacts);
    else if (field == F_ERROR)
        get_value(r, s, loader, &e->error);
    else if (field == F_INPUT)
        get_value(r, s, loader, &e->input);
    else if (field == F_PARAMS)
        get_value(r, s, loader, &e->params);
    else if (field == F_MESSAGE)
        e->message = s;
    else if (field == F_ORDER)
        e->order = s;
    else if (field == F_LABEL)
        e->label = s;
}

static int64_t
unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void
get_times(struct act_event *e, enum field field, int64_t v, bool *ret_known)
{
    *ret_known = true;
    if (field == F_AT_MS)
        e->at_ms = v;
    else if (field == F_AT_NS)
        e->at_ns = v;
    else if (field == F_STARTED_MS)
        e->started_ms = v;
    else if (field == F_STARTED_NS)
        e->started_ns = v;
    else if (field == F_EXIT_CODE)
        e->exit_code = (int32_t)v;
    else if (field == F_SIGNAL)
        e->signal = (int32_t)v;
    else
        *ret_known = false;
}

static void
get_number(struct act_event *e, enum field field, uint64_t v)
{
    bool known;
    get_times(e, field, unzigzag(v), &known);
    if (known)
        return;
    if (field == F_SEQ)
        e->seq = v;
    else if (field == F_STEPS)
        e->steps = v;
    else if (field == F_ATTEMPT)
        e->attempt = (uint32_t)v;
    else if (field == F_STATUS)
        e->status = (enum act_status)(v & 0xff);
    else if (field == F_CAUSE)
        e->cause = (enum act_cause)(v & 0xff);
    else if (field == F_NUMBER)
        e->number = (uint32_t)v;
    else if (field == F_FORGIVEN)
        e->forgiven = (uint32_t)v;
    else if (field == F_BITS)
        e->bits = (uint32_t)v;
    else if (field == F_FLAG)
        e->flag = v != 0;
    else if (field == F_IS_OUTPUT)
        e->result_is_output = v != 0;
    else if (field == F_OUT_AT)
        e->out.offset = v;
    else if (field == F_OUT_LENGTH)
        e->out.length = v;
    else if (field == F_ERR_AT)
        e->err.offset = v;
    else if (field == F_ERR_LENGTH)
        e->err.length = v;
}

static bool
is_known(uint64_t type)
{
    switch ((enum act_event_type)type) {
#define ACT_EVENT(name, number, text, class)                                                       \
    case ACT_EVENT_##name:                                                                         \
        return true;
#include "engine/core/event.def"
#undef ACT_EVENT
    }
    return false;
}

enum act_err
act_event_decode(struct act_str *bytes, struct act_arena *arena, struct act_value_loader *loader,
                 struct act_event *ret, struct act_error *err)
{
    struct act_wire_reader outer = {.rest = *bytes};
    struct act_wire_reader r = {.rest = act_wire_read_bytes(&outer)};
    struct act_event e = {0};
    r.failed = outer.failed;
    uint64_t type = act_wire_read_u64(&r);
    while (!r.failed && r.rest.len > 0) {
        uint64_t tag = act_wire_read_u64(&r);
        enum field field = (enum field)(tag >> 1 > F_LAST ? 0 : tag >> 1);
        if (tag & 1)
            get_bytes(&e, field, &r, arena, loader);
        else
            get_number(&e, field, act_wire_read_u64(&r));
    }
    if (r.failed || type > UINT32_MAX || !is_known(type)) {
        act_event_fini(&e);
        return act_error_set(err, ACT_ERR_CORRUPT, "an event of the log cannot be read");
    }
    e.type = (enum act_event_type)type;
    *bytes = outer.rest;
    *ret = e;
    return ACT_OK;
}

void
act_event_fini(struct act_event *e)
{
    act_value_release(e->value);
    act_value_release(e->outputs);
    act_value_release(e->error);
    act_value_release(e->input);
    act_value_release(e->params);
    act_value_release(e->artifacts);
    e->artifacts = e->value = e->outputs = e->error = e->input = e->params = NULL;
}

struct act_str
act_event_label(const struct act_plan *plan, const struct act_event *event)
{
    if (event->label.len > 0 || event->key.node >= plan->nodes.len)
        return event->label;
    struct act_expr_id id = act_plan_expr(plan, event->key.node, ACT_ATTR_NAME);
    if (id.v == ACT_EXPR_NONE || plan->exprs.nodes.ptr[id.v].op != ACT_OP_LITERAL)
        return ACT_STR("");
    const struct act_value *v = plan->exprs.literals.ptr[plan->exprs.nodes.ptr[id.v].a];
    return act_value_type(v) == ACT_STRING ? act_value_as_str(v) : ACT_STR("");
}
