/* Is a text JSON? Read in pieces, in constant memory: for texts that are too large to be made a value of
 * just to know it. Accepts what act_json_parse does, but for escapes that name half a surrogate pair. */
#ifndef ACT_BASE_JSON_SCAN_H
#define ACT_BASE_JSON_SCAN_H

#include "base/error.h"
#include "base/str.h"

#define ACT_JSON_SCAN_DEPTH_MAX 256

/* Zero-initialised is the beginning. */
struct act_json_scan {
    int state;
    const char *word; /* what is left of true, false or null */
    uint32_t depth;
    uint32_t digits;                           /* of \u, left */
    uint8_t low, high;                         /* bounds of the next byte of a character … */
    uint8_t more;                              /* … of which so many are to come */
    uint8_t maps[ACT_JSON_SCAN_DEPTH_MAX / 8]; /* a bit a level: a mapping? */
    bool key;                                  /* the string under way is one */
    uint64_t offset;
};
/* False: it is none, and scan->offset is where. */
bool act_json_scan_feed(struct act_json_scan *scan, struct act_str piece);
/* After the last piece: was that a whole value? */
bool act_json_scan_finish(struct act_json_scan *scan);

#endif
