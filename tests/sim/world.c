#include "tests/sim/world.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOCK_MS 1000000000 /* later than any that it is set back by */

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

void
world_init(struct world *w, const struct act_plan *plan, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->plan = plan;
    w->random.s = seed;
    w->slots = 1 + random_below(&w->random, 4);
    w->now_ms = 1000000;
    w->run = act_run_create(plan, NULL);
    w->cuts.s = seed + 1;
    w->clocks.s = seed + 2;
    w->clock_ms = CLOCK_MS;
    w->by_bytes = true;
}

void
world_fini(struct world *w)
{
    act_run_destroy(w->run);
    act_effects_fini(&w->effects);
    act_buf_fini(&w->log);
    act_buf_fini(&w->picked_path);
    act_vec_fini(&w->batches);
    act_vec_fini(&w->ready);
    act_vec_fini(&w->timers);
    act_vec_fini(&w->jobs);
    act_vec_fini(&w->acquires);
    act_vec_fini(&w->holders);
    act_vec_fini(&w->questions);
    world_snapshots_fini(w);
}

/* ---- effects ---- */

static void
forget_ready(struct world *w, act_inst inst)
{
    for (uint32_t i = 0; i < w->ready.len; i++) {
        if (w->ready.ptr[i] != inst)
            continue;
        memmove(w->ready.ptr + i, w->ready.ptr + i + 1,
                (w->ready.len - i - 1) * sizeof(*w->ready.ptr));
        w->ready.len--;
        return;
    }
    world_problem(w, "UNREADY of what was not ready");
}

static void
forget_timer(struct world *w, act_inst inst, uint32_t number)
{
    for (uint32_t i = 0; i < w->timers.len; i++) {
        if (w->timers.ptr[i].inst == inst && w->timers.ptr[i].number == number) {
            w->timers.ptr[i] = w->timers.ptr[--w->timers.len];
            return;
        }
    }
}

static void
release(struct world *w, act_inst inst)
{
    for (uint32_t i = 0; i < w->holders.len; i++) {
        if (w->holders.ptr[i] == inst) {
            w->holders.ptr[i] = w->holders.ptr[--w->holders.len];
            return;
        }
    }
    for (uint32_t i = 0; i < w->acquires.len; i++) {
        if (w->acquires.ptr[i].inst == inst) {
            memmove(w->acquires.ptr + i, w->acquires.ptr + i + 1,
                    (w->acquires.len - i - 1) * sizeof(*w->acquires.ptr));
            w->acquires.len--;
            return;
        }
    }
    if (!w->resuming) /* ACQUIRE is not told then, RELEASE is */
        world_problem(w, "RELEASE of what was not held");
}

static void
hold(struct world *w, act_inst inst)
{
    for (uint32_t i = 0; i < w->holders.len; i++) {
        if (w->holders.ptr[i] == inst)
            return;
    }
    act_vec_push(&w->holders, inst);
}

/* Nothing inside a node runs on after the node has ended. */
static void
check_ancestors(struct world *w, act_inst handle)
{
    const struct act_instance *inst = act_slab_get(&w->run->slab, handle);
    if (inst == NULL)
        return; /* the start was overtaken in the same turn */
    for (const struct act_instance *at = inst; at->parent != ACT_SLOT_NONE;) {
        bool undo = act_role_of(w->run, at) == ACT_ROLE_UNDO;
        at = act_at(w->run, undo ? at->undo_for : at->parent);
        if (at->state == ACT_STATE_DONE)
            world_problem(w, "a task starts inside a node that has ended");
    }
}

struct random
world_chance(struct world *w, act_inst handle)
{
    const struct act_instance *inst = act_slab_get(&w->run->slab, handle);
    if (w->fate == 0 || inst == NULL)
        return (struct random){random_next(&w->random)};
    struct act_buf text = {0};
    act_key_encode(&text, act_key_of(w->run, inst));
    act_buf_printf(&text, "/%u/%llu", inst->attempt, (unsigned long long)w->fate);
    struct random fate = {act_str_hash(act_buf_str(&text))};
    act_buf_fini(&text);
    return fate;
}

static void
start_job(struct world *w, act_inst inst)
{
    struct random random = world_chance(w, inst);
    uint32_t took = random_below(&random, 3000);
    struct world_job job = {
        .inst = inst, .ends_ms = w->now_ms + took, .kill_ms = INT64_MAX, .order = ++w->order};
    check_ancestors(w, inst);
    w->starts++;
    act_vec_push(&w->jobs, job);
}

static void
stop_job(struct world *w, act_inst inst)
{
    for (uint32_t i = 0; i < w->jobs.len; i++) {
        struct world_job *job = &w->jobs.ptr[i];
        if (job->inst != inst)
            continue;
        int64_t dies = w->now_ms + random_below(&w->random, 200);
        job->stopping = true;
        job->ends_ms = dies < job->ends_ms ? dies : job->ends_ms;
        return;
    }
    world_problem(w, "STOP of what was not started");
}

/* On the world's own scale, from which the clock of the run may differ. */
static int64_t
fires_at(const struct world *w, const struct act_effect *e)
{
    int64_t latest = e->delay_ms >= 0 ? w->now_ms + e->delay_ms : INT64_MAX;
    int64_t due = e->due_ms >= 0 ? e->due_ms - w->clock_ms : latest;
    return due < latest ? due : latest;
}

static void
do_effect(struct world *w, const struct act_effect *e)
{
    struct world_timer timer = {.inst = e->inst, .number = e->number, .order = ++w->order};
    switch (e->type) {
    case ACT_EFFECT_READY: act_vec_push(&w->ready, e->inst); break;
    case ACT_EFFECT_UNREADY: forget_ready(w, e->inst); break;
    case ACT_EFFECT_START: start_job(w, e->inst); break;
    case ACT_EFFECT_STOP: stop_job(w, e->inst); break;
    case ACT_EFFECT_TIMER:
        timer.at_ms = fires_at(w, e);
        act_vec_push(&w->timers, timer);
        break;
    case ACT_EFFECT_CLEAR_TIMER: forget_timer(w, e->inst, e->number); break;
    case ACT_EFFECT_ACQUIRE:
        if (e->number == 1)
            hold(w, e->inst);
        else
            act_vec_push(&w->acquires, timer);
        break;
    case ACT_EFFECT_RELEASE: release(w, e->inst); break;
    case ACT_EFFECT_QUESTION: act_vec_push(&w->questions, timer); break;
    case ACT_EFFECT_SIGNAL_OUT:
    case ACT_EFFECT_KEEP:
    case ACT_EFFECT_FORGET:
    case ACT_EFFECT_RUN_ENDED: break;
    }
}

static void
print_log(struct world *w, struct act_str bytes)
{
    struct act_arena arena = {0};
    struct act_event event;
    while (bytes.len > 0 && act_event_decode(&bytes, &arena, NULL, &event, NULL) == ACT_OK) {
        struct act_buf line = {0};
        act_event_json(&line, w->plan, &event);
        printf("%s\n", line.ptr);
        act_buf_fini(&line);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
}

/* The end of a turn: commit, then do the effects. */
static void
commit(struct world *w)
{
    if (w->effects.log.len > 0) {
        if (w->loud)
            print_log(w, act_buf_str(&w->effects.log));
        act_buf_add(&w->log, w->effects.log.ptr, w->effects.log.len);
        act_vec_push(&w->batches, w->log.len);
    }
    world_snapshot(w);
    for (uint32_t i = 0; i < w->effects.list.len; i++)
        do_effect(w, &w->effects.list.ptr[i]);
    act_effects_clear(&w->effects);
}

bool
world_apply(struct world *w, act_inst inst, struct act_event event)
{
    struct act_fact fact = {.inst = inst, .event = event};
    struct act_error err = {0};
    fact.event.at_ms = w->now_ms + w->clock_ms;
    fact.event.at_ns = (w->now_ms - 1000000) * 1000000;
    enum act_err code = act_run_apply(w->run, &fact, &w->effects, &err);
    for (uint32_t turns = 0; act_run_more(w->run); turns++) {
        act_run_continue(w->run, fact.event.at_ms, fact.event.at_ns, &w->effects);
        if (turns > 1000) {
            world_problem(w, "the machine does not come to rest");
            break;
        }
    }
    return code == ACT_OK;
}

void
world_begin(struct world *w, const char *id, bool fork)
{
    struct act_value *start = act_value_map();
    struct act_value *run = act_value_map();
    if (w->states != NULL)
        w->run->states = w->states;
    act_value_map_put(run, ACT_STR("id"), act_value_cstring(id));
    if (fork)
        act_value_map_put(start, ACT_STR("fork"), act_value_bool(true));
    act_value_map_put(start, ACT_STR("run"), run);
    act_value_map_put(start, ACT_STR("seed"), act_value_int(42));
    world_apply(w, 0, (struct act_event){.type = ACT_EVENT_RUN_STARTED, .value = start});
    act_value_release(start);
}

void
world_start(struct world *w)
{
    world_begin(w, "r1", false);
}

/* ---- what the world does next ---- */

static void
give_slots(struct world *w)
{
    while (w->ready.len > 0 && w->jobs.len < w->slots) {
        uint32_t best = 0;
        act_inst inst = w->ready.ptr[best];
        memmove(w->ready.ptr, w->ready.ptr + 1, (w->ready.len - 1) * sizeof(*w->ready.ptr));
        w->ready.len--;
        if (!world_apply(w, inst, (struct act_event){.type = ACT_EVENT_DISPATCHED}))
            world_problem(w, "a slot was refused");
        commit(w);
    }
}

static void
grant_limits(struct world *w)
{
    while (w->acquires.len > 0 && w->holders.len == 0) {
        act_inst inst = w->acquires.ptr[0].inst;
        memmove(w->acquires.ptr, w->acquires.ptr + 1,
                (w->acquires.len - 1) * sizeof(*w->acquires.ptr));
        w->acquires.len--;
        act_vec_push(&w->holders, inst);
        if (!world_apply(w, inst, (struct act_event){.type = ACT_EVENT_LIMITS}))
            world_problem(w, "limits were refused");
        commit(w);
    }
}

static void
answer_questions(struct world *w)
{
    while (w->questions.len > 0) {
        struct world_timer q = act_vec_pop(&w->questions);
        struct act_event event = {.type = ACT_EVENT_ANSWER};
        struct act_value *v = world_answer(w, q.inst);
        event.value = v;
        if (w->fate == 0 && random_one_in(&w->random, 5))
            event.message = ACT_STR("no such folder");
        world_apply(w, q.inst, event); /* refused if it was stopped meanwhile */
        act_value_release(v);
        commit(w);
    }
}

static struct act_event
how_it_ended(struct world *w, const struct world_job *job)
{
    struct act_event event = {.type = ACT_EVENT_ENDED, .exit_code = 0};
    struct random random = world_chance(w, job->inst);
    uint32_t die = random_below(&random, 20);
    if (job->stopping || die == 0) {
        event.signal = 15;
        event.exit_code = -1;
    } else if (die < 4) {
        event.exit_code = 1 + (int32_t)random_below(&random, 3);
    } else if (die == 4) {
        event.cause = ACT_CAUSE_LOST;
    } else {
        event.out.bytes = ACT_STR("done\n");
        event.flag = die == 19; /* it held a secret */
    }
    return event;
}

static void
end_job(struct world *w, uint32_t i, enum act_cause cause)
{
    struct world_job job = w->jobs.ptr[i];
    w->jobs.ptr[i] = w->jobs.ptr[--w->jobs.len];
    struct act_event event = how_it_ended(w, &job);
    if (cause != ACT_CAUSE_NONE) {
        event.cause = cause;
        event.out.bytes = ACT_STR("");
    }
    if (!world_apply(w, job.inst, event))
        world_problem(w, "an end was refused");
    commit(w);
}

static void
fire(struct world *w, uint32_t i)
{
    struct world_timer timer = w->timers.ptr[i];
    w->timers.ptr[i] = w->timers.ptr[--w->timers.len];
    if (!world_apply(w, timer.inst,
                     (struct act_event){.type = ACT_EVENT_TIMER, .number = timer.number}))
        world_problem(w, "a timer was refused");
    commit(w);
}

static bool
has_ended(const struct world *w)
{
    enum act_status status = act_run_status(w->run);
    return status == ACT_STATUS_SUCCEEDED || status == ACT_STATUS_FAILED ||
           status == ACT_STATUS_CANCELLED;
}

/* What is due first: a job's end or a timer; false: nothing is to come. */
static bool
advance(struct world *w)
{
    int64_t first = INT64_MAX;
    uint64_t order = 0;
    uint32_t job = UINT32_MAX, timer = UINT32_MAX;
    for (uint32_t i = 0; i < w->jobs.len; i++) {
        const struct world_job *j = &w->jobs.ptr[i];
        if (j->ends_ms < first || (j->ends_ms == first && j->order < order)) {
            first = j->ends_ms;
            order = j->order;
            job = i;
        }
    }
    for (uint32_t i = 0; i < w->timers.len; i++) {
        const struct world_timer *t = &w->timers.ptr[i];
        if (t->at_ms < first || (t->at_ms == first && t->order < order)) {
            first = t->at_ms;
            order = t->order;
            timer = i;
            job = UINT32_MAX;
        }
    }
    if (first == INT64_MAX)
        return false;
    w->now_ms = first > w->now_ms ? first : w->now_ms;
    if (job != UINT32_MAX)
        end_job(w, job, ACT_CAUSE_NONE);
    else
        fire(w, timer);
    return true;
}

/* ---- crashes and suspensions ---- */

static void
lose(void *self, act_inst inst, const struct act_task *task)
{
    struct world *w = self;
    struct world_timer one = {.inst = inst};
    (void)task;
    act_vec_push(&w->questions, one); /* borrowed as a list */
}

struct act_run *
world_replay(struct world *w, struct act_run *run, uint32_t from, uint32_t to)
{
    struct act_error err = {0};
    uint64_t at = from > 0 ? w->batches.ptr[from - 1] : 0;
    if (run == NULL)
        run = act_run_create(w->plan, NULL);
    if (w->states != NULL)
        run->states = w->states;
    for (uint32_t i = from; i < to; i++) {
        struct act_str batch = act_str_n(w->log.ptr + at, w->batches.ptr[i] - at);
        if (act_run_replay(run, batch, &err) != ACT_OK) {
            world_problem(w, "replay: %s", err.message);
            break;
        }
        at = w->batches.ptr[i];
    }
    return run;
}

static void
resume(struct world *w)
{
    act_vec_clear(&w->ready);
    act_vec_clear(&w->timers);
    act_vec_clear(&w->acquires);
    act_vec_clear(&w->questions);
    w->resuming = true;
    if (!world_apply(w, 0, (struct act_event){.type = ACT_EVENT_RESUME}))
        world_problem(w, "resume was refused");
    act_run_reissue(w->run, &w->effects);
    commit(w);
    w->resuming = false;
}

/* What was derived before the reissue: nothing that starts something. */
static void
drop_effects(struct act_effects *e)
{
    for (uint32_t i = 0; i < e->list.len; i++) {
        ACT_ASSERT(e->list.ptr[i].type != ACT_EFFECT_START);
        act_value_release(e->list.ptr[i].value);
        act_value_release(e->list.ptr[i].name);
        act_value_release(e->list.ptr[i].to);
    }
    act_vec_clear(&e->list);
}

/* One that was applied is not applied twice, whatever happened in between. */
static void
post_again(struct world *w)
{
    char id[16];
    snprintf(id, sizeof(id), "i%u", w->signals);
    struct act_event event = {.type = ACT_EVENT_SIGNAL, .name = ACT_STR("s0"), .id = act_str(id)};
    if (w->signals > 0 && !has_ended(w) && world_apply(w, 0, event))
        world_problem(w, "a signal was applied twice");
}

static void
signal(struct world *w)
{
    static const char *const names[] = {"s0", "s1", "s2"};
    char id[16];
    snprintf(id, sizeof(id), "i%u", w->signals + 1);
    struct act_value *v = act_value_bool(random_one_in(&w->random, 2));
    struct act_event event = {.type = ACT_EVENT_SIGNAL,
                              .name = act_str(names[random_below(&w->random, 3)]),
                              .id = act_str(id),
                              .value = v};
    w->signals += world_apply(w, 0, event);
    commit(w);
    act_value_release(v);
}

/* Somebody sets the clock while nobody has the run. */
static void
set_clock(struct world *w)
{
    static const int64_t by[] = {0, 0, -3600000, 3600000};
    w->clock_ms = CLOCK_MS + by[random_below(&w->clocks, 4)];
}

/* Everything but the log is lost. */
static void
crash(struct world *w)
{
    uint64_t live = 0, again;
    struct act_buf before = {0}, after = {0};
    live = act_run_state_hash(w->run);
    act_run_save(w->run, SIZE_MAX, &before);
    act_run_destroy(w->run);
    w->run = world_load(w);
    if (w->run == NULL)
        w->run = world_replay(w, NULL, 0, w->batches.len);
    struct act_effects none = {0};
    while (act_run_more(w->run))
        act_run_continue(w->run, w->now_ms + w->clock_ms, 0, &none);
    act_effects_fini(&none);
    again = act_run_state_hash(w->run);
    if (live != again)
        world_problem(w, "the replayed state differs from the live one");
    act_run_save(w->run, SIZE_MAX, &after);
    if (w->by_bytes && !act_str_eq(act_buf_str(&before), act_buf_str(&after)))
        world_problem(w, "the replayed state is not saved as the live one");
    act_buf_fini(&before);
    act_buf_fini(&after);
    w->crashes++;
    set_clock(w);
    act_vec_clear(&w->jobs);
    act_vec_clear(&w->questions);
    act_vec_clear(&w->holders);
    act_vec_clear(&w->acquires);
    act_vec_clear(&w->ready);
    act_vec_clear(&w->timers);
    act_run_inflight(w->run, lose, w);
    ACT_VEC(act_inst) lost = {0};
    for (uint32_t i = 0; i < w->questions.len; i++)
        act_vec_push(&lost, w->questions.ptr[i].inst);
    act_vec_clear(&w->questions);
    for (uint32_t i = 0; i < lost.len; i++) {
        if (!world_apply(w, lost.ptr[i],
                         (struct act_event){.type = ACT_EVENT_ENDED, .cause = ACT_CAUSE_LOST}))
            world_problem(w, "a lost attempt was refused");
    }
    act_vec_fini(&lost);
    drop_effects(&w->effects);
    if (has_ended(w))
        commit(w);
    else
        resume(w);
    post_again(w);
}

static void
suspend(struct world *w)
{
    world_apply(w, 0, (struct act_event){.type = ACT_EVENT_SUSPEND});
    commit(w);
    while (w->jobs.len > 0)
        end_job(w, 0, random_one_in(&w->random, 4) ? ACT_CAUSE_NONE : ACT_CAUSE_INTERRUPTED);
    if (act_run_status(w->run) != ACT_STATUS_SUSPENDED)
        world_problem(w, "the run was not suspended");
    if (random_one_in(&w->random, 2)) {
        crash(w);
        return;
    }
    resume(w);
}

static void
disturb(struct world *w)
{
    uint32_t die = random_below(&w->random, 120);
    if (w->fate != 0)
        return;
    if (die < 12)
        signal(w);
    if (w->calm || has_ended(w))
        return;
    if (die == 12 && world_apply(w, 0, (struct act_event){.type = ACT_EVENT_CANCEL}))
        commit(w);
    else if (die < 18)
        crash(w);
    else if (die < 20)
        suspend(w);
}

/* ---- promises that hold at every rest ---- */

static bool
look(void *self, const struct act_inst_view *view)
{
    struct world *w = self;
    const struct act_instance *inst = act_slab_get(&w->run->slab, view->inst);
    const struct act_inside *in = inst->inside;
    if (in == NULL || in->window == 0 || !act_kind_is_members(act_kind_of(w->run, inst)))
        return true;
    uint32_t begun = 0;
    for (uint32_t i = 0; i < in->total; i++) {
        const struct act_instance *child = act_child(w->run, inst, i);
        begun +=
            child != NULL && child->state != ACT_STATE_PENDING && child->state != ACT_STATE_DONE;
    }
    if (begun > in->window)
        world_problem(w, "more than `parallel` members at once");
    return true;
}

bool
world_play(struct world *w)
{
    commit(w);
    for (uint32_t turns = 0; !has_ended(w) && w->problem[0] == '\0'; turns++) {
        if (turns > 20000) {
            world_problem(w, "the run does not end");
            break;
        }
        grant_limits(w);
        give_slots(w);
        act_run_walk(w->run, look, w);
        disturb(w);
        if (has_ended(w) || w->problem[0] != '\0')
            break;
        grant_limits(w);
        give_slots(w);
        answer_questions(w);
        grant_limits(w);
        give_slots(w);
        if (has_ended(w))
            break;
        if (w->questions.len == 0 &&
            w->ready.len + w->acquires.len + w->jobs.len + w->timers.len == 0 &&
            act_run_more(w->run))
            continue;
        if (w->questions.len == 0 && !advance(w)) {
            world_problem(w, "the run waits for nothing");
            break;
        }
    }
    if (w->problem[0] == '\0' && (w->jobs.len > 0 || w->ready.len > 0 || w->holders.len > 0 ||
                                  w->acquires.len > 0 || w->timers.len > 0))
        world_problem(w,
                      "the run ended, but something is left: jobs %u ready %u limits %u "
                      "waiting %u timers %u",
                      w->jobs.len, w->ready.len, w->holders.len, w->acquires.len, w->timers.len);
    return w->problem[0] == '\0';
}

/* ---- the log, afterwards ---- */

struct seen {
    struct act_map begun; /* key and attempt → position */
    struct act_map ended; /* the same */
    struct act_map last;  /* key → position of its last end */
    struct act_arena arena;
};

static struct act_str
name_of(struct seen *s, const struct act_event *e, bool with_attempt)
{
    struct act_buf text = {0};
    act_key_encode(&text, e->key);
    if (with_attempt)
        act_buf_printf(&text, "/%u", e->attempt);
    struct act_str copy = act_arena_str(&s->arena, act_buf_str(&text));
    act_buf_fini(&text);
    return copy;
}

static void
check_needs(struct world *w, struct seen *s, const struct act_event *e)
{
    const struct act_plan_node *n = &w->plan->nodes.ptr[e->key.node];
    for (uint32_t i = 0; i < n->need_count; i++) {
        struct act_event other = *e;
        other.key.node = w->plan->needs.ptr[n->first_need + i].node;
        if (act_map_get(&s->last, name_of(s, &other, false)) == NULL)
            world_problem(w, "event %llu: began before what it needs", (unsigned long long)e->seq);
    }
}

static void
check_chain(struct world *w, struct seen *s, const struct act_event *e)
{
    const struct act_plan_node *n = &w->plan->nodes.ptr[e->key.node];
    if (n->parent == ACT_NODE_NONE || n->role != ACT_ROLE_ITEM || n->index == 0 ||
        w->plan->nodes.ptr[n->parent].kind != ACT_KIND_CHAIN)
        return;
    struct act_event other = *e;
    other.key.node =
        w->plan->children.ptr[w->plan->nodes.ptr[n->parent].first_child + n->index - 1];
    if (act_map_get(&s->last, name_of(s, &other, false)) == NULL)
        world_problem(w, "event %llu: began before the link before it", (unsigned long long)e->seq);
}

static void
check_event(struct world *w, struct seen *s, const struct act_event *e)
{
    if (e->type == ACT_EVENT_NODE_ENDED && (e->bits & ACT_REUSED_END))
        act_map_put(&s->begun, name_of(s, e, true), e->seq); /* not to be made here again */
    if (e->type == ACT_EVENT_DISPATCHED || e->type == ACT_EVENT_NODE_STARTED) {
        check_needs(w, s, e);
        check_chain(w, s, e);
        if (!act_map_put(&s->begun, name_of(s, e, true), e->seq))
            world_problem(w, "event %llu: an attempt begins twice", (unsigned long long)e->seq);
    }
    if (e->type != ACT_EVENT_NODE_ENDED)
        return;
    /* What did not begin keeps its number for when it does, after a retry. */
    bool idle = (e->status == ACT_STATUS_SKIPPED || e->status == ACT_STATUS_CANCELLED) &&
                act_map_get(&s->begun, name_of(s, e, true)) == NULL;
    if (!idle && !act_map_put(&s->ended, name_of(s, e, true), e->seq))
        world_problem(w, "event %llu: an instance ends twice", (unsigned long long)e->seq);
    act_map_put(&s->last, name_of(s, e, false), e->seq);
}

static void
check_events(struct world *w)
{
    struct seen s = {0};
    struct act_str bytes = act_buf_str(&w->log);
    struct act_event event;
    enum act_event_type last = ACT_EVENT_RUN_STARTED;
    while (bytes.len > 0) {
        struct act_str before = bytes;
        if (act_event_decode(&bytes, &s.arena, NULL, &event, NULL) != ACT_OK) {
            world_problem(w, "the log cannot be decoded");
            break;
        }
        struct act_buf again = {0};
        act_event_encode(&again, &event);
        if (!act_str_eq(act_buf_str(&again), act_str_n(before.ptr, before.len - bytes.len)))
            world_problem(w, "an event is not encoded as it was");
        act_buf_fini(&again);
        check_event(w, &s, &event);
        last = event.type;
        act_event_fini(&event);
    }
    if (last != ACT_EVENT_RUN_ENDED)
        world_problem(w, "the log does not end with the run's end");
    act_map_fini(&s.begun);
    act_map_fini(&s.ended);
    act_map_fini(&s.last);
    act_arena_fini(&s.arena);
}

static bool
pick(void *self, const struct act_inst_view *view)
{
    struct world *w = self;
    if (!random_one_in(&w->random, 1 + w->picked++))
        return true;
    act_buf_clear(&w->picked_path);
    act_key_path(&w->picked_path, w->plan, view->key);
    return true;
}

/* `actant retry`, often with `--from` one that was there. */
bool
world_retry(struct world *w)
{
    struct act_event event = {.type = ACT_EVENT_RETRY};
    w->picked = 0;
    if (random_one_in(&w->random, 2)) {
        act_run_walk(w->run, pick, w);
        event.name = act_buf_str(&w->picked_path);
    }
    if (!world_apply(w, 0, event))
        return true;
    drop_effects(&w->effects);
    act_run_reissue(w->run, &w->effects);
    return world_play(w);
}

bool
world_check_log(struct world *w)
{
    check_events(w);
    struct act_run *again = world_replay(w, NULL, 0, w->batches.len);
    if (w->problem[0] == '\0' && act_run_state_hash(again) != act_run_state_hash(w->run))
        world_problem(w, "the replayed end differs from the live one");
    act_run_destroy(again);
    world_check_snapshots(w);
    return w->problem[0] == '\0';
}
