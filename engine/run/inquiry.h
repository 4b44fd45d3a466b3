/* A question of the run machine on its way to who knows the world (options.ask of coord.h), and the answer on
 * its way back. It belongs to the crew, not to the coordinator: one that takes over from a lost one asks again
 * what the log has no answer to, and meets the inquiry that is open, or answered, already. The loop's
 * thread.
 *
 * Invariants:
 * 1. Of one attempt's question at most one inquiry is open.
 * 2. Whoever was asked answers exactly once, however long that takes; the inquiry lives at least so long,
 *    with crew NULL if the run is gone by then. */
#ifndef ACT_ENGINE_RUN_INQUIRY_H
#define ACT_ENGINE_RUN_INQUIRY_H

#include "engine/core/run.h"

struct act_coord;

struct act_inquiry {
    struct act_inquiry *next; /* the crew's */
    struct act_coord *crew;   /* NULL: nobody wants to know any more */
    uint64_t number;          /* ANSWERED names it so */
    act_inst inst;
    uint32_t attempt;
    struct act_value *question, *dir, *name; /* as the effect has them (run.h); owned */
    bool answered;
    enum act_err code;
    struct act_error error;
    struct act_value *found; /* owned */
};

/* found is taken over; err is read if code says so. On the loop's thread, also within the call that asks. */
void act_inquiry_answer(struct act_inquiry *inquiry, enum act_err code, struct act_value *found,
                        const struct act_error *err);

/* ---- for the crew ---- */

/* What the effect asks, unless it is asked already; an answer that is there is told again. */
void act_inquiry_make(struct act_coord *crew, const struct act_effect *effect);
struct act_inquiry *act_inquiry_find(const struct act_coord *crew, uint64_t number);
void act_inquiry_drop(struct act_coord *crew, struct act_inquiry *inquiry); /* an answered one */
void act_inquiries_forsake(struct act_coord *crew);

#endif
