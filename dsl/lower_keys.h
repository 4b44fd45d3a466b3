/* The keys of a node in the making: which there are, which of them says its kind, which may stand there. */
#ifndef ACT_DSL_LOWER_KEYS_H
#define ACT_DSL_LOWER_KEYS_H

#include "dsl/lower_making.h"

void act_keys_read(struct act_making *m, const struct act_key_info *rows);
/* 0 if there is none, or more than can be told apart: the latter is reported. */
enum act_kind act_keys_kind(struct act_lower *l, struct act_making *m);
/* Says what the node lacks; act_keys_kind gave 0. */
void act_keys_missing_kind(struct act_lower *l, struct act_making *m);
/* Reports the keys that mean nothing on this kind, and forgets them. */
void act_keys_check(struct act_lower *l, struct act_making *m);

#endif
