#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdio.h>

#define ALIGN 16u
#define BLOCK_MIN 4096u
#define BLOCK_MAX (1u << 20)

struct act_arena_block {
    struct act_arena_block *next;
    size_t used;
    size_t size;
    alignas(ALIGN) unsigned char bytes[];
};

static struct act_arena_block *
block_create(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct act_arena_block) - ALIGN)
        act_oom();
    struct act_arena_block *block = act_alloc(sizeof(*block) + size + ALIGN);
    block->next = NULL;
    block->size = size;
    /* malloc may align to 8 only (32-bit); what is handed out is aligned to 16. */
    block->used = (size_t)(-(uintptr_t)block->bytes & (ALIGN - 1));
    block->size += block->used;
    return block;
}

static void
free_from(struct act_arena_block *block)
{
    while (block) {
        struct act_arena_block *next = block->next;
        act_free(block);
        block = next;
    }
}

void
act_arena_fini(struct act_arena *arena)
{
    free_from(arena->blocks);
    *arena = (struct act_arena){0};
}

void
act_arena_reset(struct act_arena *arena)
{
    struct act_arena_block *keep = arena->blocks;
    arena->total_bytes = 0;
    if (!keep)
        return;
    free_from(keep->next);
    keep->next = NULL;
    keep->used = (size_t)(-(uintptr_t)keep->bytes & (ALIGN - 1));
}

static void *
reserve(struct act_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        act_oom();
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct act_arena_block *block = arena->blocks;
    if (!block || block->size - block->used < size) {
        /* Blocks double up to BLOCK_MAX; what is larger than a block gets one of its own, placed
         * behind the current one so that the rest of that stays in use. */
        size_t next = block ? block->size * 2 : BLOCK_MIN;
        next = next < BLOCK_MIN ? BLOCK_MIN : next > BLOCK_MAX ? BLOCK_MAX : next;
        bool own = block && size > next / 2;
        struct act_arena_block *fresh = block_create(size > next || own ? size : next);
        if (own) {
            fresh->next = block->next;
            block->next = fresh;
        } else {
            fresh->next = block;
            arena->blocks = fresh;
        }
        block = fresh;
    }
    void *ptr = block->bytes + block->used;
    block->used += size;
    arena->total_bytes += size;
    return ptr;
}

void *
act_arena_alloc(struct act_arena *arena, size_t size)
{
    void *ptr = reserve(arena, size ? size : 1);
    memset(ptr, 0, size);
    return ptr;
}

void *
act_arena_copy(struct act_arena *arena, const void *ptr, size_t size)
{
    void *copy = reserve(arena, size ? size : 1);
    if (size)
        memcpy(copy, ptr, size);
    return copy;
}

struct act_str
act_arena_str(struct act_arena *arena, struct act_str s)
{
    if (s.len == SIZE_MAX)
        act_oom();
    char *copy = reserve(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return act_str_n(copy, s.len);
}

struct act_str
act_arena_printf(struct act_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t len = n > 0 ? (size_t)n : 0;
    char *text = reserve(arena, len + 1);
    text[0] = '\0';
    vsnprintf(text, len + 1, format, again);
    va_end(again);
    return act_str_n(text, len);
}
