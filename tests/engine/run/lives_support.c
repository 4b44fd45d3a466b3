/* A run in the world, life by life, and what must hold at its end. */
#include "tests/engine/run/world_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS_MAX 20000

/* ---- what comes from outside ---- */

static void
signal_due(void *self)
{
    static const char *const names[] = {"s0", "s1", "s2"};
    struct world *w = self;
    if (w->inbox_ids < SIGNALS_MAX)
        world_post(w, names[w->inbox_ids % 3]);
    w->loop.ops->start_timer(&w->loop, w->options.signal_every_ms, signal_due, w);
}

static void
suspend_due(void *self)
{
    struct world *w = self;
    w->suspending = NULL;
    act_coord_suspend(w->coord);
}

static void
clock_due(void *self)
{
    struct world *w = self;
    w->clock_ms += w->options.clock_by_ms;
    w->clock_sets++;
}

static void
cancel_due(void *self)
{
    struct world *w = self;
    struct act_inbox_row row = {.id = ++w->inbox_ids, .kind = ACT_STR("cancel")};
    act_vec_push(&w->inbox, row);
    w->inbox_changed = true;
}

/* ---- afterwards ---- */

static void
check_log(struct world *w, const struct act_run *run)
{
    struct act_run *again = act_run_create(w->options.plan, NULL);
    struct act_buf all = {0};
    struct act_error err = {0};
    for (uint32_t i = 0; i < w->batches.len; i++) {
        struct act_str body = act_buf_str(&w->batches.ptr[i].body);
        act_buf_add_str(&all, body);
        if (act_run_replay(again, body, &err) != ACT_OK)
            world_problem(w, "replay: %s", err.message);
    }
    if (!w->options.no_store && w->lives == 1 &&
        !act_str_eq(act_buf_str(&all), act_buf_str(&w->observed)))
        world_problem(w, "what was observed is not what the log holds");
    if (w->lives > 1) { /* nobody was told of what the last life had written when it ended */
        act_buf_clear(&w->observed);
        act_buf_add_str(&w->observed, act_buf_str(&all));
    }
    if (!w->options.no_store && act_run_state_hash(again) != act_run_state_hash(run))
        world_problem(w, "the replayed end differs from the live one");
    act_buf_fini(&all);
    act_run_destroy(again);
}

struct reading {
    uint64_t calls;  /* that went well */
    bool suspending; /* the log stands between a SUSPEND and the next RESUME */
};

/* What is stopped because the run is to be suspended has not failed, whoever was lost meanwhile. */
static void
check_event(struct world *w, struct reading *reading, const struct act_event *event)
{
    if (event->type == ACT_EVENT_SUSPEND || event->type == ACT_EVENT_RESUME)
        reading->suspending = event->type == ACT_EVENT_SUSPEND;
    if (event->type == ACT_EVENT_ENDED && reading->suspending && event->cause == ACT_CAUSE_SIGNAL)
        world_problem(w, "event %llu: an attempt that the suspension stopped has failed",
                      (unsigned long long)event->seq);
    reading->calls += event->type == ACT_EVENT_NODE_ENDED &&
                      event->status == ACT_STATUS_SUCCEEDED &&
                      w->options.plan->nodes.ptr[event->key.node].kind == ACT_KIND_CALL;
}

/* And each call that went well is in its actor's state once. */
static void
check_events(struct world *w)
{
    struct act_arena arena = {0};
    struct act_str bytes = act_buf_str(&w->observed);
    struct act_event event;
    struct reading reading = {0};
    uint64_t seen = 0;
    while (bytes.len > 0 && act_event_decode(&bytes, &arena, NULL, &event, NULL) == ACT_OK) {
        check_event(w, &reading, &event);
        act_event_fini(&event);
    }
    for (uint32_t i = 0; i < w->actors.len; i++)
        seen += strtoull(w->actors.ptr[i].state.ptr, NULL, 10);
    if (reading.calls != seen)
        world_problem(w, "%u calls went well, the actors have seen %u", (unsigned)reading.calls,
                      (unsigned)seen);
    act_arena_fini(&arena);
}

static void
check_end(struct world *w, struct act_coord *coord)
{
    struct act_error err = {0};
    if (act_coord_result(coord, &err) != ACT_OK)
        world_problem(w, "the run failed: %s", err.message);
    if (!w->over)
        world_problem(w, "nobody was told of the end");
    if (w->attempts)
        world_problem(w, "an attempt was left running");
    if (w->limits.grants.len > 0) {
        for (uint32_t i = 0; i < w->limits.grants.len; i++) {
            if (w->limits.grants.ptr[i].until_ms == 0)
                world_problem(w, "a limit was not given back");
        }
    }
    if (!w->options.no_store &&
        !act_str_is(act_str(w->status), act_status_text(act_run_status(act_coord_run(coord)))))
        world_problem(w, "the run's row says %s", w->status);
    check_log(w, act_coord_run(coord));
    check_events(w);
}

/* ---- a life ---- */

static const struct act_run_row row_of_run = {
    .run = {"r1", 2}, .workflow = {"w", 1}, .status = {"running", 7}};

static bool
begin(struct world *w)
{
    struct act_value *started = act_value_map(), *run = act_value_map();
    act_value_map_put(run, ACT_STR("id"), act_value_cstring("r1"));
    act_value_map_put(started, ACT_STR("run"), run);
    act_value_map_put(started, ACT_STR("seed"), act_value_int(42));
    struct act_run_row row = row_of_run;
    struct act_error err = {0};
    row.started_ms = w->loop.ops->now_ms(&w->loop);
    if (act_coord_start(w->coord, &row, started, ACT_STR("plan"), &err) != ACT_OK)
        world_problem(w, "the run did not start: %s", err.message);
    act_value_release(started);
    return w->problem[0] == '\0';
}

/* False: there is nothing to go on with. */
static bool
resume(struct world *w)
{
    struct act_run_row row = row_of_run;
    struct act_error err = {0};
    row.status = act_str(w->status);
    enum act_err code = act_coord_resume(w->coord, &row, ACT_RESUME_GO_ON, ACT_STR(""), &err);
    if (code == ACT_ERR_EXISTS)
        w->over = true;
    else if (code != ACT_OK)
        world_problem(w, "the run was not taken up: %s", err.message);
    return code == ACT_OK;
}

/* Was it a death, a failing store or a suspension that ended this life, and nothing of the engine? (A store
 * that failed once is reported even if the run has ended all the same.) */
static bool
may_live_again(struct world *w)
{
    struct act_error err = {0};
    if (act_coord_result(w->coord, &err) != ACT_OK)
        return w->dead || strstr(err.message, "the disk");
    return w->dead || act_run_status(act_coord_run(w->coord)) == ACT_STATUS_SUSPENDED;
}

/* True: the run has ended, or there is a problem. */
static bool
live(struct world *w, struct act_drive *drive)
{
    world_group_init(w);
    struct act_coord_options options = world_coord_options(w);
    options.drive = drive;
    options.group = w->group;
    world_keeper_options(w, &options);
    w->over = w->dead = w->stopped = false;
    w->coord = act_coord_create(&options);
    if (w->lives++ == 0 ? begin(w) : resume(w)) {
        if (w->options.suspend_ms > 0 && w->lives == 1)
            w->suspending =
                w->loop.ops->start_timer(&w->loop, w->options.suspend_ms, suspend_due, w);
        w->loop.ops->run(&w->loop, NULL);
    }
    w->ns_offset = act_coord_ns_offset(w->coord);
    bool last = w->problem[0] != '\0' || !may_live_again(w);
    if (last)
        check_end(w, w->coord);
    if (w->suspending)
        w->loop.ops->stop_timer(w->suspending);
    w->suspending = NULL;
    world_group_open(w);
    act_coord_destroy(w->coord);
    w->coord = NULL;
    world_group_fini(w);
    return last;
}

bool
world_run(struct world *w, const struct world_options *options)
{
    bool last = false;
    world_init(w, options);
    if (options->signal_every_ms > 0)
        w->loop.ops->start_timer(&w->loop, options->signal_every_ms, signal_due, w);
    if (options->clock_at_ms > 0)
        w->loop.ops->start_timer(&w->loop, options->clock_at_ms, clock_due, w);
    if (options->cancel_ms > 0)
        w->loop.ops->start_timer(&w->loop, options->cancel_ms, cancel_due, w);
    while (!last) {
        struct act_drive_options how = {
            .loop = &w->loop, .seeded = options->seed != 0, .seed = options->seed + w->lives};
        struct act_drive *drive = act_drive_create(&how);
        last = live(w, drive);
        act_drive_destroy(drive);
        if (!last) {
            world_disown(w);
            if (w->keeper)
                world_keeper_gap(w);
            else
                world_drop_attempts(w);
        }
    }
    return w->problem[0] == '\0';
}

/* ---- the end, as a text ---- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void
world_outcome(const struct world *w, struct act_buf *out)
{
    struct act_arena arena = {0};
    ACT_VEC(char *) lines = {0};
    struct act_str bytes = act_buf_str(&w->observed);
    struct act_event event;
    while (bytes.len > 0 && act_event_decode(&bytes, &arena, NULL, &event, NULL) == ACT_OK) {
        struct act_buf line = {0};
        if (event.type == ACT_EVENT_NODE_ENDED)
            act_key_path(&line, w->options.plan, event.key);
        else if (event.type == ACT_EVENT_RUN_ENDED)
            act_buf_add_cstr(&line, "run");
        if (line.len > 0) {
            act_buf_printf(&line, " %s %u ", act_status_text(event.status), event.attempt);
            if (event.value)
                act_json_write(&line, event.value, 0);
            act_vec_push(&lines, act_strndup(line.ptr, line.len));
        }
        act_buf_fini(&line);
        act_event_fini(&event);
    }
    if (lines.len > 1)
        qsort(lines.ptr, lines.len, sizeof(*lines.ptr), by_text);
    for (uint32_t i = 0; i < lines.len; i++) {
        act_buf_printf(out, "%s\n", lines.ptr[i]);
        act_free(lines.ptr[i]);
    }
    act_vec_fini(&lines);
    act_arena_fini(&arena);
}
