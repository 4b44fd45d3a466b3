/* GitHub Actions: plain lines, each task's output in a group of its own and with workflow commands
 * switched off, so that no output can give the runner orders; annotations for what failed. */
#include "cli/report.h"

#include "cli/github.h"
#include "cli/label.h"
#include "engine/view/view_log.h"

#include <stdio.h>
#include <sys/random.h>

static void
stop_commands(struct act_report *r)
{
    if (!r->stop_token[0]) {
        uint8_t bytes[16] = {0};
        if (getrandom(bytes, sizeof(bytes), 0) < 0)
            act_buf_printf(&r->out, "::warning::no random numbers\n");
        act_hex(r->stop_token, bytes, sizeof(bytes));
    }
    act_buf_printf(&r->out, "::stop-commands::%s\n", r->stop_token);
}

static void
begin_group(struct act_report *r, struct act_str label)
{
    act_github_group(&r->out, label);
    stop_commands(r);
}

static void
end_group(struct act_report *r)
{
    if (r->out.len > 0 && r->out.ptr[r->out.len - 1] != '\n')
        act_buf_add_byte(&r->out, '\n');
    act_buf_printf(&r->out, "::%s::\n", r->stop_token);
    act_github_group_end(&r->out);
}

static enum act_err
add_part(void *self, int stream, struct act_str bytes, struct act_error *err)
{
    struct act_report *r = self;
    (void)stream;
    (void)err;
    act_buf_add_str(&r->out, bytes);
    act_report_write(r);
    return ACT_OK;
}

static void
say_output(struct act_report *r, const struct act_event *event, struct act_str label)
{
    struct act_view_attempt attempt = {
        .ended = true, .out = event->out, .err = event->err, .order = event->order};
    struct act_view_log_sink sink = {.self = r, .part = add_part};
    if (event->out.bytes.len + event->out.length + event->err.bytes.len + event->err.length == 0)
        return;
    begin_group(r, label);
    act_view_log(r->blobs, &attempt, 0, &sink, NULL, NULL);
    act_buf_add_byte(&r->out, '\n');
    end_group(r);
}

static void
annotate(struct act_report *r, const struct act_event *event, struct act_str label)
{
    struct act_buf text = {0};
    act_cause_add(&text, event);
    if (event->message.len > 0)
        act_buf_printf(&text, ": %.*s", ACT_STR_ARG(event->message));
    const struct act_plan_span *span =
        event->key.node < r->plan->spans.len ? &r->plan->spans.ptr[event->key.node] : NULL;
    bool known = span && span->source < r->plan->sources.len;
    act_github_annotate(&r->out, "error",
                        known ? r->plan->sources.ptr[span->source].path : act_str(NULL),
                        known ? span->line : 0, label, act_buf_str(&text));
    act_buf_fini(&text);
}

static void
github_event(struct act_report *r, const struct act_run *run, const struct act_event *event,
             struct act_str label, struct act_track *track)
{
    if (event->type == ACT_EVENT_DISPATCHED && !r->several)
        begin_group(r, label);
    if (event->type == ACT_EVENT_ENDED && r->several)
        say_output(r, event, label);
    else if (event->type == ACT_EVENT_ENDED)
        end_group(r);
    act_report_plain.event(r, run, event, label, r->several ? NULL : track);
    bool task = act_label_is_task((enum act_kind)r->plan->nodes.ptr[event->key.node].kind);
    if (event->type == ACT_EVENT_NODE_ENDED && !(event->bits & ACT_REUSED_END) &&
        event->status == ACT_STATUS_FAILED && !event->flag && task)
        annotate(r, event, label);
}

static void
github_output(struct act_report *r, struct act_track *track, int stream, struct act_str bytes)
{
    if (!r->several)
        act_report_plain.output(r, track, stream, bytes);
}

static void
github_warning(struct act_report *r, const char *text)
{
    act_github_annotate(&r->out, "warning", act_str(NULL), 0, ACT_STR("actant"), act_str(text));
    act_report_write(r);
}

const struct act_report_ops act_report_github = {
    .event = github_event,
    .output = github_output,
    .warning = github_warning,
    .flush = act_report_write,
};
