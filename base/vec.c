#include "base/vec.h"

void *
act_vec_grow(void *ptr, uint32_t len, uint32_t *cap, size_t elem_size)
{
    if (len < *cap)
        return ptr;
    if (len == UINT32_MAX)
        act_oom();
    uint32_t grown = *cap < 4 ? 4 : *cap > UINT32_MAX / 2 ? UINT32_MAX : *cap * 2;
    ptr = act_realloc(ptr, grown, elem_size);
    *cap = grown;
    return ptr;
}
