#include "base/hmac.h"

#define BLOCK_BYTES 64

static void
keyed(struct act_sha256 *h, const uint8_t key[BLOCK_BYTES], uint8_t pad)
{
    uint8_t block[BLOCK_BYTES];
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        block[i] = key[i] ^ pad;
    act_sha256_init(h);
    act_sha256_update(h, block, sizeof(block));
}

void
act_hmac_sha256(struct act_str key, struct act_str text, uint8_t ret[ACT_SHA256_BYTES])
{
    uint8_t block[BLOCK_BYTES] = {0}, inner[ACT_SHA256_BYTES];
    struct act_sha256 h;
    if (key.len > BLOCK_BYTES) {
        act_sha256_init(&h);
        act_sha256_update(&h, key.ptr, key.len);
        act_sha256_final(&h, block);
    } else if (key.len > 0) {
        memcpy(block, key.ptr, key.len);
    }
    keyed(&h, block, 0x36);
    act_sha256_update(&h, text.ptr, text.len);
    act_sha256_final(&h, inner);
    keyed(&h, block, 0x5c);
    act_sha256_update(&h, inner, sizeof(inner));
    act_sha256_final(&h, ret);
}
