/* decode → verify → encode is the identity on whatever decode lets through, and printing it in every
 * format ends well. */
#include "base/assert.h"
#include "dsl/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct act_plan *plan;
    struct act_error err;
    struct act_buf out = {0};
    struct act_str bytes = {(const char *)data, size};
    if (act_plan_decode(bytes, &plan, &err) != ACT_OK)
        return 0;
    ACT_ASSERT(act_plan_verify(plan, &err) == ACT_OK);
    act_plan_encode(&out, plan, false);
    ACT_ASSERT(out.len <= size && memcmp(out.ptr, data, out.len) == 0);
    for (int format = ACT_PLAN_TEXT; format <= ACT_PLAN_MERMAID; format++) {
        act_buf_clear(&out);
        act_plan_print(&out, plan, (enum act_plan_format)format);
    }
    act_buf_fini(&out);
    act_plan_destroy(plan);
    return 0;
}
