/* Frames between actant and its worker processes (frames.def). The decoder takes bytes in any pieces
 * and gives frames whole; one whose length is over the bound, or whose type nobody knows, is an error,
 * after which nothing more comes of it. */
#ifndef ACT_EXECUTORS_WORKER_FRAME_H
#define ACT_EXECUTORS_WORKER_FRAME_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

#define ACT_FRAME_HEAD_BYTES 5
#define ACT_FRAME_UP_MAX (UINT32_C(4) << 20) /* larger results come in PARTs */
#define ACT_FRAME_DOWN_MAX (UINT32_C(256) << 20)

enum act_frame_type {
#define ACT_FRAME(name, number, direction, body) ACT_FRAME_##name = number,
#include "executors/worker/frames.def"
#undef ACT_FRAME
};
const char *act_frame_name(enum act_frame_type type); /* "?" for none of them */

/* Taken apart; texts are lent with the bytes. */
struct act_frame {
    enum act_frame_type type;
    struct act_str body;
};

/* Appends the head, to be followed by body_bytes bytes. */
void act_frame_head(struct act_buf *out, enum act_frame_type type, size_t body_bytes);
void act_frame_u32(struct act_buf *out, uint32_t v);
/* Take a number off the beginning; false if there is none. */
bool act_frame_take_u32(struct act_str *body, uint32_t *ret);
bool act_frame_take_u64(struct act_str *body, uint64_t *ret);
bool act_frame_take_u8(struct act_str *body, uint8_t *ret);

/* Zero-initialised (but body_max) is valid. */
struct act_frame_decoder {
    uint32_t body_max;
    struct act_buf partial; /* the beginning of a frame */
    bool failed;
};
void act_frame_decoder_fini(struct act_frame_decoder *decoder);
/* Takes the next whole frame off *bytes (from what was kept, too): 1 with *ret (lent until the next
 * call), 0 when *bytes is used up, -1 after an error. */
int act_frame_next(struct act_frame_decoder *decoder, struct act_str *bytes, struct act_frame *ret,
                   struct act_error *err);

#endif
