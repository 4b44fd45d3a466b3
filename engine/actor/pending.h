/* What an actor waits for: answers to its asks, and its timers. A slot each, named by a serial that is never
 * used twice, so that an answer that comes late, or an alarm that went off before it was stopped, is
 * recognised when it is taken. Made at the first ask or timer; owned by the cell, touched by its thread. */
#ifndef ACT_ENGINE_ACTOR_PENDING_H
#define ACT_ENGINE_ACTOR_PENDING_H

#include "engine/actor/actor_internal.h"
#include "engine/actor/alarm.h"

enum act_slot_kind { ACT_SLOT_FREE, ACT_SLOT_ASK, ACT_SLOT_TIMER };

struct act_slot {
    uint32_t generation; /* serial: generation << 32 | index + 1 */
    uint8_t kind;
    bool armed;         /* it has an alarm that has not gone off */
    uint32_t next_free; /* index + 1 */
    uint64_t tag;
    int64_t due_ns, period_ns;
    struct act_alarm *alarm;
};
struct act_pending {
    ACT_VEC(struct act_slot) slots;
    uint32_t free; /* index + 1 */
};

int64_t act_pending_ns(int64_t ms); /* negative: -1, for ever */
/* Takes a slot; delay_ns -1: no alarm. Inside the actor's step. */
uint64_t act_pending_open(struct act_worker *worker, struct act_cell *cell, enum act_slot_kind kind,
                          uint64_t tag, int64_t delay_ns, int64_t period_ns);
/* NULL: the serial is stale. */
struct act_slot *act_pending_find(struct act_cell *cell, uint64_t serial);
void act_pending_close(struct act_worker *worker, struct act_cell *cell, struct act_slot *slot);
/* A REPLY or TIMER was taken: fills in what the actor is to see; false: nobody waits for it any more. */
bool act_pending_accept(struct act_worker *worker, struct act_cell *cell,
                        const struct act_node *node, struct actant_message *message);
/* Nothing is waited for any more; with release the memory goes, too (not while the ref lives: serials). */
void act_pending_clear(struct act_worker *worker, struct act_cell *cell, bool release);

#endif
