/* Counts the program's allocations: allocations.c stands before libc's malloc. A program of its own only. */
#ifndef ACT_BENCH_ACTORS_ALLOCATIONS_H
#define ACT_BENCH_ACTORS_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

void allocations_begin(void); /* before it nothing is counted, and nothing costs */
bool allocations_counted(void);
uint64_t allocations_count(void);
int64_t allocations_live_bytes(void); /* usable sizes, so no less than what was asked for */

#endif
