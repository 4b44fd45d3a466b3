/* Bump allocator: many small allocations, one release. One arena per compile, one per message.
 * Not thread-safe. Zero-initialised is empty and valid. */
#ifndef ACT_BASE_ARENA_H
#define ACT_BASE_ARENA_H

#include "base/str.h"

struct act_arena_block;
struct act_arena {
    struct act_arena_block *blocks; /* newest first */
    size_t total_bytes;
};

void act_arena_fini(struct act_arena *arena);
void act_arena_reset(struct act_arena *arena);               /* keeps one block */
void *act_arena_alloc(struct act_arena *arena, size_t size); /* aligned to 16, zeroed */
void *act_arena_copy(struct act_arena *arena, const void *ptr, size_t size);
struct act_str act_arena_str(struct act_arena *arena, struct act_str s); /* copy, NUL after it */
struct act_str act_arena_printf(struct act_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
