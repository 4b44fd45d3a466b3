/* Any text as a script, the first byte's lowest bit choosing the shell: it ends, every hole is decided,
 * and what is let through stands in the script as a reference. */
#include "base/assert.h"
#include "dsl/shell_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum act_shell shell = data[0] & 1 ? ACT_SHELL_BASH : ACT_SHELL_SH;
    struct act_buf out = {0}, name = {0};
    act_shell_holes holes = {0};
    act_shell_rewrite(act_str_n((const char *)data + 1, size - 1), shell, &out, &holes);
    size_t before = 0;
    bool refused = false;
    for (uint32_t i = 0; i < holes.len; i++) {
        const struct act_shell_hole *hole = &holes.ptr[i];
        ACT_ASSERT(hole->open >= before && hole->open + 3 == hole->begin);
        ACT_ASSERT(hole->begin <= hole->end && hole->end <= hole->close && hole->close < size);
        ACT_ASSERT(!hole->refused == !hole->help);
        before = hole->close;
        refused |= hole->refused != NULL;
    }
    for (uint32_t i = 0; !refused && i < holes.len; i++) {
        act_buf_clear(&name);
        act_buf_printf(&name, "ACTANT_V%u", i + 1);
        ACT_ASSERT(act_str_find(act_buf_str(&out), act_buf_str(&name)) >= 0);
    }
    act_buf_fini(&out);
    act_buf_fini(&name);
    act_vec_fini(&holes);
    return 0;
}
