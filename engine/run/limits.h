/* Limits of a run that keeps no history: counted in memory, for this run alone. The same answers as
 * the store's acquire and release (engine/port/store.h). */
#ifndef ACT_ENGINE_RUN_LIMITS_H
#define ACT_ENGINE_RUN_LIMITS_H

#include "base/map.h"
#include "engine/core/run.h"

struct act_grant { /* of one limit; a rate's stays until its time is over */
    uint32_t limit;
    act_inst holder;           /* ACT_INST_NONE once it was given back */
    int64_t from_ms, until_ms; /* of a rate: when it counts; until_ms 0: at most so many at once */
};
struct act_limits {
    struct act_map names; /* → number of the limit; texts owned by the plan */
    ACT_VEC(struct act_grant) grants;
};
void act_limits_fini(struct act_limits *limits);
/* Takes all of wanted (map NAME → integer, {"count", "per_ms"} or null) or none; *retry_ms says when
 * to ask again. now_ms: of any clock; what it says was granted later than now does not count. */
bool act_limits_acquire(struct act_limits *limits, act_inst holder, const struct act_value *wanted,
                        int64_t now_ms, int64_t *retry_ms);
void act_limits_release(struct act_limits *limits, act_inst holder);

#endif
