#include "tests/engine/run/world_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KILLS_MAX 60
#define SIGNALS_MAX 400

void
world_problem(struct world *w, const char *format, ...)
{
    va_list args;
    if (w->problem[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(w->problem, sizeof(w->problem), format, args);
    va_end(args);
}

static uint64_t
mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- the executor ---- */

static void
free_attempt(struct act_attempt *attempt)
{
    *attempt->back = attempt->next;
    if (attempt->next)
        attempt->next->back = attempt->back;
    free(attempt);
}

static struct world *
world_of(struct act_executor *self)
{
    return (struct world *)((char *)self - offsetof(struct world, executor));
}

static void
attempt_started(void *self)
{
    struct act_attempt *attempt = self;
    attempt->start = NULL;
    attempt->watcher.on_started(attempt->watcher_self, attempt, 1000);
    attempt->watcher.on_output(attempt->watcher_self, attempt, 0, ACT_STR("done\n"));
}

static void
attempt_done(void *self)
{
    struct act_attempt *attempt = self;
    attempt->done = NULL;
    if (attempt->start)
        world_of(attempt->executor)->loop.ops->stop_timer(attempt->start);
    world_of(attempt->executor)->ends++;
    attempt->watcher.on_ended(attempt->watcher_self, attempt, &attempt->end, false, ACT_STR(""));
    free_attempt(attempt);
}

/* "ok MS", "fail MS", "flaky N MS" (its first N attempts fail); else what a hash says. */
static int64_t
plan_end(const struct act_task *task, struct act_event *end)
{
    char script[64];
    int ms = 0, fails = 0;
    snprintf(script, sizeof(script), "%.*s", ACT_STR_ARG(task->script));
    *end = (struct act_event){.out = {.bytes = ACT_STR("done\n")}};
    if (sscanf(script, "ok %d", &ms) == 1)
        return ms;
    if (sscanf(script, "fail %d", &ms) == 1)
        fails = 1000;
    else if (sscanf(script, "flaky %d %d", &fails, &ms) != 2) {
        uint64_t hash = mix(act_str_hash(task->idempotency_key) + task->attempt);
        ms = (int)(hash % 3000);
        if (hash >> 32 & 3)
            return ms;
        end->exit_code = 1 + (int32_t)(hash >> 40 & 3);
        return ms;
    }
    if (task->attempt <= (uint32_t)fails)
        end->exit_code = 1;
    return ms;
}

static struct act_attempt *
start(struct act_executor *self, const struct act_task *task, const char *secret_nonce,
      const struct act_attempt_watcher *watcher, void *watcher_self)
{
    struct world *w = world_of(self);
    struct act_attempt *attempt = calloc(1, sizeof(*attempt));
    (void)secret_nonce;
    if (!act_map_put(&w->started, act_arena_str(&w->arena, task->attempt_id), 1))
        world_problem(w, "attempt %.*s was started twice", ACT_STR_ARG(task->attempt_id));
    *attempt = (struct act_attempt){.executor = self,
                                    .watcher = *watcher,
                                    .watcher_self = watcher_self,
                                    .next = w->attempts,
                                    .back = &w->attempts};
    if (w->attempts)
        w->attempts->back = &attempt->next;
    w->attempts = attempt;
    int64_t took_ms = plan_end(task, &attempt->end);
    attempt->start = w->loop.ops->start_timer(&w->loop, 0, attempt_started, attempt);
    attempt->done = w->loop.ops->start_timer(&w->loop, took_ms, attempt_done, attempt);
    return attempt;
}

static void
stop(struct act_attempt *attempt, int64_t grace_ms)
{
    struct world *w = world_of(attempt->executor);
    (void)grace_ms;
    if (attempt->stopped)
        world_problem(w, "an attempt was stopped twice");
    attempt->stopped = true;
    attempt->end = (struct act_event){.exit_code = -1, .signal = 15, .cause = ACT_CAUSE_SIGNAL};
    w->loop.ops->stop_timer(attempt->done);
    attempt->done = w->loop.ops->start_timer(&w->loop, 0, attempt_done, attempt);
}

static const struct act_executor_ops executor_ops = {.start = start, .stop = stop};

/* ---- who watches, and who kills ---- */

static enum act_err
spool(struct act_blob_port *self, struct act_str bytes, struct act_str *ret_file,
      uint64_t *ret_offset, struct act_error *err)
{
    (void)self;
    (void)bytes;
    (void)err;
    *ret_file = ACT_STR("spool");
    *ret_offset = 0;
    return ACT_OK;
}
static const struct act_blob_port_ops blob_ops = {.spool = spool};

static void
on_batch(void *self, const struct act_run *run, struct act_str events)
{
    struct world *w = self;
    (void)act_run_status(run); /* it must be alive */
    act_buf_add_str(&w->observed, events);
}

static void
on_end(void *self, const struct act_run *run)
{
    struct world *w = self;
    (void)run;
    if (w->over)
        world_problem(w, "the end was told twice");
    w->over = true;
}

static bool
lose(void *self, int role, uint64_t n, uint32_t type)
{
    struct world *w = self;
    const struct world_options *o = &w->options;
    (void)type;
    w->taken[role]++;
    w->random += UINT64_C(0x9e3779b97f4a7c15);
    bool hit = o->often > 0
                   ? (o->for_ever || w->kills < KILLS_MAX) && mix(w->random) % o->often == 0
                   : o->at > 0 && role == (int)o->victim && n == o->at;
    w->kills += hit;
    return hit;
}

static void
signal_due(void *self)
{
    static const char *const names[] = {"s0", "s1", "s2"};
    struct world *w = self;
    if (w->inbox_ids < SIGNALS_MAX)
        world_post(w, names[w->inbox_ids % 3]);
    w->loop.ops->start_timer(&w->loop, w->options.signal_every_ms, signal_due, w);
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
    if (!w->options.no_store && !act_str_eq(act_buf_str(&all), act_buf_str(&w->observed)))
        world_problem(w, "what was observed is not what the log holds");
    if (!w->options.no_store && act_run_state_hash(again) != act_run_state_hash(run))
        world_problem(w, "the replayed end differs from the live one");
    act_buf_fini(&all);
    act_run_destroy(again);
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
}

static void
begin(struct world *w, struct act_coord *coord)
{
    struct act_value *started = act_value_map(), *run = act_value_map();
    act_value_map_put(run, ACT_STR("id"), act_value_cstring("r1"));
    act_value_map_put(started, ACT_STR("run"), run);
    act_value_map_put(started, ACT_STR("seed"), act_value_int(42));
    struct act_run_row row = {
        .run = ACT_STR("r1"),
        .workflow = ACT_STR("w"),
        .status = ACT_STR("running"),
        .started_ms = w->loop.ops->now_ms(&w->loop),
    };
    struct act_error err = {0};
    if (act_coord_start(coord, &row, started, ACT_STR("plan"), &err) != ACT_OK)
        world_problem(w, "the run did not start: %s", err.message);
    act_value_release(started);
}

bool
world_run(struct world *w, const struct world_options *options)
{
    *w = (struct world){.options = *options, .random = options->seed};
    world_loop_init(w);
    world_store_init(w);
    w->executor.ops = &executor_ops;
    w->blobs.ops = &blob_ops;
    struct act_drive_options drive = {
        .loop = &w->loop, .seeded = options->seed != 0, .seed = options->seed};
    struct act_coord_options coord_options = {
        .loop = &w->loop,
        .store = options->no_store ? NULL : &w->store,
        .blobs = &w->blobs,
        .plan = options->plan,
        .slots = 3,
        .observer = {.self = w, .batch = on_batch, .ended = on_end},
        .drive = act_drive_create(&drive),
        .hook = {lose, w},
    };
    act_router_set(&coord_options.router, ACT_KIND_RUN, &w->executor);
    act_router_set(&coord_options.router, ACT_KIND_EXEC, &w->executor);
    struct act_coord *coord = act_coord_create(&coord_options);
    begin(w, coord);
    if (options->signal_every_ms > 0)
        w->loop.ops->start_timer(&w->loop, options->signal_every_ms, signal_due, w);
    w->loop.ops->run(&w->loop, NULL);
    check_end(w, coord);
    act_coord_destroy(coord);
    act_drive_destroy(coord_options.drive);
    return w->problem[0] == '\0';
}

void
world_fini(struct world *w)
{
    while (w->attempts)
        free_attempt(w->attempts);
    world_loop_fini(w);
    world_store_fini(w);
    act_map_fini(&w->started);
    act_arena_fini(&w->arena);
    act_buf_fini(&w->observed);
}

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
