/* Event decode and replay: the log of a run over one plan with every kind of composite. Whatever the
 * bytes, there is an error or a state, never a crash. */
#include "base/assert.h"
#include "dsl/compile.h"
#include "engine/core/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "chain:\n"
                           "  - {id: a, run: echo a, retry: {max: 2, delay: 1s}}\n"
                           "  - group:\n"
                           "      - {for: [1, 2], do: 'echo ${{ item }}'}\n"
                           "      - race: [{sleep: 9s}, {wait: go}]\n"
                           "      - {matrix: {os: [x, y]}, do: {value: '${{ matrix.os }}'}}\n"
                           "  - try: {run: exit 1, undo: echo undone}\n"
                           "    catch: echo caught\n"
                           "    finally: echo last\n"
                           "  - {while: loop.index < 2, do: {value: '${{ loop.index }}'}}\n"
                           "  - dag: {x: echo x, y: {needs: x, run: echo y, limits: one}}\n"
                           "  - {chord: {group: [echo 1, echo 2], then: cat}, quorum: 1}\n";

static void
decode_all(struct act_str bytes, const struct act_plan *plan)
{
    struct act_arena arena = {0};
    struct act_event event;
    while (bytes.len > 0 && act_event_decode(&bytes, &arena, NULL, &event, NULL) == ACT_OK) {
        struct act_buf out = {0};
        act_event_json(&out, plan, &event);
        act_buf_clear(&out);
        act_event_encode(&out, &event);
        act_buf_fini(&out);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct act_compiled compiled;
    struct act_compile_options options = {.name = ACT_STR("fuzz")};
    struct act_str bytes = act_str_n((const char *)data, size);
    if (compiled.plan == NULL)
        act_compile(ACT_STR("fuzz.yaml"), act_str(text), &options, &compiled);
    ACT_ASSERT(compiled.plan != NULL);
    decode_all(bytes, compiled.plan);
    struct act_run *run = act_run_create(compiled.plan, NULL);
    struct act_effects effects = {0};
    struct act_error err = {0};
    if (act_run_replay(run, bytes, &err) == ACT_OK && size > 0)
        act_run_reissue(run, &effects);
    act_run_state_hash(run);
    act_effects_fini(&effects);
    act_run_destroy(run);
    return 0;
}
