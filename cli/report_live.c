/* The live tree: what runs, for how long, the last lines it wrote, done of total. Painted at most ten
 * times a second, never wider or higher than the terminal; when the run has ended the last picture
 * stays. Nothing is hidden or switched over, so that a kill leaves the terminal as it was. */
#include "cli/report.h"

#include "cli/label.h"
#include "cli/term.h"

#include <unistd.h>

#define FRAME_MS 100
#define ROWS_MAX 4000u
#define INDENT_MAX 12u

struct row {
    act_inst inst;
    uint32_t node, depth, attempt, done, total;
    enum act_status status;
    enum act_cause cause;
    int64_t elapsed_ms; /* -1: not begun */
    int64_t number;     /* turn or item; -1: none */
    const struct act_track *track;
    uint8_t weight; /* what is left out first has least */
};

struct picture {
    struct act_report *r;
    int64_t now_ms;
    ACT_VEC(struct row) rows;
    uint32_t left_out, running;
    bool last;
    struct act_buf line;
    uint32_t columns;
    ACT_VEC(uint32_t) widths;
};

static const struct act_track *
track_of(const struct act_report *r, act_inst inst)
{
    for (uint32_t i = 0; i < r->tracks.len; i++)
        if (r->tracks.ptr[i]->inst == inst)
            return r->tracks.ptr[i];
    return NULL;
}

static uint8_t
weight_of(enum act_status status, bool leaf)
{
    switch (status) {
    case ACT_STATUS_RUNNING:
    case ACT_STATUS_STOPPING:
    case ACT_STATUS_FAILED: return 4;
    case ACT_STATUS_PARKED: return 3;
    case ACT_STATUS_READY: return 2;
    case ACT_STATUS_SUCCEEDED:
    case ACT_STATUS_CANCELLED:
    case ACT_STATUS_SUSPENDED:
    case ACT_STATUS_PENDING: return leaf ? 1 : 2;
    case ACT_STATUS_SKIPPED: break;
    }
    return 0;
}

static int64_t
elapsed_of(const struct picture *p, const struct act_inst_view *view)
{
    if (view->started_ms <= 0)
        return -1;
    if (view->ended_ns > 0 && view->started_ns > 0)
        return (view->ended_ns - view->started_ns) / 1000000;
    return p->now_ms - view->started_ms;
}

static bool
add_row(void *self, const struct act_inst_view *view)
{
    struct picture *p = self;
    const struct act_plan_node *node = &p->r->plan->nodes.ptr[view->node];
    enum act_kind kind = (enum act_kind)node->kind;
    bool leaf = act_kind_is_leaf(kind);
    bool running = view->status == ACT_STATUS_RUNNING || view->status == ACT_STATUS_STOPPING;
    p->running += running && act_label_is_task(kind);
    if (p->rows.len >= ROWS_MAX) {
        p->left_out++;
        return false;
    }
    bool numbered = node->role == ACT_ROLE_DO && view->key.count > 0;
    struct row row = {
        .inst = view->inst,
        .node = view->node,
        .depth = view->depth,
        .attempt = view->attempt,
        .done = view->done,
        .total = view->total,
        .status = view->status,
        .cause = view->cause,
        .elapsed_ms = elapsed_of(p, view),
        .number = numbered ? (int64_t)view->key.numbers[view->key.count - 1] : -1,
        .track = running && leaf ? track_of(p->r, view->inst) : NULL,
        .weight = weight_of(view->status, leaf),
    };
    act_vec_push(&p->rows, row);
    return true;
}

/* Leaves out what matters least until at most max rows are left. */
static void
thin_out(struct picture *p, uint32_t max)
{
    for (uint8_t weight = 0; weight < 4 && p->rows.len > max; weight++) {
        uint32_t excess = p->rows.len - max, kept = 0;
        for (uint32_t i = 0; i < p->rows.len; i++) {
            if (excess > 0 && p->rows.ptr[i].weight == weight) {
                excess--;
                p->left_out++;
            } else {
                p->rows.ptr[kept++] = p->rows.ptr[i];
            }
        }
        p->rows.len = kept;
    }
    if (p->rows.len > max) {
        p->left_out += p->rows.len - max;
        p->rows.len = max;
    }
}

/* ---- painting ------------------------------------------------------------------------------- */

static uint32_t
add_fitted(struct picture *p, enum act_style style, struct act_str text, uint32_t used)
{
    struct act_buf fitted = {0};
    uint32_t room = p->columns > used ? p->columns - used : 0;
    uint32_t wide = act_fit_add(&fitted, text, room);
    act_style_add(&p->line, p->r->color, style, act_buf_str(&fitted));
    act_buf_fini(&fitted);
    return used + wide;
}

static uint32_t
add_cstr(struct picture *p, enum act_style style, const char *text, uint32_t used)
{
    return add_fitted(p, style, act_str(text), used);
}

static void
end_line(struct picture *p, uint32_t used)
{
    act_buf_add_cstr(&p->line, "\x1b[K\n");
    act_vec_push(&p->widths, used);
}

static uint32_t
add_mark(struct picture *p, const struct row *row, uint32_t used)
{
    static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    switch (row->status) {
    case ACT_STATUS_SUCCEEDED: return add_cstr(p, ACT_STYLE_GREEN, "✓ ", used);
    case ACT_STATUS_FAILED: return add_cstr(p, ACT_STYLE_RED, "✗ ", used);
    case ACT_STATUS_SKIPPED: return add_cstr(p, ACT_STYLE_DIM, "- ", used);
    case ACT_STATUS_CANCELLED:
    case ACT_STATUS_SUSPENDED: return add_cstr(p, ACT_STYLE_YELLOW, "⊘ ", used);
    case ACT_STATUS_PARKED: return add_cstr(p, ACT_STYLE_YELLOW, "◷ ", used);
    case ACT_STATUS_RUNNING:
    case ACT_STATUS_STOPPING:
        used = add_cstr(p, ACT_STYLE_CYAN, spinner[p->r->frame % 10], used);
        return add_cstr(p, ACT_STYLE_NONE, " ", used);
    case ACT_STATUS_PENDING:
    case ACT_STATUS_READY: break;
    }
    return add_cstr(p, ACT_STYLE_DIM, "· ", used);
}

/* The id; else the name if it is constant; else the kind, of a script with its first line. */
static void
add_name(struct act_buf *out, const struct act_report *r, const struct row *row)
{
    const struct act_plan *plan = r->plan;
    const struct act_plan_node *node = &plan->nodes.ptr[row->node];
    const struct act_value *script = act_plan_literal(plan, row->node, ACT_ATTR_SCRIPT);
    if (node->id != ACT_NODE_NONE) {
        act_buf_add_str(out, act_plan_text(plan, node->id));
    } else if (act_run_name(r->run, row->inst, out)) {
        return;
    } else if (node->role == ACT_ROLE_ROOT && row->depth == 0) {
        act_buf_add_str(out, act_plan_text(plan, plan->name));
    } else {
        act_buf_add_cstr(out, act_kind_key((enum act_kind)node->kind));
        struct act_str text = script ? act_str_trim(act_value_as_str(script)) : act_str(NULL);
        const char *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        if (len > 0)
            act_buf_printf(out, ": %.*s", (int)(len > 40 ? 40 : len), text.ptr);
    }
    if (row->number >= 0)
        act_buf_printf(out, "[%lld]", (long long)row->number);
}

static const char *
state_text(const struct row *row, enum act_kind kind)
{
    if (row->status == ACT_STATUS_PARKED)
        return kind == ACT_KIND_WAIT ? "  waits for a signal" : "  waits";
    if (row->status == ACT_STATUS_STOPPING)
        return "  stopping";
    if (row->status == ACT_STATUS_SUCCEEDED && row->cause == ACT_CAUSE_CACHE)
        return "  cached";
    if (row->status == ACT_STATUS_SKIPPED)
        return "  skipped";
    if (row->status == ACT_STATUS_CANCELLED)
        return "  cancelled";
    return "";
}

static void
paint_row(struct picture *p, const struct row *row)
{
    enum act_kind kind = (enum act_kind)p->r->plan->nodes.ptr[row->node].kind;
    struct act_buf text = {0};
    uint32_t indent = row->depth < INDENT_MAX ? row->depth : INDENT_MAX, used = 0;
    for (uint32_t i = 0; i < indent; i++)
        used = add_cstr(p, ACT_STYLE_NONE, "  ", used);
    used = add_mark(p, row, used);
    add_name(&text, p->r, row);
    used =
        add_fitted(p, row->depth == 0 ? ACT_STYLE_BOLD : ACT_STYLE_NONE, act_buf_str(&text), used);
    act_buf_clear(&text);
    if (row->total != UINT32_MAX && row->total > 0)
        act_buf_printf(&text, "  %u/%u", row->done, row->total);
    if (row->elapsed_ms >= 0 && row->status != ACT_STATUS_SKIPPED && !act_label_is_quick(kind)) {
        act_buf_add_cstr(&text, "  ");
        act_elapsed_add(&text, row->elapsed_ms);
    }
    if (row->attempt > 1)
        act_buf_printf(&text, "  attempt %u", row->attempt);
    act_buf_add_cstr(&text, state_text(row, kind));
    used = add_fitted(p, ACT_STYLE_DIM, act_buf_str(&text), used);
    act_buf_fini(&text);
    end_line(p, used);
}

static void
paint_tail(struct picture *p, const struct row *row, uint32_t lines)
{
    uint32_t indent = (row->depth < INDENT_MAX ? row->depth : INDENT_MAX) + 1;
    if (!row->track)
        return;
    for (uint32_t i = lines; i-- > 0;) {
        struct act_str line = act_track_tail(row->track, i);
        uint32_t used = 0;
        if (line.len == 0)
            continue;
        for (uint32_t k = 0; k < indent; k++)
            used = add_cstr(p, ACT_STYLE_NONE, "  ", used);
        used = add_cstr(p, ACT_STYLE_DIM, "│ ", used);
        end_line(p, add_fitted(p, ACT_STYLE_DIM, line, used));
    }
}

static void
paint_foot(struct picture *p)
{
    struct act_report *r = p->r;
    struct act_buf text = {0};
    if (p->left_out > 0)
        act_buf_printf(&text, "… %u more · ", p->left_out);
    act_buf_printf(&text, "%llu task%s done", (unsigned long long)r->tasks_ended,
                   r->tasks_ended == 1 ? "" : "s");
    if (r->tasks_failed > 0)
        act_buf_printf(&text, ", %llu failed", (unsigned long long)r->tasks_failed);
    if (!p->last)
        act_buf_printf(&text, ", %u running", p->running);
    act_buf_add_cstr(&text, " · ");
    act_elapsed_add(&text, p->now_ms - r->started_ms);
    act_buf_printf(&text, " · run %.*s", ACT_STR_ARG(r->run_id));
    end_line(p, add_fitted(p, ACT_STYLE_DIM, act_buf_str(&text), 0));
    act_buf_fini(&text);
}

/* Goes back over what was painted; lines that the terminal has since broken count for more. */
static void
add_erase(struct act_report *r, uint32_t columns)
{
    uint32_t lines = 0;
    for (uint32_t i = 0; i < r->painted_count; i++)
        lines += r->painted[i] > columns ? (r->painted[i] + columns - 1) / columns : 1;
    r->painted_count = 0;
    if (lines > 0)
        act_buf_printf(&r->out, "\r\x1b[%uA\x1b[J", lines);
}

static uint32_t
tail_lines(const struct picture *p, uint32_t max)
{
    uint32_t tracks = 0;
    for (uint32_t i = 0; i < p->rows.len; i++)
        tracks += p->rows.ptr[i].track != NULL;
    uint32_t room = max > p->rows.len ? max - p->rows.len : 0;
    uint32_t each = tracks > 0 ? room / tracks : 0;
    return each < ACT_TAIL_LINES ? each : ACT_TAIL_LINES;
}

static void
paint(struct act_report *r, bool last)
{
    uint32_t columns, terminal_rows;
    struct picture p = {.r = r, .last = last, .now_ms = r->loop->ops->now_ms(r->loop)};
    act_term_size(STDERR_FILENO, &columns, &terminal_rows);
    p.columns = columns > 1 ? columns - 1 : 1; /* the last column would wrap on some terminals */
    uint32_t max = terminal_rows > 4 ? terminal_rows - 3 : 1;
    act_run_walk(r->run, add_row, &p);
    thin_out(&p, max);
    uint32_t lines = last ? 0 : tail_lines(&p, max);
    for (uint32_t i = 0; i < p.rows.len; i++) {
        paint_row(&p, &p.rows.ptr[i]);
        paint_tail(&p, &p.rows.ptr[i], lines);
    }
    paint_foot(&p);
    add_erase(r, columns);
    act_buf_add_str(&r->out, act_buf_str(&p.line));
    act_report_write(r);
    act_free(r->painted);
    r->painted = last ? NULL : p.widths.ptr;
    r->painted_count = last ? 0 : p.widths.len;
    if (last)
        act_vec_fini(&p.widths);
    act_vec_fini(&p.rows);
    act_buf_fini(&p.line);
    r->frame++;
}

static void
tick(void *self)
{
    struct act_report *r = self;
    r->timer = r->loop->ops->start_timer(r->loop, FRAME_MS, tick, r);
    if (r->run)
        paint(r, false);
}

/* ---- what comes in -------------------------------------------------------------------------- */

static void
live_event(struct act_report *r, const struct act_run *run, const struct act_event *event,
           struct act_str label, struct act_track *track)
{
    (void)run;
    (void)event;
    (void)label;
    (void)track;
    if (!r->timer)
        r->timer = r->loop->ops->start_timer(r->loop, FRAME_MS, tick, r);
}

static void
live_output(struct act_report *r, struct act_track *track, int stream, struct act_str bytes)
{
    (void)r;
    (void)stream;
    act_track_keep_tail(track, bytes);
}

static void
live_warning(struct act_report *r, const char *text)
{
    uint32_t columns, rows;
    act_term_size(STDERR_FILENO, &columns, &rows);
    add_erase(r, columns);
    act_report_quiet.warning(r, text);
}

static void
live_end(struct act_report *r, const struct act_run *run)
{
    (void)run;
    if (r->timer)
        r->loop->ops->stop_timer(r->timer);
    r->timer = NULL;
    paint(r, true);
}

const struct act_report_ops act_report_live = {
    .event = live_event,
    .output = live_output,
    .warning = live_warning,
    .end = live_end,
};
