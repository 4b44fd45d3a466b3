/* Random nested plans over all kinds, from a seed. */
#ifndef ACT_TESTS_SIM_PLAN_RANDOM_H
#define ACT_TESTS_SIM_PLAN_RANDOM_H

#include "dsl/plan.h"

struct random {
    uint64_t s;
};
uint64_t random_next(struct random *r);
uint32_t random_below(struct random *r, uint32_t n);
bool random_one_in(struct random *r, uint32_t n);

struct act_plan *plan_random(uint64_t seed);
/* With calls of stateful actors among the tasks. */
struct act_plan *plan_random_calls(uint64_t seed);

#endif
