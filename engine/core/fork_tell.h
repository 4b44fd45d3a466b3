/* The two halves of planning a fork: fork.c chooses what is reused, fork_tell.c puts it into the facts that
 * the new run is told. For these two files only. */
#ifndef ACT_ENGINE_CORE_FORK_TELL_H
#define ACT_ENGINE_CORE_FORK_TELL_H

#include "engine/core/fork.h"
#include "engine/core/machine.h"

enum act_fork_take {
    ACT_TAKE_NOTHING, /* it runs anew, if at all */
    ACT_TAKE_END,
    ACT_TAKE_WAY, /* it holds the node */
    ACT_TAKE_NODE,
};

struct act_fork_planner {
    struct act_run *run;
    const struct act_ledger *ledger;
    uint8_t *take;     /* enum act_fork_take, by entry */
    uint32_t *kids;    /* entries, by parent, in their order inside it */
    uint32_t *kids_at; /* entry → range in kids */
    uint32_t target;
    struct act_str name;
    struct act_map files; /* those in ret */
    struct act_fork *ret;
};

static inline const struct act_ledger_entry *
act_fork_entry(const struct act_fork_planner *p, uint32_t at)
{
    return &p->ledger->list.ptr[at];
}

static inline const struct act_plan_node *
act_fork_node(const struct act_fork_planner *p, uint32_t at)
{
    return act_node(p->run, act_fork_entry(p, at)->key.node);
}

/* Fills ret from what take says. */
void act_fork_tell(struct act_fork_planner *p);

#endif
