#include "bench/actors/allocations.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

/* glibc's own names for what is replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *at);
int posix_memalign(void **ret, size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);

/* Malloc has no context: these are the program's own, and the only globals here. */
static atomic_bool on;
static atomic_uint_fast64_t allocations;
static atomic_int_fast64_t live;

static void *
count(void *at)
{
    if (at != NULL && atomic_load_explicit(&on, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&live, (int64_t)malloc_usable_size(at), memory_order_relaxed);
    }
    return at;
}

static void
uncount(void *at)
{
    if (at != NULL && atomic_load_explicit(&on, memory_order_relaxed))
        atomic_fetch_sub_explicit(&live, (int64_t)malloc_usable_size(at), memory_order_relaxed);
}

void *
malloc(size_t size)
{
    return count(__libc_malloc(size));
}

void *
calloc(size_t number, size_t size)
{
    return count(__libc_calloc(number, size));
}

void *
realloc(void *at, size_t size)
{
    uncount(at);
    return count(__libc_realloc(at, size));
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return count(__libc_memalign(alignment, size));
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
    *ret = count(__libc_memalign(alignment, size));
    return *ret == NULL ? 12 /* ENOMEM */ : 0;
}

void
free(void *at)
{
    uncount(at);
    __libc_free(at);
}

void
allocations_begin(void)
{
    atomic_store(&on, true);
}

bool
allocations_counted(void)
{
    return atomic_load(&on);
}

uint64_t
allocations_count(void)
{
    return atomic_load(&allocations);
}

int64_t
allocations_live_bytes(void)
{
    return atomic_load(&live);
}
