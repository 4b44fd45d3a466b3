/* Ids of runs: thirteen letters and digits, sorted by the time they were made. */
#ifndef ACT_EMBED_RUN_ID_H
#define ACT_EMBED_RUN_ID_H

#include <stdint.h>

#define ACT_RUN_ID_LEN 13

/* Eight characters of milliseconds (until 2059), five of chance; Crockford's base 32, lower case. */
void act_run_id(int64_t now_ms, char ret[ACT_RUN_ID_LEN + 1]);
/* 62 random bits. */
int64_t act_random_seed(void);

#endif
