/* Binds an actor system to a loop: what is told to the loop's actors is done in the loop's next turn,
 * and a due timer of theirs wakes it. One drive a loop, shared by all runs on it and by whatever else
 * lives there as an actor (pools of workers). Used from the loop's thread; other threads may use the
 * system itself, as actor.h says.
 *
 * A turn: the actors run until nothing is ready; then every member of the drive that asked for it is
 * called once and may tell something, which is done in the same turn. That is how many messages become
 * one commit. */
#ifndef ACT_ENGINE_RUN_DRIVE_H
#define ACT_ENGINE_RUN_DRIVE_H

#include "engine/port/loop.h"
#include "include/actant/actor.h"

struct act_drive_options {
    struct act_loop *loop; /* borrowed; its on_turn is the drive's */
    unsigned threads;      /* of the system's pool */
    bool seeded;           /* see struct actant_options; the clock is the loop's all the same */
    uint64_t seed;
};

/* Embedded in who wants to be called. */
struct act_drive_member {
    struct act_drive_member *next;
    void (*settled)(struct act_drive_member *self); /* nothing is ready any more */
    bool wanted;                                    /* this turn */
};

struct act_drive;
/* NULL only if threads cannot be made. */
struct act_drive *act_drive_create(const struct act_drive_options *options);
/* Stops every actor. Outside a turn. NULL is nothing. */
void act_drive_destroy(struct act_drive *drive);
struct actant_system *act_drive_system(struct act_drive *drive);

void act_drive_join(struct act_drive *drive, struct act_drive_member *member);
void act_drive_part(struct act_drive *drive, struct act_drive_member *member);
/* member->settled is called before this turn is over, or in the next one. */
void act_drive_want(struct act_drive *drive, struct act_drive_member *member);
/* Stops ref and what stands under it, and turns until it is gone. Outside a turn. */
void act_drive_stop(struct act_drive *drive, struct actant_ref ref);

#endif
