#include "engine/view/view_text.h"

#define NAME_MAX_BYTES 60
#define MESSAGE_MAX_BYTES 160
#define INDENT_MAX 40

#define RED "31"
#define GREEN "32"
#define YELLOW "33"
#define DIM "2"
#define BOLD "1"

void
act_view_safe(struct act_buf *out, struct act_str s, size_t max)
{
    struct act_buf clean = {0};
    act_buf_add_utf8(&clean, s);
    size_t len = clean.len;
    bool cut = max > 0 && len > max;
    if (cut)
        for (len = max; len > 0 && ((unsigned char)clean.ptr[len] & 0xC0) == 0x80;)
            len--;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)clean.ptr[i];
        bool c1 = c == 0xC2 && i + 1 < len && (unsigned char)clean.ptr[i + 1] < 0xA0;
        act_buf_add_byte(out, c < 0x20 || c == 0x7f || c1 ? ' ' : clean.ptr[i]);
        i += c1;
    }
    if (cut)
        act_buf_add_cstr(out, "…");
    act_buf_fini(&clean);
}

uint32_t
act_view_columns(struct act_str s)
{
    uint32_t columns = 0;
    for (size_t i = 0; i < s.len; i++)
        columns += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return columns;
}

void
act_view_duration(struct act_buf *out, int64_t ms)
{
    int64_t s = ms / 1000;
    if (ms < 1000)
        act_buf_printf(out, "%lld ms", (long long)ms);
    else if (ms < 60000)
        act_buf_printf(out, "%lld.%lld s", (long long)s, (long long)(ms % 1000 / 100));
    else if (s < 3600)
        act_buf_printf(out, "%lld min %02lld s", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400)
        act_buf_printf(out, "%lld h %02lld min", (long long)(s / 3600), (long long)(s / 60 % 60));
    else
        act_buf_printf(out, "%lld d %02lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

struct look {
    const char *symbol, *ascii, *color;
};

static struct look
look_of(enum act_status status, bool tolerated)
{
    switch (status) {
    case ACT_STATUS_SUCCEEDED: return (struct look){"✓", "+", GREEN};
    case ACT_STATUS_FAILED:
        return tolerated ? (struct look){"!", "!", YELLOW} : (struct look){"✗", "x", RED};
    case ACT_STATUS_SKIPPED: return (struct look){"–", "-", DIM};
    case ACT_STATUS_CANCELLED: return (struct look){"⊘", "/", YELLOW};
    case ACT_STATUS_PARKED:
    case ACT_STATUS_SUSPENDED: return (struct look){"◦", "o", YELLOW};
    case ACT_STATUS_RUNNING:
    case ACT_STATUS_STOPPING: return (struct look){"●", "*", YELLOW};
    case ACT_STATUS_PENDING:
    case ACT_STATUS_READY: return (struct look){"·", ".", DIM};
    }
    return (struct look){"?", "?", DIM};
}

static enum act_status
status_of(struct act_str name)
{
    for (int i = 0; i <= ACT_STATUS_SUSPENDED; i++)
        if (act_str_is(name, act_status_text((enum act_status)i)))
            return (enum act_status)i;
    return act_str_is(name, "quarantined") ? ACT_STATUS_FAILED : ACT_STATUS_SUSPENDED;
}

static void
paint(struct act_view_out *out, struct act_view_style style, const char *color, struct act_str s)
{
    if (style.color)
        act_buf_printf(&out->buf, "\033[%sm%.*s\033[0m", color, ACT_STR_ARG(s));
    else
        act_buf_add_str(&out->buf, s);
}

static void
pad(struct act_view_out *out, uint32_t columns, uint32_t width)
{
    for (; columns < width; columns++)
        act_buf_add_byte(&out->buf, ' ');
}

/* "fetch", else the last step of its path, else the kind; in brackets what its kind is. */
static void
name_of(struct act_buf *out, const struct act_view *view, const struct act_view_entry *entry)
{
    const char *kind = act_kind_key(act_view_kind(view, entry));
    struct act_str step = entry->path;
    for (size_t i = step.len; i-- > 0;) {
        if (step.ptr[i] == '.') {
            step = act_str_n(step.ptr + i + 1, step.len - i - 1);
            break;
        }
    }
    if (step.len > 0)
        act_view_safe(out, step, NAME_MAX_BYTES);
    if (entry->id.len > 0 && !act_str_ends(step, entry->id)) {
        act_buf_add_byte(out, ' ');
        act_view_safe(out, entry->id, NAME_MAX_BYTES);
    }
    act_buf_printf(out, step.len > 0 ? " (%s)" : "%s", kind);
}

static void
add_origin(struct act_view_out *out, const struct act_view_entry *entry)
{
    const struct act_value *hit = entry->cache ? act_value_get(entry->cache, ACT_STR("hit")) : NULL;
    const struct act_value *run = hit ? act_value_get(hit, ACT_STR("run")) : NULL;
    if (!run || act_value_type(run) != ACT_STRING)
        return;
    act_buf_add_cstr(&out->buf, ": from run ");
    act_view_safe(&out->buf, act_value_as_str(run), NAME_MAX_BYTES);
}

static void
why(struct act_view_out *out, const struct act_view_entry *entry)
{
    const struct act_value *message =
        entry->error ? act_value_get(entry->error, ACT_STR("message")) : NULL;
    if (entry->cause != ACT_CAUSE_NONE)
        act_buf_printf(&out->buf, "  %s", act_cause_text(entry->cause));
    if (entry->cause == ACT_CAUSE_EXIT || entry->cause == ACT_CAUSE_START)
        act_buf_printf(&out->buf, " %d", entry->exit_code);
    if (entry->cause == ACT_CAUSE_SIGNAL)
        act_buf_printf(&out->buf, " %s", act_view_signal_name(entry->signal));
    if (entry->cause == ACT_CAUSE_CACHE)
        add_origin(out, entry);
    if (message && act_value_type(message) == ACT_STRING && act_value_as_str(message).len > 0) {
        act_buf_add_cstr(&out->buf, ": ");
        act_view_safe(&out->buf, act_value_as_str(message), MESSAGE_MAX_BYTES);
    }
    if (entry->tolerated)
        act_buf_add_cstr(&out->buf, " (tolerated)");
}

static int64_t
number_of(const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    int64_t n = 0;
    return v && act_value_is_number(v) && act_value_to_int(v, &n) ? n : 0;
}

void
act_view_add_artifacts(struct act_buf *out, const struct act_view *view,
                       const struct act_value *found, uint32_t indent)
{
    uint32_t count = found && act_value_type(found) == ACT_MAP ? act_value_len(found) : 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct act_value *one = act_value_at(found, i);
        const struct act_value *path = act_value_get(one, ACT_STR("path"));
        int64_t files = number_of(one, "count");
        for (uint32_t k = 0; k < indent; k++)
            act_buf_add_byte(out, ' ');
        act_buf_add_cstr(out, "artifact ");
        act_view_safe(out, act_value_key(found, i), 0);
        act_buf_add_cstr(out, ": ");
        act_view_safe(out, view->folder, 0);
        if (view->folder.len > 0)
            act_buf_add_byte(out, '/');
        if (path && act_value_type(path) == ACT_STRING)
            act_view_safe(out, act_value_as_str(path), 0);
        act_buf_printf(out, ", %lld file%s, %lld bytes\n", (long long)files, files == 1 ? "" : "s",
                       (long long)number_of(one, "bytes"));
    }
}

static void
show_entry(struct act_view_out *out, const struct act_view *view,
           const struct act_view_entry *entry, uint32_t width, struct act_view_style style)
{
    struct look look = look_of(entry->status, entry->tolerated);
    struct act_buf name = {0}, time = {0};
    uint32_t indent = 2 * entry->depth < INDENT_MAX ? 2 * entry->depth : INDENT_MAX;
    pad(out, 0, indent);
    paint(out, style, look.color, act_str(style.ascii ? look.ascii : look.symbol));
    act_buf_add_byte(&out->buf, ' ');
    name_of(&name, view, entry);
    act_buf_add_str(&out->buf, act_buf_str(&name));
    if (entry->recorded && (entry->started_ms != 0 || entry->started_ns != 0))
        act_view_duration(&time, act_view_duration_ms(entry));
    else
        act_buf_add_cstr(&time, entry->recorded ? "" : act_status_text(entry->status));
    uint32_t used = indent + 2 + act_view_columns(act_buf_str(&name));
    pad(out, used + act_view_columns(act_buf_str(&time)), width + 12);
    paint(out, style, DIM, act_buf_str(&time));
    if (entry->attempt > 1)
        act_buf_printf(&out->buf, "  attempt %u", entry->attempt);
    if (entry->turns > 0)
        act_buf_printf(&out->buf, "  %u turns", entry->turns);
    if (entry->reused)
        act_buf_add_cstr(&out->buf, "  reused");
    if (entry->undone != ACT_STATUS_PENDING)
        act_buf_printf(&out->buf, "  undo %s", act_status_text(entry->undone));
    if (entry->status != ACT_STATUS_SUCCEEDED || entry->cause != ACT_CAUSE_NONE)
        why(out, entry);
    while (out->buf.len > 0 && out->buf.ptr[out->buf.len - 1] == ' ')
        out->buf.len--;
    act_buf_add_byte(&out->buf, '\n');
    act_buf_fini(&name);
    act_buf_fini(&time);
    act_view_add_artifacts(&out->buf, view, entry->artifacts, indent + 4);
    act_view_out_flush(out, false);
}

/* Of a rerun or fork: what it came from. */
static void
origin(struct act_view_out *out, const struct act_value *from)
{
    const struct act_value *run = act_value_get(from, ACT_STR("run"));
    const struct act_value *node = act_value_get(from, ACT_STR("node"));
    bool fork = node && act_value_type(node) == ACT_STRING;
    if (!run || act_value_type(run) != ACT_STRING)
        return;
    act_buf_add_cstr(&out->buf, fork ? "\n  fork of run " : "\n  rerun of run ");
    act_view_safe(&out->buf, act_value_as_str(run), 0);
    if (fork) {
        act_buf_add_cstr(&out->buf, " from ");
        act_view_safe(&out->buf, act_value_as_str(node), 0);
    }
}

static void
head(struct act_view_out *out, const struct act_view_document *doc, struct act_view_style style)
{
    struct act_buf line = {0};
    struct look look = look_of(status_of(doc->status), false);
    paint(out, style, look.color, act_str(style.ascii ? look.ascii : look.symbol));
    act_buf_add_byte(&out->buf, ' ');
    act_view_safe(&line, doc->workflow, 0);
    paint(out, style, BOLD, act_buf_str(&line));
    act_buf_printf(&out->buf, "  %.*s  %.*s", ACT_STR_ARG(doc->run), ACT_STR_ARG(doc->status));
    if (doc->duration_ms > 0) {
        act_buf_add_cstr(&out->buf, " in ");
        act_view_duration(&out->buf, doc->duration_ms);
    }
    act_buf_add_cstr(&out->buf, "\n  started ");
    act_instant_text(&out->buf, doc->started_ms / 1000 * 1000);
    act_buf_add_cstr(&out->buf, "  from ");
    act_view_safe(&out->buf, doc->path, 0);
    act_buf_printf(&out->buf, "  plan %.*s", doc->plan_hash.len < 12 ? (int)doc->plan_hash.len : 12,
                   doc->plan_hash.ptr);
    if (doc->commit.len > 0)
        act_buf_printf(&out->buf, "  commit %.*s%s",
                       doc->commit.len < 12 ? (int)doc->commit.len : 12, doc->commit.ptr,
                       doc->dirty > 0 ? " (changed)" : "");
    if (doc->tolerated > 0)
        act_buf_printf(&out->buf, "  %u failure%s tolerated", doc->tolerated,
                       doc->tolerated == 1 ? "" : "s");
    if (doc->from)
        origin(out, doc->from);
    if (doc->at_seq > 0) {
        act_buf_printf(&out->buf, "\n  as it stood after event %llu, ",
                       (unsigned long long)doc->at_seq);
        act_instant_text(&out->buf, doc->at_ms);
    }
    act_buf_add_cstr(&out->buf, "\n");
    act_buf_fini(&line);
}

void
act_view_show_text(struct act_view_out *out, const struct act_view_document *doc,
                   const struct act_view *view, struct act_view_style style)
{
    uint32_t width = 0;
    struct act_buf name = {0};
    head(out, doc, style);
    for (uint32_t i = 0; i < view->entries.len; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        act_buf_clear(&name);
        name_of(&name, view, entry);
        uint32_t indent = 2 * entry->depth < INDENT_MAX ? 2 * entry->depth : INDENT_MAX;
        uint32_t columns = indent + 2 + act_view_columns(act_buf_str(&name));
        width = columns > width ? columns : width;
    }
    act_buf_fini(&name);
    for (uint32_t i = 0; i < view->entries.len; i++)
        show_entry(out, view, &view->entries.ptr[i], width, style);
}

void
act_view_list_text(struct act_view_out *out, const act_run_rows *rows, struct act_view_style style)
{
    uint32_t run_width = 3, name_width = 8;
    for (uint32_t i = 0; i < rows->len; i++) {
        uint32_t run = act_view_columns(rows->ptr[i].run);
        uint32_t name = act_view_columns(rows->ptr[i].workflow);
        run_width = run > run_width ? run : run_width;
        name_width = name > name_width && name <= NAME_MAX_BYTES ? name : name_width;
    }
    if (rows->len > 0) {
        struct act_buf title = {0};
        act_buf_printf(&title, "  %-*s  %-*s  %-11s  %-20s  %s", (int)run_width, "RUN",
                       (int)name_width, "WORKFLOW", "STATUS", "STARTED", "TIME");
        paint(out, style, DIM, act_buf_str(&title));
        act_buf_add_byte(&out->buf, '\n');
        act_buf_fini(&title);
    }
    for (uint32_t i = 0; i < rows->len; i++) {
        const struct act_run_row *row = &rows->ptr[i];
        struct look look = look_of(status_of(row->status), false);
        paint(out, style, look.color, act_str(style.ascii ? look.ascii : look.symbol));
        act_buf_printf(&out->buf, " %.*s", ACT_STR_ARG(row->run));
        pad(out, act_view_columns(row->run), run_width + 2);
        size_t at = out->buf.len;
        act_view_safe(&out->buf, row->workflow, NAME_MAX_BYTES);
        pad(out, act_view_columns(act_str_n(out->buf.ptr + at, out->buf.len - at)), name_width + 2);
        act_buf_printf(&out->buf, "%-11.*s  ", ACT_STR_ARG(row->status));
        at = out->buf.len;
        act_instant_text(&out->buf, row->started_ms / 1000 * 1000);
        pad(out, (uint32_t)(out->buf.len - at), 22);
        if (row->ended_ms > 0 || row->duration_ms > 0)
            act_view_duration(&out->buf, row->duration_ms);
        while (out->buf.len > 0 && out->buf.ptr[out->buf.len - 1] == ' ')
            out->buf.len--;
        act_buf_add_byte(&out->buf, '\n');
        act_view_out_flush(out, false);
    }
}

void
act_view_event_text(struct act_view_out *out, const struct act_plan *plan,
                    const struct act_event *event)
{
    struct act_buf path = {0};
    act_buf_printf(&out->buf, "%6llu  ", (unsigned long long)event->seq);
    size_t at = out->buf.len;
    act_instant_text(&out->buf, event->at_ms);
    pad(out, (uint32_t)(out->buf.len - at), 26);
    act_buf_printf(&out->buf, "%-16s", act_event_text(event->type));
    act_key_path(&path, plan, event->key);
    if (path.len > 0) {
        act_buf_add_cstr(&out->buf, "  ");
        act_view_safe(&out->buf, act_buf_str(&path), 0);
    }
    if (event->attempt > 1)
        act_buf_printf(&out->buf, "  attempt %u", event->attempt);
    if (event->status != ACT_STATUS_PENDING)
        act_buf_printf(&out->buf, "  %s", act_status_text(event->status));
    if (event->cause != ACT_CAUSE_NONE)
        act_buf_printf(&out->buf, " (%s)", act_cause_text(event->cause));
    if (event->name.len > 0 && event->type == ACT_EVENT_SIGNAL) {
        act_buf_add_cstr(&out->buf, "  ");
        act_view_safe(&out->buf, event->name, NAME_MAX_BYTES);
    }
    while (out->buf.len > 0 && out->buf.ptr[out->buf.len - 1] == ' ')
        out->buf.len--;
    act_buf_add_byte(&out->buf, '\n');
    act_buf_fini(&path);
    act_view_out_flush(out, false);
}
