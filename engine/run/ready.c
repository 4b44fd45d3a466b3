#include "engine/run/ready.h"

static bool
before(const struct act_ready_entry *a, const struct act_ready_entry *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->arrival < b->arrival;
}

static void
swap(struct act_ready_entry *a, struct act_ready_entry *b)
{
    struct act_ready_entry keep = *a;
    *a = *b;
    *b = keep;
}

static void
sift_up(struct act_ready *ready, uint32_t i)
{
    while (i > 0 && before(&ready->heap.ptr[i], &ready->heap.ptr[(i - 1) / 2])) {
        swap(&ready->heap.ptr[i], &ready->heap.ptr[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void
sift_down(struct act_ready *ready, uint32_t i)
{
    for (;;) {
        uint32_t best = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < ready->heap.len; child++) {
            if (before(&ready->heap.ptr[child], &ready->heap.ptr[best]))
                best = child;
        }
        if (best == i)
            return;
        swap(&ready->heap.ptr[i], &ready->heap.ptr[best]);
        i = best;
    }
}

void
act_ready_heap_fini(struct act_ready *ready)
{
    act_vec_fini(&ready->heap);
}

void
act_ready_heap_push(struct act_ready *ready, act_inst inst, int32_t priority)
{
    struct act_ready_entry entry = {inst, priority, ready->arrivals++};
    act_vec_push(&ready->heap, entry);
    sift_up(ready, ready->heap.len - 1);
}

struct act_ready_entry
act_ready_heap_take(struct act_ready *ready)
{
    if (ready->heap.len == 0)
        return (struct act_ready_entry){.inst = ACT_INST_NONE};
    struct act_ready_entry entry = ready->heap.ptr[0];
    ready->heap.ptr[0] = act_vec_pop(&ready->heap);
    sift_down(ready, 0);
    return entry;
}

act_inst
act_ready_heap_pop(struct act_ready *ready)
{
    return act_ready_heap_take(ready).inst;
}
