/* What waits in a pool that has a rule: messages that no member may have yet, in order. */
#include "engine/actor/pool_internal.h"

#include "base/assert.h"

static struct actant_message
message_of(struct act_node *node)
{
    return (struct actant_message){
        .type = node->type,
        .from = {node->flags & ACT_NODE_OUTSIDE ? 0 : node->from},
        .data = act_node_data(node),
        .size = node->size,
        .wants_reply = node->flags & ACT_NODE_ASK,
    };
}

/* ---- the line ---------------------------------------------------------------------------------- */

void
act_pool_line_join(struct act_pool *pool, struct actant_context *context)
{
    struct act_node *node = act_actor_keep(context);
    uint32_t at = pool->line_count++;
    ACT_ASSERT(at < ACT_POOL_LINE_MAX);
    for (; at > 0 && pool->line[at - 1]->lane > node->lane; at--) {
        pool->line[at] = pool->line[at - 1];
    }
    pool->line[at] = node;
}

static void
drop(struct act_pool *pool, struct act_node *node, enum actant_code code)
{
    struct actant_system *system = pool->family.system;
    act_mail_undeliverable(system, act_worker_here(system), node, code);
}

void
act_pool_line_drop(struct act_pool *pool)
{
    for (uint32_t i = 0; i < pool->line_count; i++) {
        drop(pool, pool->line[i], ACTANT_GONE);
    }
    pool->line_count = 0;
}

/* In quarantine nothing waits. */
static void
refuse_all(struct act_pool *pool)
{
    while (pool->line_count > 0) {
        struct act_node *node = pool->line[0];
        struct actant_message message = message_of(node);
        pool->line_count--;
        memmove(&pool->line[0], &pool->line[1], pool->line_count * sizeof(pool->line[0]));
        if (pool->rule->refused) {
            pool->rule->refused(pool->rule_self, &message, pool->family.why);
        }
        drop(pool, node, ACTANT_FAILED);
    }
}

/* ---- handing out ------------------------------------------------------------------------------- */

static enum actant_fit
fits(const struct act_pool *pool, const struct act_kid *kid, uint32_t load,
     const struct actant_message *message)
{
    const struct act_cell *cell = act_cell_of(pool->family.system, kid->ref.v);
    if (kid->state != ACT_KID_UP || act_pool_is_leaving(kid) || !cell ||
        cell->life != ACT_LIFE_LIVE) {
        return ACTANT_FITS_NOT;
    }
    return pool->rule->fits ? pool->rule->fits(pool->rule_self, cell->state, load, message)
                            : ACTANT_FITS;
}

/* The least loaded of those that may have it, the lowest number among equals; NULL: none. */
static struct act_kid *
choose(const struct act_pool *pool, const struct actant_message *message, bool *ret_nobody)
{
    struct act_kid *best = NULL;
    uint32_t least = pool->load_max == 0 ? UINT32_MAX : pool->load_max;
    for (struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        uint32_t load = atomic_load_explicit(&kid->load, memory_order_relaxed);
        if (load >= least) {
            continue;
        }
        enum actant_fit fit = fits(pool, kid, load, message);
        if (fit == ACTANT_FITS_NOBODY) {
            *ret_nobody = true;
            return NULL;
        }
        if (fit == ACTANT_FITS) {
            best = kid;
            least = load;
        }
    }
    return best;
}

static void
hand_out(struct act_pool *pool, struct actant_context *context)
{
    uint32_t stay = 0;
    for (uint32_t i = 0; i < pool->line_count; i++) {
        struct act_node *node = pool->line[i];
        struct actant_message message = message_of(node);
        bool nobody = false;
        struct act_kid *kid = choose(pool, &message, &nobody);
        if (nobody) {
            drop(pool, node, ACTANT_GONE);
        } else if (!kid || !act_pool_hand_over(pool, context, node, kid)) {
            pool->line[stay++] = node;
        }
    }
    pool->line_count = stay;
}

/* ---- growing ----------------------------------------------------------------------------------- */

static void
ask_again(struct act_pool *pool, struct actant_context *context, int64_t again_ms)
{
    int64_t at_ns = actant_now_ns(context) + act_ms_to_ns(again_ms);
    if (pool->again && pool->again_ns <= at_ns) {
        return; /* it comes too early, and looks */
    }
    if (pool->again) {
        actant_timer_stop(context, pool->again_timer);
    }
    pool->again = true;
    pool->again_ns = at_ns;
    pool->again_timer = actant_timer_start(context, again_ms, 0, ACT_POOL_TAG_AGAIN);
}

/* One that is about to live is waited for: it may take what waits. */
static bool
one_is_coming(const struct act_pool *pool)
{
    for (const struct act_kid *kid = pool->family.first; kid; kid = kid->next) {
        if (kid->state != ACT_KID_UP && !act_pool_is_leaving(kid)) {
            return true;
        }
    }
    return false;
}

static uint32_t
wanted(struct act_pool *pool, struct actant_context *context)
{
    struct actant_message waiting[ACT_POOL_LINE_MAX];
    int64_t again_ms = -1;
    if (!pool->rule->grow) {
        return pool->line_count;
    }
    for (uint32_t i = 0; i < pool->line_count; i++) {
        waiting[i] = message_of(pool->line[i]);
    }
    uint32_t more = pool->rule->grow(pool->rule_self, waiting, pool->line_count, &again_ms);
    if (again_ms >= 0) {
        ask_again(pool, context, again_ms);
    }
    return more;
}

static void
grow(struct act_pool *pool, struct actant_context *context)
{
    if (!act_pool_may_grow(pool) || one_is_coming(pool)) {
        return;
    }
    for (uint32_t more = wanted(pool, context); more > 0 && act_pool_may_grow(pool); more--) {
        if (act_pool_add_member(pool, context) != ACTANT_OK) {
            return;
        }
        act_pool_grown(pool, context);
    }
}

void
act_pool_line_settle(struct act_pool *pool, struct actant_context *context)
{
    if (pool->line_count == 0) {
        return;
    }
    if (actant_now_ns(context) < pool->family.quarantine_until_ns) {
        refuse_all(pool);
        return;
    }
    hand_out(pool, context);
    if (pool->line_count > 0) {
        grow(pool, context);
    }
}
