#include "base/sha256_x86.h"

#if ACT_SHA256_X86

#include <immintrin.h>

/* FIPS 180-4, section 4.2.2 */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

bool
act_sha256_x86_usable(void)
{
    return __builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1");
}

#define TARGET __attribute__((target("sha,sse4.1")))

/* 64 rounds, four at a time. abef and cdgh are the chaining value in the order that the instructions want; the
 * lanes of w hold the last 16 words of the schedule, w[r % 4] those that are due. */
static inline TARGET void
compress(__m128i *abef, __m128i *cdgh, const uint8_t *block)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i s0 = *abef, s1 = *cdgh, w[4];

    for (int i = 0; i < 4; i++) {
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(block + 16 * i)), big_endian);
    }
#pragma GCC unroll 16
    for (int r = 0; r < 16; r++) {
        __m128i now = w[r % 4];
        __m128i sum = _mm_add_epi32(now, _mm_loadu_si128((const void *)(round_constants + 4 * r)));
        s1 = _mm_sha256rnds2_epu32(s1, s0, sum);
        s0 = _mm_sha256rnds2_epu32(s0, s1, _mm_shuffle_epi32(sum, 0x0e));
        /* W[t] = σ1(W[t-2]) + W[t-7] + σ0(W[t-15]) + W[t-16] */
        __m128i seven_ago = _mm_alignr_epi8(w[(r + 3) % 4], w[(r + 2) % 4], 4);
        now = _mm_add_epi32(_mm_sha256msg1_epu32(now, w[(r + 1) % 4]), seven_ago);
        w[r % 4] = _mm_sha256msg2_epu32(now, w[(r + 3) % 4]);
    }
    *abef = _mm_add_epi32(*abef, s0);
    *cdgh = _mm_add_epi32(*cdgh, s1);
}

TARGET void
act_sha256_x86(uint32_t h[8], const uint8_t *blocks, size_t block_count)
{
    /* Lanes from the highest: dcba and hgfe are what lies in memory. */
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const void *)h), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const void *)(h + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

    for (size_t i = 0; i < block_count; i++) {
        compress(&abef, &cdgh, blocks + 64 * i);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((void *)h, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((void *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#else

typedef int act_sha256_x86_unused;

#endif
