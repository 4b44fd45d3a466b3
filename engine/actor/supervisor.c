#include "engine/actor/supervisor.h"

#include "base/alloc.h"
#include "engine/actor/kin.h"
#include "engine/actor/pool.h"

#include <stddef.h>

enum { DEPTH_MAX = 16 };

struct supervisor {
    struct act_family family; /* first: destroy frees the whole */
};

static void
destroy(struct act_family *family)
{
    act_free(family);
}

/* ---- the actor --------------------------------------------------------------------------------- */

struct state {
    struct act_family *family;
};

static int
start(struct actant_context *context, void *self, const void *args, size_t args_size)
{
    struct state *state = self;
    (void)args_size;
    state->family = *(struct act_family *const *)args;
    act_family_begin(state->family, context);
    return 0;
}

static int
handle(struct actant_context *context, void *self, const struct actant_message *message)
{
    struct state *state = self;
    return message->type < ACTANT_TYPE_USER ? act_family_notice(state->family, context, message)
                                            : 0;
}

static const struct actant_class supervisor_class = {
    .name = "supervisor",
    .state_size = sizeof(struct state),
    .start = start,
    .handle = handle,
};

/* ---- making the tree --------------------------------------------------------------------------- */

static bool
is_valid(const struct actant_supervisor *supervisor)
{
    return supervisor && supervisor->strategy >= ACTANT_ONE_FOR_ONE &&
           supervisor->strategy <= ACTANT_REST_FOR_ONE && supervisor->window_ms >= 0 &&
           supervisor->backoff_ms >= 0 && supervisor->backoff_max_ms >= 0 &&
           (supervisor->children || supervisor->child_count == 0);
}

static bool
is_valid_child(const struct actant_child *child)
{
    int set = (child->spawn.actor != NULL) + (child->supervisor != NULL) + (child->pool != NULL);
    return set == 1 && child->restart >= ACTANT_PERMANENT && child->restart <= ACTANT_TEMPORARY;
}

static enum actant_code build(struct actant_system *system,
                              const struct actant_supervisor *supervisor, int depth,
                              struct act_family **ret);

/* A child that is the head of a family of its own. */
static enum actant_code
create_head(struct act_family *family, struct act_family *own, const struct actant_spawn *spawn,
            enum actant_restart restart, struct act_kid **ret)
{
    struct act_kid *kid = act_kid_create(family, spawn, restart);
    kid->own = own;
    kid->known = &own->hooks;
    enum actant_code code = act_kid_reserve(kid, spawn->name);
    if (code != ACTANT_OK) {
        act_kid_discard(kid);
        return code;
    }
    act_kin_add(family->system->kin, kid->ref, own);
    *ret = kid;
    return ACTANT_OK;
}

static struct actant_spawn
head_spawn(const struct actant_supervisor *supervisor, struct act_family *const *family)
{
    return (struct actant_spawn){
        .actor = &supervisor_class,
        .args = family,
        .args_size = sizeof(*family),
        .home = supervisor->home,
        .name = supervisor->name,
    };
}

static enum actant_code
create_child(struct act_family *family, const struct actant_child *child, int depth,
             struct act_kid **ret)
{
    struct act_family *own = NULL;
    enum actant_code code;
    if (!is_valid_child(child)) {
        return ACTANT_INVALID;
    }
    if (child->supervisor) {
        code = build(family->system, child->supervisor, depth + 1, &own);
        if (code == ACTANT_OK) {
            struct actant_spawn spawn = head_spawn(child->supervisor, &own);
            code = create_head(family, own, &spawn, child->restart, ret);
        }
        return code;
    }
    if (child->pool) {
        code = act_pool_build(family->system, child->pool, &own);
        if (code == ACTANT_OK) {
            struct actant_spawn spawn = act_pool_spawn(child->pool, &own);
            code = create_head(family, own, &spawn, child->restart, ret);
        }
        return code;
    }
    struct act_kid *kid = act_kid_create(family, &child->spawn, child->restart);
    code = act_kid_reserve(kid, child->spawn.name);
    if (code != ACTANT_OK) {
        act_kid_discard(kid);
        return code;
    }
    *ret = kid;
    return ACTANT_OK;
}

static enum actant_code
build(struct actant_system *system, const struct actant_supervisor *supervisor, int depth,
      struct act_family **ret)
{
    if (depth > DEPTH_MAX || !is_valid(supervisor)) {
        return ACTANT_INVALID;
    }
    struct supervisor *made = act_zalloc(1, sizeof(*made));
    struct act_family *family = &made->family;
    act_family_init(family, system);
    family->destroy = destroy;
    family->strategy = supervisor->strategy;
    act_family_limits(family, supervisor->restarts_max, supervisor->window_ms,
                      supervisor->backoff_ms, supervisor->backoff_max_ms);
    for (size_t i = 0; i < supervisor->child_count; i++) {
        struct act_kid *kid = NULL;
        enum actant_code code = create_child(family, &supervisor->children[i], depth, &kid);
        if (code != ACTANT_OK) {
            act_family_release(family);
            return code;
        }
        act_family_add(family, kid);
    }
    *ret = family;
    return ACTANT_OK;
}

/* ---- the public side --------------------------------------------------------------------------- */

enum actant_code
act_family_spawn(struct act_family *family, struct actant_context *context,
                 const struct actant_spawn *spawn, struct actant_ref *ret)
{
    struct actant_system *system = family->system;
    const struct act_spawn_more more = {.notices_first = true, .hooks = &family->hooks};
    struct actant_ref ref;
    /* One more reference: the head may be gone before this function has returned. */
    atomic_fetch_add_explicit(&family->refs, 1, memory_order_relaxed);
    enum actant_code code = context ? act_actor_spawn_child(context, spawn, &more, &ref)
                                    : act_actor_spawn(system, spawn, &more, &ref);
    if (code == ACTANT_OK) {
        act_kin_add(system->kin, ref, family);
        *ret = ref;
    } else {
        act_family_release(family);
    }
    act_family_release(family);
    return code;
}

static enum actant_code
supervise(struct actant_system *system, struct actant_context *context,
          const struct actant_supervisor *supervisor, struct actant_ref *ret)
{
    struct act_family *family = NULL;
    enum actant_code code = build(system, supervisor, 1, &family);
    if (code != ACTANT_OK) {
        return code;
    }
    struct actant_spawn spawn = head_spawn(supervisor, &family);
    return act_family_spawn(family, context, &spawn, ret);
}

enum actant_code
actant_supervise(struct actant_system *system, const struct actant_supervisor *supervisor,
                 struct actant_ref *ret)
{
    return supervise(system, NULL, supervisor, ret);
}

enum actant_code
actant_supervise_child(struct actant_context *context, const struct actant_supervisor *supervisor,
                       struct actant_ref *ret)
{
    return supervise(actant_context_system(context), context, supervisor, ret);
}

/* The family of a supervisor's ref; NULL with the reason. */
static struct act_family *
hold(struct actant_system *system, struct actant_ref supervisor, enum actant_code *ret_code)
{
    struct act_family *family = act_kin_hold(system->kin, supervisor);
    if (family && family->is_pool) {
        act_family_release(family);
        family = NULL;
    }
    if (!family) {
        *ret_code = act_actor_exists(system, supervisor) ? ACTANT_INVALID : ACTANT_GONE;
    }
    return family;
}

enum actant_code
actant_supervised(struct actant_system *system, struct actant_ref supervisor, size_t i,
                  struct actant_ref *ret)
{
    enum actant_code code = ACTANT_OK;
    struct act_family *family = hold(system, supervisor, &code);
    if (!family) {
        return code;
    }
    act_mutex_lock(&family->lock);
    if (i < family->refs_by_number.len) {
        ret->v = family->refs_by_number.ptr[i];
    } else {
        code = ACTANT_NOT_FOUND;
    }
    act_mutex_unlock(&family->lock);
    act_family_release(family);
    return code;
}

enum actant_code
actant_supervise_more(struct actant_system *system, struct actant_ref supervisor,
                      const struct actant_child *child, struct actant_ref *ret)
{
    enum actant_code code = ACTANT_OK;
    struct act_kid *kid = NULL;
    struct act_family *family = hold(system, supervisor, &code);
    if (!family) {
        return code;
    }
    code = create_child(family, child, 1, &kid);
    if (code == ACTANT_OK) {
        struct actant_ref ref = kid->ref;
        act_family_add(family, kid);
        code =
            act_actor_notify(system, ACTANT_NOBODY, supervisor, ACT_TYPE_FAMILY_MORE, 0, NULL, 0);
        if (code == ACTANT_OK) {
            *ret = ref;
        }
    }
    act_family_release(family);
    return code;
}
