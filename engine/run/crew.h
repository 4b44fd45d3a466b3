/* The crew of one run: the actors that coordinate it, and what outlives each of them. What is here is
 * lent to the incarnations of an actor; nothing else of theirs survives when one is killed. Shared by
 * the files of this folder only; the loop's thread. */
#ifndef ACT_ENGINE_RUN_CREW_H
#define ACT_ENGINE_RUN_CREW_H

#include "engine/run/append.h"
#include "engine/run/inquiry.h"
#include "engine/run/roster.h"
#include "engine/run/coord.h"
#include "engine/run/drive.h"

struct act_desk;

/* How the run began in this process, so that it can be begun again until its first batch is committed. */
struct act_beginning {
    bool resumed; /* else it is new, and its first batch is written where it is created */
    enum act_resume_mode mode;
    struct act_str from; /* lives in the crew's arena */
};

/* What was asked for from outside. Asked again of every coordinator; what the log has already is
 * refused by the machine. */
struct act_wishes {
    bool suspend, cancel, stop_now;
    struct act_str who; /* cancels; lives in the crew's arena */
    int signal;         /* the first that came; 0: none */
};

/* Invariants:
 * 1. run is what the newest coordinator made, or is the run of one that is gone: it may be looked at
 *    but not told anything, until the next one has replaced it.
 * 2. The log in the store holds everything up to committed_seq, the observer has seen everything up to
 *    observed_seq, and observed_seq <= committed_seq. */
struct act_coord {
    struct act_coord_options options;
    struct act_drive *drive;
    bool own_drive;
    struct act_drive_member member;
    struct actant_system *system;
    struct actant_ref supervisor, guard, refs[ACT_CREW_COUNT];
    bool manned;                     /* the supervisor was made */
    uint64_t taken[ACT_CREW_COUNT];  /* messages */
    uint32_t starts[ACT_CREW_COUNT]; /* incarnations */
    bool in_step[ACT_CREW_COUNT];    /* an actor does one thing at a time */

    struct act_run *run;
    struct act_run_row row; /* as it was when the run began here; texts owned by arena */
    struct act_arena arena;
    struct act_beginning beginning;
    struct act_desk *prepared; /* for the first coordinator; NULL once it has begun */
    bool anew;                 /* this process has begun the run, and had it ever since */
    int64_t ns_offset;         /* monotonic scale of the run minus the loop's */
    bool owned, settled;       /* settled: a batch of this process is in the log */
    uint64_t committed_seq, observed_seq;
    uint32_t under_way;    /* appends that the group has */
    bool lent;             /* the group has had one */
    uint64_t sync_asked;   /* a WRITER_SYNC that waits for them; 0: none */
    uint64_t log_bytes;    /* since the newest snapshot */
    uint64_t snapshot_due; /* when they are so many; 0: nobody has said yet */

    struct act_inquiry *inquiries; /* newest first */
    uint64_t inquiry_count;        /* so far */
    struct act_roster attempts;    /* the host's */
    struct act_handles granted;    /* holders of limits that the store granted */
    struct act_wishes wishes;

    bool lone;    /* a keeper's (keep.h): host alone, its coordinator in another process */
    bool unheard; /* and that is not there now */

    bool ended, leaving, full;
    enum act_err failed;
    struct act_error error;
    act_timer *leave;
};

/* writer.c: appends that the group has are waited for, and settled. Outside a turn, when no actor of the crew
 * is left. */
void act_crew_settle(struct act_coord *crew);

/* coord.c */
void act_crew_tell(struct act_coord *crew, enum act_crew_role to, enum act_message_type type,
                   const void *data, size_t size);
void act_crew_hand_over(struct act_coord *crew, enum act_crew_role to, enum act_message_type type,
                        void *data, size_t size, void (*destroy)(void *data));
/* The coordinator gets TURN once everything that came in has been told. */
void act_crew_want_turn(struct act_coord *crew);
void act_crew_leave(struct act_coord *crew); /* the loop is stopped, whatever still runs */
void act_crew_finish(struct act_coord *crew);
int64_t act_crew_now_ms(const struct act_coord *crew);
int64_t act_crew_now_ns(const struct act_coord *crew); /* on the run's scale */
void act_crew_observe(struct act_coord *crew, uint64_t last_seq, struct act_str log);

/* Around each step of an actor. False: it was killed by the debug hook, the message is lost. */
bool act_crew_step_begin(struct act_coord *crew, enum act_crew_role role,
                         const struct actant_message *message);
void act_crew_step_end(struct act_coord *crew, enum act_crew_role role);

/* How a member of the crew is started, and started again: its mailbox stays. */
struct actant_child act_crew_child(struct act_coord *const *crew, const struct actant_class *actor);

/* The classes; args: a pointer to the crew. */
/* Its supervisor has given up: what runs is stopped by who destroys the run, which says why. */
void act_crew_give_up(struct act_coord *crew);

/* act_far_host_class stands for a host in another process. */
extern const struct actant_class act_coordinator_class, act_host_class, act_timers_class,
    act_writer_class, act_inbox_class, act_guard_class, act_far_host_class;

#endif
