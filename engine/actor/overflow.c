/* Full mailboxes: who gets a place, who is dropped, who waits.
 *
 * Rule BLOCK takes the message of an actor all the same and holds the actor back after its step, until the
 * receiver has worked off half of its mailbox. An actor that is full itself, or holds others back, is not
 * held: in a ring of actors that wait for each other there would be one that became held last, and it
 * would have been holding one already. For that argument registering and the look at who holds whom must
 * be one step: system->hold_lock. Threads that are no actors wait inside tell, under the same lock.
 *
 * cell->wanted and cell->places are Dekker's pair: who waits sets wanted, then looks at places; who leaves
 * lowers places, then looks at wanted. All four are sequentially consistent, so one of them sees the
 * other. */
#include "engine/actor/actor_internal.h"
#include "engine/actor/pending.h"

#include "base/alloc.h"

/* The actors that one receiver holds back. */
struct act_holders {
    ACT_VEC(uint64_t) refs;
};

static uint64_t
ref_of(const struct act_cell *cell)
{
    return atomic_load_explicit(&cell->ref, memory_order_relaxed);
}

static bool
has_room(const struct act_cell *cell)
{
    return atomic_load_explicit(&cell->places, memory_order_seq_cst) <=
           act_cell_mailbox_max(cell) / 2;
}

/* ---- holding actors ---------------------------------------------------------------------------- */

static bool
is_overloaded(struct actant_system *system, struct act_cell *sender)
{
    if (act_cell_mailbox_max(sender) != 0 &&
        atomic_load_explicit(&sender->places, memory_order_relaxed) >=
            act_cell_mailbox_max(sender)) {
        return true;
    }
    return act_table_get(&system->holders, ref_of(sender)) != NULL;
}

static void
add_holder(struct actant_system *system, uint64_t ref, uint64_t sender)
{
    struct act_holders *holders = act_table_get(&system->holders, ref);

    if (!holders) {
        holders = act_zalloc(1, sizeof(*holders));
        act_table_put(&system->holders, ref, holders);
    }
    act_vec_push(&holders->refs, sender);
}

/* True: ref, whose cell this is, will tell the sender when there is room. */
static bool
wait_in_line(struct actant_system *system, struct act_cell *cell, uint64_t ref,
             struct act_cell *sender)
{
    bool waits = false;

    act_mutex_lock(&system->hold_lock);
    if (!is_overloaded(system, sender)) {
        atomic_store_explicit(&cell->wanted, 1, memory_order_seq_cst);
        /* Room by now, or gone: whoever made it may have missed wanted. */
        waits = !has_room(cell) && ref_of(cell) == ref;
        if (waits) {
            add_holder(system, ref, ref_of(sender));
        }
    }
    act_mutex_unlock(&system->hold_lock);
    return waits;
}

/* The sender's step goes on; the next one comes when there is room. On the sender's thread. */
static void
hold(struct act_worker *worker, struct act_cell *cell, uint64_t ref)
{
    struct act_cell *sender = worker->context.cell;
    struct act_bonds *bonds = &act_cell_rare(worker, sender)->bonds;

    if (cell == sender || act_bonds_get(bonds, ref) & ACT_BOND_HOLDS_ME) {
        return;
    }
    if (wait_in_line(worker->system, cell, ref, sender)) {
        act_bonds_add(bonds, ref, ACT_BOND_HOLDS_ME);
        sender->holds++;
    }
}

/* Others may have filled the mailbox while the word of its room was on its way. */
void
act_overflow_unhold(struct act_worker *worker, struct act_cell *sender, uint64_t ref)
{
    struct act_cell *cell = act_cell_of(worker->system, ref);

    if (!sender->rare || !(act_bonds_get(&sender->rare->bonds, ref) & ACT_BOND_HOLDS_ME) ||
        (cell && wait_in_line(worker->system, cell, ref, sender))) {
        return;
    }
    act_bonds_drop(&sender->rare->bonds, ref, ACT_BOND_HOLDS_ME);
    sender->holds--;
}

void
act_overflow_room(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                  uint64_t ref)
{
    act_mutex_lock(&system->hold_lock);
    if (!has_room(cell) && ref_of(cell) == ref) { /* not any more: it is wanted still */
        act_mutex_unlock(&system->hold_lock);
        return;
    }
    struct act_holders *holders = act_table_take(&system->holders, ref);
    bool loop_waits = system->loop_waits;
    /* The cell may be another's by now, who holds others. Threads look again in any case. */
    atomic_store_explicit(&cell->wanted, act_table_get(&system->holders, ref_of(cell)) != NULL,
                          memory_order_seq_cst);
    act_cond_broadcast(&system->room);
    act_mutex_unlock(&system->hold_lock);
    if (loop_waits) {
        act_system_poke(system);
    }
    for (uint32_t i = 0; holders && i < holders->refs.len; i++) {
        act_mail_control(system, worker, holders->refs.ptr[i], ref, ACT_CONTROL_UNHOLD, 0, 0);
    }
    if (holders) {
        act_vec_fini(&holders->refs);
        act_free(holders);
    }
}

void
act_overflow_leave(struct act_worker *worker, struct act_cell *cell)
{
    atomic_fetch_sub_explicit(&cell->places, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&cell->wanted, memory_order_seq_cst) && has_room(cell)) {
        act_overflow_room(worker->system, worker, cell, ref_of(cell));
    }
}

/* ---- holding threads --------------------------------------------------------------------------- */

struct turn_for_room {
    struct act_cell *cell;
    uint64_t ref;
};

/* Looked at after each turn. Whoever makes room later sees wanted, and wakes the loop. */
static bool
room_or_gone(void *self)
{
    struct turn_for_room *turn = self;

    atomic_store_explicit(&turn->cell->wanted, 1, memory_order_seq_cst);
    return ref_of(turn->cell) != turn->ref ||
           atomic_load_explicit(&turn->cell->places, memory_order_seq_cst) <
               act_cell_mailbox_max(turn->cell);
}

static void
turn_until_room(struct actant_system *system, struct act_cell *cell, uint64_t ref)
{
    struct turn_for_room turn = {cell, ref};

    act_mutex_lock(&system->hold_lock);
    system->loop_waits = true;
    act_mutex_unlock(&system->hold_lock);
    act_system_turn_until(system, room_or_gone, &turn, -1);
    act_mutex_lock(&system->hold_lock);
    system->loop_waits = false;
    act_mutex_unlock(&system->hold_lock);
}

static void
wait_for_room(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
              uint64_t ref)
{
    if (worker) {
        turn_until_room(system, cell, ref);
        return;
    }
    act_mutex_lock(&system->hold_lock);
    for (;;) {
        atomic_store_explicit(&cell->wanted, 1, memory_order_seq_cst);
        if (has_room(cell) || ref_of(cell) != ref) {
            break;
        }
        act_cond_wait(&system->room, &system->hold_lock, -1);
    }
    act_mutex_unlock(&system->hold_lock);
}

/* ---- places ------------------------------------------------------------------------------------ */

static bool
take_place(struct act_cell *cell)
{
    return atomic_fetch_add_explicit(&cell->places, 1, memory_order_seq_cst) <
           act_cell_mailbox_max(cell);
}

static void
give_place(struct actant_system *system, struct act_worker *worker, struct act_cell *cell)
{
    atomic_fetch_sub_explicit(&cell->places, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&cell->wanted, memory_order_seq_cst) && has_room(cell)) {
        act_overflow_room(system, worker, cell, ref_of(cell));
    }
}

static enum actant_code
block(struct actant_system *system, struct act_worker *worker, struct act_cell *cell, uint64_t ref)
{
    if (worker && (worker->context.cell || worker->in_turn)) {
        if (worker->context.cell) {
            hold(worker, cell, ref);
        }
        return ACTANT_OK;
    }
    do {
        give_place(system, worker, cell);
        wait_for_room(system, worker, cell, ref);
        if (ref_of(cell) != ref) {
            return ACTANT_GONE;
        }
    } while (!take_place(cell));
    return ACTANT_OK;
}

enum actant_code
act_overflow_admit(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                   uint64_t ref, bool *ret_dropped)
{
    if (take_place(cell)) {
        return ACTANT_OK;
    }
    switch (act_cell_overflow(cell)) {
    case ACTANT_BLOCK: return block(system, worker, cell, ref);
    case ACTANT_FAIL: give_place(system, worker, cell); return ACTANT_FULL;
    case ACTANT_DROP_NEWEST:
        give_place(system, worker, cell);
        atomic_fetch_add_explicit(&cell->dropped, 1, memory_order_relaxed);
        *ret_dropped = true;
        return ACTANT_OK;
    case ACTANT_DROP_OLDEST: break; /* the receiver drops when it takes the message in */
    }
    return ACTANT_OK;
}
