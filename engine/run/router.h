/* Which executor runs the attempts of which kind of node. A table; filled where everything is composed
 * (embed/executors.c), read by the executor host. Executors are borrowed. */
#ifndef ACT_ENGINE_RUN_ROUTER_H
#define ACT_ENGINE_RUN_ROUTER_H

#include "engine/run/executor.h"

#define ACT_ROUTER_SIZE (ACT_KIND_CALL + 1u) /* kinds that start something have the low numbers */

struct act_router {
    struct act_executor *executors[ACT_ROUTER_SIZE]; /* by enum act_kind; NULL: nobody runs it */
};

static inline void
act_router_set(struct act_router *router, enum act_kind kind, struct act_executor *executor)
{
    if ((unsigned)kind < ACT_ROUTER_SIZE)
        router->executors[kind] = executor;
}

/* NULL: an attempt of this kind cannot be started here. */
static inline struct act_executor *
act_router_get(const struct act_router *router, enum act_kind kind)
{
    return (unsigned)kind < ACT_ROUTER_SIZE ? router->executors[kind] : NULL;
}

#endif
