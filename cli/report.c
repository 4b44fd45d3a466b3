#include "cli/report.h"

#include "cli/label.h"
#include "cli/out.h"
#include "cli/term.h"

#include <unistd.h>

/* Can two tasks write at once or one after another? Then lines need names. */
static bool
has_several(const struct act_plan *plan)
{
    uint32_t tasks = 0;
    for (uint32_t i = 0; i < plan->nodes.len && tasks < 2; i++) {
        enum act_kind kind = (enum act_kind)plan->nodes.ptr[i].kind;
        bool repeats = kind == ACT_KIND_FOR || kind == ACT_KIND_MATRIX || kind == ACT_KIND_WHILE ||
                       kind == ACT_KIND_UNTIL;
        tasks += repeats ? 2 : act_label_is_task(kind);
    }
    return tasks > 1;
}

void
act_report_init(struct act_report *r, enum act_report_mode mode, const struct act_plan *plan,
                struct act_blob_port *blobs, struct act_loop *loop, struct act_str run_id,
                struct act_str again, bool color)
{
    static const struct act_report_ops *const views[] = {&act_report_quiet, &act_report_plain,
                                                         &act_report_live, &act_report_github};
    *r = (struct act_report){
        .ops = views[mode],
        .plan = plan,
        .blobs = blobs,
        .loop = loop,
        .color = color,
        .several = has_several(plan),
        .started_ms = loop->ops->now_ms(loop),
    };
    r->run_id = act_arena_str(&r->arena, run_id);
    r->again = act_arena_str(&r->arena, again);
}

void
act_report_fini(struct act_report *r)
{
    for (uint32_t i = 0; i < r->tracks.len; i++)
        act_track_destroy(r->tracks.ptr[i]);
    for (uint32_t i = 0; i < r->spare.len; i++)
        act_track_destroy(r->spare.ptr[i]);
    act_vec_fini(&r->tracks);
    act_vec_fini(&r->spare);
    act_vec_fini(&r->failures);
    act_buf_fini(&r->out);
    act_buf_fini(&r->key);
    act_buf_fini(&r->next_key);
    act_buf_fini(&r->label);
    if (r->timer)
        r->loop->ops->stop_timer(r->timer);
    act_free(r->painted);
    act_arena_fini(&r->arena);
}

void
act_report_write(struct act_report *r)
{
    if (r->out.len > 0)
        act_write_all(STDERR_FILENO, act_buf_str(&r->out));
    act_buf_clear(&r->out);
}

/* ---- what comes in -------------------------------------------------------------------------- */

/* Events that no view shows are passed over before they cost anything. */
static bool
is_shown(const struct act_report *r, const struct act_event *event)
{
    switch (event->type) {
    case ACT_EVENT_DISPATCHED:
    case ACT_EVENT_ENDED:
        return r->ops->event || r->ops->output || event->cause != ACT_CAUSE_NONE || event->flag;
    case ACT_EVENT_NODE_ENDED: return r->ops->event || r->failures.len > 0;
    case ACT_EVENT_RUN_STARTED:
    case ACT_EVENT_SIGNAL:
    case ACT_EVENT_CANCEL:
    case ACT_EVENT_SUSPEND:
    case ACT_EVENT_NODE_PARKED:
    case ACT_EVENT_UNDONE: return r->ops->event != NULL;
    case ACT_EVENT_TIMER:
    case ACT_EVENT_RESUME:
    case ACT_EVENT_LIMITS:
    case ACT_EVENT_ANSWER:
    case ACT_EVENT_RETRY:
    case ACT_EVENT_TICK:
    case ACT_EVENT_ADOPTED:
    case ACT_EVENT_REUSED:
    case ACT_EVENT_FORKED:
    case ACT_EVENT_STARTED:
    case ACT_EVENT_OUTPUT:
    case ACT_EVENT_NODE_STARTED:
    case ACT_EVENT_RUN_ENDED:
    case ACT_EVENT_RUN_SUSPENDED: break;
    }
    return false;
}

static void
name_event(struct act_report *r, struct act_key key)
{
    act_buf_clear(&r->next_key);
    act_key_encode(&r->next_key, key);
    if (r->label.len > 0 && act_str_eq(act_buf_str(&r->next_key), act_buf_str(&r->key)))
        return;
    struct act_buf before = r->key;
    r->key = r->next_key;
    r->next_key = before;
    act_buf_clear(&r->label);
    act_label_add(&r->label, r->plan, key);
}

static void
count_end(struct act_report *r, const struct act_event *event)
{
    bool failed = event->cause != ACT_CAUSE_NONE;
    r->tasks_ended++;
    r->tasks_failed += failed;
    if (failed && event->cause != ACT_CAUSE_INTERRUPTED && event->cause != ACT_CAUSE_CANCELLED &&
        event->cause != ACT_CAUSE_RACE)
        act_failure_keep(r, event, act_buf_str(&r->label));
}

static void
warn_secret(struct act_report *r)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "%.*s: its result held a secret and is stored as null",
                   ACT_STR_ARG(act_buf_str(&r->label)));
    r->ops->warning(r, text.ptr);
    act_buf_fini(&text);
}

static void
take_event(struct act_report *r, const struct act_run *run, const struct act_event *event)
{
    struct act_track *track = NULL;
    uint32_t index = 0;
    bool begins = event->type == ACT_EVENT_DISPATCHED, ends = event->type == ACT_EVENT_ENDED;
    if (!is_shown(r, event)) {
        r->tasks_ended += ends;
        return;
    }
    name_event(r, event->key);
    if (begins || ends)
        track = act_track_find(r, event->key.node, act_buf_str(&r->key), &index);
    if (begins && !track)
        track = act_track_begin(r, run, event, act_buf_str(&r->key), act_buf_str(&r->label));
    if (ends)
        count_end(r, event);
    else if (event->type == ACT_EVENT_NODE_ENDED && r->failures.len > 0)
        act_failures_settle(r, event);
    if (r->ops->event)
        r->ops->event(r, run, event, act_buf_str(&r->label), track);
    if (ends && track)
        act_track_end(r, index);
    if (ends && event->flag)
        warn_secret(r);
}

static void
on_batch(void *self, const struct act_run *run, struct act_str events)
{
    struct act_report *r = self;
    struct act_arena arena = {0};
    r->run = run;
    while (events.len > 0) {
        struct act_event event = {0};
        if (act_event_decode(&events, &arena, r->blobs ? &r->blobs->loader : NULL, &event, NULL))
            break;
        take_event(r, run, &event);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
    if (r->ops->flush)
        r->ops->flush(r);
}

static void
on_output(void *self, const struct act_run *run, act_inst inst, int stream, struct act_str bytes)
{
    struct act_report *r = self;
    (void)run;
    for (uint32_t i = 0; i < r->tracks.len; i++) {
        if (r->tracks.ptr[i]->inst == inst) {
            if (r->ops->output)
                r->ops->output(r, r->tracks.ptr[i], stream != 0, bytes);
            return;
        }
    }
}

void
act_report_output(struct act_report *r, struct act_key key, bool err, struct act_str bytes)
{
    struct act_buf encoded = {0};
    uint32_t index;
    act_key_encode(&encoded, key);
    struct act_track *track = act_track_find(r, key.node, act_buf_str(&encoded), &index);
    if (track && r->ops->output)
        r->ops->output(r, track, err, bytes);
    act_buf_fini(&encoded);
}

static void
on_warning(void *self, const char *text)
{
    struct act_report *r = self;
    r->ops->warning(r, text);
}

static void
on_end(void *self, const struct act_run *run)
{
    struct act_report *r = self;
    r->run = run;
    if (r->ops->end)
        r->ops->end(r, run);
}

struct act_coord_observer
act_report_observer(struct act_report *r)
{
    return (struct act_coord_observer){
        .self = r,
        .batch = on_batch,
        .output = r->ops->output ? on_output : NULL,
        .warning = on_warning,
        .ended = on_end,
    };
}

/* ---- the quiet view ------------------------------------------------------------------------- */

static void
quiet_warning(struct act_report *r, const char *text)
{
    act_buf_add_cstr(&r->out, "actant: ");
    act_style_add(&r->out, r->color, ACT_STYLE_YELLOW, ACT_STR("warning: "));
    act_safe_add_lines(&r->out, act_str(text));
    act_buf_add_byte(&r->out, '\n');
    act_report_write(r);
}

const struct act_report_ops act_report_quiet = {.warning = quiet_warning};
