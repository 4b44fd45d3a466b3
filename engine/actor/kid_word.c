/* What a child says of itself to its supervisor or pool: that it is well, or hopeless. */
#include "engine/actor/family.h"

void
act_family_said(struct act_family *family, const struct actant_message *message)
{
    struct act_kid *kid = act_family_kid(family, message->from);
    if (kid && message->type == ACT_TYPE_FAMILY_HOPELESS) {
        kid->hopeless = true;
    } else if (kid) {
        act_restarts_fini(&family->restarts);
        kid->streak = 0;
    }
}

static void
tell_head(struct actant_context *context, uint32_t type)
{
    const struct act_cell *cell = context->cell;
    struct actant_ref head = {atomic_load_explicit(&cell->parent, memory_order_relaxed)};
    if (cell->supervised && head.v != 0) {
        (void)act_actor_notify(actant_context_system(context), actant_self(context), head, type, 0,
                               NULL, 0);
    }
}

void
actant_well(struct actant_context *context)
{
    tell_head(context, ACT_TYPE_FAMILY_WELL);
}

void
actant_hopeless(struct actant_context *context)
{
    tell_head(context, ACT_TYPE_FAMILY_HOPELESS);
}
