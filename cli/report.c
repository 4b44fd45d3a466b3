#include "cli/report.h"

#include "cli/label.h"
#include "cli/out.h"
#include "cli/term.h"

#include <unistd.h>

#define TAIL_READ_BYTES 4096

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

static void
free_track(struct act_track *track)
{
    act_buf_fini(&track->key);
    act_buf_fini(&track->label);
    act_buf_fini(&track->partial[0]);
    act_buf_fini(&track->partial[1]);
    act_free(track);
}

void
act_report_fini(struct act_report *r)
{
    for (uint32_t i = 0; i < r->tracks.len; i++)
        free_track(r->tracks.ptr[i]);
    for (uint32_t i = 0; i < r->spare.len; i++)
        free_track(r->spare.ptr[i]);
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

/* ---- attempts under way --------------------------------------------------------------------- */

static struct act_track *
find_track(struct act_report *r, uint32_t node, struct act_str key, uint32_t *ret_index)
{
    for (uint32_t i = 0; i < r->tracks.len; i++) {
        if (r->tracks.ptr[i]->node == node &&
            act_str_eq(act_buf_str(&r->tracks.ptr[i]->key), key)) {
            *ret_index = i;
            return r->tracks.ptr[i];
        }
    }
    return NULL;
}

/* Cleared, but for the tail's lines: what tail_count does not name is not looked at. */
static struct act_track *
take_track(struct act_report *r)
{
    if (r->spare.len == 0)
        return act_zalloc(1, sizeof(struct act_track));
    struct act_track *track = act_vec_pop(&r->spare);
    act_buf_clear(&track->key);
    act_buf_clear(&track->label);
    act_buf_clear(&track->partial[0]);
    act_buf_clear(&track->partial[1]);
    track->tail_next = track->tail_count = 0;
    track->lines_shown = track->lines_left_out = 0;
    return track;
}

static struct act_track *
begin_track(struct act_report *r, const struct act_run *run, const struct act_event *event,
            struct act_str key, struct act_str label)
{
    struct act_track *track = take_track(r);
    track->node = event->key.node;
    track->inst = act_run_find(run, event->key);
    track->started_ms = event->at_ms;
    track->attempt = event->attempt;
    act_buf_add_str(&track->key, key);
    act_buf_add_str(&track->label, label);
    act_vec_push(&r->tracks, track);
    return track;
}

static void
keep_line(struct act_track *track, struct act_str line)
{
    size_t len = line.len < ACT_TAIL_BYTES ? line.len : ACT_TAIL_BYTES;
    memcpy(track->tail[track->tail_next], line.ptr, len);
    track->tail_bytes[track->tail_next] = (uint16_t)len;
    track->tail_next = (track->tail_next + 1) % ACT_TAIL_LINES;
    track->tail_count += track->tail_count < ACT_TAIL_LINES;
}

void
act_track_keep_tail(struct act_track *track, struct act_str bytes)
{
    /* Only the last lines can be seen, so only the end is looked at. */
    size_t most = (size_t)ACT_TAIL_LINES * ACT_TAIL_BYTES;
    if (bytes.len > most)
        bytes = act_str_n(bytes.ptr + bytes.len - most, most);
    size_t begin = 0;
    for (size_t i = 0; i <= bytes.len; i++) {
        bool end = i == bytes.len || bytes.ptr[i] == '\n' || bytes.ptr[i] == '\r';
        if (!end)
            continue;
        struct act_str line = act_str_trim(act_str_n(bytes.ptr + begin, i - begin));
        if (line.len > 0)
            keep_line(track, line);
        begin = i + 1;
    }
}

struct act_str
act_track_tail(const struct act_track *track, uint32_t i)
{
    if (i >= track->tail_count)
        return act_str_n("", 0);
    uint32_t at = (track->tail_next + 2 * ACT_TAIL_LINES - 1 - i) % ACT_TAIL_LINES;
    return act_str_n(track->tail[at], track->tail_bytes[at]);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void
keep_failure(struct act_report *r, const struct act_event *event, struct act_str label)
{
    struct act_buf cause = {0};
    act_cause_add(&cause, event);
    struct act_failure failure = {
        .label = act_arena_str(&r->arena, label),
        .message = act_arena_str(&r->arena, event->message),
        .cause = act_arena_str(&r->arena, act_buf_str(&cause)),
        .attempt = event->attempt,
        .key = {.node = event->key.node,
                .count = event->key.count,
                .numbers = act_arena_copy(&r->arena, event->key.numbers,
                                          event->key.count * sizeof(*event->key.numbers))},
        .err_file = act_arena_str(&r->arena, event->err.file),
        .out_file = act_arena_str(&r->arena, event->out.file),
        .err = act_arena_str(&r->arena, event->err.bytes),
        .out = act_arena_str(&r->arena, event->out.bytes),
        .err_offset = event->err.offset,
        .err_length = event->err.length,
        .out_offset = event->out.offset,
        .out_length = event->out.length,
    };
    act_buf_fini(&cause);
    for (uint32_t i = 0; i < r->failures.len; i++) {
        if (act_str_eq(r->failures.ptr[i].label, failure.label)) {
            r->failures.ptr[i] = failure; /* of a later attempt */
            return;
        }
    }
    if (r->failures.len < ACT_FAILURES_MAX)
        act_vec_push(&r->failures, failure);
}

/* Is the instance in the other, or the other itself? */
static bool
is_inside(const struct act_plan *plan, struct act_key key, struct act_key box)
{
    uint32_t node = key.node;
    while (node != box.node && node != ACT_NODE_NONE)
        node = plan->nodes.ptr[node].parent;
    return node == box.node && box.count <= key.count &&
           (box.count == 0 ||
            memcmp(box.numbers, key.numbers, box.count * sizeof(*box.numbers)) == 0);
}

static void
drop_failure(struct act_report *r, uint32_t index)
{
    for (uint32_t i = index; i + 1 < r->failures.len; i++)
        r->failures.ptr[i] = r->failures.ptr[i + 1];
    (void)act_vec_pop(&r->failures);
}

/* A node ended: what failed in it may be tolerated by it, and what ended well failed before only. */
static void
settle_failures(struct act_report *r, const struct act_event *event)
{
    for (uint32_t i = r->failures.len; i-- > 0;) {
        struct act_failure *failure = &r->failures.ptr[i];
        bool well = event->status == ACT_STATUS_SUCCEEDED && event->key.node == failure->key.node;
        if ((!event->flag && !well) || !is_inside(r->plan, failure->key, event->key))
            continue;
        if (event->flag)
            failure->tolerated = true;
        else if (failure->key.count == event->key.count)
            drop_failure(r, i);
    }
}

static void
read_end(const struct act_report *r, struct act_str file, uint64_t offset, uint64_t length,
         struct act_str inlined, struct act_buf *out)
{
    if (file.len == 0) {
        act_buf_add_str(out, inlined);
        return;
    }
    uint64_t take = length < TAIL_READ_BYTES ? length : TAIL_READ_BYTES;
    r->blobs->ops->read(r->blobs, file, offset + length - take, take, out, NULL);
}

void
act_failure_tail(struct act_buf *out, const struct act_report *r, const struct act_failure *failure,
                 uint32_t max, const char *prefix)
{
    struct act_buf text = {0};
    read_end(r, failure->err_file, failure->err_offset, failure->err_length, failure->err, &text);
    if (act_str_trim(act_buf_str(&text)).len == 0) {
        act_buf_clear(&text);
        read_end(r, failure->out_file, failure->out_offset, failure->out_length, failure->out,
                 &text);
    }
    struct act_str all = act_str_trim(act_buf_str(&text));
    size_t begin = all.len;
    for (uint32_t lines = 0; begin > 0; begin--)
        if (all.ptr[begin - 1] == '\n' && ++lines == max)
            break;
    while (begin < all.len) {
        size_t end = begin;
        while (end < all.len && all.ptr[end] != '\n')
            end++;
        act_buf_add_cstr(out, prefix);
        act_safe_add(out, act_str_n(all.ptr + begin, end - begin));
        act_buf_add_byte(out, '\n');
        begin = end + 1;
    }
    act_buf_fini(&text);
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
end_track(struct act_report *r, uint32_t index)
{
    struct act_track *track = r->tracks.ptr[index];
    r->tracks.ptr[index] = *act_vec_last(&r->tracks);
    (void)act_vec_pop(&r->tracks);
    act_vec_push(&r->spare, track);
}

static void
count_end(struct act_report *r, const struct act_event *event)
{
    bool failed = event->cause != ACT_CAUSE_NONE;
    r->tasks_ended++;
    r->tasks_failed += failed;
    if (failed && event->cause != ACT_CAUSE_INTERRUPTED && event->cause != ACT_CAUSE_CANCELLED &&
        event->cause != ACT_CAUSE_RACE)
        keep_failure(r, event, act_buf_str(&r->label));
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
        track = find_track(r, event->key.node, act_buf_str(&r->key), &index);
    if (begins && !track)
        track = begin_track(r, run, event, act_buf_str(&r->key), act_buf_str(&r->label));
    if (ends)
        count_end(r, event);
    else if (event->type == ACT_EVENT_NODE_ENDED && r->failures.len > 0)
        settle_failures(r, event);
    if (r->ops->event)
        r->ops->event(r, run, event, act_buf_str(&r->label), track);
    if (ends && track)
        end_track(r, index);
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
    struct act_track *track = find_track(r, key.node, act_buf_str(&encoded), &index);
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
