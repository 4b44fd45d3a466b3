#include "engine/view/view_diff.h"

#include "engine/view/view_spec.h"

#define SLOWER_FACTOR_PERCENT 150
#define SLOWER_LEAST_MS 100
#define SHOWN_BYTES 120

enum change {
    CHANGE_PRESENCE = 1,
    CHANGE_STATUS = 2,
    CHANGE_CAUSE = 4,
    CHANGE_ATTEMPT = 8,
    CHANGE_RESULT = 16,
    CHANGE_DURATION = 32,
    CHANGE_OUTPUTS = 64,
};
static const char *const change_names[] = {"presence", "status",   "cause",  "attempt",
                                           "result",   "duration", "outputs"};

/* ---- results ---- */

/* A result as its JSON text, of a task's output at most max bytes. */
static void
result_text(struct act_buf *out, const struct act_view_side *side,
            const struct act_view_entry *entry, uint64_t max)
{
    struct act_view_out text = {.blobs = side->blobs};
    const struct act_view_attempt *last = act_view_last(entry);
    struct act_blob blob = last ? last->out : (struct act_blob){0};
    if (blob.length > max)
        blob.length = max;
    if (entry->result_is_output && last && !last->secret)
        act_view_out_result(&text, &blob, ACT_OUTPUT_TEXT);
    else
        act_view_out_value(&text, entry->result);
    act_buf_add_str(out, act_buf_str(&text.buf));
    act_view_out_fini(&text);
}

static enum act_err
hash_part(void *self, struct act_str part, struct act_error *err)
{
    (void)err;
    act_sha256_update(self, part.ptr, part.len);
    return ACT_OK;
}

static bool
same_bytes(const struct act_view_side *a, const struct act_blob *one, const struct act_view_side *b,
           const struct act_blob *other)
{
    struct act_sha256 h;
    uint8_t hash[2][ACT_SHA256_BYTES];
    const struct act_view_side *sides[] = {a, b};
    const struct act_blob *blobs[] = {one, other};
    for (int i = 0; i < 2; i++) {
        act_sha256_init(&h);
        if (act_view_blob(sides[i]->blobs, blobs[i], 0, UINT64_MAX, hash_part, &h, NULL) != ACT_OK)
            return false;
        act_sha256_final(&h, hash[i]);
    }
    return memcmp(hash[0], hash[1], ACT_SHA256_BYTES) == 0;
}

static bool
same_result(const struct act_view_side *a, const struct act_view_entry *one,
            const struct act_view_side *b, const struct act_view_entry *other)
{
    const struct act_view_attempt *last[] = {act_view_last(one), act_view_last(other)};
    if (one->result_is_output && other->result_is_output && last[0] && last[1])
        return last[0]->secret == last[1]->secret && same_bytes(a, &last[0]->out, b, &last[1]->out);
    if (!one->result_is_output && !other->result_is_output) {
        if (!one->result || !other->result)
            return one->result == other->result;
        if (act_value_type(one->result) != ACT_REF && act_value_type(other->result) != ACT_REF)
            return act_value_equal(one->result, other->result);
    }
    struct act_buf texts[2] = {0};
    result_text(&texts[0], a, one, UINT64_MAX);
    result_text(&texts[1], b, other, UINT64_MAX);
    bool same = act_str_eq(act_buf_str(&texts[0]), act_buf_str(&texts[1]));
    act_buf_fini(&texts[0]);
    act_buf_fini(&texts[1]);
    return same;
}

/* What is large is compared by its bytes. */
static bool
same_outputs(const struct act_view_side *a, const struct act_value *one,
             const struct act_view_side *b, const struct act_value *other)
{
    uint32_t counts[] = {one ? act_value_len(one) : 0, other ? act_value_len(other) : 0};
    if (counts[0] == 0 || counts[0] != counts[1])
        return counts[0] == counts[1];
    struct act_view_out texts[] = {{.blobs = a->blobs}, {.blobs = b->blobs}};
    act_view_out_value(&texts[0], one);
    act_view_out_value(&texts[1], other);
    bool same = act_str_eq(act_buf_str(&texts[0].buf), act_buf_str(&texts[1].buf));
    act_view_out_fini(&texts[0]);
    act_view_out_fini(&texts[1]);
    return same;
}

/* ---- pairing ---- */

/* What went wrong, in words; none: nothing. */
static const struct act_value *
message_of(const struct act_view_entry *entry)
{
    bool told = entry->error && act_value_type(entry->error) == ACT_MAP;
    const struct act_value *v = told ? act_value_get(entry->error, ACT_STR("message")) : NULL;
    return v && act_value_type(v) == ACT_STRING ? v : NULL;
}

static bool
same_failure(const struct act_view_entry *one, const struct act_view_entry *other)
{
    const struct act_value *x = message_of(one), *y = message_of(other);
    return one->cause == other->cause && one->exit_code == other->exit_code &&
           one->signal == other->signal && (x && y ? act_value_equal(x, y) : x == y);
}

static unsigned
compare(const struct act_view_side *a, const struct act_view_entry *one,
        const struct act_view_side *b, const struct act_view_entry *other)
{
    unsigned changes = 0;
    if (!one || !other)
        return CHANGE_PRESENCE;
    if (one->status != other->status)
        changes |= CHANGE_STATUS;
    if (!same_failure(one, other))
        changes |= CHANGE_CAUSE;
    if (one->attempt != other->attempt)
        changes |= CHANGE_ATTEMPT;
    if (!same_result(a, one, b, other))
        changes |= CHANGE_RESULT;
    if (!same_outputs(a, one->outputs, b, other->outputs))
        changes |= CHANGE_OUTPUTS;
    int64_t x = act_view_duration_ms(one), y = act_view_duration_ms(other);
    int64_t less = x < y ? x : y, more = x < y ? y : x;
    if (more - less >= SLOWER_LEAST_MS && more * 100 >= less * SLOWER_FACTOR_PERCENT)
        changes |= CHANGE_DURATION;
    return changes;
}

/* Calls fn for each pair, those of a in its order, then what only b has. Nodes are the same if their
 * paths are: plans may differ. */
static void
pair(const struct act_view_side *a, const struct act_view_side *b,
     void (*fn)(void *self, const struct act_view_entry *one, const struct act_view_entry *other),
     void *self)
{
    struct act_map paths = {0}, seen = {0};
    for (uint32_t i = 0; i < b->view->entries.len; i++)
        act_map_put(&paths, b->view->entries.ptr[i].path, i);
    for (uint32_t i = 0; i < a->view->entries.len; i++) {
        const struct act_view_entry *one = &a->view->entries.ptr[i];
        const uint64_t *at = act_map_get(&paths, one->path);
        act_map_put(&seen, one->path, 1);
        fn(self, one, at ? &b->view->entries.ptr[*at] : NULL);
    }
    for (uint32_t i = 0; i < b->view->entries.len; i++)
        if (!act_map_get(&seen, b->view->entries.ptr[i].path))
            fn(self, NULL, &b->view->entries.ptr[i]);
    act_map_fini(&paths);
    act_map_fini(&seen);
}

static bool
equal(const struct act_value *x, const struct act_value *y)
{
    return x && y ? act_value_equal(x, y) : x == y;
}

static const struct act_value *
input_of(const struct act_view_side *side, struct act_str what)
{
    return side->view->started ? act_value_get(side->view->started, what) : NULL;
}

/* Each input that differs; what: `params`, or `env`, the variables that expressions read. */
static void
each_input(const struct act_view_side *a, const struct act_view_side *b, struct act_str what,
           void (*fn)(void *self, struct act_str name, const struct act_value *x,
                      const struct act_value *y),
           void *self)
{
    const struct act_value *pa = input_of(a, what), *pb = input_of(b, what);
    for (uint32_t i = 0; pa && i < act_value_len(pa); i++) {
        struct act_str name = act_value_key(pa, i);
        const struct act_value *other = pb ? act_value_get(pb, name) : NULL;
        if (!equal(act_value_at(pa, i), other))
            fn(self, name, act_value_at(pa, i), other);
    }
    for (uint32_t i = 0; pb && i < act_value_len(pb); i++)
        if (!pa || !act_value_get(pa, act_value_key(pb, i)))
            fn(self, act_value_key(pb, i), NULL, act_value_at(pb, i));
}

/* ---- JSON ---- */

struct diff {
    struct act_view_out *out;
    const struct act_view_side *a, *b;
    struct act_view_style style;
    const char *input; /* what the inputs that are listed are called */
    uint32_t listed;
    bool same;
};

static void
side_json(struct act_view_out *out, const char *name, const struct act_view_document *doc)
{
    act_buf_printf(&out->buf, "\"%s\":{\"run\":", name);
    act_json_write_str(&out->buf, doc->run);
    act_buf_add_cstr(&out->buf, ",\"workflow\":");
    act_json_write_str(&out->buf, doc->workflow);
    act_buf_add_cstr(&out->buf, ",\"status\":");
    act_json_write_str(&out->buf, doc->status);
    act_buf_add_cstr(&out->buf, ",\"started_at\":\"");
    act_instant_text(&out->buf, doc->started_ms);
    act_buf_printf(&out->buf, "\",\"duration_ms\":%lld},", (long long)doc->duration_ms);
}

static void
input_json(void *self, struct act_str name, const struct act_value *x, const struct act_value *y)
{
    struct diff *d = self;
    d->same = false;
    act_buf_add_cstr(&d->out->buf, d->listed++ ? ",{\"name\":" : "{\"name\":");
    act_json_write_str(&d->out->buf, name);
    act_buf_add_cstr(&d->out->buf, ",\"a\":");
    act_view_out_value(d->out, x);
    act_buf_add_cstr(&d->out->buf, ",\"b\":");
    act_view_out_value(d->out, y);
    act_buf_add_byte(&d->out->buf, '}');
}

static void
node_side_json(struct act_view_out *out, const struct act_view_side *side,
               const struct act_view_entry *entry)
{
    if (!entry) {
        act_buf_add_cstr(&out->buf, "null");
        return;
    }
    act_buf_printf(&out->buf, "{\"status\":\"%s\",\"cause\":", act_status_text(entry->status));
    if (entry->cause == ACT_CAUSE_NONE)
        act_buf_add_cstr(&out->buf, "null");
    else
        act_json_write_str(&out->buf, act_str(act_cause_text(entry->cause)));
    act_buf_add_cstr(&out->buf, ",\"exit_code\":");
    if (entry->exit_code < 0)
        act_buf_add_cstr(&out->buf, "null");
    else
        act_buf_printf(&out->buf, "%d", entry->exit_code);
    act_buf_add_cstr(&out->buf, ",\"message\":");
    act_view_out_value(out, message_of(entry));
    act_buf_printf(&out->buf, ",\"attempt\":%u,\"duration_ms\":%lld,\"result\":", entry->attempt,
                   (long long)act_view_duration_ms(entry));
    struct act_blob_port *blobs = out->blobs;
    const struct act_view_attempt *last = act_view_last(entry);
    const uint32_t *mode = act_plan_attr(side->view->plan, entry->key.node, ACT_ATTR_OUTPUT);
    out->blobs = side->blobs;
    if (entry->result_is_output && last && !last->secret)
        act_view_out_result(out, &last->out,
                            mode && *mode <= ACT_OUTPUT_NONE ? (enum act_output) * mode
                                                             : ACT_OUTPUT_TEXT);
    else
        act_view_out_value(out, entry->result);
    act_buf_add_cstr(&out->buf, ",\"outputs\":");
    act_view_out_value(out, entry->outputs);
    out->blobs = blobs;
    act_buf_add_byte(&out->buf, '}');
}

static void
node_json(void *self, const struct act_view_entry *one, const struct act_view_entry *other)
{
    struct diff *d = self;
    const struct act_view_entry *any = one ? one : other;
    unsigned changes = compare(d->a, one, d->b, other);
    if (changes == 0)
        return;
    d->same = d->same && changes == CHANGE_DURATION;
    act_buf_add_cstr(&d->out->buf, d->listed++ ? ",{\"node\":" : "{\"node\":");
    act_json_write_str(&d->out->buf, any->id.len > 0 ? any->id : any->path);
    act_buf_add_cstr(&d->out->buf, ",\"path\":");
    act_json_write_str(&d->out->buf, any->path);
    act_buf_add_cstr(&d->out->buf, ",\"changes\":[");
    for (unsigned i = 0, n = 0; i < sizeof(change_names) / sizeof(change_names[0]); i++)
        if (changes & 1u << i)
            act_buf_printf(&d->out->buf, "%s\"%s\"", n++ ? "," : "", change_names[i]);
    act_buf_add_cstr(&d->out->buf, "],\"a\":");
    node_side_json(d->out, d->a, one);
    act_buf_add_cstr(&d->out->buf, ",\"b\":");
    node_side_json(d->out, d->b, other);
    act_buf_add_byte(&d->out->buf, '}');
    act_view_out_flush(d->out, false);
}

void
act_view_diff_json(struct act_view_out *out, const struct act_view_side *a,
                   const struct act_view_side *b, bool *same)
{
    bool specs = act_str_eq(a->doc->plan_hash, b->doc->plan_hash);
    struct diff d = {
        .out = out, .a = a, .b = b, .same = specs && act_str_eq(a->doc->status, b->doc->status)};
    act_buf_add_byte(&out->buf, '{');
    side_json(out, "a", a->doc);
    side_json(out, "b", b->doc);
    act_buf_printf(&out->buf, "\"spec\":{\"same\":%s,\"a\":", specs ? "true" : "false");
    act_json_write_str(&out->buf, a->doc->plan_hash);
    act_buf_add_cstr(&out->buf, ",\"b\":");
    act_json_write_str(&out->buf, b->doc->plan_hash);
    act_buf_add_cstr(&out->buf, ",\"changes\":");
    if (specs)
        act_buf_add_cstr(&out->buf, "[]");
    else
        act_view_spec_json(out, a->view->plan, b->view->plan);
    act_buf_add_cstr(&out->buf, "},\"params\":[");
    each_input(a, b, ACT_STR("params"), input_json, &d);
    d.listed = 0;
    act_buf_add_cstr(&out->buf, "],\"env\":[");
    each_input(a, b, ACT_STR("env"), input_json, &d);
    d.listed = 0;
    act_buf_add_cstr(&out->buf, "],\"nodes\":[");
    pair(a, b, node_json, &d);
    act_buf_add_cstr(&out->buf, "]}\n");
    if (same)
        *same = d.same;
}

/* ---- text ---- */

static void
value_line(struct act_view_out *out, const char *sign, const struct act_value *v)
{
    struct act_buf text = {0};
    if (v)
        act_json_write(&text, v, 0);
    act_buf_printf(&out->buf, "    %s ", sign);
    act_view_safe(&out->buf, v ? act_buf_str(&text) : ACT_STR("(not given)"), 200);
    act_buf_add_byte(&out->buf, '\n');
    act_buf_fini(&text);
}

static void
input_text(void *self, struct act_str name, const struct act_value *x, const struct act_value *y)
{
    struct diff *d = self;
    d->same = false;
    act_buf_printf(&d->out->buf, "  %s ", d->input);
    act_view_safe(&d->out->buf, name, 0);
    act_buf_add_byte(&d->out->buf, '\n');
    value_line(d->out, "-", x);
    value_line(d->out, "+", y);
}

static void
add_outputs(struct act_buf *line, const struct act_view_side *side,
            const struct act_view_entry *entry)
{
    struct act_view_out text = {.blobs = side->blobs};
    act_view_out_value(&text, entry->outputs);
    act_buf_add_cstr(line, ", outputs ");
    act_view_safe(line, act_buf_str(&text.buf), SHOWN_BYTES);
    act_view_out_fini(&text);
}

static void
node_line(struct diff *d, const struct act_view_side *side, const struct act_view_entry *entry,
          unsigned changes, const char *sign, const char *color)
{
    struct act_buf line = {0};
    act_buf_printf(&line, "    %s ", sign);
    if (!entry) {
        act_buf_add_cstr(&line, "(not there)");
    } else {
        act_buf_add_cstr(&line, act_status_text(entry->status));
        if (entry->cause != ACT_CAUSE_NONE)
            act_buf_printf(&line, " (%s)", act_cause_text(entry->cause));
        if (changes & CHANGE_CAUSE && message_of(entry)) {
            act_buf_add_cstr(&line, ": ");
            act_view_safe(&line, act_value_as_str(message_of(entry)), SHOWN_BYTES);
        }
        if (changes & CHANGE_ATTEMPT)
            act_buf_printf(&line, ", attempt %u", entry->attempt);
        if (changes & CHANGE_DURATION) {
            act_buf_add_cstr(&line, ", ");
            act_view_duration(&line, act_view_duration_ms(entry));
        }
        if (changes & CHANGE_RESULT) {
            struct act_buf result = {0};
            result_text(&result, side, entry, SHOWN_BYTES);
            act_buf_add_cstr(&line, ", result ");
            act_view_safe(&line, act_buf_str(&result), SHOWN_BYTES);
            act_buf_fini(&result);
        }
        if (changes & CHANGE_OUTPUTS)
            add_outputs(&line, side, entry);
    }
    if (d->style.color)
        act_buf_printf(&d->out->buf, "\033[%sm%.*s\033[0m\n", color,
                       ACT_STR_ARG(act_buf_str(&line)));
    else
        act_buf_printf(&d->out->buf, "%.*s\n", ACT_STR_ARG(act_buf_str(&line)));
    act_buf_fini(&line);
}

static void
node_text(void *self, const struct act_view_entry *one, const struct act_view_entry *other)
{
    struct diff *d = self;
    const struct act_view_entry *any = one ? one : other;
    unsigned changes = compare(d->a, one, d->b, other);
    if (changes == 0)
        return;
    d->same = d->same && changes == CHANGE_DURATION;
    act_buf_add_cstr(&d->out->buf, "  ");
    act_view_safe(&d->out->buf, any->path.len > 0 ? any->path : ACT_STR("(top)"), 0);
    act_buf_add_byte(&d->out->buf, '\n');
    node_line(d, d->a, one, changes, "-", "31");
    node_line(d, d->b, other, changes, "+", "32");
    act_view_out_flush(d->out, false);
}

void
act_view_diff_text(struct act_view_out *out, const struct act_view_side *a,
                   const struct act_view_side *b, struct act_view_style style, bool *same)
{
    const struct act_view_document *docs[] = {a->doc, b->doc};
    bool specs = act_str_eq(a->doc->plan_hash, b->doc->plan_hash);
    struct diff d = {.out = out,
                     .a = a,
                     .b = b,
                     .style = style,
                     .same = specs && act_str_eq(a->doc->status, b->doc->status)};
    for (int i = 0; i < 2; i++) {
        act_buf_printf(&out->buf, "%s %.*s  ", i == 0 ? "-" : "+", ACT_STR_ARG(docs[i]->run));
        act_view_safe(&out->buf, docs[i]->workflow, 0);
        act_buf_printf(&out->buf, "  %.*s in ", ACT_STR_ARG(docs[i]->status));
        act_view_duration(&out->buf, docs[i]->duration_ms);
        act_buf_printf(&out->buf, "  plan %.*s\n",
                       docs[i]->plan_hash.len < 12 ? (int)docs[i]->plan_hash.len : 12,
                       docs[i]->plan_hash.ptr);
    }
    if (!specs)
        act_view_spec_text(out, a->view->plan, b->view->plan, style);
    d.input = "param";
    each_input(a, b, ACT_STR("params"), input_text, &d);
    d.input = "env";
    each_input(a, b, ACT_STR("env"), input_text, &d);
    pair(a, b, node_text, &d);
    if (d.same)
        act_buf_add_cstr(&out->buf, "the runs did the same\n");
    if (same)
        *same = d.same;
}
