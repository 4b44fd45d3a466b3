#include "cli/finish.h"

#include "cli/github.h"
#include "cli/junit.h"
#include "cli/label.h"
#include "cli/store.h"
#include "cli/term.h"

#include <signal.h>
#include <unistd.h>

#define SHOWN_FAILURES 5
#define SHOWN_LINES 10
#define SHOWN_RESULT_LINES 40
#define SHOWN_COLUMNS 100

struct act_str
act_finish_again(struct act_cli *cli)
{
    const struct act_strs *given = &cli->args.given[ACT_OPT_DB];
    struct act_buf text = {0};
    if (given->len > 0) {
        act_buf_add_cstr(&text, " --db ");
        act_word_add(&text, *act_vec_last(given));
    }
    struct act_str again = act_arena_str(&cli->arena, act_buf_str(&text));
    act_buf_fini(&text);
    return again;
}

void
act_finish_announce(struct act_report *report, const struct act_run_row *row)
{
    if (report->ops == &act_report_live)
        return; /* the tree's foot has it */
    act_buf_printf(&report->out, "run %.*s of ", ACT_STR_ARG(row->run));
    act_style_add(&report->out, report->color, ACT_STYLE_BOLD, row->workflow);
    act_buf_add_byte(&report->out, '\n');
    act_report_write(report);
}

static int
suspended_by(const struct act_finish *f)
{
    int number = f->live->coord ? act_coord_signal(f->live->coord) : f->suspended_by;
    return number > 0 ? number : SIGINT;
}

static int
exit_code_of(const struct act_finish *f, enum act_status status)
{
    switch (status) {
    case ACT_STATUS_SUCCEEDED: return ACT_EXIT_SUCCEEDED;
    case ACT_STATUS_FAILED: return ACT_EXIT_FAILED;
    case ACT_STATUS_CANCELLED: return f->cancel_wanted ? ACT_EXIT_SUCCEEDED : ACT_EXIT_CANCELLED;
    case ACT_STATUS_SUSPENDED: return ACT_EXIT_SIGNAL + suspended_by(f);
    case ACT_STATUS_PENDING:
    case ACT_STATUS_READY:
    case ACT_STATUS_PARKED:
    case ACT_STATUS_RUNNING:
    case ACT_STATUS_STOPPING:
    case ACT_STATUS_SKIPPED: break;
    }
    return ACT_EXIT_BROKEN;
}

/* ---- the message ---------------------------------------------------------------------------- */

static void
add_next(struct act_buf *out, const struct act_finish *f, const char *verb, struct act_str node,
         const char *what)
{
    act_buf_printf(out, "  actant %s %.*s", verb, ACT_STR_ARG(f->live->row.run));
    if (node.len > 0) {
        act_buf_add_byte(out, ' ');
        act_word_add(out, node);
    }
    act_buf_printf(out, "%.*s   # %s\n", ACT_STR_ARG(f->report->again), what);
}

static void
add_failure(struct act_buf *out, const struct act_finish *f, const struct act_failure *failure)
{
    const struct act_report *r = f->report;
    act_style_add(out, r->color, ACT_STYLE_BOLD, failure->label);
    act_buf_printf(out, ": %.*s", ACT_STR_ARG(failure->cause));
    if (failure->message.len > 0) {
        act_buf_add_cstr(out, ": ");
        act_safe_add(out, failure->message);
    }
    if (failure->attempt > 1)
        act_buf_printf(out, " (attempt %u)", failure->attempt);
    if (failure->tolerated)
        act_buf_add_cstr(out, " (tolerated)");
    act_buf_add_byte(out, '\n');
    bool shown = r->ops == &act_report_plain && !r->several; /* it has just gone by */
    if (!shown)
        act_failure_tail(out, r, failure, SHOWN_LINES, "  | ");
}

static bool
is_named(const struct act_value *error, struct act_str label)
{
    const struct act_value *node = act_value_get(error, ACT_STR("node"));
    return node && act_value_type(node) == ACT_STRING && act_str_eq(act_value_as_str(node), label);
}

/* Failures that were caught or tolerated are not why the run failed. */
static bool
is_reason(const struct act_value *error, const struct act_failure *failure)
{
    const struct act_value *causes = act_value_get(error, ACT_STR("causes"));
    if (is_named(error, failure->label))
        return true;
    for (uint32_t i = 0; causes && i < act_value_len(causes); i++) {
        const struct act_value *one = act_value_at(causes, i);
        const struct act_value *inner = act_value_get(one, ACT_STR("causes"));
        if (is_named(one, failure->label) || (inner && act_value_len(inner) > 0))
            return true;
    }
    return false;
}

static void
add_failures(struct act_buf *out, const struct act_finish *f, const struct act_value *error)
{
    const struct act_report *r = f->report;
    const struct act_value *node = error ? act_value_get(error, ACT_STR("node")) : NULL;
    struct act_str first = node ? act_value_as_str(node) : ACT_STR("");
    uint32_t shown = 0;
    for (uint32_t i = 0; error && i < 2 * r->failures.len && shown < SHOWN_FAILURES; i++) {
        const struct act_failure *failure = &r->failures.ptr[i % r->failures.len];
        if (failure->tolerated != (i >= r->failures.len) || !is_reason(error, failure))
            continue;
        first = shown++ == 0 ? failure->label : first;
        add_failure(out, f, failure);
    }
    if (f->live->engine->store) {
        act_style_add(out, r->color, ACT_STYLE_BOLD, ACT_STR("next\n"));
        if (shown > 0)
            add_next(out, f, "logs", first, "what it wrote");
        if (first.len > 0)
            add_next(out, f, "explain", first, "why it ran and what decided");
        add_next(out, f, "retry", ACT_STR(""), "new attempts of what failed");
    }
}

static void
add_verdict(struct act_buf *out, const struct act_finish *f, const struct act_outcome *outcome)
{
    bool color = f->report->color;
    enum act_style style = outcome->status == ACT_STATUS_SUCCEEDED ? ACT_STYLE_GREEN
                           : outcome->status == ACT_STATUS_FAILED  ? ACT_STYLE_RED
                                                                   : ACT_STYLE_YELLOW;
    act_buf_printf(out, "run %.*s ", ACT_STR_ARG(f->live->row.run));
    act_style_add(out, color, style, act_str(act_status_text(outcome->status)));
    act_buf_add_cstr(out, " in ");
    act_elapsed_add(out, f->live->row.duration_ms);
    if (outcome->tolerated > 0)
        act_buf_printf(out, ", %u failure%s tolerated", outcome->tolerated,
                       outcome->tolerated == 1 ? "" : "s");
    const struct act_value *message =
        outcome->error ? act_value_get(outcome->error, ACT_STR("message")) : NULL;
    const struct act_value *node =
        outcome->error ? act_value_get(outcome->error, ACT_STR("node")) : NULL;
    if (outcome->status == ACT_STATUS_FAILED && message) {
        struct act_buf text = {0};
        if (node)
            act_value_text(&text, node);
        act_buf_add_cstr(&text, text.len > 0 ? ": " : "");
        act_value_text(&text, message);
        act_buf_add_cstr(out, ": ");
        act_safe_add(out, act_buf_str(&text));
        act_buf_fini(&text);
    }
    act_buf_add_byte(out, '\n');
}

/* A value in a few lines; --json has all of it. */
static void
add_value(struct act_buf *out, const struct act_finish *f, const char *name,
          const struct act_value *value)
{
    struct act_buf text = {0};
    enum act_type type = act_value_type(value);
    if (type == ACT_REF)
        act_bytes_add(&text, act_value_ref_bytes(value));
    else if (type == ACT_STRING)
        act_value_text(&text, value);
    else
        act_json_write(&text, value, 0);
    if (type != ACT_STRING && text.len > SHOWN_COLUMNS && type != ACT_REF) {
        act_buf_clear(&text);
        act_json_write(&text, value, 2);
    }
    act_style_add(out, f->report->color, ACT_STYLE_BOLD, act_str(name));
    struct act_str rest = act_buf_str(&text);
    bool several = rest.len > 0 && memchr(rest.ptr, '\n', rest.len);
    act_buf_add_cstr(out, several ? "\n" : " ");
    for (uint32_t line = 0; rest.len > 0 || line == 0; line++) {
        const char *end = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        if (line == SHOWN_RESULT_LINES) {
            act_buf_add_cstr(out, "  … (all of it: --json)\n");
            break;
        }
        act_buf_add_cstr(out, several ? "  " : "");
        act_fit_add(out, act_str_n(rest.ptr, len), 4 * SHOWN_COLUMNS);
        act_buf_add_byte(out, '\n');
        len += end != NULL;
        rest = act_str_n(rest.ptr + len, rest.len - len);
    }
    act_buf_fini(&text);
}

/* What a single task printed has gone by already, unless it was a live tree that was shown. */
static void
add_results(struct act_buf *out, const struct act_finish *f, const struct act_outcome *outcome)
{
    bool gone_by = act_label_is_task((enum act_kind)f->live->plan->nodes.ptr[0].kind) &&
                   f->report->ops != &act_report_live;
    if (f->cli->json || outcome->status != ACT_STATUS_SUCCEEDED)
        return;
    if (!gone_by && outcome->result && act_value_type(outcome->result) != ACT_NULL)
        add_value(out, f, "result", outcome->result);
    if (outcome->outputs && act_value_len(outcome->outputs) > 0)
        add_value(out, f, "outputs", outcome->outputs);
}

static void
say(const struct act_finish *f, const struct act_outcome *outcome)
{
    struct act_buf out = {0};
    bool quiet = act_cli_flag(f->cli, ACT_OPT_QUIET);
    if (!quiet || outcome->status != ACT_STATUS_SUCCEEDED)
        add_verdict(&out, f, outcome);
    if (!quiet)
        add_results(&out, f, outcome);
    if (outcome->status == ACT_STATUS_FAILED)
        add_failures(&out, f, outcome->error);
    if (outcome->status == ACT_STATUS_SUSPENDED && f->live->engine->store) {
        add_next(&out, f, "resume", ACT_STR(""), "go on with it");
        add_next(&out, f, "cancel", ACT_STR(""), "end it: its finally and undo run");
    }
    act_write_all(STDERR_FILENO, act_buf_str(&out));
    act_buf_fini(&out);
}

/* ---- documents and reports ------------------------------------------------------------------ */

/* Without --json what it holds is only looked at. */
static int
write_document(const struct act_finish *f, int code)
{
    struct act_error err = {0};
    struct act_out out;
    bool json = f->cli->json;
    act_out_init(&out, act_cli_out_fd(f->cli));
    struct act_view_out view = {.write = json ? act_out_sink : NULL,
                                .self = &out,
                                .blobs = f->live->site.blobs,
                                .probe = !json};
    act_live_document(f->live, &view);
    act_view_out_flush(&view, true);
    code = act_cli_damage(f->cli, &view, code);
    act_view_out_fini(&view);
    return act_out_fini(&out, &err) ? act_cli_fail(f->cli, &err) : code;
}

/* The whole run, earlier lives included, is read back from the store. */
static enum act_err
write_junit(const struct act_finish *f, struct act_error *err)
{
    struct act_str path = act_cli_text(f->cli, ACT_OPT_JUNIT);
    const struct act_run_row *row = &f->live->row;
    struct act_view view;
    if (path.len == 0)
        return ACT_OK;
    if (!f->live->engine->store)
        return act_error_set(err, ACT_ERR_USAGE, "--junit needs the history");
    act_view_init(&view, f->live->plan, f->live->site.blobs ? &f->live->site.blobs->loader : NULL);
    enum act_err code = f->live->engine->store->ops->read_batches(f->live->engine->store, row->run,
                                                                  1, act_view_batch, &view, err);
    if (!code) {
        act_view_finish(&view);
        code = act_compose_may_write(f->live->engine->store, path, err);
    }
    if (!code)
        code = act_junit_write(act_arena_str(&f->cli->arena, path).ptr, &view, row,
                               f->live->site.blobs, err);
    act_view_fini(&view);
    return code;
}

static void
write_summary(const struct act_finish *f, const struct act_outcome *outcome)
{
    struct act_buf text = {0};
    if (!act_github_is_on())
        return;
    act_buf_printf(&text, "### %.*s %s\n\n", ACT_STR_ARG(f->live->row.workflow),
                   act_status_text(outcome->status));
    act_buf_printf(&text, "run `%.*s`, %llu tasks, ", ACT_STR_ARG(f->live->row.run),
                   (unsigned long long)f->report->tasks_ended);
    act_elapsed_add(&text, f->live->row.duration_ms);
    act_buf_add_cstr(&text, "\n\n");
    uint32_t count = f->report->failures.len;
    for (uint32_t i = 0; i < 2 * count; i++) { /* first those that matter */
        const struct act_failure *failure = &f->report->failures.ptr[i % count];
        if (failure->tolerated == (i >= count))
            act_buf_printf(&text, "- `%.*s`: %.*s%s\n", ACT_STR_ARG(failure->label),
                           ACT_STR_ARG(failure->cause), failure->tolerated ? " (tolerated)" : "");
    }
    act_github_summary(act_buf_str(&text));
    act_buf_fini(&text);
}

int
act_finish(const struct act_finish *f)
{
    struct act_outcome outcome;
    struct act_error err = {0};
    act_live_refresh(f->live);
    act_run_outcome(act_live_run(f->live), &outcome);
    say(f, &outcome);
    write_summary(f, &outcome);
    int code = exit_code_of(f, outcome.status);
    if (write_junit(f, &err))
        code = act_cli_fail(f->cli, &err);
    return write_document(f, code);
}

int
act_finish_broken(const struct act_finish *f, const struct act_error *err)
{
    struct act_error full = *err;
    if (f->live->engine->store && full.hint[0] == '\0')
        act_error_hint(&full,
                       "what was committed is safe; when this is mended: actant resume "
                       "%.*s%.*s",
                       ACT_STR_ARG(f->live->row.run), ACT_STR_ARG(f->report->again));
    act_cli_fail(f->cli, &full);
    return ACT_EXIT_BROKEN;
}
