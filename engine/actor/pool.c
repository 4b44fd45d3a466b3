#include "engine/actor/pool_internal.h"

#define TAG_IDLE UINT64_MAX /* of the timer that looks for idle members */

/* For a test alone: what another thread may do at this point is done there. */
#ifndef ACT_POOL_LOOKED
#define ACT_POOL_LOOKED(pool) ((void)(pool))
#endif

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
    struct act_pool *pool = act_pool_of(kid->family);
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
    atomic_fetch_add_explicit(&act_pool_of(kid->family)->load, 1, memory_order_relaxed);
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
actant_pool_leave(struct actant_context *context)
{
    struct act_kid *kid = member_here(context);
    if (kid) {
        struct act_pool *pool = act_pool_of(kid->family);
        struct actant_ref head = {atomic_load_explicit(&pool->head, memory_order_relaxed)};
        act_actor_notify(pool->family.system, kid->ref, head, ACT_TYPE_POOL_LEAVE, 0, NULL, 0);
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

static uint32_t
staying(const struct act_pool *pool)
{
    return pool->family.count - pool->leaving;
}

static void
publish_count(struct act_pool *pool)
{
    uint32_t members = staying(pool);
    atomic_store_explicit(&pool->members, members, memory_order_relaxed);
    if (members > atomic_load_explicit(&pool->members_most, memory_order_relaxed)) {
        atomic_store_explicit(&pool->members_most, members, memory_order_relaxed);
    }
}

enum actant_code
act_pool_add_member(struct act_pool *pool, struct actant_context *context)
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
least_loaded(const struct act_pool *pool, bool any_load, uint32_t *ret_load)
{
    struct act_kid *best = NULL;
    uint32_t least = any_load || pool->load_max == 0 ? UINT32_MAX : pool->load_max;
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        uint32_t now = atomic_load(&kid->load);
        if (now < least && !act_pool_is_leaving(kid) && kid->state != ACT_KID_PAUSING) {
            best = kid;
            least = now;
        }
    }
    *ret_load = least;
    return best;
}

bool
act_pool_may_grow(const struct act_pool *pool)
{
    return staying(pool) < pool->members_max;
}

/* ---- the gate ---------------------------------------------------------------------------------- */

static bool
has_room(struct act_pool *pool)
{
    uint32_t least;
    const struct act_kid *kid = least_loaded(pool, false, &least);
    pool->roomy = kid ? kid->ref.v : 0;
    return !pool->family.giving_up && (kid != NULL || act_pool_may_grow(pool));
}

/* The one for which the gate was opened. What it has begun since is the message that it had already: for a
 * moment it counts as both. */
static struct act_kid *
seen_with_room(const struct act_pool *pool)
{
    struct act_kid *kid = pool->family.first;
    while (kid && (kid->ref.v != pool->roomy || act_pool_is_leaving(kid) ||
                   kid->state == ACT_KID_PAUSING)) {
        kid = kid->next;
    }
    return kid;
}

/* With a rule: what waits is looked at, and when the line is full the rest waits in the mailbox. */
static bool
has_place_in_line(struct act_pool *pool, struct actant_context *context)
{
    if (!pool->family.giving_up) {
        act_pool_line_settle(pool, context);
    }
    atomic_store(&pool->full, pool->line_count > 0);
    return pool->line_count < ACT_POOL_LINE_MAX;
}

static bool
has_room_now(struct act_pool *pool)
{
    bool room = has_room(pool);
    ACT_POOL_LOOKED(pool);
    if (!room) {
        atomic_store(&pool->full, true);
        room = has_room(pool);
    }
    if (room) {
        atomic_store(&pool->full, false);
    }
    return room;
}

/* After whatever may have changed it: takes messages, or leaves them in the mailbox. */
static void
look_for_room(struct act_pool *pool, struct actant_context *context)
{
    bool room = pool->rule ? has_place_in_line(pool, context) : has_room_now(pool);
    if (room == pool->paused) {
        pool->paused = !room;
        (room ? act_actor_resume : act_actor_pause)(context);
    }
}

/* ---- shrinking --------------------------------------------------------------------------------- */

static void
watch_idle(struct act_pool *pool, struct actant_context *context)
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
shrink(struct act_pool *pool, struct actant_context *context)
{
    pool->looking = false;
    for (struct act_kid *kid = pool->family.last; kid; kid = kid->prev) {
        if (staying(pool) <= pool->members_min) {
            break;
        }
        if (!act_pool_is_leaving(kid) && kid->routed == kid->routed_seen &&
            atomic_load(&kid->load) == 0) {
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
    struct act_pool *pool;
};

static int
start(struct actant_context *context, void *self, const void *args, size_t args_size)
{
    struct act_pool *pool = act_pool_of(*(struct act_family *const *)args);
    (void)args_size;
    ((struct state *)self)->pool = pool;
    pool->paused = pool->looking = pool->again = false;
    pool->leaving = 0;
    atomic_store(&pool->full, false);
    atomic_store_explicit(&pool->head, actant_self(context).v, memory_order_relaxed);
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        forget_unfinished(kid);
    }
    act_family_begin(&pool->family, context);
    while (pool->family.count < pool->members_min) {
        enum actant_code code = act_pool_add_member(pool, context);
        if (code != ACTANT_OK) {
            return actant_raise(context, ACTANT_GAVE_UP, NULL, "a member cannot be made: %s",
                                actant_code_text(code));
        }
    }
    watch_idle(pool, context);
    look_for_room(pool, context); /* what waits at its members and in its line is as it was left */
    return 0;
}

void
act_pool_grown(struct act_pool *pool, struct actant_context *context)
{
    count(&pool->grown);
    watch_idle(pool, context);
}

bool
act_pool_hand_over(struct act_pool *pool, struct actant_context *context, struct act_node *kept,
                   struct act_kid *kid)
{
    bool counted = false;
    load(kid);
    enum actant_code code = act_actor_forward_kept(context, kept, kid->ref, &counted);
    if (code == ACTANT_OK && counted) {
        kid->routed++;
        count(&pool->routed);
    } else {
        unload(kid);
    }
    return code == ACTANT_OK;
}

static int
route(struct act_pool *pool, struct actant_context *context)
{
    uint32_t least;
    if (pool->rule) {
        act_pool_line_join(pool, context);
        look_for_room(pool, context);
        return 0;
    }
    struct act_kid *kid = least_loaded(pool, false, &least);
    if ((!kid || least > 0) && act_pool_may_grow(pool) &&
        act_pool_add_member(pool, context) == ACTANT_OK) {
        kid = pool->family.last;
        act_pool_grown(pool, context);
    }
    if (!kid) {
        kid = seen_with_room(pool);
    }
    if (!kid) { /* it has gone since: one more for another */
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
member_stopped(struct act_pool *pool, struct actant_context *context,
               const struct actant_message *message)
{
    struct act_kid *kid = act_family_kid(&pool->family, message->from);
    if (kid) {
        forget_unfinished(kid);
        if (act_pool_is_leaving(kid)) {
            pool->leaving--;
        } else if (kid->state != ACT_KID_STOPPING) {
            count(&pool->replaced);
        }
    }
    return act_family_notice(&pool->family, context, message);
}

static void
member_leaves(struct act_pool *pool, struct actant_ref ref)
{
    struct act_kid *kid = act_family_kid(&pool->family, ref);
    if (kid && !act_pool_is_leaving(kid) && kid->state != ACT_KID_STOPPING) {
        kid->restart = ACTANT_TEMPORARY;
        pool->leaving++;
        publish_count(pool);
    }
}

/* The notice's tag is the message's type. */
static void
tell_all(struct act_pool *pool, const struct actant_message *notice)
{
    uint32_t type = (uint32_t)notice->tag;
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        if (!act_pool_is_leaving(kid)) {
            (void)act_actor_send_as(pool->family.system, notice->from, kid->ref, type, notice->data,
                                    notice->size, ACTANT_NORMAL);
        }
    }
}

static int
handle(struct actant_context *context, void *self, const struct actant_message *message)
{
    struct act_pool *pool = ((struct state *)self)->pool;
    int code = 0;
    if (message->type >= ACTANT_TYPE_USER) {
        return route(pool, context);
    }
    if (message->type == ACTANT_TYPE_TIMER && message->tag == TAG_IDLE) {
        shrink(pool, context);
    } else if (message->type == ACTANT_TYPE_TIMER && message->tag == ACT_POOL_TAG_AGAIN) {
        pool->again = false;
    } else if (message->type == ACT_TYPE_POOL_ALL) {
        tell_all(pool, message);
    } else if (message->type == ACT_TYPE_POOL_LEAVE) {
        member_leaves(pool, message->from);
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

const struct actant_class act_pool_class = {
    .name = "pool",
    .state_size = sizeof(struct state),
    .start = start,
    .handle = handle,
};
