/* The coordinator's desk: what it knows of its run, all of it made from the log, and gone with it. A
 * file each: desk.c the turn (gather, commit, act), desk_begin.c how a run begins here, desk_adopt.c
 * how the next coordinator takes over from one that was lost, desk_attempts.c, desk_limits.c,
 * desk_inbox.c. The loop's thread, inside the coordinator's steps (or before it was spawned). */
#ifndef ACT_ENGINE_RUN_DESK_H
#define ACT_ENGINE_RUN_DESK_H

#include "engine/run/callees.h"
#include "engine/run/crew.h"
#include "engine/run/limits.h"
#include "engine/run/ready.h"

/* An attempt that was dispatched and whose end was not applied yet. */
struct act_slot {
    struct act_slot *next, *prev;
    struct act_attempt_id id;
    bool stopped; /* it was asked to end */
    int64_t grace_ms;
    uint32_t seen; /* number of the KNOWN that had it */
};

/* An instance that waits for limits. */
struct act_waiter {
    act_inst inst;
    struct act_value *limits; /* owned */
    bool held; /* granted in an earlier life of the run: taken again as soon as they are free */
};

ACT_VEC_TYPE(act_attempt_ids, struct act_attempt_id);

/* Invariants:
 * 1. One batch is on its way at a time: appending is it, doing has its effects; effects has what is
 *    gathered meanwhile.
 * 2. acks are ends that stand in effects, acking those in doing: nothing is acknowledged before its
 *    batch is committed. */
struct act_desk {
    struct act_coord *crew;
    struct actant_context *context; /* of the step; NULL before the first */
    struct act_run *run;            /* the crew's */
    bool open;        /* the run's state is here; else it is being read from the log */
    bool turn_missed; /* while a batch was on its way */
    struct act_effects effects, doing;
    struct act_append *appending; /* NULL: none */
    struct act_attempt_ids acks, acking;
    struct act_ready ready;
    struct act_slot *slots;
    struct act_handles slot_of; /* by instance */
    uint32_t slots_used, known_count;
    ACT_VEC(struct act_waiter) waiters;
    struct act_limits limits; /* without a store */
    bool limits_ticking, callees_ticking;
    struct act_callees callees;
    struct act_str status;        /* of the run's row */
    ACT_VEC(uint64_t) inbox_done; /* rows whose facts are in effects */
    bool suspending, stop_now;
    struct act_buf snapshot; /* of the batch that is gathered or on its way; empty: none */
    uint64_t snapshot_seq;
    bool keeping; /* one is on its way to the store */
};

/* Tags of the coordinator's own timers. */
enum { ACT_DESK_LIMITS, ACT_DESK_CALLEES };

struct act_desk *act_desk_create(struct act_coord *crew);
void act_desk_destroy(struct act_desk *desk); /* not the run */

struct act_fact act_desk_fact(const struct act_desk *desk, enum act_event_type type, act_inst inst);
/* Applies; a stale fact is dropped. Asks for a turn. */
enum act_err act_desk_apply(struct act_desk *desk, const struct act_fact *fact);
void act_desk_fail(struct act_desk *desk, enum act_err code, const struct act_error *error);
void act_desk_maybe_leave(struct act_desk *desk);
void act_desk_warn(struct act_desk *desk, const char *text);
bool act_desk_is_end(enum act_status status);

/* desk.c */
void act_desk_turn(struct act_desk *desk);
void act_desk_committed(struct act_desk *desk, struct act_append *append);
/* The writer may have lost what it was sent. */
void act_desk_send_again(struct act_desk *desk);
void act_desk_answered(struct act_desk *desk, uint64_t number);
void act_desk_give_slots(struct act_desk *desk);
void act_desk_retry_callees(struct act_desk *desk);
/* The turn's events, what goes with them and the row, if it changed; moves on to `doing`. */
struct act_append *act_desk_gather(struct act_desk *desk);
void act_desk_suspend(struct act_desk *desk);
void act_desk_cancel(struct act_desk *desk, struct act_str who);
void act_desk_take_wishes(struct act_desk *desk);

/* desk_begin.c */
enum act_err act_desk_start(struct act_desk *desk, const struct act_value *started,
                            struct act_str plan_bytes, struct act_error *err);
enum act_err act_desk_resume(struct act_desk *desk, struct act_error *err);
/* What the log says, again: into desk->run. */
enum act_err act_desk_replay(struct act_desk *desk, struct act_error *err);
/* Once more, after a replay of a log that does not know of this process yet. */
enum act_err act_desk_take_up(struct act_desk *desk, struct act_error *err);

/* desk_snapshot.c */
void act_desk_take_snapshot(struct act_desk *desk, const struct act_batch *batch);
void act_desk_keep_snapshot(struct act_desk *desk, bool committed);
void act_desk_snapshot_kept(struct act_desk *desk);
uint64_t act_desk_load_snapshot(struct act_desk *desk);
void act_desk_drop_snapshot(struct act_desk *desk); /* the run is as if it was never loaded */

/* desk_adopt.c */
void act_desk_adopt(struct act_desk *desk);
/* The run is what the log says, and its attempts live on: go on from there. */
void act_desk_take_over(struct act_desk *desk);
/* After the actors of a crew that took over were made: asks the others what they know. */
void act_desk_greet(struct act_coord *crew);
/* An attempt of an earlier life, whose end is known all the same. */
void act_desk_apply_proven(struct act_desk *desk, act_inst inst, const struct act_task *task,
                           const struct act_end *end);
void act_desk_set_timers_again(struct act_desk *desk);
void act_desk_reconcile(struct act_desk *desk, const struct act_known *known, size_t count);

/* desk_attempts.c */
void act_desk_add_slot(struct act_desk *desk, struct act_attempt_id id);
void act_desk_start_attempt(struct act_desk *desk, act_inst inst);
void act_desk_stop_attempt(struct act_desk *desk, act_inst inst, int64_t grace_ms);
void act_desk_stop_all(struct act_desk *desk, int64_t grace_ms);
void act_desk_attempt_started(struct act_desk *desk, const struct act_started *started);
void act_desk_attempt_output(struct act_desk *desk, const struct act_followed *followed);
void act_desk_attempt_ended(struct act_desk *desk, const struct act_end *end);
void act_desk_send_acks(struct act_desk *desk);
void act_desk_slots_fini(struct act_desk *desk);

/* desk_limits.c */
void act_desk_acquire(struct act_desk *desk, const struct act_effect *effect);
void act_desk_release(struct act_desk *desk, act_inst inst);
void act_desk_serve_waiters(struct act_desk *desk);
/* Gives back what was granted to an instance that does not hold it by the log. */
void act_desk_sweep_grants(struct act_desk *desk);
void act_desk_limits_fini(struct act_desk *desk);

/* desk_inbox.c: what comes from other runs and goes to them */
void act_desk_gather_posts(struct act_desk *desk, struct act_append *append);
void act_desk_report_posts(struct act_desk *desk, const struct act_append *append);
void act_desk_take_row(struct act_desk *desk, const struct act_inbox_row *row);

#endif
