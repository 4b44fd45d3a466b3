/* SHA-256's inner loop by the processor's own instructions, which most x86 processors since 2016 have. For
 * sha256.c alone. */
#ifndef ACT_BASE_SHA256_X86_H
#define ACT_BASE_SHA256_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* gcc alone can be asked for the processor's features by name. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ACT_SHA256_X86 1
#else
#define ACT_SHA256_X86 0
#endif

bool act_sha256_x86_usable(void);
/* h is the chaining value, as FIPS 180-4 has it. Only if usable. */
void act_sha256_x86(uint32_t h[8], const uint8_t *blocks, size_t block_count);

#endif
