#include "engine/actor/side.h"

#include "base/alloc.h"

/* Invariants: 1. poked is set from the first message until act_side_take; a SIDE control is on its way then.
 * 2. A lane holds at most mailbox_max messages: what is older would be displaced on being taken in.
 * 3. With done there is a message that displaced one, and by 1. a SIDE control. */
struct act_side {
    struct act_mutex lock;
    struct act_queue lanes[ACT_LANES];
    uint32_t counts[ACT_LANES];
    bool poked;
    /* Displaced ones that count in a load of this ref: its hooks are its own thread's to call. */
    uint64_t done_of;
    uint32_t done;
};

struct act_side *
act_side_create(void)
{
    struct act_side *side = act_zalloc(1, sizeof(*side));

    act_mutex_init(&side->lock);
    return side;
}

void
act_side_destroy(struct act_side *side)
{
    if (!side) {
        return;
    }
    act_mutex_fini(&side->lock);
    act_free(side);
}

/* Under the lock, so that nothing that the sender sends next overtakes it. */
static void
poke(struct actant_system *system, struct act_worker *worker, struct act_cell *cell)
{
    struct act_node *node = act_mail_new(system, worker, 0);

    node->to = atomic_load_explicit(&cell->ref, memory_order_relaxed);
    node->type = ACT_CONTROL_SIDE;
    node->flags |= ACT_NODE_CONTROL;
    act_mail_post_far(system, worker, cell, node);
}

/* Under the lock. What counted for one who is gone counts no more. */
static void
displaced(struct act_side *side, struct act_node *oldest)
{
    if (oldest->flags & ACT_NODE_TAKEN) {
        oldest->flags &= (uint8_t)~ACT_NODE_TAKEN;
        side->done = side->done_of == oldest->to ? side->done + 1 : 1;
        side->done_of = oldest->to;
    }
}

void
act_side_put(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
             struct act_node *node)
{
    struct act_side *side = atomic_load_explicit(&cell->side, memory_order_acquire);
    unsigned lane = node->lane;
    struct act_node *oldest = NULL;

    act_mutex_lock(&side->lock);
    act_queue_append(&side->lanes[lane], node);
    if (++side->counts[lane] > act_cell_mailbox_max(cell)) {
        oldest = act_queue_pop(&side->lanes[lane]);
        side->counts[lane]--;
        displaced(side, oldest);
    }
    if (!side->poked) {
        side->poked = true;
        poke(system, worker, cell);
    }
    act_mutex_unlock(&side->lock);
    if (oldest) {
        atomic_fetch_sub_explicit(&cell->places, 1, memory_order_seq_cst);
        atomic_fetch_add_explicit(&cell->dropped, 1, memory_order_relaxed);
        act_mail_undeliverable(system, worker, oldest, ACTANT_FULL);
    }
}

void
act_side_take(struct act_worker *worker, struct act_cell *cell)
{
    struct act_side *side = atomic_load_explicit(&cell->side, memory_order_acquire);
    struct act_queue lanes[ACT_LANES];

    act_mutex_lock(&side->lock);
    for (unsigned lane = 0; lane < ACT_LANES; lane++) {
        lanes[lane] = side->lanes[lane];
        side->lanes[lane] = (struct act_queue){0};
        side->counts[lane] = 0;
    }
    side->poked = false;
    uint32_t done = side->done;
    uint64_t done_of = side->done_of;
    side->done = 0;
    act_mutex_unlock(&side->lock);
    for (; done > 0; done--) {
        act_mail_done_of(worker->system, done_of);
    }
    for (unsigned lane = 0; lane < ACT_LANES; lane++) {
        struct act_node *node;
        while ((node = act_queue_pop(&lanes[lane]))) {
            act_mail_take_in(worker, cell, node);
        }
    }
}
