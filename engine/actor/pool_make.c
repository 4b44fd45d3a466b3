/* Pools from outside: making one, and what is known of it. */
#include "engine/actor/pool_internal.h"

#include "base/alloc.h"
#include "engine/actor/kin.h"
#include "engine/actor/supervisor.h"

#include <string.h>

static void
destroy(struct act_family *family)
{
    struct act_pool *pool = act_pool_of(family);
    act_pool_line_drop(pool);
    act_free((void *)(uintptr_t)pool->member.args);
    act_free(pool);
}

enum actant_code
act_pool_build(struct actant_system *system, const struct actant_pool *options,
               struct act_family **ret)
{
    if (!options || !options->member.actor || options->idle_ms < 0 || options->window_ms < 0 ||
        options->backoff_ms < 0 || options->backoff_max_ms < 0 || options->quarantine_ms < 0 ||
        (!options->member.args && options->member.args_size > 0)) {
        return ACTANT_INVALID;
    }
    if (options->rule ? act_system_home(system, options->member.home) != ACTANT_LOOP
                      : options->quarantine_ms != 0) {
        return ACTANT_INVALID;
    }
    struct act_pool *pool = act_zalloc(1, sizeof(*pool));
    act_family_init(&pool->family, system);
    pool->family.destroy = destroy;
    pool->family.is_pool = pool->family.unordered = true;
    act_family_limits(&pool->family, options->restarts_max, options->window_ms, options->backoff_ms,
                      options->backoff_max_ms);
    pool->family.restarts.unlimited = options->window_ms == 0;
    pool->family.at_once = options->restarts_at_once;
    pool->family.quarantine_ns = act_ms_to_ns(options->quarantine_ms);
    pool->family.lets_go = options->may_be_empty;
    pool->rule = options->rule;
    pool->rule_self = options->rule_self;
    pool->may_be_empty = options->may_be_empty;
    pool->member = options->member;
    pool->member.name = NULL;
    if (options->member.args_size > 0) {
        void *args = act_alloc(options->member.args_size);
        pool->member.args = memcpy(args, options->member.args, options->member.args_size);
    } else {
        pool->member.args = NULL;
    }
    pool->members_min = options->members_min || options->may_be_empty ? options->members_min : 1;
    uint32_t least_max = pool->members_min ? pool->members_min : 1;
    pool->members_max = options->members_max > least_max ? options->members_max : least_max;
    pool->load_max = options->member_load_max;
    pool->idle_ms = options->idle_ms;
    *ret = &pool->family;
    return ACTANT_OK;
}

struct actant_spawn
act_pool_spawn(const struct actant_pool *options, struct act_family *const *family)
{
    return (struct actant_spawn){
        .actor = &act_pool_class,
        .args = family,
        .args_size = sizeof(*family),
        .home = options->member.home,
        .mailbox_max = options->mailbox_max,
        .overflow = options->overflow,
        .name = options->name,
        .keep_mailbox = true,
    };
}

static enum actant_code
create(struct actant_system *system, struct actant_context *context,
       const struct actant_pool *options, struct actant_ref *ret)
{
    struct act_family *family = NULL;
    enum actant_code code = act_pool_build(system, options, &family);
    if (code != ACTANT_OK) {
        return code;
    }
    struct actant_spawn spawn = act_pool_spawn(options, &family);
    return act_family_spawn(family, context, &spawn, ret);
}

enum actant_code
actant_pool_create(struct actant_system *system, const struct actant_pool *pool,
                   struct actant_ref *ret)
{
    return create(system, NULL, pool, ret);
}

enum actant_code
actant_pool_create_child(struct actant_context *context, const struct actant_pool *pool,
                         struct actant_ref *ret)
{
    return create(actant_context_system(context), context, pool, ret);
}

enum actant_code
actant_pool_tell_all(struct actant_system *system, struct actant_ref ref, uint32_t type,
                     const void *data, size_t size)
{
    struct act_family *family = act_kin_hold(system->kin, ref);
    enum actant_code code = ACTANT_INVALID;
    if (!family) {
        return act_actor_exists(system, ref) ? ACTANT_INVALID : ACTANT_GONE;
    }
    if (family->is_pool && type >= ACTANT_TYPE_USER && (data || size == 0) && size <= UINT32_MAX) {
        code = act_actor_notify(system, act_actor_here(system), ref, ACT_TYPE_POOL_ALL, type, data,
                                size);
    }
    act_family_release(family);
    return code;
}

enum actant_code
actant_pool_look(struct actant_system *system, struct actant_ref ref)
{
    struct act_family *family = act_kin_hold(system->kin, ref);
    enum actant_code code = ACTANT_INVALID;
    if (!family) {
        return act_actor_exists(system, ref) ? ACTANT_INVALID : ACTANT_GONE;
    }
    if (family->is_pool) {
        code =
            act_actor_notify(system, act_actor_here(system), ref, ACT_TYPE_POOL_ROOM, 0, NULL, 0);
    }
    act_family_release(family);
    return code;
}

enum actant_code
actant_pool_metrics(struct actant_system *system, struct actant_ref ref,
                    struct actant_pool_metrics *ret)
{
    struct act_family *family = act_kin_hold(system->kin, ref);
    if (!family) {
        return act_actor_exists(system, ref) ? ACTANT_INVALID : ACTANT_GONE;
    }
    enum actant_code code = family->is_pool ? ACTANT_OK : ACTANT_INVALID;
    if (code == ACTANT_OK) {
        struct act_pool *pool = act_pool_of(family);
        *ret = (struct actant_pool_metrics){
            .routed = atomic_load_explicit(&pool->routed, memory_order_relaxed),
            .grown = atomic_load_explicit(&pool->grown, memory_order_relaxed),
            .shrunk = atomic_load_explicit(&pool->shrunk, memory_order_relaxed),
            .replaced = atomic_load_explicit(&pool->replaced, memory_order_relaxed),
            .members = atomic_load_explicit(&pool->members, memory_order_relaxed),
            .members_most = atomic_load_explicit(&pool->members_most, memory_order_relaxed),
            .load = atomic_load_explicit(&pool->load, memory_order_relaxed),
        };
    }
    act_family_release(family);
    return code;
}
