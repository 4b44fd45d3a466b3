#include "engine/actor/kid.h"

#include "base/alloc.h"
#include "engine/actor/family.h"

#include <string.h>

#define NO ACT_KID_STATES /* the event means nothing in this state */

static const uint8_t next_state[ACT_KID_STATES][ACT_KID_EVENTS] = {
    /* BEGIN, STARTED, STOPPED, HALT, PAUSE */
    [ACT_KID_DOWN] = {ACT_KID_STARTING, NO, NO, ACT_KID_DOWN, ACT_KID_PAUSING},
    [ACT_KID_STARTING] = {NO, ACT_KID_UP, ACT_KID_DOWN, ACT_KID_STOPPING, NO},
    [ACT_KID_UP] = {NO, NO, ACT_KID_DOWN, ACT_KID_STOPPING, NO},
    [ACT_KID_STOPPING] = {NO, ACT_KID_STOPPING, ACT_KID_DOWN, ACT_KID_STOPPING, NO},
    [ACT_KID_PAUSING] = {ACT_KID_STARTING, NO, NO, ACT_KID_DOWN, NO},
};

bool
act_kid_become(struct act_kid *kid, enum act_kid_event event)
{
    uint8_t next = next_state[kid->state][event];
    if (next == NO) {
        return false;
    }
    kid->state = (enum act_kid_state)next;
    return true;
}

struct act_kid *
act_kid_create(struct act_family *family, const struct actant_spawn *spawn,
               enum actant_restart restart)
{
    struct act_kid *kid = act_zalloc(1, sizeof(*kid));
    atomic_init(&kid->refs, 1);
    kid->family = family;
    kid->restart = restart;
    kid->spawn = *spawn;
    kid->spawn.name = NULL;
    if (spawn->args_size > 0) {
        void *args = act_alloc(spawn->args_size);
        memcpy(args, spawn->args, spawn->args_size);
        kid->spawn.args = args;
    }
    return kid;
}

enum actant_code
act_kid_reserve(struct act_kid *kid, const char *name)
{
    struct actant_spawn spawn = kid->spawn;
    const struct act_spawn_more more = {
        .supervised = true,
        .parked = true,
        .notices_first = kid->own != NULL,
    };
    spawn.name = name;
    return act_actor_spawn(kid->family->system, &spawn, &more, &kid->ref);
}

void
act_kid_release(struct act_kid *kid)
{
    if (atomic_fetch_sub_explicit(&kid->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (kid->spawn.args_size > 0) {
        act_free((void *)(uintptr_t)kid->spawn.args);
    }
    act_free(kid);
}

void
act_kid_discard(struct act_kid *kid)
{
    if (!kid) {
        return;
    }
    if (kid->ref.v != 0) {
        act_actor_discard(kid->family->system, kid->ref);
    }
    if (kid->own) {
        /* The runtime does not know its hooks yet. */
        kid->own->hooks.gone(kid->own, kid->ref);
    }
    act_kid_release(kid);
}
