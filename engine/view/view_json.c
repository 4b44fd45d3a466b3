#include "engine/view/view_json.h"

static void
key(struct act_view_out *out, const char *name)
{
    char last = out->buf.len > 0 ? out->buf.ptr[out->buf.len - 1] : out->last;
    if (last != '{' && last != '[')
        act_buf_add_byte(&out->buf, ',');
    act_buf_printf(&out->buf, "\"%s\":", name);
    out->part = name;
}

static void
text(struct act_view_out *out, const char *name, struct act_str s)
{
    key(out, name);
    act_json_write_str(&out->buf, s);
}

static void
text_or_null(struct act_view_out *out, const char *name, struct act_str s)
{
    if (s.len > 0) {
        text(out, name, s);
        return;
    }
    key(out, name);
    act_buf_add_cstr(&out->buf, "null");
}

static void
integer(struct act_view_out *out, const char *name, int64_t v)
{
    key(out, name);
    act_buf_printf(&out->buf, "%lld", (long long)v);
}

static void
integer_or_null(struct act_view_out *out, const char *name, int64_t v, bool known)
{
    if (known) {
        integer(out, name, v);
        return;
    }
    key(out, name);
    act_buf_add_cstr(&out->buf, "null");
}

static void
instant(struct act_view_out *out, const char *name, int64_t ms)
{
    key(out, name);
    if (ms == 0) {
        act_buf_add_cstr(&out->buf, "null");
        return;
    }
    act_buf_add_byte(&out->buf, '"');
    act_instant_text(&out->buf, ms);
    act_buf_add_byte(&out->buf, '"');
}

static void
value(struct act_view_out *out, const char *name, const struct act_value *v)
{
    key(out, name);
    act_view_out_value(out, v);
}

static void
map(struct act_view_out *out, const char *name, const struct act_value *v)
{
    key(out, name);
    if (v && act_value_type(v) == ACT_MAP)
        act_view_out_value(out, v);
    else
        act_buf_add_cstr(&out->buf, "{}");
}

/* An error mapping with these keys first, null where it has none, then whatever else it has. */
static void
error(struct act_view_out *out, const char *name, const struct act_value *v,
      const char *const *first, uint32_t count)
{
    key(out, name);
    if (!v || act_value_type(v) != ACT_MAP) {
        act_view_out_value(out, v);
        return;
    }
    act_buf_add_byte(&out->buf, '{');
    for (uint32_t i = 0; i < count; i++) {
        const struct act_value *member = act_value_get(v, act_str(first[i]));
        if (!member && strcmp(first[i], "causes") == 0)
            act_buf_add_cstr(&out->buf, ",\"causes\":[]");
        else
            value(out, first[i], member);
    }
    for (uint32_t i = 0; i < act_value_len(v); i++) {
        struct act_str name_of = act_value_key(v, i);
        bool done = false;
        for (uint32_t j = 0; j < count && !done; j++)
            done = act_str_is(name_of, first[j]);
        if (done)
            continue;
        act_buf_add_byte(&out->buf, ',');
        act_json_write_str(&out->buf, name_of);
        act_buf_add_byte(&out->buf, ':');
        act_view_out_value(out, act_value_at(v, i));
    }
    act_buf_add_byte(&out->buf, '}');
}

/* ---- nodes ---- */

static void
cause(struct act_view_out *out, const struct act_view_entry *entry)
{
    key(out, "cause");
    if (entry->cause == ACT_CAUSE_NONE) {
        act_buf_add_cstr(&out->buf, "null");
        return;
    }
    act_buf_add_byte(&out->buf, '{');
    text(out, "kind", act_str(act_cause_text(entry->cause)));
    if (entry->cause == ACT_CAUSE_EXIT || entry->cause == ACT_CAUSE_START)
        integer(out, "exit_code", entry->exit_code);
    if (entry->cause == ACT_CAUSE_SIGNAL)
        text(out, "signal", act_str(act_view_signal_name(entry->signal)));
    act_buf_add_byte(&out->buf, '}');
}

/* Of a node that asked for the cache alone. */
static void
cache(struct act_view_out *out, const struct act_view_entry *entry)
{
    const struct act_value *hit = entry->cache ? act_value_get(entry->cache, ACT_STR("hit")) : NULL;
    const struct act_value *at = hit ? act_value_get(hit, ACT_STR("at_ms")) : NULL;
    const struct act_value *run = hit ? act_value_get(hit, ACT_STR("run")) : NULL;
    const struct act_value *node = hit ? act_value_get(hit, ACT_STR("node")) : NULL;
    if (!entry->cache)
        return;
    key(out, "cache");
    if (!hit) {
        act_view_out_value(out, entry->cache);
        return;
    }
    act_buf_add_cstr(&out->buf, "{\"hit\":{");
    text(out, "run",
         run && act_value_type(run) == ACT_STRING ? act_value_as_str(run) : act_str(""));
    text(out, "node",
         node && act_value_type(node) == ACT_STRING ? act_value_as_str(node) : act_str(""));
    instant(out, "at", at && act_value_type(at) == ACT_INT ? act_value_as_int(at) : 0);
    act_buf_add_cstr(&out->buf, "}}");
}

static void
needs(struct act_view_out *out, const struct act_view *view, const struct act_view_entry *entry)
{
    const struct act_plan *plan = view->plan;
    key(out, "needs");
    act_buf_add_byte(&out->buf, '[');
    const struct act_plan_node *node =
        entry->key.node < plan->nodes.len ? &plan->nodes.ptr[entry->key.node] : NULL;
    for (uint32_t i = 0; node && i < node->need_count; i++) {
        uint32_t other = plan->needs.ptr[node->first_need + i].node;
        uint32_t id = plan->nodes.ptr[other].id;
        if (i > 0)
            act_buf_add_byte(&out->buf, ',');
        if (id != ACT_NODE_NONE) {
            act_json_write_str(&out->buf, act_plan_text(plan, id));
            continue;
        }
        struct act_buf path = {0};
        act_plan_path(&path, plan, other);
        act_json_write_str(&out->buf, act_buf_str(&path));
        act_buf_fini(&path);
    }
    act_buf_add_byte(&out->buf, ']');
}

static enum act_output
output_mode(const struct act_view *view, const struct act_view_entry *entry)
{
    const uint32_t *mode = entry->key.node < view->plan->nodes.len
                               ? act_plan_attr(view->plan, entry->key.node, ACT_ATTR_OUTPUT)
                               : NULL;
    return mode && *mode <= ACT_OUTPUT_NONE ? (enum act_output) * mode : ACT_OUTPUT_TEXT;
}

static void
result(struct act_view_out *out, const struct act_view *view, const struct act_view_entry *entry)
{
    const struct act_view_attempt *last = act_view_last(entry);
    key(out, "result");
    if (entry->result_is_output && last && last->ended && !last->secret)
        act_view_out_result(out, &last->out, output_mode(view, entry));
    else
        act_view_out_value(out, entry->result);
}

static struct act_value *
artifact_path(const struct act_view *view, const struct act_value *path)
{
    if (!path || act_value_type(path) != ACT_STRING || view->folder.len == 0)
        return path ? act_value_retain(path) : act_value_null();
    struct act_buf text = {0};
    act_buf_printf(&text, "%.*s/%.*s", ACT_STR_ARG(view->folder),
                   ACT_STR_ARG(act_value_as_str(path)));
    struct act_value *v = act_value_string(act_buf_str(&text));
    act_buf_fini(&text);
    return v;
}

struct act_value *
act_view_artifacts(const struct act_view *view, const struct act_value *found)
{
    static const char *const keys[] = {"path", "sha256", "bytes", "mode"};
    uint32_t count = found && act_value_type(found) == ACT_MAP ? act_value_len(found) : 0;
    struct act_value *all = act_value_map();
    for (uint32_t i = 0; i < count; i++) {
        const struct act_value *one = act_value_at(found, i);
        const struct act_value *files = act_value_get(one, ACT_STR("files"));
        struct act_value *list = act_value_list(), *map = act_value_map();
        for (uint32_t k = 0; files && k < act_value_len(files); k++) {
            const struct act_value *row = act_value_at(files, k);
            struct act_value *file = act_value_map();
            for (uint32_t f = 0; f < act_value_len(row) && f < 4; f++)
                act_value_map_put(file, act_str(keys[f]), act_value_retain(act_value_at(row, f)));
            act_value_list_add(list, file);
        }
        const struct act_value *path = act_value_get(one, ACT_STR("path"));
        const struct act_value *bytes = act_value_get(one, ACT_STR("bytes"));
        act_value_map_put(map, ACT_STR("path"), artifact_path(view, path));
        act_value_map_put(map, ACT_STR("bytes"),
                          bytes ? act_value_retain(bytes) : act_value_null());
        act_value_map_put(map, ACT_STR("files"), list);
        act_value_map_put(all, act_value_key(found, i), map);
    }
    return all;
}

/* Absent: it keeps none. */
static void
artifacts(struct act_view_out *out, const struct act_view *view, const struct act_value *found)
{
    struct act_value *all = act_view_artifacts(view, found);
    if (act_value_len(all) > 0)
        map(out, "artifacts", all);
    act_value_release(all);
}

void
act_view_entry_json(struct act_view_out *out, const struct act_view *view,
                    const struct act_view_entry *entry)
{
    static const char *const error_keys[] = {"type", "message", "traceback"};
    const struct act_view_attempt *last = act_view_last(entry);
    bool began = entry->started_ms != 0 || entry->started_ns != 0;
    out->node = entry->path;
    act_buf_add_byte(&out->buf, '{');
    text(out, "id", entry->id.len > 0 ? entry->id : entry->path);
    text(out, "path", entry->path);
    text(out, "kind", act_str(act_kind_key(act_view_kind(view, entry))));
    text(out, "status", act_str(act_status_text(entry->status)));
    cause(out, entry);
    integer(out, "attempt", entry->attempt);
    needs(out, view, entry);
    instant(out, "started_at", began ? entry->started_ms : 0);
    instant(out, "ended_at", entry->recorded ? entry->ended_ms : 0);
    integer_or_null(out, "started_ns", entry->started_ns, began);
    integer_or_null(out, "ended_ns", entry->ended_ns, entry->recorded);
    text_or_null(out, "worker", last ? last->worker : (struct act_str){0});
    bool exited = last && entry->exit_code >= 0;
    integer_or_null(out, "exit_code", entry->exit_code, exited && entry->recorded);
    text_or_null(out, "signal",
                 act_str(entry->signal > 0 ? act_view_signal_name(entry->signal) : ""));
    result(out, view, entry);
    map(out, "outputs", entry->outputs);
    artifacts(out, view, entry->artifacts);
    cache(out, entry);
    error(out, "error", entry->error, error_keys, 3);
    key(out, "tolerated");
    act_buf_add_cstr(&out->buf, entry->tolerated ? "true" : "false");
    text_or_null(
        out, "undone",
        act_str(entry->undone != ACT_STATUS_PENDING ? act_status_text(entry->undone) : ""));
    if (entry->reused) {
        key(out, "reused");
        act_buf_add_cstr(&out->buf, "true");
    }
    if (entry->turns > 0)
        integer(out, "turns", entry->turns);
    act_buf_add_byte(&out->buf, '}');
    out->node = (struct act_str){0};
    act_view_out_flush(out, false);
}

/* ---- the document ---- */

static const struct act_view_entry *
top_entry(const struct act_view *view)
{
    for (uint32_t i = 0; i < view->entries.len; i++)
        if (view->entries.ptr[i].key.node == 0 && view->entries.ptr[i].key.count == 0)
            return &view->entries.ptr[i];
    return NULL;
}

void
act_view_document_fill(struct act_view_document *doc, const struct act_run_row *row,
                       const struct act_view *view)
{
    const struct act_value *commit = row->spec ? act_value_get(row->spec, ACT_STR("commit")) : NULL;
    const struct act_value *dirty = row->spec ? act_value_get(row->spec, ACT_STR("dirty")) : NULL;
    *doc = (struct act_view_document){
        .run = row->run,
        .workflow = row->workflow,
        .status = row->status,
        .from = row->from,
        .started_ms = row->started_ms,
        .duration_ms = row->duration_ms,
        .plan_hash = row->plan_hash,
        .path = row->path,
        .dirty = dirty && act_value_type(dirty) == ACT_BOOL ? act_value_as_bool(dirty) : -1,
    };
    if (commit && act_value_type(commit) == ACT_STRING)
        doc->commit = act_value_as_str(commit);
    if (!view)
        return;
    doc->at_seq = view->until_seq;
    doc->at_ms = view->last_ms;
    doc->result = view->result;
    doc->outputs = view->outputs;
    doc->error = view->error;
    doc->tolerated = view->tolerated;
    if (doc->duration_ms == 0 && view->ended_ns > view->started_ns)
        doc->duration_ms = (view->ended_ns - view->started_ns) / 1000000;
    /* Where the top node is one task, its output is the run's result. */
    const struct act_view_entry *top = top_entry(view);
    const struct act_view_attempt *last = top ? act_view_last(top) : NULL;
    bool by_output =
        view->result_is_output ||
        (!view->result && view->status == ACT_STATUS_SUCCEEDED && top && top->result_is_output);
    if (by_output && last && last->ended && !last->secret) {
        doc->result_blob = &last->out;
        doc->result_mode = output_mode(view, top);
    } else if (!doc->result && view->status == ACT_STATUS_SUCCEEDED && top) {
        doc->result = top->result;
    }
}

static void
spec(struct act_view_out *out, const struct act_view_document *doc)
{
    key(out, "spec");
    act_buf_add_byte(&out->buf, '{');
    text(out, "hash", doc->plan_hash);
    text(out, "path", doc->path);
    text_or_null(out, "commit", doc->commit);
    key(out, "dirty");
    act_buf_add_cstr(&out->buf, doc->dirty < 0 ? "null" : doc->dirty ? "true" : "false");
    act_buf_add_byte(&out->buf, '}');
}

void
act_view_document_json(struct act_view_out *out, const struct act_view_document *doc,
                       const struct act_view *view)
{
    static const char *const error_keys[] = {"node", "message", "cause", "causes"};
    act_buf_add_byte(&out->buf, '{');
    text(out, "run", doc->run);
    text(out, "workflow", doc->workflow);
    text(out, "status", doc->status);
    key(out, "result");
    if (doc->result_blob)
        act_view_out_result(out, doc->result_blob, doc->result_mode);
    else
        act_view_out_value(out, doc->result);
    map(out, "outputs", doc->outputs);
    integer(out, "tolerated", doc->tolerated);
    instant(out, "started_at", doc->started_ms);
    integer(out, "duration_ms", doc->duration_ms);
    spec(out, doc);
    value(out, "from", doc->from);
    error(out, "error", doc->error, error_keys, 4);
    if (doc->at_seq > 0) {
        key(out, "at");
        act_buf_add_byte(&out->buf, '{');
        integer(out, "seq", (int64_t)doc->at_seq);
        instant(out, "time", doc->at_ms);
        act_buf_add_byte(&out->buf, '}');
    }
    if (view) {
        key(out, "nodes");
        act_buf_add_byte(&out->buf, '[');
        for (uint32_t i = 0; i < view->entries.len; i++) {
            if (i > 0)
                act_buf_add_byte(&out->buf, ',');
            act_view_entry_json(out, view, &view->entries.ptr[i]);
        }
        act_buf_add_byte(&out->buf, ']');
    }
    act_buf_add_cstr(&out->buf, "}\n");
    act_view_out_flush(out, false);
}

void
act_view_list_json(struct act_view_out *out, const act_run_rows *rows)
{
    act_buf_add_cstr(&out->buf, "{\"runs\":[");
    for (uint32_t i = 0; i < rows->len; i++) {
        const struct act_run_row *row = &rows->ptr[i];
        if (i > 0)
            act_buf_add_byte(&out->buf, ',');
        act_buf_add_byte(&out->buf, '{');
        text(out, "run", row->run);
        text(out, "workflow", row->workflow);
        text(out, "status", row->status);
        instant(out, "started_at", row->started_ms);
        integer(out, "duration_ms", row->duration_ms);
        text(out, "path", row->path);
        act_buf_add_byte(&out->buf, '}');
        act_view_out_flush(out, false);
    }
    act_buf_add_cstr(&out->buf, "]}\n");
}
