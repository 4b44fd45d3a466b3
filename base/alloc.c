#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
act_oom(void)
{
    fputs("actant: out of memory; the run can be resumed\n", stderr);
    _Exit(3);
}

void *
act_alloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);
    if (!ptr)
        act_oom();
    return ptr;
}

void *
act_zalloc(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);
    if (!ptr)
        act_oom();
    return ptr;
}

void *
act_realloc(void *ptr, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        act_oom();
    size_t bytes = count * size;
    void *grown = realloc(ptr, bytes ? bytes : 1);
    if (!grown)
        act_oom();
    return grown;
}

char *
act_strndup(const char *ptr, size_t len)
{
    if (len == SIZE_MAX)
        act_oom();
    char *copy = act_alloc(len + 1);
    if (len)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

void
act_free(void *ptr)
{
    free(ptr);
}
