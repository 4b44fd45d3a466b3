/* Which ref is the head of which family: how a call from any thread finds it. */
#ifndef ACT_ACTOR_KIN_H
#define ACT_ACTOR_KIN_H

#include "engine/actor/family.h"

struct act_kin {
    struct act_mutex lock;
    struct act_table heads; /* ref → struct act_family */
};

struct act_kin *act_kin_create(void);
void act_kin_destroy(struct act_kin *kin);
/* Nothing if the family has lost its head already. */
void act_kin_add(struct act_kin *kin, struct actant_ref head, struct act_family *family);
/* The family has lost its head. */
void act_kin_remove(struct act_kin *kin, struct actant_ref head, struct act_family *family);
/* The family, to be given back with act_family_release; NULL: the ref is none's head. */
struct act_family *act_kin_hold(struct act_kin *kin, struct actant_ref head);

#endif
