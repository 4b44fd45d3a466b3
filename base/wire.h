/* Varints and tagged fields: how plan, events and batches are written. A reader never runs past its
 * end: after an error it returns zeros and `failed` stays set, so callers check once. */
#ifndef ACT_BASE_WIRE_H
#define ACT_BASE_WIRE_H

#include "base/str.h"

void act_wire_u64(struct act_buf *out, uint64_t v);         /* LEB128 */
void act_wire_i64(struct act_buf *out, int64_t v);          /* zigzag */
void act_wire_bytes(struct act_buf *out, struct act_str s); /* length, bytes */

struct act_wire_reader {
    struct act_str rest;
    bool failed;
};
uint64_t act_wire_read_u64(struct act_wire_reader *r);
uint32_t act_wire_read_u32(struct act_wire_reader *r); /* fails over UINT32_MAX */
int64_t act_wire_read_i64(struct act_wire_reader *r);
uint8_t act_wire_read_byte(struct act_wire_reader *r);
struct act_str act_wire_read_bytes(struct act_wire_reader *r); /* borrowed from the input */

#endif
