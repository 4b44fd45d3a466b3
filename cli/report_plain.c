/* Plain lines: one a change of state; the tasks' output under the name of its task. */
#include "cli/report.h"

#include "cli/label.h"
#include "cli/term.h"

#define LINE_BYTES_MAX ((size_t)8 * 1024)
/* Standard output is first of all what a task hands on to the next: where there are several tasks,
 * more than this of one attempt is left to `actant logs` (and to --verbose). */
#define LINES_SHOWN 20

static void
begin_line(struct act_report *r, struct act_str label)
{
    act_style_add(&r->out, r->color, ACT_STYLE_BOLD, label);
    act_buf_add_cstr(&r->out, ": ");
}

static void
add_line(struct act_report *r, const struct act_track *track, struct act_str line)
{
    if (r->several) {
        act_style_add(&r->out, r->color, ACT_STYLE_CYAN, act_buf_str(&track->label));
        act_buf_add_cstr(&r->out, " | ");
    }
    act_buf_add_str(&r->out, line);
    act_buf_add_byte(&r->out, '\n');
}

static void
count_lines(struct act_track *track, struct act_str bytes)
{
    for (const char *at; (at = memchr(bytes.ptr, '\n', bytes.len)) != NULL;) {
        size_t len = (size_t)(at - bytes.ptr) + 1;
        track->lines_left_out++;
        bytes = act_str_n(bytes.ptr + len, bytes.len - len);
    }
    if (bytes.len > 0) { /* counted when its end comes, or at the end of all */
        act_buf_clear(&track->partial[0]);
        act_buf_add_byte(&track->partial[0], bytes.ptr[0]);
    } else {
        act_buf_clear(&track->partial[0]);
    }
}

/* Whole lines at once, so that those of several tasks do not mix; a very long one in pieces. */
static void
plain_output(struct act_report *r, struct act_track *track, int stream, struct act_str bytes)
{
    struct act_buf *partial = &track->partial[stream];
    if (!r->several) {
        act_buf_add_str(&r->out, bytes);
        if (bytes.len > 0) {
            act_buf_clear(partial);
            act_buf_add_byte(partial, bytes.ptr[bytes.len - 1]);
        }
        act_report_write(r);
        return;
    }
    while (bytes.len > 0) {
        if (stream == 0 && track->lines_shown >= LINES_SHOWN && !r->verbose) {
            count_lines(track, bytes);
            break;
        }
        const char *end = memchr(bytes.ptr, '\n', bytes.len);
        size_t len = end ? (size_t)(end - bytes.ptr) : bytes.len;
        act_buf_add(partial, bytes.ptr, len);
        if (end || partial->len >= LINE_BYTES_MAX) {
            add_line(r, track, act_buf_str(partial));
            act_buf_clear(partial);
            track->lines_shown += stream == 0;
        }
        len += end != NULL;
        bytes = act_str_n(bytes.ptr + len, bytes.len - len);
    }
    act_report_write(r);
}

static void
end_output(struct act_report *r, struct act_track *track)
{
    for (int i = 0; i < 2; i++) {
        struct act_buf *partial = &track->partial[i];
        if (i == 0 && track->lines_shown >= LINES_SHOWN && !r->verbose)
            track->lines_left_out += partial->len > 0;
        else if (r->several && partial->len > 0)
            add_line(r, track, act_buf_str(partial));
        else if (!r->several && partial->len > 0 && partial->ptr[0] != '\n')
            act_buf_add_byte(&r->out, '\n');
        act_buf_clear(partial);
    }
    if (track->lines_left_out == 0)
        return;
    struct act_buf more = {0};
    act_buf_printf(&more, "… %llu more line%s: actant logs %.*s ",
                   (unsigned long long)track->lines_left_out, track->lines_left_out == 1 ? "" : "s",
                   ACT_STR_ARG(r->run_id));
    act_word_add(&more, act_buf_str(&track->label));
    act_buf_add_str(&more, r->again);
    add_line(r, track, act_buf_str(&more));
    act_buf_fini(&more);
}

static void
say_parked(struct act_report *r, const struct act_run *run, const struct act_event *event,
           struct act_str label)
{
    enum act_kind kind = (enum act_kind)r->plan->nodes.ptr[event->key.node].kind;
    bool again = kind != ACT_KIND_WAIT && kind != ACT_KIND_SLEEP;
    begin_line(r, label);
    if (again && event->attempt <= 1 && event->started_ms > 0) {
        act_buf_add_cstr(&r->out, "starts at ");
        act_instant_text(&r->out, event->started_ms);
        act_buf_add_byte(&r->out, '\n');
        return;
    }
    if (again && event->attempt > 0)
        act_buf_add_cstr(&r->out, "waits before its next attempt");
    else if (kind == ACT_KIND_WAIT)
        act_buf_add_cstr(&r->out, "waits for a signal");
    else
        act_buf_add_cstr(&r->out, "waits");
    if (event->started_ms > 0) {
        act_buf_add_cstr(&r->out, ", until ");
        act_instant_text(&r->out, event->started_ms);
    }
    struct act_expr_id name = act_plan_expr(r->plan, event->key.node, ACT_ATTR_SIGNAL_NAME);
    if (kind == ACT_KIND_WAIT && name.v != ACT_EXPR_NONE &&
        r->plan->exprs.nodes.ptr[name.v].op == ACT_OP_LITERAL) {
        act_buf_printf(&r->out, ": actant signal %.*s ", ACT_STR_ARG(r->run_id));
        struct act_buf text = {0};
        act_value_text(&text, r->plan->exprs.literals.ptr[r->plan->exprs.nodes.ptr[name.v].a]);
        act_word_add(&r->out, act_buf_str(&text));
        act_buf_fini(&text);
        act_buf_printf(&r->out, " true%.*s", ACT_STR_ARG(r->again));
    }
    act_buf_add_byte(&r->out, '\n');
    (void)run;
}

static void
add_verdict(struct act_report *r, enum act_status status)
{
    enum act_style style = status == ACT_STATUS_SUCCEEDED ? ACT_STYLE_GREEN
                           : status == ACT_STATUS_FAILED  ? ACT_STYLE_RED
                                                          : ACT_STYLE_YELLOW;
    act_style_add(&r->out, r->color, style, act_str(act_status_text(status)));
}

/* Causes whose message adds something to their name. */
static bool
says_more(enum act_cause cause)
{
    return cause == ACT_CAUSE_FAIL || cause == ACT_CAUSE_EXPRESSION || cause == ACT_CAUSE_OUTPUT ||
           cause == ACT_CAUSE_START || cause == ACT_CAUSE_EXCEPTION || cause == ACT_CAUSE_REJECTED;
}

static void
say_ended(struct act_report *r, const struct act_event *event, struct act_str label)
{
    const struct act_plan_node *node = &r->plan->nodes.ptr[event->key.node];
    enum act_kind kind = (enum act_kind)node->kind;
    bool failed = event->status == ACT_STATUS_FAILED;
    bool composite = !act_kind_is_leaf(kind) || kind == ACT_KIND_TASK || kind == ACT_KIND_WORKFLOW;
    bool cached = event->cause == ACT_CAUSE_CACHE && event->status == ACT_STATUS_SUCCEEDED;
    if (composite && !cached && (!failed || event->cause == ACT_CAUSE_MEMBERS) &&
        event->status != ACT_STATUS_SKIPPED)
        return;
    if (composite && failed && event->cause != ACT_CAUSE_TIMEOUT && event->cause != ACT_CAUSE_MAX &&
        event->cause != ACT_CAUSE_EXPRESSION)
        return;
    if (act_label_is_quick(kind) && !failed)
        return;
    begin_line(r, label);
    if (cached) {
        act_cause_add(&r->out, event);
        act_buf_add_byte(&r->out, '\n');
        return;
    }
    if (event->bits & ACT_REUSED_END)
        act_buf_add_cstr(&r->out, event->status == ACT_STATUS_SUCCEEDED ? "reused" : "reused: ");
    if (!(event->bits & ACT_REUSED_END) || event->status != ACT_STATUS_SUCCEEDED)
        add_verdict(r, event->status);
    if ((event->status == ACT_STATUS_SUCCEEDED || failed) && !(event->bits & ACT_REUSED_END)) {
        act_buf_add_cstr(&r->out, failed ? " after " : " in ");
        act_elapsed_add(&r->out, event->started_ms > 0 ? event->at_ms - event->started_ms : 0);
    }
    bool plainly = event->status == ACT_STATUS_CANCELLED && event->cause == ACT_CAUSE_CANCELLED;
    if (event->cause != ACT_CAUSE_NONE && event->status != ACT_STATUS_SUCCEEDED && !plainly) {
        act_buf_add_cstr(&r->out, ": ");
        act_cause_add(&r->out, event);
    }
    const struct act_value *message =
        event->error ? act_value_get(event->error, ACT_STR("message")) : NULL;
    if (failed && message && says_more(event->cause)) {
        act_buf_add_cstr(&r->out, ": ");
        struct act_buf text = {0};
        act_value_text(&text, message);
        act_safe_add(&r->out, act_buf_str(&text));
        act_buf_fini(&text);
    }
    if (event->flag)
        act_buf_add_cstr(&r->out, " (tolerated)");
    act_buf_add_byte(&r->out, '\n');
}

/* What the author calls it, where that says more than the label. */
static void
add_title(struct act_report *r, const struct act_run *run, const struct act_event *event)
{
    struct act_buf name = {0};
    if (act_run_name(run, act_run_find(run, event->key), &name)) {
        act_buf_add_cstr(&r->out, ": ");
        act_safe_add(&r->out, act_buf_str(&name));
    }
    act_buf_fini(&name);
}

static void
plain_event(struct act_report *r, const struct act_run *run, const struct act_event *event,
            struct act_str label, struct act_track *track)
{
    enum act_event_type type = event->type;
    if (type == ACT_EVENT_DISPATCHED && r->several) {
        begin_line(r, label);
        act_buf_add_cstr(&r->out, "started");
        if (event->attempt > 1)
            act_buf_printf(&r->out, " (attempt %u)", event->attempt);
        add_title(r, run, event);
        act_buf_add_byte(&r->out, '\n');
    } else if (type == ACT_EVENT_ENDED && track) {
        end_output(r, track);
    } else if (type == ACT_EVENT_NODE_PARKED) {
        say_parked(r, run, event, label);
    } else if (type == ACT_EVENT_NODE_ENDED &&
               (r->several || event->status != ACT_STATUS_SUCCEEDED ||
                event->cause == ACT_CAUSE_CACHE)) {
        say_ended(r, event, label);
    } else if (type == ACT_EVENT_UNDONE) {
        begin_line(r, label);
        act_buf_printf(&r->out, "undo %s\n", act_status_text(event->status));
    } else if (type == ACT_EVENT_SIGNAL) {
        act_buf_printf(&r->out, "signal '%.*s' came in\n", ACT_STR_ARG(event->name));
    } else if (type == ACT_EVENT_CANCEL) {
        act_buf_add_cstr(&r->out, "the run is being cancelled\n");
    } else if (type == ACT_EVENT_SUSPEND) {
        act_buf_add_cstr(&r->out, "the run is being suspended: what runs is stopped first\n");
    }
}

static void
plain_warning(struct act_report *r, const char *text)
{
    act_report_quiet.warning(r, text);
}

const struct act_report_ops act_report_plain = {
    .event = plain_event,
    .output = plain_output,
    .warning = plain_warning,
    .flush = act_report_write,
};
