/* Facts: may one be applied now, and what it does. */
#include "base/assert.h"
#include "base/sha256.h"
#include "engine/core/snapshot.h"

#define TICK_MS 1000

static bool
is_ended(enum act_status status)
{
    return status == ACT_STATUS_SUCCEEDED || status == ACT_STATUS_FAILED ||
           status == ACT_STATUS_CANCELLED;
}

static enum act_err
refuse(struct act_error *err, const char *why)
{
    return act_error_set(err, ACT_ERR_INVALID, "%s", why);
}

/* ---- may it be applied? ---- */

static bool
has_process(const struct act_run *run, const struct act_instance *inst)
{
    return inst->state == ACT_STATE_ACTIVE ||
           (inst->state == ACT_STATE_STOPPING && act_kind_is_task(act_kind_of(run, inst)));
}

static enum act_err
check_instance(struct act_run *run, const struct act_fact *fact, struct act_error *err)
{
    const struct act_instance *inst = act_slab_get(&run->slab, fact->inst);
    bool fine = false;
    if (inst == NULL)
        return refuse(err, "the instance has ended");
    if (fact->event.type == ACT_EVENT_DISPATCHED)
        fine = act_can_move(run, inst, ACT_MOVE_DISPATCH) && !run->frozen;
    else if (fact->event.type == ACT_EVENT_TIMER)
        fine = fact->event.number != 0 && (fact->event.number == inst->park_timer ||
                                           fact->event.number == inst->timeout_timer);
    else if (fact->event.type == ACT_EVENT_LIMITS)
        fine = inst->state == ACT_STATE_LIMITED;
    else if (fact->event.type == ACT_EVENT_ANSWER)
        fine = inst->asking != ACT_STEP_NONE;
    else
        fine = has_process(run, inst); /* ENDED, STARTED, OUTPUT */
    return fine ? ACT_OK : refuse(err, "the instance is not in a state for this fact");
}

static enum act_err
check_start(struct act_run *run, const struct act_event *event, struct act_error *err)
{
    if (run->status != ACT_STATUS_PENDING)
        return refuse(err, "the run has started already");
    if (event->number > ACT_MACHINE_VERSION)
        return act_error_set(err, ACT_ERR_NEWER, "the run was made by a newer version (machine %u)",
                             event->number);
    if (event->value == NULL || act_value_type(event->value) != ACT_MAP)
        return refuse(err, "a run starts with a mapping");
    return ACT_OK;
}

static enum act_err
check(struct act_run *run, const struct act_fact *fact, struct act_error *err)
{
    enum act_event_type type = fact->event.type;
    if (type == ACT_EVENT_RUN_STARTED)
        return check_start(run, &fact->event, err);
    if (act_event_class(type) == ACT_CLASS_RECORD)
        return refuse(err, "a record is not a fact");
    if (run->status == ACT_STATUS_PENDING)
        return refuse(err, "the run has not started");
    bool tells = type == ACT_EVENT_REUSED || type == ACT_EVENT_FORKED;
    if (tells != run->gathering)
        return refuse(err, tells ? "the run is no fork that is beginning"
                                 : "what the fork reuses has not been told yet");
    if (tells)
        return type == ACT_EVENT_REUSED ? act_reuse_check(run, &fact->event, err) : ACT_OK;
    if (type == ACT_EVENT_RETRY)
        return is_ended(run->status) ? act_reopen_check(run, fact->event.name, err)
                                     : refuse(err, "the run has not ended");
    if (is_ended(run->status))
        return refuse(err, "the run has ended");
    if (type == ACT_EVENT_SIGNAL)
        return act_signal_check(run, &fact->event, err);
    if (type == ACT_EVENT_CANCEL)
        return run->cancelled ? refuse(err, "the run is being cancelled already") : ACT_OK;
    if (type == ACT_EVENT_SUSPEND)
        return run->frozen ? refuse(err, "the run is being suspended already") : ACT_OK;
    if (type == ACT_EVENT_RESUME || type == ACT_EVENT_TICK || type == ACT_EVENT_ADOPTED)
        return ACT_OK;
    return check_instance(run, fact, err);
}

/* ---- what it does ---- */

static void
set_nonce(struct act_run *run)
{
    struct act_sha256 h;
    uint8_t sum[ACT_SHA256_BYTES];
    act_sha256_init(&h);
    act_sha256_update(&h, &run->seed, sizeof(run->seed));
    act_sha256_update(&h, run->id.ptr, run->id.len);
    act_sha256_final(&h, sum);
    act_hex(run->nonce, sum, 16);
}

static struct act_value *
map_or_empty(const struct act_run *run, const struct act_value *v)
{
    return act_value_retain(v != NULL && act_value_type(v) == ACT_MAP ? v : run->empty);
}

void
act_run_learn(struct act_run *run, const struct act_value *start)
{
    int64_t seed = 0;
    run->start = act_value_retain(start);
    run->params = map_or_empty(run, act_member(run->start, ACT_STR("params")));
    run->env = act_value_list();
    act_value_list_add(run->env, act_value_retain(run->empty));
    act_value_list_add(run->env, map_or_empty(run, act_member(run->start, ACT_STR("env"))));
    const struct act_value *id = act_member(act_member(run->start, ACT_STR("run")), ACT_STR("id"));
    if (id != NULL && act_value_type(id) == ACT_STRING)
        run->id = act_value_as_str(id);
    const struct act_value *given = act_member(run->start, ACT_STR("seed"));
    if (given != NULL && act_value_is_number(given) && act_value_to_int(given, &seed))
        run->seed = (uint64_t)seed;
    set_nonce(run);
}

static void
start_run(struct act_run *run, const struct act_event *event)
{
    act_run_learn(run, event->value);
    run->status = ACT_STATUS_RUNNING;
    if (act_member(run->start, ACT_STR("fork")) != NULL) {
        run->gathering = run->forked = true;
        run->reuse = act_reuse_create();
    }
    struct act_instance *root = act_spawn(run, NULL, 0, 0, act_value_null());
    run->root = root->slot;
    root->env = act_value_retain(run->env);
    const struct act_value *folder =
        act_has(run, 0, ACT_ATTR_FOLDER) ? act_plan_literal(run->plan, 0, ACT_ATTR_FOLDER) : NULL;
    root->dir = folder != NULL ? act_value_retain(folder) : act_value_cstring("");
    act_push(run, root, ACT_STEP_BEGIN);
}

static void
parked_timer(struct act_run *run, struct act_instance *inst)
{
    inst->park_timer = 0;
    inst->due_ms = -1;
    if (inst->state != ACT_STATE_PARKED)
        act_step_attempt(run, inst);
    else if (act_kind_of(run, inst) == ACT_KIND_WAIT)
        act_wait_expired(run, inst);
    else
        act_succeed(run, inst, inst->input ? act_value_retain(inst->input) : act_value_null());
}

static void
on_timer(struct act_run *run, struct act_instance *inst, uint32_t number)
{
    if (number == inst->park_timer) {
        parked_timer(run, inst);
        return;
    }
    struct act_buf text = {0};
    inst->timeout_timer = 0;
    act_duration_text(&text, inst->timeout_ms);
    act_fail(run, inst, ACT_CAUSE_TIMEOUT, "took longer than its timeout of %.*s",
             ACT_STR_ARG(act_buf_str(&text)));
    act_buf_fini(&text);
}

/* What could not be found out: whoever asked with a map decides what that means. */
static struct act_value *
nothing_found(struct act_str message)
{
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("error"), act_value_string(message));
    return map;
}

static struct act_value *
answer_of(const struct act_event *event)
{
    if (event->message.len > 0)
        return nothing_found(event->message);
    return event->value != NULL ? act_value_retain(event->value) : act_value_null();
}

static void
on_answer(struct act_run *run, struct act_instance *inst, const struct act_event *event)
{
    enum act_step step = (enum act_step)inst->asking;
    inst->asking = ACT_STEP_NONE;
    if (act_cache_is_question(inst->question)) {
        act_cache_answered(run, inst, event);
        return;
    }
    if (event->message.len > 0 && act_value_type(inst->question) == ACT_LIST) {
        act_value_set(&inst->question, NULL);
        act_fail(run, inst, ACT_CAUSE_EXPRESSION, "%.*s", ACT_STR_ARG(event->message));
        return;
    }
    struct act_buf text = {0};
    act_json_write(&text, inst->question, 0);
    if (inst->answers == NULL)
        inst->answers = act_value_map();
    act_value_map_put(inst->answers, act_buf_str(&text), answer_of(event));
    act_buf_fini(&text);
    act_value_set(&inst->question, NULL);
    act_push(run, inst, step);
}

static void
suspend(struct act_run *run)
{
    run->frozen = run->muted = true;
    for (uint32_t slot = 0; slot < run->slab.used; slot++) {
        const struct act_instance *inst = &run->slab.chunks[slot / 256][slot % 256];
        if (inst->generation == 0 || inst->state != ACT_STATE_ACTIVE)
            continue;
        struct act_effect *effect = act_emit(run, ACT_EFFECT_STOP, inst);
        if (effect != NULL)
            effect->delay_ms = inst->grace_ms;
    }
    act_run_check_suspended(run);
}

static void
wake(struct act_run *run)
{
    run->frozen = false;
    run->status = ACT_STATUS_RUNNING;
}

static void
on_signal(struct act_run *run, const struct act_event *event)
{
    if (event->id.len > 0)
        act_map_put(&run->inbox, act_arena_str(&run->arena, event->id), 1);
    act_signal_deliver(run, event->name, event->value);
}

static void
apply(struct act_run *run, const struct act_fact *fact, struct act_instance *inst)
{
    const struct act_event *event = &fact->event;
    switch (event->type) {
    case ACT_EVENT_RUN_STARTED: start_run(run, event); break;
    case ACT_EVENT_DISPATCHED: act_instance_move(run, inst, ACT_MOVE_DISPATCH); break;
    case ACT_EVENT_ENDED:
        if (run->ledger != NULL)
            act_ledger_output(run, inst, event);
        act_task_ended(run, inst, fact);
        act_run_check_suspended(run);
        break;
    case ACT_EVENT_TIMER: on_timer(run, inst, event->number); break;
    case ACT_EVENT_SIGNAL: on_signal(run, event); break;
    case ACT_EVENT_CANCEL:
        wake(run);
        run->cancelled = true;
        act_stop(run, act_at(run, run->root), ACT_CAUSE_CANCELLED, false);
        break;
    case ACT_EVENT_SUSPEND: suspend(run); break;
    case ACT_EVENT_RESUME: wake(run); break;
    case ACT_EVENT_LIMITS: act_instance_move(run, inst, ACT_MOVE_START); break;
    case ACT_EVENT_ANSWER: on_answer(run, inst, event); break;
    case ACT_EVENT_RETRY:
        act_reuse_destroy(run->reuse);
        run->reuse = NULL;
        act_reopen(run, event->name);
        break;
    case ACT_EVENT_REUSED: act_reuse_add(run, event); break;
    case ACT_EVENT_FORKED: act_reuse_complete(run, event); break;
    case ACT_EVENT_TICK:
    case ACT_EVENT_ADOPTED:
    case ACT_EVENT_STARTED:
    case ACT_EVENT_OUTPUT: break;
    case ACT_EVENT_NODE_STARTED:
    case ACT_EVENT_NODE_ENDED:
    case ACT_EVENT_NODE_PARKED:
    case ACT_EVENT_RUN_ENDED:
    case ACT_EVENT_RUN_SUSPENDED:
    case ACT_EVENT_UNDONE: ACT_UNREACHABLE();
    }
}

static bool
starts_once(const struct act_instance *inst, enum act_event_type type)
{
    const struct act_task *task = act_taskbox_task(inst != NULL ? inst->task : NULL);
    return type == ACT_EVENT_DISPATCHED && task != NULL && !task->idempotent;
}

enum act_err
act_run_fact(struct act_run *run, const struct act_fact *fact, struct act_error *err)
{
    enum act_err code = check(run, fact, err);
    if (code != ACT_OK)
        return code;
    struct act_instance *inst = act_slab_get(&run->slab, fact->inst);
    struct act_event event = fact->event;
    run->now_ms = event.at_ms;
    run->now_ns = event.at_ns > run->now_ns ? event.at_ns : run->now_ns;
    event.at_ns = run->now_ns;
    event.steps = run->steps;
    if (event.type == ACT_EVENT_RUN_STARTED)
        event.number = ACT_MACHINE_VERSION;
    if (inst != NULL) {
        event.key = act_key_of(run, inst);
        event.attempt = inst->attempt;
    }
    if (starts_once(inst, event.type))
        run->effects->sync = true;
    act_log(run, &event);
    apply(run, fact, inst);
    return ACT_OK;
}

enum act_err
act_run_apply(struct act_run *run, const struct act_fact *fact, struct act_effects *effects,
              struct act_error *err)
{
    run->effects = effects;
    enum act_err code = act_run_fact(run, fact, err);
    if (code == ACT_OK)
        act_run_steps(run, run->steps + ACT_STEPS_PER_TURN);
    run->effects = NULL;
    return code;
}

void
act_run_continue(struct act_run *run, int64_t now_ms, int64_t now_ns, struct act_effects *effects)
{
    struct act_fact tick = {.event = {.type = ACT_EVENT_TICK, .at_ms = now_ms, .at_ns = now_ns}};
    run->effects = effects;
    if (act_run_more(run) && now_ms >= run->now_ms + TICK_MS)
        act_run_fact(run, &tick, NULL);
    act_run_steps(run, run->steps + ACT_STEPS_PER_TURN);
    run->effects = NULL;
}
