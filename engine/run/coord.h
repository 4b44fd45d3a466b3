/* One run at work: a crew of actors around a coordinator, which feeds the run machine with facts from
 * timers, executors, the inbox and this process's signals, gives slots, has each turn's batch appended
 * to the store and then does the effects. An actor of the crew that is lost is made anew, and the run
 * goes on as if nothing had happened (docs/adr/0009). Lives on the loop's thread; knows the world only
 * through ports. */
#ifndef ACT_ENGINE_RUN_COORD_H
#define ACT_ENGINE_RUN_COORD_H

#include "engine/core/run.h"
#include "engine/port/blob.h"
#include "engine/port/loop.h"
#include "engine/port/store.h"
#include "engine/run/inquiry.h"
#include "engine/run/router.h"

/* Follows a run, for the terminal and reports. Called on the loop's thread, after the batch has been
 * committed; every callback may be NULL. */
struct act_coord_observer {
    void *self;
    /* Events of one committed batch (decode with act_event_decode); none: run is another object now,
     * in the same state, and the one of the last call is about to go. */
    void (*batch)(void *self, const struct act_run *run, struct act_str events);
    void (*output)(void *self, const struct act_run *run, act_inst inst, int stream,
                   struct act_str bytes);
    void (*warning)(void *self, const char *text);
    void (*ended)(void *self, const struct act_run *run); /* also when suspended */
};

struct act_drive;
struct act_end;
struct act_group;

/* For tests: lose(self, role, n, type) is asked before the n-th message of each actor of the crew (role
 * an enum act_crew_role: engine/run/messages.h); true: the actor is killed, and the message with it.
 * What is built to be used has none. */
struct act_coord_hook {
    bool (*lose)(void *self, int role, uint64_t n, uint32_t type);
    void *self;
};

/* The executor host lives in another process (keep.h) and outlives this one. number: of a message
 * (messages.def), letter: it as bytes (letter.h); lent for the call. */
struct act_far {
    void (*send)(void *self, uint32_t number, struct act_str letter); /* NULL: it lives here */
    void *self;
};

enum act_on_interrupt { ACT_INTERRUPT_SUSPEND, ACT_INTERRUPT_CANCEL };

struct act_coord_options {
    struct act_loop *loop;   /* its on_signal is the crew's */
    struct act_store *store; /* NULL: no history (the benchmark's "off") */
    struct act_group *group; /* who appends; NULL: the loop itself, through store */
    struct act_blob_port *blobs;
    struct act_router router; /* who runs what; executors are borrowed */
    /* Ends what is left of an attempt of an earlier life (by its cookie); NULL: nothing to do. */
    uint32_t (*end_leftovers)(void *self, struct act_str attempt_id);
    void *end_leftovers_self;
    /* How an attempt of an earlier life ended, if that is proven though the log does not know it; lent.
     * NULL: it is not. NULL itself: nothing is ever. */
    const struct act_end *(*proven)(void *self, struct act_str attempt_id);
    void *proven_self;
    int64_t ns_offset; /* with a far host: act_coord_ns_offset of an earlier coordinator; 0: none */
    bool sync_first;   /* the first batch of a new run is committed at FULL */
    struct act_far far; /* then router is not used, nor end_leftovers and proven but to take_up */
    bool take_up; /* far: a stored run is taken up as `resume` does; its attempts do not live */
    const struct act_plan *plan;
    /* A new run that is a fork: the facts that follow RUN_STARTED, encoded; lent until it has started. */
    struct act_str reused;
    uint32_t slots;          /* -j */
    uint64_t snapshot_bytes; /* of log from one snapshot to the next; 0: as it pays */
    bool take_quarantined;   /* resume although processes have died while they did */
    enum act_on_interrupt on_interrupt;
    struct act_coord_observer observer;
    /* The machine asks the world (ACT_EFFECT_QUESTION): act_inquiry_answer, now or later. NULL: refused. */
    void (*ask)(void *self, struct act_inquiry *inquiry);
    void *ask_self;
    /* What a node that may be reused has ended with, or that it may not be any more (ACT_EFFECT_KEEP,
     * ACT_EFFECT_FORGET); its end is committed. NULL: nothing is kept. */
    void (*keep)(void *self, const struct act_effect *effect);
    void *keep_self;
    struct act_drive
        *drive; /* of the loop, if others live on it as actors; NULL: a drive of its own */
    struct act_coord_hook hook;
};

struct act_coord;
struct act_coord *act_coord_create(const struct act_coord_options *options);
void act_coord_destroy(struct act_coord *coord);

/* Begins a new run: row as it goes into the store (status "running"), started the value of
 * RUN_STARTED, plan_bytes what is stored (with sides). The run is owned from then on. */
enum act_err act_coord_start(struct act_coord *coord, const struct act_run_row *row,
                             const struct act_value *started, struct act_str plan_bytes,
                             struct act_error *err);
/* Takes a stored run up again: owns it, replays, ends what is left of earlier attempts, goes on. With a
 * far host there is nothing left over: its attempts live, and are adopted.
 * ACT_ERR_EXISTS if it has ended already (coord then holds its outcome). retry: `actant retry` of an
 * ended run, from (may be empty) a node. cancel: take it only to cancel it. */
enum act_resume_mode { ACT_RESUME_GO_ON, ACT_RESUME_RETRY, ACT_RESUME_CANCEL };
enum act_err act_coord_resume(struct act_coord *coord, const struct act_run_row *row,
                              enum act_resume_mode mode, struct act_str from,
                              struct act_error *err);
/* Asked for from outside (or by a signal to this process). */
void act_coord_suspend(struct act_coord *coord);
void act_coord_cancel(struct act_coord *coord, struct act_str who);
void act_coord_stop_now(struct act_coord *coord); /* second signal: kill and leave */

/* What the far host says. ACT_ERR_CORRUPT: it is not to be understood, and nothing was done. */
enum act_err act_coord_hear(struct act_coord *coord, uint32_t number, struct act_str letter,
                            struct act_error *err);
/* The far host is gone, and its attempts with it: nothing more can be done here. */
void act_coord_forsaken(struct act_coord *coord);
/* The run's monotonic scale minus the loop's: time goes on for attempts that live on. */
int64_t act_coord_ns_offset(const struct act_coord *coord);
/* As if this process had got it. */
void act_coord_take_signal(struct act_coord *coord, int number);

/* Of its row the times as last committed: ended_ms is 0 while it is under way. */
const struct act_run_row *act_coord_row(const struct act_coord *coord);
const struct act_run *act_coord_run(const struct act_coord *coord);
/* After the loop has returned: ACT_OK if the run ended or was suspended in order; else what failed
 * (store, system). */
enum act_err act_coord_result(const struct act_coord *coord, struct act_error *err);
int act_coord_signal(const struct act_coord *coord); /* SIGINT, SIGTERM that suspended it; 0 */

#endif
