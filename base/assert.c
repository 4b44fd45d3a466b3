#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void
act_assert_fail(const char *expr, const char *file, int line)
{
    fprintf(stderr, "actant: %s:%d: assertion failed: %s\n", file, line, expr);
    fflush(stderr);
    abort();
}
