/* act_run_load: a snapshot of a run over a plan with every kind of composite, behind its head (which is
 * put before it here). Whatever the bytes, it is refused or is a state that the machine can go on from:
 * it is saved as it was read, and played on. Never a crash. */
#include "base/assert.h"
#include "dsl/compile.h"
#include "engine/core/snapshot.h"

#define TURNS 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "params: {p: {type: string, default: x}}\n"
    "secrets: [S]\n"
    "tasks: {sub: {params: {q: {type: integer}}, run: 'echo ${{ params.q }}'}}\n"
    "chain:\n"
    "  - {id: a, run: echo a, retry: {max: 2, delay: 1s}, timeout: 5s, env: {V: x}}\n"
    "  - group:\n"
    "      - {for: [1, 2], do: 'echo ${{ item }}', parallel: 1}\n"
    "      - race: [{sleep: 9s}, {wait: go}]\n"
    "      - {matrix: {os: [x, y]}, do: {value: '${{ matrix.os }}'}}\n"
    "      - {exec: [echo, b], if: \"hashFiles('*') != 'x'\", delay: 2s}\n"
    "  - try: {chain: [{run: exit 0, undo: echo undone}, {run: exit 1, undo: echo no}]}\n"
    "    catch: echo caught\n"
    "    finally: echo last\n"
    "  - {while: loop.index < 2, do: {run: 'echo ${{ loop.index }}', undo: echo u}}\n"
    "  - {until: loop.index > 0, do: {value: '${{ loop.index }}'}}\n"
    "  - dag: {x: echo x, y: {needs: x, run: echo y, limits: one}, z: {cancel: y}}\n"
    "  - {chord: {group: [echo 1, echo 2], then: cat}, quorum: 1}\n"
    "  - {task: sub, with: {q: 3}}\n"
    "  - {if: '${{ 1 > 0 }}', then: {switch: \"'b'\", cases: {b: {signal: go}}}}\n"
    "  - {wait: ok, approve: 'fine?'}\n"
    "  - {return: 1}\n";

/* ---- playing on ---- */

static void
answer(struct act_run *run, const struct act_effect *effect, struct act_effects *next, uint8_t byte)
{
    struct act_fact fact = {.inst = effect->inst, .event = {.exit_code = -1}};
    struct act_event *event = &fact.event;
    struct act_value *none = act_value_null();
    if (effect->type == ACT_EFFECT_READY) {
        event->type = ACT_EVENT_DISPATCHED;
    } else if (effect->type == ACT_EFFECT_START || effect->type == ACT_EFFECT_STOP) {
        event->type = ACT_EVENT_ENDED;
        event->exit_code = byte & 1;
        event->cause = byte & 2 ? ACT_CAUSE_LOST : ACT_CAUSE_NONE;
    } else if (effect->type == ACT_EFFECT_TIMER) {
        event->type = ACT_EVENT_TIMER;
        event->number = effect->number;
    } else if (effect->type == ACT_EFFECT_ACQUIRE) {
        event->type = ACT_EVENT_LIMITS;
    } else if (effect->type == ACT_EFFECT_QUESTION) {
        event->type = ACT_EVENT_ANSWER;
        event->value = none;
    } else {
        act_value_release(none);
        return;
    }
    act_run_apply(run, &fact, next, NULL);
    act_value_release(none);
}

static void
turn(struct act_run *run, struct act_effects *effects, uint8_t byte)
{
    struct act_effects next = {0};
    for (uint32_t i = 0; i < effects->list.len; i++)
        answer(run, &effects->list.ptr[i], &next, (uint8_t)(byte + i));
    if (act_run_more(run))
        act_run_continue(run, 0, 0, &next);
    act_effects_fini(effects);
    *effects = next;
}

static void
whole(struct act_run *run, enum act_event_type type, const char *name, struct act_effects *effects)
{
    struct act_value *yes = act_value_bool(true);
    struct act_fact fact = {.event = {.type = type, .name = act_str(name), .value = yes}};
    act_run_apply(run, &fact, effects, NULL);
    act_value_release(yes);
}

static bool
look(void *self, const struct act_inst_view *view)
{
    struct act_buf *name = self;
    act_buf_clear(name);
    return view->inst != ACT_INST_NONE;
}

static void
play(struct act_run *run, const uint8_t *data, size_t size)
{
    struct act_effects effects = {0};
    struct act_buf name = {0};
    act_run_walk(run, look, &name);
    act_buf_fini(&name);
    act_run_state_hash(run);
    act_run_owed(run, 0, &effects);
    for (uint32_t i = 0; i < TURNS; i++) {
        uint8_t byte = size > 0 ? data[size - 1 - i % size] : 0;
        if (i % 16 == 7)
            whole(run, ACT_EVENT_SIGNAL, byte & 1 ? "go" : "ok", &effects);
        if (i == TURNS / 3 && (byte & 4))
            whole(run, ACT_EVENT_SUSPEND, "", &effects);
        if (i == TURNS / 2)
            whole(run, byte & 8 ? ACT_EVENT_CANCEL : ACT_EVENT_RESUME, "", &effects);
        if (i == TURNS / 2 + 1)
            act_run_owed(run, 0, &effects);
        if (i % 8 == 5)
            whole(run, ACT_EVENT_RETRY, "", &effects);
        turn(run, &effects, byte);
    }
    act_effects_fini(&effects);
}

/* ---- reading ---- */

static struct act_run *
load(const struct act_plan *plan, struct act_str bytes)
{
    struct act_run *run = act_run_create(plan, NULL);
    if (act_run_load(run, bytes, NULL) == ACT_OK)
        return run;
    act_run_destroy(run);
    return NULL;
}

/* What was read is saved, read and saved again: the same. */
static void
check_saved(const struct act_plan *plan, struct act_run *run)
{
    struct act_buf one = {0}, two = {0};
    ACT_ASSERT(act_run_save(run, SIZE_MAX, &one));
    struct act_run *again = load(plan, act_buf_str(&one));
    ACT_ASSERT(again != NULL);
    ACT_ASSERT(act_run_save(again, SIZE_MAX, &two));
    ACT_ASSERT(act_str_eq(act_buf_str(&one), act_buf_str(&two)));
    act_run_destroy(again);
    act_buf_fini(&one);
    act_buf_fini(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct act_compiled compiled;
    struct act_compile_options options = {.name = ACT_STR("fuzz")};
    if (compiled.plan == NULL)
        act_compile(ACT_STR("fuzz.yaml"), act_str(text), &options, &compiled);
    ACT_ASSERT(compiled.plan != NULL);
    uint8_t hash[ACT_SHA256_BYTES];
    struct act_buf bytes = {0};
    act_plan_hash(compiled.plan, hash);
    act_wire_u64(&bytes, ACT_SNAPSHOT_FORMAT);
    act_wire_u64(&bytes, ACT_MACHINE_VERSION);
    act_buf_add(&bytes, hash, sizeof(hash));
    act_buf_add(&bytes, data, size);
    struct act_run *run = load(compiled.plan, act_buf_str(&bytes));
    act_buf_fini(&bytes);
    if (run == NULL)
        return 0;
    check_saved(compiled.plan, run);
    play(run, data, size);
    act_run_destroy(run);
    return 0;
}
