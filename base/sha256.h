/* SHA-256 for identities (plan hash, batch chain): libsodium's, or where a target has no libsodium
 * (WebAssembly, ACT_NO_SODIUM) a small own one with the same test vectors. Bulk hashing of files
 * goes through the object port. */
#ifndef ACT_BASE_SHA256_H
#define ACT_BASE_SHA256_H

#include "base/str.h"

#define ACT_SHA256_BYTES 32
/* Open only so that it can stand on the stack; the fields are the implementation's. */
struct act_sha256 {
    uint64_t opaque[14];
};
void act_sha256_init(struct act_sha256 *h);
void act_sha256_update(struct act_sha256 *h, const void *bytes, size_t len);
/* The length before the text, so that no two lists of texts are the same bytes. */
void act_sha256_add_str(struct act_sha256 *h, struct act_str text);
void act_sha256_final(struct act_sha256 *h, uint8_t ret[ACT_SHA256_BYTES]);
void act_hex(char *out /* 2·len + 1 */, const uint8_t *bytes, size_t len);

#endif
