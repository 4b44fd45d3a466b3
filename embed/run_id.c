#include "embed/run_id.h"

#include <stddef.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define EPOCH_MS INT64_C(1735689600000) /* 2025-01-01 */
#define TIME_CHARS 8

static uint64_t
random_bits(void)
{
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
        struct timespec now; /* a kernel without getrandom: unlikely to repeat all the same */
        clock_gettime(CLOCK_MONOTONIC, &now);
        bits = ((uint64_t)now.tv_nsec << 32) ^ ((uint64_t)getpid() << 16) ^ (uint64_t)now.tv_sec;
    }
    return bits;
}

void
act_run_id(int64_t now_ms, char ret[ACT_RUN_ID_LEN + 1])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t time = now_ms > EPOCH_MS ? (uint64_t)(now_ms - EPOCH_MS) : 0;
    uint64_t chance = random_bits();
    for (size_t i = TIME_CHARS; i-- > 0; time >>= 5)
        ret[i] = digits[time & 31];
    for (size_t i = TIME_CHARS; i < ACT_RUN_ID_LEN; i++, chance >>= 5)
        ret[i] = digits[chance & 31];
    ret[ACT_RUN_ID_LEN] = '\0';
}

int64_t
act_random_seed(void)
{
    return (int64_t)(random_bits() >> 2);
}
