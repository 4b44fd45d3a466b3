/* How many processors this process may use: what -j is unless given. */
#ifndef ACT_EMBED_PROCESSORS_H
#define ACT_EMBED_PROCESSORS_H

#include <stdint.h>

/* The smaller of CPU affinity and the cgroup's quota (v2 cpu.max, v1 cfs_quota, of any level above);
 * a part of a processor counts as one. At least 1. */
uint32_t act_processors(void);

#endif
