#include "engine/actor/family.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/actor/kin.h"

#include <stdio.h>
#include <string.h>

/* ---- the family -------------------------------------------------------------------------------- */

/* The head's ref is stale; so will be those of its kids, which the runtime has released with it. */
static void
head_gone(void *self, struct actant_ref ref)
{
    struct act_family *family = self;
    act_kin_remove(family->system->kin, ref, family);
    act_family_release(family);
}

void
act_family_init(struct act_family *family, struct actant_system *system)
{
    atomic_init(&family->refs, 1);
    act_mutex_init(&family->lock);
    family->system = system;
    family->hooks = (struct act_hooks){.self = family, .gone = head_gone};
}

void
act_family_limits(struct act_family *family, uint32_t restarts_max, int64_t window_ms,
                  int64_t backoff_ms, int64_t backoff_max_ms)
{
    family->restarts.max = restarts_max;
    family->restarts.window_ns = act_ms_to_ns(window_ms);
    family->backoff_ns = act_ms_to_ns(backoff_ms);
    family->backoff_max_ns = act_ms_to_ns(backoff_max_ms);
}

/* Those that no head has begun yet have a ref that nobody else gives back. */
static void
free_kids(struct act_kid *kid)
{
    while (kid) {
        struct act_kid *next = kid->next;
        if (kid->lived) {
            act_kid_release(kid);
        } else {
            act_kid_discard(kid);
        }
        kid = next;
    }
}

void
act_family_release(struct act_family *family)
{
    if (atomic_fetch_sub_explicit(&family->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    free_kids(family->first);
    free_kids(family->incoming);
    act_table_fini(&family->by_ref);
    act_restarts_fini(&family->restarts);
    act_vec_fini(&family->refs_by_number);
    act_mutex_fini(&family->lock);
    family->destroy(family);
}

void
act_family_add(struct act_family *family, struct act_kid *kid)
{
    act_mutex_lock(&family->lock);
    act_vec_push(&family->refs_by_number, kid->ref.v);
    kid->number = family->refs_by_number.len;
    kid->next = family->incoming;
    family->incoming = kid;
    act_mutex_unlock(&family->lock);
}

struct act_kid *
act_family_kid(const struct act_family *family, struct actant_ref ref)
{
    return act_table_get(&family->by_ref, ref.v);
}

/* ---- the list ---------------------------------------------------------------------------------- */

static void
append(struct act_family *family, struct act_kid *kid)
{
    kid->next = NULL;
    kid->prev = family->last;
    *(family->last ? &family->last->next : &family->first) = kid;
    family->last = kid;
    family->count++;
    act_table_put(&family->by_ref, kid->ref.v, kid);
}

/* The first of the kids taken in; NULL: none came. */
static struct act_kid *
take_in(struct act_family *family)
{
    struct act_kid *newest, *oldest = NULL;
    act_mutex_lock(&family->lock);
    newest = family->incoming;
    family->incoming = NULL;
    act_mutex_unlock(&family->lock);
    while (newest) {
        struct act_kid *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    for (struct act_kid *kid = oldest, *next; kid; kid = next) {
        next = kid->next;
        append(family, kid);
    }
    return oldest;
}

/* It will not start again: its ref is stale from now on. */
static void
forget(struct act_family *family, struct actant_context *context, struct act_kid *kid)
{
    if (family->cursor == kid) {
        family->cursor = family->mode == ACT_FAMILY_STARTING ? kid->next : kid->prev;
    }
    if (family->from == kid) {
        family->from = kid->next;
    }
    *(kid->prev ? &kid->prev->next : &family->first) = kid->next;
    *(kid->next ? &kid->next->prev : &family->last) = kid->prev;
    family->count--;
    act_table_take(&family->by_ref, kid->ref.v);
    if (kid->lived) {
        act_actor_release(context, kid->ref);
        act_kid_release(kid);
    } else {
        act_kid_discard(kid);
    }
}

/* ---- starting and stopping --------------------------------------------------------------------- */

static void
begin(struct act_kid *kid, struct actant_context *context)
{
    bool known = act_kid_become(kid, ACT_KID_ON_BEGIN);
    ACT_ASSERT(known);
    kid->begun_ns = actant_now_ns(context);
    if (kid->lived) {
        act_actor_restart(context, kid->ref, kid->spawn.args, kid->spawn.args_size);
    } else {
        act_actor_adopt(context, kid->ref, kid->known, kid->spawn.args, kid->spawn.args_size);
    }
    kid->lived = true;
    actant_watch_start(context, kid->ref, kid->number);
}

static void
pause_kid(struct act_kid *kid, struct actant_context *context, int64_t pause_ns)
{
    bool known = act_kid_become(kid, ACT_KID_ON_PAUSE);
    ACT_ASSERT(known);
    kid->timer = actant_timer_start(context, pause_ns / 1000000, 0, kid->number);
}

/* True: it is down. */
static bool
halt(struct act_kid *kid, struct actant_context *context, enum actant_stop_kind kind)
{
    if (kid->state == ACT_KID_PAUSING) {
        actant_timer_stop(context, kid->timer);
    } else if (kid->state == ACT_KID_UP || kid->state == ACT_KID_STARTING) {
        act_actor_end(kid->family->system, kid->ref, kind);
    }
    act_kid_become(kid, ACT_KID_ON_HALT);
    return kid->state == ACT_KID_DOWN;
}

/* ---- the modes --------------------------------------------------------------------------------- */

/* Moves the cursor from the last kid towards `from`. True: all from there on are down. */
static bool
stop_some(struct act_family *family, struct actant_context *context)
{
    enum actant_stop_kind kind = family->giving_up ? ACTANT_STOP_SHUTDOWN : ACTANT_STOP_RESTART;
    while (family->cursor && family->from && family->cursor->number >= family->from->number) {
        if (!halt(family->cursor, context, kind)) {
            return false;
        }
        family->cursor = family->cursor->prev;
    }
    return true;
}

/* Moves the cursor towards the end. True: all have been begun and, in order, have started. */
static bool
start_some(struct act_family *family, struct actant_context *context)
{
    while (family->cursor) {
        if (family->cursor->state == ACT_KID_DOWN) {
            begin(family->cursor, context);
        }
        if (family->cursor->state == ACT_KID_STARTING && !family->unordered) {
            return false;
        }
        family->cursor = family->cursor->next;
    }
    return true;
}

static void
start_from(struct act_family *family, struct act_kid *kid)
{
    family->mode = ACT_FAMILY_STARTING;
    family->cursor = kid;
}

/* Goes on as far as it can without an event. */
static int
settle(struct act_family *family, struct actant_context *context)
{
    if (family->mode == ACT_FAMILY_STOPPING && stop_some(family, context)) {
        if (family->giving_up) {
            return actant_raise(context, ACTANT_GAVE_UP, NULL, "%s", family->why);
        }
        if (family->pause_ns > 0 && family->from) {
            family->mode = ACT_FAMILY_PAUSING;
            family->timer = actant_timer_start(context, family->pause_ns / 1000000, 0, 0);
        } else {
            start_from(family, family->from);
        }
    }
    if (family->mode == ACT_FAMILY_STARTING && start_some(family, context)) {
        family->mode = ACT_FAMILY_CALM;
    }
    return 0;
}

/* Stops all from `from` on, to start them again after pause_ns or to give up. */
static int
stop_from(struct act_family *family, struct actant_context *context, struct act_kid *from,
          int64_t pause_ns)
{
    bool wider = family->mode == ACT_FAMILY_CALM || family->mode == ACT_FAMILY_STARTING ||
                 !family->from || from->number < family->from->number;
    if (family->mode == ACT_FAMILY_PAUSING) {
        actant_timer_stop(context, family->timer);
    }
    family->from = wider ? from : family->from;
    family->pause_ns = pause_ns;
    family->cursor = family->last;
    family->mode = ACT_FAMILY_STOPPING;
    return settle(family, context);
}

static const char *
text_of(const struct actant_reason *reason)
{
    static const char *const kinds[] = {
        [ACTANT_STOP_NORMAL] = "it stopped",           [ACTANT_STOP_ERROR] = "error",
        [ACTANT_STOP_START] = "its start failed",      [ACTANT_STOP_KILLED] = "killed",
        [ACTANT_STOP_LINK] = "a linked actor stopped", [ACTANT_STOP_SHUTDOWN] = "shut down",
        [ACTANT_STOP_RESTART] = "restarted",
    };
    return reason->error.message && reason->error.message[0] ? reason->error.message
                                                             : kinds[reason->kind];
}

/* It stays down until the quarantine is over, or for good. */
static int
stay_down(struct act_family *family, struct actant_context *context, struct act_kid *kid,
          int64_t now_ns)
{
    if (family->lets_go) {
        forget(family, context, kid);
    } else {
        pause_kid(kid, context, family->quarantine_until_ns - now_ns);
    }
    return settle(family, context);
}

/* A restart too many. */
static int
give_up(struct act_family *family, struct actant_context *context, struct act_kid *kid,
        const struct actant_reason *reason)
{
    snprintf(family->why, sizeof(family->why), "child %u (%s) stopped once too often: %s",
             kid->number, kid->spawn.actor->name ? kid->spawn.actor->name : "", text_of(reason));
    if (family->quarantine_ns > 0) {
        int64_t now_ns = actant_now_ns(context);
        family->quarantine_until_ns = now_ns + family->quarantine_ns;
        act_restarts_fini(&family->restarts);
        kid->streak = 0;
        return stay_down(family, context, kid, now_ns);
    }
    family->giving_up = true;
    return stop_from(family, context, family->first, 0);
}

/* ---- what the head hears ----------------------------------------------------------------------- */

static bool
comes_again(const struct act_kid *kid, const struct actant_reason *reason)
{
    switch (kid->restart) {
    case ACTANT_PERMANENT: return true;
    case ACTANT_TRANSIENT: return act_life_abnormal(reason->kind);
    case ACTANT_TEMPORARY: return false;
    }
    return false;
}

/* Nobody counts its restarts: not at once again and again. */
static int64_t
pause_of_start(struct act_kid *kid, const struct actant_reason *reason)
{
    if (reason->kind != ACTANT_STOP_START) {
        kid->streak = 0;
        return 0;
    }
    return act_backoff_ns(act_ms_to_ns(1), act_ms_to_ns(1000), kid->streak++);
}

static int64_t
pause_of(struct act_family *family, struct act_kid *kid, const struct actant_reason *reason,
         int64_t now_ns)
{
    if (family->restarts.unlimited && family->backoff_ns == 0) {
        return pause_of_start(kid, reason);
    }
    if (family->restarts.window_ns > 0 && now_ns - kid->begun_ns >= family->restarts.window_ns) {
        kid->streak = 0;
    }
    uint32_t streak = kid->streak++;
    return streak < family->at_once ? 0
                                    : act_backoff_ns(family->backoff_ns, family->backoff_max_ns,
                                                     streak - family->at_once);
}

/* It is in a group that stops anyway. */
static bool
in_group(const struct act_family *family, const struct act_kid *kid)
{
    return family->mode == ACT_FAMILY_STOPPING && family->from &&
           kid->number >= family->from->number;
}

/* It stopped by itself and comes again. */
static int
start_again(struct act_family *family, struct actant_context *context, struct act_kid *kid,
            const struct actant_reason *reason)
{
    int64_t now_ns = actant_now_ns(context);
    if (in_group(family, kid)) {
        return settle(family, context);
    }
    bool hopeless = kid->hopeless;
    kid->hopeless = false;
    if (now_ns < family->quarantine_until_ns) {
        return stay_down(family, context, kid, now_ns);
    }
    if (hopeless || !act_restarts_allow(&family->restarts, now_ns)) {
        return give_up(family, context, kid, reason);
    }
    int64_t pause_ns = pause_of(family, kid, reason, now_ns);
    if (family->strategy != ACTANT_ONE_FOR_ONE) {
        bool all = family->strategy == ACTANT_ALL_FOR_ONE;
        return stop_from(family, context, all ? family->first : kid, pause_ns);
    }
    if (pause_ns > 0) {
        pause_kid(kid, context, pause_ns);
    } else {
        begin(kid, context);
    }
    return settle(family, context);
}

static int
stopped(struct act_family *family, struct actant_context *context,
        const struct actant_message *message)
{
    struct act_kid *kid = act_family_kid(family, message->from);
    const struct actant_reason *reason = message->data;
    if (!kid) {
        return 0;
    }
    bool told = kid->state == ACT_KID_STOPPING;
    if (!act_kid_become(kid, ACT_KID_ON_STOPPED)) {
        return 0;
    }
    if (told ? kid->restart == ACTANT_TEMPORARY : !comes_again(kid, reason)) {
        forget(family, context, kid);
        return settle(family, context);
    }
    return told ? settle(family, context) : start_again(family, context, kid, reason);
}

static struct act_kid *
by_number(const struct act_family *family, uint64_t number)
{
    struct actant_ref ref = ACTANT_NOBODY;
    struct act_family *shared = (struct act_family *)(uintptr_t)family;
    act_mutex_lock(&shared->lock);
    if (number >= 1 && number <= family->refs_by_number.len) {
        ref.v = family->refs_by_number.ptr[number - 1];
    }
    act_mutex_unlock(&shared->lock);
    return act_family_kid(family, ref);
}

static int
rung(struct act_family *family, struct actant_context *context, uint64_t number)
{
    if (number == 0) {
        if (family->mode == ACT_FAMILY_PAUSING) {
            start_from(family, family->from);
        }
        return settle(family, context);
    }
    struct act_kid *kid = by_number(family, number);
    if (kid && kid->state == ACT_KID_PAUSING) {
        begin(kid, context);
    }
    return settle(family, context);
}

int
act_family_notice(struct act_family *family, struct actant_context *context,
                  const struct actant_message *message)
{
    switch (message->type) {
    case ACT_TYPE_FAMILY_WELL:
    case ACT_TYPE_FAMILY_HOPELESS: act_family_said(family, message); return 0;
    case ACTANT_TYPE_DOWN: return stopped(family, context, message);
    case ACTANT_TYPE_TIMER: return rung(family, context, message->tag);
    case ACT_TYPE_FAMILY_MORE: act_family_take_in(family, context); return 0;
    case ACTANT_TYPE_REPLY: break;
    default: return 0;
    }
    struct act_kid *kid = by_number(family, message->tag);
    if (kid && message->code == ACTANT_OK) {
        act_kid_become(kid, ACT_KID_ON_STARTED);
    }
    return settle(family, context);
}

void
act_family_take_in(struct act_family *family, struct actant_context *context)
{
    struct act_kid *first = take_in(family);
    if (first && family->mode == ACT_FAMILY_CALM) {
        start_from(family, first);
    }
    settle(family, context);
}

void
act_family_begin(struct act_family *family, struct actant_context *context)
{
    family->giving_up = false;
    family->from = NULL;
    act_restarts_fini(&family->restarts);
    for (struct act_kid *kid = family->first, *next; kid; kid = next) {
        next = kid->next;
        kid->state = ACT_KID_DOWN;
        if (kid->lived && kid->restart == ACTANT_TEMPORARY) {
            forget(family, context, kid);
        }
    }
    take_in(family);
    start_from(family, family->first);
    settle(family, context);
}
