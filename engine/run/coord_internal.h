/* The coordinator's inside, shared by coord*.c only. */
#ifndef ACT_ENGINE_RUN_COORD_INTERNAL_H
#define ACT_ENGINE_RUN_COORD_INTERNAL_H

#include "engine/run/callees.h"
#include "engine/run/coord.h"
#include "engine/run/handles.h"
#include "engine/run/limits.h"
#include "engine/run/ready.h"

/* An attempt under way. Owned by the coordinator until it has ended. */
struct act_slot {
    struct act_coord *coord;
    struct act_slot *next, *prev;  /* all that are under way */
    struct act_executor *executor; /* NULL: nobody runs this kind, its end is on the way */
    struct act_attempt *attempt;
    act_inst inst;
    uint32_t number; /* of the attempt */
    int pid;
    bool announced;          /* a STARTED event was logged */
    bool stopped;            /* we asked it to end */
    struct act_buf followed; /* output since the last OUTPUT event, for those who follow */
    struct act_buf order;    /* its parts: varint lengths, alternately of out and err */
    int followed_stream;
    uint64_t followed_part_bytes, followed_total_bytes;
};

/* A timer the machine asked for. */
struct act_due {
    struct act_coord *coord;
    act_inst inst;
    uint32_t number;
    int64_t due_ms; /* UTC, or -1: monotonic */
    act_timer *timer;
};

/* An instance that waits for limits. */
struct act_waiter {
    act_inst inst;
    struct act_value *limits; /* owned */
    bool held; /* granted in an earlier life of the run: taken again as soon as they are free */
};

struct act_coord {
    struct act_coord_options options;
    struct act_run *run;
    struct act_effects effects; /* of this turn, not yet committed */
    struct act_effects doing;   /* committed, being done */
    struct act_ready ready;
    struct act_slot *slots;
    uint32_t slots_used;
    struct act_handles timers, attempts;
    struct act_callees callees;
    act_timer *callee_timer;
    act_actor_saves saves; /* of the batch that is being committed */
    ACT_VEC(struct act_waiter) waiters;
    struct act_limits limits; /* without a store */
    act_timer *poll, *lazy, *limit_poll, *leave;
    struct act_run_row row; /* texts owned by arena */
    struct act_arena arena;
    ACT_VEC(uint64_t) inbox_done; /* rows whose facts are in effects */
    int64_t ns_offset;            /* monotonic scale of the run minus the loop's */
    enum act_durability durability;
    bool owned, started, ended, leaving;
    bool suspending, cancelling, stop_now, full;
    int signal;
    enum act_err failed;
    struct act_error error;
};

struct act_fact act_coord_fact(struct act_coord *coord, enum act_event_type type, act_inst inst);
/* Applies; a stale fact is dropped. Asks for a turn. */
enum act_err act_coord_apply(struct act_coord *coord, const struct act_fact *fact);
void act_coord_fail(struct act_coord *coord, enum act_err code, const struct act_error *error);
bool act_coord_over(const struct act_coord *coord);
void act_coord_maybe_leave(struct act_coord *coord);

/* coord.c, for coord_begin.c */
void act_coord_give_slots(struct act_coord *coord);
const struct act_run_row *act_coord_changed_row(struct act_coord *coord); /* NULL: unchanged */
void act_coord_observe_batch(struct act_coord *coord, struct act_str log);
struct act_batch act_coord_batch_of_turn(struct act_coord *coord, struct act_arena *arena,
                                         act_inbox_rows *posts);
bool act_coord_is_end(enum act_status status);

/* coord_attempts.c */
void act_coord_start_attempt(struct act_coord *coord, act_inst inst);
void act_coord_stop_attempt(struct act_coord *coord, act_inst inst, int64_t grace_ms);
void act_coord_stop_all(struct act_coord *coord, int64_t grace_ms);
void act_coord_slots_fini(struct act_coord *coord);

/* coord_timers.c */
void act_coord_set_timer(struct act_coord *coord, const struct act_effect *effect);
void act_coord_clear_timer(struct act_coord *coord, act_inst inst, uint32_t number);
void act_coord_timers_fini(struct act_coord *coord);

/* coord_world.c: limits, questions, signals to others, the inbox */
void act_coord_acquire(struct act_coord *coord, const struct act_effect *effect);
void act_coord_release(struct act_coord *coord, act_inst inst);
void act_coord_question(struct act_coord *coord, const struct act_effect *effect);
/* Signals to other runs among the turn's effects, as rows for the batch's transaction; texts live in
 * arena. */
void act_coord_gather_posts(struct act_coord *coord, struct act_arena *arena, act_inbox_rows *ret);
void act_coord_report_posts(struct act_coord *coord, const act_inbox_rows *posts);
void act_coord_read_inbox(struct act_coord *coord);
void act_coord_poll_inbox(struct act_coord *coord);

#endif
