/* Pools: an actor that hands its messages to the least loaded of its members. pool.c has the public functions;
 * this is what supervisors need to have pools as children. */
#ifndef ACT_ACTOR_POOL_H
#define ACT_ACTOR_POOL_H

#include "engine/actor/family.h"

/* The family of a pool without a head yet; nothing is spawned. ACTANT_INVALID. */
enum actant_code act_pool_build(struct actant_system *system, const struct actant_pool *options,
                                struct act_family **ret);
/* How the head is spawned; family must live until then. */
struct actant_spawn act_pool_spawn(const struct actant_pool *options,
                                   struct act_family *const *family);

#endif
