#include "engine/actor/pool.h"

#include "base/alloc.h"
#include "engine/actor/kin.h"
#include "engine/actor/supervisor.h"

#include <string.h>

#define TAG_IDLE UINT64_MAX /* of the timer that looks for idle members */

/* Invariants: 1. load of a member = messages forwarded to it and not freed + work begun and not done.
 * 2. The head is paused when, and only when, it has seen that no member could take one more message and that
 * it may not grow. 3. full is set before it looks a second time: a member that finishes after that look sees
 * it and sends the notice ROOM. */
struct pool {
    struct act_family family; /* first: destroy frees the whole */
    struct actant_spawn member;
    uint32_t members_min, members_max, load_max;
    int64_t idle_ms;
    /* The head's own. */
    uint32_t leaving;
    bool paused, looking; /* for idle members: the timer runs */
    /* Any thread. */
    _Atomic(uint64_t) head; /* its ref, for ROOM */
    atomic_bool full;
    _Atomic(uint64_t) routed, grown, shrunk, replaced;
    _Atomic(uint32_t) members, members_most, load;
};

static struct pool *
pool_of(struct act_family *family)
{
    return (struct pool *)(void *)family;
}

static void
count(_Atomic(uint64_t) *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- load: on the members' threads ------------------------------------------------------------- */

/* seq_cst here and in look_for_room: one of the two sees what the other did. */
static void
unload(struct act_kid *kid)
{
    struct pool *pool = pool_of(kid->family);
    atomic_fetch_sub_explicit(&pool->load, 1, memory_order_relaxed);
    atomic_fetch_sub(&kid->load, 1);
    if (atomic_load(&pool->full) && atomic_exchange(&pool->full, false)) {
        struct actant_ref head = {atomic_load_explicit(&pool->head, memory_order_relaxed)};
        act_actor_notify(pool->family.system, kid->ref, head, ACT_TYPE_POOL_ROOM, 0, NULL, 0);
    }
}

static void
load(struct act_kid *kid)
{
    atomic_fetch_add_explicit(&pool_of(kid->family)->load, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&kid->load, 1, memory_order_relaxed);
}

static void
member_done(void *self, struct actant_ref ref)
{
    (void)ref;
    unload(self);
}

/* The runtime knows it no more. */
static void
member_gone(void *self, struct actant_ref ref)
{
    struct act_kid *kid = self;
    struct act_family *family = kid->family;
    (void)ref;
    act_kid_release(kid);
    act_family_release(family);
}

static struct act_kid *
member_here(struct actant_context *context)
{
    const struct act_hooks *hooks = act_actor_hooks(context);
    return hooks && hooks->done == member_done ? hooks->self : NULL;
}

void
actant_pool_begin(struct actant_context *context)
{
    struct act_kid *kid = member_here(context);
    if (kid) {
        atomic_fetch_add_explicit(&kid->unfinished, 1, memory_order_relaxed);
        load(kid);
    }
}

static bool
finish_one(struct act_kid *kid)
{
    if (atomic_load_explicit(&kid->unfinished, memory_order_relaxed) == 0) {
        return false;
    }
    atomic_fetch_sub_explicit(&kid->unfinished, 1, memory_order_relaxed);
    unload(kid);
    return true;
}

/* It has stopped: nobody will call done for what it had begun. */
static void
forget_unfinished(struct act_kid *kid)
{
    while (finish_one(kid)) {
    }
}

void
actant_pool_done(struct actant_context *context)
{
    struct act_kid *kid = member_here(context);
    if (kid) {
        finish_one(kid);
    }
}

/* ---- members: in the head's steps -------------------------------------------------------------- */

static bool
is_leaving(const struct act_kid *kid)
{
    return kid->restart == ACTANT_TEMPORARY;
}

static uint32_t
staying(const struct pool *pool)
{
    return pool->family.count - pool->leaving;
}

static void
publish_count(struct pool *pool)
{
    uint32_t members = staying(pool);
    atomic_store_explicit(&pool->members, members, memory_order_relaxed);
    if (members > atomic_load_explicit(&pool->members_most, memory_order_relaxed)) {
        atomic_store_explicit(&pool->members_most, members, memory_order_relaxed);
    }
}

static enum actant_code
add_member(struct pool *pool, struct actant_context *context)
{
    struct act_family *family = &pool->family;
    struct act_kid *kid = act_kid_create(family, &pool->member, ACTANT_PERMANENT);
    kid->hooks = (struct act_hooks){.self = kid, .done = member_done, .gone = member_gone};
    kid->known = &kid->hooks;
    enum actant_code code = act_kid_reserve(kid, NULL);
    if (code != ACTANT_OK) {
        act_kid_discard(kid);
        return code;
    }
    /* The runtime's references, until member_gone. */
    atomic_fetch_add_explicit(&kid->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&family->refs, 1, memory_order_relaxed);
    act_family_add(family, kid);
    act_family_take_in(family, context);
    publish_count(pool);
    return ACTANT_OK;
}

/* The least loaded member that could be handed a message now; NULL: there is none. */
static struct act_kid *
least_loaded(const struct pool *pool, bool any_load, uint32_t *ret_load)
{
    struct act_kid *best = NULL;
    uint32_t least = any_load || pool->load_max == 0 ? UINT32_MAX : pool->load_max;
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        uint32_t now = atomic_load(&kid->load);
        if (now < least && !is_leaving(kid) && kid->state != ACT_KID_PAUSING) {
            best = kid;
            least = now;
        }
    }
    *ret_load = least;
    return best;
}

static bool
may_grow(const struct pool *pool)
{
    return staying(pool) < pool->members_max;
}

/* ---- the gate ---------------------------------------------------------------------------------- */

static bool
has_room(const struct pool *pool)
{
    uint32_t least;
    return !pool->family.giving_up && (least_loaded(pool, false, &least) != NULL || may_grow(pool));
}

/* After whatever may have changed it: takes messages, or leaves them in the mailbox. */
static void
look_for_room(struct pool *pool, struct actant_context *context)
{
    bool room = has_room(pool);
    if (!room) {
        atomic_store(&pool->full, true);
        room = has_room(pool);
    }
    if (room) {
        atomic_store(&pool->full, false);
    }
    if (room == pool->paused) {
        pool->paused = !room;
        (room ? act_actor_resume : act_actor_pause)(context);
    }
}

/* ---- shrinking --------------------------------------------------------------------------------- */

static void
watch_idle(struct pool *pool, struct actant_context *context)
{
    if (pool->looking || pool->idle_ms <= 0 || staying(pool) <= pool->members_min) {
        return;
    }
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        kid->routed_seen = atomic_load(&kid->load) == 0 ? kid->routed : UINT64_MAX;
    }
    pool->looking = true;
    actant_timer_start(context, pool->idle_ms, 0, TAG_IDLE);
}

/* Those that had nothing to do since the last look leave, the youngest first. */
static void
shrink(struct pool *pool, struct actant_context *context)
{
    pool->looking = false;
    for (struct act_kid *kid = pool->family.last; kid; kid = kid->prev) {
        if (staying(pool) <= pool->members_min) {
            break;
        }
        if (!is_leaving(kid) && kid->routed == kid->routed_seen && atomic_load(&kid->load) == 0) {
            kid->restart = ACTANT_TEMPORARY;
            pool->leaving++;
            count(&pool->shrunk);
            actant_stop(pool->family.system, kid->ref);
        }
    }
    publish_count(pool);
    watch_idle(pool, context);
}

/* ---- the actor --------------------------------------------------------------------------------- */

struct state {
    struct pool *pool;
};

static int
start(struct actant_context *context, void *self, const void *args, size_t args_size)
{
    struct pool *pool = pool_of(*(struct act_family *const *)args);
    (void)args_size;
    ((struct state *)self)->pool = pool;
    pool->paused = pool->looking = false;
    pool->leaving = 0;
    atomic_store(&pool->full, false);
    atomic_store_explicit(&pool->head, actant_self(context).v, memory_order_relaxed);
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        forget_unfinished(kid);
    }
    act_family_begin(&pool->family, context);
    while (pool->family.count < pool->members_min) {
        enum actant_code code = add_member(pool, context);
        if (code != ACTANT_OK) {
            return actant_raise(context, ACTANT_GAVE_UP, NULL, "a member cannot be made: %s",
                                actant_code_text(code));
        }
    }
    watch_idle(pool, context);
    return 0;
}

static int
route(struct pool *pool, struct actant_context *context)
{
    uint32_t least;
    struct act_kid *kid = least_loaded(pool, false, &least);
    if ((!kid || least > 0) && may_grow(pool) && add_member(pool, context) == ACTANT_OK) {
        kid = pool->family.last;
        count(&pool->grown);
        watch_idle(pool, context);
    }
    if (!kid) {
        /* What was begun since the gate was looked at has filled them: one more. */
        kid = least_loaded(pool, true, &least);
    }
    kid = kid ? kid : pool->family.first;
    if (!kid) {
        return actant_raise(context, ACTANT_GAVE_UP, NULL, "there is no member");
    }
    bool counted = false;
    load(kid);
    if (act_actor_forward(context, kid->ref, &counted) == ACTANT_OK && counted) {
        kid->routed++;
        count(&pool->routed);
    } else {
        unload(kid);
    }
    look_for_room(pool, context);
    return 0;
}

static int
member_stopped(struct pool *pool, struct actant_context *context,
               const struct actant_message *message)
{
    struct act_kid *kid = act_family_kid(&pool->family, message->from);
    if (kid) {
        forget_unfinished(kid);
        if (is_leaving(kid)) {
            pool->leaving--;
        } else if (kid->state != ACT_KID_STOPPING) {
            count(&pool->replaced);
        }
    }
    return act_family_notice(&pool->family, context, message);
}

static int
handle(struct actant_context *context, void *self, const struct actant_message *message)
{
    struct pool *pool = ((struct state *)self)->pool;
    int code = 0;
    if (message->type >= ACTANT_TYPE_USER) {
        return route(pool, context);
    }
    if (message->type == ACTANT_TYPE_TIMER && message->tag == TAG_IDLE) {
        shrink(pool, context);
    } else if (message->type == ACTANT_TYPE_DOWN) {
        code = member_stopped(pool, context, message);
    } else {
        code = act_family_notice(&pool->family, context, message);
    }
    if (code == 0) {
        look_for_room(pool, context);
    }
    return code;
}

static const struct actant_class pool_class = {
    .name = "pool",
    .state_size = sizeof(struct state),
    .start = start,
    .handle = handle,
};

/* ---- the public side --------------------------------------------------------------------------- */

static void
destroy(struct act_family *family)
{
    struct pool *pool = pool_of(family);
    act_free((void *)(uintptr_t)pool->member.args);
    act_free(pool);
}

enum actant_code
act_pool_build(struct actant_system *system, const struct actant_pool *options,
               struct act_family **ret)
{
    if (!options || !options->member.actor || options->idle_ms < 0 || options->window_ms < 0 ||
        options->backoff_ms < 0 || options->backoff_max_ms < 0 ||
        (!options->member.args && options->member.args_size > 0)) {
        return ACTANT_INVALID;
    }
    struct pool *pool = act_zalloc(1, sizeof(*pool));
    act_family_init(&pool->family, system);
    pool->family.destroy = destroy;
    pool->family.is_pool = pool->family.unordered = true;
    act_family_limits(&pool->family, options->restarts_max, options->window_ms, options->backoff_ms,
                      options->backoff_max_ms);
    pool->family.restarts.unlimited = options->window_ms == 0;
    pool->member = options->member;
    pool->member.name = NULL;
    if (options->member.args_size > 0) {
        void *args = act_alloc(options->member.args_size);
        pool->member.args = memcpy(args, options->member.args, options->member.args_size);
    } else {
        pool->member.args = NULL;
    }
    pool->members_min = options->members_min ? options->members_min : 1;
    pool->members_max =
        options->members_max > pool->members_min ? options->members_max : pool->members_min;
    pool->load_max = options->member_load_max;
    pool->idle_ms = options->idle_ms;
    *ret = &pool->family;
    return ACTANT_OK;
}

struct actant_spawn
act_pool_spawn(const struct actant_pool *options, struct act_family *const *family)
{
    return (struct actant_spawn){
        .actor = &pool_class,
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
actant_pool_metrics(struct actant_system *system, struct actant_ref ref,
                    struct actant_pool_metrics *ret)
{
    struct act_family *family = act_kin_hold(system->kin, ref);
    if (!family) {
        return act_actor_exists(system, ref) ? ACTANT_INVALID : ACTANT_GONE;
    }
    enum actant_code code = family->is_pool ? ACTANT_OK : ACTANT_INVALID;
    if (code == ACTANT_OK) {
        struct pool *pool = pool_of(family);
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
