/* Regular expressions (PCRE2, UTF-8), bounded: a pattern that would take too long or too much memory
 * is an error, never a hang. `\w` and its like mean ASCII, as in grep and most languages. A cache
 * belongs to one evaluator context and is not thread-safe. See also act_pattern_* in dsl/expr.h. */
#ifndef ACT_DSL_PATTERN_H
#define ACT_DSL_PATTERN_H

#include "base/value.h"

struct act_pattern_cache;

/* All searches until the next call share one number of steps (about a second's worth). */
void act_pattern_replenish(struct act_pattern_cache *cache);
/* act_pattern_matches without that. cache may be NULL here and below: then each call has its own. */
enum act_err act_pattern_search(struct act_pattern_cache *cache, struct act_str pattern,
                                struct act_str text, bool *ret, struct act_error *err);
/* The first match in text as a map: '0' the whole, '1' … the groups, and those that have a name
 * under their name, too; a group that took no part is null. *ret is null if nothing matches. */
enum act_err act_pattern_capture(struct act_pattern_cache *cache, struct act_str pattern,
                                 struct act_str text, struct act_value **ret,
                                 struct act_error *err);
/* text with each match replaced by `with`, in which $1, ${1}, ${name} are groups and $$ is a dollar.
 * The result is at most bytes_max long (ACT_ERR_LIMIT). */
enum act_err act_pattern_replace(struct act_pattern_cache *cache, struct act_str pattern,
                                 struct act_str text, struct act_str with, size_t bytes_max,
                                 struct act_value **ret, struct act_error *err);

#endif
