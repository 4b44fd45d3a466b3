/* HMAC-SHA256 (RFC 2104): a sum that only who has the key can make. */
#ifndef ACT_BASE_HMAC_H
#define ACT_BASE_HMAC_H

#include "base/sha256.h"

void act_hmac_sha256(struct act_str key, struct act_str text, uint8_t ret[ACT_SHA256_BYTES]);

#endif
