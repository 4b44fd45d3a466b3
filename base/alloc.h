/* Allocation. Running out of memory aborts (exit 3 through act_oom); recovery follows from the
 * event log, so no caller handles NULL. Sizes are checked for overflow. */
#ifndef ACT_BASE_ALLOC_H
#define ACT_BASE_ALLOC_H

#include <stddef.h>

void *act_alloc(size_t size);                /* not zeroed; size 0 is 1 */
void *act_zalloc(size_t count, size_t size); /* zeroed */
void *act_realloc(void *ptr, size_t count, size_t size);
char *act_strndup(const char *ptr, size_t len); /* NUL-terminated copy */
void act_free(void *ptr);                       /* NULL is fine */
_Noreturn void act_oom(void);                   /* message, exit code 3 */

#endif
