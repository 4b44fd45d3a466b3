/* The parts of UTF-8 that base's own modules and the expression library share. */
#ifndef ACT_BASE_UTF8_H
#define ACT_BASE_UTF8_H

#include "base/str.h"

/* Length of the longest prefix of s that is valid UTF-8. If that is not all of s, *bad_len (may be
 * NULL) is the length of the maximal subpart that one U+FFFD stands for (at least 1). */
size_t act_utf8_valid_prefix(struct act_str s, size_t *bad_len);
/* Writes the scalar value code (not a surrogate, at most U+10FFFF); returns 1 to 4. */
size_t act_utf8_encode(char out[4], uint32_t code);

#endif
