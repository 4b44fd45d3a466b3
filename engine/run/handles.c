#include "engine/run/handles.h"

#include "base/alloc.h"
#include "base/assert.h"

static uint32_t
home(const struct act_handles *handles, act_inst inst, uint32_t number)
{
    uint64_t h = (inst ^ ((uint64_t)number << 56)) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32) & (handles->cap - 1);
}

static struct act_handle_entry *
place(const struct act_handles *handles, act_inst inst, uint32_t number)
{
    uint32_t i = home(handles, inst, number);
    while (handles->entries[i].value &&
           (handles->entries[i].inst != inst || handles->entries[i].number != number))
        i = (i + 1) & (handles->cap - 1);
    return &handles->entries[i];
}

static void
grow(struct act_handles *handles)
{
    struct act_handles bigger = {.cap = handles->cap ? handles->cap * 2 : 64};
    bigger.entries = act_zalloc(bigger.cap, sizeof(*bigger.entries));
    for (uint32_t i = 0; i < handles->cap; i++) {
        const struct act_handle_entry *entry = &handles->entries[i];
        if (entry->value)
            *place(&bigger, entry->inst, entry->number) = *entry;
    }
    bigger.count = handles->count;
    act_free(handles->entries);
    *handles = bigger;
}

void
act_handles_fini(struct act_handles *handles)
{
    act_free(handles->entries);
    *handles = (struct act_handles){0};
}

void
act_handles_put(struct act_handles *handles, act_inst inst, uint32_t number, void *value)
{
    ACT_ASSERT(value);
    if (handles->count * 2 >= handles->cap)
        grow(handles);
    struct act_handle_entry *entry = place(handles, inst, number);
    if (!entry->value)
        handles->count++;
    *entry = (struct act_handle_entry){inst, number, value};
}

void *
act_handles_get(const struct act_handles *handles, act_inst inst, uint32_t number)
{
    return handles->cap ? place(handles, inst, number)->value : NULL;
}

/* Closes the gap that a removal leaves, so that probing needs no tombstones. */
static void
close_gap(struct act_handles *handles, uint32_t gap)
{
    uint32_t mask = handles->cap - 1;
    for (uint32_t i = (gap + 1) & mask; handles->entries[i].value; i = (i + 1) & mask) {
        uint32_t at = home(handles, handles->entries[i].inst, handles->entries[i].number);
        if (((i - at) & mask) < ((i - gap) & mask))
            continue;
        handles->entries[gap] = handles->entries[i];
        gap = i;
    }
    handles->entries[gap] = (struct act_handle_entry){0};
}

void *
act_handles_take(struct act_handles *handles, act_inst inst, uint32_t number)
{
    if (!handles->cap)
        return NULL;
    struct act_handle_entry *entry = place(handles, inst, number);
    void *value = entry->value;
    if (value) {
        handles->count--;
        close_gap(handles, (uint32_t)(entry - handles->entries));
    }
    return value;
}
