/* Patterns of paths, as hashFiles, `cache: {files}` and `artifacts` have them: `*`, `?`, `[a-z]` within a
 * name, `**` over folders. */
#ifndef ACT_EMBED_GLOB_H
#define ACT_EMBED_GLOB_H

#include "base/str.h"

/* One path against one pattern, both with '/' between names. What is inside a folder that matches
 * matches, too. */
bool act_glob_matches(struct act_str pattern, struct act_str path);
/* The folders before the first wildcard: where walking may begin. A part of pattern; no '/' at its end. */
struct act_str act_glob_fixed_part(struct act_str pattern);
/* By bytes, so that equal folders give equal lists. */
void act_glob_sort(struct act_str *paths, uint32_t count);

#endif
