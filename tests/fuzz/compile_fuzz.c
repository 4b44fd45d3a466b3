/* Any text compiles to a plan or to diagnostics; a plan survives encoding and decoding. */
#include "base/assert.h"
#include "dsl/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every other file is this one: workflows that contain themselves are found, too. */
static enum act_err
find_same(void *self, struct act_str path, struct act_arena *arena, struct act_str *ret_text,
          struct act_error *err)
{
    const struct act_str *text = self;
    if (path.len > 8)
        return act_error_set(err, ACT_ERR_NOT_FOUND, "there is no such file");
    *ret_text = act_arena_str(arena, *text);
    return ACT_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct act_str text = {(const char *)data, size};
    struct act_compile_options options = {
        .find = find_same, .self = &text, .name = ACT_STR("fuzz")};
    struct act_compiled compiled;
    struct act_buf bytes = {0}, out = {0};
    struct act_error err;
    act_compile(ACT_STR("fuzz.yaml"), text, &options, &compiled);
    ACT_ASSERT((compiled.plan == NULL) == (compiled.diags.error_count > 0));
    act_diags_print(&out, &compiled.diags, &compiled.sources, ACT_DIAG_PRETTY, false);
    if (compiled.plan) {
        struct act_plan *again;
        act_plan_encode(&bytes, compiled.plan, true);
        ACT_ASSERT(act_plan_decode(act_buf_str(&bytes), &again, &err) == ACT_OK);
        act_plan_print(&out, again, ACT_PLAN_TEXT);
        act_plan_destroy(again);
    }
    act_buf_fini(&bytes);
    act_buf_fini(&out);
    act_compiled_fini(&compiled);
    return 0;
}
