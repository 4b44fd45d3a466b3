/* A pool whose members write down what they do, for the tests of pools. */
#ifndef TESTS_ENGINE_ACTOR_POOL_SUPPORT_H
#define TESTS_ENGINE_ACTOR_POOL_SUPPORT_H

#include "tests/engine/actor/actor_support.h"

/* A pool that grows and shrinks has a new member for each message at most. */
enum { JOBS_MAX = 20000, MEMBERS_MAX = JOBS_MAX };
enum {
    JOB = ACTANT_TYPE_USER, /* payload: struct job */
    CRASH,
    LEAVE,
    WHO
};

struct job {
    uint32_t number;
    int64_t takes_ms; /* 0: done in its step; else begun, and done after that time */
};

/* What the members write down: one thread in the seeded home, else under the lock. */
struct pool_world {
    enum place place;
    struct actant_system *system;
    struct actant_ref pool;
    int64_t clock_ns;
    pthread_mutex_t lock;
    uint64_t member[MEMBERS_MAX]; /* refs, in the order of their first start */
    uint32_t members, starts;
    uint32_t busy[MEMBERS_MAX], busy_most[MEMBERS_MAX], done_by[MEMBERS_MAX];
    uint32_t order[JOBS_MAX], count; /* job numbers as they were begun */
    uint32_t by[JOBS_MAX];           /* job → member + 1 */
    uint32_t finished;
    uint32_t want;
};

struct member {
    struct pool_world *world;
    uint32_t index;
};

extern const struct actant_class member_class;
int member_start(struct actant_context *context, void *state, const void *args, size_t size);
int member_handle(struct actant_context *context, void *state,
                  const struct actant_message *message);
struct pool_world *pool_open(enum place place, uint64_t seed, struct actant_pool how);
void pool_close(struct pool_world *world);
void pool_pass(struct pool_world *world, int64_t ms);
void pool_give(struct pool_world *world, uint32_t number, int64_t takes_ms);
void pool_tell(struct pool_world *world, uint32_t type);
void pool_wait(struct pool_world *world, uint32_t finished);
struct actant_pool_metrics pool_metrics_of(struct pool_world *world);
uint64_t pool_next(uint64_t *state);

#endif
