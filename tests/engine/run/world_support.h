/* A world for a crew, made of memory: a loop whose clock jumps, a store, an executor whose tasks end as
 * a hash of what they are says. Everything follows from the plan and the seeds; the world counts what
 * must not happen. One thread. */
#ifndef ACT_TESTS_ENGINE_RUN_WORLD_SUPPORT_H
#define ACT_TESTS_ENGINE_RUN_WORLD_SUPPORT_H

#include "base/map.h"
#include "engine/run/coord.h"
#include "engine/run/group.h"
#include "engine/run/drive.h"
#include "engine/run/limits.h"
#include "engine/run/messages.h"

#include <pthread.h>

struct world_batch {
    uint64_t first_seq;
    uint32_t count;
    struct act_buf body;
};

struct act_attempt { /* of the world's executor */
    struct act_executor *executor;
    struct act_attempt *next, **back;
    struct act_attempt_watcher watcher;
    void *watcher_self;
    struct act_event end; /* its value and actor_state are owned */
    act_timer *start, *done;
    bool stopped;
};

struct world;
struct world_options {
    const struct act_plan *plan;
    uint64_t seed; /* of the actors' order; 0: the order of a real run */
    bool no_store;
    int64_t signal_every_ms; /* s0, s1, s2 in turn, as another process would send them; 0: none */
    /* Who is killed: before its at-th message (0: nobody), or each with one in `often` of all (0). */
    enum act_crew_role victim;
    uint64_t at;
    uint32_t often;
    bool for_ever; /* however often that was */
    bool power;    /* a group commits, on its thread */
    /* What befalls the whole process, each with one in so many (0: never), at most mishaps_max in all: */
    uint32_t die_often;  /* messages: the process is gone before it */
    uint32_t fail_often; /* appends: the store fails, before or after the batch is in it */
    uint32_t mishaps_max;
    int64_t suspend_ms, cancel_ms;    /* so long after the start; 0: not */
    uint64_t snapshot_bytes;          /* of log from one snapshot to the next; 0: none are taken */
    uint64_t turns_max;               /* of the loop, in one life; 0: many */
    uint32_t clock_often;             /* turns: the clock is set, by up to three days either way */
    int64_t clock_at_ms, clock_by_ms; /* set once, so long after the start, by so much; 0: not */
    bool kept;                        /* the attempts are a keeper's: they outlive the process */
    void (*equip)(struct world *w);   /* when all is set up: what stands before the world's ports */
};

struct world_actor { /* of a run's calls, as the store has it */
    char name[8];
    uint64_t version;
    struct act_buf state; /* the number of calls that it has seen, as a text */
};

struct world {
    struct world_options options;
    /* the loop */
    struct act_loop loop;
    int64_t now_ns, clock_ms; /* clock_ms: UTC minus now_ns */
    uint32_t clock_sets;
    struct act_timer *timers; /* by due time, then order */
    uint64_t timer_count;
    void (*turn)(void *self);
    void *turn_self;
    bool turn_wanted, stopped;
    /* the store */
    struct act_store store;
    ACT_VEC(struct world_batch) batches;
    uint64_t last_seq;
    struct act_buf snapshot;
    uint64_t snapshot_seq;
    uint32_t snapshots, snapshot_reads;
    struct act_limits limits;
    ACT_VEC(struct act_inbox_row) inbox;
    uint64_t inbox_ids;
    bool inbox_changed;
    char status[16];
    ACT_VEC(struct world_actor) actors;
    struct act_map committed; /* path and attempt of every DISPATCHED in the log */
    /* the group at power: it commits only while the loop lets it, at a time that the seed chooses */
    struct act_group *group;
    struct act_store_writer writer;
    pthread_mutex_t window_lock;
    pthread_cond_t window_opens;
    bool window;
    uint64_t window_random, commits;
    /* the executor */
    struct act_blob_port blobs;
    struct act_executor executor;
    struct act_attempt *attempts;
    struct act_map started; /* attempt id → times */
    struct act_arena arena;
    ACT_VEC(struct act_inquiry *) asked; /* what is answered later */
    /* what was seen */
    struct act_buf observed; /* the log, as the observer got it */
    uint64_t random;
    uint32_t kills, ends, taken[ACT_CREW_COUNT];
    bool over; /* the observer was told that the run ended */
    bool dead; /* nothing that this process still does is seen by anybody */
    uint32_t lives, mishaps, starts;
    struct act_coord *coord; /* of this life */
    act_timer *suspending;
    struct world_keeper *keeper; /* NULL: none */
    int64_t ns_offset;           /* of the first life */
    char problem[512];
};

/* Runs the plan to its end, in as many lives of the process as it takes. False: problem says why. */
bool world_run(struct world *w, const struct world_options *options);
void world_fini(struct world *w);
void world_problem(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The end as a text: the run's status and result, then every node's status and attempt, sorted. */
void world_outcome(const struct world *w, struct act_buf *out);

/* world_support.c: one life */
void world_init(struct world *w, const struct world_options *options);
bool world_chance(struct world *w, uint32_t one_in); /* 0: never */
bool world_mishap(struct world *w, uint32_t one_in); /* the same, as long as there may be more */
struct act_coord_options world_coord_options(struct world *w);
void world_drop_attempts(struct world *w); /* without a word */
/* loop_support.c, store_support.c */
void world_loop_init(struct world *w);
void world_loop_fini(struct world *w);
void world_store_init(struct world *w);
void world_store_fini(struct world *w);
/* group_support.c */
void world_group_init(struct world *w);
void world_group_fini(struct world *w);
/* Lets the group commit what it has and tell it: now, or perhaps not yet. */
void world_group_turn(struct world *w, bool now);
void world_group_open(struct world *w); /* from now on it commits when it likes */
/* keeper_support.c */
void world_keeper_init(struct world *w);
void world_keeper_options(struct world *w, struct act_coord_options *options);
void world_keeper_turn(struct world *w);
void world_keeper_gap(struct world *w); /* between two lives */
void world_keeper_fini(struct world *w);
void world_loop_stop_timer(struct act_timer *timer);
void world_post(struct world *w, const char *name);
void world_disown(struct world *w); /* what a process that is gone held */

#endif
