#include "tests/engine/run/world_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KILLS_MAX 60

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
    act_value_release(attempt->end.value);
    act_value_release(attempt->end.actor_state);
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

/* A call that goes well makes its actor's number one more. */
static void
plan_call(const struct act_task *task, struct act_event *end)
{
    char text[24] = "0";
    if (task->kind != ACT_KIND_CALL || end->exit_code != 0)
        return;
    if (task->actor_state)
        snprintf(text, sizeof(text), "%.*s", ACT_STR_ARG(act_value_as_str(task->actor_state)));
    snprintf(text, sizeof(text), "%llu", strtoull(text, NULL, 10) + 1);
    end->actor_state = act_value_cstring(text);
    end->value = act_value_cstring("called"); /* whichever of them it was */
}

/* Append before act: what starts stands in the log. */
static void
check_committed(struct world *w, const struct act_task *task)
{
    char name[512];
    snprintf(name, sizeof(name), "%.*s/%u", ACT_STR_ARG(task->path), task->attempt);
    if (!w->options.no_store && !act_map_get(&w->committed, act_str(name)))
        world_problem(w, "%s was started before that was written down", name);
}

static struct act_attempt *
start(struct act_executor *self, const struct act_task *task, const char *secret_nonce,
      const struct act_attempt_watcher *watcher, void *watcher_self)
{
    struct world *w = world_of(self);
    struct act_attempt *attempt = calloc(1, sizeof(*attempt));
    (void)secret_nonce;
    w->starts++;
    check_committed(w, task);
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
    plan_call(task, &attempt->end);
    attempt->start = w->loop.ops->start_timer(&w->loop, 0, attempt_started, attempt);
    attempt->done = w->loop.ops->start_timer(&w->loop, took_ms, attempt_done, attempt);
    return attempt;
}

static void
stop(struct act_attempt *attempt, int64_t grace_ms)
{
    struct world *w = world_of(attempt->executor);
    if (attempt->stopped && grace_ms > 0)
        world_problem(w, "an attempt was stopped twice");
    attempt->stopped = true;
    act_value_release(attempt->end.value);
    act_value_release(attempt->end.actor_state);
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

bool
world_chance(struct world *w, uint32_t one_in)
{
    w->random += UINT64_C(0x9e3779b97f4a7c15);
    return one_in > 0 && mix(w->random) % one_in == 0;
}

bool
world_mishap(struct world *w, uint32_t one_in)
{
    bool hit = one_in > 0 && w->mishaps < w->options.mishaps_max && world_chance(w, one_in);
    w->mishaps += hit;
    return hit;
}

static bool
lose(void *self, int role, uint64_t n, uint32_t type)
{
    struct world *w = self;
    const struct world_options *o = &w->options;
    (void)type;
    w->taken[role]++;
    if (!w->dead && world_mishap(w, o->die_often))
        w->dead = w->stopped = true;
    if (w->dead)
        return true;
    bool hit = o->often > 0 ? world_chance(w, o->for_ever || w->kills < KILLS_MAX ? o->often : 0)
                            : o->at > 0 && role == (int)o->victim && n == o->at;
    w->kills += hit;
    return hit;
}

/* One in two answers takes its time. What was asked for a life that is over is answered all the same, to
 * nobody. */
static void
answer(struct act_inquiry *inquiry)
{
    act_inquiry_answer(inquiry, ACT_OK, act_value_cstring("abc"), NULL);
}

static void
answer_due(void *self)
{
    struct world *w = self;
    struct act_inquiry *inquiry = w->asked.ptr[0];
    memmove(w->asked.ptr, w->asked.ptr + 1, --w->asked.len * sizeof(*w->asked.ptr));
    answer(inquiry);
}

static void
ask(void *self, struct act_inquiry *inquiry)
{
    struct world *w = self;
    if (inquiry->number % 2 != 0) {
        answer(inquiry);
        return;
    }
    act_vec_push(&w->asked, inquiry);
    w->loop.ops->start_timer(&w->loop, 3, answer_due, w);
}

/* ---- life ---- */

void
world_init(struct world *w, const struct world_options *options)
{
    *w = (struct world){.options = *options, .random = options->seed};
    world_loop_init(w);
    world_store_init(w);
    w->executor.ops = &executor_ops;
    w->blobs.ops = &blob_ops;
    world_keeper_init(w);
    if (options->equip)
        options->equip(w);
}

struct act_coord_options
world_coord_options(struct world *w)
{
    struct act_coord_options options = {
        .loop = &w->loop,
        .store = w->options.no_store ? NULL : &w->store,
        .blobs = &w->blobs,
        .plan = w->options.plan,
        .slots = 3,
        .snapshot_bytes = w->options.snapshot_bytes > 0 ? w->options.snapshot_bytes : UINT64_MAX,
        .observer = {.self = w, .batch = on_batch, .ended = on_end},
        .ask = ask,
        .ask_self = w,
        .hook = {lose, w},
    };
    act_router_set(&options.router, ACT_KIND_RUN, &w->executor);
    act_router_set(&options.router, ACT_KIND_EXEC, &w->executor);
    act_router_set(&options.router, ACT_KIND_CALL, &w->executor);
    return options;
}

void
world_drop_attempts(struct world *w)
{
    while (w->attempts) {
        struct act_attempt *attempt = w->attempts;
        if (attempt->start)
            w->loop.ops->stop_timer(attempt->start);
        if (attempt->done)
            w->loop.ops->stop_timer(attempt->done);
        free_attempt(attempt);
    }
}

void
world_fini(struct world *w)
{
    world_keeper_fini(w);
    while (w->attempts)
        free_attempt(w->attempts);
    for (uint32_t i = 0; i < w->asked.len; i++)
        answer(w->asked.ptr[i]);
    act_vec_fini(&w->asked);
    world_loop_fini(w);
    world_store_fini(w);
    act_map_fini(&w->started);
    act_map_fini(&w->committed);
    act_arena_fini(&w->arena);
    act_buf_fini(&w->observed);
}
