/* Supervisors: actors that start others again. supervisor.c has the public functions; this is what pools share
 * with them. */
#ifndef ACT_ACTOR_SUPERVISOR_H
#define ACT_ACTOR_SUPERVISOR_H

#include "engine/actor/family.h"

/* Spawns the head of a family that has none: spawn's args are the family's address. Takes over the caller's
 * reference, also on failure. context NULL: from outside. */
enum actant_code act_family_spawn(struct act_family *family, struct actant_context *context,
                                  const struct actant_spawn *spawn, struct actant_ref *ret);

#endif
