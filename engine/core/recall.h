/* What a fork takes over, as a table, and how a node of it comes to stand there as it had ended: its
 * instances, and its records. reuse.h is what others see. */
#ifndef ACT_ENGINE_CORE_RECALL_H
#define ACT_ENGINE_CORE_RECALL_H

#include "engine/core/machine.h"

#define ACT_REUSED_NONE UINT32_MAX

struct act_reused {
    struct act_event event; /* its values are retained, its texts and numbers the table's */
    uint32_t first, next;   /* inside it; beside it */
    uint64_t order;
    bool used;
};

struct act_reuse {
    ACT_VEC(struct act_reused) list;
    struct act_map by_key;
    struct act_arena arena;
    struct act_buf scratch;
};

/* The entry's node and all inside it; inst is the node's, and has not begun. */
void act_recall(struct act_run *run, struct act_instance *inst, uint32_t index);

#endif
